package basemap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"
)

// Proxy serves the tiles of a raster server from a cache on the disk, and asks the server for what is missing or has
// expired. The package comment says by which rules.
type Proxy struct {
	o      Options
	client *http.Client
	info   Info
	cache  *tileCache
	flight singleflight.Group
	turns  chan struct{} // one for each request that may run
	queue  chan struct{} // one for each request that runs or waits
	pause  *backoff
}

var _ Source = (*Proxy)(nil)

// queuedPerTurn is how many requests wait for each that runs. Beyond that visitors are told to come back: who looks at so
// many tiles at once downloads them.
const queuedPerTurn = 32

// patience is how long one request may take, with its waiting.
const patience = 30 * time.Second

// NewProxy checks the options, all of them at once, and opens the cache.
func NewProxy(o Options) (*Proxy, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	cache, err := openTileCache(o.CacheDir, o.CacheBytes, o.Now)
	if err != nil {
		return nil, fmt.Errorf("the cache of tiles: %w", err)
	}
	return &Proxy{
		o: o, client: withoutDetours(o.Client), info: describeProxy(o), cache: cache, pause: &backoff{},
		turns: make(chan struct{}, o.Concurrency), queue: make(chan struct{}, o.Concurrency*(1+queuedPerTurn)),
	}, nil
}

// withoutDetours is the same client, but it follows no redirect and keeps no cookies: what is asked is the configured
// server and nobody else.
func withoutDetours(c *http.Client) *http.Client {
	own := *c
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func describeProxy(o Options) Info {
	center := [3]float64{0, 0, float64(o.MinZoom)}
	return Info{Name: o.Name, Format: o.format(), TileSize: o.TileSize, MinZoom: o.MinZoom, MaxZoom: o.MaxZoom,
		Bounds: world, Center: center, Attribution: SafeAttribution(o.Attribution)}
}

// Info describes the server as the options do.
func (p *Proxy) Info() Info { return p.info }

// Tile gives a tile from the cache while it is fresh, and asks the server otherwise. When the server fails, a tile that has
// expired is given all the same.
func (p *Proxy) Tile(ctx context.Context, z, x, y int) (Tile, error) {
	if err := checkTile(z, x, y); err != nil {
		return Tile{}, err
	}
	if z < p.o.MinZoom || z > p.o.MaxZoom {
		return Tile{}, ErrNoTile
	}
	address := p.o.address(z, x, y)
	if kept, ok := p.cache.get(address); ok && kept.fresh(p.o.Now()) {
		return kept.tile()
	}
	return p.shared(ctx, address)
}

// shared asks once for all who wait for the same tile. It goes on when one of them leaves.
func (p *Proxy) shared(ctx context.Context, address string) (Tile, error) {
	answer := p.flight.DoChan(address, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return p.renew(ctx, address)
	})
	select {
	case <-ctx.Done():
		return Tile{}, ctx.Err()
	case r := <-answer:
		t, _ := r.Val.(Tile)
		return t, r.Err
	}
}

// renew asks the server for a tile that is missing or has expired.
func (p *Proxy) renew(ctx context.Context, address string) (Tile, error) {
	kept, have := p.cache.get(address)
	if have && kept.fresh(p.o.Now()) {
		return kept.tile() // somebody else was quicker
	}
	got, err := p.ask(ctx, address, kept)
	if err == nil {
		p.keep(address, got)
		return got.tile()
	}
	if have && !kept.Strict {
		t, err := kept.tile()
		t.Stale = true
		return t, err
	}
	return Tile{}, unavailable(err, "The tile server does not answer now. Try again in a while.",
		"Le serveur de tuiles ne répond pas pour l’instant. Réessayez un peu plus tard.")
}

func (p *Proxy) keep(address string, t keptTile) {
	var err error
	if t.unkept {
		p.cache.drop(address)
	} else {
		err = p.cache.put(address, t)
	}
	if err != nil {
		p.o.Log.Warn("a tile could not be kept", "error", err)
	}
}

var (
	errBusy   = errors.New("too many tiles are waited for")
	errPaused = errors.New("the server failed a while ago and is left alone")
)

// ask sends one request when its turn has come, unless the server has failed lately.
func (p *Proxy) ask(ctx context.Context, address string, kept keptTile) (keptTile, error) {
	release, err := p.turn(ctx)
	if err != nil {
		return keptTile{}, err
	}
	defer release()
	got, wait, err := p.fetch(ctx, address, kept)
	if err != nil {
		pause := p.pause.failed(p.o.Now(), wait)
		p.o.Log.Warn("the tile server failed", "error", err, "pause", pause)
		return keptTile{}, err
	}
	p.pause.worked()
	return got, nil
}

// turn waits until a request may run. Who has it releases it.
func (p *Proxy) turn(ctx context.Context) (release func(), err error) {
	if p.pause.holds(p.o.Now()) {
		return nil, errPaused
	}
	select {
	case p.queue <- struct{}{}:
	default:
		return nil, errBusy
	}
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		<-p.queue
		return nil, ctx.Err()
	}
	release = func() { <-p.turns; <-p.queue }
	if p.pause.holds(p.o.Now()) { // the server failed while this one waited
		release()
		return nil, errPaused
	}
	return release, nil
}

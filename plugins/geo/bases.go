package geo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

// base is a base map: an archive in the plugin's directory, or a raster server behind a cache.
type base struct {
	name   string
	source basemap.Source
	close  func() error
}

// rasterSettings is a raster server.
type rasterSettings struct {
	Name        string `json:"name"`
	URL         string `json:"url"`
	Contact     string `json:"contact"`
	Attribution string `json:"attribution"`
	MaxZoom     int    `json:"maxZoom"`
}

const archiveSuffix = ".pmtiles"

func (g *geo) registerBases(r *plugin.Registry) error {
	return errors.Join(
		plugin.Handle(r, "GET", "/geo/base/{source}/{z}/{x}/{y}", "readBaseTile", "A tile of a base map", g.readBaseTile, plugin.Public(), plugin.ForAtMost(baseWithin)),
		plugin.Get(r, "/geo/base/{source}/tilejson.json", "describeBase", "A base map's TileJSON 3.0", g.baseTileJSON, plugin.Public()),
		plugin.Get(r, "/geo/bases", "listBases", "The base maps", g.listBases, plugin.Public()),
	)
}

// bases are the base maps of a node. Who reads tiles holds them: the archives are closed when nobody does any more.
type bases struct {
	all     []*base
	holders atomic.Int64 // those who read, and the node as long as it is not stopped
}

// openBases opens the archives in {data}/plugins/{id}/base and what the settings name. One that cannot be opened is left out:
// maps go on without it.
func openBases(ctx context.Context, h plugin.Host, dir string, rasters []rasterSettings) *bases {
	out := &bases{}
	out.holders.Store(1)
	for _, path := range filesIn(filepath.Join(dir, "base"), archiveSuffix) {
		b, err := openArchive(ctx, path)
		if err != nil {
			h.Log().Error("a base map is left out", "file", path, "error", err)
			continue
		}
		out.all = append(out.all, b)
	}
	for _, s := range rasters {
		b, err := openRaster(h, s, dir)
		if err != nil {
			h.Log().Error("a base map is left out", "name", s.Name, "error", err)
			continue
		}
		out.all = append(out.all, b)
	}
	return out
}

// hold keeps the archives open until release; false when they are closed already.
func (s *bases) hold() bool {
	for {
		n := s.holders.Load()
		if n == 0 {
			return false
		}
		if s.holders.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release ends a hold; the last one closes the archives.
func (s *bases) release() error {
	if s.holders.Add(-1) > 0 {
		return nil
	}
	var failures []error
	for _, b := range s.all {
		failures = append(failures, b.close())
	}
	return errors.Join(failures...)
}

// named finds a base map.
func (s *bases) named(name string) (*base, error) {
	at := slices.IndexFunc(s.all, func(b *base) bool { return b.name == name })
	if at < 0 {
		return nil, core.Refuse(core.CodeNotFound, "", "There is no base map %q.", "Il n’y a pas de fond de carte « %s ».", clipped(name))
	}
	return s.all[at], nil
}

func filesIn(dir, suffix string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // there are none
	}
	var paths []string
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, suffix) && layerName.MatchString(strings.TrimSuffix(name, suffix)) {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths
}

func openArchive(ctx context.Context, path string) (*base, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	a, err := basemap.OpenArchive(ctx, basemap.FileRanges(f), info.Size())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &base{name: strings.TrimSuffix(filepath.Base(path), archiveSuffix), source: a, close: f.Close}, nil
}

func openRaster(h plugin.Host, s rasterSettings, dir string) (*base, error) {
	site := h.PublicURL()
	p, err := basemap.NewProxy(basemap.Options{Template: s.URL, UserAgent: fmt.Sprintf("Palabre/1.0 (%s)", contactOf(site, s.Contact)), Referer: site, Attribution: s.Attribution,
		Name: s.Name, MaxZoom: s.MaxZoom, CacheDir: filepath.Join(dir, "cache", s.Name), Client: h.HTTP(), Now: h.Now, Log: h.Log()})
	if err != nil {
		return nil, err
	}
	return &base{name: s.Name, source: p, close: func() error { return nil }}, nil
}

// contactOf is how those who run a tile server reach those who run this one.
func contactOf(site, contact string) string {
	if site == "" {
		return contact
	}
	return "+" + site + "; " + contact
}

const (
	baseWithin = 20 * 1e9 // a raster server far away may be slow
	baseMaxAge = 24 * 3600
)

func (g *geo) readBaseTile(w http.ResponseWriter, q *core.RouteRequest) error {
	if err := noParams(q.Query); err != nil {
		return err
	}
	n := g.running.Load()
	for !n.bases.hold() {
		was := n
		if n = g.running.Load(); n == was {
			return core.Refuse(core.CodeUnavailable, "", "The base maps are being opened anew: ask again.", "Les fonds de carte sont en train d’être rouverts : redemandez.")
		}
	}
	defer func() {
		if err := n.bases.release(); err != nil {
			n.Log().Warn("a base map does not close", "error", err)
		}
	}()
	b, err := n.bases.named(q.Value("source"))
	if err != nil {
		return err
	}
	format := "." + string(b.source.Info().Format)
	at, err := tileAt(q, format)
	if err != nil {
		return err
	}
	tile, err := b.source.Tile(q.Context(), at.z, at.x, at.y)
	if errors.Is(err, basemap.ErrNoTile) {
		w.WriteHeader(http.StatusNoContent) // what MapLibre takes for an empty tile
		return nil
	}
	if err != nil {
		return err
	}
	return sendTile(w, q, tile, n.Now().Unix())
}

// sendTile answers with a tile, in the encoding that it is kept in where the caller takes that.
func sendTile(w http.ResponseWriter, q *core.RouteRequest, t basemap.Tile, now int64) error {
	data, h := t.Data, w.Header()
	if t.Encoding != "" && accepts(q.Header, t.Encoding) {
		h.Set("Content-Encoding", t.Encoding)
	} else if t.Encoding != "" {
		plain, err := t.Plain()
		if err != nil {
			return err
		}
		data = plain
	}
	age := int64(baseMaxAge)
	if !t.Expires.IsZero() {
		age = max(0, min(age, t.Expires.Unix()-now))
	}
	h.Set("Content-Type", t.ContentType)
	h.Set("Cache-Control", "public, max-age="+strconv.FormatInt(age, 10))
	h.Set("Vary", "Accept-Encoding")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Etag", t.ETag)
	if q.Header.Get("If-None-Match") == t.ETag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // a caller who does not listen any more is told nothing
	return nil
}

func (g *geo) baseTileJSON(_ context.Context, q *core.RouteRequest) (*core.Pending, error) {
	if err := noParams(q.Query); err != nil {
		return nil, err
	}
	b, err := g.running.Load().bases.named(q.Value("source"))
	if err != nil {
		return nil, err
	}
	text, err := basemap.TileJSON(b.source.Info(), g.here(q)+"/geo/base/"+b.name+"/{z}/{x}/{y}."+string(b.source.Info().Format))
	if err != nil {
		return nil, core.Wrap("geo.baseTileJSON", err)
	}
	return &core.Pending{Answer: func(context.Context) (*core.Answer, error) { return &core.Answer{Body: text}, nil }}, nil
}

func (g *geo) listBases(_ context.Context, q *core.RouteRequest) (*core.Pending, error) {
	if err := noParams(q.Query); err != nil {
		return nil, err
	}
	type line struct {
		Name        string `json:"name"`
		Format      string `json:"format"`
		Attribution string `json:"attribution"`
		TileJSON    string `json:"tilejson"`
	}
	lines := []line{}
	for _, b := range g.running.Load().bases.all {
		info := b.source.Info()
		lines = append(lines, line{b.name, string(info.Format), info.Attribution, g.here(q) + "/geo/base/" + b.name + "/tilejson.json"})
	}
	return g.settled(map[string]any{"data": lines})
}

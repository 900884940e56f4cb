// Package geo puts located content on maps: layers of any type with a place as GeoJSON and as vector tiles, counts by
// territory, the gazetteer of French territories, the OpenStreetMap base, geocoding, and the public map page.
//
// It is built on the public surface of plugins and on nothing else. A layer answers under the rights of who asks, through the
// same query language as lists: what a list does not show is in no tile, no cluster and no count.
package geo

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

// ID names the plugin.
const ID = "dev.palabre.geo"

// New makes the plugin.
func New() plugin.Plugin { return &geo{most: mostFeatures, much: make(chan struct{}, manyAtOnce)} }

type geo struct {
	settings *plugin.Settings[settings]
	running  atomic.Pointer[node] // nil until it was started
	tiles    *tileCache
	turn     *turn
	packed   sync.Map // files of the page, as they are sent
	most     int      // features in an answer
	much     chan struct{}
}

// node is the plugin as it was started last. It is replaced as a whole when the plugin is started again, because its settings
// have changed, say; requests that are under way go on with the one that they have.
type node struct {
	plugin.Host
	bases    *bases
	overlays *overlays
}

// host is what the plugin was started with.
func (g *geo) host() plugin.Host { return g.running.Load().Host }

var (
	_ plugin.Starter = (*geo)(nil)
	_ plugin.Stopper = (*geo)(nil)
)

// Manifest implements plugin.Plugin.
func (g *geo) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: ID, Writes: []string{"*.{x-territory}"}, Version: "1.0.0", Name: "Geo", License: "Apache-2.0", Settings: json.RawMessage(settingsSchema),
		Description:  core.Text{"en": "Maps of located content, territories, the OpenStreetMap base.", "fr": "Cartes des contenus situés, territoires, fond OpenStreetMap."},
		Capabilities: plugin.Capabilities{Prefixes: []string{"/geo", "/map"}, StoreBytes: 16 << 20, Hosts: []string{"*"}}}
}

// Register implements plugin.Plugin.
func (g *geo) Register(r *plugin.Registry) error {
	g.settings = plugin.Configure(r, checkSettings)
	plugin.Fits(r, g.fits)
	g.tiles, g.turn = newTileCache(32<<20, func() time.Time { return g.host().Now() }, func(t core.TypeName) uint64 { return g.host().Version(t) }), newTurn()
	return errors.Join(g.registerLayers(r), g.registerTerritories(r), g.registerBases(r), g.registerStyle(r), g.registerGeocoder(r), g.registerChecks(r), g.registerCommands(r), g.registerPage(r))
}

// Start implements plugin.Starter.
func (g *geo) Start(ctx context.Context, h plugin.Host) error {
	dir, err := h.DataDir()
	if err != nil {
		return err
	}
	g.running.Store(&node{Host: h, bases: openBases(ctx, h, dir, g.settings.Get().Rasters), overlays: newOverlays(dir, h.Now)})
	if h.Serving() {
		h.Go(func(context.Context) { g.warm() })
	}
	return nil
}

// warm loads the gazetteer beside: the first write or question need not wait for it.
func (g *geo) warm() {
	all, err := g.gazetteer()
	if err != nil {
		g.host().Log().Error("the gazetteer cannot be loaded", "error", err)
		return
	}
	all.Search("Paris", gazetteer.SearchOptions{Limit: 1})
	all.Contains(gazetteer.Departement, "75", 2.35, 48.86)
}

// Stop implements plugin.Stopper.
func (g *geo) Stop(context.Context) error { return g.running.Load().bases.release() }

func (g *geo) gazetteer() (*gazetteer.Gazetteer, error) {
	all, err := gazetteer.Load()
	return all, core.Wrap("geo.gazetteer", err)
}

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

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

// ID names the plugin.
const ID = "dev.palabre.geo"

// New makes the plugin.
func New() plugin.Plugin { return &geo{} }

type geo struct {
	host     plugin.Host
	settings *plugin.Settings[settings]
	tiles    *tileCache
	bases    []*base
	overlays *overlays
	turn     *turn
}

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
	g.tiles, g.turn = newTileCache(32<<20), newTurn()
	return errors.Join(g.registerLayers(r), g.registerTerritories(r), g.registerBases(r), g.registerStyle(r), g.registerGeocoder(r), g.registerChecks(r), g.registerCommands(r), g.registerPage(r))
}

// Start implements plugin.Starter.
func (g *geo) Start(ctx context.Context, h plugin.Host) error {
	g.host = h
	dir, err := h.DataDir()
	if err != nil {
		return err
	}
	g.openBases(ctx, dir)
	if h.Serving() {
		h.Go(func(context.Context) { g.warm() })
	}
	g.overlays = newOverlays(dir, h.Now)
	g.tiles.now, g.tiles.ver = h.Now, h.Version
	return nil
}

// warm loads the gazetteer beside: the first write or question need not wait for it.
func (g *geo) warm() {
	all, err := g.gazetteer()
	if err != nil {
		g.host.Log().Error("the gazetteer cannot be loaded", "error", err)
		return
	}
	all.Search("Paris", gazetteer.SearchOptions{Limit: 1})
	all.Contains(gazetteer.Departement, "75", 2.35, 48.86)
}

// Stop implements plugin.Stopper.
func (g *geo) Stop(context.Context) error { return g.closeBases() }

func (g *geo) gazetteer() (*gazetteer.Gazetteer, error) {
	all, err := gazetteer.Load()
	return all, core.Wrap("geo.gazetteer", err)
}

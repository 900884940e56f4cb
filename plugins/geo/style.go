package geo

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

func (g *geo) registerStyle(r *plugin.Registry) error {
	return plugin.Get(r, "/geo/style.json", "readStyle", "A MapLibre style: base, layers, attribution; ?layers=fiche,event&base=osm&theme=dark", g.style, plugin.Public())
}

type object = map[string]any

// palette is the colours of a theme.
type palette struct{ ground, line, mark, halo, text string }

var palettes = map[string]palette{
	"light": {"#f4f1ea", "#b8b2a7", "#1d4f91", "#ffffff", "#1c1b19"},
	"dark":  {"#17191d", "#4a4f58", "#8ab4f8", "#17191d", "#f1f1ef"},
}

// style is a MapLibre style (https://maplibre.org/maplibre-style-spec/, version 8): a base map, or without one the outlines of
// départements, and the layers on it.
func (g *geo) style(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	if err := noParams(q.Query, "layers", "base", "theme"); err != nil {
		return nil, err
	}
	colours, ok := palettes[cmp.Or(q.Query.Get("theme"), "light")]
	if !ok {
		return nil, core.Refuse(core.CodeBadRequest, "bad_theme", "The themes are light and dark.", "Les thèmes sont light et dark.")
	}
	d := drawing{colours: colours, at: g.here(q), sources: object{}, layers: []any{object{"id": "ground", "type": "background", "paint": object{"background-color": colours.ground}}}}
	if err := g.ground(&d, q.Query.Get("base")); err != nil {
		return nil, err
	}
	names, err := g.styled(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		d.mark(name)
	}
	return g.settled(object{"version": 8, "name": "Palabre", "center": []float64{2.4, 46.6}, "zoom": 5, "sources": d.sources, "layers": d.layers})
}

// drawing is a style under way.
type drawing struct {
	at      string // this site
	colours palette
	sources object
	layers  []any
}

// styled are the layers that are asked for, else all that the caller may see.
func (g *geo) styled(ctx context.Context, q *core.RouteRequest) ([]string, error) {
	var names []string
	if asked := q.Query.Get("layers"); asked != "" {
		for _, name := range strings.Split(asked, ",") {
			if slices.Contains(names, name) {
				continue
			}
			if _, _, err := g.anyLayer(ctx, q.Who, name); err != nil {
				return nil, err
			}
			names = append(names, name)
		}
		return names, nil
	}
	all, err := g.layers(ctx, q.Who)
	for _, l := range all {
		names = append(names, l.name)
	}
	return append(names, g.freeOverlays()...), err
}

// ground draws the base map.
func (g *geo) ground(d *drawing, name string) error {
	bases := g.running.Load().bases
	if name == "" && len(bases.all) > 0 {
		name = bases.all[0].name
	}
	if name == "" || name == "none" {
		d.sources["outlines"] = object{"type": "geojson", "data": d.at + "/geo/outlines/departement", "attribution": "IGN, INSEE (Licence Ouverte 2.0)"}
		d.layers = append(d.layers, object{"id": "outlines", "type": "line", "source": "outlines", "paint": object{"line-color": d.colours.line, "line-width": 0.8}})
		return nil
	}
	b, err := bases.named(name)
	if err != nil {
		return err
	}
	info := b.source.Info()
	from := d.at + "/geo/base/" + b.name + "/tilejson.json"
	if !info.Format.Vector() {
		d.sources["base"] = object{"type": "raster", "url": from, "tileSize": max(info.TileSize, 256)}
		d.layers = append(d.layers, object{"id": "base", "type": "raster", "source": "base"})
		return nil
	}
	d.sources["base"] = object{"type": "vector", "url": from}
	for _, l := range info.VectorLayers { // a plain drawing that suits any schema of tiles
		d.layers = append(d.layers,
			object{"id": "base:" + l.ID + ":area", "type": "fill", "source": "base", "source-layer": l.ID, "filter": []any{"==", []any{"geometry-type"}, "Polygon"},
				"paint": object{"fill-color": d.colours.line, "fill-opacity": 0.25}},
			object{"id": "base:" + l.ID + ":line", "type": "line", "source": "base", "source-layer": l.ID, "paint": object{"line-color": d.colours.line, "line-width": 0.7}})
	}
	return nil
}

// mark draws a layer: areas, lines, points that stand alone, and clusters as circles that grow with what is in them. Its source
// has its name, unless that is the base map's.
func (d *drawing) mark(name string) {
	source, c := name, d.colours
	if d.sources[name] != nil {
		source = "layer:" + name
	}
	d.sources[source] = object{"type": "vector", "url": d.at + "/geo/layers/" + url.PathEscape(name) + "/tilejson.json"}
	clustered, alone := []any{"has", "point_count"}, []any{"!", []any{"has", "point_count"}}
	of := func(kind string, more ...any) []any {
		return append([]any{"all", []any{"==", []any{"geometry-type"}, kind}}, more...)
	}
	layer := func(id, kind string, filter []any, paint object) object {
		return object{"id": source + "-" + id, "type": kind, "source": source, "source-layer": name, "filter": filter, "paint": paint}
	}
	d.layers = append(d.layers,
		layer("area", "fill", of("Polygon"), object{"fill-color": c.mark, "fill-opacity": 0.3}),
		layer("line", "line", []any{"!=", []any{"geometry-type"}, "Point"}, object{"line-color": c.mark, "line-width": 1.5}),
		layer("cluster", "circle", of("Point", clustered), object{"circle-color": c.mark, "circle-opacity": 0.85, "circle-stroke-color": c.halo, "circle-stroke-width": 2,
			"circle-radius": []any{"interpolate", []any{"linear"}, []any{"sqrt", []any{"get", "point_count"}}, 1, 12, 30, 30, 200, 44}}),
		layer("point", "circle", of("Point", alone), object{"circle-color": c.mark, "circle-radius": 7, "circle-stroke-color": c.halo, "circle-stroke-width": 2}))
}

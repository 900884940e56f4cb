package geo

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

func (g *geo) registerLayers(r *plugin.Registry) error {
	return errors.Join(
		plugin.Get(r, "/geo/layers", "listLayers", "The layers that can be put on a map", g.listLayers, plugin.Public()),
		plugin.Get(r, "/geo/layers/{layer}", "readLayer", "A layer as GeoJSON (RFC 7946): {layer}.geojson, with the parameters of a list; beyond 20,000 features, page.next leads on", g.readLayer, plugin.Public()),
		plugin.Get(r, "/geo/layers/{layer}/tilejson.json", "describeLayerTiles", "A layer's TileJSON 3.0", g.layerTileJSON, plugin.Public()),
		plugin.Get(r, "/geo/layers/{layer}/territories", "countLayerByTerritory", "How many entries of a layer each territory has", g.countByTerritory, plugin.Public()),
		plugin.Get(r, "/geo/layers/{layer}/{z}/{x}/{y}", "readLayerTile", "A tile of a layer: {y}.mvt, a Mapbox Vector Tile 2.1, with the parameters of a list", g.readTile, plugin.Public()),
	)
}

// layerLine is a layer in the list of them.
type layerLine struct {
	Name     string        `json:"name"`
	Label    core.Text     `json:"label"`
	Type     core.TypeName `json:"type,omitempty"`
	Field    string        `json:"field,omitempty"`
	Kind     string        `json:"kind"` // "content" or "osm"
	GeoJSON  string        `json:"geojson"`
	TileJSON string        `json:"tilejson"`
}

func (g *geo) listLayers(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	if err := noParams(q.Query); err != nil {
		return nil, err
	}
	all, err := g.layers(ctx, q.Who)
	if err != nil {
		return nil, err
	}
	lines := []layerLine{}
	for _, l := range all {
		field := l.field
		if field == "" {
			field = l.typ.GeoField
		}
		at := g.here(q) + "/geo/layers/" + url.PathEscape(l.name)
		lines = append(lines, layerLine{Name: l.name, Label: l.label, Type: l.typ.Name, Field: field, Kind: "content", GeoJSON: at + ".geojson", TileJSON: at + "/tilejson.json"})
	}
	for _, name := range g.freeOverlays() {
		at := g.here(q) + "/geo/layers/" + name
		lines = append(lines, layerLine{Name: name, Label: core.Say(name, name), Kind: "osm", GeoJSON: at + ".geojson", TileJSON: at + "/tilejson.json"})
	}
	return g.settled(map[string]any{"data": lines})
}

// here is how this site's addresses begin: TileJSON and styles are read elsewhere, where a path alone leads nowhere. Where no
// public address is configured, it is the one that this request came to.
func (g *geo) here(q *core.RouteRequest) string {
	if site := g.host().PublicURL(); site != "" || q.Host == "" {
		return site
	}
	if q.TLS != nil {
		return "https://" + q.Host
	}
	return "http://" + q.Host
}

// settled is an answer made of types and settings alone. It is not kept: it costs nothing to make.
func (g *geo) settled(v any) (*core.Pending, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, core.Wrap("geo.settled", err)
	}
	return &core.Pending{Answer: func(context.Context) (*core.Answer, error) { return &core.Answer{Body: text}, nil }}, nil
}

func noParams(params url.Values, known ...string) error {
	for name := range params {
		ok := false
		for _, k := range known {
			ok = ok || k == name
		}
		if !ok {
			return core.Refuse(core.CodeBadRequest, "unknown_parameter", "There is no parameter %q here.", "Il n’y a pas de paramètre « %s » ici.", clipped(name))
		}
	}
	return nil
}

// coordinates are those of a tile in the usual scheme (OpenStreetMap's "slippy map" names).
type coordinates struct{ z, x, y int }

// maxZoom is the deepest zoom of tiles: a tile of it is some ten metres wide.
const maxZoom = 22

// tileAt reads the coordinates of a tile, whose last part ends in an extension.
func tileAt(q *core.RouteRequest, extension string) (coordinates, error) {
	y, ok := strings.CutSuffix(q.Value("y"), extension)
	c := coordinates{z: number(q.Value("z")), x: number(q.Value("x")), y: number(y)}
	if !ok || c.z < 0 || c.z > maxZoom || c.x < 0 || c.y < 0 || c.x >= 1<<c.z || c.y >= 1<<c.z {
		return c, core.Refuse(core.CodeNotFound, "", "There is no such tile: z is 0 to %d, x and y 0 to 2^z-1, and the name ends in %s.",
			"Cette tuile n’existe pas : z va de 0 à %d, x et y de 0 à 2^z-1, et le nom finit par %s.", maxZoom, extension)
	}
	return c, nil
}

// number reads what is written with digits alone, without a zero in front; -1 for anything else.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(n) != s {
		return -1
	}
	return n
}

// layerTileJSON describes a layer's tiles (TileJSON 3.0.0). The request's parameters go into the tiles' addresses, so that one
// asks here for what one wants to see there.
func (g *geo) layerTileJSON(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	l, o, err := g.anyLayer(ctx, q.Who, q.Value("layer"))
	if err != nil {
		return nil, err
	}
	t := tileJSON{TileJSON: "3.0.0", Tiles: []string{g.tilesOf(q)}, MinZoom: 0, MaxZoom: maxZoom, Bounds: []float64{-180, -85.051129, 180, 85.051129}}
	if o != nil {
		t.Name, t.Attribution, t.Layers = o.name, o.about.Attribution, []vectorLayer{{ID: o.name, Fields: o.describe()}}
		return g.settled(t)
	}
	p, err := g.places(ctx, q.Who, l, q.Query)
	if err != nil {
		return nil, err
	}
	t.Name, t.Attribution, t.Layers = l.label.In(q.Locale), html(g.settings.Get().Attribution), []vectorLayer{{ID: l.name, Fields: l.describe(p)}}
	return g.settled(t)
}

// tilesOf is the address of the tiles of the layer that a request is about, with its parameters.
func (g *geo) tilesOf(q *core.RouteRequest) string {
	address := g.here(q) + "/geo/layers/" + url.PathEscape(q.Value("layer")) + "/{z}/{x}/{y}.mvt"
	if query := q.Query.Encode(); query != "" {
		address += "?" + query
	}
	return address
}

type tileJSON struct {
	TileJSON    string        `json:"tilejson"`
	Name        string        `json:"name,omitempty"`
	Tiles       []string      `json:"tiles"`
	MinZoom     int           `json:"minzoom"`
	MaxZoom     int           `json:"maxzoom"`
	Bounds      []float64     `json:"bounds,omitempty"`
	Attribution string        `json:"attribution,omitempty"`
	Layers      []vectorLayer `json:"vector_layers"`
}

type vectorLayer struct {
	ID     string            `json:"id"`
	Fields map[string]string `json:"fields"`
}

// clusterFields are what the tiles tell of any feature, and of clusters.
func clusterFields() map[string]string {
	return map[string]string{"_id": "String", "cluster": "Boolean", "point_count": "Number", "point_count_abbreviated": "String", "stacked": "Boolean", "expansion": "Number"}
}

// describe says what the tiles tell of each feature.
func (l *layer) describe(p *core.Placed) map[string]string {
	fields := clusterFields()
	fields["_type"] = "String"
	if len(l.typ.Locales) > 0 {
		fields["_locale"] = "String"
	}
	for _, path := range p.Asked.Fields {
		f, ok := l.typ.Field(path)
		if !ok || f.Path == p.Field.Path {
			continue
		}
		switch f.Kind {
		case core.KindInteger, core.KindNumber:
			fields[path] = "Number"
		case core.KindBoolean:
			fields[path] = "Boolean"
		default:
			fields[path] = "String"
		}
	}
	return fields
}

// html escapes a text: an attribution is shown as HTML by those who read TileJSON.
func html(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

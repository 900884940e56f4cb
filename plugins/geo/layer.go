package geo

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// layer is what can be put on a map: a type with a place, or a selection of one.
type layer struct {
	name         string
	typ          *core.Type
	field        string // "" for the type's own
	filter       map[string]any
	label        core.Text
	fields       []string // of tiles; nil for the usual ones
	clusterBelow int
}

// clusterBelow is the zoom from which on points stand alone, where a layer does not say otherwise. A tile of it is about two
// kilometres wide.
const clusterBelow = 14

// layers are those that a caller may see: every type with a place, then the configured ones, which go before types of their name.
func (g *geo) layers(ctx context.Context, who *core.Principal) ([]*layer, error) {
	types, err := g.host().Reader().Visible(ctx, who)
	if err != nil {
		return nil, err
	}
	var all []*layer
	for _, t := range types {
		if t.GeoField != "" && !t.Name.System() {
			all = append(all, &layer{name: string(t.Name), typ: t, label: t.PluralLabel, clusterBelow: clusterBelow})
		}
	}
	for _, s := range g.settings.Get().Layers {
		all = slices.DeleteFunc(all, func(l *layer) bool { return l.name == s.Name })
		if at := slices.IndexFunc(types, func(t *core.Type) bool { return t.Name == s.Type }); at >= 0 {
			all = append(all, configured(s, types[at]))
		}
	}
	return all, nil
}

func configured(s layerSettings, t *core.Type) *layer {
	l := &layer{name: s.Name, typ: t, field: s.Field, filter: s.Filter, label: s.Label, fields: s.Fields, clusterBelow: clusterBelow}
	if len(l.label) == 0 {
		l.label = core.Say(s.Name, s.Name)
	}
	if s.ClusterBelow != nil {
		l.clusterBelow = *s.ClusterBelow
	}
	return l
}

// layer finds a layer by its name; one that is not the caller's to see is as one that is not there.
func (g *geo) layer(ctx context.Context, who *core.Principal, name string) (*layer, error) {
	all, err := g.layers(ctx, who)
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		if l.name == name {
			return l, nil
		}
	}
	return nil, core.Refuse(core.CodeNotFound, "", "There is no layer %q.", "Il n’y a pas de couche « %s ».", clipped(name))
}

// freeOverlays are the layers of OpenStreetMap whose name no layer of content has: that one is served at its address. Content
// that the caller may not see hides a layer too, so that the list does not tell whether there is any.
func (g *geo) freeOverlays() []string {
	return slices.DeleteFunc(g.running.Load().overlays.names(), g.isContent)
}

// isContent reports whether there is a layer of content of a name, for whomever.
func (g *geo) isContent(name string) bool {
	t, ok := g.host().Types().Type(core.TypeName(name))
	return ok && t.GeoField != "" || slices.ContainsFunc(g.settings.Get().Layers, func(s layerSettings) bool { return s.Name == name })
}

// anyLayer finds a layer of content, or one of OpenStreetMap.
func (g *geo) anyLayer(ctx context.Context, who *core.Principal, name string) (*layer, *overlay, error) {
	l, err := g.layer(ctx, who, name)
	if g.isContent(name) || core.CodeOf(err) != core.CodeNotFound {
		return l, nil, err
	}
	o, broken := g.running.Load().overlays.get(name)
	if broken != nil || o != nil {
		return nil, o, broken
	}
	return nil, nil, err
}

func clipped(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// places checks a request for a layer. With fields unasked the entries tell what layers usually do; the place is told always.
func (g *geo) places(ctx context.Context, who *core.Principal, l *layer, params url.Values) (*core.Placed, error) {
	params, err := l.narrowed(params)
	if err != nil {
		return nil, err
	}
	p, err := g.host().Places().Places(ctx, who, l.typ.Name, params)
	if err != nil {
		return nil, err
	}
	fields := l.usualFields(p)
	if params.Has("fields") {
		if fields = p.Asked.Fields; slices.Contains(fields, p.Field.Path) {
			return p, nil
		}
		fields = append([]string{p.Field.Path}, fields...)
	}
	params.Set("fields", strings.Join(fields, ","))
	return g.host().Places().Places(ctx, who, l.typ.Name, params)
}

// usualFields are what a layer tells of its entries, as far as the caller may read it: the title, the slug, and the place.
func (l *layer) usualFields(p *core.Placed) []string {
	want := l.fields
	if want == nil {
		want = []string{l.typ.TitleField, l.typ.SlugField}
	}
	scope := p.Asked.Scope.In(p.Asked.State)
	fields := []string{p.Field.Path}
	for _, path := range want {
		if _, known := l.typ.Field(path); known && scope.Readable(l.typ, path) && !slices.Contains(fields, path) {
			fields = append(fields, path)
		}
	}
	return fields
}

// narrowed are a request's parameters with the layer's own field and filter.
func (l *layer) narrowed(params url.Values) (url.Values, error) {
	out := url.Values{}
	for name, values := range params {
		out[name] = values
	}
	if l.field != "" && !out.Has("geo") {
		out.Set("geo", l.field)
	}
	if len(l.filter) == 0 {
		return out, nil
	}
	own := any(l.filter)
	if text := out.Get("filter"); text != "" {
		var asked any
		if err := json.Unmarshal([]byte(text), &asked); err != nil {
			return out, nil // the query says what is wrong with it
		}
		own = map[string]any{"and": []any{own, asked}}
	}
	text, err := json.Marshal(own)
	if err != nil {
		return nil, core.Wrap("geo.narrowed", err)
	}
	out["filter"] = []string{string(text)}
	return out, nil
}

package geo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
	"github.com/palabre-cms/palabre/plugins/geo/web"
)

// pageSettings are about the public map page.
type pageSettings struct {
	Title core.Text                `json:"title"`
	Lead  core.Text                `json:"lead"`
	Site  string                   `json:"site"`
	Embed []string                 `json:"embed"`
	Pages map[core.TypeName]string `json:"pages"`
}

func (g *geo) registerPage(r *plugin.Registry) error {
	return errors.Join(
		plugin.Handle(r, "GET", "/map", "showMap", "The public map page", g.page, plugin.Public(), plugin.Page(core.Say("The content on a map", "Les contenus sur une carte"))),
		plugin.Handle(r, "GET", "/map/embed", "embedMap", "The public map, for a frame on another site", g.embed, plugin.Public()),
		plugin.Handle(r, "GET", "/map/palabre-map.js", "readMapComponent", "The web component <palabre-map>", g.component, plugin.Public()),
		plugin.Handle(r, "GET", "/map/assets/{version}/{file}", "readMapAsset", "A script or style of the map page", g.asset, plugin.Public()),
	)
}

// page answers with the map page. It is made anew for each request, of lists that cost next to nothing.
func (g *geo) page(w http.ResponseWriter, q *core.RouteRequest) error {
	w.Header().Set("X-Frame-Options", "DENY")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	return g.sendPage(w, q, false, web.PagePolicy)
}

// embed answers with the page for a frame, which only the sites in the settings may show.
func (g *geo) embed(w http.ResponseWriter, q *core.RouteRequest) error {
	ancestors := "'self'"
	if sites := g.settings.Get().Page.Embed; len(sites) > 0 {
		ancestors = strings.Join(sites, " ")
	}
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	return g.sendPage(w, q, true, web.EmbedPolicy(ancestors))
}

func (g *geo) sendPage(w http.ResponseWriter, q *core.RouteRequest, embed bool, policy string) error {
	d, err := g.pageData(q.Context(), q, embed)
	if err != nil {
		return err
	}
	body, err := web.Page(*d)
	if err != nil {
		return core.Wrap("geo.sendPage", err)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Vary", "Accept-Language, Authorization, Cookie")
	sendText(w, q, body, nil, "")
	return nil
}

func (g *geo) component(w http.ResponseWriter, q *core.RouteRequest) error {
	body, err := fs.ReadFile(web.Files(), "palabre-map.js")
	if err != nil {
		return core.Wrap("geo.component", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=3600")
	sendText(w, q, body, &g.packed, "palabre-map.js")
	return nil
}

func (g *geo) asset(w http.ResponseWriter, q *core.RouteRequest) error {
	name := q.Value("file")
	body, err := fs.ReadFile(web.Files(), name)
	if err != nil || q.Value("version") != web.Version() {
		return core.Refuse(core.CodeNotFound, "", "There is no such file.", "Ce fichier n’existe pas.")
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("Content-Security-Policy", web.AssetPolicy)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	sendText(w, q, body, &g.packed, name)
	return nil
}

// pageData gathers what the page shows to a caller.
func (g *geo) pageData(ctx context.Context, q *core.RouteRequest, embed bool) (*web.PageData, error) {
	lang := q.Locale
	if asked := q.Query.Get("lang"); asked == "fr" || asked == "en" {
		lang = core.Locale(asked)
	}
	s := g.settings.Get().Page
	d := &web.PageData{Lang: string(lang), Explicit: q.Query.Has("lang"), Embed: embed, State: web.ParseState(q.Query), Total: -1, Site: cmp.Or(s.Site, "Palabre"),
		Title: cmp.Or(s.Title[lang], core.Say("Map", "Carte")[lang]), Lead: s.Lead[lang], Jumps: web.FrenchJumps, Attribution: g.owed()}
	if view := q.Query.Get("view"); view != d.State.View {
		d.Unknown = append(d.Unknown, "view="+clipped(view))
	}
	if len(g.running.Load().bases.all) > 0 {
		d.Style = "/geo/style.json"
	}
	for _, name := range g.freeOverlays() {
		d.Overlays = append(d.Overlays, web.Overlay{Name: name, Label: name + " (OpenStreetMap)"})
	}
	layers, err := g.layers(ctx, q.Who)
	if err != nil || len(layers) == 0 {
		return d, err
	}
	m := &mapPage{geo: g, who: q.Who, lang: lang, data: d}
	return d, m.fill(ctx, layers)
}

// owed are the sources of what a map may show, and their licences.
func (g *geo) owed() template.HTML {
	var parts []string
	if own := g.settings.Get().Attribution; own != "" {
		parts = append(parts, html(own))
	}
	for _, b := range g.running.Load().bases.all {
		parts = append(parts, b.source.Info().Attribution)
	}
	if len(g.freeOverlays()) > 0 && !strings.Contains(strings.Join(parts, ""), "openstreetmap.org/copyright") {
		parts = append(parts, osmCredit)
	}
	parts = append(parts, `<a href="https://geoservices.ign.fr/adminexpress">IGN</a>, <a href="https://www.insee.fr/">INSEE</a> (<a href="https://www.etalab.gouv.fr/licence-ouverte-open-licence">Licence Ouverte 2.0</a>)`)
	return template.HTML(strings.Join(parts, " · ")) // texts are escaped, and what bases say is reduced to text and links
}

// mapPage is a page under way.
type mapPage struct {
	*geo
	who  *core.Principal
	lang core.Locale
	data *web.PageData
}

func (m *mapPage) fill(ctx context.Context, layers []*layer) error {
	counts, chosen, err := m.counted(ctx, layers)
	if err != nil {
		return err
	}
	if chosen == nil {
		return nil
	}
	if err := m.knownFilters(ctx, chosen); err != nil {
		return err
	}
	for _, l := range layers {
		if _, can := counts[l]; !can {
			continue
		}
		shown, err := m.layer(ctx, l, l == chosen)
		if err != nil {
			return err
		}
		shown.Count = counts[l]
		m.data.Layers = append(m.data.Layers, *shown)
	}
	m.shows(chosen)
	if level, code, ok := strings.Cut(m.data.State.Within, ":"); ok {
		if err := m.nameTerritory(level, code); err != nil {
			return err
		}
	}
	if m.data.Picture, err = m.picture(ctx, chosen); err != nil {
		return err
	}
	return m.list(ctx, chosen)
}

// shows notes what is shown in place of what was asked for and is not there.
func (m *mapPage) shows(l *layer) {
	d := m.data
	if asked := d.State.Layer; asked != "" && asked != l.name {
		d.Unknown = append(d.Unknown, "layer="+clipped(asked))
	}
	d.State.Layer = l.name
	if d.State.View != "" && !m.chosen(l).Territories {
		d.Unknown, d.State.View = append(d.Unknown, "view="+d.State.View), ""
	}
	d.State.Overlays = slices.DeleteFunc(d.State.Overlays, func(name string) bool {
		known := slices.ContainsFunc(d.Overlays, func(o web.Overlay) bool { return o.Name == name })
		if !known {
			d.Unknown = append(d.Unknown, "overlay="+clipped(name))
		}
		return !known
	})
}

// knownFilters drops filters that are not the layer's.
func (m *mapPage) knownFilters(ctx context.Context, l *layer) error {
	p, err := m.places(ctx, m.who, l, url.Values{})
	if err != nil {
		return err
	}
	scope := p.Asked.Scope.In(p.Asked.State)
	var unknown []string
	m.data.State, unknown = m.data.State.Known(func(path string) bool {
		_, ok := l.typ.Field(path)
		return ok && scope.Readable(l.typ, path)
	})
	m.data.Unknown = append(m.data.Unknown, unknown...)
	return nil
}

// counted gives how many places each layer has, and the layer to show: the one that is asked for, else the one with the most.
func (m *mapPage) counted(ctx context.Context, layers []*layer) (counts map[*layer]int64, chosen *layer, err error) {
	counts = map[*layer]int64{}
	for _, l := range layers {
		p, err := m.places(ctx, m.who, l, url.Values{})
		if core.CodeOf(err) == core.CodeBadRequest {
			continue // a configured layer whose filter or field is not this caller's to ask about
		}
		if err != nil {
			return nil, nil, err
		}
		found, err := p.Find(ctx, nil)
		if err != nil {
			return nil, nil, err
		}
		counts[l] = int64(len(found.All))
		if chosen == nil || l.name == m.data.State.Layer || chosen.name != m.data.State.Layer && counts[l] > counts[chosen] {
			chosen = l
		}
	}
	return counts, chosen, nil
}

func (m *mapPage) nameTerritory(level, code string) error {
	all, err := m.gazetteer()
	if err != nil {
		return err
	}
	t, ok := all.Lookup(gazetteer.Level(level), code)
	m.data.WithinLabel = cmp.Or(t.Name, code)
	if !ok {
		m.data.WithinLabel = code
	}
	return nil
}

// layer describes a layer to the page; of the chosen one with its facets.
func (m *mapPage) layer(ctx context.Context, l *layer, chosen bool) (*web.Layer, error) {
	p, err := m.places(ctx, m.who, l, url.Values{})
	if err != nil {
		return nil, err
	}
	scope := p.Asked.Scope.In(p.Asked.State)
	readable := func(path string) string {
		if _, ok := l.typ.Field(path); ok && scope.Readable(l.typ, path) {
			return path
		}
		return ""
	}
	out := &web.Layer{Name: l.name, Label: l.label.In(m.lang), Count: -1, List: "/api/v1/content/" + string(l.typ.Name), Entry: m.address(l), TitleField: readable(l.typ.TitleField),
		SlugField: readable(l.typ.SlugField), GeoField: p.Field.Path, PlaceField: m.placeField(l, readable), Params: m.params(l)}
	if len(l.filter) > 0 { // the API's own list knows nothing of the layer's filter
		text, err := json.Marshal(l.filter)
		if err != nil {
			return nil, core.Wrap("geo.layer", err)
		}
		out.Params.Set("filter", string(text))
	}
	if _, _, err := l.territoryField(p, gazetteer.Departement); err == nil {
		out.Territories = true
	}
	if !chosen {
		return out, nil
	}
	out.Facets, err = m.facets(ctx, l, readable)
	return out, err
}

func (m *mapPage) params(l *layer) url.Values {
	params := url.Values{}
	if l.typ.HasLocale(m.lang) {
		params.Set("locale", string(m.lang))
	}
	return params
}

// address is where people read an entry: on the website where the settings say so, else on the pages of this server.
func (m *mapPage) address(l *layer) string {
	if page := m.settings.Get().Page.Pages[l.typ.Name]; page != "" {
		return page
	}
	if l.typ.SlugField == "" {
		return "/browse/" + string(l.typ.Name) + "/{id}"
	}
	return "/browse/" + string(l.typ.Name) + "/{slug}"
}

// placeField is the field with the name of a place: one called name beside a territory's code.
func (m *mapPage) placeField(l *layer, readable func(string) string) string {
	for i := range l.typ.Fields {
		if f := &l.typ.Fields[i]; f.Territory != "" && !f.Multi {
			if path := readable(beside(f.Path, "name")); path != "" && path != l.typ.TitleField {
				return path
			}
		}
	}
	return ""
}

// maxFacets is how many fields the page offers to filter by, and maxFacetValues how many values of each.
const (
	maxFacets      = 5
	maxFacetValues = 30
)

// facets counts each field under all filters but its own: so many more would be found if a value were chosen too.
func (m *mapPage) facets(ctx context.Context, l *layer, readable func(string) string) ([]web.Facet, error) {
	var facets []web.Facet
	for _, f := range facetFields(l.typ, readable) {
		state := m.data.State
		state.Filters = map[string][]string{}
		for name, values := range m.data.State.Filters {
			if name != f.Path {
				state.Filters[name] = values
			}
		}
		answer, err := m.ask(ctx, l, state, url.Values{"facets": {f.Path}, "limit": {"1"}, "fields": {"_id"}})
		if err != nil {
			return nil, err
		}
		facets = append(facets, web.Facet{Field: f.Path, Label: f.Label.In(m.lang), Values: valuesOf(f, answer.Facets[f.Path], m.lang)})
	}
	return facets, nil
}

// facetFields are the fields to filter by: those with several values first, for they tell what an entry is about.
func facetFields(t *core.Type, readable func(string) string) []*core.Field {
	var several, one []*core.Field
	for i := range t.Fields {
		f := &t.Fields[i]
		switch {
		case !f.Facet || len(f.Enum) == 0 || readable(f.Path) == "":
		case f.Multi:
			several = append(several, f)
		default:
			one = append(one, f)
		}
	}
	all := append(several, one...)
	return all[:min(len(all), maxFacets)]
}

func valuesOf(f *core.Field, counted []facetCount, lang core.Locale) []web.FacetValue {
	var values []web.FacetValue
	for _, v := range counted[:min(len(counted), maxFacetValues)] {
		text, ok := v.Value.(string)
		if !ok {
			continue
		}
		label := text
		for _, e := range f.Enum {
			if e.Value == v.Value && len(e.Label) > 0 {
				label = e.Label.In(lang)
			}
		}
		values = append(values, web.FacetValue{Value: text, Label: label, Count: int64(v.Count)})
	}
	return values
}

// listed is a list as the API answers it.
type listed struct {
	Data []map[string]any
	Page struct {
		Next  string
		Total int64
	}
	Facets map[string][]facetCount
}

type facetCount struct {
	Value any
	Count int
}

// ask asks for a list as the API does, under the page's filters.
func (m *mapPage) ask(ctx context.Context, l *layer, state web.State, more url.Values) (*listed, error) {
	params := state.Asked()
	for _, from := range []url.Values{m.params(l), more} {
		for name, values := range from {
			params[name] = values
		}
	}
	params, err := l.narrowed(params)
	if err != nil {
		return nil, err
	}
	params.Del("geo")
	pending, err := m.host().Reader().List(ctx, m.who, l.typ.Name, params)
	if err != nil {
		return nil, err
	}
	answer, err := pending.Answer(ctx)
	if err != nil {
		return nil, err
	}
	out := &listed{}
	return out, core.Wrap("geo.ask", json.Unmarshal(answer.Body, out))
}

// list fills in the page of the list, and the counts of a choropleth.
func (m *mapPage) list(ctx context.Context, l *layer) error {
	shown := m.chosen(l)
	fields := []string{shown.GeoField}
	for _, path := range []string{shown.TitleField, shown.SlugField, shown.PlaceField} {
		if path != "" {
			fields = append(fields, path)
		}
	}
	more := url.Values{"limit": {"20"}, "fields": {strings.Join(fields, ",")}}
	if after := m.data.State.After; after != "" {
		more.Set("after", after)
	}
	answer, err := m.ask(ctx, l, m.data.State, more)
	if err != nil {
		return err
	}
	m.data.Total, m.data.Next = answer.Page.Total, answer.Page.Next
	for _, entry := range answer.Data {
		m.data.Entries = append(m.data.Entries, entryOf(shown, entry))
	}
	if m.data.State.View == "" {
		return nil
	}
	return m.count(ctx, l)
}

func (m *mapPage) chosen(l *layer) *web.Layer {
	for i := range m.data.Layers {
		if m.data.Layers[i].Name == l.name {
			return &m.data.Layers[i]
		}
	}
	return &web.Layer{}
}

func entryOf(l *web.Layer, entry map[string]any) web.Entry {
	id, _ := entry["_id"].(string)
	title, _ := stringAt(entry, l.TitleField)
	place, _ := stringAt(entry, l.PlaceField)
	slug, _ := stringAt(entry, l.SlugField)
	e := web.Entry{ID: id, Title: cmp.Or(title, id), Place: place, URL: strings.NewReplacer("{slug}", url.PathEscape(cmp.Or(slug, id)), "{id}", id).Replace(l.Entry)}
	if lon, lat, ok := pointAt(entry, l.GeoField); ok {
		e.At = &[2]float64{lon, lat}
	}
	return e
}

func (m *mapPage) count(ctx context.Context, l *layer) error {
	p, err := m.places(ctx, m.who, l, m.data.State.Asked())
	if err != nil {
		return err
	}
	level := gazetteer.Level(m.data.State.View)
	field, own, err := l.territoryField(p, level)
	if err != nil {
		return err
	}
	answer, err := m.countAnswer(ctx, p, field, own, level)
	if err != nil {
		return err
	}
	var counted struct{ Data []web.Count }
	err = json.Unmarshal(answer.Body, &counted)
	m.data.Counts = counted.Data
	return core.Wrap("geo.count", err)
}

package web_test

import (
	"encoding/json"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
	"github.com/palabre-cms/palabre/plugins/geo/web"
)

// site is a small server of what the page asks for: it answers like the real ones, as far as the page looks.
type site struct {
	t      *testing.T
	places *gazetteer.Gazetteer
	all    []fiche
	base   bool // with a base map
}

func newSite(t *testing.T, base bool) *httptest.Server {
	t.Helper()
	places, err := gazetteer.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, places: places, all: fiches(places), base: base}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /map", func(w http.ResponseWriter, r *http.Request) { s.page(w, r, false) })
	mux.HandleFunc("GET /map/embed", func(w http.ResponseWriter, r *http.Request) { s.page(w, r, true) })
	mux.HandleFunc("GET /map/assets/{version}/{file}", s.asset)
	mux.HandleFunc("GET /map/palabre-map.js", s.component)
	mux.HandleFunc("GET /api/v1/content/fiche", s.list)
	mux.HandleFunc("GET /api/v1/content/fiche/{id}", s.one)
	mux.HandleFunc("GET /geo/layers/{layer}/{z}/{x}/{y}", s.tile)
	mux.HandleFunc("GET /geo/layers/{layer}/territories", s.counts)
	mux.HandleFunc("GET /geo/outlines/{level}", s.outlines)
	mux.HandleFunc("GET /geo/territories", s.search)
	mux.HandleFunc("GET /geo/territories/{code}", s.territory)
	mux.HandleFunc("GET /geo/style.json", s.style)
	mux.HandleFunc("GET /geo/base/{z}/{x}/{y}", s.baseTile)
	mux.HandleFunc("GET /browse/fiche/{slug}", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.PathValue("slug"))) })
	mux.HandleFunc("GET /elsewhere", elsewhere)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// elsewhere is a page of another site that shows the map; of says whose.
func elsewhere(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src "+r.URL.Query().Get("of")+"; frame-src "+r.URL.Query().Get("of"))
	_ = elsewherePage.Execute(w, r.URL.Query().Get("of"))
}

var elsewherePage = template.Must(template.New("").Parse(`<!doctype html><html lang="fr"><title>Ailleurs</title>
<palabre-map src="{{.}}" layer="fiche" filter="filter[approaches]=BP" position="7/48.1/-2.8" title="Les budgets participatifs"><a href="{{.}}/map">La carte</a></palabre-map>
<script src="{{.}}/map/palabre-map.js" defer></script>`))

func (s *site) page(w http.ResponseWriter, r *http.Request, embed bool) {
	body, err := web.Page(s.data(r.URL.Query(), embed))
	if err != nil {
		s.t.Error(err)
	}
	policy := web.PagePolicy
	if embed {
		policy = web.EmbedPolicy("*")
	}
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(body)
}

// data is what the plugin's own server would say.
func (s *site) data(params url.Values, embed bool) web.PageData {
	state, unknown := web.ParseState(params).Known(func(field string) bool { return slices.Contains(facetFields, field) })
	asked := state.Asked()
	found := s.matching(asked)
	d := web.PageData{Title: "Carte des démarches participatives", Lead: "Les fiches de l’Observatoire, là où elles se passent.", Site: "Observatoire Exemple",
		Lang: params.Get("lang"), Explicit: params.Has("lang"), Embed: embed, State: state, Unknown: unknown, Total: int64(len(found)), Jumps: web.FrenchJumps,
		Overlays: []web.Overlay{{Name: "mairies", Label: "Mairies (OpenStreetMap)"}},
		Attribution: template.HTML(`Contours : <a href="https://geoservices.ign.fr/">IGN</a>, fiches : Observatoire Exemple – ` +
			`<a href="https://www.etalab.gouv.fr/licence-ouverte-open-licence">Licence Ouverte 2.0</a>`),
		Layers: []web.Layer{
			{Name: "fiche", Label: "Fiches", Count: int64(len(s.all)), List: "/api/v1/content/fiche", Entry: "/browse/fiche/{slug}", Params: url.Values{"locale": {"fr"}},
				TitleField: "title", PlaceField: "territory.name", SlugField: "slug", GeoField: "location", Territories: true, Facets: s.facets(state, params.Get("lang"))},
			{Name: "event", Label: "Événements", Count: 12},
		}}
	if d.Lang == "en" {
		d.Title, d.Lead = "Map of participatory schemes", "The Observatory’s case studies, where they take place."
	}
	if state.Within == "" {
		d.Picture = &web.Picture{Land: "M-300-300l600 0 0 600-600 0z", Near: []web.Mark{{X: 10, Y: -20, Count: 1110}, {X: 80, Y: 80, Count: 1}}, Far: []web.Mark{{Count: 1111}}}
	}
	if s.base {
		d.Style = "/geo/style.json"
		d.Attribution = `© <a href="https://www.openstreetmap.org/copyright">OpenStreetMap contributors</a>`
	}
	if level, code, ok := strings.Cut(state.Within, ":"); ok {
		found, _ := s.places.Lookup(gazetteer.Level(level), code)
		d.WithinLabel = found.Name
	}
	if state.View != "" {
		d.Counts = s.counted(found, gazetteer.Level(state.View))
	}
	from, to := s.span(found, state.After, web.PageSize)
	for _, f := range found[from:to] {
		d.Entries = append(d.Entries, web.Entry{ID: f.id, Title: f.title, Place: f.where.Name, URL: "/browse/fiche/" + f.slug, At: f.where.Center})
	}
	if to < len(found) {
		d.Next = strconv.Itoa(to)
	}
	return d
}

func (s *site) span(found []fiche, after string, limit int) (from, to int) {
	from, _ = strconv.Atoi(after)
	return from, min(from+limit, len(found))
}

var facetFields = []string{"approaches", "themes", "schemeStatus"}

func (s *site) facets(state web.State, lang string) []web.Facet {
	labels := facetLabels[lang == "en"]
	var all []web.Facet
	for _, field := range facetFields {
		other := state
		other.Filters = map[string][]string{}
		for f, values := range state.Filters {
			if f != field {
				other.Filters[f] = values
			}
		}
		facet := web.Facet{Field: field, Label: labels[field]}
		for _, v := range tally(s.matching(other.Asked()), field) {
			facet.Values = append(facet.Values, web.FacetValue{Value: v.Value, Label: valueLabels[lang == "en"][v.Value], Count: v.Count})
		}
		all = append(all, facet)
	}
	return all
}

func (s *site) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	body, err := fs.ReadFile(web.Files(), name)
	if err != nil || r.PathValue("version") != web.Version() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", web.AssetPolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(body)
}

func (s *site) component(w http.ResponseWriter, _ *http.Request) {
	body, _ := fs.ReadFile(web.Files(), "palabre-map.js")
	w.Header().Set("Content-Type", "text/javascript")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = w.Write(body)
}

func (s *site) list(w http.ResponseWriter, r *http.Request) {
	params := r.URL.Query()
	found := s.matching(params)
	limit, _ := strconv.Atoi(params.Get("limit"))
	from, to := s.span(found, params.Get("after"), limit)
	answer := map[string]any{"data": views(found[from:to]), "page": map[string]any{"limit": limit, "total": len(found), "next": nil}}
	if to < len(found) {
		answer["page"].(map[string]any)["next"] = strconv.Itoa(to)
	}
	if names := params.Get("facets"); names != "" {
		facets := map[string]any{}
		for _, field := range strings.Split(names, ",") {
			facets[field] = tally(found, field)
		}
		answer["facets"] = facets
	}
	reply(w, answer)
}

func (s *site) one(w http.ResponseWriter, r *http.Request) {
	at := slices.IndexFunc(s.all, func(f fiche) bool { return f.id == r.PathValue("id") })
	if at < 0 {
		http.NotFound(w, r)
		return
	}
	reply(w, s.all[at].view())
}

func (s *site) counts(w http.ResponseWriter, r *http.Request) {
	level := gazetteer.Level(r.URL.Query().Get("level"))
	reply(w, map[string]any{"data": s.counted(s.matching(r.URL.Query()), level)})
}

func (s *site) search(w http.ResponseWriter, r *http.Request) {
	reply(w, map[string]any{"data": s.places.Search(r.URL.Query().Get("q"), gazetteer.SearchOptions{})})
}

func (s *site) territory(w http.ResponseWriter, r *http.Request) {
	found, ok := s.places.Lookup(gazetteer.Level(r.URL.Query().Get("level")), r.PathValue("code"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	reply(w, found)
}

func (s *site) outlines(w http.ResponseWriter, r *http.Request) {
	level := gazetteer.Level(r.PathValue("level"))
	features := []any{}
	for _, o := range s.places.Outlines(level) {
		found, _ := s.places.Lookup(level, o.Code)
		features = append(features, map[string]any{"type": "Feature", "geometry": o.Geometry, "properties": map[string]any{"level": level, "code": o.Code, "name": found.Name}})
	}
	reply(w, map[string]any{"type": "FeatureCollection", "features": features})
}

// style is a base map with a layer of content in it, which the page must leave out.
func (s *site) style(w http.ResponseWriter, r *http.Request) {
	at := "http://" + r.Host
	reply(w, map[string]any{"version": 8,
		"sources": map[string]any{
			"base":  map[string]any{"type": "raster", "tiles": []string{at + "/geo/base/{z}/{x}/{y}"}, "tileSize": 256, "maxzoom": 19},
			"fiche": map[string]any{"type": "vector", "tiles": []string{at + "/geo/layers/fiche/{z}/{x}/{y}.mvt"}}},
		"layers": []any{
			map[string]any{"id": "base", "type": "raster", "source": "base"},
			map[string]any{"id": "fiche", "type": "circle", "source": "fiche", "source-layer": "fiche"}}})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

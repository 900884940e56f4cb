package geo_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/geo"
)

// site is a type with a place, something to select by, and something to hide.
const site = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Site","type":"object","unevaluatedProperties":false,"required":["title"],
"x-type":{"name":"site","public":true,"titleField":"title","slug":false,"geo":"location","label":{"fr":"Site","en":"Site"},"pluralLabel":{"fr":"Sites","en":"Sites"}},
"properties":{"title":{"type":"string","x-search":2},"kind":{"type":"string","x-facet":true},"location":{"x-geo":"any"},"commune":{"type":"string","x-territory":"commune","x-facet":true},
"note":{"type":"string","x-private":true}}}`

func point(lon, lat float64) plugintest.Doc {
	return plugintest.Doc{"type": "Point", "coordinates": []float64{lon, lat}}
}

func newSites(t testing.TB, options ...plugintest.Option) *plugintest.Host {
	return plugintest.New(t, geo.New(), append(options, plugintest.Types(site))...)
}

// collection reads GeoJSON with a library of the map world, and checks what RFC 7946 asks for.
func collection(t testing.TB, h *plugintest.Host, path string) *geojson.FeatureCollection {
	t.Helper()
	got := h.Get(path).OK()
	if kind := got.Header.Get("Content-Type"); kind != "application/geo+json" {
		t.Errorf("%s: Content-Type %q", path, kind)
	}
	c, err := geojson.UnmarshalFeatureCollection([]byte(got.Text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, f := range c.Features {
		if polygon, ok := f.Geometry.(orb.Polygon); ok {
			for i, ring := range polygon {
				if !ring.Closed() || (ring.Orientation() == orb.CCW) != (i == 0) {
					t.Errorf("%s: ring %d of %v is not closed or the wrong way round", path, i, f.ID)
				}
			}
		}
		if f.ID == nil || f.Geometry == nil && c.ExtraMembers["page"] == nil {
			t.Errorf("%s: a feature without id or geometry: %v", path, f)
		}
	}
	return c
}

// tile reads a vector tile.
func tile(t testing.TB, h *plugintest.Host, layer string, z, x, y int, query string) []*geojson.Feature {
	t.Helper()
	got := h.Get(fmt.Sprintf("/geo/layers/%s/%d/%d/%d.mvt?%s", layer, z, x, y, query)).OK()
	if kind := got.Header.Get("Content-Type"); kind != "application/vnd.mapbox-vector-tile" {
		t.Errorf("Content-Type %q", kind)
	}
	layers, err := mvt.Unmarshal([]byte(got.Text))
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) == 0 {
		return nil
	}
	if len(layers) != 1 || layers[0].Name != layer || layers[0].Version != 2 || layers[0].Extent != 4096 {
		t.Errorf("layers: %v", layers[0])
	}
	return layers[0].Features
}

// pointsIn counts what tiles show at a zoom, clusters by what is in them.
func pointsIn(t testing.TB, h *plugintest.Host, layer string, z int, query string) (n int) {
	t.Helper()
	for x := range 1 << z {
		for y := range 1 << z {
			for _, f := range tile(t, h, layer, z, x, y, query) {
				if count, ok := f.Properties["point_count"].(float64); ok {
					n += int(count)
				} else {
					n++
				}
			}
		}
	}
	return n
}

func titles(c *geojson.FeatureCollection) string {
	var all []string
	for _, f := range c.Features {
		all = append(all, fmt.Sprint(f.Properties["title"]))
	}
	slices.Sort(all)
	return fmt.Sprint(all)
}

func TestGeoJSON(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	h.CreateLive("site", plugintest.Doc{"title": "Metz", "kind": "a", "location": point(6.1757, 49.1193), "note": "canary"}).OK()
	h.CreateLive("site", plugintest.Doc{"title": "Nancy", "kind": "b", "location": point(6.1844, 48.6921)}).OK()
	h.CreateLive("site", plugintest.Doc{"title": "Square", "kind": "a", "location": plugintest.Doc{"type": "Polygon",
		"coordinates": [][][]float64{{{0, 0}, {0, 10}, {10, 10}, {10, 0}, {0, 0}}, {{2, 2}, {4, 2}, {4, 4}, {2, 4}, {2, 2}}}}}).OK() // both rings the wrong way round
	h.CreateLive("site", plugintest.Doc{"title": "Nowhere"}).OK()
	h.Create("site", plugintest.Doc{"title": "Draft", "location": point(0, 0)}).OK()
	for query, want := range map[string]string{
		"":                                  "[Metz Nancy Square]",
		"?filter[kind]=a":                   "[Metz Square]",
		"?q=nancy":                          "[Nancy]",
		"?bbox=6,49,7,50":                   "[Metz]",
		"?near=48.69,6.18,5000":             "[Nancy]",
		"?sort=-title&limit=2":              "[Nowhere Square]",
		"?filter={\"kind\":{\"eq\":\"b\"}}": "[Nancy]",
	} {
		if got := titles(collection(t, h, "/geo/layers/site.geojson"+query)); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"?fields=title&filter[kind]=b", "?fields=title&filter[kind]=b&limit=5"} { // the place is there whatever else is asked for
		if f := collection(t, h, "/geo/layers/site.geojson"+query).Features; len(f) != 1 || f[0].Geometry == nil || f[0].Properties["title"] != "Nancy" || f[0].Properties["kind"] != nil {
			t.Errorf("%s: %v", query, f)
		}
	}
	all := collection(t, h, "/geo/layers/site.geojson")
	if got := fmt.Sprint(all.BBox); got != "[0 0 10 49.1193]" {
		t.Errorf("bbox %s", got)
	}
	for _, tc := range []struct {
		path   string
		status int
	}{
		{"/geo/layers/site", 404}, {"/geo/layers/siet.geojson", 404}, {"/geo/layers/site.geojson?filter[note]=canary", 400}, {"/geo/layers/site.geojson?filter[nope]=x", 400},
		{"/geo/layers/site.geojson?fields=note", 400}, {"/geo/layers/site.geojson?geo=title", 400}, {"/geo/layers/site.geojson?facets=kind", 400}, {"/geo/layers/site.geojson?state=draft", 401},
	} {
		h.Get(tc.path).Status(tc.status)
	}
}

// What does not go into one answer goes on in others: each feature once, also when something is written meanwhile.
func TestGeoJSON_parts(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, geo.NewShort(3), plugintest.Types(site))
	for i := range 8 {
		h.CreateLive("site", plugintest.Doc{"title": fmt.Sprint(i), "kind": string(rune('a' + i%2)), "location": point(float64(i), 45)}).OK()
	}
	importRestaurants(t, h, "food")
	for _, path := range []string{"/geo/layers/site.geojson?", "/geo/layers/site.geojson?filter[kind]=a&fields=title&", "/geo/layers/food.geojson?bbox=7.41,43.72,7.4275,43.742&"} {
		seen, total := map[any]int{}, 0.0
		for parts, next := 0, ""; ; parts++ {
			c := collection(t, h, path+next)
			page, _ := c.ExtraMembers["page"].(map[string]any)
			if page["limit"] != 3.0 || len(c.Features) > 3 || parts > 1000 {
				t.Fatalf("%s%s: %d features, %v", path, next, len(c.Features), page)
			}
			for _, f := range c.Features {
				seen[f.ID]++
			}
			if parts == 0 {
				total, _ = page["total"].(float64)
			}
			cursor, more := page["next"].(string)
			if !more {
				break
			}
			next = "after=" + url.QueryEscape(cursor)
			if parts == 0 {
				h.CreateLive("site", plugintest.Doc{"title": "later", "kind": "b", "location": point(9, 45)}).OK()
			}
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s: %v is there %d times", path, id, n)
			}
		}
		if len(seen) < int(total) || total < 4 {
			t.Errorf("%s: %d of %v features", path, len(seen), total)
		}
	}
	if c := collection(t, h, "/geo/layers/site.geojson?filter[title][in]=0,1,2"); len(c.Features) != 3 || c.ExtraMembers["page"] != nil {
		t.Errorf("what fits into one answer: %v", c)
	}
	for _, query := range []string{"after=feature:x&limit=2", "after=feature:x&sort=title", "after=x"} {
		h.Get("/geo/layers/site.geojson?" + query).Status(400)
	}
}

// The same question gives the same count in the list, in a facet, as GeoJSON, over the tiles of a zoom, and by territory.
func TestCountsAgree(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	random := rand.New(rand.NewPCG(1, 2))
	communes := []string{"68224", "57463", "54395", "67482", "75056"}
	var operations []any
	const many = 300
	for i := range many {
		at := point(-5+random.Float64()*14, 42+random.Float64()*9)
		if i%10 == 0 {
			at = point(7.33, 47.75) // several at one place
		}
		operations = append(operations, plugintest.Doc{"op": "create", "type": "site", "publish": true, "data": plugintest.Doc{"title": fmt.Sprint("S", i), "kind": string(rune('a' + i%3)),
			"location": at, "commune": communes[i%len(communes)]}})
	}
	for batch := range slices.Chunk(operations, 100) {
		h.Do("administrator", "POST", "/api/v1/batch", plugintest.Doc{"operations": batch}).OK()
	}
	for _, query := range []string{"", "filter[kind]=a", "filter[kind][in]=a,b", "bbox=0,45,5,48", "filter=" + url.QueryEscape(`{"or":[{"kind":"c"},{"commune":"75056"}]}`)} {
		page := h.Get("/api/v1/content/site?limit=1&facets=kind&" + query).OK().Body
		total := int(page["page"].(map[string]any)["total"].(float64))
		facet := 0
		for _, v := range page["facets"].(map[string]any)["kind"].([]any) {
			facet += int(v.(map[string]any)["count"].(float64))
		}
		counted := func(level string) (n int) {
			var got struct {
				Data     []struct{ Count int }
				Unplaced int
			}
			text := h.Get("/geo/layers/site/territories?level=" + level + "&" + query).OK().Text
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			for _, line := range got.Data {
				n += line.Count
			}
			return n + got.Unplaced
		}
		counts := []int{facet, len(collection(t, h, "/geo/layers/site.geojson?"+query).Features), pointsIn(t, h, "site", 0, query), pointsIn(t, h, "site", 3, query),
			counted("commune"), counted("departement"), counted("region")}
		if total == 0 || slices.ContainsFunc(counts, func(n int) bool { return n != total }) {
			t.Errorf("%q: the list has %d, the others %v", query, total, counts)
		}
	}
}

// What is unpublished, expired or another's is in no tile and no count, at the next request.
func TestTilesForget(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	id := h.CreateLive("site", plugintest.Doc{"title": "Metz", "location": point(6.1757, 49.1193)}).OK().ID
	if n := pointsIn(t, h, "site", 2, ""); n != 1 {
		t.Fatalf("%d points, want 1", n)
	}
	h.Move("site", id, "unpublish").OK()
	if n := pointsIn(t, h, "site", 2, ""); n != 0 {
		t.Errorf("unpublished, and %d points", n)
	}
	h.Move("site", id, "publish").OK()
	if n := pointsIn(t, h, "site", 2, ""); n != 1 {
		t.Errorf("published again, and %d points", n)
	}
	h.Do("administrator", "POST", "/api/v1/content/site/"+string(id)+"/transitions/unpublish", plugintest.Doc{"at": "2030-01-01T01:00:00Z"}).OK()
	h.Advance(2 * 3600e9)
	if n := pointsIn(t, h, "site", 2, ""); n != 0 {
		t.Errorf("expired, and %d points", n)
	}
}

// A point stands in one tile of a zoom, where the usual numbering has it.
func TestTilePlaces(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	for _, p := range []orb.Point{{0, 0}, {-180, 10}, {179.9999999, -10}, {7.33, 47.75}, {-61.5, 16.2}} {
		h.CreateLive("site", plugintest.Doc{"title": fmt.Sprint(p), "location": point(p[0], p[1])}).OK()
		for _, z := range []maptile.Zoom{0, 5, 14, 18} {
			at := maptile.At(p, z)
			found := false
			for _, f := range tile(t, h, "site", int(z), int(at.X), int(at.Y), "") {
				found = found || f.Properties["title"] == fmt.Sprint(p) || f.Properties["point_count"] != nil
			}
			if !found {
				t.Errorf("%v is not in %v", p, at)
			}
		}
	}
	for _, path := range []string{"3/8/0.mvt", "3/0/8.mvt", "23/0/0.mvt", "-1/0/0.mvt", "3/0/0.pbf", "03/0/0.mvt", "3/0x1/0.mvt", "3/0/0"} {
		h.Get("/geo/layers/site/" + path).Status(404)
	}
}

// Points at one place are never shown as one: however deep one goes, they are a cluster that says so.
func TestStacked(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	for i := range 3 {
		h.CreateLive("site", plugintest.Doc{"title": fmt.Sprint(i), "location": point(7.33, 47.75)}).OK()
	}
	at := maptile.At(orb.Point{7.33, 47.75}, 20)
	features := tile(t, h, "site", 20, int(at.X), int(at.Y), "")
	if len(features) != 1 || features[0].Properties["point_count"] != 3.0 || features[0].Properties["stacked"] != true {
		t.Errorf("got %v", features)
	}
}

// An area reaches over the edges of tiles.
func TestTileShapes(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	h.CreateLive("site", plugintest.Doc{"title": "Area", "location": plugintest.Doc{"type": "Polygon", "coordinates": [][][]float64{{{-10, -10}, {10, -10}, {10, 10}, {-10, 10}, {-10, -10}}}}}).OK()
	for _, at := range [][3]int{{0, 0, 0}, {1, 0, 0}, {1, 1, 1}, {4, 8, 8}} {
		features := tile(t, h, "site", at[0], at[1], at[2], "")
		if len(features) != 1 || features[0].Geometry.GeoJSONType() != "Polygon" || features[0].Properties["title"] != "Area" {
			t.Errorf("%v: %v", at, features)
		}
	}
	if features := tile(t, h, "site", 4, 0, 0, ""); len(features) != 0 {
		t.Errorf("far away: %v", features)
	}
}

func TestLayersOfOnesOwn(t *testing.T) {
	t.Parallel()
	h := newSites(t, plugintest.Settings(plugintest.Doc{"layers": []plugintest.Doc{{"name": "some", "type": "site", "filter": plugintest.Doc{"kind": plugintest.Doc{"eq": "a"}}, "fields": []string{"title", "kind"},
		"label": plugintest.Doc{"fr": "Quelques-uns", "en": "Some"}}}}))
	h.CreateLive("site", plugintest.Doc{"title": "A", "kind": "a", "location": point(1, 1)}).OK()
	h.CreateLive("site", plugintest.Doc{"title": "B", "kind": "b", "location": point(1, 1)}).OK()
	if got := titles(collection(t, h, "/geo/layers/some.geojson")); got != "[A]" {
		t.Errorf("got %s", got)
	}
	if got := titles(collection(t, h, "/geo/layers/some.geojson?filter="+url.QueryEscape(`{"kind":"b"}`))); got != "[]" {
		t.Errorf("a filter of the caller's widens the layer: %s", got)
	}
	if got := h.Get("/geo/layers/some/tilejson.json").OK(); got.Body["tilejson"] != "3.0.0" || got.Body["name"] != "Some" {
		t.Errorf("got %s", got.Text)
	}
}

// A layer that the site cannot show is refused when it is set, with what is wrong about it. What stood before is not looked at.
func TestSettings_fit(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	for _, tc := range []struct{ settings, pointer, says string }{
		{`{"layers": [{"name": "a", "type": "sitte"}]}`, "/layers/0/type", `There is no content type "sitte".`},
		{`{"layers": [{"name": "a", "type": "site"}, {"name": "b", "type": "site", "field": "title"}]}`, "/layers/1/field", "The field title is no place."},
		{`{"layers": [{"name": "a", "type": "site", "field": "nowhere"}]}`, "/layers/0/field", `The type site has no field "nowhere".`},
		{`{"layers": [{"name": "a", "type": "site", "fields": ["title", "titel"]}]}`, "/layers/0/fields/1", `The type site has no field "titel".`},
		{`{"layers": [{"name": "a", "type": "site", "filter": {"knid": "a"}}]}`, "/layers/0/filter", "knid"},
		{`{"page": {"pages": {"sitte": "https://www.example.org/{slug}"}}}`, "/page/pages/sitte", `There is no content type "sitte".`},
		{`{"geocoder": {"url": "https://geocoder.example.org", "format": "nominatim"}}`, "/geocoder/contact", "who runs this site can be reached"},
	} {
		got := h.Do("administrator", "PATCH", "/api/v1/plugins/"+geo.ID, json.RawMessage(`{"settings": `+tc.settings+`}`)).Status(422)
		if !strings.Contains(fmt.Sprint(got.Body["detail"]), tc.says) || !strings.Contains(got.Text, `"/settings`+tc.pointer+`"`) {
			t.Errorf("%s: %s", tc.settings, got.Text)
		}
	}
}

// A commit draws those tiles anew that it touches, and leaves the others: their entity tags stand, and so do the tiles that
// are kept.
func TestTilesInvalidatedWhereTouched(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	h.CreateLive("site", plugintest.Doc{"title": "Metz", "location": point(6.1757, 49.1193)}).OK()
	id := h.CreateLive("site", plugintest.Doc{"title": "Brest", "location": point(-4.49, 48.39)}).OK().ID
	tag := func(p orb.Point) string {
		at := maptile.At(p, 8)
		return h.Get(fmt.Sprintf("/geo/layers/site/8/%d/%d.mvt", at.X, at.Y)).OK().Header.Get("Etag")
	}
	metz, brest, lyon := orb.Point{6.1757, 49.1193}, orb.Point{-4.49, 48.39}, orb.Point{4.83, 45.76}
	before := []string{tag(metz), tag(brest), tag(lyon)}
	h.Update("site", id, plugintest.Doc{"location": point(4.83, 45.76), "title": "Lyon"}).OK()
	h.Move("site", id, "publish").OK()
	after := []string{tag(metz), tag(brest), tag(lyon)}
	if after[0] != before[0] || after[1] == before[1] || after[2] == before[2] {
		t.Errorf("entity tags %v became %v: the first stays, where it left and where it went change", before, after)
	}
}

package geo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/maptile"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/geo"
)

func testFile(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// A layer of an OpenStreetMap extract is served like one of content, at once and with whom it is owed to.
func TestOverlay(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	const extract = "internal/osm/testdata/monaco.osm.pbf"
	if _, err := h.Command("geo import", []string{extract}, map[string][]string{"layer": {"nothing"}, "filter": {"amenity=lighthouse_of_alexandria"}}); err == nil {
		t.Error("a layer of nothing was made")
	}
	h.Get("/geo/layers/restaurants.geojson").Status(404)
	out, err := h.Command("geo import", []string{extract}, map[string][]string{"layer": {"restaurants"}, "filter": {"amenity=restaurant"}})
	if err != nil || !strings.Contains(out, "OpenStreetMap contributors") {
		t.Fatalf("%v: %s", err, out)
	}
	c := collection(t, h, "/geo/layers/restaurants.geojson")
	if len(c.Features) < 20 || !strings.Contains(fmt.Sprint(c.ExtraMembers["attribution"]), "OpenStreetMap") {
		t.Fatalf("%d features, %v", len(c.Features), c.ExtraMembers)
	}
	if n := pointsIn(t, h, "restaurants", 1, ""); n != len(c.Features) {
		t.Errorf("the tiles have %d, want %d", n, len(c.Features))
	}
	if some := collection(t, h, "/geo/layers/restaurants.geojson?filter[cuisine]=italian"); len(some.Features) == 0 || len(some.Features) >= len(c.Features) {
		t.Errorf("%d are Italian, of %d", len(some.Features), len(c.Features))
	}
	if got := h.Get("/geo/layers/restaurants/tilejson.json").OK(); !strings.Contains(fmt.Sprint(got.Body["attribution"]), "OpenStreetMap") {
		t.Errorf("got %s", got.Text)
	}
	if got := h.Get("/geo/layers").OK(); !strings.Contains(got.Text, `"restaurants"`) {
		t.Errorf("got %s", got.Text)
	}
	h.Get("/geo/layers/restaurants.geojson?q=x").Status(400)
	if _, err := h.Command("geo import", []string{extract}, map[string][]string{"layer": {"buildings"}, "filter": {"building"}}); err != nil {
		t.Fatal(err)
	}
	buildings := collection(t, h, "/geo/layers/buildings.geojson?bbox=7.41,43.72,7.44,43.75")
	at := maptile.At(buildings.Features[0].Geometry.Bound().Center(), 16)
	if features := tile(t, h, "buildings", 16, int(at.X), int(at.Y), ""); len(features) == 0 {
		t.Error("a tile over a building has none")
	}
	if _, err := h.Command("geo remove", []string{"buildings"}, nil); err != nil {
		t.Fatal(err)
	}
	h.Get("/geo/layers/buildings.geojson").Status(404)
}

// A layer that was taken away is gone within seconds, also where its answers were kept.
func TestOverlay_removed(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	importRestaurants(t, h, "food")
	h.Get("/geo/layers/food.geojson").OK()
	h.Get("/geo/layers/food/1/1/0.mvt").OK()
	if _, err := h.Command("geo remove", []string{"food"}, nil); err != nil {
		t.Fatal(err)
	}
	h.Advance(11 * time.Second)
	h.Get("/geo/layers/food.geojson").Status(404)
	h.Get("/geo/layers/food/1/1/0.mvt").Status(404)
}

func importRestaurants(t *testing.T, h *plugintest.Host, layer string) {
	t.Helper()
	if _, err := h.Command("geo import", []string{"internal/osm/testdata/monaco.osm.pbf"}, map[string][]string{"layer": {layer}, "filter": {"amenity=restaurant"}}); err != nil {
		t.Fatal(err)
	}
}

// At an address there is one layer: content goes before OpenStreetMap, and a configured layer before the type of its name.
func TestLayers_oneName(t *testing.T) {
	t.Parallel()
	h := newSites(t, plugintest.Settings(plugintest.Doc{"layers": []plugintest.Doc{{"name": "site", "type": "site", "filter": plugintest.Doc{"kind": "a"}}}}))
	importRestaurants(t, h, "site")
	h.CreateLive("site", plugintest.Doc{"title": "A", "kind": "a", "location": point(1, 1)}).OK()
	h.CreateLive("site", plugintest.Doc{"title": "B", "kind": "b", "location": point(1, 1)}).OK()
	if got := titles(collection(t, h, "/geo/layers/site.geojson")); got != "[A]" {
		t.Errorf("got %s", got)
	}
	if list := h.Get("/geo/layers").OK(); strings.Count(list.Text, `"name":"site"`) != 1 {
		t.Errorf("got %s", list.Text)
	}
	if page := h.Get("/map").OK(); strings.Contains(page.Text, "site (OpenStreetMap)") {
		t.Error("the page offers a layer that is not served")
	}
}

// An archive in the plugin's directory is a base map.
func TestBaseArchive(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, geo.New(), plugintest.Types(site), plugintest.File("base/toner.pmtiles", testFile(t, "internal/basemap/testdata/stamen-toner-z3.raster.pmtiles")))
	got := h.Get("/geo/base/toner/2/1/1.png").OK()
	if image, err := png.Decode(bytes.NewReader([]byte(got.Text))); err != nil || image.Bounds().Dx() < 256 {
		t.Errorf("no picture: %v", err)
	}
	if got.Header.Get("Content-Type") != "image/png" || got.Header.Get("Etag") == "" {
		t.Errorf("got %v", got.Header)
	}
	for _, path := range []string{"/geo/base/toner/2/1/1.jpg", "/geo/base/toner/2/4/1.png", "/geo/base/nope/0/0/0.png"} {
		h.Get(path).Status(404)
	}
	h.Get("/geo/base/toner/9/1/1.png").Status(204)
	described := h.Get("/geo/base/toner/tilejson.json").OK().Body
	if described["tilejson"] != "3.0.0" || described["attribution"] == "" || fmt.Sprint(described["maxzoom"]) != "3" {
		t.Errorf("got %v", described)
	}
	style := h.Get("/geo/style.json").OK()
	var read struct {
		Version int
		Sources map[string]struct{ Type, URL string }
		Layers  []struct{ ID, Type, Source string }
	}
	if err := json.Unmarshal([]byte(style.Text), &read); err != nil || read.Version != 8 || read.Sources["base"].Type != "raster" || read.Sources["site"].Type != "vector" {
		t.Errorf("got %s", style.Text)
	}
	for _, l := range read.Layers {
		if l.Source != "" && read.Sources[l.Source].Type == "" {
			t.Errorf("the layer %s draws the source %s, which is not there", l.ID, l.Source)
		}
	}
	if plain := h.Get("/geo/style.json?base=none&layers=site&theme=dark").OK().Text; !strings.Contains(plain, "/geo/outlines/departement") || strings.Contains(plain, `"raster"`) {
		t.Errorf("got %s", plain)
	}
}

// An exported layer is a base map like any other, and holds what the tiles hold that the public sees.
func TestExport(t *testing.T) {
	t.Parallel()
	h := newSites(t, plugintest.Settings(plugintest.Doc{"layers": []plugintest.Doc{{"name": "west", "type": "site", "filter": plugintest.Doc{"title": plugintest.Doc{"in": []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}}}}}}))
	for i := range 20 {
		h.CreateLive("site", plugintest.Doc{"title": fmt.Sprint(i), "location": point(float64(i)-10, 45), "note": "canary"}).OK()
	}
	h.Create("site", plugintest.Doc{"title": "draft-canary", "location": point(0, 0)}).OK()
	file := t.TempDir() + "/sites.pmtiles"
	if out, err := h.Command("geo export", []string{"west", file}, map[string][]string{"zoom": {"0"}}); err != nil || !strings.Contains(out, "10 places") {
		t.Errorf("a configured layer: %v: %s", err, out)
	}
	out, err := h.Command("geo export", []string{"site", file}, map[string][]string{"zoom": {"5"}})
	if err != nil || !strings.Contains(out, "20 places") {
		t.Fatalf("%v: %s", err, out)
	}
	other := plugintest.New(t, geo.New(), plugintest.File("base/sites.pmtiles", testFile(t, file)))
	n := 0
	for x := range 32 {
		for y := range 32 {
			got := other.Do("administrator", "GET", fmt.Sprintf("/geo/base/sites/5/%d/%d.mvt", x, y), nil)
			if got.Code == 204 {
				continue
			}
			layers, err := mvt.Unmarshal([]byte(got.OK().Text))
			if err != nil || strings.Contains(got.Text, "canary") {
				t.Fatalf("%v: %q", err, got.Text)
			}
			for _, f := range layers[0].Features {
				count, _ := f.Properties["point_count"].(float64) // none for one alone
				n += max(1, int(count))
			}
		}
	}
	if n != 20 {
		t.Errorf("%d points, want 20", n)
	}
	if _, err := h.Command("geo export", []string{"siet", file}, map[string][]string{"zoom": {"5"}}); err == nil {
		t.Error("a layer that is not there was exported")
	}
}

// The map page is there without scripts, in the reader's language, and only the sites of the settings may frame it.
func TestMapPage(t *testing.T) {
	t.Parallel()
	h := newSites(t, plugintest.Settings(plugintest.Doc{"layers": []plugintest.Doc{{"name": "staff", "type": "site", "filter": plugintest.Doc{"note": "x"}}}, "page": plugintest.Doc{"embed": []string{"https://www.example.org"}, "title": plugintest.Doc{"fr": "La carte", "en": "The map"}}}))
	h.CreateLive("site", plugintest.Doc{"title": "Mairie <b>de</b> Metz", "kind": "a", "location": point(6.1757, 49.1193), "note": "canary"}).OK()
	h.Create("site", plugintest.Doc{"title": "draft-canary", "location": point(0, 0)}).OK()
	page := h.Get("/map?lang=fr").OK()
	for _, want := range []string{`lang="fr"`, "La carte", "Mairie &lt;b&gt;de&lt;/b&gt; Metz", "Licence Ouverte"} {
		if !strings.Contains(page.Text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.Text, "canary") || !strings.Contains(page.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || page.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("%v\n%s", page.Header, page.Text)
	}
	embedded := h.Get("/map/embed?lang=en").OK()
	if policy := embedded.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors https://www.example.org") || embedded.Header.Get("X-Frame-Options") != "" {
		t.Errorf("%v", embedded.Header)
	}
	if got := h.Get("/map?lang=en&q=nothing-of-the-kind").OK(); strings.Contains(got.Text, "Mairie") {
		t.Error("the list does not search")
	}
	// What is of another layer, not to be asked about, or nothing, is left out, and said so.
	odd := h.Get("/map?lang=en&layer=stie&overlay=x&view=canton&filter[approaches]=BP&filter[note]=canary&filter[kind]=a").OK()
	if !strings.Contains(odd.Text, "view=canton, filter[approaches], filter[note], layer=stie, overlay=x</p>") || !strings.Contains(odd.Text, "Mairie") ||
		!strings.Contains(odd.Text, `&#34;known&#34;:&#34;/map?filter%5Bkind%5D=a\u0026lang=en\u0026layer=site&#34;`) {
		t.Errorf("got %s", odd.Text)
	}
	if fine := h.Get("/map?layer=site&filter[kind]=a").OK(); strings.Contains(fine.Text, `id="unknown"`) {
		t.Error("nothing is unknown, and it says so")
	}
	if home := h.Get("/?lang=fr").OK(); !strings.Contains(home.Text, `href="/map`) || !strings.Contains(home.Text, "Les contenus sur une carte") {
		t.Error("the home page does not lead to the map")
	}
	h.Get("/map/palabre-map.js").OK()
	off := newSites(t)
	off.Do("administrator", "PATCH", "/api/v1/plugins/"+geo.ID, plugintest.Doc{"enabled": false}).OK()
	if home := off.Get("/?lang=fr").OK(); strings.Contains(home.Text, `href="/map`) {
		t.Error("the home page leads to a map that is not there")
	}
	h.Get("/map/assets/0/main.js").Status(404)
	src := strings.SplitN(strings.SplitN(page.Text, `src="/map/assets/`, 2)[1], `"`, 2)[0]
	if got := h.Get("/map/assets/" + src).OK(); !strings.Contains(got.Header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("got %v", got.Header)
	}
}

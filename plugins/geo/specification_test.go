package geo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb/encoding/mvt"

	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// atlas is a node with base maps of each kind, layers of each kind, and names that get in each other's way.
func atlas(t *testing.T, options ...plugintest.Option) *plugintest.Host {
	t.Helper()
	layers := []plugintest.Doc{{"name": "some", "type": "site", "filter": plugintest.Doc{"kind": "a"}, "fields": []string{"title", "kind", "commune"}}}
	for _, name := range []string{"base", "outlines", "ground", "base-site", "base-site-area"} {
		layers = append(layers, plugintest.Doc{"name": name, "type": "site"})
	}
	h := newSites(t, append(options,
		plugintest.File("base/a-vector.pmtiles", vectorArchive(t)),
		plugintest.File("base/b-raster.pmtiles", testFile(t, "internal/basemap/testdata/stamen-toner-z3.raster.pmtiles")),
		plugintest.Settings(plugintest.Doc{"layers": layers, "attribution": `Observatoire <Exemple> & "amis"`,
			"rasters": []plugintest.Doc{{"name": "c-proxy", "url": "https://tiles.example.org/{z}/{x}/{y}.png", "contact": "camille@example.org", "maxZoom": 17}}}))...)
	h.CreateLive("site", plugintest.Doc{"title": "Metz", "kind": "a", "commune": "57463", "location": point(6.1757, 49.1193)}).OK()
	importRestaurants(t, h, "food")
	return h
}

// vectorArchive is a base map that a site exported.
func vectorArchive(t *testing.T) []byte {
	t.Helper()
	h := newSites(t)
	h.CreateLive("site", plugintest.Doc{"title": "Metz", "location": point(6.1757, 49.1193)}).OK()
	file := t.TempDir() + "/sites.pmtiles"
	if _, err := h.Command("geo export", []string{"site", file}, map[string][]string{"zoom": {"3"}}); err != nil {
		t.Fatal(err)
	}
	return testFile(t, file)
}

// public has the node know its address.
func public() plugintest.Option {
	return plugintest.Configure(func(c *config.Config) { c.PublicURL = "https://cms.example.org" })
}

// Styles are what the style specification asks for, by the validator of those who keep it; and what they lead to is there.
func TestStyle_specification(t *testing.T) {
	t.Parallel()
	node := validator(t)
	styles, h := map[string]json.RawMessage{}, atlas(t, public())
	for _, base := range []string{"", "none", "a-vector", "b-raster", "c-proxy"} {
		for _, theme := range []string{"", "light", "dark"} {
			for _, layers := range []string{"", "site", "site,some,food", "base,outlines,ground,base-site,base-site-area,base"} {
				query := url.Values{}
				for name, v := range map[string]string{"base": base, "theme": theme, "layers": layers} {
					if v != "" {
						query.Set(name, v)
					}
				}
				path := "/geo/style.json?" + query.Encode()
				style := h.Get(path).OK()
				styles[path] = json.RawMessage(style.Text)
				leadsOn(t, h, path, style.Body)
			}
		}
	}
	for path, wrong := range judged(t, node, styles) {
		for _, what := range wrong {
			t.Errorf("%s: %s", path, what)
		}
	}
}

// leadsOn holds that the addresses of a style's sources are whole ones, and answer.
func leadsOn(t *testing.T, h *plugintest.Host, path string, style plugintest.Doc) {
	t.Helper()
	sources, _ := style["sources"].(map[string]any)
	if len(sources) == 0 {
		t.Errorf("%s has no sources", path)
	}
	for name, s := range sources {
		source, _ := s.(map[string]any)
		address, _ := source["url"].(string)
		if source["type"] == "geojson" {
			address, _ = source["data"].(string)
		}
		path, ours := strings.CutPrefix(address, "https://cms.example.org/")
		if !ours {
			t.Errorf("%s: the source %s is at %q", path, name, address)
			continue
		}
		h.Get("/" + path).OK()
	}
}

// validator finds what holds styles against their specification, or says what is missing.
func validator(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("web/node_modules/@maplibre/maplibre-gl-style-spec")
	}
	if err == nil {
		return node
	}
	const missing = "styles are not held against their specification: install Node, and run npm ci in plugins/geo/web"
	if slices.Contains(strings.Split(os.Getenv("PALABRE_TEST_REQUIRE"), ","), "chromium") { // make browser installs both
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

func judged(t *testing.T, node string, styles map[string]json.RawMessage) (wrong map[string][]string) {
	t.Helper()
	given, err := json.Marshal(styles)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "web/testdata/style.mjs")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(given), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &wrong); err != nil || len(wrong) != len(styles) {
		t.Fatalf("%d styles were given, %d judged: %v", len(styles), len(wrong), err)
	}
	return wrong
}

// What describes tiles is what TileJSON 3.0.0 asks for, whether or not the node knows its address, and tells the truth of them.
func TestTileJSON_specification(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]plugintest.Option{"public": {public()}, "without an address": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := atlas(t, options...)
			for _, path := range []string{"/geo/layers/site", "/geo/layers/some", "/geo/layers/site?filter[kind][in]=a,b&fields=title,kind,commune&bbox=-5,40,10,52", "/geo/layers/food", "/geo/layers/food?filter[cuisine]=italian",
				"/geo/layers/base-site-area", "/geo/base/a-vector", "/geo/base/b-raster", "/geo/base/c-proxy"} {
				path, query, _ := strings.Cut(path, "?")
				path += "/tilejson.json?" + query
				d := h.Get(path).OK().Body
				for _, wrong := range tileJSON(d).faults() {
					t.Errorf("%s: %s", path, wrong)
				}
				if !t.Failed() && !strings.Contains(path, "c-proxy") { // whose server is not there
					tellsTrue(t, h, d)
				}
			}
		})
	}
}

// tellsTrue gets a tile as TileJSON says, and holds that it has the layers and fields that it tells of.
func tellsTrue(t *testing.T, h *plugintest.Host, d plugintest.Doc) {
	t.Helper()
	u, err := url.Parse(strings.NewReplacer("{z}", "0", "{x}", "0", "{y}", "0").Replace(tileJSON(d).texts("tiles")[0]))
	if err != nil {
		t.Fatal(err)
	}
	got := h.Get(u.RequestURI()).OK()
	if d["vector_layers"] == nil {
		if kind := got.Header.Get("Content-Type"); !strings.HasPrefix(kind, "image/") {
			t.Errorf("%s is %s", u, kind)
		}
		return
	}
	layers, err := mvt.Unmarshal([]byte(got.Text))
	if err != nil || len(layers) == 0 {
		t.Fatalf("%s: %d layers, %v", u, len(layers), err)
	}
	told := tileJSON(d).layers()
	for _, l := range layers {
		fields, known := told[l.Name]
		if !known {
			t.Errorf("%s has the layer %s, which is not told of", u, l.Name)
		}
		for _, f := range l.Features {
			for name := range f.Properties {
				if _, known := fields[name]; !known {
					t.Errorf("%s has the field %s, which is not told of: %v", u, name, slices.Sorted(maps.Keys(fields)))
				}
			}
		}
	}
}

// tileJSON is a TileJSON document as somebody else reads it.
type tileJSON map[string]any

// A rule of TileJSON 3.0.0 (https://github.com/mapbox/tilejson-spec/tree/master/3.0.0), by the number of its section.
type rule struct {
	of    string
	holds func(tileJSON) bool
}

var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`)

var rules = []rule{
	{"3.1 tilejson", func(d tileJSON) bool { return d["tilejson"] == "3.0.0" }},
	{"3.2 tiles: one at least, whole addresses, with places for the coordinates", func(d tileJSON) bool {
		return len(d.texts("tiles")) > 0 && !slices.ContainsFunc(d.texts("tiles"), func(text string) bool {
			u, err := url.Parse(strings.NewReplacer("{z}", "0", "{x}", "0", "{y}", "0").Replace(text))
			return err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(u.String(), "{}")
		})
	}},
	{"3.3 vector_layers: of vector tiles always, of pictures never", func(d tileJSON) bool {
		return (d["vector_layers"] != nil) == (d.texts("tiles") == nil || strings.Contains(d.texts("tiles")[0], ".mvt"))
	}},
	{"3.3.1 id, 3.3.2 fields: texts", func(d tileJSON) bool {
		all, ok := d["vector_layers"].([]any)
		return !ok || len(d.layers()) == len(all)
	}},
	{"3.9 fillzoom, 3.12 maxzoom, 3.13 minzoom: whole numbers, 0 ≤ minzoom ≤ maxzoom ≤ 30", func(d tileJSON) bool {
		from, to, fill := d.number("minzoom", 0), d.number("maxzoom", 30), d.number("fillzoom", 0)
		return whole(from) && whole(to) && whole(fill) && 0 <= from && from <= to && to <= 30 && 0 <= fill && fill <= 30
	}},
	{"3.3.4 zooms of a layer: within those of the tiles", func(d tileJSON) bool {
		for _, l := range d.list("vector_layers") {
			layer, _ := l.(map[string]any)
			if from, to := tileJSON(layer).number("minzoom", d.number("minzoom", 0)), tileJSON(layer).number("maxzoom", d.number("maxzoom", 30)); from < d.number("minzoom", 0) || to > d.number("maxzoom", 30) || from > to {
				return false
			}
		}
		return true
	}},
	{"3.4 attribution, 3.8 description, 3.11 legend, 3.14 name, 3.16 template: texts", func(d tileJSON) bool {
		for _, name := range []string{"attribution", "description", "legend", "name", "template"} {
			if _, isText := d[name].(string); d[name] != nil && !isText {
				return false
			}
		}
		return true
	}},
	{"3.5 bounds: west, south, east, north, not around the antimeridian", func(d tileJSON) bool {
		b := d.numbers("bounds")
		return d["bounds"] == nil || len(b) == 4 && -180 <= b[0] && b[0] <= b[2] && b[2] <= 180 && -90 <= b[1] && b[1] <= b[3] && b[3] <= 90
	}},
	{"3.6 center: within bounds and zooms, its zoom a whole number", func(d tileJSON) bool {
		c, b := d.numbers("center"), d.numbers("bounds")
		if len(b) != 4 {
			b = []float64{-180, -85.05112877980659, 180, 85.0511287798066}
		}
		return d["center"] == nil || len(c) == 3 && b[0] <= c[0] && c[0] <= b[2] && b[1] <= c[1] && c[1] <= b[3] && whole(c[2]) && d.number("minzoom", 0) <= c[2] && c[2] <= d.number("maxzoom", 30)
	}},
	{"3.7 data, 3.10 grids: lists of texts", func(d tileJSON) bool {
		return (d["data"] == nil || d.texts("data") != nil) && (d["grids"] == nil || d.texts("grids") != nil)
	}},
	{"3.15 scheme", func(d tileJSON) bool { return d["scheme"] == nil || d["scheme"] == "xyz" || d["scheme"] == "tms" }},
	{"3.17 version", func(d tileJSON) bool {
		text, isText := d["version"].(string)
		return d["version"] == nil || isText && semver.MatchString(text)
	}},
}

// faults are the rules that do not hold.
func (d tileJSON) faults() (broken []string) {
	for _, r := range rules {
		if !r.holds(d) {
			broken = append(broken, fmt.Sprintf("against %s: %v", r.of, map[string]any(d)))
		}
	}
	return broken
}

func whole(n float64) bool { return n == float64(int(n)) }

func (d tileJSON) list(name string) []any { list, _ := d[name].([]any); return list }

// texts is a list of texts; nil for anything else.
func (d tileJSON) texts(name string) (texts []string) {
	for _, v := range d.list(name) {
		text, isText := v.(string)
		if !isText {
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

// numbers is a list of numbers; nil for anything else.
func (d tileJSON) numbers(name string) (numbers []float64) {
	for _, v := range d.list(name) {
		n, isNumber := v.(float64)
		if !isNumber {
			return nil
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// number is a number; usual where there is none, and none that is in any range for anything else.
func (d tileJSON) number(name string, usual float64) float64 {
	v, has := d[name]
	if n, isNumber := v.(float64); isNumber {
		return n
	} else if has {
		return -0.5
	}
	return usual
}

// layers are the vector layers that are as they should be, with their fields.
func (d tileJSON) layers() map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, l := range d.list("vector_layers") {
		layer, _ := l.(map[string]any)
		id, hasID := layer["id"].(string)
		fields, hasFields := layer["fields"].(map[string]any)
		if hasID && hasFields && !slices.ContainsFunc(slices.Collect(maps.Values(fields)), func(v any) bool { _, isText := v.(string); return !isText }) {
			all[id] = fields
		}
	}
	return all
}

// The rules themselves notice what breaks them.
func TestTileJSON_rules(t *testing.T) {
	t.Parallel()
	const good = `"tilejson":"3.0.0","tiles":["https://example.org/{z}/{x}/{y}.mvt"],"vector_layers":[{"id":"a","fields":{"b":"String"}}]`
	for text, want := range map[string]string{
		good: "",
		`"tilejson":"3.0","tiles":["https://example.org/{z}/{x}/{y}.mvt"],"vector_layers":[]`:             "3.1",
		`"tilejson":"3.0.0","tiles":["/{z}/{x}/{y}.mvt"],"vector_layers":[]`:                              "3.2",
		`"tilejson":"3.0.0","tiles":["https://example.org/{z}/{x}/{y}.mvt"]`:                              "3.3",
		`"tilejson":"3.0.0","tiles":["https://example.org/{z}/{x}/{y}.png"],"vector_layers":[]`:           "3.3",
		`"tilejson":"3.0.0","tiles":["https://example.org/{z}/{x}/{y}.mvt"],"vector_layers":[{"id":"a"}]`: "3.3.1",
		good[:len(good)-2] + `,"maxzoom":31}]`:                                                            "3.3.4",
		good + `,"name":7`:                                                                                "3.4",
		good + `,"bounds":[170,0,-170,1]`:                                                                 "3.5",
		good + `,"center":[0,0,1.5]`:                                                                      "3.6",
		good + `,"data":"x"`:                                                                              "3.7",
		good + `,"minzoom":4,"maxzoom":3`:                                                                 "3.9",
		good + `,"maxzoom":"4"`:                                                                           "3.9",
		good + `,"scheme":"zxy"`:                                                                          "3.15",
		good + `,"version":"1"`:                                                                           "3.17",
	} {
		var d tileJSON
		if err := json.Unmarshal([]byte("{"+text+"}"), &d); err != nil {
			t.Fatal(err)
		}
		broken := d.faults()
		if (len(broken) > 0) != (want != "") || want != "" && !strings.HasPrefix(broken[0], "against "+want+" ") {
			t.Errorf("%s: %v, want %s", text, broken, want)
		}
	}
}

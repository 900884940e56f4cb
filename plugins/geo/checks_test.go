package geo_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/geo"
)

const townHall = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Hall","type":"object","unevaluatedProperties":false,
"x-type":{"name":"hall","public":true,"titleField":"title","slug":false,"geo":"location"},
"properties":{"title":{"type":"string"},"location":{"x-geo":"point"},"territory":{"type":"object","additionalProperties":false,"properties":{"level":{"type":"string"},
"code":{"type":"string","x-territory":"any"},"commune":{"type":"string","x-territory":"commune"},"departement":{"type":"string","x-territory":"departement"},
"region":{"type":"string","x-territory":"region"},"epci":{"type":"string","x-territory":"epci"}}}}}`

func TestCodes(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, geo.New(), plugintest.Types(townHall))
	got := h.Create("hall", plugintest.Doc{"title": "Mulhouse", "territory": plugintest.Doc{"commune": "68224", "region": "44"}}).OK()
	if want := "map[commune:68224 departement:68 epci:200066009 region:44]"; fmt.Sprint(got.Body["territory"]) != want {
		t.Errorf("completed to %v, want %s", got.Body["territory"], want)
	}
	for _, tc := range []struct{ commune, hint string }{{"1004", "01004"}, {"57000", "57463"}, {"99999", ""}} {
		r := h.Create("hall", plugintest.Doc{"territory": plugintest.Doc{"commune": tc.commune}}).Status(http.StatusUnprocessableEntity)
		if !strings.Contains(r.Text, "/territory/commune") || !strings.Contains(r.Text, tc.hint) {
			t.Errorf("%s: %s", tc.commune, r.Text)
		}
	}
	h.Create("hall", plugintest.Doc{"territory": plugintest.Doc{"level": "departement", "code": "75"}}).OK().Has("_warnings", nil)
	if r := h.Create("hall", plugintest.Doc{"territory": plugintest.Doc{"code": "75"}}).OK(); !strings.Contains(fmt.Sprint(r.Body["_warnings"]), "several territories") {
		t.Errorf("an ambiguous code: %s", r.Text)
	}
	h.Create("hall", plugintest.Doc{"territory": plugintest.Doc{"level": "ept", "code": "T12"}}).OK() // a level that the gazetteer has not
	h.Do("administrator", "PATCH", "/api/v1/plugins/"+geo.ID, plugintest.Doc{"settings": plugintest.Doc{"checks": plugintest.Doc{"codes": "warn"}}}).OK()
	if r := h.Create("hall", plugintest.Doc{"territory": plugintest.Doc{"commune": "99999"}}).OK(); !strings.Contains(fmt.Sprint(r.Body["_warnings"]), "99999") {
		t.Errorf("got %s", r.Text)
	}
}

// A point far from its territory is questioned, with the distance, in the writer's language; it is saved all the same.
func TestFarPoints(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, geo.New(), plugintest.Types(townHall))
	here := h.Create("hall", plugintest.Doc{"location": point(7.3389, 47.7467), "territory": plugintest.Doc{"commune": "68224"}}).OK()
	if here.Body["_warnings"] != nil {
		t.Errorf("in Mulhouse: %v", here.Body["_warnings"])
	}
	far := h.Update("hall", here.ID, plugintest.Doc{"location": point(6.1757, 49.1193)}).OK()
	list, _ := far.Body["_warnings"].([]any)
	if len(list) != 1 || !strings.Contains(fmt.Sprint(list), "km from Mulhouse") || !strings.Contains(fmt.Sprint(list), "/location") {
		t.Errorf("in Metz: %s", far.Text)
	}
	if again := h.Update("hall", here.ID, plugintest.Doc{"title": "x"}).OK(); again.Body["_warnings"] != nil {
		t.Errorf("what was there before is questioned again: %s", again.Text)
	}
}

func TestTerritories(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	first := func(path string) string {
		list := h.Get(path).OK().Body["data"].([]any)
		if len(list) == 0 {
			return ""
		}
		return fmt.Sprint(list[0].(map[string]any)["name"])
	}
	for path, want := range map[string]string{"?q=mulh": "Mulhouse", "?q=ILE+D+YEU": "L'Île-d'Yeu", "?q=mulh&level=epci": "CA Mulhouse Alsace Agglomération", "?q=saint+denis&within=departement:93": "Saint-Denis", "?q=zzzzz": ""} {
		if got := first("/geo/territories" + path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := h.Get("/geo/territories/68224").OK().Body; got["populationClass"] == nil || len(got["parents"].([]any)) != 3 {
		t.Errorf("got %v", got)
	}
	h.Get("/geo/territories/75").Status(409)
	if got := h.Get("/geo/territories/75?level=region").OK().Body["name"]; got != "Nouvelle-Aquitaine" {
		t.Errorf("got %v", got)
	}
	if got := h.Get("/geo/territories/1004").Status(404); !strings.Contains(got.Text, "01004") {
		t.Errorf("got %s", got.Text)
	}
	for _, path := range []string{"/geo/territories", "/geo/territories?q=x&level=county", "/geo/territories?q=x&limit=0", "/geo/territories?q=x&nope=1", "/geo/outlines/county"} {
		h.Get(path).Status(400)
	}
	h.Get("/geo/outlines/commune").Status(404)
	shapes := h.Get("/geo/outlines/region").OK()
	if !strings.Contains(shapes.Text, `"Bretagne"`) || shapes.Header.Get("Content-Type") != "application/geo+json" {
		t.Errorf("got %.200s", shapes.Text)
	}
}

// The configured service is asked politely, once, and for those who are signed in; others get the gazetteer.
func TestGeocoder(t *testing.T) {
	t.Parallel()
	for format, answer := range map[string]string{
		"ban":       `{"type":"FeatureCollection","features":[{"geometry":{"type":"Point","coordinates":[7.33,47.75]},"properties":{"label":"2 Rue du Sauvage 68100 Mulhouse","score":0.93,"type":"housenumber","city":"Mulhouse","citycode":"68224"}}]}`,
		"nominatim": `[{"lat":"47.75","lon":"7.33","display_name":"2, Rue du Sauvage, Mulhouse","addresstype":"building","importance":0.4}]`,
	} {
		h := newSites(t, plugintest.Settings(plugintest.Doc{"geocoder": plugintest.Doc{"url": "https://geocoder.example.org", "format": format, "contact": "webmaster@example.org"}}))
		h.Answer(func(*http.Request) *http.Response { return plugintest.Respond(http.StatusOK, answer) })
		const path = "/geo/geocode?q=2+rue+du+sauvage+mulhouse"
		for range 2 {
			got := h.Do("administrator", "GET", path, nil).OK()
			if !strings.Contains(got.Text, `"lon":7.33`) || !strings.Contains(got.Text, `"`+format+`"`) {
				t.Errorf("%s: %s", format, got.Text)
			}
		}
		asked, _ := h.Asked()
		if len(asked) != 1 || !strings.Contains(asked[0].Header.Get("User-Agent"), "webmaster@example.org") || asked[0].URL.Host != "geocoder.example.org" {
			t.Errorf("%s: asked %d times: %v", format, len(asked), asked)
		}
		h.Get("/geo/geocode?q=mulhouse").OK()
		if asked, _ := h.Asked(); len(asked) != 1 {
			t.Errorf("%s: a stranger uses the service", format)
		}
		if got := h.Get("/geo/reverse?lat=47.75&lon=7.33").OK(); !strings.Contains(got.Text, "Haut-Rhin") || !strings.Contains(got.Text, "Grand Est") {
			t.Errorf("got %s", got.Text)
		}
		h.Get("/geo/reverse?lat=95&lon=7.33").Status(400)
	}
}

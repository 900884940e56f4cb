package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"html"
	"html/template"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/plugins/geo/web"
)

var update = flag.Bool("update", false, "rewrite the golden files from what the tests get now")

// example is a page with something of everything in it.
func example() web.PageData {
	return web.PageData{
		Title: "Carte", Lead: "Là où cela se passe.", Site: "Observatoire Exemple", Lang: "fr", Total: 1234, Next: "c2",
		State: web.ParseState(url.Values{"layer": {"fiche"}, "q": {"vélo"}, "filter[themes]": {"URB", "ENV"}, "filter[year][gte]": {"2018"},
			"within": {"region:53"}, "view": {"departement"}, "after": {"c1"}, "overlay": {"mairies"}}),
		WithinLabel: "Bretagne",
		Layers: []web.Layer{
			{Name: "fiche", Label: "Fiches", Count: 1234, List: "/api/v1/content/fiche", Entry: "/browse/fiche/{slug}", Params: url.Values{"locale": {"fr"}},
				TitleField: "title", PlaceField: "territory.name", SlugField: "slug", GeoField: "location", Territories: true,
				Facets: []web.Facet{{Field: "themes", Label: "Thématique", Values: []web.FacetValue{{"URB", "Urbanisme", 1000}, {"ENV", "Environnement", 7}, {"SAN", "Santé", 3}}}}},
			{Name: "event", Label: "Événements", Count: -1},
		},
		Overlays: []web.Overlay{{Name: "mairies", Label: "Mairies"}},
		Entries: []web.Entry{
			{ID: "01a", Title: "Budget participatif", Place: "Rennes", URL: "/browse/fiche/budget", At: &[2]float64{-1.68, 48.11}},
			{ID: "01b", URL: "/browse/fiche/01b"},
		},
		Counts:      []web.Count{{Code: "35", Name: "Ille-et-Vilaine", Count: 12}},
		Jumps:       []web.Position{web.Metropole},
		Attribution: template.HTML(`© <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a>`),
	}
}

func render(t *testing.T, d web.PageData) string {
	t.Helper()
	body, err := web.Page(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPageGolden(t *testing.T) {
	english, embed := example(), example()
	english.Lang, english.Explicit = "en", true
	english.State = web.State{}
	embed.Embed = true
	for name, d := range map[string]web.PageData{"page": example(), "page-en": english, "embed": embed, "empty": {Title: "Map", Lang: "en"}} {
		t.Run(name, func(t *testing.T) {
			got := strings.ReplaceAll(render(t, d), web.Version(), "VERSION")
			golden(t, "testdata/"+name+".golden.html", config.ReplaceAllString(got, `data-config="…"`))
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; if it is meant so: go test ./plugins/geo/web -run Golden -update):\n%s", file, diff)
	}
}

var config = regexp.MustCompile(`data-config="([^"]*)"`)

// What an entry, a facet or an address says is text, wherever it stands.
func TestPageEscapes(t *testing.T) {
	evil := `"><script>alert(1)</script><img src=x onerror=alert(2)>'`
	d := example()
	d.Title, d.Lead, d.Site, d.WithinLabel = evil, evil, evil, evil
	d.Entries = []web.Entry{{ID: evil, Title: evil, Place: evil, URL: "javascript:alert(3)"}}
	d.Counts = []web.Count{{Code: evil, Name: evil, Count: 1}}
	d.Layers[0].Label, d.Layers[0].Name, d.Layers[0].Entry = evil, evil, evil
	d.Layers[0].Facets[0] = web.Facet{Field: evil, Label: evil, Values: []web.FacetValue{{evil, evil, 1}}}
	d.State = web.ParseState(url.Values{"q": {evil}, "layer": {evil}, "within": {evil}, "after": {evil}, "overlay": {evil}, "filter[" + evil + "]": {evil}})
	got := render(t, d)
	for _, bad := range []string{"<script>alert", "<img src=x", `"javascript:`, "onerror=alert(2)>"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page contains %s:\n%s", bad, got)
		}
	}
	if n := strings.Count(got, "<script"); n != 4 {
		t.Errorf("the page has %d scripts, not 4", n)
	}
}

// A strict policy forbids scripts and styles that stand in the page itself.
func TestPageHasNothingInline(t *testing.T) {
	got := render(t, example())
	for _, bad := range []string{"<style", " style=", " onclick", "<script>"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page contains %s", bad)
		}
	}
}

// The scripts have words for all that they say.
func TestConfigTellsTheScripts(t *testing.T) {
	found := config.FindStringSubmatch(render(t, example()))
	var told struct {
		Words map[string]string
		Layer map[string]string
		Start web.Position
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(found[1])), &told); err != nil {
		t.Fatal(err)
	}
	if told.Layer["params"] != "locale=fr" || told.Layer["place"] != "territory.name" || told.Start != web.Metropole {
		t.Errorf("the scripts are told %+v", told)
	}
	said := regexp.MustCompile(`say\('([A-Za-z]+)'`)
	for name, body := range scripts(t) {
		for _, word := range said.FindAllStringSubmatch(body, -1) {
			if told.Words[word[1]] == "" {
				t.Errorf("%s says %s, which texts.go does not have", name, word[1])
			}
		}
	}
}

func scripts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := fs.ReadDir(web.Files(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		body, err := fs.ReadFile(web.Files(), e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(e.Name(), ".js") {
			all[e.Name()] = string(body)
		}
	}
	return all
}

// Everything that a page or a script names is there, and the whole is no heavier than it was said to be.
func TestFilesAreThere(t *testing.T) {
	all := scripts(t)
	for _, name := range regexp.MustCompile(web.AssetsPath+web.Version()+`/([a-z.-]+)`).FindAllStringSubmatch(render(t, example()), -1) {
		if _, err := fs.Stat(web.Files(), name[1]); err != nil {
			t.Error(err)
		}
	}
	for from, body := range all {
		for _, name := range regexp.MustCompile(`from '\./([a-z-]+\.js)'`).FindAllStringSubmatch(body, -1) {
			if all[name[1]] == "" {
				t.Errorf("%s imports %s, which is not there", from, name[1])
			}
		}
	}
	size := 0
	for _, name := range []string{"maplibre.js", "maplibre-shared.js", "maplibre-worker.js", "maplibre.css"} {
		body, err := fs.ReadFile(web.Files(), name)
		if err != nil || !bytes.Contains(body[:300], []byte("3-Clause BSD")) {
			t.Errorf("%s: %v; its licence must stand at its head", name, err)
		}
		size += len(body)
	}
	if size > 1_200_000 {
		t.Errorf("MapLibre weighs %d bytes", size)
	}
	if _, err := web.Files().Open("../web.go"); err == nil {
		t.Error("a name leads out of the folder")
	}
}

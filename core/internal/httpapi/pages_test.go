package httpapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	m, err := jsondoc.ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRichHTML(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ doc, want string }{
		"text is text":          {`{"type":"text","text":"<script>alert(1)</script>"}`, "&lt;script&gt;alert(1)&lt;/script&gt;"},
		"marks nest":            {`{"type":"text","text":"a","marks":[{"type":"bold"},{"type":"italic"}]}`, "<strong><em>a</em></strong>"},
		"a web link":            {`{"type":"text","text":"a","marks":[{"type":"link","attrs":{"href":"https://x.example/?a=1&b=2"}}]}`, `<a href="https://x.example/?a=1&amp;b=2" rel="noopener nofollow">a</a>`},
		"a script link":         {`{"type":"text","text":"a","marks":[{"type":"link","attrs":{"href":"javascript:alert(1)"}}]}`, "a"},
		"a script link, spaced": {`{"type":"text","text":"a","marks":[{"type":"link","attrs":{"href":" JaVaScript:alert(1)"}}]}`, "a"},
		"another host's link":   {`{"type":"text","text":"a","marks":[{"type":"link","attrs":{"href":"//evil.example"}}]}`, "a"},
		"a quote in a link":     {`{"type":"text","text":"a","marks":[{"type":"link","attrs":{"href":"/x\"onclick=\"y"}}]}`, `<a href="/x%22onclick=%22y" rel="noopener nofollow">a</a>`},
		"a link to an entry":    {`{"type":"text","text":"a","marks":[{"type":"link","attrs":{"ref":{"_ref":"1","_type":"fiche"}}}]}`, `<a href="/browse/fiche/1" rel="noopener nofollow">a</a>`},
		"an unknown mark":       {`{"type":"text","text":"a","marks":[{"type":"onload=x"}]}`, "a"},
		"a heading":             {`{"type":"heading","attrs":{"level":3},"content":[{"type":"text","text":"a"}]}`, "<h3>a</h3>"},
		"an unknown block":      {`{"type":"iframe","content":[{"type":"text","text":"a"}]}`, "a"},
		"a list":                {`{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"a"},{"type":"hardBreak"}]}]}]}`, "<ul><li><p>a<br></p></li></ul>"},
		"a picture":             {`{"type":"image","attrs":{"alt":"A <town>"}}`, "<p>A &lt;town&gt;</p>"},
	} {
		if got := string(richHTML(parsed(t, `{"content":[`+tc.doc+`]}`), page{Lang: "fr"})); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	deep := strings.Repeat(`{"type":"paragraph","content":[`, 500) + strings.Repeat(`]}`, 500)
	if got := string(richHTML(parsed(t, `{"content":[`+deep+`]}`), page{})); strings.Count(got, "<p>") != maxRichDepth {
		t.Errorf("%d paragraphs deep", strings.Count(got, "<p>"))
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	fr, en := page{Lang: "fr"}, page{Lang: "en"}
	field := func(k core.Kind) *core.Field { return &core.Field{Kind: k} }
	for name, tc := range map[string]struct {
		got  shown
		want string
	}{
		"a year":            {fr.value(field(core.KindInteger), json.Number("2021")), "2021"},
		"inhabitants":       {fr.value(field(core.KindInteger), json.Number("2103778")), "2\u202f103\u202f778"},
		"in English":        {en.value(field(core.KindInteger), json.Number("2103778")), "2,103,778"},
		"below zero":        {en.value(field(core.KindInteger), json.Number("-12345")), "−12,345"},
		"a decimal":         {fr.value(field(core.KindNumber), json.Number("0.5")), "0,5"},
		"yes":               {fr.value(field(core.KindBoolean), true), "Oui"},
		"a day":             {fr.value(field(core.KindDate), "2026-03-01"), "1er mars 2026"},
		"a day in English":  {en.value(field(core.KindDate), "2026-03-01"), "1 March 2026"},
		"a moment":          {fr.value(field(core.KindTime), "2026-08-02T10:30:00+02:00"), "2 août 2026 · 08:30 UTC"},
		"not a day":         {fr.value(field(core.KindDate), "soon"), "soon"},
		"a point":           {fr.value(field(core.KindGeo), parsed(t, `{"type":"Point","coordinates":[7.33,47.75]}`)), "47.75, 7.33"},
		"a shape":           {fr.value(field(core.KindGeo), parsed(t, `{"type":"Polygon"}`)), "Polygon"},
		"a picture":         {fr.value(field(core.KindMedia), parsed(t, `{"_media":"1","alt":"Une place"}`)), "Une place"},
		"an unknown object": {fr.value(field(core.KindJSON), parsed(t, `{"a":1}`)), `{"a":1}`},
		"a choice":          {fr.value(&core.Field{Kind: core.KindString, Enum: []core.EnumValue{{Value: "a", Label: core.Text{"fr": "Actif"}}}}, "a"), "Actif"},
		"a reference":       {fr.value(field(core.KindRef), parsed(t, `{"_ref":"01x","_type":"fiche"}`)), "01x"},
	} {
		if tc.got.Text != tc.want {
			t.Errorf("%s: %q, want %q", name, tc.got.Text, tc.want)
		}
	}
	if got := fr.value(field(core.KindString), "javascript:alert(1)"); got.Kind != "" {
		t.Errorf("a script became a link: %+v", got)
	}
	if got := fr.value(field(core.KindString), "https://x.example/a b"); got.Kind != "link" || got.URL != "https://x.example/a%20b" {
		t.Errorf("%+v", got)
	}
}

// Fields that hold others are shown with them, and a single value without a bullet.
func TestPairs(t *testing.T) {
	t.Parallel()
	typ := core.NewType(core.Type{Name: "fiche", TitleField: "title", Fields: []core.Field{
		{Path: "title", Kind: core.KindString}, {Path: "place", Kind: core.KindObject}, {Path: "place.name", Kind: core.KindString, Label: core.Text{"fr": "Nom"}},
		{Path: "tags", Kind: core.KindString, Multi: true}, {Path: "empty", Kind: core.KindString},
		{Path: "partner", Kind: core.KindRef, Ref: &core.RefRule{Types: []core.TypeName{"fiche"}}}}})
	p := page{Lang: "fr", find: func(core.TypeName) (*core.Type, bool) { return typ, true }}
	got := p.pairs(typ, "", parsed(t, `{"title":"x","place":{"name":"Brest"},"tags":["a"],"empty":"","partner":{"_id":"01x","_type":"fiche","title":"La Maison"}}`))
	if len(got) != 3 || got[0].Value.Pairs[0].Label != "Nom" || got[0].Value.Pairs[0].Value.Text != "Brest" || got[1].Value.Text != "a" || got[2].Value.Text != "La Maison" {
		t.Errorf("%+v", got)
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]core.Locale{"": "en", "fr": "fr", "fr-CA,en;q=0.5": "fr", "en;q=0.5,fr;q=0.6": "fr", "de": "en", "fr;q=0": "en", "FR": "fr", "fr;q=2": "en", "*": "en"} {
		if got := languageOf(http.Header{"Accept-Language": {header}}); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// Every text that a template asks for exists in both languages.
func TestPageTexts(t *testing.T) {
	t.Parallel()
	for name, text := range pageTexts {
		if text["fr"] == "" || text["en"] == "" {
			t.Errorf("%s is missing a language", name)
		}
	}
	files, err := pageFiles.ReadDir("pages")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		body, _ := pageFiles.ReadFile("pages/" + f.Name())
		for _, part := range strings.Split(string(body), `.Say "`)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			if pageTexts[name] == nil {
				t.Errorf("%s asks for %s", f.Name(), name)
			}
		}
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	for _, path := range []string{s.pages.style, s.pages.icon} {
		rec := call(t, s, "GET", path, "")
		if rec.Code != 200 || rec.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || rec.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, rec.Code, rec.Header())
		}
	}
}

func TestLinks_KeepTheLanguage(t *testing.T) {
	t.Parallel()
	p := page{Lang: "en", Explicit: true}
	if got := p.link("/browse/fiche", url.Values{"q": {"a b"}}); got != "/browse/fiche?lang=en&q=a+b" {
		t.Errorf("%s", got)
	}
	if got := (page{Lang: "en"}).Link("/"); got != "/" {
		t.Errorf("%s", got)
	}
	if got := (page{Lang: "fr"}).day(time.Date(2026, 12, 31, 23, 0, 0, 0, time.FixedZone("", 3600*5))); got != "31 décembre 2026" {
		t.Errorf("%s", got)
	}
}

package query_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// answered checks what holds for any request: it is refused with words for the caller, or understood.
func answered(t *testing.T, a *core.Asked, err error) {
	t.Helper()
	if err == nil {
		if a.Limit < 1 || a.Limit > 200 || len(a.Sort) == 0 || a.Canonical == "" {
			t.Fatalf("accepted, and yet %+v", a)
		}
		return
	}
	e, ok := core.AsError(err)
	if !ok || e.Code == core.CodeInternal || e.Message == "" || len(e.Message) > 1000 || !utf8.ValidString(e.Message) {
		t.Fatalf("refused with %v", err)
	}
	if fr := e.Texts["fr"]; fr == "" || fr == e.Message || strings.Contains(fr+e.Message, "%!") || !utf8.ValidString(fr) {
		t.Fatalf("refused in English only, or in words badly put together: %q, %q", e.Message, fr)
	}
}

func FuzzURL(f *testing.F) {
	for _, seed := range []string{"", "filter[region]=44&sort=-title&limit=5", "filter[partner.kind][in]=a,b", `filter={"or":[{"not":{"year":1}}]}`,
		"bbox=1,2,3,4&near=1,2,3&within=a:b", "after=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "filter[][]]=", "fields=,,&include=partner.head", "q=%ff%00"} {
		f.Add(seed)
	}
	r := world(true)
	q := parser(r)
	f.Fuzz(func(t *testing.T, raw string) {
		params, _ := url.ParseQuery(raw)
		a, err := q.Parse(t.Context(), anonymous, r["fiche"], params)
		answered(t, a, err)
	})
}

func FuzzTree(f *testing.F) {
	for _, seed := range []string{`{}`, `{"or":[]}`, `{"and":[{"year":{"gte":1e3}},{"not":{"title":{"in":["a"]}}}]}`, `{"partner.kind":null}`, `{"at":{"between":["2026-01-01","2027-01-01"]}}`} {
		f.Add(seed)
	}
	r := world(true)
	q := parser(r)
	f.Fuzz(func(t *testing.T, raw string) {
		tree, err := jsondoc.Decode([]byte(raw), jsondoc.Default)
		if err != nil {
			return
		}
		a, err := q.ParseBody(t.Context(), anonymous, r["fiche"], map[string]any{"filter": tree})
		answered(t, a, err)
		b, again := q.ParseBody(t.Context(), anonymous, r["fiche"], map[string]any{"filter": tree})
		if err == nil && (again != nil || a.Canonical != b.Canonical) {
			t.Fatal("the same request is read in two ways")
		}
	})
}

func FuzzCursor(f *testing.F) {
	r := world(true)
	q := parser(r)
	a, _ := q.Parse(f.Context(), anonymous, r["fiche"], nil)
	good := q.Cursor(a, &core.Cursor{ID: id, Values: []any{int64(2021)}})
	f.Add(good)
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := q.After(a, text); err == nil && text != good {
			t.Fatalf("%q was taken: %v", text, c)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	r := world(true)
	q := parser(r)
	for name, raw := range map[string]string{"nothing": "", "list": "fields=title,slug,region,population&sort=-year", "filter": "filter[region]=44&sort=-population&limit=20"} {
		params, _ := url.ParseQuery(raw)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := q.Parse(b.Context(), anonymous, r["fiche"], params); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

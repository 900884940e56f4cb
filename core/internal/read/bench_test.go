package read_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/query"
	"github.com/palabre-cms/palabre/core/internal/read"
)

// constant answers every question with the same views: what is measured is all but the catalog.
type constant struct {
	*memory
	views []core.View
}

func (c constant) ByID(_ context.Context, t core.TypeName, _ core.EntryID, _ core.State) (*core.View, error) {
	v := c.views[0]
	v.Type = t
	return &v, nil
}

func (c constant) Query(_ context.Context, q core.Query) (*core.Page, error) {
	return &core.Page{Views: c.views[:q.Limit], Total: 8472, Position: 1}, nil
}

func benchWorld() *read.Reader {
	doc := fmt.Sprintf(`{"title":"Référendum local d’Halloy","slug":"referendum-halloy-62404-2011","commune":{"code":"62404","nom":"Halloy"},"departement":"62","region":"32",
		"population":201,"location":{"type":"Point","coordinates":[2.42561,50.16136]},"practice":"referendum","tool":"discourse","year":2011,"publishedOn":"2011-03-04T08:02:48.000Z",
		"tags":["vélo","logement"],"summary":"%s","body":"%s","score":73,"note":"canary-1","partner":{"_ref":"%s","_type":"partner"}}`,
		strings.Repeat("Résumé de la fiche. ", 16), strings.Repeat("La municipalité finance un observatoire local. ", 46), id("p"))
	m := newMemory()
	views := make([]core.View, 200)
	for i := range views {
		views[i] = core.View{Type: "fiche", ID: id(fmt.Sprint(i)), Rev: 1, Status: "published", CreatedAt: clock, UpdatedAt: clock, PublishedAt: clock, Doc: compact(doc)}
	}
	types := cast()
	q := query.New(types, rules{}, []byte("0123456789abcdef0123456789abcdef"))
	return read.New(read.Parts{Types: types, Access: rules{}, Catalog: constant{m, views}, Queries: q, Hooks: &core.Hooks{}})
}

func BenchmarkOne(b *testing.B) {
	r := benchWorld()
	for name, raw := range map[string]string{"whole": "", "fields": "fields=title,slug,region", "include": "include=partner"} {
		values, _ := url.ParseQuery(raw)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := r.One(b.Context(), core.Anonymous, "fiche", string(id("0")), values)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := p.Answer(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkList(b *testing.B) {
	r := benchWorld()
	for name, raw := range map[string]string{"whole": "", "four": "fields=title,slug,region,contact.name", "filter": "filter[region]=44&sort=-title", "include": "include=partner"} {
		values, _ := url.ParseQuery(raw)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := r.List(b.Context(), core.Anonymous, "fiche", values)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := p.Answer(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPending(b *testing.B) {
	r := benchWorld()
	values, _ := url.ParseQuery("fields=title,slug,region&sort=-title")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.List(b.Context(), core.Anonymous, "fiche", values); err != nil {
			b.Fatal(err)
		}
	}
}

package read_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/internal/catalog"
	"github.com/palabre-cms/palabre/core/internal/query"
	"github.com/palabre-cms/palabre/core/internal/read"
	"github.com/palabre-cms/palabre/core/internal/schema"
)

var schemas = []string{`{"title":"Fiche","type":"object","required":["title"],
	"x-type":{"name":"fiche","public":true,"titleField":"title","slug":{"field":"slug","from":"title"},"geo":"location","order":"-year","locales":["fr","en"]},
	"properties":{
		"title":{"type":"string","x-search":4,"x-localized":true}, "slug":{"type":"string","x-unique":true},
		"region":{"type":"string","x-facet":true,"x-territory":"region"}, "commune":{"type":"string","x-territory":"commune","x-private":true},
		"year":{"type":"integer"}, "score":{"type":"number"}, "open":{"type":"boolean"}, "at":{"type":"string","format":"date-time"}, "day":{"type":"string","format":"date"},
		"tags":{"type":"array","items":{"type":"string"},"x-facet":true}, "location":{"x-geo":"point"}, "hideout":{"x-geo":"point","x-private":true},
		"note":{"type":"string","x-private":true,"x-search":4}, "rank":{"type":"integer","x-private":true}, "pin":{"type":"string","x-secret":true},
		"contact":{"type":"object","properties":{"name":{"type":"string"},"email":{"type":"string","x-private":true}}},
		"partner":{"x-ref":{"types":["partner"],"inverse":"fiches"}}, "second":{"x-ref":{"types":["partner"],"inverse":"fiches"}},
		"handler":{"x-ref":{"types":["partner"],"inverse":"handled"},"x-private":true}, "sponsor":{"x-ref":{"types":["partner"],"inverse":"kind"}}, "caller":{"x-ref":{"types":["partner"],"inverse":"phone"}},
		"related":{"type":"array","items":{"x-ref":{"types":["fiche","minutes"],"inverse":"relatedBy"}}}}}`,
	`{"title":"Partner","type":"object","required":["name"],"x-type":{"name":"partner","public":true,"titleField":"name"},
	"properties":{"name":{"type":"string","x-search":2},"slug":{"type":"string","x-unique":true},"kind":{"type":"string","x-facet":true},"phone":{"type":"string","x-private":true},"head":{"x-ref":{"types":["minutes"]}}}}`,
	`{"title":"Minutes","type":"object","required":["title"],"x-type":{"name":"minutes","public":false,"titleField":"title"},
	"properties":{"title":{"type":"string","x-search":4},"slug":{"type":"string","x-unique":true},"region":{"type":"string"},"fiche":{"x-ref":{"types":["fiche"],"inverse":"minutes"}}, "partner":{"x-ref":{"types":["partner"],"inverse":"fiches"}}}}`}

// site is a reader on a real catalog.
type site struct {
	*read.Reader
	t       testing.TB
	catalog *catalog.Catalog
	m       *memory // the commits so far
	sum     string
}

func newSite(t testing.TB) *site {
	t.Helper()
	types := registry{}
	for _, text := range schemas {
		typ, err := new(schema.Compiler).Compile(t.Context(), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		types[typ.Name] = typ
	}
	now := func() time.Time { return clock.Add(24 * time.Hour) }
	c, err := catalog.Open(t.Context(), t.TempDir(), types, now, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	m := newMemory()
	q := query.New(types, rules{}, []byte("0123456789abcdef0123456789abcdef"))
	r := read.New(read.Parts{Types: types, Access: rules{}, Catalog: c, Queries: q, Content: content{memory: m}, Log: commitLog{m: m}, Hooks: &core.Hooks{}, Prune: schema.Visible})
	return &site{Reader: r, t: t, catalog: c, m: m}
}

// put commits the next state of an entry.
func (s *site) put(action core.Action, e *core.Entry) {
	s.t.Helper()
	s.m.put(action, e)
	commit := &s.m.commits[len(s.m.commits)-1]
	commit.ID, commit.By = fmt.Sprint(commit.Position), "user:1"
	commit.Seal(s.sum)
	s.sum = commit.Sum
	if err := s.catalog.Apply(s.t.Context(), []core.Commit{*commit}); err != nil {
		s.t.Fatal(err)
	}
}

// fill puts the same public content in every site, and beside it what nobody is to see: all of that is made of the word.
func (s *site) fill(word string) {
	w := &world{m: s.m}
	n := len(word)
	for i := range 30 {
		public := fmt.Sprintf(`{"title":"Fiche %c%d","slug":"fiche-%d","region":"%d","year":%d,"score":%d.5,"open":%t,"at":"2026-01-%02dT10:00:00Z","day":"2025-03-%02d",
			"tags":["t%d","été"],"location":{"type":"Point","coordinates":[%d.5,48.5]},"contact":{"name":"N%d","email":"%s@example.org"},
			"partner":{"_ref":"%s","_type":"partner"},"related":[{"_ref":"%s","_type":"minutes"},{"_ref":"%s","_type":"fiche"}],
			"note":"%s","rank":%d,"pin":"%s","commune":"%05d","hideout":{"type":"Point","coordinates":[%d.25,10]},"_i18n":{"en":{"title":"Case %d","note":"%s"}}}`,
			'A'+rune(i*7%26), i, i, 40+i%4, 2000+i%7, i%5, i%2 == 0, i%28+1, i%28+1, i%3, i%8, i, word, id(fmt.Sprintf("p%d", i%3)), id("m"), id(fmt.Sprintf("f%d", (i+1)%30)),
			word, (i*n)%31, word, 67000+n+i, n%90, i, word)
		e := w.entry("fiche", fmt.Sprintf("f%d", i), "", public)
		s.put(core.ActionPublish, e)
	}
	for i := range 3 {
		s.put(core.ActionPublish, w.entry("partner", fmt.Sprintf("p%d", i), "", fmt.Sprintf(`{"name":"Partner %d","slug":"partner-%d","kind":"k%d","phone":"%s","head":{"_ref":"%s","_type":"minutes"}}`, i, i, i%2, word, id("m"))))
	}
	s.put(core.ActionPublish, w.entry("minutes", "m", "", fmt.Sprintf(`{"title":"%s","slug":"%s","region":"%s","fiche":{"_ref":"%s","_type":"fiche"}}`, word, word, word, id("f1"))))
	for i := range 3 {
		s.put(core.ActionCreate, w.entry("fiche", fmt.Sprintf("d%d", i), fmt.Sprintf(`{"title":"%s","slug":"%s-%d","region":"%s","year":%d,"partner":{"_ref":"%s","_type":"partner"}}`, word, word, i, word, 2000+n, id("p0")), ""))
		trashed := w.entry("fiche", fmt.Sprintf("t%d", i), "", fmt.Sprintf(`{"title":"%s","slug":"gone-%s-%d","tags":["%s"]}`, word, word, i, word))
		at := clock
		trashed.TrashedAt = &at
		s.put(core.ActionDelete, trashed)
	}
	e := w.entry("fiche", "f3", fmt.Sprintf(`{"title":"%s beside","slug":"fiche-3-%s","region":"%s","tags":["%s"]}`, word, word, word, word), string(s.m.entries[id("f3")].Published))
	e.Rev = 2
	s.put(core.ActionUpdate, e)
}

// everything asks all that a visitor might, and gives the answers.
func (s *site) everything(who *core.Principal, words []string) map[string]string {
	answers := map[string]string{}
	ctx := s.t.Context()
	note := func(name string, p *core.Pending, err error) {
		if err == nil {
			var a *core.Answer
			if a, err = p.Answer(ctx); err == nil {
				answers[name] = fmt.Sprintf("%s\n%v\n%v %d %s %d %s", a.Body, a.Tags, a.Until, a.Rev, a.Moved, a.Position, p.Key)
				return
			}
		}
		e, _ := core.AsError(err)
		answers[name] = fmt.Sprintf("%s %s %s %v", e.Code, e.Reason, e.Message, e.Extra)
	}
	list := func(raw string) {
		p, err := s.List(ctx, who, "fiche", params(raw))
		note("list "+raw, p, err)
	}
	for _, raw := range requests(words) {
		list(raw)
	}
	for _, name := range slices.Concat([]string{"f1", "f3", "d1", "t1", "m", "zz"}, words) {
		for _, raw := range []string{"", "include=partner,related", "include=relatedBy", "include=partner.fiches", "include=minutes", "fields=title", "locale=en", "state=draft", "state=trash"} {
			key := name
			if len(name) == 2 || name == "m" {
				key = string(id(name))
			}
			p, err := s.One(ctx, who, "fiche", key, params(raw))
			note("one "+name+" "+raw, p, err)
		}
		p, err := s.References(ctx, who, "fiche", id("f1"), nil)
		note("references", p, err)
		p, err = s.Revisions(ctx, who, "fiche", id("f3"), nil)
		note("revisions", p, err)
		p, err = s.Search(ctx, who, url.Values{"q": {name}, "highlight": {"true"}})
		note("search "+name, p, err)
	}
	for _, raw := range []string{"include=fiches", "include=fiches.related", "include=fiches.partner.fiches", "include=handled", "include=phone", "include=kind", "fields=fiches.title&include=fiches", "fields=fiches.note&include=fiches"} {
		p, err := s.List(ctx, who, "partner", params(raw))
		note("partners "+raw, p, err)
		p, err = s.One(ctx, who, "partner", string(id("p0")), params(raw))
		note("partner "+raw, p, err)
	}
	for _, slug := range append([]string{"fiche-3", "fiche-99"}, words...) {
		p, err := s.One(ctx, who, "fiche", slug, nil)
		note("slug "+slug, p, err)
	}
	page, err := s.Changes(ctx, who, 0, nil, 0)
	text, _ := json.Marshal(page)
	answers["changes"] = fmt.Sprint(string(text), err)
	doc, err := s.Schema(ctx, who, "fiche")
	answers["schema"] = fmt.Sprint(string(doc), err)
	return answers
}

// requests makes every combination of field, operator and value, seen fields and hidden ones alike, and of the other parameters.
func requests(words []string) []string {
	fields := []string{"title", "slug", "region", "year", "score", "open", "at", "day", "tags", "contact.name", "partner", "partner.name", "partner.kind", "related", "related.title", "_status", "_rev", "_createdAt",
		"note", "rank", "pin", "commune", "hideout", "contact.email", "partner.phone", "related.region", "minutes", "relatedBy", "partner.fiches", "partner.handled", "partner.phone.title", "partner.head.title", "location", "_createdBy"}
	values := append([]string{"1", "2003", "true", "null", "44", "Fiche A0", "2026-01-05", string(id("p1")), string(id("m")), "a,b", "2000,2004"}, words...)
	var out []string
	for _, f := range fields {
		for _, op := range []string{"eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "contains", "prefix", "exists", "between"} {
			for _, v := range values {
				out = append(out, "fields=slug&filter["+f+"]["+op+"]="+url.QueryEscape(v))
			}
		}
		out = append(out, "fields=slug&sort="+f, "fields=slug&sort=-"+f, "facets="+f+"&limit=1", "fields="+f, "include="+f, "q=fiche&sort="+f, "geo="+f+"&bbox=0,0,20,60",
			"filter="+url.QueryEscape(`{"not":{"`+f+`":{"exists":true}}}`))
	}
	for _, word := range words {
		out = append(out, "q="+word, "q="+word+"&highlight=true", "q=fiche+"+word+"&facets=tags,region", "within="+word, "locale=en&q="+word)
	}
	return append(out, "", "limit=200", "locale=en", "include=partner.head,related", "facets=region,tags,partner.kind", "bbox=0,0,5,60", "near=48.5,3.5,200000", "within=41", "within=commune:67006", "within=67036",
		"within=67", "within=region:41", "state=draft", "state=trash", "after=AAAA", "q=case&locale=en", "q=fiche&highlight=true")
}

// Two worlds that differ in nothing but what is hidden answer a visitor alike, to the byte: values of hidden fields, drafts,
// what lies in the trash, and types that are not public.
func TestTwinWorlds(t *testing.T) {
	t.Parallel()
	words := []string{"quetzal", "ocelot"}
	var answers []map[string]string
	for _, word := range words {
		s := newSite(t)
		s.fill(word)
		answers = append(answers, s.everything(anonymous, words))
	}
	if len(answers[0]) < 4000 {
		t.Fatalf("only %d requests were made", len(answers[0]))
	}
	differ := 0
	for name, one := range answers[0] {
		// What was asked is repeated in errors and keys, so the words are in them; the answers must agree all the same.
		if other := answers[1][name]; one != other {
			if differ++; differ < 10 {
				t.Errorf("%s:\n%s\n%s", name, one, other)
			}
		}
	}
	ok := 0
	for _, a := range answers[0] {
		if strings.HasPrefix(a, `{"`) {
			ok++
		}
	}
	if ok < 1000 {
		t.Errorf("only %d requests had an answer", ok)
	}
	t.Logf("%d requests, %d answered, %d differ", len(answers[0]), ok, differ)
}

// The worlds do differ: staff see it.
func TestTwinWorlds_DifferForStaff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill("quetzal")
	for _, raw := range []string{"filter[note]=quetzal", "q=quetzal", "sort=rank", "facets=region&state=draft", "state=trash", "within=commune:67010", "include=related&limit=1", "filter[partner.phone]=quetzal"} {
		p, err := s.List(t.Context(), staff, "fiche", params(raw))
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		a, err := p.Answer(t.Context())
		if err != nil || !strings.Contains(string(a.Body), "quetzal") {
			t.Errorf("%s: %v %s", raw, err, a.Body)
		}
	}
}

// Pages follow each other without gap or overlap, in every order.
func TestPages_FollowEachOther(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill("quetzal")
	for _, raw := range []string{"", "sort=title", "sort=-title", "sort=-year,score", "sort=open,-at", "sort=day", "sort=-_createdAt", "sort=partner.name", "sort=region,-partner.kind", "sort=tags",
		"q=fiche", "locale=en&sort=title", "filter[region]=41&sort=-score", "sort=_id", "sort=-contact.name"} {
		seen := map[string]bool{}
		after := ""
		for range 40 {
			next := raw + "&limit=7&fields=slug&after=" + after
			p, err := s.List(t.Context(), anonymous, "fiche", params(next))
			if err != nil {
				t.Fatalf("%s: %v", next, err)
			}
			a, err := p.Answer(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", next, err)
			}
			var page struct {
				Data []struct{ Slug string }
				Page struct {
					Next  string
					Total int
				}
			}
			decode(t, a, &page)
			for _, e := range page.Data {
				if seen[e.Slug] {
					t.Errorf("%s: %s came twice", raw, e.Slug)
				}
				seen[e.Slug] = true
			}
			if after = page.Page.Next; after == "" {
				if len(seen) != page.Page.Total || len(seen) == 0 {
					t.Errorf("%s: %d entries on all pages, %d in total", raw, len(seen), page.Page.Total)
				}
				break
			}
		}
		if after != "" {
			t.Errorf("%s: no end", raw)
		}
	}
}

// A plugin that narrows queries narrows what is counted and joined too.
func TestNarrowing_OnTheRealCatalog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill("quetzal")
	err := s.Hooks.QueryPlan.Add(hook.Handler[*core.QueryEvent]{Plugin: "test", Name: "narrow", Fn: func(ctx context.Context, e *core.QueryEvent, next hook.Next) error {
		if e.Type.Name == "fiche" {
			e.Narrow = append(e.Narrow, core.Compare{Path: core.Path{Field: "region"}, Op: core.OpEq, Values: []any{"41"}})
		}
		return next(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.List(t.Context(), anonymous, "fiche", params(`facets=region&limit=1&fields=region&filter={"or":[{"region":"40"},{"region":"41"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Answer(t.Context())
	if err != nil || !strings.Contains(string(a.Body), `"total":8},"facets":{"region":[{"value":"41","count":8}]}`) {
		t.Errorf("got %s, %v", a.Body, err)
	}
}

// A schema names nothing that the caller may not read.
func TestSchema_OnTheRealCompiler(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	public, err := s.Schema(t.Context(), anonymous, "fiche")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"note", "rank", "pin", "commune", "hideout", "email"} {
		if strings.Contains(string(public), `"`+name+`"`) {
			t.Errorf("the schema tells of %s: %s", name, public)
		}
	}
	for _, name := range []string{"title", "contact", "region"} {
		if !strings.Contains(string(public), `"`+name+`"`) {
			t.Errorf("the schema has no %s: %s", name, public)
		}
	}
	whole, err := s.Schema(t.Context(), staff, "fiche")
	if err != nil || !strings.Contains(string(whole), `"note"`) || !strings.Contains(string(whole), `"pin"`) {
		t.Errorf("staff get %s, %v", whole, err)
	}
}

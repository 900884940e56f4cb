package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
)

// TestTidy rewrites few entries many times: their dictionaries must not keep all that ever stood there.
func TestTidy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.c.options.litter = 50
	w.grow(80)
	ids := []core.EntryID{w.newID(), w.newID()}
	for i := range 400 {
		w.apply(w.publish("fiche", ids[i%2], fmt.Sprintf(`{"slug":"tidy-%d","title":"Titre %d","tags":["t%d"]}`, i%2, i, i)))
	}
	for _, path := range []string{"title", "tags"} {
		c, _ := w.shelf().column(path, core.StatePublished, "")
		if n := len(c.dict.values); n > 3*w.shelf().slots()+300 {
			t.Errorf("the dictionary of %s holds %d values for %d slots", path, n, w.shelf().slots())
		}
	}
	asks := askables(w)
	for range 40 {
		w.check(w.randomQuery(asks))
	}
	w.verify()
}

// askable is a path that random queries use, with values that are sometimes there.
type askable struct {
	path   core.Path
	value  func(r *rand.Rand) any
	text   bool
	sorted bool
	facet  bool
}

func path(via ...string) core.Path {
	return core.Path{Via: via[:len(via)-1], Field: via[len(via)-1]}
}

func askables(w *world) []askable {
	text := func(list []string) func(r *rand.Rand) any {
		return func(r *rand.Rand) any { return pick(r, append(list, "absent")) }
	}
	number := func(r *rand.Rand) any { return int64(r.IntN(45) - 8) }
	moment := func(r *rand.Rand) any { return time.Date(2019+r.IntN(6), 1, 1+r.IntN(3), r.IntN(2), 0, 0, 0, time.UTC) }
	recent := func(r *rand.Rand) any { return w.now().Add(-time.Duration(r.IntN(100000)) * time.Millisecond) }
	id := func(r *rand.Rand) any { return string(pick(r, w.ids)) }
	half := func(r *rand.Rand) any {
		if r.IntN(3) == 0 {
			return int64(r.IntN(20) - 5)
		}
		return float64(r.IntN(80)-20) / 4
	}
	return []askable{
		{path("title"), text(someTitles), true, true, true},
		{path("tags"), text(someTags), true, true, true},
		{path("region"), text(someRegions), true, true, true},
		{path("place", "commune"), text([]string{"44109", "2A004"}), true, true, true},
		{path("population"), number, false, true, true},
		{path("population"), half, false, true, true},
		{path("budget"), half, false, true, true},
		{path("scores"), func(r *rand.Rand) any { return int64(r.IntN(10)) }, false, true, true},
		{path("open"), func(r *rand.Rand) any { return r.IntN(2) == 0 }, false, true, true},
		{path("start"), moment, false, true, false},
		{path("day"), moment, false, true, false},
		{path("partner"), id, false, true, true},
		{path("partner", "kind"), text(someKinds), true, true, true},
		{path("partner", "staff"), number, false, true, true},
		{path("partner", "parent", "kind"), text(someKinds), true, true, true},
		{path("partners", "kind"), text(someKinds), true, true, true},
		{path("partners", "name"), text(someTitles), true, true, false},
		{path("partners", "_status"), text([]string{"draft", "published"}), true, true, true},
		{path("_id"), id, false, true, false},
		{path("_status"), text([]string{"draft", "published"}), true, true, true},
		{path("_rev"), func(r *rand.Rand) any { return int64(r.IntN(6)) }, false, true, true},
		{path("_updatedBy"), text([]string{"user:1", "user:2"}), true, true, true},
		{path("_createdAt"), recent, false, true, false},
		{path("_updatedAt"), recent, false, true, false},
		{path("_publishedAt"), recent, false, true, false},
	}
}

// maybeLimited sometimes keeps a path from leading to some entries.
func (w *world) maybeLimited(p core.Path) core.Path {
	if len(p.Via) == 0 || w.rand.IntN(3) > 0 {
		return p
	}
	only := core.Step{"partner": core.Compare{Path: path("staff"), Op: core.OpGte, Values: []any{int64(2)}}}
	if w.rand.IntN(2) == 0 {
		only["person"] = nil
	}
	p.Steps = []core.Step{only, {"partner": nil}}[:len(p.Via)]
	return p
}

func onePath(p core.Path) core.Path { // "place.commune" is one field of one document
	if len(p.Via) == 1 && p.Via[0] == "place" {
		return core.Path{Field: "place.commune"}
	}
	return p
}

func (w *world) randomCompare(asks []askable) core.Node {
	r := w.rand
	a := pick(r, asks)
	c := core.Compare{Path: onePath(a.path)}
	c.Path = w.maybeLimited(c.Path)
	one := []core.Operator{core.OpEq, core.OpNe, core.OpLt, core.OpLte, core.OpGt, core.OpGte}
	if a.text {
		one = append(one, core.OpContains, core.OpPrefix)
	}
	switch r.IntN(6) {
	case 0:
		c.Op, c.Values = core.OpExists, []any{r.IntN(2) == 0}
	case 1:
		c.Op = pick(r, []core.Operator{core.OpIn, core.OpNin})
		for range r.IntN(6) {
			c.Values = append(c.Values, a.value(r))
		}
		if r.IntN(4) == 0 {
			c.Values = append(c.Values, nil)
		}
	case 2:
		c.Op, c.Values = core.OpBetween, []any{a.value(r), a.value(r)}
	case 3:
		c.Op, c.Values = pick(r, []core.Operator{core.OpEq, core.OpNe}), []any{nil}
	default:
		c.Op, c.Values = pick(r, one), []any{a.value(r)}
		if s, ok := c.Values[0].(string); ok && (c.Op == core.OpContains || c.Op == core.OpPrefix) && len(s) > 2 {
			c.Values[0] = string([]rune(s)[:2])
		}
	}
	return c
}

func (w *world) randomNode(asks []askable, depth int) core.Node {
	r := w.rand
	if depth == 0 || r.IntN(3) == 0 {
		return w.randomCompare(asks)
	}
	var list []core.Node
	for range r.IntN(4) {
		list = append(list, w.randomNode(asks, depth-1))
	}
	switch r.IntN(3) {
	case 0:
		return core.And(list)
	case 1:
		return core.Or(list)
	}
	return core.Not{Node: w.randomNode(asks, depth-1)}
}

func (w *world) randomQuery(asks []askable) core.Query {
	r := w.rand
	q := core.Query{Type: "fiche", State: pick(r, []core.State{core.StatePublished, core.StatePublished, core.StateDraft, core.StateTrash}),
		Locale: pick(r, []core.Locale{"", "fr", "en"}), Limit: 1 + r.IntN(12), Total: true}
	if r.IntN(4) > 0 {
		q.Where = w.randomNode(asks, 2)
	}
	for range 1 + r.IntN(2) {
		q.Sort = append(q.Sort, core.SortKey{Path: w.maybeLimited(onePath(pick(r, asks).path)), Desc: r.IntN(2) == 0})
	}
	for range r.IntN(3) { // two facets of one path have one place in the answer
		if a := pick(r, asks); a.facet && !slices.ContainsFunc(q.Facets, func(p core.Path) bool { return p.String() == onePath(a.path).String() }) {
			q.Facets = append(q.Facets, w.maybeLimited(onePath(a.path)))
		}
	}
	switch r.IntN(6) {
	case 0:
		q.Geo = &core.GeoFilter{Field: "location", BBox: &core.BBox{West: float64(r.IntN(360) - 180), East: float64(r.IntN(360) - 180), South: -40, North: float64(r.IntN(80))}}
	case 1:
		q.Geo = &core.GeoFilter{Field: "location", Near: &core.Near{Lat: float64(r.IntN(160) - 80), Lon: float64(r.IntN(360) - 180), Metres: float64(r.IntN(9000000))}}
	}
	return q
}

// TestQuery_equalsNaive walks all pages of random queries on random entries and compares with looking at every document.
func TestQuery_equalsNaive(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		few  int
	}{{"by candidates", 1 << 30}, {"by orders", 0}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.c.options.fewRows = tc.few
			for round := range 12 {
				w.grow(60)
				if round%4 == 3 {
					w.reopen()
					w.c.options.fewRows = tc.few
				}
				asks := askables(w)
				for range 60 {
					w.check(w.randomQuery(asks))
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

func (w *world) check(q core.Query) {
	w.t.Helper()
	n := naive{w: w, state: q.State, locale: q.Locale}
	want := n.query(q)
	var got []core.View
	for {
		p, err := w.c.Query(w.t.Context(), q)
		if err != nil {
			w.t.Fatalf("%+v: %v", q, err)
		}
		if p.Total != len(want) {
			w.t.Errorf("%s: total %d, want %d", show(q), p.Total, len(want))
			return
		}
		w.checkFacets(q, p, want)
		got = append(got, p.Views...)
		if p.Next == nil {
			break
		}
		q.After = viaJSON(w.t, p.Next)
	}
	var gotIDs, wantIDs []string
	for _, v := range got {
		gotIDs = append(gotIDs, string(v.ID))
	}
	for _, s := range want {
		wantIDs = append(wantIDs, string(s.view.ID))
	}
	if !slices.Equal(wantIDs, gotIDs) {
		w.t.Errorf("%s:\n%s", show(q), cmp.Diff(wantIDs, gotIDs))
		return
	}
	for i, s := range want {
		v := got[i]
		v.Distance = 0
		if !reflect.DeepEqual(s.view, v) { // a diff is slow to make
			w.t.Errorf("%s:\n%s", show(q), cmp.Diff(s.view, v))
			return
		}
	}
}

func (w *world) checkFacets(q core.Query, p *core.Page, found []*seen) {
	w.t.Helper()
	n := naive{w: w, state: q.State, locale: q.Locale}
	for _, f := range q.Facets {
		got := map[any]int{}
		for _, v := range p.Facets[f.String()] {
			got[normal(v.Value)] = v.Count
		}
		if want := n.facet(found, f); !maps.Equal(want, got) {
			w.t.Errorf("%s: facet %s:\n%s", show(q), f, cmp.Diff(want, got))
		}
	}
}

func show(q core.Query) string { return fmt.Sprintf("%+v", q) }

// viaJSON gives a cursor as it comes back from a client.
func viaJSON(t testing.TB, c *core.Cursor) *core.Cursor {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back core.Cursor
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return &back
}

package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
)

func TestBySlug(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	moved, draft, gone := w.newID(), w.newID(), w.newID()
	w.apply(w.publish("fiche", moved, `{"slug":"old"}`), w.draft("fiche", draft, `{"slug":"new-draft"}`), w.publish("fiche", gone, `{"slug":"gone"}`))
	w.apply(w.publish("fiche", moved, `{"slug":"new"}`))
	w.apply(w.draft("fiche", moved, `{"slug":"next"}`), w.trash("fiche", gone))
	for range 2 {
		for _, tc := range []struct {
			slug   string
			state  core.State
			want   core.EntryID
			former bool
		}{
			{"new", core.StatePublished, moved, false},
			{"old", core.StatePublished, moved, true},
			{"old", core.StateDraft, moved, true},
			{"next", core.StatePublished, "", false},
			{"next", core.StateDraft, moved, false},
			{"new", core.StateDraft, moved, true},
			{"new-draft", core.StatePublished, "", false},
			{"new-draft", core.StateDraft, draft, false},
			{"gone", core.StatePublished, "", false},
			{"gone", core.StateDraft, "", false},
			{"gone", core.StateTrash, gone, false},
			{"absent", core.StateDraft, "", false},
		} {
			v, former, err := w.c.BySlug(t.Context(), "fiche", tc.slug, tc.state)
			if tc.want == "" {
				if core.CodeOf(err) != core.CodeNotFound {
					t.Errorf("%s in %s: got %v, %v, want not found", tc.slug, tc.state, v, err)
				}
				continue
			}
			if err != nil || v.ID != tc.want || former != tc.former {
				t.Errorf("%s in %s: got %v, former %v, %v", tc.slug, tc.state, v, former, err)
			}
		}
		w.reopen()
	}
}

func TestUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := w.newID(), w.newID(), w.newID()
	w.apply(w.publish("fiche", a, `{"slug":"a","population":3}`), w.draft("fiche", b, `{"slug":"b","budget":2.5}`), w.publish("fiche", c, `{"slug":"c","open":true}`))
	w.apply(w.draft("fiche", a, `{"slug":"a2"}`), w.trash("fiche", c))
	for _, tc := range []struct {
		field, value string
		want         core.EntryID
	}{
		{"slug", "a", a}, {"slug", "a2", a}, {"slug", "b", b}, {"slug", "c", ""}, {"slug", "x", ""},
		{"population", "3", a}, {"population", "4", ""}, {"budget", "2.5", b}, {"open", "true", ""}, {"title", "", ""}, {"nonsense", "1", ""},
	} {
		if got, err := w.c.Unique(t.Context(), "fiche", tc.field, tc.value); err != nil || got != tc.want {
			t.Errorf("%s = %q: got %q, %v, want %q", tc.field, tc.value, got, err, tc.want)
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	target, byBoth, byDraft, byTrash := w.newID(), w.newID(), w.newID(), w.newID()
	ref := `{"_ref":"` + string(target) + `","_type":"partner"}`
	w.apply(w.publish("fiche", byBoth, `{"slug":"1","partner":`+ref+`}`)) // before the target is there
	w.apply(w.publish("partner", target, `{"slug":"p","kind":"association"}`))
	w.apply(w.publish("fiche", byDraft, `{"slug":"2"}`), w.publish("fiche", byTrash, `{"slug":"3","partners":[`+ref+`]}`))
	w.apply(w.draft("fiche", byDraft, `{"slug":"2","partners":[`+ref+`,`+ref+`]}`), w.draft("fiche", byBoth, `{"slug":"1b","partner":`+ref+`}`), w.trash("fiche", byTrash))
	want := []core.Reference{
		{Type: "fiche", ID: byBoth, Field: "partner", In: []core.State{core.StateDraft, core.StatePublished}},
		{Type: "fiche", ID: byDraft, Field: "partners", In: []core.State{core.StateDraft}},
		{Type: "fiche", ID: byTrash, Field: "partners", In: []core.State{core.StateTrash}},
	}
	for range 2 {
		got, total, err := w.c.References(t.Context(), target, 10)
		if err != nil || total != 3 {
			t.Fatal(total, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if got, total, _ := w.c.References(t.Context(), target, 1); len(got) != 1 || total != 3 {
			t.Errorf("limited to 1: got %d of %d", len(got), total)
		}
		p, err := w.c.Referrers(t.Context(), core.Query{Type: "fiche", State: core.StatePublished, Sort: sortBy("_id"), Limit: 9, Total: true}, "partner", target)
		if err != nil || p.Total != 1 || p.Views[0].ID != byBoth {
			t.Errorf("referrers: %+v, %v", p, err)
		}
		w.reopen()
	}
}

func TestReferences_toWhatIsNotThereYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, absent, other := w.newID(), w.newID(), w.newID()
	w.apply(w.publish("fiche", from, `{"slug":"1","partner":{"_ref":"`+string(absent)+`","_type":"partner"}}`))
	w.apply(w.publish("partner", other, `{"slug":"other","kind":"association"}`))
	for _, there := range []bool{false, true} {
		if there {
			w.apply(w.publish("partner", absent, `{"slug":"late","kind":"entreprise"}`))
		}
		for range 2 {
			for id, want := range map[core.EntryID]int{absent: 1, other: 0} {
				if _, total, err := w.c.References(t.Context(), id, 10); err != nil || total != want {
					t.Errorf("%s is referred to %d times, %v, want %d", id, total, err, want)
				}
			}
			if _, err := w.c.Entry(t.Context(), "partner", absent); (err == nil) != there {
				t.Errorf("an entry that is only referred to: %v", err)
			}
			w.check(core.Query{Type: "fiche", State: core.StatePublished, Limit: 5, Total: true, Sort: sortBy("_id"),
				Where: core.Compare{Path: path("partner", "kind"), Op: core.OpEq, Values: []any{"entreprise"}}})
			w.reopen()
		}
	}
}

func TestQuery_facetsOfAllFollowEveryWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.newID()
	q := core.Query{Type: "fiche", State: core.StatePublished, Total: true, Sort: sortBy("_id"), Limit: 9, Facets: []core.Path{path("region"), path("tags")}}
	for _, change := range []func() core.Change{
		func() core.Change { return w.publish("fiche", id, `{"slug":"a","region":"44","tags":["eau","eau"]}`) },
		func() core.Change { return w.publish("fiche", id, `{"slug":"a","region":"27"}`) },
		func() core.Change { return w.publish("fiche", w.newID(), `{"slug":"b","region":"27"}`) },
		func() core.Change { return w.purge("fiche", id) },
	} {
		w.apply(change())
		w.check(q)
		w.check(q)
	}
}

// What a comparison has found once is found anew after every write, be it of the type at the end of a reference.
func TestQuery_comparisonsFollowEveryWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fiche, partner := w.newID(), w.newID()
	refers := `"partner":{"_ref":"` + string(partner) + `","_type":"partner"}`
	for _, change := range []func() core.Change{
		func() core.Change { return w.publish("fiche", fiche, `{"slug":"a","region":"44"}`) },
		func() core.Change { return w.publish("fiche", fiche, `{"slug":"a","region":"27",`+refers+`}`) },
		func() core.Change { return w.publish("partner", partner, `{"slug":"p","kind":"entreprise"}`) },
		func() core.Change { return w.publish("partner", partner, `{"slug":"p","kind":"association"}`) },
		func() core.Change { return w.publish("fiche", w.newID(), `{"slug":"b","region":"27"}`) },
		func() core.Change { return w.purge("fiche", fiche) },
	} {
		w.apply(change())
		for _, where := range []core.Node{
			core.And{compare("region", core.OpEq, "27")}, core.Not{Node: compare("region", core.OpEq, "27")}, compare("region", core.OpContains, "7"),
			core.Compare{Path: path("partner", "kind"), Op: core.OpEq, Values: []any{"entreprise"}},
		} {
			for range 2 {
				w.check(core.Query{Type: "fiche", State: core.StatePublished, Total: true, Sort: sortBy("_id"), Limit: 9, Where: where})
			}
		}
	}
}

func TestMatchCache(t *testing.T) {
	t.Parallel()
	var m matchCache
	c, looked := &column{}, 0
	ask := func(values ...any) {
		_, _ = m.of(c, core.OpIn, values, func() (bitset, error) { looked++; return bitset{}, nil })
	}
	for range 2 {
		for _, values := range [][]any{{"1"}, {int64(1)}, {true}, {"1", "2"}, {"1 1:2"}} {
			ask(values...)
		}
	}
	if looked != 5 {
		t.Errorf("looked %d times for 5 things", looked)
	}
	for i := range 5 * matchesKept {
		ask(int64(i))
		ask("1")
	}
	if n := len(m.recent) + len(m.older); looked != 5+5*matchesKept-1 || n > 2*matchesKept {
		t.Errorf("looked %d times, and %d are kept", looked, n)
	}
	looked = 0
	ask(strings.Repeat("x", longestAsked))
	ask(strings.Repeat("x", longestAsked))
	if m.drop(); looked != 2 || len(m.recent)+len(m.older) != 0 {
		t.Errorf("looked %d times for what is too long to keep", looked)
	}
}

func TestOpen_typeChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apply(w.publish("fiche", w.newID(), `{"slug":"a","note":"hello"}`))
	next := *ficheType()
	next.Hash = "fiche-2"
	next.Fields = append(append([]core.Field(nil), next.Fields...), core.Field{Path: "note", Kind: core.KindString, Indexed: true})
	w.types.set(core.NewType(next))
	w.reopen()
	p, err := w.c.Query(t.Context(), core.Query{Type: "fiche", State: core.StatePublished, Where: compare("note", core.OpEq, "hello"), Sort: sortBy("_id"), Total: true})
	if err != nil || p.Total != 1 || w.c.Position() != 1 {
		t.Errorf("got %+v, %v at %d", p, err, w.c.Position())
	}
}

func TestRevisionsAndEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.newID(), w.newID()
	w.apply(w.draft("fiche", a, `{"slug":"1"}`), w.draft("fiche", b, `{"slug":"2"}`))
	w.apply(w.publish("fiche", a, ""))
	w.apply(w.draft("fiche", a, `{"slug":"3"}`))
	revs, err := w.c.Revisions(t.Context(), a, 0, 2)
	if err != nil || len(revs) != 2 || revs[0].Rev != 3 || revs[1].Rev != 2 || !revs[1].Published || revs[0].Published || revs[1].Action != core.ActionPublish || revs[0].By != "user:1" {
		t.Errorf("got %+v, %v", revs, err)
	}
	if older, _ := w.c.Revisions(t.Context(), a, 2, 9); len(older) != 1 || older[0].Position != 1 {
		t.Errorf("before revision 2: %+v", older)
	}
	if _, err := w.c.Revisions(t.Context(), "absent", 0, 2); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("of an absent entry: %v", err)
	}
	var ids []core.EntryID
	stop := errors.New("enough")
	if err := w.c.Each(t.Context(), "fiche", "", func(e *core.Entry) error { ids = append(ids, e.ID); return nil }); err != nil || !slices.Equal(ids, []core.EntryID{a, b}) {
		t.Errorf("each: %v, %v", ids, err)
	}
	if err := w.c.Each(t.Context(), "fiche", a, func(*core.Entry) error { return stop }); err != stop {
		t.Errorf("each gave %v, want the function's error", err)
	}
	w.apply(w.trash("fiche", a))
	w.apply(w.purge("fiche", a))
	if _, err := w.c.Revisions(t.Context(), a, 0, 2); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("of a purged entry: %v", err)
	}
	if _, err := w.c.Entry(t.Context(), "fiche", a); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("a purged entry: %v", err)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.commit(w.draft("fiche", w.newID(), `{"slug":"1"}`))
	c.Key = &core.Key{Hash: "h", Request: "r"}
	w.applyAll([]core.Commit{c})
	if key, at, ok := w.c.Key(t.Context(), "h"); !ok || at != 1 || key != *c.Key {
		t.Errorf("got %v, %d, %v", key, at, ok)
	}
	if _, _, ok := w.c.Key(t.Context(), "other"); ok {
		t.Error("found a key that was not used")
	}
	w.pass(24*time.Hour + time.Second)
	if _, _, ok := w.c.Key(t.Context(), "h"); ok {
		t.Error("found a key older than 24 hours")
	}
}

func TestApply_order(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second, third := w.commit(w.draft("fiche", w.newID(), `{}`)), w.commit(w.draft("fiche", w.newID(), `{}`)), w.commit(w.draft("fiche", w.newID(), `{}`))
	if err := w.c.Apply(t.Context(), []core.Commit{second}); err == nil {
		t.Error("a gap was applied")
	}
	waited := make(chan error)
	go func() { waited <- w.c.Wait(context.Background(), 2) }()
	w.applyAll([]core.Commit{first})
	w.applyAll([]core.Commit{first, second})
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if err := w.c.Apply(t.Context(), []core.Commit{second, third, third}); err == nil {
		t.Error("commits out of order were applied")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.c.Wait(ctx, 3); err == nil {
		t.Error("waited for nothing")
	}
	if w.c.Position() != 2 || w.c.Sum() != second.Sum {
		t.Errorf("at %d %s", w.c.Position(), w.c.Sum())
	}
}

func TestApply_leavesNoDeadDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.newID(), w.newID()
	for i := range 20 {
		w.apply(w.publish("fiche", id, fmt.Sprintf(`{"slug":"a","population":%d}`, i)), w.draft("fiche", other, fmt.Sprintf(`{"slug":"b","population":%d}`, i)))
	}
	w.apply(w.trash("fiche", other))
	w.apply(w.purge("fiche", other))
	w.apply(w.draft("partner", w.newID(), `{}`))
	var n int
	if err := w.c.docs.db.Read.QueryRow(`select count(*) from documents`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d documents for 2 entries, %v", n, err)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apply(w.draft("partner", w.newID(), `{}`))
	all, fiche, partner := w.c.Version(""), w.c.Version("fiche"), w.c.Version("partner")
	w.apply(w.draft("fiche", w.newID(), `{}`))
	if w.c.Version("") <= all || w.c.Version("fiche") <= fiche || w.c.Version("partner") != partner {
		t.Error("a version did not rise, or that of another type did")
	}
}

func TestOnType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(200)
	next := *ficheType()
	next.Hash = "fiche-2"
	next.Fields = append([]core.Field(nil), next.Fields...)
	next.Fields = append(next.Fields, core.Field{Path: "note", Kind: core.KindString, Indexed: true})
	changed := core.NewType(next)
	w.types.set(changed)
	before := w.c.Version("fiche")
	if err := w.c.OnType(t.Context(), changed, ficheType()); err != nil {
		t.Fatal(err)
	}
	if w.c.Version("fiche") == before {
		t.Error("the version did not rise")
	}
	w.apply(w.publish("fiche", w.newID(), `{"slug":"noted","note":"hello"}`))
	for range 2 {
		p, err := w.c.Query(t.Context(), core.Query{Type: "fiche", State: core.StatePublished, Where: compare("note", core.OpEq, "hello"), Sort: sortBy("title"), Total: true})
		if err != nil || p.Total != 1 {
			t.Fatalf("got %+v, %v", p, err)
		}
		asks := askables(w)
		for range 50 {
			w.check(w.randomQuery(asks))
		}
		w.verify()
		w.reopen()
	}
}

func TestOnType_knownLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(100)
	full := w.types.known
	w.types.known = map[core.TypeName]*core.Type{}
	w.reopen()
	if w.total(core.StateDraft) == 0 {
		t.Error("without its type an entry is lost")
	}
	w.apply(w.publish("partner", w.newID(), `{"slug":"while-unknown","kind":"association"}`))
	for _, t := range full {
		w.types.set(t)
	}
	for _, typ := range full {
		if err := w.c.OnType(t.Context(), typ, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.verify()
	w.reopen()
	w.verify()
}

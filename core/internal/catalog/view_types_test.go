package catalog

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// titled keeps the titles of fiches and what partners are called, as far as their types let it see them.
func (w *world) titled(types ...core.TypeName) *core.PluginView {
	v := journalView()
	v.Types = types
	v.Fold = func(table core.Table, c core.Commit) error {
		for _, ch := range c.Changes {
			t, known := w.types.Type(ch.Type)
			if !known || slices.ContainsFunc(t.Fields, func(f core.Field) bool { return f.Secret && f.Path == "title" }) {
				continue
			}
			table.Put(string(ch.Entry), json.RawMessage(strconv.Quote(string(ch.Draft)+string(ch.Published))))
		}
		return nil
	}
	return v
}

// withTitle is the type of fiches as it was, but for its hash and for whether their title is a secret.
func withTitle(hash string, secret bool) *core.Type {
	t := *ficheType()
	t.Hash = hash
	t.Fields = slices.Clone(t.Fields)
	for i := range t.Fields {
		if t.Fields[i].Path == "title" {
			t.Fields[i].Secret = secret
		}
	}
	return core.NewType(t)
}

// A view is made anew when folds are to be told of something else than they were, and not otherwise.
func TestView_followsTypes(t *testing.T) {
	t.Parallel()
	for _, types := range [][]core.TypeName{nil, {"fiche", "partner", "poll"}} {
		w := newWorld(t)
		v := w.titled(types...)
		leave := w.follow(v)
		poll := func() core.Change { return w.draft("poll", w.newID(), `{"slug":"x"}`) }
		step := func(what string, anew bool, rows int, do func()) {
			t.Helper()
			before := w.count(`select max(id) from views`)
			do()
			w.apply(w.draft("partner", w.newID(), `{"slug":"p`+strings.ReplaceAll(what, " ", "-")+`"}`))
			w.level(v)
			if got := w.count(`select max(id) from views`); (got != before) != anew {
				t.Errorf("%s: made anew: %t", what, got != before)
			}
			w.onlyRowsOf(1)
			if got := w.count(`select count(*) from view_rows`); got != rows {
				t.Errorf("%s: %d rows, want %d", what, got, rows)
			}
			w.verify()
		}
		w.fill(3)
		w.level(v)
		step("nothing", false, 4, func() {})
		step("another version of a type", false, 5, func() { w.types.set(withTitle("fiche-2", false)) })
		step("a secret", true, 3, func() { w.types.set(withTitle("fiche-3", true)) })
		step("told of it beside", true, 7, func() {
			w.types.set(withTitle("fiche-4", false))
			if err := w.c.OnType(t.Context(), withTitle("fiche-4", false), nil); err != nil {
				t.Fatal(err)
			}
			w.level(v)
		})
		step("another type", false, 8, func() { w.types.set(partnerType("club")) })
		step("an unknown type", false, 9, func() { w.apply(poll()) })
		step("more of it", false, 10, func() { w.apply(poll()) })
		step("a rebuild, in another file", true, 11, func() { w.rebuild() })
		step("a restart", false, 12, func() {
			leave()
			w.reopen()
			leave = w.follow(v)
		})
		step("it is known", true, 15, func() { w.types.set(partnerType("poll")) })
		step("it is not any more", true, 14, func() {
			leave()
			w.types.mu.Lock()
			delete(w.types.known, "poll")
			w.types.mu.Unlock()
			w.reopen()
			leave = w.follow(v)
		})
		step("known again at a restart", true, 17, func() {
			leave()
			w.types.set(partnerType("poll"))
			w.reopen()
			leave = w.follow(v)
		})
	}
}

// A type may change while a view finds its table.
func TestView_findsWhileTypesChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newView(w.titled())
	w.c.enter(v)
	at := w.c.stands(v)
	w.types.set(withTitle("fiche-2", true))
	if err := w.c.findTable(t.Context(), v, at); err != nil || v.table != 0 {
		t.Errorf("it took the table %d, %v", v.table, err)
	}
	if err := w.c.findTable(t.Context(), v, w.c.stands(v)); err != nil || v.table == 0 {
		t.Errorf("it found no table: %v", err)
	}
}

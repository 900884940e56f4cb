package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// titledWorld has one fiche, and follows the titles.
func titledWorld(t *testing.T) (*world, *core.PluginView) {
	t.Helper()
	w := newWorld(t)
	v := w.titled()
	w.follow(v)
	w.fill(1)
	w.level(v)
	return w, v
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
		step("its fields in another order", false, 4, func() {
			t := *withTitle("fiche-3b", true)
			slices.Reverse(t.Fields)
			w.types.set(core.NewType(t))
		})
		step("told of it beside", true, 8, func() {
			w.types.set(withTitle("fiche-4", false))
			if err := w.c.OnType(t.Context(), withTitle("fiche-4", false), nil); err != nil {
				t.Fatal(err)
			}
			w.level(v)
		})
		step("another type", false, 9, func() { w.types.set(partnerType("club")) })
		step("another type with a secret", false, 10, func() {
			t := *withTitle("secretive-1", true)
			t.Name = "secretive"
			w.types.set(core.NewType(t))
		})
		step("an unknown type", false, 11, func() { w.apply(poll()) })
		step("more of it", false, 12, func() { w.apply(poll()) })
		step("a rebuild, in another file", true, 13, func() { w.rebuild() })
		step("a restart", false, 14, func() {
			leave()
			w.reopen()
			leave = w.follow(v)
		})
		step("it is known", true, 17, func() { w.types.set(partnerType("poll")) })
		step("it is not any more", true, 16, func() {
			leave()
			w.types.mu.Lock()
			delete(w.types.known, "poll")
			w.types.mu.Unlock()
			w.reopen()
			leave = w.follow(v)
		})
		step("known again at a restart", true, 19, func() {
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
	w.fill(1)
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

// Types may change and change back while a view is folded, beside or in a rebuild: nothing that it was told in between stays.
func TestView_typesChangeAndBack(t *testing.T) {
	t.Parallel()
	for _, rebuilding := range []bool{false, true} {
		w := newWorld(t)
		secret, open := withTitle("fiche-2", true), withTitle("fiche-3", false)
		w.types.set(secret)
		w.fill(40)
		v := w.titled()
		fold, serving := v.Fold, w.c.docs
		if rebuilding {
			w.follow(v)
			w.level(v)
		}
		at := make(chan struct{})
		var armed atomic.Bool
		armed.Store(true)
		v.Fold = func(table core.Table, c core.Commit) error {
			o, is := table.(*overlay)
			if is && armed.Load() && rebuilding == (o.docs != serving) && (c.Position == 1 || c.Position == 12) {
				at <- struct{}{}
				<-at
			}
			return fold(table, c)
		}
		var work sync.WaitGroup
		if rebuilding {
			work.Go(func() { w.rebuild() })
		} else {
			w.follow(v)
		}
		for _, next := range []*core.Type{open, secret} {
			<-at
			w.types.set(next)
			w.apply(w.draft("partner", w.newID(), `{"slug":"`+next.Hash+`"}`))
			if next == secret {
				armed.Store(false)
			}
			at <- struct{}{}
		}
		work.Wait()
		w.level(v)
		if got := w.count(`select count(*) from view_rows`); got != 2 {
			t.Errorf("rebuilding %t: %d rows of two partners", rebuilding, got)
		}
		w.verify()
	}
}

// A type that was met by a commit which could not be applied at first is met all the same.
func TestView_meetsTypeAtLast(t *testing.T) {
	t.Parallel()
	w, v := titledWorld(t)
	c := w.commit(w.draft("poll", w.newID(), `{"slug":"x"}`))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.c.Apply(gone, []core.Commit{c}); err == nil {
		t.Fatal("applied it")
	}
	w.applyAll([]core.Commit{c})
	w.types.set(partnerType("poll"))
	w.apply(w.draft("partner", w.newID(), `{"slug":"p"}`))
	w.level(v)
	w.verify()
}

// Who reads does not wait for the file when a type is met.
func TestView_meetsTypeWhileFileIsBusy(t *testing.T) {
	t.Parallel()
	w, v := titledWorld(t)
	busy, err := w.c.docs.db.Write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := w.c.docs.db.Write.Stats().WaitCount
	var work sync.WaitGroup
	work.Go(func() { w.apply(w.draft("poll", w.newID(), `{"slug":"x"}`)) })
	until(t, "the commit waits for the file", func() bool { return w.c.docs.db.Write.Stats().WaitCount > before })
	if !w.c.mu.TryRLock() {
		t.Error("readers wait too")
	} else {
		w.c.mu.RUnlock()
	}
	busy.Close()
	work.Wait()
	w.level(v)
}

// A view that was set aside stays where it was, whatever becomes of its types and its file.
func TestView_failedStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.titled()
	fold := v.Fold
	v.Fold = func(table core.Table, c core.Commit) error {
		if c.Position == 4 {
			return errors.New("not this one")
		}
		return fold(table, c)
	}
	w.follow(v)
	w.fill(3)
	w.level(v)
	w.fill(3)
	w.types.set(withTitle("fiche-2", true))
	w.fill(1)
	w.rebuild()
	if got := w.status(v); got.Standing != core.ViewFailed || got.Position != 3 {
		t.Errorf("it stands %+v", got)
	}
}

// What is folded between a change of a type and the commit that tells the catalog of it does not stay either.
func TestView_typesChangeUnseen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := withTitle("fiche-2", true)
	w.types.set(secret)
	w.fill(20)
	v := w.titled()
	fold := v.Fold
	at := make(chan struct{})
	var armed atomic.Bool
	armed.Store(true)
	v.Fold = func(table core.Table, c core.Commit) error {
		if _, is := table.(*overlay); is && armed.Load() && c.Position == 1 {
			at <- struct{}{}
			<-at
		}
		return fold(table, c)
	}
	w.follow(v)
	<-at
	w.types.set(withTitle("fiche-3", false))
	at <- struct{}{}
	<-at
	w.types.set(secret)
	armed.Store(false)
	at <- struct{}{}
	w.level(v)
	if got := w.count(`select count(*) from view_rows`); got != 0 {
		t.Errorf("%d titles are there", got)
	}
}

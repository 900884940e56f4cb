package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// A view whose fold fails is set aside as it was, and the catalog goes on. It goes on from there when it is followed anew.
func TestView_fails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		fail func(t core.Table) error
		says string
	}{
		{"an error", func(core.Table) error { return errors.New("out of order") }, "out of order"},
		{"a panic", func(core.Table) error { panic("boom") }, "panic: boom"},
		{"the end of its goroutine", func(core.Table) error { runtime.Goexit(); return nil }, "ended its goroutine"},
		{"no JSON", func(t core.Table) error { t.Put("k", json.RawMessage("{")); return nil }, "is not JSON"},
		{"no value", func(t core.Table) error { t.Put("k", nil); return nil }, "is not JSON"},
		{"no key", func(t core.Table) error { t.Put("", json.RawMessage("1")); return nil }, "1 to 1000 bytes"},
		{"no text as a key", func(t core.Table) error { t.Put("\xff", json.RawMessage("1")); return nil }, "1 to 1000 bytes"},
		{"a long key", func(t core.Table) error { t.Put(strings.Repeat("k", 1001), json.RawMessage("1")); return nil }, "1 to 1000 bytes"},
		{"a large value", func(t core.Table) error {
			t.Put("k", json.RawMessage(`"`+strings.Repeat("x", mostValueBytes)+`"`))
			return nil
		}, "more than 1048576"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := journalView()
			var failing atomic.Bool
			var faults, calls atomic.Int32
			var told atomic.Pointer[core.ViewFault]
			v.Fold = func(table core.Table, c core.Commit) error {
				if err := journal(table, c); err != nil || !failing.Load() {
					return err
				}
				return tc.fail(table)
			}
			v.Failed = func(f *core.ViewFault) { faults.Add(1); told.Store(f) }
			v.Folded = func(_ time.Duration, err error) { calls.Add(1) }
			leave := w.follow(v)
			w.grow(30)
			w.level(v)
			at := w.c.Position()
			failing.Store(true)
			w.grow(10)
			w.serves()
			if got := w.status(v); got.Standing != core.ViewFailed || got.Position != at || !strings.Contains(got.Fault, tc.says) {
				t.Errorf("stands %+v, want it failed at %d", got, at)
			}
			if f := told.Load(); faults.Load() != 1 || f.At != at+1 || (tc.name == "a panic") != strings.Contains(f.Stack, "view_faults_test.go") {
				t.Errorf("told %d times, of %+v", faults.Load(), f)
			}
			if _, err := w.c.ViewRows(t.Context(), v.ViewName, "", "", 1); reasonOf(err) != "unavailable view_failed" {
				t.Errorf("read: %v", err)
			}
			if err := w.c.WaitForView(t.Context(), v.ViewName); reasonOf(err) != "unavailable view_failed" {
				t.Errorf("waited: %v", err)
			}
			w.rebuild() // which leaves out what failed
			w.serves()
			leave()
			failing.Store(false)
			w.follow(v)
			w.level(v)
			if calls.Load() == 0 {
				t.Error("nobody was told of the calls")
			}
		})
	}
}

// A view that fails while it catches up is set aside too.
func TestView_failsBeside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(60)
	v := journalView()
	v.Fold = func(table core.Table, c core.Commit) error {
		if c.Position == 40 {
			return errors.New("not this one")
		}
		return journal(table, c)
	}
	leave := w.follow(v)
	if err := w.c.WaitForView(t.Context(), v.ViewName); reasonOf(err) != "unavailable view_failed" {
		t.Errorf("waited: %v", err)
	}
	if got := w.status(v); got.Position >= 40 || got.Position == 0 || got.Fault != "at the commit 40: not this one" {
		t.Errorf("stands %+v", got)
	}
	w.serves()
	leave()
	mended := journalView()
	w.follow(mended)
	w.level(mended)
}

// While a view catches up, which takes as long as it takes, writes and reads go on, and the view says so to whoever reads it.
func TestView_catchesUpBeside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(100)
	reading, goOn := make(chan struct{}), make(chan struct{})
	log := &watchedLog{memoryLog: memoryLog{w: w}, reading: func(read int) error {
		if read == 3 {
			close(reading)
			<-goOn
		}
		return nil
	}}
	v := journalView()
	w.followFrom(v, log)
	<-reading
	w.fill(20)
	w.serves()
	if _, err := w.c.ViewValue(t.Context(), v.ViewName, "entries"); reasonOf(err) != "unavailable catching_up" {
		t.Errorf("read: %v", err)
	}
	if got := w.status(v); got.Standing != core.ViewCatchingUp || got.Position == 0 {
		t.Errorf("stands %+v", got)
	}
	close(goOn)
	w.level(v)
}

// A log that is away is asked again.
func TestView_logIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(40)
	v := journalView()
	w.followFrom(v, &watchedLog{memoryLog: memoryLog{w: w}, reading: func(read int) error {
		if read == 2 {
			return errors.New("the log is away")
		}
		return nil
	}})
	w.level(v)
}

// Another version of a view is made anew, and so is one of other types; nothing of the old table is left.
func TestView_anotherVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := journalView()
	leave := w.follow(v)
	w.fill(40)
	w.level(v)
	leave()
	next := journalView()
	next.Version = 2
	next.Fold = func(t core.Table, c core.Commit) error { tally(t, "commits", 1); return nil }
	leave = w.follow(next)
	w.level(next)
	w.onlyRowsOf(1)
	leave()
	other := *next
	other.Types = []core.TypeName{"partner"}
	w.follow(&other)
	w.apply(w.draft("partner", w.newID(), `{"slug":"p"}`))
	w.level(&other)
	w.fill(1) // which is no business of it, and moves it all the same
	w.holds(&other, mapTable{"commits": "1"})
	w.onlyRowsOf(1)
}

// onlyRowsOf waits until the rows in the file are those of so many views.
func (w *world) onlyRowsOf(views int) {
	w.t.Helper()
	if err := w.c.docs.sweepViews(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var tables, orphans, known int
	err := w.c.docs.db.Read.QueryRow(`select count(distinct view), count(*) filter (where view not in (select id from views)), (select count(*) from views) from view_rows`).Scan(&tables, &orphans, &known)
	if err != nil || tables > views || orphans > 0 || known != views {
		w.t.Errorf("the file has rows of %d views, %d of none, and knows %d, %v; want %d", tables, orphans, known, err, views)
	}
}

// A crash between the file and the columns, and one in the middle of catching up, leave a view where the file says.
func TestView_crash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := journalView()
	w.follow(v)
	w.grow(60)
	for range 3 {
		w.level(v)
		c := w.commit(w.step())
		b := newBatch(w.c.m, w.c.docs.nextRow)
		w.c.ensure(c.Changes[0].Type)
		b.fold(&c)
		b.extract()
		b.views = w.c.foldViews(t.Context(), []core.Commit{c})
		if err := w.c.docs.save(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		w.crash()
		later := newView(v)
		w.c.enter(later)
		if err := w.c.findTable(t.Context(), later, w.c.stands(later)); err != nil || later.position != w.c.Position() || int(later.position) != len(w.commits) {
			t.Errorf("the view stands at %d, the catalog at %d, %v", later.position, w.c.Position(), err)
		}
		w.follow(v)
		w.level(v)
	}
	w.grow(300)
	other := journalView()
	other.Name = "other"
	for steps := range 4 {
		half := newView(other)
		w.c.enter(half)
		for range 2 * steps {
			if err := w.c.advance(t.Context(), memoryLog{w: w}, half, w.c.stands(half)); err != nil {
				t.Fatal(err)
			}
		}
		w.crash()
	}
	w.follow(other)
	w.level(other)
	w.verify()
}

// A batch that was folded for somebody who has lost the view meanwhile does not count.
func TestView_foldedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(60)
	v := journalView()
	slow := newView(v)
	w.c.enter(slow)
	step := func() {
		if err := w.c.advance(t.Context(), memoryLog{w: w}, slow, w.c.stands(slow)); err != nil {
			t.Fatal(err)
		}
	}
	step()
	step()
	at := w.c.stands(slow)
	late := w.c.foldBatch(t.Context(), &at.view, at.docs, w.commits[at.position:at.position+catchUpStep], limits{commit: time.Hour, keys: 1000})
	w.follow(v)
	w.level(v)
	if err := at.docs.saveView(t.Context(), late); !errors.Is(err, errMoved) {
		t.Errorf("saved: %v", err)
	}
	w.level(v)
	w.verify()
}

// A rebuild, and what happens to views meanwhile.
func TestRebuild_views(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	named := func(name string, fold func(core.Table, core.Commit) error) *core.PluginView {
		v := journalView()
		v.Name, v.Fold = name, fold
		return v
	}
	w := newWorld(t)
	steady, fails, leaves, comes := named("steady", journal), named("fails", func(t core.Table, c core.Commit) error {
		if failing.Load() && c.Position == 3 {
			return errors.New("not again")
		}
		return journal(t, c)
	}), named("leaves", journal), named("comes", journal)
	var faults atomic.Int32
	fails.Failed = func(*core.ViewFault) { faults.Add(1) }
	w.follow(steady)
	setAside := w.follow(fails)
	leave := w.follow(leaves)
	older, newer := named("changes", journal), named("changes", func(t core.Table, c core.Commit) error { tally(t, "commits", 1); return nil })
	newer.Version = 2
	end := w.follow(older)
	w.fill(logStep + 20)
	for _, v := range []*core.PluginView{steady, fails, leaves} {
		w.level(v)
	}
	failing.Store(true)
	log := &watchedLog{memoryLog: memoryLog{w: w}, reading: func(read int) error {
		if read == 2 {
			end()
			w.follow(newer)
			leave()
			if err := w.c.DropViews(t.Context(), leaves.Plugin, "steady", "fails", "changes"); err != nil {
				return err
			}
			w.follow(comes)
			w.fill(20)
			w.level(comes)
		}
		return nil
	}}
	if _, err := w.c.Rebuild(t.Context(), log, nil); err != nil {
		t.Fatal(err)
	}
	w.level(steady)
	w.level(comes)
	w.level(newer)
	if got := w.status(fails); got.Standing != core.ViewFailed || faults.Load() != 1 {
		t.Errorf("what fails in a rebuild stands %+v, and was told of %d times", got, faults.Load())
	}
	w.fill(5)
	w.onlyRowsOf(4) // nothing of what was dropped
	gone := newView(leaves)
	w.c.enter(gone)
	if err := w.c.findTable(t.Context(), gone, w.c.stands(gone)); err != nil || gone.position > 0 {
		t.Errorf("what was dropped meanwhile stands at %d, %v", gone.position, err)
	}
	w.follow(leaves)
	for _, v := range []*core.PluginView{steady, comes, leaves} {
		w.level(v)
	}
	setAside()
	failing.Store(false)
	w.follow(fails)
	w.level(fails)
	w.verify()
}

// Views are read, followed, left, dropped and rebuilt while commits come.
func TestView_concurrently(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(50)
	var later []core.Commit // which the log has already
	for range 80 {
		later = append(later, w.commit(w.budget()))
	}
	steady, restless := journalView(), journalView()
	restless.Name = "restless"
	w.follow(steady)
	w.level(steady)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	repeat := func(f func()) {
		work.Go(func() {
			for ctx.Err() == nil {
				f()
			}
		})
	}
	repeat(func() { // never less than what was waited for
		at := w.c.Position()
		rows, err := w.c.ViewRows(ctx, steady.ViewName, "newest/", "", 100)
		if len(rows) > 0 && rows[len(rows)-1].Key < "newest/"+padded(at) {
			t.Errorf("read up to %s at %d", rows[len(rows)-1].Key, at)
		}
		if reason := reasonOf(err); err != nil && reason != "unavailable catching_up" && ctx.Err() == nil {
			t.Errorf("read: %v", err)
		}
	})
	repeat(func() {
		for range 3 {
			short, end := context.WithCancel(ctx)
			var done sync.WaitGroup
			keep := w.c.Follow(memoryLog{w: w}, restless)
			done.Go(func() { keep(short) })
			_ = w.c.WaitForView(ctx, restless.ViewName)
			end()
			done.Wait()
		}
	})
	repeat(func() { _ = w.c.DropViews(ctx, steady.Plugin, "journal") })
	repeat(func() { _, _ = w.c.Rebuild(ctx, memoryLog{w: w}, nil) })
	for i := range later {
		w.applyAll(later[i : i+1])
	}
	cancel()
	work.Wait()
	w.follow(restless)
	w.level(steady)
	w.level(restless)
	w.verify()
}

func padded(at core.Position) string { return fmt.Sprintf("%09d", at) }

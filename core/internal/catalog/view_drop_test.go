package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func TestDropViews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	counted := func(name string) *core.PluginView {
		v := journalView()
		v.Name, v.Fold = name, func(t core.Table, c core.Commit) error {
			for i := range 5 {
				t.Put(fmt.Sprint(c.Position, "/", i), json.RawMessage("1"))
			}
			return nil
		}
		return v
	}
	views := []*core.PluginView{counted("one"), counted("two"), counted("three")}
	foreign := counted("one")
	foreign.Plugin = "dev.acme.other"
	leave := w.follow(views[1])
	for _, v := range []*core.PluginView{views[0], views[2], foreign} {
		w.follow(v)
	}
	w.fill(sweptAtOnce / 4)
	for _, v := range views {
		w.level(v)
	}
	leave()
	if err := w.c.DropViews(t.Context(), views[0].Plugin, "three"); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*core.PluginView{views[0], views[2], foreign} { // one is followed, and made anew
		w.level(v)
	}
	w.onlyRowsOf(3)
	w.fill(5)
	for _, v := range []*core.PluginView{views[0], views[2], foreign} {
		w.level(v)
	}
	w.verify()
	w.follow(views[1])
	w.level(views[1])
	if err := w.c.DropViews(t.Context(), foreign.Plugin); err != nil {
		t.Fatal(err)
	}
	w.level(foreign)
}

// The number of a table that was dropped is given to no other: what was still to be saved into it does not come into that.
func TestDropViews_numbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(20)
	one, two := newView(journalView()), newView(journalView())
	one.PluginView.Plugin = "dev.acme.other"
	w.c.enter(one)
	if err := w.c.findTable(t.Context(), one, w.c.stands(one)); err != nil {
		t.Fatal(err)
	}
	at := w.c.stands(one)
	f := w.c.foldBatch(t.Context(), &at.view, at.docs, w.commits[:5], limits{commit: time.Hour, keys: 1000})
	if err := w.c.DropViews(t.Context(), one.Plugin); err != nil {
		t.Fatal(err)
	}
	w.c.enter(two)
	if err := w.c.findTable(t.Context(), two, w.c.stands(two)); err != nil {
		t.Fatal(err)
	}
	if err := at.docs.saveView(t.Context(), f); !errors.Is(err, errMoved) {
		t.Errorf("saved: %v", err)
	}
	w.onlyRowsOf(1)
}

// A view that is dropped while a rebuild ends leaves nothing.
func TestRebuild_sweeps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := journalView()
	leave := w.follow(v)
	w.fill(20)
	w.level(v)
	dropped := false
	_, err := w.c.Rebuild(t.Context(), memoryLog{w: w}, func(core.Position) {
		if !dropped {
			dropped = true
			leave()
			if err := w.c.DropViews(t.Context(), v.Plugin); err != nil {
				t.Error(err)
			}
		}
	})
	var rows int
	if err == nil {
		err = w.c.docs.db.Read.QueryRow(`select count(*) from view_rows`).Scan(&rows)
	}
	if err != nil || !dropped || rows > 0 {
		t.Errorf("%d rows are left, %v", rows, err)
	}
}

package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// mapTable is a table as simple as can be, to compare with.
type mapTable map[string]string

func (t mapTable) Get(key string) json.RawMessage {
	if v, ok := t[key]; ok {
		return json.RawMessage(v)
	}
	return nil
}
func (t mapTable) Put(key string, value json.RawMessage) { t[key] = string(value) }
func (t mapTable) Delete(key string)                     { delete(t, key) }
func (t mapTable) Scan(prefix, after string, limit int) []core.Row {
	rows := []core.Row{}
	for _, key := range slices.Sorted(maps.Keys(t)) {
		if strings.HasPrefix(key, prefix) && key > after && len(rows) < limit {
			rows = append(rows, core.Row{Key: key, Value: json.RawMessage(t[key])})
		}
	}
	return rows
}

// tally adds to a number in a table.
func tally(t core.Table, key string, add int) {
	n, _ := strconv.Atoi(string(t.Get(key)))
	t.Put(key, json.RawMessage(strconv.Itoa(n+add)))
}

// journal is a fold that reads what it has written, in the same commit and before, goes through it, and deletes.
func journal(t core.Table, c core.Commit) error {
	for _, ch := range c.Changes {
		tally(t, "action/"+string(ch.Type)+"/"+string(ch.Action), 1)
		at := "entry/" + string(ch.Entry)
		if ch.Op == core.OpPurge {
			t.Delete(at)
			continue
		}
		t.Put(at, json.RawMessage(fmt.Sprintf(`{"rev":%d,"at":%d,"draft":%d}`, ch.Meta.Rev, c.Position, len(ch.Draft))))
		newest := "newest/" + fmt.Sprintf("%09d", c.Position)
		t.Put(newest, json.RawMessage(strconv.Quote(string(ch.Entry))))
		for rows := t.Scan("newest/", "", 10); len(rows) > 7; rows = rows[1:] {
			t.Delete(rows[0].Key)
		}
		n := 0
		for after, more := "", true; more && n < 9; {
			rows := t.Scan("entry/", after, 3)
			if n, more = n+len(rows), len(rows) == 3; more {
				after = rows[2].Key
			}
		}
		t.Put("entries", json.RawMessage(strconv.Itoa(n)))
	}
	return nil
}

func journalView() *core.PluginView {
	return &core.PluginView{ViewName: core.ViewName{Plugin: "dev.acme.journal", Name: "journal"}, Version: 1, Fold: journal}
}

// naive is the table that a view should have.
func (w *world) naive(v *core.PluginView, upTo core.Position) mapTable {
	table := mapTable{}
	for i := range w.commits[:upTo] {
		if c := &w.commits[i]; concerned(v, c) > 0 {
			if err := v.Fold(table, share(v, c)); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return table
}

// follow follows a view until the function that it gives is called, or the test ends.
func (w *world) follow(v *core.PluginView) (leave func()) {
	return w.followFrom(v, memoryLog{w: w})
}

func (w *world) followFrom(v *core.PluginView, log core.Log) (leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	keep := w.c.Follow(log, v)
	done.Go(func() { keep(ctx) })
	leave = func() { cancel(); done.Wait() }
	w.t.Cleanup(leave)
	return leave
}

// level waits until a view can be read, and insists that it is what it should be.
func (w *world) level(v *core.PluginView) {
	w.t.Helper()
	if err := w.c.WaitForView(w.t.Context(), v.ViewName); err != nil {
		w.t.Fatal(err)
	}
	w.holds(v, w.naive(v, w.c.Position()))
}

func (w *world) holds(v *core.PluginView, want mapTable) {
	w.t.Helper()
	got := mapTable{}
	for after := ""; ; {
		rows, err := w.c.ViewRows(w.t.Context(), v.ViewName, "", after, 50)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range rows {
			got[r.Key] = string(r.Value)
			after = r.Key
		}
		if len(rows) < 50 {
			break
		}
	}
	if !maps.Equal(got, want) {
		w.t.Fatalf("the view holds %.2000s, want %.2000s", fmt.Sprint(got), fmt.Sprint(want))
	}
	var at core.Position
	if err := w.c.docs.db.Read.QueryRow(`select position from views where plugin = ? and name = ?`, v.Plugin, v.Name).Scan(&at); err != nil || at != w.c.Position() {
		w.t.Errorf("in the file the view stands at %d, %v, the catalog at %d", at, err, w.c.Position())
	}
	for key, value := range want {
		if got, err := w.c.ViewValue(w.t.Context(), v.ViewName, key); err != nil || string(got) != value {
			w.t.Fatalf("%s: %s, %v, want %s", key, got, err, value)
		}
	}
}

func (w *world) status(v *core.PluginView) core.ViewStatus {
	for _, s := range w.c.Views(v.Plugin) {
		if s.Name == v.Name {
			return s
		}
	}
	return core.ViewStatus{}
}

func reasonOf(err error) string {
	e, _ := core.AsError(err)
	if e == nil {
		return ""
	}
	return string(e.Code) + " " + e.Reason
}

// A view is the fold of the log, wherever it began to be followed, however commits came, and whatever happened in between.
func TestView_isTheFoldOfTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	some := journalView()
	some.Name, some.Types = "partners", []core.TypeName{"partner", "person"}
	w.follow(some)
	w.grow(150)
	w.level(some)
	all := journalView()
	leave := w.follow(all) // from the first commit on, beside
	w.level(all)
	w.grow(100)
	w.level(all)
	leave()
	if _, err := w.c.ViewValue(t.Context(), all.ViewName, "entries"); reasonOf(err) != "unavailable view_off" {
		t.Errorf("not followed any more: %v", err)
	}
	w.grow(100)
	w.follow(all) // from where it was left
	w.level(all)
	w.verify()
	for range 2 {
		w.rebuild()
		if a, b := w.status(all), w.status(some); a.Standing != core.ViewLevel || b.Standing != core.ViewLevel {
			t.Errorf("after a rebuild the views stand %+v and %+v", a, b)
		}
		w.level(all)
		w.level(some)
		w.grow(40)
		w.level(all)
		w.level(some)
	}
	w.verify()
	w.reopen()
	w.follow(all)
	w.level(all)
	w.grow(40)
	w.level(all)
	if _, err := w.c.ViewValue(t.Context(), all.ViewName, "absent"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("what is not there: %v", err)
	}
}

// What a fold is told of is its own, and has nothing of what is the log's.
func TestView_told(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := journalView()
	v.Types = []core.TypeName{"fiche"}
	v.Fold = func(_ core.Table, c core.Commit) error {
		if c.Key != nil || c.Origin != nil || c.Sum != "" || len(c.Changes) != 1 || c.Changes[0].Type != "fiche" || c.Changes[0].Salt != "" {
			return fmt.Errorf("was told of %+v", c)
		}
		ch := &c.Changes[0]
		for _, doc := range []core.Doc{ch.Draft, ch.Published} {
			clear(doc)
		}
		ch.Meta.Live.Rev = 99
		return nil
	}
	w.follow(v)
	if err := w.c.WaitForView(t.Context(), v.ViewName); err != nil {
		t.Fatal(err)
	}
	fiche, partner := w.publish("fiche", w.newID(), `{"title":"x","slug":"x"}`), w.draft("partner", w.newID(), `{"slug":"p"}`)
	fiche.Salt = core.NewSalt()
	c := w.commit(fiche, partner)
	c.Key, c.Origin = &core.Key{Hash: "h", Request: "r"}, &core.Origin{}
	w.applyAll([]core.Commit{c})
	if got := w.status(v); got.Standing != core.ViewLevel || got.Position != 1 {
		t.Errorf("stands %+v", got)
	}
	if got, err := w.c.Entry(t.Context(), "fiche", fiche.Entry); err != nil || string(got.Published) != `{"title":"x","slug":"x"}` {
		t.Errorf("the entry is %+v, %v", got, err)
	}
}

// BenchmarkViews measures what views cost the catalog: commits of one change, one by one and sixteen at once.
func BenchmarkViews(b *testing.B) {
	for _, tc := range []struct {
		name  string
		views int
		fold  func(core.Table, core.Commit) error
	}{
		{"none", 0, nil},
		{"one that counts", 1, func(t core.Table, c core.Commit) error {
			tally(t, "count", 1)
			return nil
		}},
		{"one that keeps a row and counts", 1, func(t core.Table, c core.Commit) error {
			t.Put("entry/"+string(c.Changes[0].Entry), json.RawMessage(`"x"`))
			tally(t, "count", 1)
			return nil
		}},
		{"four of these", 4, func(t core.Table, c core.Commit) error {
			t.Put("entry/"+string(c.Changes[0].Entry), json.RawMessage(`"x"`))
			tally(t, "count", 1)
			return nil
		}},
	} {
		for _, at := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s, %d at once", tc.name, at), func(b *testing.B) {
				w := newWorld(b)
				for i := range tc.views {
					v := journalView()
					v.Name, v.Fold = fmt.Sprint("view-", i), tc.fold
					w.follow(v)
					if err := w.c.WaitForView(b.Context(), v.ViewName); err != nil {
						b.Fatal(err)
					}
				}
				var commits []core.Commit
				for range b.N {
					commits = append(commits, w.commit(w.budget()))
				}
				b.ResetTimer()
				for some := range slices.Chunk(commits, at) {
					w.applyAll(some)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			})
		}
	}
}

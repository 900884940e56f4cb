package catalog

import (
	"context"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// memoryLog reads the commits of a world.
type memoryLog struct {
	core.Log
	w *world
}

func (l memoryLog) Read(_ context.Context, from core.Position, limit int) ([]core.Commit, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if int(from) > len(l.w.commits) {
		return nil, nil
	}
	rest := l.w.commits[from-1:]
	return rest[:min(limit, len(rest))], nil
}

func (w *world) verify() {
	w.t.Helper()
	found, err := w.c.Verify(w.t.Context(), memoryLog{w: w})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range found.Differences {
		w.t.Error(d)
	}
}

func TestVerify_equalAfterManyChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.grow(200)
		w.verify()
		w.reopen()
		w.verify()
	}
}

func TestVerify_findsWhatDiffers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		break_ func(w *world)
	}{
		{"a document", func(w *world) { w.exec(`update documents set doc = '{}' where row = 3`) }},
		{"meta", func(w *world) { w.exec(`update entries set meta = replace(meta, 'user:1', 'user:9') where number = 2`) }},
		{"a revision", func(w *world) { w.exec(`delete from revisions where rev = 1 and entry = 2`) }},
		{"a column", func(w *world) { w.shelf().table.columns[systemColumns].put(0, nil) }},
		{"visibility", func(w *world) { w.shelf().visible[seenPublished].clear(0) }},
		{"an entry", func(w *world) { w.c.m.remove(2) }},
		{"postings", func(w *world) { c, _ := w.shelf().column("slug", core.StateDraft, ""); c.postings.one = nil }},
		{"texts", func(w *world) { w.c.text.index.Apply(w.t.Context(), 10, nil, []uint64{2}) }},
		{"a former slug", func(w *world) { w.shelf().slugs[2] = []string{"other"} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for range 10 {
				w.apply(w.publish("fiche", w.newID(), `{"title":"Budget","slug":"`+string(w.newID())+`"}`))
			}
			w.verify()
			w.c.text.drain(t.Context())
			w.c.docs.cache = newCache(0)
			tc.break_(w)
			if found, err := w.c.Verify(t.Context(), memoryLog{w: w}); err != nil || len(found.Differences) == 0 {
				t.Errorf("got %v, %v, want a difference", found, err)
			}
		})
	}
}

func (w *world) shelf() *shelf { return w.c.m.byName["fiche"] }

func (w *world) exec(statement string) {
	w.t.Helper()
	if _, err := w.c.docs.db.Write.Exec(statement); err != nil {
		w.t.Fatal(err)
	}
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(150)
	w.exec(`update documents set doc = '{}'`)
	w.c.docs.cache = newCache(1 << 20)
	var last core.Position
	if _, err := w.c.Rebuild(t.Context(), memoryLog{w: w}, func(at core.Position) { last = at }); err != nil {
		t.Fatal(err)
	}
	if want := core.Position(len(w.commits)); last != want || w.c.Position() != want {
		t.Errorf("rebuilt to %d, told %d, want %d", w.c.Position(), last, want)
	}
	w.verify()
	w.grow(30)
	w.verify()
	w.reopen()
	w.verify()
}

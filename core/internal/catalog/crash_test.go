package catalog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// crash leaves the catalog as a killed process would: what is on disk stays, everything else is gone. The files are copied, since
// the process that holds them lives on.
func (w *world) crash() {
	w.t.Helper()
	var dir string
	for err := error(fs.ErrNotExist); errors.Is(err, fs.ErrNotExist); { // the index removes files while they are copied
		dir = w.t.TempDir()
		if err = os.CopyFS(dir, os.DirFS(w.dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.t.Fatal(err)
		}
	}
	old := w.c
	w.t.Cleanup(func() { old.Close() })
	w.dir = dir
	w.open()
}

// TestCrash_betweenFileAndColumns stops after the file was written and before the columns were.
func TestCrash_betweenFileAndColumns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(120)
	for range 5 {
		c := w.commit(w.step())
		b := newBatch(w.c.m, w.c.docs.nextRow)
		w.c.ensure(c.Changes[0].Type)
		b.fold(&c)
		b.extract()
		if err := w.c.docs.save(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		w.crash()
		if got := int(w.c.Position()); got != len(w.commits) {
			t.Errorf("stands at %d, want %d", got, len(w.commits))
		}
		w.verify()
	}
	w.grow(30)
	w.verify()
}

// TestCrash_beforeTheText stops before the full-text index has seen anything.
func TestCrash_beforeTheText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(100)
	w.c.text.drain(t.Context())
	w.c.text.halt()
	w.grow(60)
	w.crash()
	w.verify()
}

// TestCrash_typesKnownLater stops before the full-text index has seen an entry, and opens before the types are known. What
// cannot be indexed for that is neither forgotten when they are, nor taken for done.
func TestCrash_typesKnownLater(t *testing.T) {
	t.Parallel()
	for _, diesAgain := range []bool{false, true} {
		w := newWorld(t)
		w.apply(w.publish("fiche", w.newID(), `{"slug":"a","title":"Ancienne"}`))
		w.reopen() // from here on the whole type counts as indexed
		w.drain()
		w.c.text.halt()
		id := w.newID()
		w.apply(w.publish("fiche", id, `{"slug":"b","title":"Budget"}`))
		known := w.types
		w.types = &registry{known: map[core.TypeName]*core.Type{}}
		w.crash()
		w.drain()
		if diesAgain {
			w.crash()
		}
		for _, typ := range known.Types() {
			w.types.set(typ)
			if err := w.c.OnType(t.Context(), typ, nil); err != nil {
				t.Fatal(err)
			}
		}
		w.finds(core.Query{Text: "budget"}, id)
	}
}

func (w *world) drain() {
	w.t.Helper()
	if err := w.c.text.drain(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestOpen_damagedFile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, path string)
	}{
		{"no SQLite file", func(t *testing.T, path string) { write(t, path, strings.Repeat("this is no file of SQLite ", 400)) }},
		{"overwritten in the middle", func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			info, _ := f.Stat()
			for at := int64(4096); at < info.Size(); at += 4096 {
				f.WriteAt([]byte(strings.Repeat("x", 2000)), at)
			}
		}},
		{"empty", func(t *testing.T, path string) { write(t, path, "") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.grow(60)
			if err := w.c.Close(); err != nil {
				t.Fatal(err)
			}
			tc.damage(t, filepath.Join(w.dir, "catalog.db"))
			w.open()
			if w.c.Position() != 0 {
				t.Fatalf("a damaged file stands at %d", w.c.Position())
			}
			w.applyAll(w.commits)
			w.verify()
		})
	}
}

func TestOpen_unreadableValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(60)
	w.exec(`update entries set published_values = substr(published_values, 1, 5) where published_values is not null`)
	w.reopen()
	if w.c.Position() != 0 {
		t.Fatal("values that cannot be read were taken")
	}
	w.applyAll(w.commits)
	w.verify()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

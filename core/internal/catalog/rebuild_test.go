package catalog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// watchedLog is a log that tells of its reads, and fails when it is told to.
type watchedLog struct {
	memoryLog
	reading func(read int) error
	reads   atomic.Int64
}

func (l *watchedLog) Read(ctx context.Context, from core.Position, limit int) ([]core.Commit, error) {
	if err := l.reading(int(l.reads.Add(1))); err != nil {
		return nil, err
	}
	return l.memoryLog.Read(ctx, from, limit)
}

func (w *world) rebuild() *core.Rebuilt {
	w.t.Helper()
	made, err := w.c.Rebuild(w.t.Context(), memoryLog{w: w}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// fill makes commits of one change each.
func (w *world) fill(n int) {
	w.t.Helper()
	commits := make([]core.Commit, n)
	for i := range commits {
		commits[i] = w.commit(w.budget())
	}
	w.applyAll(commits)
}

func (w *world) budget() core.Change {
	id := w.newID()
	return w.publish("fiche", id, `{"title":"Budget","slug":"`+string(id)+`"}`)
}

// What the log has and the catalog was not shown yet is for whoever shows it: the types and the timetable must see it first.
func TestRebuild_stopsWhereTheCatalogStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(40)
	at := w.c.Position()
	unseen := []core.Commit{w.commit(w.budget()), w.commit(w.budget())}
	made := w.rebuild()
	if made.Position != at || w.c.Position() != at || made.Entries != w.c.m.entries() || made.Entries == 0 {
		t.Errorf("made %+v, the catalog stands at %d; want %d", made, w.c.Position(), at)
	}
	found, err := w.c.Verify(t.Context(), memoryLog{w: w})
	if err != nil || found.Position != at || found.Differences == nil || len(found.Differences) > 0 {
		t.Errorf("verified %+v, %v; want %d and no difference", found, err, at)
	}
	w.applyAll(unseen)
	if w.c.Position() != at+2 {
		t.Errorf("what came after the rebuild led to %d, want %d", w.c.Position(), at+2)
	}
	w.verify()
}

// Commits, and a new version of a type, come while the rebuild reads the log.
func TestRebuild_takesInWhatComesMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(logStep + 10)
	log := &watchedLog{memoryLog: memoryLog{w: w}, reading: func(read int) error {
		if read == 2 {
			w.apply(w.budget())
			changed := *ficheType()
			changed.Hash = "fiche-2"
			w.types.set(core.NewType(changed))
			return w.c.OnType(t.Context(), core.NewType(changed), nil)
		}
		return nil
	}}
	if _, err := w.c.Rebuild(t.Context(), log, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := int(w.c.Position()), len(w.commits); got != want || w.shelf().hash != "fiche-2" {
		t.Errorf("stands at %d with %s, want %d with fiche-2", got, w.shelf().hash, want)
	}
	w.verify()
}

// A rebuild that fails leaves the catalog that was there, and the next one is not hindered by it.
func TestRebuild_fails(t *testing.T) {
	t.Parallel()
	away := errors.New("the log is away")
	for _, tc := range []struct {
		name    string
		hinder  func(t *testing.T, w *world)
		reading func(int) error
		repair  func(t *testing.T, w *world)
	}{
		{name: "the note cannot be put in place", hinder: mkdir(noteFile), repair: rmdir(noteFile)},
		{name: "the note cannot be written", hinder: mkdir(noteFile + ".new"), repair: rmdir(noteFile + ".new")},
		{name: "the other file cannot be made", hinder: mkdir(secondFile + "/full"), repair: rmdir(secondFile)},
		{name: "the log fails at once", reading: func(int) error { return away }},
		{name: "the log fails in the middle", reading: func(read int) error {
			if read > 1 {
				return away
			}
			return nil
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fill(logStep + 20)
			log := &watchedLog{memoryLog: memoryLog{w: w}, reading: tc.reading}
			if tc.reading == nil {
				log.reading = func(int) error { return nil }
			}
			if tc.hinder != nil {
				tc.hinder(t, w)
			}
			if _, err := w.c.Rebuild(t.Context(), log, nil); err == nil {
				t.Fatal("the rebuild succeeded")
			}
			w.serves()
			if tc.repair != nil {
				tc.repair(t, w)
			}
			w.reopen()
			w.serves()
			w.rebuild()
			w.serves()
			w.reopen()
			w.serves()
		})
	}
}

func mkdir(name string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		if err := os.MkdirAll(filepath.Join(w.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func rmdir(name string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		if err := os.RemoveAll(filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// serves insists that reads, searches and writes work, and that all is as the log has it.
func (w *world) serves() {
	w.t.Helper()
	if got := int(w.c.Position()); got != len(w.commits) {
		w.t.Fatalf("stands at %d, want %d", got, len(w.commits))
	}
	change := w.budget()
	w.apply(change)
	if _, err := w.c.ByID(w.t.Context(), "fiche", change.Entry, core.StatePublished); err != nil {
		w.t.Error(err)
	}
	page, err := w.c.Query(w.t.Context(), core.Query{Type: "fiche", State: core.StatePublished, Text: "budget", Total: true, Limit: 1})
	if err != nil || page.Total == 0 {
		w.t.Errorf("searched: %+v, %v", page, err)
	}
	if _, err := w.c.Revisions(w.t.Context(), change.Entry, 0, 10); err != nil {
		w.t.Error(err)
	}
	w.verify()
}

func TestRebuild_leavesNoFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(30)
	for _, want := range []string{secondFile, firstFile, secondFile} {
		w.rebuild()
		if w.c.name != want {
			t.Errorf("serves from %s, want %s", w.c.name, want)
		}
		files, _ := filepath.Glob(filepath.Join(w.dir, "catalog*.db"))
		texts, _ := filepath.Glob(filepath.Join(w.dir, "text-*"))
		if len(files) != 1 || filepath.Base(files[0]) != want || len(texts) != 1 {
			t.Errorf("left %v and %v", files, texts)
		}
	}
	w.crash()
	w.serves()
}

// A process that dies between the making and the putting in place leaves files that the next start sweeps.
func TestOpen_sweepsInterruptedRebuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(30)
	next, err := w.c.beside(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer next.discard()
	if err := next.replayTo(t.Context(), memoryLog{w: w}, 10); err != nil {
		t.Fatal(err)
	}
	mkdir("verify-1")(t, w)
	w.crash()
	w.serves()
	if left, _ := filepath.Glob(filepath.Join(w.dir, "*")); len(left) > 4 { // the file, what belongs to it, and the texts
		t.Errorf("left %v", left)
	}
}

func TestRebuild_oneAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(30)
	begun, ended := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	log := &watchedLog{memoryLog: memoryLog{w: w}, reading: func(int) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}}
	go func() {
		_, err := w.c.Rebuild(t.Context(), log, nil)
		ended <- err
	}()
	<-begun
	if _, err := w.c.Verify(t.Context(), memoryLog{w: w}); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("verify: %v, want a conflict", err)
	}
	if _, err := w.c.Rebuild(t.Context(), memoryLog{w: w}, nil); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("rebuild: %v, want a conflict", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the first ended with %v", err)
	}
	w.rebuild()
	w.serves()
}

// Close ends a rebuild rather than wait for it.
func TestClose_endsRebuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grow(30)
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := w.c.Rebuild(t.Context(), waitingLog{begun: begun}, nil)
		ended <- err
	}()
	<-begun
	w.reopen()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	w.serves()
}

// waitingLog is a log that answers when the caller has given up.
type waitingLog struct {
	core.Log
	begun chan struct{}
}

func (l waitingLog) Read(ctx context.Context, _ core.Position, _ int) ([]core.Commit, error) {
	close(l.begun)
	<-ctx.Done()
	return nil, ctx.Err()
}

// Entries are compared some at a time, at the position of that time; a difference is found in whatever step it lies.
func TestVerify_inSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(2 * verifyStep)
	id := w.ids[0]
	want := &watchedLog{memoryLog: memoryLog{w: w}, reading: func(read int) error {
		if read == 1 {
			w.apply(w.publish("fiche", id, `{"title":"Anderes","slug":"anderes"}`))
		}
		return nil
	}}
	found, err := w.c.Verify(t.Context(), want)
	if err != nil || len(found.Differences) > 0 || int(found.Position) != len(w.commits) {
		t.Errorf("%+v, %v; want no difference at %d", found, err, len(w.commits))
	}
	for _, number := range []uint32{2, verifyStep, 2*verifyStep - 1} {
		w.shelf().slugs[number] = []string{"other"}
		if found, err := w.c.Verify(t.Context(), memoryLog{w: w}); err != nil || len(found.Differences) != 1 {
			t.Errorf("number %d: %+v, %v; want one difference", number, found, err)
		}
		delete(w.shelf().slugs, number)
	}
}

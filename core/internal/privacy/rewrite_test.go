package privacy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
)

// TestErase_interrupted has the store fail in the middle: nothing is lost, and the next start finishes it.
func TestErase_interrupted(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.person()
	w.log.redactions = 2
	_, err := w.privacy.Erase(t.Context(), core.System, core.Erasure{Reason: "On request", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID}}})
	if got, _ := core.AsError(err); got == nil || got.Code != core.CodeUnavailable || got.Reason != "unfinished" {
		t.Fatalf("got %v", err)
	}
	if len(w.names(traces...)) == 0 {
		t.Fatal("nothing is left to do: the test sees nothing")
	}
	if len(w.audit.events) != 1 || w.audit.events[0].Event != core.AuditErasure || w.audit.events[0].Count != 1 {
		t.Errorf("nobody is told who began it: %s", text(w.audit.events))
	}
	if report, err := log.Verify(t.Context(), w.log, nil); err != nil || !report.OK() || report.Redacted == 0 {
		t.Errorf("the log, half-way: %+v, %v", report, err)
	}
	w.log.redactions = -1
	if err := w.service(compiled()).Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if files := w.names(traces...); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	w.verify()
	at := w.keeper.Position()
	if err := errors.Join(w.privacy.Resume(t.Context()), w.privacy.Resume(t.Context())); err != nil || w.keeper.Position() != at {
		t.Errorf("resuming what is done: %v", err)
	}
}

// TestErase_interruptedAnywhere has the store fail after each of the steps: what is known by a value, as a remark or a field that
// the type has lost, is known again by whoever goes on, though the value may be gone already.
func TestErase_interruptedAnywhere(t *testing.T) {
	t.Parallel()
	for works := range 9 {
		w := open(t)
		e := w.create("meeting", true, `{"title": "Séance", "guests": [{"name": "Zébulonne Imaginaire"}]}`)
		w.update(e, true, `{"guests": [{"name": "Camille Exemple"}]}`)
		w.do(core.Operation{Op: core.OperationUpdate, Type: "meeting", ID: e.ID, Comment: "Zébulonne ne vient pas", Data: doc(t, `{"day": "2025-03-01"}`)})
		w.do(core.Operation{Op: core.OperationUpdate, Type: "meeting", ID: e.ID, Migrate: &core.Migrated{Published: core.Doc(`{"title":"Séance","speaker":"Zébulonne Imaginaire"}`)}})
		w.update(e, true, `{"title": "Avec Zébulonne Imaginaire", "speaker": null, "slug": "avec-zebulonne-imaginaire"}`)
		w.update(e, true, `{"title": "Séance", "slug": "seance"}`)
		w.log.redactions = works
		_, err := w.privacy.Erase(t.Context(), core.System, core.Erasure{Reason: "On request", Entries: []core.ErasureEntry{{Type: "meeting", ID: e.ID, Fields: []string{"guests"}}}})
		if err == nil && works < 5 {
			t.Fatalf("after %d redactions: nothing was interrupted", works)
		}
		w.log.redactions = -1
		if err := w.service(compiled()).Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := places(w.find("zebulonne")); !slices.Equal(got, []string{"[title] [history] 5/title"}) {
			t.Errorf("after %d redactions: still there: %q", works, got)
		}
		w.verify()
	}
}

// TestErase_guessed tries the very value that was erased against what is left in the log.
func TestErase_guessed(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.create("person", true, `{"name": "Camille Exemple", "mail": "camille@example.org", "phone": "+33 6 12 34 56 78"}`)
	at := w.keeper.Position()
	before, err := w.log.Read(t.Context(), at, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "person", ID: before[0].Changes[0].Entry, Fields: []string{"phone"}}}})
	after, err := w.log.Read(t.Context(), at, 1)
	if err != nil || after[0].Digests == nil {
		t.Fatalf("got %+v, %v", after, err)
	}
	guess := core.Commit{Changes: slices.Clone(before[0].Changes)}
	guess.Changes[0].Salt = after[0].Changes[0].Salt
	if err := guess.Redact(slices.Clone(after[0].Changes)); err != nil || slices.Equal(guess.Digests, after[0].Digests) {
		t.Errorf("what was erased can be guessed at (%v)", err)
	}
	w.verify()
}

// TestErase_restored has an editor bring an earlier version back while its past is being rewritten.
func TestErase_restored(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.person()
	restore := func() error {
		_, err := w.content.Write(t.Context(), core.System, []core.Operation{{Op: core.OperationRestore, Type: "person", ID: e.ID, Rev: 1}}, core.WriteOptions{})
		return err
	}
	w.log.meanwhile = func() {
		if err := restore(); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("meanwhile: %v", err)
		}
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "person", ID: e.ID}}})
	if files := w.names(traces...); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	other := w.create("person", true, `{"name": "Camille Exemple", "mail": "camille@example.org"}`)
	w.update(other, true, `{"name": "C. Exemple"}`)
	if e = other; restore() != nil || !strings.Contains(string(w.stored(other).Latest()), "Camille Exemple") {
		t.Error("afterwards nothing can be brought back")
	}
	w.verify()
}

// TestErase_twoNodes has two nodes erase at once, each one of two people who came with the same commit.
func TestErase_twoNodes(t *testing.T) {
	t.Parallel()
	w := open(t)
	people := []core.Operation{{Op: core.OperationCreate, Type: "person", Data: doc(t, `{"name": "Camille Exemple", "mail": "camille@example.org"}`)},
		{Op: core.OperationCreate, Type: "person", Data: doc(t, `{"name": "Zébulonne Imaginaire", "mail": "zebulonne@imaginaire.example"}`)}}
	r, err := w.content.Write(t.Context(), core.System, people, core.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	other := w.service(compiled())
	w.log.meanwhile = func() {
		_, err := other.Erase(t.Context(), core.System, core.Erasure{Reason: "On request", Entries: []core.ErasureEntry{{Type: "person", ID: r.Items[1].ID}}})
		if err != nil {
			t.Error(err)
		}
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "person", ID: r.Items[0].ID}}})
	if files := w.names(append(traces, "Camille")...); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	w.verify()
}

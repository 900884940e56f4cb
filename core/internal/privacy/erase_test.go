package privacy_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
)

// traces are the byte sequences by which the person of these tests could still be known.
var traces = []string{"Zébulonne", "Zebulonne", "zebulonne", "zébulonne", "Imaginaire", "imaginaire", `Z\u00e9bulonne`, "+33 6 12", "612345678"}

// person writes somebody in several versions, states, languages and addresses.
func (w *world) person() *core.Entry {
	w.t.Helper()
	e := w.create("person", true, `{"name": "Zébulonne Imaginaire", "mail": "zebulonne@imaginaire.example", "phone": "+33 6 12 34 56 78", "bio": "Née Imaginaire.", "active": true}`)
	w.do(core.Operation{Op: core.OperationUpdate, Type: "person", ID: e.ID, Locale: "en", Data: doc(w.t, `{"bio": "Zébulonne was born."}`), Publish: true})
	w.update(e, true, `{"slug": "z-imaginaire", "name": "Z. Imaginaire-Dupuis"}`)
	return w.do(core.Operation{Op: core.OperationUpdate, Type: "person", ID: e.ID, Comment: "Zébulonne Imaginaire a rappelé", Data: doc(w.t, `{"name": "Zébulonne Imaginaire"}`)})
}

func (w *world) verify() {
	w.t.Helper()
	if report, err := log.Verify(context.Background(), w.log, nil); err != nil || !report.OK() {
		w.t.Errorf("the log: %+v, %v", report, err)
	}
	if v, err := w.keeper.Verify(context.Background()); err != nil || len(v.Differences) > 0 {
		w.t.Errorf("the catalog: %+v, %v", v, err)
	}
}

func TestErase(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.person()
	other := w.create("meeting", true, `{"title": "Séance", "host": {"_ref": "%s", "_type": "person"}}`, e.ID)
	if len(w.names(traces...)) == 0 {
		t.Fatal("the files hold nothing of the person before: the test sees nothing")
	}
	report := w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "person", ID: e.ID}}})
	got := w.stored(e)
	want(t, got.Published, `{"name": "—", "mail": "anonyme-%s@example.invalid", "slug": "%s", "active": true}`, short(e.ID), e.ID)
	want(t, got.Draft, `{"name": "—", "mail": "anonyme-%s@example.invalid", "slug": "%s", "active": true}`, short(e.ID), e.ID)
	if len(got.Slugs) != 0 || got.Rev != e.Rev+1 || report.Commits != 4 || report.ID == "" || report.Position == 0 || len(report.Replaced) != 2 || len(report.Refused) != 0 {
		t.Errorf("entry %+v\nreport %+v", got.Meta, report)
	}
	if files := w.names(traces...); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	revisions, err := w.keeper.Revisions(t.Context(), e.ID, 0, 10)
	if err != nil || len(revisions) != 5 || revisions[0].Action != core.ActionErase || revisions[1].Comment != "" {
		t.Errorf("revisions: %+v, %v", revisions, err)
	}
	refs, _, err := w.keeper.References(t.Context(), e.ID, 10)
	if err != nil || len(refs) != 1 || refs[0].ID != other.ID {
		t.Errorf("who refers to it: %+v, %v", refs, err)
	}
	if r := w.find("Imaginaire"); len(r.Found)+len(r.Mentions) != 0 {
		t.Errorf("still found: %+v", r)
	}
	w.verify()
	record := w.stored(&core.Entry{Type: "_erasure", ID: report.ID})
	want(t, record.Latest(), `{"reason": "On request", "state": "done", "entries": [{"type": "person", "id": "%s"}], "commits": 4}`, e.ID)
	if n := len(w.audit.events); n != 2 || w.audit.events[0].Event != core.AuditErasure || strings.Contains(text(w.audit.events), "maginaire") {
		t.Errorf("audit: %+v", w.audit.events)
	}
}

func short(id core.EntryID) string { return string(id[len(id)-12:]) }

// TestErase_again checks that erasing once more changes nothing that matters, and that what came since stays.
func TestErase_again(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.person()
	r := core.Erasure{Entries: []core.ErasureEntry{{Type: "person", ID: e.ID}}}
	w.erase(r)
	before := w.stored(e)
	w.erase(r)
	after := w.stored(e)
	if string(before.Published) != string(after.Published) || string(before.Draft) != string(after.Draft) {
		t.Errorf("from %s to %s", before.Published, after.Published)
	}
	w.update(e, true, `{"name": "Dominique Exemple"}`)
	if err := w.privacy.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.stored(e); !strings.Contains(string(got.Published), "Dominique") {
		t.Errorf("what came later is gone: %s", got.Published)
	}
	w.verify()
}

// TestErase_lists takes people out of a list of groups: names are asked for and replaced, diets go.
func TestErase_lists(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("meeting", true, `{"title": "Séance", "guests": [{"name": "Zébulonne Imaginaire", "diet": "Sans sel", "role": "guest"}, {"name": "Dominique Exemple"}]}`)
	w.do(core.Operation{Op: core.OperationDelete, Type: "meeting", ID: e.ID})
	report := w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "meeting", ID: e.ID}}})
	got := w.stored(e)
	want(t, got.Published, `{"title": "Séance", "slug": "seance", "guests": [{"name": "Personne anonymisée", "role": "guest"}, {"name": "Personne anonymisée"}]}`)
	if !got.Trashed() || len(report.Replaced) != 1 || report.Replaced[0].Field != "guests.name" {
		t.Errorf("got %+v, %+v", got.Meta, report.Replaced)
	}
	if files := w.names("Zébulonne", "Dominique", "Sans sel"); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	w.verify()
}

// TestErase_fields erases one field of two, and leaves slug, former slugs and the rest alone.
func TestErase_fields(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.person()
	w.do(core.Operation{Op: core.OperationTransition, Type: "person", ID: e.ID, Transition: "publish"})
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Fields: []string{"phone"}}}})
	got := w.stored(e)
	if doc := string(got.Published); strings.Contains(doc, "phone") || !strings.Contains(doc, "Zébulonne Imaginaire") || !strings.Contains(doc, "z-imaginaire") || !slices.Equal(got.Slugs, []string{"zebulonne-imaginaire"}) {
		t.Errorf("got %s, former slugs %v", doc, got.Slugs)
	}
	if files := w.names("12 34 56 78"); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	w.verify()
}

// TestErase_slugs takes a name out of addresses that were made from a field which is not personal.
func TestErase_slugs(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("meeting", true, `{"title": "Entretien avec Zébulonne Imaginaire", "guests": [{"name": "Zébulonne Imaginaire"}]}`)
	w.update(e, true, `{"title": "Entretien", "slug": "entretien"}`)
	w.update(e, true, `{"slug": "entretien-2"}`)
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "meeting", ID: e.ID}}})
	if got := w.stored(e); !slices.Equal(got.Slugs, []string{"entretien"}) || !strings.Contains(string(got.Published), `"slug":"entretien-2"`) {
		t.Errorf("got %s, former slugs %v", got.Published, got.Slugs)
	}
	if files := w.names("zebulonne-imaginaire"); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	w.verify()
}

// TestErase_slugsSpelledOut takes out a name with letters that a slug spells out.
func TestErase_slugsSpelledOut(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("meeting", true, `{"title": "Entretien avec Bjørn Łexemple", "guests": [{"name": "Bjørn Łexemple"}]}`)
	w.update(e, true, `{"title": "Entretien", "slug": "entretien"}`)
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "meeting", ID: e.ID}}})
	if files := w.names("bjorn-lexemple"); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
}

func TestErase_purge(t *testing.T) {
	t.Parallel()
	w := open(t)
	gone, held := w.person(), w.create("person", true, `{"name": "Dominique Exemple", "mail": "dominique@example.org"}`)
	w.create("meeting", true, `{"title": "Séance", "host": {"_ref": "%s", "_type": "person"}}`, held.ID)
	report := w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "person", ID: gone.ID, Purge: true}, {Type: "person", ID: held.ID, Purge: true}}})
	if w.stored(gone) != nil || w.stored(held) == nil || len(report.Entries) != 1 || len(report.Refused) != 1 || report.Refused[0].ID != held.ID || report.Refused[0].Errors[0].Keyword != "conflict" {
		t.Errorf("got %+v", report)
	}
	if files := w.names(traces...); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	w.verify()
}

// TestErase_gone erases the past of an entry that was purged before without that, and then refuses what never was.
func TestErase_gone(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.person()
	w.do(core.Operation{Op: core.OperationPurge, Type: "person", ID: e.ID})
	found := w.find("imaginaire").Found
	if len(found) != 1 || found[0].ID != e.ID || !slices.Equal(found[0].In, []string{"history"}) {
		t.Fatalf("found %+v", found)
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "person", ID: e.ID}}})
	if files := w.names(traces...); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	w.verify()
}

// TestErase_dropped takes out what stands in fields that the type does not have any more.
func TestErase_dropped(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("meeting", true, `{"title": "Séance", "guests": [{"name": "Zébulonne Imaginaire"}]}`)
	w.do(core.Operation{Op: core.OperationUpdate, Type: "meeting", ID: e.ID, Migrate: &core.Migrated{
		Published: core.Doc(`{"title":"Séance","speaker":"Zébulonne Imaginaire","room":"B","old":{"who":["Zébulonne Imaginaire"]},"guests":[{"name":"Zébulonne Imaginaire"}]}`)}})
	w.update(e, true, `{"speaker": null, "old": null, "room": null}`)
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "meeting", ID: e.ID}}})
	if files := w.names(traces...); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	if len(w.names(`"room":"B"`)) == 0 {
		t.Error("what names nobody is gone with it")
	}
	w.verify()
}

// TestErase_nothing keeps the former addresses of an entry of a type that declares nobody.
func TestErase_nothing(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("post", true, `{"title": "Séance"}`)
	w.update(e, true, `{"slug": "autre"}`)
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "post", ID: e.ID}}})
	if got := w.stored(e); !slices.Equal(got.Slugs, []string{"seance"}) {
		t.Errorf("former slugs %v", got.Slugs)
	}
}

func TestErase_dryRun(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.person()
	at := w.keeper.Position()
	report := w.erase(core.Erasure{DryRun: true, Entries: []core.ErasureEntry{{Type: "person", ID: e.ID}}})
	if !report.DryRun || report.ID != "" || len(report.Entries) != 1 || !slices.Equal(report.Entries[0].Fields, []string{"name", "mail", "phone", "bio", "pin"}) || len(report.Replaced) != 2 {
		t.Errorf("got %+v", report)
	}
	if w.keeper.Position() != at || !strings.Contains(string(w.stored(e).Draft), "Zébulonne") {
		t.Error("a dry run has changed something")
	}
}

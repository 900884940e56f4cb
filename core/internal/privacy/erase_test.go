package privacy_test

import (
	"context"
	"errors"
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

// TestErase_remarks takes out remarks that name somebody by a first name, however short, and leaves others.
func TestErase_remarks(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("meeting", true, `{"title": "Séance", "guests": [{"name": "Zoé"}, {"name": "Zia van der Exemple"}, {"name": "12 rue des Lilas"}]}`)
	for i, remark := range []string{"Zoé ne vient pas", "Zia non plus", "Une des 12 van", "Rien à dire"} {
		w.do(core.Operation{Op: core.OperationUpdate, Type: "meeting", ID: e.ID, Comment: remark, Data: doc(t, `{"day": "2025-03-%02d"}`, i+1)})
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "meeting", ID: e.ID}}})
	if files := w.names("Zoé", "Zia"); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	if len(w.names("Une des 12 van")) == 0 || len(w.names("Rien à dire")) == 0 {
		t.Error("a remark that names nobody is gone")
	}
}

// TestErase_openMention erases what a search finds under a name that no path can hold, by the field around it.
func TestErase_openMention(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("post", false, `{"title": "x", "more": {"in": {"a.b c": {"who": "Zébulonne Imaginaire"}}, "list": [["Zébulonne Imaginaire"]], "kept": 1}}`)
	r := w.find("imaginaire")
	if got := places(r); !slices.Equal(got, []string{"[more.in more.list] [draft]"}) {
		t.Fatalf("found %q", got)
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "post", ID: e.ID, Fields: r.Mentions[0].Fields}}})
	if files := w.names(traces...); len(files) > 0 || !strings.Contains(string(w.stored(e).Latest()), `"kept":1`) {
		t.Errorf("still there: %v, left %s", files, w.stored(e).Latest())
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

// TestErase_mentions takes mentions out of the past by the fields that a search names.
func TestErase_mentions(t *testing.T) {
	t.Parallel()
	w := open(t)
	_, before, purged := w.story()
	said := w.create("post", true, `{"title": "Autre"}`)
	w.do(core.Operation{Op: core.OperationUpdate, Type: "post", ID: said.ID, Comment: "À la demande de Z. Imaginaire", Publish: true, Data: doc(t, `{"title": "Encore", "slug": "encore"}`)})
	r := core.Erasure{}
	for _, m := range w.find("imaginaire").Mentions[1:] {
		r.Entries = append(r.Entries, core.ErasureEntry{Type: m.Type, ID: m.ID, Fields: m.Fields})
	}
	w.erase(r)
	for _, m := range w.find("imaginaire").Mentions[1:] {
		t.Errorf("still mentioned: %+v", m)
	}
	if got := w.stored(said); !strings.Contains(string(got.Published), `"title":"Encore"`) || !slices.Equal(got.Slugs, []string{"autre"}) {
		t.Errorf("what names nobody is gone: %s, former slugs %v", got.Published, got.Slugs)
	}
	if got := w.stored(before); strings.Contains(string(got.Published), "quelqu") || w.stored(purged) != nil {
		t.Errorf("got %s", got.Published)
	}
	w.verify()
}

// TestErase_droppedMention erases, by its name, a field that its type has lost and that was never personal.
func TestErase_droppedMention(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("post", false, `{"title": "Séance"}`)
	w.do(core.Operation{Op: core.OperationUpdate, Type: "post", ID: e.ID, Migrate: &core.Migrated{Draft: core.Doc(`{"title":"Séance","speaker":"Zébulonne Imaginaire"}`)}})
	w.update(e, false, `{"speaker": null}`)
	r := w.find("imaginaire")
	if got := places(r); !slices.Equal(got, []string{"[speaker] [history] 2/speaker"}) || len(r.Found) > 0 {
		t.Fatalf("found %s", text(r))
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "post", ID: e.ID, Fields: r.Mentions[0].Fields}}})
	if files := w.names(traces...); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
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

func TestErase_refuses(t *testing.T) {
	t.Parallel()
	w := open(t)
	e, gone, trashed := w.person(), w.create("post", false, `{"title": "x"}`), w.create("post", false, `{"title": "y"}`)
	w.do(core.Operation{Op: core.OperationPurge, Type: "post", ID: gone.ID})
	w.do(core.Operation{Op: core.OperationDelete, Type: "post", ID: trashed.ID})
	one := []core.ErasureEntry{{Type: "person", ID: e.ID}}
	w.rights["reader"] = []core.Action{core.ActionRead, core.ActionExport}
	reader := &core.Principal{ID: "user:reader", Kind: "user", Roles: []string{"reader"}}
	for _, tc := range []struct {
		name string
		who  *core.Principal
		r    core.Erasure
		want core.Code
	}{
		{"who may not", reader, core.Erasure{Reason: "x", Entries: one}, core.CodeForbidden},
		{"no reason", core.System, core.Erasure{Reason: " ", Entries: one}, core.CodeInvalid},
		{"too long a reason", core.System, core.Erasure{Reason: strings.Repeat("é", 501), Entries: one}, core.CodeInvalid},
		{"no entries", core.System, core.Erasure{Reason: "x"}, core.CodeInvalid},
		{"too many", core.System, core.Erasure{Reason: "x", Entries: make([]core.ErasureEntry, 501)}, core.CodeInvalid},
		{"one twice", core.System, core.Erasure{Reason: "x", Entries: append(one, one...)}, core.CodeInvalid},
		{"a type that is not", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "nothing", ID: e.ID}}}, core.CodeNotFound},
		{"an entry that never was", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: core.NewID(w.now)}}}, core.CodeNotFound},
		{"no identifier", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: "zebulonne"}}}, core.CodeInvalid},
		{"a path that is none", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Fields: []string{"_i18n.en"}}}}, core.CodeInvalid},
		{"a misspelt field", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Fields: []string{"phnoe"}}}}, core.CodeInvalid},
		{"a misspelt field of what was purged", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "post", ID: gone.ID, Fields: []string{"titel"}}}}, core.CodeInvalid},
		{"a misspelt field in the trash", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "post", ID: trashed.ID, Fields: []string{"titel"}}}}, core.CodeInvalid},
		{"a misspelt remark", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "post", ID: gone.ID, Fields: []string{"_coment"}}}}, core.CodeInvalid},
		{"a purge of fields", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Purge: true, Fields: []string{"phone"}}}}, core.CodeInvalid},
		{"no fields at all", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Fields: []string{}}}}, core.CodeInvalid},
		{"the audit", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "_audit", ID: e.ID}}}, core.CodeInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at := w.keeper.Position()
			if _, err := w.privacy.Erase(t.Context(), tc.who, tc.r); core.CodeOf(err) != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if w.keeper.Position() != at {
				t.Error("something was written")
			}
		})
	}
}

// TestErase_rights keeps who may erase from what Palabre keeps for itself, but for its personal fields.
func TestErase_rights(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.rights["coordinator"] = []core.Action{core.ActionRead, core.ActionCreate}
	coordinator := &core.Principal{ID: "user:coordinator", Kind: "user", Roles: []string{"coordinator"}}
	account := w.create("_user", false, `{"name": "Camille Exemple", "email": "camille@example.org", "roles": ["reader"], "suspended": true}`)
	admin := w.create("_user", false, `{"name": "Dominique Exemple", "email": "dominique@example.org", "roles": ["administrator"]}`)
	token := w.create("_token", false, `{"name": "Site", "role": "administrator", "expiresAt": "2025-04-01T00:00:00Z", "hash": "%s"}`, strings.Repeat("0", 64))
	for _, tc := range []struct {
		name string
		e    core.ErasureEntry
		want core.Code
	}{
		{"an account's suspension", core.ErasureEntry{Type: "_user", ID: account.ID, Fields: []string{"suspended"}}, core.CodeForbidden},
		{"an account", core.ErasureEntry{Type: "_user", ID: account.ID, Purge: true}, core.CodeForbidden},
		{"an administrator", core.ErasureEntry{Type: "_user", ID: admin.ID}, core.CodeForbidden},
		{"a token's end", core.ErasureEntry{Type: "_token", ID: token.ID, Fields: []string{"expiresAt"}}, core.CodeForbidden},
		{"a token's personal fields", core.ErasureEntry{Type: "_token", ID: token.ID}, ""},
		{"an account's personal fields", core.ErasureEntry{Type: "_user", ID: account.ID}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := core.Erasure{Reason: "On request", DryRun: true, Entries: []core.ErasureEntry{tc.e}}
			if _, err := w.privacy.Erase(t.Context(), coordinator, r); core.CodeOf(err) != tc.want {
				t.Errorf("a coordinator: got %v, want %s", err, tc.want)
			}
			if _, err := w.privacy.Erase(t.Context(), core.System, r); err != nil {
				t.Errorf("the system: %v", err)
			}
		})
	}
}

// session begins a session of an account, from an address and a browser that bear a number.
func (w *world) session(user *core.Entry, number string) *core.Entry {
	w.t.Helper()
	return w.create("_session", false, `{"user": {"_ref": "%s", "_type": "_user"}, "address": "192.0.2.%s", "agent": "Browser %[2]s", "hash": "%s", "expiresAt": "2025-04-01T00:00:00Z"}`,
		user.ID, number, strings.Repeat(number, 64))
}

// An account whose person is erased is nobody's: nobody signs in to it.
func TestErase_account(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("_user", false, `{"name": "Zébulonne Imaginaire", "email": "z@example.org", "password": "hash", "roles": ["reader"]}`)
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "_user", ID: e.ID, Fields: []string{"name"}}}})
	if got := string(w.stored(e).Latest()); strings.Contains(got, "suspended") {
		t.Errorf("without its name it is %s", got)
	}
	other := w.create("_user", false, `{"name": "Camille Exemple", "email": "c@example.org", "roles": ["reader"]}`)
	over, there, kept := w.session(e, "1"), w.session(e, "2"), w.session(other, "3")
	w.do(core.Operation{Op: core.OperationPurge, Type: "_session", ID: over.ID})
	report := w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "_user", ID: e.ID}}})
	if got := string(w.stored(e).Latest()); !strings.Contains(got, `"suspended":true`) || strings.Contains(got, "password") {
		t.Errorf("erased it is %s", got)
	}
	if files := w.names("Browser 1", "Browser 2", "192.0.2.1", "192.0.2.2"); len(files) > 0 || w.stored(there) != nil || len(report.Entries) != 1 {
		t.Errorf("still there: %v, report %+v", files, report)
	}
	over = w.session(other, "4")
	w.do(core.Operation{Op: core.OperationPurge, Type: "_session", ID: over.ID})
	if w.stored(kept) == nil {
		t.Error("somebody else's session is gone")
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "_user", ID: other.ID, Purge: true}}})
	if files := w.names("Browser", "192.0.2."); len(files) > 0 || w.stored(kept) != nil {
		t.Errorf("purged, and still there: %v", files)
	}
	w.verify()
}

package privacy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

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

// TestErase_past takes mentions out of the past alone: what has been put right stays.
func TestErase_past(t *testing.T) {
	t.Parallel()
	w := open(t)
	_, before, _ := w.story()
	m := w.find("imaginaire").Mentions[1]
	now := w.stored(before)
	report := w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: m.Type, ID: m.ID, Fields: m.Fields, Past: true}}})
	got := w.stored(before)
	if string(got.Published) != string(now.Published) || got.Draft != nil || len(got.Slugs) != 0 || len(report.Replaced) != 0 || report.Commits != 3 {
		t.Errorf("got %s, former slugs %v, %+v", got.Published, got.Slugs, report)
	}
	for _, left := range w.find("imaginaire").Mentions {
		if left.ID == before.ID {
			t.Errorf("still mentioned: %+v", left)
		}
	}
	w.verify()
	want(t, w.stored(&core.Entry{Type: "_erasure", ID: report.ID}).Latest(), `{"reason": "On request", "state": "done", "commits": 3, "entries": [{"type": "post", "id": "%s", "fields": ["slug", "text", "title"], "past": true}]}`, before.ID)
}

// TestErase_pastOfAnAccount leaves an account as it is.
func TestErase_pastOfAnAccount(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("_user", false, `{"name": "Zébulonne Imaginaire", "email": "zebulonne@imaginaire.example", "password": "hash"}`)
	w.update(e, false, `{"name": "Camille Exemple", "email": "camille@example.org"}`)
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "_user", ID: e.ID, Past: true}}})
	want(t, w.stored(e).Latest(), `{"name": "Camille Exemple", "email": "camille@example.org", "password": "hash"}`)
	if files := w.names(traces...); len(files) > 0 {
		t.Errorf("still there: %v", files)
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

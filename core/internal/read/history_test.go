package read_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func decode(t *testing.T, a *core.Answer, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := reference("partner", "p")
	w.publish("partner", "p", `{"name":"P"}`)
	w.publish("fiche", "a", `{"title":"A","partner":`+p+`,"secretPartner":`+p+`}`)
	w.draft("fiche", "b", `{"title":"B","partner":`+p+`}`)
	w.publish("fiche", "c", `{"title":"C","secretPartner":`+p+`}`)
	w.publish("minutes", "m", `{"title":"M","partner":`+p+`}`)
	references := func(who *core.Principal, raw string) (*core.Answer, error) {
		return w.answer(w.References(t.Context(), who, "partner", id("p"), params(raw)))
	}
	line := func(typ, name, field, state, title string) string {
		return fmt.Sprintf(`{"type":"%s","id":"%s","field":"%s","in":["%s"],"title":"%s"}`, typ, id(name), field, state, title)
	}
	a, err := references(anonymous, "")
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, a, `{"data":[`+line("fiche", "a", "partner", "published", "A")+`],"page":{"limit":20,"next":null,"total":1}}`)
	a, _ = references(staff, "")
	wantBody(t, a, `{"data":[`+line("fiche", "a", "partner", "published", "A")+`,`+line("fiche", "a", "secretPartner", "published", "A")+`,`+line("fiche", "b", "partner", "draft", "B")+`,`+
		line("fiche", "c", "secretPartner", "published", "C")+`,`+line("minutes", "m", "partner", "published", "M")+`],"page":{"limit":20,"next":null,"total":5}}`)
	a, _ = references(staff, "limit=1&after=3")
	wantBody(t, a, `{"data":[`+line("fiche", "c", "secretPartner", "published", "C")+`],"page":{"limit":1,"next":"4","total":5}}`)
	_, err = references(staff, "after=x")
	wantCode(t, err, core.CodeBadRequest)
	_, err = w.answer(w.References(t.Context(), anonymous, "fiche", id("b"), nil))
	wantCode(t, err, core.CodeNotFound)
}

func (w *world) twoRevisions() {
	w.draft("fiche", "a", `{"title":"one","note":"canary 1","contact":{"email":"canary","name":"N"},"_i18n":{"en":{"title":"uno","note":"canary en"}}}`)
	e := w.entry("fiche", "a", `{"title":"two","note":"canary 2","contact":{"email":"canary!","name":"M"},"_i18n":{"en":{"title":"dos","note":"canary!"}}}`, "")
	e.Rev = 2
	w.m.put(core.ActionUpdate, e)
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.twoRevisions()
	revisions := func(who *core.Principal, raw string) (*core.Answer, error) {
		return w.answer(w.Revisions(t.Context(), who, "fiche", id("a"), params(raw)))
	}
	line := func(rev int, action string) string {
		return fmt.Sprintf(`{"rev":%d,"at":"2026-02-01T09:0%d:00Z","by":"user:1","action":"%s","status":"draft","published":false}`, rev, rev-1, action)
	}
	a, err := revisions(staff, "limit=1")
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, a, `{"data":[`+line(2, "update")+`],"page":{"limit":1,"next":"2"}}`)
	a, _ = revisions(staff, "limit=1&after=2")
	wantBody(t, a, `{"data":[`+line(1, "create")+`],"page":{"limit":1,"next":null}}`)
	_, err = revisions(anonymous, "")
	wantCode(t, err, core.CodeForbidden)
	_, err = w.answer(w.Revisions(t.Context(), staff, "fiche", id("zz"), nil))
	wantCode(t, err, core.CodeNotFound)
}

func TestRevision_AndDiff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.twoRevisions()
	revision := func(who *core.Principal, rev, diff int64) *core.Answer {
		a, err := w.answer(w.Revision(t.Context(), who, "fiche", id("a"), rev, diff))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if body := string(revision(staff, 1, 0).Body); !strings.Contains(body, `"_rev":1,`) || !strings.Contains(body, `"title":"one","note":"canary 1"`) {
		t.Errorf("got %s", body)
	}
	wantBody(t, revision(writer, 2, 1), `[{"op":"replace","path":"/_i18n/en/note","value":"canary!"},{"op":"replace","path":"/_i18n/en/title","value":"dos"},
		{"op":"replace","path":"/contact/name","value":"M"},{"op":"replace","path":"/note","value":"canary 2"},{"op":"replace","path":"/title","value":"two"}]`)
	wantBody(t, revision(staff, 1, 1), `[]`)
	if _, err := w.answer(w.Revision(t.Context(), staff, "fiche", id("a"), 9, 0)); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("got %v", err)
	}
	_, err := w.answer(w.Revision(t.Context(), anonymous, "fiche", id("a"), 1, 0))
	wantCode(t, err, core.CodeForbidden)
}

// The story of one fiche, told in commits.
func (w *world) story() {
	later := func(e *core.Entry, rev int64, at time.Duration) *core.Entry {
		e.Rev, e.UpdatedAt = rev, clock.Add(at)
		return e
	}
	w.draft("fiche", "a", `{"title":"1"}`)                                               // 1: created
	w.m.put(core.ActionPublish, later(w.entry("fiche", "a", "", `{"title":"1"}`), 2, 0)) // 2: published
	e := later(w.entry("fiche", "a", `{"title":"2"}`, `{"title":"1"}`), 3, 0)
	w.m.put(core.ActionUpdate, e) // 3: a draft beside
	e = later(w.entry("fiche", "a", "", `{"title":"2"}`), 4, 0)
	e.Live = &core.Live{Rev: 4, At: clock.Add(time.Hour)}
	w.m.put(core.ActionPublish, e)             // 4: published again
	w.publish("minutes", "m", `{"title":"M"}`) // 5: nobody's business
	e = later(w.entry("fiche", "a", `{"title":"2"}`, ""), 5, 0)
	at := clock
	e.PublishedAt = &at
	w.m.put(core.ActionUnpublish, e)                                                    // 6: unpublished
	w.m.put(core.ActionUpdate, later(w.entry("fiche", "a", `{"title":"3"}`, ""), 6, 0)) // 7: edited
	w.publish("partner", "p", `{"name":"P","kind":"south"}`)                            // 8
	trashed := w.entry("partner", "p", "", `{"name":"P","kind":"south"}`)
	trashed.TrashedAt = &at
	w.m.put(core.ActionDelete, later(trashed, 2, 0)) // 9: deleted
	back := later(w.entry("partner", "p", "", `{"name":"P","kind":"south"}`), 3, 0)
	w.m.put(core.ActionRestore, back)                                                                                     // 10: out of the trash
	w.m.put(core.ActionRestore, later(w.entry("partner", "p", `{"name":"O"}`, `{"name":"P","kind":"south"}`), 4, 0))      // 11: an old revision is the draft
	w.m.commit(core.Change{Type: "partner", Entry: id("p"), Op: core.OpPurge, Action: core.ActionPurge, Meta: back.Meta}) // 12: for good
}

func TestChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.story()
	changes := func(who *core.Principal, since core.Position, limit int, types ...core.TypeName) (*core.ChangePage, []string) {
		page, err := w.Changes(t.Context(), who, since, types, limit)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, l := range page.Data {
			lines = append(lines, fmt.Sprintf("%d %s %d %s", l.Position, l.Type, l.Rev, l.Operation))
		}
		return page, lines
	}
	public := []string{"2 fiche 1 publish", "4 fiche 4 update", "6 fiche 5 unpublish", "8 partner 1 publish", "9 partner 1 unpublish", "10 partner 1 publish", "12 partner 1 unpublish"}
	page, lines := changes(anonymous, 0, 0)
	if !slices.Equal(lines, public) || page.Next != 12 || !page.Last {
		t.Errorf("got %v, next %d, last %v", lines, page.Next, page.Last)
	}
	page, lines = changes(anonymous, 0, 2)
	if !slices.Equal(lines, public[:2]) || page.Next != 4 || page.Last {
		t.Errorf("got %v, next %d, last %v", lines, page.Next, page.Last)
	}
	if page, lines = changes(anonymous, 4, 10, "partner"); !slices.Equal(lines, public[3:]) || page.Next != 12 {
		t.Errorf("got %v, next %d", lines, page.Next)
	}
	if page, lines = changes(anonymous, 12, 10); len(lines) != 0 || page.Data == nil || page.Next != 12 || !page.Last {
		t.Errorf("at the end: got %v, next %d, last %v", lines, page.Next, page.Last)
	}
	_, lines = changes(staff, 0, 0)
	if want := []string{"1 fiche 1 create", "2 fiche 2 publish", "3 fiche 3 update", "4 fiche 4 publish", "5 minutes 1 publish", "6 fiche 5 unpublish", "7 fiche 6 update",
		"8 partner 1 publish", "9 partner 2 delete", "10 partner 3 restore", "11 partner 4 restore", "12 partner 3 purge"}; !slices.Equal(lines, want) {
		t.Errorf("got %v", lines)
	}
	if _, lines = changes(north, 0, 0, "partner"); lines != nil {
		t.Errorf("rows of others are told of: %v", lines)
	}
	if _, err := w.Changes(t.Context(), anonymous, 0, []core.TypeName{"minutes"}, 10); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("got %v", err)
	}
}

func TestVisibleAndSchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := func(who *core.Principal) (out []core.TypeName) {
		types, err := w.Visible(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		for _, typ := range types {
			out = append(out, typ.Name)
		}
		return out
	}
	if got := names(anonymous); !slices.Equal(got, []core.TypeName{"fiche", "partner", "person"}) {
		t.Errorf("got %v", got)
	}
	if got := names(staff); len(got) != 4 {
		t.Errorf("got %v", got)
	}
	if _, err := w.Schema(t.Context(), anonymous, "minutes"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("got %v", err)
	}
	if doc, err := w.Schema(t.Context(), staff, "minutes"); err != nil || string(doc) != `{"type":"object"}` {
		t.Errorf("got %s, %v", doc, err)
	}
}

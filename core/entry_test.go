package core_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// published is an entry with a draft beside what the public sees.
func published() *core.Entry {
	first := at(-60)
	return &core.Entry{Type: "fiche", ID: "e1", Draft: core.Doc(`{"t":2}`), Published: core.Doc(`{"t":1}`), Meta: core.Meta{
		Rev: 5, Status: core.StatusDraft, CreatedAt: at(-90), UpdatedAt: at(-1), PublishedAt: &first, Live: &core.Live{Rev: 3, At: at(-30)}}}
}

func TestEntry_View(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		entry func(*core.Entry)
		state core.State
		want  string // the document, "" for not there
		rev   int64
	}{
		{"the public sees what was published", nil, core.StatePublished, `{"t":1}`, 3},
		{"editors see the draft", nil, core.StateDraft, `{"t":2}`, 5},
		{"it is not in the trash", nil, core.StateTrash, "", 0},
		{"editors see what is published where there is no draft", func(e *core.Entry) { e.Draft = nil }, core.StateDraft, `{"t":1}`, 5},
		{"a draft alone is nothing to the public", func(e *core.Entry) { e.Published, e.Live = nil, nil }, core.StatePublished, "", 0},
		{"trash is nothing to the public", func(e *core.Entry) { e.TrashedAt = &noon }, core.StatePublished, "", 0},
		{"nor to editors", func(e *core.Entry) { e.TrashedAt = &noon }, core.StateDraft, "", 0},
		{"but to who looks there", func(e *core.Entry) { e.TrashedAt = &noon }, core.StateTrash, `{"t":2}`, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := published()
			if tc.entry != nil {
				tc.entry(e)
			}
			v, ok := e.View(tc.state)
			if ok != (tc.want != "") {
				t.Fatalf("there: %v", ok)
			}
			if ok && (string(v.Doc) != tc.want || v.Rev != tc.rev) {
				t.Errorf("got %s rev %d, want %s rev %d", v.Doc, v.Rev, tc.want, tc.rev)
			}
		})
	}
}

// Whatever happens to the draft, the public's view stays the same to the last member.
func TestEntry_View_aDraftLeavesNoTrace(t *testing.T) {
	t.Parallel()
	before, _ := published().View(core.StatePublished)
	e := published()
	e.Rev, e.Status, e.UpdatedAt, e.UpdatedBy, e.Draft = 9, "in_review", at(10), "user:2", core.Doc(`{"t":3}`)
	e.Schedule = []core.Scheduled{{Transition: "publish", Effect: core.EffectPublish, At: at(99)}}
	after, _ := e.View(core.StatePublished)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func TestEntry_At(t *testing.T) {
	t.Parallel()
	e := published()
	e.Schedule = []core.Scheduled{
		{Transition: "publish", To: core.StatusPublished, Effect: core.EffectPublish, At: at(10)},
		{Transition: "unpublish", To: core.StatusDraft, Effect: core.EffectUnpublish, At: at(20)},
	}
	for _, tc := range []struct {
		name      string
		now       time.Time
		published string
		draft     string
		left      int
	}{
		{"before", at(10).Add(-1), `{"t":1}`, `{"t":2}`, 2},
		{"published", at(10), `{"t":2}`, "", 1},
		{"expired", at(20), "", `{"t":2}`, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := e.At(tc.now)
			if string(got.Published) != tc.published || string(got.Draft) != tc.draft || len(got.Schedule) != tc.left {
				t.Errorf("published %s, draft %s, %d to come", got.Published, got.Draft, len(got.Schedule))
			}
			if got.Rev != 5 {
				t.Errorf("time alone made revision %d", got.Rev)
			}
		})
	}
	if string(e.Published) != `{"t":1}` || len(e.Schedule) != 2 {
		t.Error("the entry itself was altered")
	}
	e.TrashedAt = &noon
	if e.At(at(30)) != e || !e.NextDue().IsZero() {
		t.Error("what lies in the trash still has plans")
	}
}

// A change leads from any state to any other.
func TestChangeTo_Fold(t *testing.T) {
	t.Parallel()
	states := []*core.Entry{nil, {Draft: core.Doc(`{"t":1}`)}, {Published: core.Doc(`{"t":1}`)}, {Published: core.Doc(`{"t":2}`)}, published()}
	for _, old := range states {
		for _, next := range states[1:] {
			want := *next
			want.Type, want.ID, want.Rev = "fiche", "e1", 7
			c := core.ChangeTo(old, &want, core.ActionUpdate)
			if diff := cmp.Diff(&want, c.Fold(old)); diff != "" {
				t.Errorf("from %+v: %s", old, diff)
			}
		}
	}
	purge := core.Change{Op: core.OpPurge}
	if got := purge.Fold(published()); got != nil {
		t.Errorf("a purged entry is %+v", got)
	}
}

// Each part of a commit is in its sum, and the sum before it too.
func TestCommit_Seal(t *testing.T) {
	t.Parallel()
	sealed := func(alter func(*core.Commit), previous string) string {
		c := core.Commit{Position: 2, ID: "id", At: noon, By: "user:1", Reason: "create", Key: &core.Key{Hash: "h", Request: "r"},
			Changes: []core.Change{{Type: "fiche", Entry: "e1", Op: core.OpPut, Action: core.ActionCreate, Meta: core.Meta{Rev: 1}, Draft: core.Doc(`{"a":1}`), Published: core.Doc(`{}`), Comment: "c"}}}
		alter(&c)
		c.Seal(previous)
		if err := c.Verify(previous); err != nil {
			t.Error(err)
		}
		return c.Sum
	}
	original := sealed(func(*core.Commit) {}, "before")
	if sealed(func(*core.Commit) {}, "other") == original {
		t.Error("the sum before is not in the sum")
	}
	for name, alter := range map[string]func(*core.Commit){
		"position": func(c *core.Commit) { c.Position++ }, "id": func(c *core.Commit) { c.ID = "x" }, "time": func(c *core.Commit) { c.At = at(1) },
		"by": func(c *core.Commit) { c.By = "user:2" }, "reason": func(c *core.Commit) { c.Reason = "x" }, "key": func(c *core.Commit) { c.Key = nil },
		"request": func(c *core.Commit) { c.Key.Request = "x" }, "type": func(c *core.Commit) { c.Changes[0].Type = "x" },
		"entry": func(c *core.Commit) { c.Changes[0].Entry = "x" }, "op": func(c *core.Commit) { c.Changes[0].Op = core.OpPurge },
		"action": func(c *core.Commit) { c.Changes[0].Action = "x" }, "meta": func(c *core.Commit) { c.Changes[0].Meta.Rev = 2 },
		"draft": func(c *core.Commit) { c.Changes[0].Draft = core.Doc(`{"a":2}`) }, "comment": func(c *core.Commit) { c.Changes[0].Comment = "" },
		"from draft to published": func(c *core.Commit) { c.Changes[0].Draft, c.Changes[0].Published = core.Doc(`{"a":1}{`), core.Doc(`}`) },
		"one more change":         func(c *core.Commit) { c.Changes = append(c.Changes, core.Change{}) },
	} {
		if sealed(alter, "before") == original {
			t.Errorf("%s is not in the sum", name)
		}
	}
}

func TestFieldSet_Has(t *testing.T) {
	t.Parallel()
	all := core.FieldSet{All: true, Deny: map[string]bool{"secret": true, "seo.note": true}}
	some := core.FieldSet{Only: map[string]bool{"seo": true, "place.city": true}, Deny: map[string]bool{"seo.note": true}}
	for path, want := range map[string][2]bool{"title": {true, false}, "secret": {false, false}, "secret.deep.er": {false, false}, "seo": {true, true},
		"seo.title": {true, true}, "seo.note": {false, false}, "seo.note.x": {false, false}, "seo.notes": {true, true}, "place": {true, false}, "place.city": {true, true},
		"secrets": {true, false}, "": {true, false}} {
		if got := [2]bool{all.Has(path), some.Has(path)}; got != want {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
}

package core_test

import (
	"errors"
	"slices"
	"strings"
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

// The sums of logs that were written before commits had origins still come out.
func TestCommit_Seal_OfOld(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)
	c := core.Commit{Position: 2, ID: "01jqg7z1t0000000000000000a", At: when, By: "user:01jq", Reason: "create", Key: &core.Key{Hash: "h", Request: "r"},
		Changes: []core.Change{{Type: "fiche", Entry: "01jqg7z1t0000000000000000b", Op: core.OpPut, Action: core.ActionCreate,
			Meta: core.Meta{Rev: 1, Status: "draft", CreatedAt: when, UpdatedAt: when}, Draft: core.Doc(`{"title":"Été"}`), Comment: "c"}}}
	c.Seal("9f86d081")
	if want := "a552226e60697d9d019041b49c88fddf50186c781db1f64aed6798f07769397f"; c.Sum != want {
		t.Errorf("got %s, want %s", c.Sum, want)
	}
}

// A change's salt is in the sum, and goes with what a redaction takes; of the other changes it stays.
func TestCommit_Redact_Salt(t *testing.T) {
	t.Parallel()
	commit := func() *core.Commit {
		c := &core.Commit{Position: 2, ID: "id", At: noon, Changes: []core.Change{
			{Type: "fiche", Entry: "e1", Op: core.OpPut, Draft: core.Doc(`{"phone":"1"}`), Salt: core.NewSalt()},
			{Type: "fiche", Entry: "e2", Op: core.OpPut, Draft: core.Doc(`{}`), Salt: core.NewSalt()}}}
		c.Seal("before")
		return c
	}
	c, other := commit(), commit()
	other.Changes[0].Salt = c.Changes[0].Salt
	if err := other.Verify("before"); err == nil {
		t.Error("another salt, and nobody noticed")
	}
	next := append([]core.Change(nil), c.Changes...)
	next[0].Draft = core.Doc(`{}`)
	if err := errors.Join(c.Redact(next), c.Verify("before")); err != nil {
		t.Fatal(err)
	}
	if c.Changes[0].Salt != "" || c.Changes[1].Salt == "" || !slices.Equal(c.Redacted(), []int{0}) {
		t.Errorf("got %+v, redacted %v", c.Changes, c.Redacted())
	}
}

// Where a commit comes from is in its sum, can be forgotten, and cannot be altered, added or guessed.
func TestCommit_Origin(t *testing.T) {
	t.Parallel()
	commit := func() *core.Commit {
		c := &core.Commit{Position: 2, ID: "id", At: noon, By: "user:1", Origin: &core.Origin{Address: "192.0.2.7", Agent: "curl", Request: "r-1"}}
		c.Seal("before")
		return c
	}
	one, other := commit(), commit()
	if one.OriginSalt == other.OriginSalt || one.OriginDigest == other.OriginDigest || one.Sum == other.Sum {
		t.Error("two commits of one origin can be told to be so")
	}
	for name, tc := range map[string]struct {
		alter func(*core.Commit)
		sound bool
	}{
		"untouched":       {func(*core.Commit) {}, true},
		"forgotten":       {(*core.Commit).Forget, true},
		"sealed again":    {func(c *core.Commit) { c.Seal("before") }, true},
		"another address": {func(c *core.Commit) { c.Origin.Address = "192.0.2.8" }, false},
		"another agent":   {func(c *core.Commit) { c.Origin.Agent = "x" }, false},
		"another request": {func(c *core.Commit) { c.Origin.Request = "x" }, false},
		"another salt":    {func(c *core.Commit) { c.OriginSalt = "00" }, false},
		"no salt":         {func(c *core.Commit) { c.OriginSalt = "" }, false},
		"only a salt":     {func(c *core.Commit) { c.Origin = nil }, false},
		"another digest":  {func(c *core.Commit) { c.Forget(); c.OriginDigest = "00" }, false},
		"never there":     {func(c *core.Commit) { c.Forget(); c.OriginDigest = "" }, false},
		"another one, digest and all": {func(c *core.Commit) {
			sum := c.Sum
			c.Origin.Address = "192.0.2.8"
			c.Seal("before")
			c.Sum = sum
		}, false},
	} {
		c := commit()
		tc.alter(c)
		if err := c.Verify("before"); (err == nil) != tc.sound {
			t.Errorf("%s: got %v", name, err)
		}
	}
	plain := core.Commit{Position: 2, ID: "id", At: noon}
	plain.Seal("before")
	plain.Origin = &core.Origin{Address: "192.0.2.7"}
	if err := plain.Verify("before"); err == nil {
		t.Error("an origin was added, and nobody noticed")
	}
}

// What a request brings is not as long, nor as clean, as what is kept.
func TestWithOrigin(t *testing.T) {
	t.Parallel()
	got := core.OriginOf(core.WithOrigin(t.Context(), &core.Origin{Address: "192.0.2.7", Agent: "a\xff" + strings.Repeat("é", 200), Request: "r"}))
	if want := (core.Origin{Address: "192.0.2.7", Agent: "a" + strings.Repeat("é", 99), Request: "r"}); *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	if got := core.OriginOf(core.WithOrigin(t.Context(), nil)); got != nil {
		t.Errorf("from nowhere: got %+v", got)
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

package catalog

import (
	"slices"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func at(w *world, after time.Duration) time.Time { return w.now().Add(after) }

func publishAt(t time.Time) core.Scheduled {
	return core.Scheduled{Transition: "publish", To: core.StatusPublished, Effect: core.EffectPublish, At: t}
}

func unpublishAt(t time.Time) core.Scheduled {
	return core.Scheduled{Transition: "unpublish", To: core.StatusDraft, Effect: core.EffectUnpublish, At: t}
}

func (w *world) total(state core.State) int {
	w.t.Helper()
	p, err := w.c.Query(w.t.Context(), core.Query{Type: "fiche", State: state, Total: true, Sort: sortBy("_id"), Limit: 10})
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Total
}

func TestDue_appliesWithoutACommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.newID()
	w.apply(w.draft("fiche", id, `{"slug":"fete","title":"Fête"}`))
	start := w.now()
	w.apply(w.schedule("fiche", id, publishAt(start.Add(time.Hour)), unpublishAt(start.Add(2*time.Hour))))
	for _, tc := range []struct {
		name   string
		at     time.Duration
		public bool
		next   time.Duration
		plans  int
	}{
		{"before", time.Hour - time.Millisecond, false, time.Hour, 2},
		{"published", time.Hour, true, 2 * time.Hour, 1},
		{"expired", 2 * time.Hour, false, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := w.c.Version("fiche")
			w.mu.Lock()
			w.clock = start.Add(tc.at)
			w.mu.Unlock()
			v, err := w.c.ByID(t.Context(), "fiche", id, core.StatePublished)
			if (err == nil) != tc.public {
				t.Fatalf("got %v, %v, want public %v", v, err, tc.public)
			}
			if tc.public && (!v.UpdatedAt.Equal(start.Add(time.Hour)) || v.Status != core.StatusPublished || v.Rev != 2) {
				t.Errorf("got %+v", v)
			}
			if _, _, err := w.c.BySlug(t.Context(), "fiche", "fete", core.StatePublished); (err == nil) != tc.public {
				t.Errorf("by slug: %v", err)
			}
			if got := w.total(core.StatePublished) == 1; got != tc.public {
				t.Errorf("in the list: %v, want %v", got, tc.public)
			}
			if raised := w.c.Version("fiche") > before; raised != (tc.name != "before") {
				t.Errorf("the version rose: %v", raised)
			}
			want := start.Add(tc.next)
			if tc.next == 0 {
				want = time.Time{}
			}
			if got := w.c.NextDue("fiche"); !got.Equal(want) {
				t.Errorf("next due %v, want %v", got, want)
			}
			p, _ := w.c.Query(t.Context(), core.Query{Type: "fiche", State: core.StateDraft, Sort: sortBy("_id"), Limit: 1})
			if !p.Until.Equal(want) || len(p.Views[0].Schedule) != tc.plans {
				t.Errorf("until %v with %d plans, want %v with %d", p.Until, len(p.Views[0].Schedule), want, tc.plans)
			}
			e, err := w.c.Entry(t.Context(), "fiche", id)
			if err != nil || e.Rev != 2 || len(e.Schedule) != 2 || e.Published != nil {
				t.Errorf("the log's entry became %+v, %v", e, err)
			}
		})
	}
	if due := w.c.NextDue("partner"); !due.IsZero() {
		t.Errorf("another type is due at %v", due)
	}
}

func TestDue_holdsAfterAStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.newID()
	w.apply(w.publish("fiche", id, `{"slug":"a"}`))
	w.apply(w.schedule("fiche", id, unpublishAt(at(w, time.Hour))))
	w.pass(2 * time.Hour)
	w.reopen()
	if w.total(core.StatePublished) != 0 || w.total(core.StateDraft) != 1 {
		t.Error("what expired while the node was down is published")
	}
	w.verify()
	old, next := w.next("fiche", id)
	due := *next.At(w.now())
	w.apply(core.ChangeTo(old, &due, core.ActionUnpublish))
	w.verify()
}

func TestDue_aChangedPlanIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.newID(), w.newID()
	w.apply(w.publish("fiche", id, `{"slug":"a"}`), w.publish("fiche", other, `{"slug":"b"}`))
	w.apply(w.schedule("fiche", id, unpublishAt(at(w, time.Hour))), w.schedule("fiche", other, unpublishAt(at(w, 3*time.Hour))))
	w.apply(w.schedule("fiche", id))
	if got, want := w.c.NextDue(), at(w, 3*time.Hour); !got.Equal(want) {
		t.Errorf("next due %v, want %v", got, want)
	}
	w.apply(w.trash("fiche", other))
	if got := w.c.NextDue(); !got.IsZero() {
		t.Errorf("an entry in the trash is due at %v", got)
	}
	w.pass(5 * time.Hour)
	if w.total(core.StatePublished) != 1 {
		t.Error("a plan that was given up was carried out")
	}
}

func TestPlanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := []core.EntryID{w.newID(), w.newID(), w.newID(), w.newID()}
	for i, id := range ids {
		w.apply(w.draft("fiche", id, `{"slug":"`+string(id)+`"}`))
		if i > 0 {
			w.apply(w.schedule("fiche", id, publishAt(at(w, time.Duration(10-i)*time.Hour))))
		}
	}
	w.apply(w.trash("fiche", ids[2]))
	w.pass(8 * time.Hour)
	w.total(core.StatePublished)
	var got []core.EntryID
	if err := w.c.Planned(t.Context(), func(e *core.Entry) error { got = append(got, e.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := []core.EntryID{ids[3], ids[1]}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v, the first due first, due ones too", got, want)
	}
}

// What is planned and changes nothing in public does not show in how long public answers live: two worlds that differ in
// nothing else agree.
func TestDue_editorialPlansLeaveNoTraceInPublic(t *testing.T) {
	t.Parallel()
	submitAt := func(at time.Time) core.Scheduled {
		return core.Scheduled{Transition: "submit", To: "in_review", At: at}
	}
	for _, tc := range []struct {
		name   string
		live   bool
		plan   func(hour func(int) time.Time) []core.Scheduled
		public int // hours; 0 for never
	}{
		{"nothing", true, func(func(int) time.Time) []core.Scheduled { return nil }, 0},
		{"a submission", true, func(h func(int) time.Time) []core.Scheduled { return []core.Scheduled{submitAt(h(1))} }, 0},
		{"the expiry of a draft", false, func(h func(int) time.Time) []core.Scheduled { return []core.Scheduled{unpublishAt(h(1))} }, 0},
		{"an expiry", true, func(h func(int) time.Time) []core.Scheduled {
			return []core.Scheduled{submitAt(h(1)), unpublishAt(h(2))}
		}, 2},
		{"a second expiry", true, func(h func(int) time.Time) []core.Scheduled {
			return []core.Scheduled{unpublishAt(h(2)), unpublishAt(h(3))}
		}, 2},
		{"a publication", false, func(h func(int) time.Time) []core.Scheduled { return []core.Scheduled{submitAt(h(1)), publishAt(h(3))} }, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			start := w.now()
			hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
			id := w.newID()
			w.apply(w.draft("fiche", id, `{"slug":"a"}`))
			if tc.live {
				w.apply(w.publish("fiche", id, `{"slug":"a"}`))
			}
			plan := tc.plan(hour)
			w.apply(w.schedule("fiche", id, plan...))
			var want time.Time
			if tc.public > 0 {
				want = hour(tc.public)
			}
			w.wantUntil(core.StatePublished, want)
			if len(plan) > 0 {
				w.wantUntil(core.StateDraft, plan[0].At)
			}
			w.pass(90 * time.Minute)
			w.total(core.StatePublished)
			w.wantUntil(core.StatePublished, want)
			w.pass(90 * time.Minute)
			w.total(core.StatePublished)
			w.wantUntil(core.StatePublished, time.Time{})
		})
	}
}

// wantUntil asks how long an answer lives.
func (w *world) wantUntil(state core.State, want time.Time) {
	w.t.Helper()
	p, err := w.c.Query(w.t.Context(), core.Query{Type: "fiche", State: state, Sort: sortBy("_id"), Limit: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	if !p.Until.Equal(want) {
		w.t.Errorf("%s: until %v, want %v", state, p.Until, want)
	}
	due := w.c.NextDue("fiche")
	if state == core.StatePublished {
		due = w.c.NextPublicDue("fiche")
	}
	if !due.Equal(want) {
		w.t.Errorf("%s: next due %v, want %v", state, due, want)
	}
}

// An answer lives as long as the types that it looks into let it, and no others.
func TestDue_ofTheTypesThatAreJoined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	partner, person := w.newID(), w.newID()
	w.apply(w.publish("fiche", w.newID(), `{"slug":"a"}`), w.publish("partner", partner, `{"name":"P"}`), w.publish("person", person, `{"name":"H"}`))
	w.apply(w.schedule("partner", partner, unpublishAt(at(w, 2*time.Hour))), w.schedule("person", person, unpublishAt(at(w, time.Hour))))
	for _, tc := range []struct {
		name string
		path core.Path
		want time.Duration
	}{
		{"its own", core.Path{Field: "slug"}, 0},
		{"a reference itself", core.Path{Field: "partner"}, 0},
		{"one hop", core.Path{Via: []string{"partner"}, Field: "name"}, 2 * time.Hour},
		{"one hop to two types", core.Path{Via: []string{"partners"}, Field: "name"}, time.Hour},
		{"of the two only one may be seen", core.Path{Via: []string{"partners"}, Field: "name", Steps: []core.Step{{"partner": nil}}}, 2 * time.Hour},
	} {
		p, err := w.c.Query(t.Context(), core.Query{Type: "fiche", State: core.StatePublished, Sort: sortBy("_id"), Limit: 1,
			Where: core.Not{Node: core.Compare{Path: tc.path, Op: core.OpEq, Values: []any{"x"}}}})
		if err != nil {
			t.Fatal(err)
		}
		var want time.Time
		if tc.want > 0 {
			want = w.now().Add(tc.want)
		}
		if !p.Until.Equal(want) {
			t.Errorf("%s: until %v, want %v", tc.name, p.Until, want)
		}
	}
}

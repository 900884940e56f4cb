package content_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

func (n *node) plan(e *core.Entry, transition string, at time.Time) *core.Entry {
	n.t.Helper()
	return n.do(core.Operation{Op: core.OperationTransition, Type: e.Type, ID: e.ID, Transition: transition, At: &at}).Entry
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.create("fiche", `{"title": "A"}`)
	soon, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	past := time.Now().Add(-time.Minute)
	n.refused(core.CodeInvalid, admin, core.Operation{Op: core.OperationTransition, Type: "fiche", ID: e.ID, Transition: "publish", At: &past})
	n.plan(e, "unpublish", late) // it would change nothing, since nothing is published by then
	if got := n.plan(e, "publish", late); len(got.Schedule) != 1 || got.Status != core.StatusDraft || got.Rev != 2 {
		t.Errorf("scheduled: %+v", got.Meta)
	}
	n.plan(e, "publish", soon)
	got := n.plan(e, "unpublish", late)
	if len(got.Schedule) != 2 || got.Schedule[0].Effect != core.EffectPublish || got.Schedule[1].At.Before(got.Schedule[0].At) || got.Schedule[0].By != "user:admin" {
		t.Errorf("publish and unpublish: %+v", got.Schedule)
	}
	for _, now := range []core.Operation{{Op: core.OperationTransition, Transition: "unschedule"}, {Op: core.OperationTransition, Transition: "restore"}, {Op: core.OperationDelete}} {
		now.Type, now.ID, now.At = "fiche", e.ID, &late
		n.refused(core.CodeInvalid, admin, now) // it cannot be put off, so it must not be done at once
	}
	if edited := n.update(e, `{"title": "B"}`); len(edited.Schedule) != 2 {
		t.Error("an edit lost the schedule")
	}
	if live := n.transition(e, "publish"); len(live.Schedule) != 1 || live.Schedule[0].Transition != "unpublish" {
		t.Errorf("published before its time: %+v", live.Schedule)
	}
	if off := n.transition(e, "unschedule"); len(off.Schedule) != 0 || off.Published == nil {
		t.Errorf("unscheduled: %+v", off)
	}
	n.plan(e, "unpublish", late)
	if gone := n.remove(e); len(gone.Schedule) != 0 {
		t.Error("what is in the trash is still scheduled")
	}
}

// TestSchedule_sentBack sends a post back whose publication is planned: it must not go out unseen.
func TestSchedule_sentBack(t *testing.T) {
	t.Parallel()
	n := start(t)
	soon, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	e := n.create("post", `{"title": "A"}`)
	n.transition(e, "submit")
	n.plan(e, "publish", soon)
	if got := n.transition(e, "approve"); len(got.Schedule) != 1 {
		t.Errorf("a step forward took the publication off: %+v", got.Schedule)
	}
	n.plan(e, "unpublish", late)
	if got := n.transition(e, "reject"); len(got.Schedule) != 1 || got.Schedule[0].Transition != "unpublish" {
		t.Errorf("sent back, it is still to be published: %+v", got.Schedule)
	}
	n.transition(e, "publish")
	n.plan(e, "publish", soon)
	n.update(e, `{"title": "B"}`)
	n.plan(e, "publish", soon)
	if got := n.transition(e, "unpublish"); len(got.Schedule) != 1 || got.Schedule[0].Transition != "publish" {
		t.Errorf("taken down until a time: %+v", got.Schedule)
	}
}

func TestSchedule_onceOnTwoNodes(t *testing.T) {
	t.Parallel()
	l := openLog(t)
	nodes := []*node{startOn(t, l), startOn(t, l)}
	n := nodes[0]
	e := n.create("fiche", `{"title": "A"}`)
	at := time.Now().Add(300 * time.Millisecond)
	n.plan(e, "publish", at)
	n.plan(e, "unpublish", at.Add(100*time.Millisecond))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for at := core.Position(4); at <= 5; at++ {
		for _, n := range nodes {
			if err := n.catalog.Wait(ctx, at); err != nil {
				t.Fatal("what was due was not recorded")
			}
		}
	}
	got := nodes[1].stored(e)
	if got.Rev != 5 || got.Published != nil || got.Status != core.StatusDraft || !got.PublishedAt.Equal(at.UTC().Truncate(time.Millisecond)) || len(got.Schedule) != 0 {
		t.Errorf("after its schedule: %+v", got)
	}
	published, err := n.Revision(ctx, "fiche", e.ID, 4)
	if err != nil || published.Live == nil || published.Live.Rev != 4 || !published.Live.At.Equal(at.UTC().Truncate(time.Millisecond)) {
		t.Errorf("when it was published: %+v, %v", published, err)
	}
	n.create("fiche", `{"title": "B"}`)
	caughtUp(t, nodes...)
	history, err := n.catalog.Revisions(ctx, e.ID, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var actions []core.Action
	for _, r := range history {
		actions = append(actions, r.Action)
	}
	if want := []core.Action{"unpublish", "publish", "schedule", "schedule", "create"}; !slices.Equal(actions, want) {
		t.Errorf("the history is %v, want %v", actions, want)
	}
	if p := n.catalog.Position(); p != 6 {
		t.Errorf("%d commits: a transition was recorded twice", p)
	}
}

// What was due while no node was running is recorded at the start, on a catalog that knew of it and on one that has to
// fold the log first. Until then an edit works on the state that readers see.
func TestSchedule_dueWhileAway(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		catalog func(t *testing.T, before *node) core.Catalog
	}{
		{"same catalog", func(_ *testing.T, before *node) core.Catalog { return before.catalog.Catalog }},
		{"new catalog", func(t *testing.T, _ *node) core.Catalog { return openCatalog(t) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var later atomic.Int64
			l := openLogWith(t, sqlitelog.Options{Sync: sqlite.SyncOff, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
			n := startOn(t, l)
			e := n.create("fiche", `{"title": "A"}`)
			n.plan(e, "publish", time.Now().Add(time.Hour))
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			later.Store(int64(2 * time.Hour))
			again := startWith(t, l, tc.catalog(t, n))
			edited := again.update(e, `{"title": "B"}`)
			want(t, edited.Published, `{"title": "A", "slug": "a", "region": "44"}`)
			want(t, edited.Draft, `{"title": "B", "slug": "a", "region": "44"}`)
			if edited.Rev != 4 {
				t.Errorf("revision %d after a publication and an edit", edited.Rev)
			}
		})
	}
}

// Nobody needs to touch the entry for that.
func TestSchedule_recordedAtStart(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	l := openLogWith(t, sqlitelog.Options{Sync: sqlite.SyncOff, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	n := startOn(t, l)
	n.plan(n.create("fiche", `{"title": "A"}`), "publish", time.Now().Add(time.Hour))
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	later.Store(int64(2 * time.Hour))
	again := startWith(t, l, n.catalog.Catalog)
	eventually(t, "what was due is recorded", func() bool { return again.catalog.Position() == 3 })
}

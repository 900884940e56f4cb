package content_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// together runs f n times at once and gives the errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = f(i) })
	}
	group.Wait()
	return errs
}

func count(errs []error, code core.Code) (n int) {
	for _, err := range errs {
		if core.CodeOf(err) == code {
			n++
		}
	}
	return n
}

// caughtUp waits until two nodes have applied the same commits.
func caughtUp(t testing.TB, nodes ...*node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	last, err := nodes[0].log.Last(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if err := n.catalog.Wait(ctx, last); err != nil {
			t.Fatal("a node does not follow the log")
		}
	}
}

func TestWrite_incrementsWithIfMatch(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.create("fiche", `{"title": "Counter", "count": 0}`)
	errs := together(100, func(int) error {
		for {
			now := n.stored(e)
			var have int
			fmt.Sscan(fmt.Sprint(object(now.Latest())["count"]), &have)
			_, err := n.write(admin, core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, IfMatch: now.Rev, Data: doc(t, `{"count": %d}`, have+1)})
			if core.CodeOf(err) != core.CodeStale {
				return err
			}
		}
	})
	if got := count(errs, ""); got != 100 {
		t.Errorf("%d of 100 succeeded: %v", got, errs)
	}
	want(t, n.stored(e).Draft, `{"title": "Counter", "slug": "counter", "region": "44", "count": 100}`)
}

func TestWrite_editsOfOneEntryAtOnce(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.create("fiche", `{"title": "Busy"}`)
	errs := together(60, func(i int) error {
		_, err := n.write(admin, core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, `{"count": %d}`, i)})
		return err
	})
	if got := count(errs, ""); got != 60 {
		t.Errorf("%d of 60 succeeded: %v", got, errs)
	}
	if got := n.stored(e).Rev; got != 61 {
		t.Errorf("revision %d", got)
	}
}

func TestWrite_idempotencyKey(t *testing.T) {
	t.Parallel()
	n := start(t)
	post := func(who *core.Principal, key core.Key) (*core.Result, error) {
		op := core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "Once"}`)}
		return n.Write(context.Background(), who, []core.Operation{op}, core.WriteOptions{Key: &key})
	}
	key := core.Key{Hash: "k", Request: "r"}
	var mu sync.Mutex
	ids, replayed := map[core.EntryID]bool{}, 0
	errs := together(50, func(int) error {
		r, err := post(admin, key)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		ids[r.Items[0].ID] = true
		if r.Replayed {
			replayed++
		}
		return nil
	})
	if count(errs, "") != 50 || len(ids) != 1 || replayed != 49 {
		t.Errorf("%d entries, %d replays, %v", len(ids), replayed, errs)
	}
	_, err := post(admin, core.Key{Hash: "k", Request: "other"})
	if e, _ := core.AsError(err); e == nil || e.Code != core.CodeInvalid || e.Reason != "key_reused" {
		t.Errorf("another request under the key: %v", err)
	}
	first, err := post(admin, key)
	if err != nil {
		t.Fatal(err)
	}
	n.update(first.Items[0].Entry, `{"title": "Changed since"}`)
	again, err := post(admin, key)
	if err != nil || again.Items[0].Entry.Rev != 1 || !again.Items[0].Created {
		t.Errorf("replayed after a change: %+v, %v", again, err)
	}
}

func TestWrite_replaysABatch(t *testing.T) {
	t.Parallel()
	n := start(t)
	old, gone := n.createLive("fiche", `{"title": "Old"}`), n.create("fiche", `{"title": "Gone"}`)
	id := core.NewID(time.Now())
	ops := []core.Operation{
		{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "New"}`)},
		{Op: core.OperationCreate, Type: "fiche", ID: id, Data: doc(t, `{"title": "Named"}`)},
		{Op: core.OperationTransition, Type: "fiche", ID: id, Transition: "publish"},
		{Op: core.OperationUpdate, Type: "fiche", ID: old.ID, Data: doc(t, `{"title": "Changed"}`)},
		{Op: core.OperationUpdate, Type: "fiche", ID: old.ID, Data: doc(t, `{"title": "Changed"}`)},
		{Op: core.OperationUpsert, Type: "fiche", Match: "code", Data: doc(t, `{"title": "Up", "code": "1"}`)},
		{Op: core.OperationDelete, Type: "fiche", ID: gone.ID},
		{Op: core.OperationPurge, Type: "fiche", ID: gone.ID},
	}
	o := core.WriteOptions{Key: &core.Key{Hash: "k", Request: "r"}}
	first, err := n.Write(context.Background(), admin, ops, o)
	if err != nil {
		t.Fatal(err)
	}
	n.remove(old)
	again, err := n.Write(context.Background(), admin, ops, o)
	if err != nil || !again.Replayed || again.Position != first.Position {
		t.Fatalf("%+v, %v", again, err)
	}
	for i := range ops {
		a, b := first.Items[i], again.Items[i]
		if a.ID != b.ID && ops[i].ID == "" || a.Created != b.Created || a.Changed != b.Changed {
			t.Errorf("operation %d: %+v, then %+v", i, a, b)
		}
		if a.Changed && a.Entry != nil && b.Entry != nil && (a.Entry.Rev != b.Entry.Rev || string(a.Entry.Latest()) != string(b.Entry.Latest()) || !a.Entry.UpdatedAt.Equal(b.Entry.UpdatedAt)) {
			t.Errorf("operation %d: %+v, then %+v", i, a.Entry, b.Entry)
		}
	}
}

func TestWrite_twoNodes(t *testing.T) {
	t.Parallel()
	l := openLog(t)
	nodes := []*node{startOn(t, l), startOn(t, l)}
	for round := range 20 {
		errs := together(8, func(i int) error {
			_, err := nodes[i%2].write(admin, core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "T", "code": "%d"}`, round)})
			return err
		})
		if count(errs, "") != 1 || count(errs, core.CodeConflict) != 7 {
			t.Fatalf("round %d: %v", round, errs)
		}
	}
	caughtUp(t, nodes...)
	if a, b := nodes[0].catalog.Sum(), nodes[1].catalog.Sum(); a != b || a == "" {
		t.Error("the nodes have different histories")
	}
	slugs := map[string]bool{}
	for _, e := range nodes[1].catalog.all() {
		slugs[object(e.Draft)["slug"].(string)] = true
	}
	if len(slugs) != 20 {
		t.Errorf("20 entries of one title have %d slugs", len(slugs))
	}
}

func TestWrite_referenceAndDeletionAtOnce(t *testing.T) {
	t.Parallel()
	l := openLog(t)
	nodes := []*node{startOn(t, l), startOn(t, l)}
	for round := range 20 {
		p := nodes[0].create("partner", `{"name": "P%d"}`, round)
		caughtUp(t, nodes...)
		errs := together(2, func(i int) error {
			op := core.Operation{Op: core.OperationDelete, Type: "partner", ID: p.ID}
			if i == 1 {
				op = core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "F", "partner": {"_ref": "%s", "_type": "partner"}}`, p.ID)}
			}
			_, err := nodes[i].write(admin, op)
			return err
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: deletion %v, reference %v", round, errs[0], errs[1])
		}
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	l := openLog(t)
	a, b := startOn(t, l), startOn(t, l)
	heard := make(chan core.Position, 10)
	cancel := b.Subscribe(func(p core.Position) { heard <- p })
	a.create("fiche", `{"title": "A"}`)
	if p := <-heard; p != 1 {
		t.Errorf("heard %d", p)
	}
	cancel()
	a.create("fiche", `{"title": "B"}`)
	caughtUp(t, a, b)
	if len(heard) != 0 {
		t.Error("heard after cancel")
	}
}

func TestWrite_honoursContext(t *testing.T) {
	t.Parallel()
	n := prepareWith(t, openLog(t), openCatalog(t)) // not started: nobody will take the proposal
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := n.Write(ctx, admin, []core.Operation{{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "A"}`)}}, core.WriteOptions{})
	if err == nil {
		t.Error("a cancelled write succeeded")
	}
	if err := n.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if e := n.create("fiche", `{"title": "B"}`); n.catalog.Position() != 1 || e.Rev != 1 {
		t.Error("what was withdrawn has been written")
	}
}

func TestClose_endsWaiting(t *testing.T) {
	t.Parallel()
	n := start(t)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := n.write(admin, core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "A"}`)})
	if core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("a write after Close: %v", err)
	}
}

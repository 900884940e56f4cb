package content_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// fault is what goes wrong with one call of the store.
type fault string

const (
	refusing fault = "refused"             // nothing was done, and the store says that it is away
	losing   fault = "lost before"         // nothing was done, and nobody knows
	muting   fault = "lost after"          // it was done, and nobody knows
	delaying fault = "done while repeated" // it is done later, between two other calls
)

// faultyLog is a log of which some calls go wrong.
type faultyLog struct {
	core.Log
	mu    sync.Mutex
	calls int
	wrong func(call int) fault
	late  []core.Commit
}

func (l *faultyLog) next() fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.wrong == nil {
		return ""
	}
	return l.wrong(l.calls)
}

func (l *faultyLog) set(wrong func(call int) fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong, l.calls = wrong, 0
}

var errAway = core.Errorf(core.CodeUnavailable, "The store is away.")

func (l *faultyLog) Now(ctx context.Context) (time.Time, error) {
	if l.next() != "" {
		return time.Time{}, errAway
	}
	return l.Log.Now(ctx)
}

func (l *faultyLog) Read(ctx context.Context, from core.Position, limit int) ([]core.Commit, error) {
	if l.next() != "" {
		return nil, errAway
	}
	return l.Log.Read(ctx, from, limit)
}

func (l *faultyLog) Wait(ctx context.Context, after core.Position) error {
	if l.next() != "" {
		return errAway
	}
	return l.Log.Wait(ctx, after)
}

func (l *faultyLog) Append(ctx context.Context, commits []core.Commit) (int, error) {
	what := l.next()
	l.land(ctx)
	switch what {
	case refusing:
		return 0, errAway
	case losing:
		return 0, core.ErrUnknownOutcome
	case muting:
		if _, err := l.Log.Append(ctx, commits); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("connection reset: %w", core.ErrUnknownOutcome)
	case delaying:
		l.mu.Lock()
		l.late = append([]core.Commit(nil), commits...)
		l.mu.Unlock()
		return 0, core.ErrUnknownOutcome
	}
	return l.Log.Append(ctx, commits)
}

// land has an append that was thought lost arrive.
func (l *faultyLog) land(ctx context.Context) {
	l.mu.Lock()
	late := l.late
	l.late = nil
	l.mu.Unlock()
	if late != nil {
		_, _ = l.Log.Append(ctx, late) // where its place is taken, it is lost for good
	}
}

// TestFaults_nthCall lets the n-th call of the store go wrong, for each n and each way, while several write. What was
// acknowledged must be there once, and what was refused must not be there.
func TestFaults_nthCall(t *testing.T) {
	t.Parallel()
	for _, kind := range []fault{refusing, losing, muting, delaying} {
		for first := 1; first <= 12; first++ {
			t.Run(fmt.Sprintf("%s, call %d", kind, first), func(t *testing.T) {
				t.Parallel()
				l := &faultyLog{Log: openLog(t)}
				n := startPlain(t, l)
				l.set(func(call int) fault {
					if call == first || call == first+3 {
						return kind
					}
					return ""
				})
				checkWrites(t, n, 12)
			})
		}
	}
}

// checkWrites makes writes until each is acknowledged and checks the invariants. Each request has a key, so that it may
// be repeated.
func checkWrites(t *testing.T, n *node, writes int) {
	t.Helper()
	acknowledged := make([]core.EntryID, writes)
	together(writes, func(i int) error {
		for {
			r, err := n.Write(context.Background(), admin, []core.Operation{{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "T", "code": "%d"}`, i)}},
				core.WriteOptions{Key: &core.Key{Hash: fmt.Sprint("key", i), Request: "r"}})
			if err == nil {
				acknowledged[i] = r.Items[0].ID
				return nil
			}
			if core.CodeOf(err) != core.CodeUnavailable {
				t.Errorf("write %d: %v", i, err)
				return err
			}
		}
	})
	checkHistory(t, n)
	byCode := map[string]core.EntryID{}
	for _, e := range n.catalog.all() {
		code := object(e.Draft)["code"].(string)
		if byCode[code] != "" {
			t.Errorf("code %s is there twice", code)
		}
		byCode[code] = e.ID
	}
	for i, id := range acknowledged {
		if id == "" || byCode[fmt.Sprint(i)] != id {
			t.Errorf("write %d was acknowledged as %s, and %s is there", i, id, byCode[fmt.Sprint(i)])
		}
	}
}

// checkHistory checks that the log is a chain without gaps in which no commit is twice, and that revisions count up.
func checkHistory(t *testing.T, n *node) {
	t.Helper()
	caughtUp(t, n)
	log := n.log
	if faulty, ok := log.(*faultyLog); ok {
		log = faulty.Log
	}
	sum, ids, revs := "", map[string]bool{}, map[core.EntryID]int64{}
	for at := core.Position(1); ; at++ {
		commits, err := log.Read(context.Background(), at, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(commits) == 0 {
			return
		}
		c := &commits[0]
		if err := c.Verify(sum); err != nil {
			t.Error(err)
		}
		if ids[c.ID] {
			t.Errorf("commit %s is there twice", c.ID)
		}
		ids[c.ID], sum = true, c.Sum
		for _, ch := range c.Changes {
			if ch.Meta.Rev != revs[ch.Entry]+1 {
				t.Errorf("entry %s goes from revision %d to %d", ch.Entry, revs[ch.Entry], ch.Meta.Rev)
			}
			revs[ch.Entry] = ch.Meta.Rev
		}
	}
}

// TestFaults_twoNodes mixes faults and two writing nodes.
func TestFaults_twoNodes(t *testing.T) {
	t.Parallel()
	shared := openLog(t)
	kinds := []fault{refusing, losing, muting, delaying}
	var nodes []*node
	for range 2 {
		l := &faultyLog{Log: shared}
		n := startOn(t, l)
		l.set(func(call int) fault {
			if call%7 == 3 {
				return kinds[call/7%len(kinds)]
			}
			return ""
		})
		nodes = append(nodes, n)
	}
	e := nodes[0].create("fiche", `{"title": "Counter", "count": 0}`)
	caughtUp(t, nodes...)
	errs := together(6, func(i int) error {
		n := nodes[i%2]
		for step := 0; step < 5; {
			now := n.stored(e)
			var have int
			fmt.Sscan(fmt.Sprint(object(now.Latest())["count"]), &have)
			key := &core.Key{Hash: fmt.Sprint(i, ".", step), Request: "r"}
			for {
				_, err := n.Write(context.Background(), admin, []core.Operation{{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, IfMatch: now.Rev, Data: doc(t, `{"count": %d}`, have+1)}},
					core.WriteOptions{Key: key})
				if core.CodeOf(err) == core.CodeUnavailable {
					continue
				}
				if err == nil {
					step++
				} else if core.CodeOf(err) != core.CodeStale {
					return err
				}
				break
			}
		}
		return nil
	})
	if got := count(errs, ""); got != 6 {
		t.Errorf("%v", errs)
	}
	for _, n := range nodes {
		n.log.(*faultyLog).set(nil)
	}
	caughtUp(t, nodes...)
	want(t, nodes[1].stored(e).Draft, `{"title": "Counter", "slug": "counter", "region": "44", "count": 30}`)
	checkHistory(t, nodes[0])
}

func TestFaults_outage(t *testing.T) {
	t.Parallel()
	l := &faultyLog{Log: openLog(t)}
	n := startOn(t, l)
	n.create("fiche", `{"title": "Before"}`)
	l.set(func(int) fault { return refusing })
	for n.Ready() == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		_, err := n.Write(ctx, admin, []core.Operation{{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "During"}`)}}, core.WriteOptions{})
		cancel()
		if core.CodeOf(err) != core.CodeUnavailable {
			t.Fatalf("a write during an outage: %v", err)
		}
	}
	began := time.Now()
	if _, err := n.write(admin, core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "During"}`)}); core.CodeOf(err) != core.CodeUnavailable || time.Since(began) > 3*time.Second {
		t.Errorf("a write during a known outage: %v after %s", err, time.Since(began))
	}
	l.set(nil)
	eventually(t, "the store is back", func() bool { return n.Ready() == nil })
	n.create("fiche", `{"title": "After"}`)
	checkHistory(t, n)
}

// countingLog is a log that goes on telling the time while it is away, and waits in peace: as the one of MongoDB does.
type countingLog struct{ faultyLog }

func (l *countingLog) Now(ctx context.Context) (time.Time, error) { return l.Log.Now(ctx) }

func (l *countingLog) Last(ctx context.Context) (core.Position, error) {
	if l.next() != "" {
		return 0, errAway
	}
	return l.Log.Last(ctx)
}

func (l *countingLog) Wait(ctx context.Context, after core.Position) error {
	return l.Log.Wait(ctx, after)
}

func TestFaults_outageThatOnlyReadingShows(t *testing.T) {
	t.Parallel()
	l := &countingLog{faultyLog{Log: openLog(t)}}
	n := startPlain(t, l)
	n.create("fiche", `{"title": "Before"}`)
	l.set(func(int) fault { return refusing })
	eventually(t, "the outage is noticed though nobody writes", func() bool { return n.Ready() != nil })
	l.set(nil)
	eventually(t, "the store is back", func() bool { return n.Ready() == nil })
}

func TestStart_withTheStoreAway(t *testing.T) {
	t.Parallel()
	l := &faultyLog{Log: openLog(t)}
	other := startOn(t, l.Log)
	e := other.create("fiche", `{"title": "A"}`)
	l.set(func(int) fault { return refusing })
	n := startOn(t, l)
	if core.CodeOf(n.Ready()) != core.CodeUnavailable || n.catalog.Position() != 0 {
		t.Errorf("ready: %v", n.Ready())
	}
	l.set(nil)
	caughtUp(t, n)
	if n.stored(e) == nil {
		t.Error("it did not catch up once the store was back")
	}
}

func TestFaults_catalog(t *testing.T) {
	t.Parallel()
	failing := newMemCatalog(compiled())
	n := startWith(t, openLog(t), failing)
	failures := 3
	failing.mu.Lock()
	failing.fail = func() error {
		if failures--; failures >= 0 {
			return errors.New("disk full")
		}
		return nil
	}
	failing.mu.Unlock()
	if e := n.create("fiche", `{"title": "A"}`); n.stored(e) == nil {
		t.Error("a catalog that failed three times was given up")
	}
	if err := n.Ready(); err != nil {
		t.Errorf("still reported as away: %v", err)
	}
}

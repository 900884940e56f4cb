package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// A fold that does not come back keeps neither the catalog nor writers. Its view goes on beside, where it has more time, and is set
// aside when that is too little as well.
func TestView_tooSlow(t *testing.T) {
	t.Parallel()
	for _, forGood := range []bool{false, true} {
		w := newWorld(t)
		w.options = Options{foldWithin: 50 * time.Millisecond}
		if forGood {
			w.options.foldBeside = w.options.foldWithin
		}
		w.reopen()
		v := journalView()
		end := make(chan struct{})
		t.Cleanup(func() { close(end) })
		var slow, faults atomic.Int32
		v.Fold = func(table core.Table, c core.Commit) error {
			if c.Position > 20 && (forGood || slow.Add(1) == 1) {
				<-end
				table.Put("late", json.RawMessage("1"))
			}
			return journal(table, c)
		}
		v.Failed = func(f *core.ViewFault) {
			if strings.Contains(f.Error(), "at the commit 21: it did not come back within") {
				faults.Add(1)
			}
		}
		w.follow(v)
		w.fill(20)
		if err := w.c.WaitForView(t.Context(), v.ViewName); err != nil {
			t.Fatal(err)
		}
		w.apply(w.budget())
		w.apply(w.budget())
		if err := w.c.WaitForView(t.Context(), v.ViewName); !forGood {
			w.level(v)
			if faults.Load() != 1 {
				t.Errorf("told %d times of it", faults.Load())
			}
		} else if got := w.status(v); reasonOf(err) != "unavailable view_failed" || got.Position != 20 || faults.Load() != 2 {
			t.Errorf("waited: %v, stands %+v, told %d times of it", err, got, faults.Load())
		}
		w.serves()
	}
}

// Writers wait for a view's folds of what is applied at once, and not for each of them. That all of them take long is no failure of
// any of them.
func TestView_tooSlowTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.options = Options{foldWithin: time.Second}
	w.reopen()
	v := journalView()
	var slow atomic.Bool
	var faults, urgent atomic.Int32
	v.Fold = func(table core.Table, c core.Commit) error {
		if o, is := table.(*overlay); is && slow.Load() {
			o.spent += 200 * time.Millisecond // as if it had
			if o.turns == w.c.docs.urgent {
				urgent.Add(1)
			}
		}
		return journal(table, c)
	}
	v.Failed = func(*core.ViewFault) { faults.Add(1) }
	w.follow(v)
	w.fill(1)
	w.level(v)
	slow.Store(true)
	for _, n := range []int{12, 40} { // after which it lacks few, and many
		urgent.Store(0)
		w.fill(n)
		w.level(v)
		if got := urgent.Load(); got == 0 || got >= 9 || faults.Load() > 0 {
			t.Errorf("of %d writers waited for %d folds, and %d failed", n, got, faults.Load())
		}
	}
	w.verify()
}

// What is kept in memory of what a view is to become is bounded, however many commits come at once, and whoever folds them.
func TestView_heavy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	value := json.RawMessage(`"` + strings.Repeat("x", mostValueBytes-2) + `"`)
	var most atomic.Int64
	v := journalView()
	v.Fold = func(table core.Table, c core.Commit) error {
		for i := range 4 { // of which half stays
			table.Put(padded(c.Position)+fmt.Sprint(i/2), value)
		}
		if o, is := table.(*overlay); is {
			most.Store(max(most.Load(), int64(o.held)))
		}
		return nil
	}
	bounded := func(what string) {
		t.Helper()
		if err := w.c.WaitForView(t.Context(), v.ViewName); err != nil {
			t.Fatal(err)
		}
		if got := most.Swap(0); got == 0 || got >= 40<<20 {
			t.Errorf("%s: %d MiB were kept", what, got>>20)
		}
		if rows := w.count(`select count(*) from view_rows`); rows != 2*len(w.commits) {
			t.Errorf("%s: %d rows of %d commits", what, rows, len(w.commits))
		}
	}
	w.follow(v)
	if err := w.c.WaitForView(t.Context(), v.ViewName); err != nil {
		t.Fatal(err)
	}
	w.fill(24)
	bounded("moving with the catalog")
	w.rebuild()
	if got := w.status(v); got.Standing != core.ViewLevel {
		t.Errorf("after a rebuild it stands %+v", got)
	}
	bounded("a rebuild")
	if err := w.c.DropViews(t.Context(), v.Plugin); err != nil {
		t.Fatal(err)
	}
	bounded("beside")
	w.verify()
}

func (w *world) count(query string) (n int) {
	w.t.Helper()
	if err := w.c.docs.sweepViews(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.c.docs.db.Read.QueryRow(query).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// held is a view whose folds in another file than the catalog's wait, from a commit on, until they are let go.
type held struct {
	*core.PluginView
	from  atomic.Int64
	goOn  chan struct{}
	waits atomic.Int32
}

func (w *world) held() *held {
	h := &held{PluginView: journalView(), goOn: make(chan struct{})}
	h.from.Store(1 << 40)
	serving := w.c.docs
	h.Fold = func(table core.Table, c core.Commit) error {
		if o, is := table.(*overlay); is && o.docs != serving && int64(c.Position) >= h.from.Load() {
			h.waits.Add(1)
			<-h.goOn
		}
		return journal(table, c)
	}
	w.follow(h.PluginView)
	return h
}

// A rebuild, which erasures wait for, waits for no fold for long: neither while it reads the log nor in its last step, which
// writers wait for. The view catches up afterwards.
func TestRebuild_slowViews(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		rebuild func(w *world, h *held)
	}{
		{"reading the log", func(w *world, h *held) {
			w.c.options.patience = 50 * time.Millisecond
			h.from.Store(20)
			w.rebuild()
		}},
		{"the last step", func(w *world, h *held) {
			next, err := w.c.beside(w.t.Context())
			if err == nil {
				err = w.c.approach(w.t.Context(), next, memoryLog{w: w}, nil)
			}
			if err != nil {
				w.t.Fatal(err)
			}
			h.from.Store(int64(w.c.Position()) + 1)
			w.fill(1)
			_, over, err := w.c.replace(w.t.Context(), next, memoryLog{w: w})
			over.discard()
			if err != nil {
				w.t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.options = Options{foldWithin: 100 * time.Millisecond, foldBeside: time.Hour}
			w.reopen()
			h := w.held()
			w.fill(30)
			w.level(h.PluginView)
			done := make(chan struct{})
			go func() { tc.rebuild(w, h); close(done) }()
			select {
			case <-done:
			case <-time.After(time.Minute):
				close(h.goOn)
				t.Fatal("it waits for the fold")
			}
			if h.waits.Load() == 0 {
				t.Error("no fold was waited for")
			}
			if got := w.status(h.PluginView); got.Standing != core.ViewCatchingUp || got.Position >= w.c.Position() {
				t.Errorf("it stands %+v", got)
			}
			w.fill(1)
			close(h.goOn)
			w.level(h.PluginView)
			w.serves()
		})
	}
}

// A view that is late with what came while a verification compared is brought level before it is compared; one that never is, is
// told of.
func TestVerify_slowViews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.options = Options{foldWithin: 100 * time.Millisecond, foldBeside: time.Hour}
	w.reopen()
	v := journalView()
	var slow, late atomic.Bool
	serving := w.c.docs
	v.Fold = func(table core.Table, c core.Commit) error {
		if o, is := table.(*overlay); is && o.docs != serving && slow.CompareAndSwap(true, false) {
			for !o.left.Load() {
			}
			late.Store(true)
		}
		return journal(table, c)
	}
	w.follow(v)
	w.fill(30)
	w.level(v)
	want, err := w.c.besideIn(t.Context(), t.TempDir(), firstFile)
	if err == nil {
		err = w.c.approach(t.Context(), want, memoryLog{w: w}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer want.discard()
	slow.Store(true)
	w.fill(1)
	w.exec(`update view_rows set value = '0' where key = cast('entries' as blob)`)
	found, err := w.c.compare(t.Context(), want, memoryLog{w: w})
	if err != nil || !late.Load() || len(found.Differences) != 1 || !strings.Contains(found.Differences[0], `the first of them "entries"`) {
		t.Errorf("%+v, %v, and it was late: %t", found, err, late.Load())
	}
	want.following[v.ViewName].stand(core.ViewCatchingUp)
	d, s := &comparison{have: w.c, want: want, log: memoryLog{w: w}}, &snapshots{}
	defer func() { s.end() }()
	if err := s.begin(t.Context(), w.c.docs, want.docs); err != nil {
		t.Fatal(err)
	}
	if err := d.freeze(t.Context(), s, false); err != nil || s.have != nil || len(d.found) > 0 {
		t.Errorf("compared without it: %v, %v", d.found, err)
	}
	if err := d.freeze(t.Context(), s, true); err != nil || s.have == nil || fmt.Sprint(d.found) != "[the view journal of the plugin dev.acme.journal was not compared: its fold takes too long]" {
		t.Errorf("said %v, %v", d.found, err)
	}
}

// A fold that came back is not left behind because nobody looked in time, nor one that has not had its turn.
func TestView_waitedForLate(t *testing.T) {
	t.Parallel()
	f := &viewBatch{overlay: newOverlay(t.Context(), &documents{}, 1, true)}
	timer := time.NewTimer(0)
	for range 50 {
		results := make(chan outcome, 1)
		results <- outcome{}
		if r, came := f.await(t.Context(), 0, 0, timer, results); r.overran || !came {
			t.Fatal("it was left behind")
		}
	}
	results := make(chan outcome)
	time.AfterFunc(20*withinChange, func() { results <- outcome{} })
	if r, came := f.await(t.Context(), 0, withinChange, timer, results); r.overran || !came {
		t.Error("it was left behind before it began")
	}
}

// slowLog is a log that takes longer than a view that joins waits for.
type slowLog struct{ memoryLog }

func (l slowLog) Read(ctx context.Context, from core.Position, limit int) ([]core.Commit, error) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < time.Minute {
		return nil, context.DeadlineExceeded
	}
	return l.memoryLog.Read(ctx, from, limit)
}

// A view that lacks little of a log that is slow gets level all the same, in a rebuild too.
func TestView_slowLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(5)
	v := journalView()
	w.followFrom(v, slowLog{memoryLog{w: w}})
	w.level(v)
	if _, err := w.c.Rebuild(t.Context(), slowLog{memoryLog{w: w}}, nil); err != nil {
		t.Error(err)
	}
	w.level(v)
}

// Closing the catalog, and leaving a view, wait for no fold, and none is begun afterwards.
func TestView_nobodyWaits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		begin func(w *world, v *core.PluginView, block func()) (end func())
	}{
		{"a rebuild", func(w *world, v *core.PluginView, block func()) (end func()) {
			w.follow(v)
			w.level(v)
			block()
			var work sync.WaitGroup
			work.Go(func() { _, _ = w.c.Rebuild(context.Background(), memoryLog{w: w}, nil) })
			return func() {
				w.c.Close()
				work.Wait()
				w.open() // for the others to close
			}
		}},
		{"one that catches up", func(w *world, v *core.PluginView, block func()) (end func()) {
			block()
			return w.follow(v)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.options = Options{foldWithin: time.Hour, foldBeside: time.Hour}
			w.reopen()
			w.fill(40)
			var blocking atomic.Bool
			folding, goOn := make(chan struct{}, 100), make(chan struct{})
			v := journalView()
			v.Fold = func(table core.Table, c core.Commit) error {
				if blocking.Load() {
					folding <- struct{}{}
					<-goOn
				}
				return journal(table, c)
			}
			end := tc.begin(w, v, func() { blocking.Store(true) })
			<-folding
			ended := make(chan struct{})
			go func() { end(); close(ended) }()
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Error("it waits for the fold")
			}
			close(goOn)
			<-ended
		})
	}
	o := newOverlay(t.Context(), &documents{}, 1, false)
	o.left.Store(true)
	results := make(chan outcome, 1)
	o.foldAll(journalView(), []*core.Commit{{Position: 1}}, limits{keys: 1}, results)
	if r, any := <-results; any {
		t.Errorf("folded what nobody waits for: %+v", r)
	}
}

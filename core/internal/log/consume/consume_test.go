package consume_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/consume"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

func open(t *testing.T, commits []core.Commit) core.Log {
	t.Helper()
	l, err := sqlitelog.Open(filepath.Join(t.TempDir(), "log.db"), sqlitelog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if _, err := l.Append(t.Context(), commits); err != nil {
		t.Fatal(err)
	}
	return l
}

// seen notes what a consumer was given.
type seen struct {
	mu    sync.Mutex
	calls [][]core.Position
	more  chan struct{}
}

func newSeen() *seen { return &seen{more: make(chan struct{}, 1000)} }

func (s *seen) note(commits []core.Commit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var call []core.Position
	for _, c := range commits {
		call = append(call, c.Position)
	}
	s.calls = append(s.calls, call)
	s.more <- struct{}{}
}

func (s *seen) all() []core.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.calls...)
}

// until waits for calls until the last position seen is p.
func (s *seen) until(t *testing.T, p core.Position) {
	t.Helper()
	for {
		if all := s.all(); len(all) > 0 && all[len(all)-1] == p {
			return
		}
		select {
		case <-s.more:
		case <-time.After(30 * time.Second):
			t.Fatalf("position %d did not come within 30 s: got %v", p, s.all())
		}
	}
}

func (s *seen) consumer() core.Consumer {
	return core.Consumer{Name: "test", Handle: func(_ context.Context, commits []core.Commit) error {
		s.note(commits)
		return nil
	}}
}

// start runs a consumer and gives what stops it and waits for its end.
func start(t *testing.T, l core.Log, c core.Consumer, o consume.Options) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	if o.Holder == "" {
		o.Holder = "node-1"
	}
	if o.Retry == 0 {
		o.Retry = time.Millisecond
	}
	go func() { ended <- consume.Run(ctx, l, c, o) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Run: got %v, want nil", err)
				}
			case <-time.After(30 * time.Second):
				t.Error("Run does not end with its context")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func upTo(n core.Position) []core.Position {
	var list []core.Position
	for p := core.Position(1); p <= n; p++ {
		list = append(list, p)
	}
	return list
}

func TestRun_InOrderAndOn(t *testing.T) {
	t.Parallel()
	commits := logtest.Chain(nil, 7)
	l, got := open(t, commits[:5]), newSeen()
	stop := start(t, l, got.consumer(), consume.Options{Batch: 2})
	got.until(t, 5)
	if _, err := l.Append(t.Context(), commits[5:]); err != nil {
		t.Fatal(err)
	}
	got.until(t, 7)
	stop()
	if want := upTo(7); !slices.Equal(got.all(), want) {
		t.Errorf("got %v, want %v", got.all(), want)
	}
	if len(got.calls[0]) != 2 {
		t.Errorf("the first call had %d commits, want the batch of 2", len(got.calls[0]))
	}
	if at, err := consume.Position(t.Context(), l, "test"); err != nil || at != 7 {
		t.Errorf("Position: got %d, %v, want 7", at, err)
	}
}

func TestRun_GoesOnFromItsCheckpoint(t *testing.T) {
	t.Parallel()
	commits := logtest.Chain(nil, 4)
	l, first, second := open(t, commits[:3]), newSeen(), newSeen()
	stop := start(t, l, first.consumer(), consume.Options{})
	first.until(t, 3)
	stop() // which frees the lease: the next one need not wait for it
	if _, err := l.Append(t.Context(), commits[3:]); err != nil {
		t.Fatal(err)
	}
	start(t, l, second.consumer(), consume.Options{Holder: "node-2", TTL: time.Hour})
	second.until(t, 4)
	if got := second.all(); !slices.Equal(got, []core.Position{4}) {
		t.Errorf("the second run: got %v, want 4 only", got)
	}
}

// A consumer that is to begin somewhere begins there, however late it comes to run and however often that is said.
func TestBegin(t *testing.T) {
	t.Parallel()
	l := open(t, logtest.Chain(nil, 5))
	for _, after := range []core.Position{2, 4} {
		if err := consume.Begin(t.Context(), l, "c", after); err != nil {
			t.Fatal(err)
		}
	}
	if at, err := consume.Position(t.Context(), l, "c"); at != 2 || err != nil {
		t.Errorf("it begins after %d, %v", at, err)
	}
}

func TestRun_RetriesTheWholeCall(t *testing.T) {
	t.Parallel()
	l, got := open(t, logtest.Chain(nil, 3)), newSeen()
	var reports []error
	fail := []func(){func() {}, func() { panic("oops") }}
	c := core.Consumer{Name: "test", Handle: func(_ context.Context, commits []core.Commit) error {
		if len(fail) > 0 {
			f := fail[0]
			fail = fail[1:]
			f()
			return errors.New("not today")
		}
		got.note(commits)
		return nil
	}}
	stop := start(t, l, c, consume.Options{Report: func(name string, err error) { reports = append(reports, fmt.Errorf("%s: %w", name, err)) }})
	got.until(t, 3)
	stop()
	if !slices.Equal(got.all(), upTo(3)) {
		t.Errorf("got %v, want 1 to 3", got.all())
	}
	if len(reports) != 2 || reports[0].Error() != "test: not today" || len(reports[1].Error()) < 100 {
		t.Errorf("got reports %v, want the error and the panic with its stack", reports)
	}
}

// TestRun_OneNodeAtATime runs a consumer on several nodes: each commit is handled once, by one node at a time.
func TestRun_OneNodeAtATime(t *testing.T) {
	t.Parallel()
	commits := logtest.Chain(nil, 20)
	l, got := open(t, commits[:10]), newSeen()
	var stops []func()
	for i := range 3 {
		stops = append(stops, start(t, l, got.consumer(), consume.Options{Holder: fmt.Sprint("node-", i), Batch: 1, TTL: 2 * time.Second}))
	}
	got.until(t, 10)
	for i, c := range commits[10:] {
		if _, err := l.Append(t.Context(), []core.Commit{c}); err != nil {
			t.Fatal(err)
		}
		if i == 5 {
			stops[0]() // perhaps the one that works: another takes over
		}
	}
	got.until(t, 20)
	if !slices.Equal(got.all(), upTo(20)) {
		t.Errorf("got %v, want 1 to 20 once", got.all())
	}
}

// TestRun_TakesOverFromTheDead lets the holder vanish without a word.
func TestRun_TakesOverFromTheDead(t *testing.T) {
	t.Parallel()
	l, got := open(t, logtest.Chain(nil, 2)), newSeen()
	if _, err := l.Lease(t.Context(), "consumer/test", "dead", 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	start(t, l, got.consumer(), consume.Options{TTL: 50 * time.Millisecond})
	got.until(t, 2)
}

// TestRun_StopsWhenTheLeaseIsLost takes the lease from a consumer that is at work, as after a long sleep of its machine.
func TestRun_StopsWhenTheLeaseIsLost(t *testing.T) {
	t.Parallel()
	l := open(t, logtest.Chain(nil, 1))
	working, ended := make(chan struct{}, 10), make(chan error, 10)
	c := core.Consumer{Name: "test", Handle: func(ctx context.Context, _ []core.Commit) error {
		working <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}}
	start(t, l, c, consume.Options{TTL: 100 * time.Millisecond})
	<-working
	if err := l.Release(t.Context(), "consumer/test", "node-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Lease(t.Context(), "consumer/test", "node-2", time.Hour); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil || err == context.Canceled {
			t.Errorf("got %v, want the reason: the lease", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the consumer goes on without its lease")
	}
	if at, err := consume.Position(t.Context(), l, "test"); err != nil || at != 0 {
		t.Errorf("Position: got %d, %v, want 0: nothing was finished", at, err)
	}
}

func TestRun_NotesWhatItFinishesWhileStopping(t *testing.T) {
	t.Parallel()
	l := open(t, logtest.Chain(nil, 1))
	working, stopping := make(chan struct{}), make(chan struct{})
	c := core.Consumer{Name: "test", Handle: func(ctx context.Context, _ []core.Commit) error {
		close(working)
		<-ctx.Done()
		close(stopping)
		return nil // it finished all the same
	}}
	stop := start(t, l, c, consume.Options{})
	<-working
	stop()
	<-stopping
	if at, err := consume.Position(t.Context(), l, "test"); err != nil || at != 1 {
		t.Errorf("Position: got %d, %v, want 1", at, err)
	}
}

func TestRun_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	l := open(t, nil)
	for _, c := range []core.Consumer{{Name: "test"}, {Handle: newSeen().consumer().Handle}} {
		if err := consume.Run(t.Context(), l, c, consume.Options{Holder: "node-1"}); core.CodeOf(err) != core.CodeInternal {
			t.Errorf("%+v: got %v", c.Name, err)
		}
	}
	if err := consume.Run(t.Context(), l, newSeen().consumer(), consume.Options{}); core.CodeOf(err) != core.CodeInternal {
		t.Errorf("no holder: got %v", err)
	}
}

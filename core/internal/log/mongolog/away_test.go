package mongolog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
)

func wantAway(t *testing.T, what string, err error) {
	t.Helper()
	if core.CodeOf(err) != core.CodeUnavailable || errors.Is(err, core.ErrUnknownOutcome) {
		t.Errorf("%s: got %v, want the store to be away for sure", what, err)
	}
}

// TestStoreAway takes the server away and brings it back.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	server := ferrettest.New(t)
	l := open(t, server.URI(), server.Database())
	commits := logtest.Chain(nil, 3)
	if _, err := l.Append(t.Context(), commits[:1]); err != nil {
		t.Fatal(err)
	}
	before, err := l.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	woken := make(chan error, 1)
	go func() { woken <- l.Wait(t.Context(), 1) }()

	server.Stop()
	n, err := l.Append(t.Context(), commits[1:2])
	if n != 0 || core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("Append on a cut connection: got %d, %v", n, err)
	}
	start := time.Now()
	n, err = l.Append(t.Context(), commits[1:2])
	if n != 0 {
		t.Errorf("Append: %d were written", n)
	}
	wantAway(t, "Append", err)
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("Append took %s to find out", took)
	}
	if now, err := l.Now(t.Context()); err != nil || now.Before(before) {
		t.Errorf("the clock does not go on: got %s, %v", now, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Read(ctx, 1, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Read with little time: got %v, want the context's error", err)
	}

	server.Start()
	n, err = core.AppendSettled(t.Context(), l, commits[1:])
	if err != nil || n != 2 {
		t.Fatalf("after it is back: got %d, %v", n, err)
	}
	if err := <-woken; err != nil {
		t.Errorf("Wait, over the interruption: got %v", err)
	}
	got, err := l.Read(t.Context(), 1, 10)
	if err != nil || len(got) != 3 {
		t.Errorf("got %d commits, %v, want 3", len(got), err)
	}
}

// TestStoreAway_FromTheStart opens a log whose server is not there yet.
func TestStoreAway_FromTheStart(t *testing.T) {
	t.Parallel()
	server := ferrettest.New(t)
	server.Stop()
	l := open(t, server.URI(), server.Database())
	_, err := l.Last(t.Context())
	wantAway(t, "Last", err)
	server.Start()
	if _, err := l.Append(t.Context(), logtest.Chain(nil, 1)); err != nil {
		t.Errorf("after it came: %v", err)
	}
}

// TestLostAnswer lets the server do its work and loses what it answers.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	server := ferrettest.New(t)
	l := open(t, server.URI(), server.Database())
	commits := logtest.Chain(nil, 3)
	if _, err := l.Append(t.Context(), commits[:1]); err != nil {
		t.Fatal(err)
	}
	for attempt := 0; ; attempt++ {
		n, err := appendUnheard(t, server, l, commits[1:])
		if n == 0 && errors.Is(err, core.ErrUnknownOutcome) && core.CodeOf(err) == core.CodeUnavailable {
			break
		}
		// Without a free connection the request cannot even be sent. Then the next attempt finds one.
		if n != 0 || !errors.Is(err, context.DeadlineExceeded) || attempt == 20 {
			t.Fatalf("got %d, %v, want an unknown outcome", n, err)
		}
		if last, err := l.Last(t.Context()); err != nil || last != 1 {
			t.Fatalf("nothing was sent, and the log goes up to %d, %v", last, err)
		}
	}
	n, err := core.AppendSettled(t.Context(), l, commits[1:])
	if n != 2 || err != nil {
		t.Errorf("settled: got %d, %v, want 2", n, err)
	}
	got, err := l.Read(t.Context(), 1, 10)
	if err != nil || len(got) != 3 || got[2].ID != commits[2].ID {
		t.Errorf("got %d commits, %v, want 3", len(got), err)
	}
}

// appendUnheard appends while the server's answers are lost.
func appendUnheard(t *testing.T, server *ferrettest.Server, l core.Log, commits []core.Commit) (int, error) {
	t.Helper()
	server.LoseAnswers(true)
	defer server.LoseAnswers(false)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	return l.Append(ctx, commits)
}

package mongolog_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/mongolog"
)

func TestOpen_RefusesAddressesWithoutShowingThem(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"", "secret", "http://user:secret@host/", "mongodb://user:secret@", "mongodb://user:sec/ret@host:27017", "mongodb://user:secret@host:99999/",
		"mongodb://user:secret@host/?w=secret&journal=secret", "mongodb://user:secret@host/?tlsCAFile=/absent/secret", "mongodb://user:%zzsecret@host/",
		"mongodb://user:secret@host/?authMechanism=secret",
	} {
		l, err := mongolog.Open(mongolog.Options{URI: uri})
		if err == nil {
			l.Close()
			t.Errorf("%s was taken", uri)
			continue
		}
		if core.CodeOf(err) != core.CodeInvalid || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", uri, err)
		}
	}
}

// TestAppend_LargeBatchTaken appends more commits than one insert takes, where the first position is taken.
func TestAppend_LargeBatchTaken(t *testing.T) {
	t.Parallel()
	uri, database, _ := ferrettest.Start(t)
	l := open(t, uri, database)
	if n, err := l.Append(t.Context(), logtest.Chain(nil, 1)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := l.Append(t.Context(), logtest.Chain(nil, 250)); n != 0 || err != core.ErrPositionTaken {
		t.Errorf("got %d, %v", n, err)
	}
	if last, err := l.Last(t.Context()); last != 1 || err != nil {
		t.Errorf("the log goes up to %d, %v, want 1", last, err)
	}
}

// TestAppend_PartlyTaken makes another writer win in the middle of a batch.
func TestAppend_PartlyTaken(t *testing.T) {
	t.Parallel()
	uri, database, _ := ferrettest.Start(t)
	mine, theirs := open(t, uri, database), open(t, uri, database)
	commits := logtest.Chain(nil, 150)
	others := logtest.Chain(&commits[119], 1)
	if _, err := theirs.Append(t.Context(), commits[:120]); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Append(t.Context(), others); err != nil {
		t.Fatal(err)
	}
	// The very same first 120 are there already: all of them count as ours, and the position after them as taken.
	n, err := core.AppendSettled(t.Context(), mine, commits)
	if n != 120 || err != core.ErrPositionTaken {
		t.Errorf("got %d, %v, want 120 and ErrPositionTaken", n, err)
	}
}

func TestTwoNodesSeeEachOther(t *testing.T) {
	t.Parallel()
	uri, database, _ := ferrettest.Start(t)
	one, two := open(t, uri, database), open(t, uri, database)
	woken := make(chan error, 1)
	go func() { woken <- two.Wait(t.Context(), 0) }()
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := two.Wait(short, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("before there is anything: got %v", err)
	}
	if _, err := one.Append(t.Context(), logtest.Chain(nil, 1)); err != nil {
		t.Fatal(err)
	}
	if err := <-woken; err != nil {
		t.Fatal(err)
	}
	if got, err := two.Read(t.Context(), 1, 1); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

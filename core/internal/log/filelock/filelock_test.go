package filelock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/filelock"
)

func TestTake(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "lock")
	first, err := filelock.Take(path, "/srv/data")
	if err != nil {
		t.Fatal(err)
	}
	_, err = filelock.Take(path, "/srv/data")
	if core.CodeOf(err) != core.CodeConflict {
		t.Fatalf("a second lock: got %v, want a conflict", err)
	}
	e, _ := core.AsError(err)
	want := fmt.Sprintf("another Palabre (process %d) is using /srv/data: ", os.Getpid())
	if !strings.HasPrefix(e.Message, want) {
		t.Errorf("got %q, want it to begin with %q", e.Message, want)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := filelock.Take(path, "/srv/data")
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	again.Release()
}

func TestTake_FolderCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Take(filepath.Join(file, "lock"), "/srv/data"); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}

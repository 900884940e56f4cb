package sqlitelog_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// The variables make the test binary play another Palabre on the log that they name.
const (
	opener = "SQLITELOG_TEST_OPEN"
	writer = "SQLITELOG_TEST_WRITE"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(opener); path != "" {
		os.Exit(playOpener(path))
	}
	if path := os.Getenv(writer); path != "" {
		os.Exit(playWriter(path))
	}
	os.Exit(m.Run())
}

func playOpener(path string) int {
	_, err := sqlitelog.Open(path, sqlitelog.Options{})
	if e, ok := core.AsError(err); ok && e.Code == core.CodeConflict {
		fmt.Print(e.Message)
		return 3
	}
	return 0
}

// playWriter appends for ever, in batches, and prints the position of each commit that was acknowledged.
func playWriter(path string) int {
	l, err := sqlitelog.Open(path, sqlitelog.Options{})
	if err != nil {
		return 1
	}
	var previous *core.Commit
	for {
		commits := logtest.Chain(previous, 3)
		if _, err := l.Append(context.Background(), commits); err != nil {
			return 1
		}
		previous = &commits[2]
		fmt.Println(previous.Position, previous.ID)
	}
}

// TestAppend_SurvivesKill kills a process while it writes: what it acknowledged is there, in whole batches, and sound.
func TestAppend_SurvivesKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), writer+"="+path)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	var position core.Position
	var id string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscan(lines.Text(), &position, &id); err != nil {
			t.Fatal(err)
		}
		if position >= 60 {
			other.Process.Kill() // what it still prints is read to the end
		}
	}
	other.Wait()
	l := open(t, path)
	got, err := l.Read(t.Context(), position, 1)
	if err != nil || len(got) != 1 || got[0].ID != id {
		t.Errorf("commit %d was acknowledged: got %v, %v", position, got, err)
	}
	report, err := log.Verify(t.Context(), l, nil)
	if err != nil || !report.OK() || report.Position < position || report.Position%3 != 0 {
		t.Errorf("got %+v, %v, want whole batches of 3 up to %d or further", report, err, position)
	}
}

// playAnother opens the log in another process and gives what that says when it is refused.
func playAnother(t *testing.T, path string) (refusal string) {
	t.Helper()
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), opener+"="+path)
	out, err := other.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
		t.Fatal(err)
	}
	return string(out)
}

func TestOpen_OneProcessAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path)
	if got := playAnother(t, path); !strings.Contains(got, "another Palabre") || !strings.Contains(got, filepath.Dir(path)) || strings.Contains(got, "\n") {
		t.Errorf("while it is open: the other says %q", got)
	}
	if _, err := sqlitelog.Open(path, sqlitelog.Options{}); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("opened twice by one process: got %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := playAnother(t, path); got != "" {
		t.Errorf("after Close: the other says %q", got)
	}
	open(t, path)
}

func TestOpen_Refusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newer, foreign, blocked := filepath.Join(dir, "newer.db"), filepath.Join(dir, "foreign.db"), filepath.Join(dir, "file", "log.db")
	db, err := sqlite.Open(newer, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`pragma user_version = 3`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for path, text := range map[string]string{foreign: strings.Repeat("not a database ", 100), filepath.Join(dir, "file"): ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name, path string
		want       core.Code
		says       string
	}{
		{"a newer format", newer, core.CodeConflict, "newer Palabre"},
		{"another file", foreign, core.CodeInternal, "damaged"},
		{"a folder that cannot be made", blocked, core.CodeUnavailable, "folder"},
	} {
		for range 2 { // the first refusal must not keep the lock
			_, err := sqlitelog.Open(tc.path, sqlitelog.Options{})
			if core.CodeOf(err) != tc.want || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: got %v, want %s that says %q", tc.name, err, tc.want, tc.says)
			}
		}
	}
}

// TestAppend_DiskFull fills a file that may not grow: what was refused is not there, and once there is room it works.
func TestAppend_DiskFull(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	l, err := sqlitelog.Open(path, sqlitelog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	commits := logtest.Chain(nil, 2)
	if _, err := l.Append(t.Context(), commits[:1]); err != nil {
		t.Fatal(err)
	}
	sqlitelog.LimitPages(t, l, 20)
	big := logtest.Chain(&commits[0], 1)
	big[0].Changes[0].Draft = core.Doc(`"` + strings.Repeat("a", 1<<20) + `"`)
	n, err := l.Append(t.Context(), big)
	if n != 0 || core.CodeOf(err) != core.CodeUnavailable || errors.Is(err, core.ErrUnknownOutcome) || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("got %d, %v, want the disk to be full", n, err)
	}
	if n, err := l.Append(t.Context(), commits[1:]); n != 1 || err != nil {
		t.Errorf("a small commit afterwards: got %d, %v", n, err)
	}
}

func TestRead_CutOffMeanwhile(t *testing.T) {
	t.Parallel()
	l := open(t, filepath.Join(t.TempDir(), "log.db"))
	if _, err := l.Append(t.Context(), logtest.Chain(nil, 2000)); err != nil {
		t.Fatal(err)
	}
	for range 20 { // wherever the end of the context meets it
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if got, err := l.Read(ctx, 1, 2000); err != nil && !errors.Is(err, context.Canceled) || err == nil && len(got) != 2000 {
			t.Fatalf("got %d commits, %v, want all or the context's error", len(got), err)
		}
	}
}

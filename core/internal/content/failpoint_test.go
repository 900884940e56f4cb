//go:build failpoint

package content_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

// TestCrash ends a writing process at each failpoint, several times over, and starts again on what is left: what was
// acknowledged is there, once, and repeating a request under its key does not repeat the change.
func TestCrash(t *testing.T) {
	for _, place := range []string{"before-append", "after-append", "before-apply", "after-apply"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log.db")
			acknowledged := map[string]string{} // code → identifier
			for range 4 {
				run(t, path, place+":exit:2", acknowledged)
			}
			run(t, path, "", acknowledged)
			checkLog(t, path, acknowledged)
		})
	}
}

// run lets a child write until it is done or ends at a failpoint, and collects what it acknowledged.
func run(t *testing.T, path, failpoint string, acknowledged map[string]string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestCrashChild$", "-test.timeout=60s")
	child.Env = append(os.Environ(), "PALABRE_FAILPOINT="+failpoint, "PALABRE_CRASH_LOG="+path)
	out, err := child.Output()
	var exit *exec.ExitError
	if failpoint != "" && (!errors.As(err, &exit) || exit.ExitCode() != 86) || failpoint == "" && err != nil {
		t.Fatalf("the child ended with %v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		var code, id string
		if n, _ := fmt.Sscanf(line, "ack %s %s", &code, &id); n != 2 {
			continue
		}
		if was := acknowledged[code]; was != "" && was != id {
			t.Errorf("code %s was acknowledged as %s and as %s", code, was, id)
		}
		acknowledged[code] = id
	}
}

// TestCrashChild is the process that is ended. It makes the same requests each time.
func TestCrashChild(t *testing.T) {
	path := os.Getenv("PALABRE_CRASH_LOG")
	if path == "" {
		t.Skip("only TestCrash runs it")
	}
	l, err := sqlitelog.Open(path, sqlitelog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := startOn(t, l)
	for i := range 10 {
		r, err := n.Write(context.Background(), admin, []core.Operation{{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "T", "code": "%d"}`, i)}},
			core.WriteOptions{Key: &core.Key{Hash: fmt.Sprint("key", i), Request: "r"}})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("ack %d %s\n", i, r.Items[0].ID)
	}
}

func checkLog(t *testing.T, path string, acknowledged map[string]string) {
	t.Helper()
	l, err := sqlitelog.Open(path, sqlitelog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := startOn(t, l)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := n.catalog.Wait(ctx, 10); err != nil || n.catalog.Position() != 10 {
		t.Fatalf("%d commits of 10 requests: %v", n.catalog.Position(), err)
	}
	checkHistory(t, n)
	for _, e := range n.catalog.all() {
		if code := object(e.Draft)["code"].(string); acknowledged[code] != string(e.ID) {
			t.Errorf("code %s is %s and was acknowledged as %s", code, e.ID, acknowledged[code])
		}
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

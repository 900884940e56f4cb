package sqlitelog_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
)

// TestShred redacts a name out of many commits of many sizes: no file of the log holds it afterwards, and the log is sound.
func TestShred(t *testing.T) {
	t.Parallel()
	const name = "Zébulonne Imaginaire"
	dir := t.TempDir()
	l := open(t, filepath.Join(dir, "log.db"))
	commits := logtest.Chain(nil, 60)
	sum := ""
	for i := range commits {
		commits[i].Changes[0].Draft = core.Doc(fmt.Sprintf(`{"n":"%s","x":"%s"}`, name, bytes.Repeat([]byte("x"), i*i*7)))
		commits[i].Seal(sum)
		sum = commits[i].Sum
	}
	if _, err := l.Append(t.Context(), commits); err != nil {
		t.Fatal(err)
	}
	if !anyHolds(t, dir, name) {
		t.Fatal("the name is not there before: the test sees nothing")
	}
	for i := range commits {
		changes := append([]core.Change(nil), commits[i].Changes...)
		changes[0].Draft = core.Doc(`{}`)
		if err := l.Redact(t.Context(), commits[i].Position, logtest.To(changes...)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // it may be called again
		if err := l.Shred(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if anyHolds(t, dir, name) {
		t.Error("a file still holds the name")
	}
	if report, err := log.Verify(t.Context(), l, nil); err != nil || report.Position != 60 || report.Redacted != 60 {
		t.Errorf("the log: %+v, %v", report, err)
	}
	next := logtest.Chain(&commits[59], 1)
	if n, err := l.Append(t.Context(), next); n != 1 || err != nil {
		t.Errorf("an append afterwards: %d, %v", n, err)
	}
}

func anyHolds(t *testing.T, dir, text string) (found bool) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(data, []byte(text))
	}
	return found
}

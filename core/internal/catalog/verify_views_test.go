package catalog

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// Verify tells of a view whose table is not what its fold makes of the log, or that cannot be made again.
func TestVerify_views(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fold  func(again bool, t core.Table, c core.Commit) error
		spoil string
		says  string
	}{
		{"not the same each time", func(again bool, t core.Table, c core.Commit) error {
			if again && c.Position == 7 {
				tally(t, "x", 1)
			}
			return journal(t, c)
		}, "", `the view journal of the plugin dev.acme.journal holds other values than its fold makes of the log, at 1 keys, the first of them "x"`},
		{"not a second time", func(again bool, t core.Table, c core.Commit) error {
			if again && c.Position == 7 {
				return errors.New("not again")
			}
			return journal(t, c)
		}, "", "the view journal of the plugin dev.acme.journal cannot be made anew: at the commit 7: not again"},
		{"spoilt", func(_ bool, t core.Table, c core.Commit) error { return journal(t, c) },
			`update view_rows set value = '0' where key = cast('entries' as blob)`, `at 1 keys, the first of them "entries"`},
		{"incomplete", func(_ bool, t core.Table, c core.Commit) error { return journal(t, c) },
			`delete from view_rows where key >= cast('newest' as blob)`, `at 7 keys, the first of them "newest/`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := journalView()
			var again atomic.Bool
			var faults atomic.Int32
			v.Fold = func(table core.Table, c core.Commit) error { return tc.fold(again.Load(), table, c) }
			v.Failed = func(*core.ViewFault) { faults.Add(1) }
			w.follow(v)
			w.fill(30)
			w.level(v)
			w.verify()
			again.Store(true)
			if tc.spoil != "" {
				w.exec(tc.spoil)
			}
			found, err := w.c.Verify(t.Context(), memoryLog{w: w})
			if err != nil || len(found.Differences) != 1 || !strings.Contains(found.Differences[0], tc.says) {
				t.Errorf("%+v, %v; want %s", found, err, tc.says)
			}
			if got := w.status(v); got.Standing != core.ViewLevel || faults.Load() > 0 {
				t.Errorf("a verification changed the view: %+v, %d faults", got, faults.Load())
			}
		})
	}
}

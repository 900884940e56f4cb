// Package logtest is the conformance suite of core.Log, and so its specification: whatever passes it can keep
// Palabre's content.
package logtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Run checks an implementation. open gives an empty log, another one at each call, and cleans up after the test.
func Run(t *testing.T, open func(t testing.TB) core.Log) {
	for _, tc := range []struct {
		name string
		test func(t *testing.T, l core.Log)
	}{
		{"Now", testNow},
		{"Append", testAppend},
		{"AppendTaken", testAppendTaken},
		{"AppendRefusals", testAppendRefusals},
		{"AppendManyWriters", testAppendManyWriters},
		{"AppendInOrder", testAppendInOrder},
		{"AppendSettled", testAppendSettled},
		{"ReadPages", testReadPages},
		{"ReadEverything", testReadEverything},
		{"HostileDocuments", testHostileDocuments},
		{"LargeCommit", testLargeCommit},
		{"Wait", testWait},
		{"Redact", testRedact},
		{"RedactAtOnce", testRedactAtOnce},
		{"Forget", testForget},
		{"KeyValue", testKeyValue},
		{"KeyVersions", testKeyVersions},
		{"KeyRace", testKeyRace},
		{"KeyExpiry", testKeyExpiry},
		{"Keys", testKeys},
		{"KeyRefusals", testKeyRefusals},
		{"Lease", testLease},
		{"LeaseExpiry", testLeaseExpiry},
		{"LeaseRace", testLeaseRace},
		{"CancelledContext", testCancelledContext},
		{"Close", testClose},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.test(t, open(t))
		})
	}
}

// RunDurable checks that what was acknowledged outlives the program. open gives an empty log and a function that
// opens the same one again after it was closed.
func RunDurable(t *testing.T, open func(t testing.TB) (core.Log, func() core.Log)) {
	t.Run("Reopen", func(t *testing.T) {
		t.Parallel()
		l, again := open(t)
		testReopen(t, l, again)
	})
}

// Chain makes n sealed commits that follow previous (nil at the beginning of a log), one new entry each.
func Chain(previous *core.Commit, n int) []core.Commit {
	position, sum := core.Position(0), ""
	if previous != nil {
		position, sum = previous.Position, previous.Sum
	}
	commits := make([]core.Commit, n)
	for i := range commits {
		position++
		commits[i] = sample(position)
		commits[i].Seal(sum)
		sum = commits[i].Sum
	}
	return commits
}

var epoch = time.Date(2026, 3, 29, 1, 59, 59, 123_000_000, time.UTC)

func sample(p core.Position) core.Commit {
	at := epoch.Add(time.Duration(p) * time.Second)
	return core.Commit{
		Position: p, ID: string(core.NewID(at)), At: at, By: "user:01j", Reason: "create",
		Changes: []core.Change{{Type: "fiche", Entry: core.NewID(at), Op: core.OpPut, Action: core.ActionCreate, Salt: core.NewSalt(),
			Meta:  core.Meta{Rev: 1, Status: core.StatusDraft, CreatedAt: at, CreatedBy: "user:01j", UpdatedAt: at, UpdatedBy: "user:01j"},
			Draft: core.Doc(fmt.Sprintf(`{"title":"Fiche %d"}`, p))}},
	}
}

func mustAppend(t testing.TB, l core.Log, commits []core.Commit) {
	t.Helper()
	if n, err := l.Append(context.Background(), commits); err != nil || n != len(commits) {
		t.Fatalf("Append of %d commits from %d: got %d, %v", len(commits), commits[0].Position, n, err)
	}
}

// readAll reads the whole log, in pages.
func readAll(t testing.TB, l core.Log) []core.Commit {
	t.Helper()
	var all []core.Commit
	for {
		page, err := l.Read(context.Background(), core.Position(len(all)+1), 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// eventually asks again and again, since time passes by itself only, and fails when the answer stays no.
func eventually(t testing.TB, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(30 * time.Second)
	for !ask() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("this did not happen within 30 s: %s", what)
		}
	}
}

func wantCode(t testing.TB, what string, err error, want core.Code) {
	t.Helper()
	if core.CodeOf(err) != want {
		t.Errorf("%s: got error %v, want code %q", what, err, want)
	}
}

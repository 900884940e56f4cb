package logtest

import (
	"context"
	"errors"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// lossy is a log over a connection that breaks: each Append of the plan writes so many commits and then says that
// it does not know. After the plan it works.
type lossy struct {
	core.Log
	plan []int
}

func (l *lossy) Append(ctx context.Context, commits []core.Commit) (int, error) {
	if len(l.plan) == 0 {
		return l.Log.Append(ctx, commits)
	}
	n := min(l.plan[0], len(commits))
	l.plan = l.plan[1:]
	if _, err := l.Log.Append(ctx, commits[:n]); err != nil {
		return 0, err
	}
	return 0, core.Errorf(core.CodeUnavailable, "%w", core.ErrUnknownOutcome)
}

// testAppendSettled checks core.AppendSettled on a real log.
func testAppendSettled(t *testing.T, l core.Log) {
	var end *core.Commit
	for _, tc := range []struct {
		name    string
		plan    []int
		others  bool // another writer takes the first position meanwhile
		want    int
		wantErr error
	}{
		{name: "no trouble", want: 3},
		{name: "nothing had been written", plan: []int{0}, want: 3},
		{name: "a part had been written", plan: []int{1}, want: 3},
		{name: "everything had been written", plan: []int{3}, want: 3},
		{name: "one by one", plan: []int{1, 1}, want: 3},
		{name: "never an answer", plan: []int{0, 0, 0}, want: 0, wantErr: core.ErrUnknownOutcome},
		{name: "others were first", others: true, want: 0, wantErr: core.ErrPositionTaken},
		{name: "others were first, after no answer", plan: []int{0}, others: true, want: 0, wantErr: core.ErrPositionTaken},
	} {
		commits := Chain(end, 3)
		if tc.others {
			theirs := Chain(end, 1)
			mustAppend(t, l, theirs)
			end = &theirs[0]
			for i := range tc.plan {
				tc.plan[i] = 0
			}
		}
		n, err := core.AppendSettled(t.Context(), &lossy{Log: l, plan: tc.plan}, commits)
		if n != tc.want || !errors.Is(err, tc.wantErr) {
			t.Errorf("%s: got %d, %v, want %d, %v", tc.name, n, err, tc.want, tc.wantErr)
		}
		if n > 0 {
			end = &commits[n-1]
		}
	}
	all := readAll(t, l)
	previous := ""
	for i := range all {
		if err := all[i].Verify(previous); err != nil {
			t.Fatal(err)
		}
		previous = all[i].Sum
	}
	if len(all) != 17 {
		t.Errorf("got %d commits, want 17: five times three and two of others", len(all))
	}
}

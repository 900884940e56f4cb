package audit

import (
	"context"
	"strconv"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// forgottenKey is where the log's key-value side keeps up to which commit origins have been forgotten.
const forgottenKey = "audit/origins-forgotten"

// ForgetOrigins forgets, in the log and in the view, where the requests before a time came from, and reports of how many
// commits. It goes on where it, on whichever node, has stopped before. One node at a time should do it.
func (t *Trail) ForgetOrigins(ctx context.Context, before time.Time) (n int, err error) {
	if n, err = t.forgetInLog(ctx, before); err != nil {
		return n, core.Wrap("audit.ForgetOrigins", err)
	}
	if err := t.DropOrigins(ctx, before); err != nil || n == 0 {
		return n, err
	}
	return n, t.note(ctx, core.System, core.AuditEvent{Event: core.AuditSweep, Count: n, Detail: map[string]any{"origins": true, "before": before.UTC().Format(time.RFC3339)}})
}

// DropOrigins forgets in the view of this node alone where the requests before a time came from.
func (t *Trail) DropOrigins(ctx context.Context, before time.Time) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return core.Wrap("audit.DropOrigins", t.file.forget(ctx, before))
}

// Forgotten takes over what the log has at a position, after a Forget or a Redact of it, and leaves nothing of before in
// the view. A position that the view has not reached is none of its concern.
func (t *Trail) Forgotten(ctx context.Context, at core.Position) error {
	t.taking.Lock() // else commits that were read before could become lines after
	defer t.taking.Unlock()
	t.mu.RLock()
	defer t.mu.RUnlock()
	if reached, _, _ := t.reached(); at > reached {
		return nil
	}
	if err := t.reread(ctx, at); err != nil {
		return err
	}
	return core.Wrap("audit.Forgotten", t.file.fold(ctx))
}

func (t *Trail) forgetInLog(ctx context.Context, before time.Time) (n int, err error) {
	done, version, err := t.forgottenUpTo(ctx)
	for err == nil {
		var commits []core.Commit
		if commits, err = t.Log.Read(ctx, done+1, readAhead); err != nil {
			break
		}
		old := olderThan(commits, before)
		if len(old) == 0 {
			break
		}
		var forgot int
		forgot, err = t.forgetEach(ctx, old)
		if n += forgot; err != nil {
			break
		}
		done = old[len(old)-1].Position
		version, err = t.Log.Set(ctx, core.KV{Key: forgottenKey, Value: []byte(strconv.FormatUint(uint64(done), 10)), Version: version})
	}
	return n, err
}

// olderThan gives the commits up to the first that is not older.
func olderThan(commits []core.Commit, before time.Time) []core.Commit {
	for i := range commits {
		if !commits[i].At.Before(before) {
			return commits[:i]
		}
	}
	return commits
}

func (t *Trail) forgetEach(ctx context.Context, commits []core.Commit) (n int, err error) {
	for i := range commits {
		if commits[i].Origin == nil {
			continue
		}
		if err := t.Log.Forget(ctx, commits[i].Position); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (t *Trail) forgottenUpTo(ctx context.Context) (core.Position, int64, error) {
	kv, err := t.Log.Get(ctx, forgottenKey)
	if core.CodeOf(err) == core.CodeNotFound {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	p, err := strconv.ParseUint(string(kv.Value), 10, 63)
	return core.Position(p), kv.Version, err
}

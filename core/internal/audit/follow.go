package audit

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

const (
	// readAhead is how many commits become lines in one transaction.
	readAhead    = 200
	firstPause   = 100 * time.Millisecond
	longestPause = 15 * time.Second
)

// Run follows the log until ctx ends: the view is made anew where it is not of this log, brought up to its end, and kept
// there. It tries again whatever fails. What floods have held back is noted when they are over.
func (t *Trail) Run(ctx context.Context) {
	told := make(chan struct{})
	go func() {
		defer close(told)
		t.watchFloods(ctx)
	}()
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		from, _, _ := t.reached()
		err := t.follow(ctx)
		if ctx.Err() != nil {
			break
		}
		t.Logger.Warn("the audit trail cannot follow the log; trying again", "position", from, "error", err)
		t.mend(err)
		if to, _, _ := t.reached(); to > from {
			pause = firstPause
		}
		wait(ctx, pause)
	}
	<-told
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (t *Trail) watchFloods(ctx context.Context) {
	for wait(ctx, floodWindow); ctx.Err() == nil; wait(ctx, floodWindow) {
		if err := t.tellHeld(ctx); err != nil {
			t.Logger.Warn("sign-ins that failed could not be noted; trying again", "error", err)
		}
	}
}

// follow takes in the log until something fails, or ctx ends.
func (t *Trail) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.at.Lock()
	t.at.again = cancel
	t.at.Unlock()
	err := t.settle(ctx)
	for err == nil {
		var more bool
		if more, err = t.step(ctx); err == nil && !more {
			at, _, _ := t.reached()
			err = t.Log.Wait(ctx, at)
		}
	}
	return err
}

// step takes in the next commits and reports whether there were any.
func (t *Trail) step(ctx context.Context) (more bool, err error) {
	t.taking.Lock()
	defer t.taking.Unlock()
	at, _, _ := t.reached()
	commits, err := t.Log.Read(ctx, at+1, readAhead)
	if err != nil || len(commits) == 0 {
		return false, err
	}
	return true, t.take(ctx, commits)
}

// settle makes sure that the view is one of this log: a store may have been restored under it.
func (t *Trail) settle(ctx context.Context) error {
	have, lost, err := t.state(ctx)
	if err != nil {
		return err
	}
	same, err := t.holds(ctx, have)
	if err != nil {
		return err
	}
	if lost || !same {
		if err := t.renew(); err != nil {
			return err
		}
		have = state{}
	}
	t.move(have.position, true)
	return nil
}

func (t *Trail) state(ctx context.Context) (s state, lost bool, err error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.lost {
		return s, true, nil
	}
	s, err = t.file.state(ctx)
	return s, false, err
}

// holds reports whether the log has the commit that a view ends with.
func (t *Trail) holds(ctx context.Context, s state) (bool, error) {
	if s.position == 0 {
		return true, nil
	}
	commits, err := t.Log.Read(ctx, s.position, 1)
	if err != nil {
		return false, err
	}
	return len(commits) == 1 && commits[0].Position == s.position && commits[0].ID == s.commit, nil
}

// renew begins the view anew.
func (t *Trail) renew() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.move(0, false)
	_ = t.file.close() // it may be damaged, and is thrown away
	f, err := newFile(t.Path)
	if t.lost = err != nil; err == nil {
		t.file = f
	}
	return err
}

// mend has a damaged view thrown away, and Run begin anew.
func (t *Trail) mend(err error) {
	if !sqlite.Damaged(err) {
		return
	}
	t.mu.Lock()
	t.lost = true
	t.mu.Unlock()
	t.move(0, false)
	t.at.Lock()
	defer t.at.Unlock()
	if t.at.again != nil {
		t.at.again()
	}
}

func (t *Trail) take(ctx context.Context, commits []core.Commit) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if err := t.file.take(ctx, commits); err != nil {
		return core.Wrap("audit.take", err)
	}
	if err := t.takeRedactions(ctx, commits); err != nil {
		return err
	}
	t.move(commits[len(commits)-1].Position, true)
	return nil
}

// takeRedactions takes over what erasures have left of the past of the entries that they name.
func (t *Trail) takeRedactions(ctx context.Context, commits []core.Commit) error {
	for i := range commits {
		for k := range commits[i].Changes {
			ch := &commits[i].Changes[k]
			if ch.Op != core.OpRedact {
				continue
			}
			if err := t.takeAgain(ctx, ch.Entry, commits[i].Position); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Trail) takeAgain(ctx context.Context, entry core.EntryID, before core.Position) error {
	positions, err := t.file.positions(ctx, entry, before)
	if err != nil {
		return core.Wrap("audit.redact", err)
	}
	for _, p := range positions {
		if err := t.reread(ctx, p); err != nil {
			return err
		}
	}
	if len(positions) == 0 {
		return nil
	}
	return core.Wrap("audit.redact", t.file.fold(ctx))
}

// reread takes over what the log has at a position now.
func (t *Trail) reread(ctx context.Context, at core.Position) error {
	commits, err := t.Log.Read(ctx, at, 1)
	if err != nil || len(commits) == 0 || commits[0].Position != at {
		return err
	}
	return core.Wrap("audit.reread", t.file.rewrite(ctx, &commits[0]))
}

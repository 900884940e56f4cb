package content

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// The bounds of a group of proposals that is appended at once.
const (
	maxGroup      = 256
	maxGroupBytes = core.MaxCommitBytes
	queueLength   = 1_024
)

// writer turns proposals into commits. It is the only one on this node that appends to the log, and with the
// follower the only one that moves the catalog.
type writer struct {
	c        *Content
	patience time.Duration
	queue    chan *proposal
	ended    chan struct{} // closed when run has ended
	held     *proposal     // taken out of the queue, but too large for the group
	since    atomic.Int64  // when the store was last asked without an answer yet, in Unix nanoseconds; 0 when it answers
	moving   sync.Mutex    // held by whoever moves the catalog, from the look at it to the step
	last     time.Time     // the time of the last commit, guarded by moving
}

func newWriter(c *Content, patience time.Duration) *writer {
	return &writer{c: c, patience: patience, queue: make(chan *proposal, queueLength), ended: make(chan struct{})}
}

// propose hands a proposal to the writer and waits for what becomes of it.
func (w *writer) propose(ctx context.Context, p *proposal) (*core.Commit, error) {
	look := time.NewTicker(w.patience / 8)
	defer look.Stop()
	for queue := w.queue; ; {
		select {
		case queue <- p:
			queue = nil // once
		case o := <-p.done:
			return o.commit, o.err
		case <-ctx.Done():
			return w.giveUp(p, ctx.Err())
		case <-w.ended:
			return w.giveUp(p, nil)
		case <-look.C:
			if w.overdue() {
				return w.giveUp(p, nil)
			}
		}
	}
}

// overdue reports whether the store has left the writer without an answer for longer than callers wait.
func (w *writer) overdue() bool {
	since := w.since.Load()
	return since != 0 && time.Since(time.Unix(0, since)) > w.patience
}

// giveUp stops waiting. A proposal that the writer has not taken is withdrawn; of one that it has, nobody knows yet
// whether it will be written.
func (w *writer) giveUp(p *proposal, cause error) (*core.Commit, error) {
	if p.stage.CompareAndSwap(waiting, withdrawn) {
		if cause != nil {
			return nil, cause
		}
		return nil, unavailable(nil)
	}
	p.gone.Store(true)
	select {
	case o := <-p.done: // the answer came meanwhile
		return o.commit, o.err
	default:
		return nil, unknownOutcome(cause)
	}
}

func unknownOutcome(cause error) error {
	err := core.Refuse(core.CodeUnavailable, "unknown_outcome", "The store has not confirmed the change in time: it may have been made or not. Look before you repeat it, or repeat it with the same Idempotency-Key.",
		"Le stockage n’a pas confirmé la modification à temps : elle a pu être faite ou non. Vérifiez avant de la refaire, ou refaites-la avec la même Idempotency-Key.")
	err.Err = cause
	return err
}

// run commits groups until ctx ends; whoever waits then is told.
func (w *writer) run(ctx context.Context) {
	for {
		group := w.gather(ctx)
		if len(group) == 0 {
			break
		}
		w.write(ctx, group)
	}
	close(w.ended)
	w.refuseQueued(unavailable(context.Canceled))
}

// gather waits for a proposal and takes those that wait behind it.
func (w *writer) gather(ctx context.Context) []*proposal {
	var group []*proposal
	for bytes := 0; len(group) < maxGroup; {
		p := w.next(ctx, len(group) == 0)
		if p == nil {
			break
		}
		if len(group) > 0 && bytes+p.bytes > maxGroupBytes {
			w.held = p
			break
		}
		if p.stage.CompareAndSwap(waiting, taken) {
			group, bytes = append(group, p), bytes+p.bytes
		}
	}
	return group
}

// next gives the next proposal; nil when none is there, or with wait when ctx ends.
func (w *writer) next(ctx context.Context, wait bool) *proposal {
	if p := w.held; p != nil {
		w.held = nil
		return p
	}
	select {
	case p := <-w.queue:
		return p
	default:
	}
	if !wait {
		return nil
	}
	select {
	case p := <-w.queue:
		return p
	case <-ctx.Done():
		return nil
	}
}

// refuseQueued tells everybody who waits that nothing will be written.
func (w *writer) refuseQueued(err error) {
	for p := w.next(context.Background(), false); p != nil; p = w.next(context.Background(), false) {
		if p.stage.CompareAndSwap(waiting, taken) {
			p.answer(nil, err)
		}
	}
}

// write brings a group to its end: every proposal of it is answered, or its proposer has gone.
func (w *writer) write(ctx context.Context, group []*proposal) {
	w.moving.Lock()
	defer w.moving.Unlock()
	defer w.since.Store(0)
	for retry := newBackoff(); len(group) > 0; {
		accepted, rest := w.accept(ctx, group)
		stored, err := w.append(ctx, accepted)
		if applyErr := w.apply(ctx, stored); applyErr != nil || ctx.Err() != nil { // the end
			refuseAll(accepted, unknownOutcome(errors.Join(err, applyErr)))
			refuseAll(append(rest.back, rest.later...), unavailable(err))
			return
		}
		left := confirm(accepted, stored)
		if len(left) > 0 && err != nil && !passing(err) {
			refuseAll(left, core.Wrap("content.write", err))
			left = nil
		}
		if len(left) > 0 && len(stored) == 0 {
			retry.sleep(ctx)
		}
		rest.sendBack()
		group = stillWanted(append(left, rest.later...))
	}
}

// waitingRest is what a round did not take up: proposals to be prepared anew, and those that must wait for the next.
type waitingRest struct {
	back  []*proposal
	why   []error
	later []*proposal
}

// sendBack has proposals prepared anew, now that the catalog is where it will be found.
func (r *waitingRest) sendBack() {
	for i, p := range r.back {
		p.answer(nil, r.why[i])
	}
}

// accept chooses the proposals of a group that stand, each judged on the catalog and on those before it.
func (w *writer) accept(ctx context.Context, group []*proposal) (accepted []*proposal, rest waitingRest) {
	now := newOverlay(w.c.stored)
	at := w.c.catalog.Position()
	for i, p := range group {
		if len(accepted) > 0 || p.from != at { // else nothing has happened since it was prepared
			if err := p.stands(ctx, w.c.types, now); err != nil {
				rest.back, rest.why = append(rest.back, p), append(rest.why, err)
				continue
			}
		}
		accepted = append(accepted, p)
		if p.redefines() {
			rest.later = group[i+1:]
			break
		}
		p.lay(now)
	}
	return accepted, rest
}

// append makes commits of proposals and appends them. It gives what the log has from there on, which after a fault may
// be less, or more: commits of other nodes, and these very ones in spite of the fault.
func (w *writer) append(ctx context.Context, accepted []*proposal) ([]core.Commit, error) {
	if len(accepted) == 0 {
		return nil, nil
	}
	commits := w.seal(accepted)
	w.since.CompareAndSwap(0, time.Now().UnixNano())
	failpoint("before-append")
	_, err := w.c.log.Append(ctx, commits)
	failpoint("after-append")
	if err == nil {
		w.answered()
		return commits, nil
	}
	if !errors.Is(err, core.ErrPositionTaken) {
		w.c.health.suffer(byWriter, err)
		w.c.logger.Warn("the log did not take commits; looking what became of them", "first", commits[0].Position, "error", err)
	}
	stored, readErr := w.readBack(ctx, commits[0].Position)
	if readErr != nil {
		return nil, readErr
	}
	if len(stored) > 0 {
		w.answered()
	}
	return stored, err
}

// answered notes that the store works.
func (w *writer) answered() {
	w.since.Store(0)
	w.c.health.recover(byWriter)
}

// readBack reads what the log has from a position on, for as long as it takes: nothing may be written before that is
// known. Those who wait in the queue meanwhile are told.
func (w *writer) readBack(ctx context.Context, from core.Position) ([]core.Commit, error) {
	for retry := newBackoff(); ; retry.sleep(ctx) {
		commits, err := w.c.readFrom(ctx, from)
		if err == nil || ctx.Err() != nil {
			return commits, err
		}
		w.c.health.suffer(byWriter, err)
		if refusal := w.c.health.refusal(); refusal != nil {
			w.refuseQueued(refusal)
		}
	}
}

// seal dates, numbers and chains the commits of proposals.
func (w *writer) seal(accepted []*proposal) []core.Commit {
	at, sum := w.c.catalog.Position(), w.c.catalog.Sum()
	now := w.c.clock.now()
	if now.Before(w.last) {
		now = w.last // time does not go back in the log
	}
	commits := make([]core.Commit, len(accepted))
	for i, p := range accepted {
		at++
		commits[i] = core.Commit{Position: at, ID: p.id, At: now, By: p.by, Reason: p.reason, Origin: p.origin, Key: p.key, Changes: stamped(p.steps, now)}
		commits[i].Seal(sum)
		sum = commits[i].Sum
	}
	return commits
}

// apply moves the catalog, and everybody who follows it, by the next commits of the log. It is the only way in which the
// catalog moves. A catalog that fails is asked again until ctx ends: what is in the log has happened.
func (w *writer) apply(ctx context.Context, commits []core.Commit) error {
	if len(commits) == 0 {
		return nil
	}
	failpoint("before-apply")
	for _, o := range w.c.observers {
		o.Apply(commits)
	}
	for retry := newBackoff(); ; retry.sleep(ctx) {
		err := w.c.catalog.Apply(ctx, commits)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return err
		}
		w.since.CompareAndSwap(0, time.Now().UnixNano())
		w.c.health.suffer(byWriter, err)
		w.c.logger.Error("the catalog cannot take in a commit; trying again", "position", commits[0].Position, "error", err)
	}
	failpoint("after-apply")
	w.answered()
	last := &commits[len(commits)-1]
	if last.At.After(w.last) {
		w.last = last.At
	}
	w.c.timetable.apply(commits)
	w.c.listeners.tell(last.Position)
	return nil
}

// confirm answers the proposals whose commits have been applied and gives the others.
func confirm(accepted []*proposal, stored []core.Commit) (left []*proposal) {
	byID := make(map[string]*core.Commit, len(stored))
	for i := range stored {
		byID[stored[i].ID] = &stored[i]
	}
	for _, p := range accepted {
		if commit := byID[p.id]; commit != nil {
			p.answer(commit, nil)
		} else {
			left = append(left, p)
		}
	}
	return left
}

// passing reports whether an append may go better next time.
func passing(err error) bool {
	return errors.Is(err, core.ErrPositionTaken) || errors.Is(err, core.ErrUnknownOutcome) || core.CodeOf(err) == core.CodeUnavailable
}

func refuseAll(group []*proposal, err error) {
	for _, p := range group {
		p.answer(nil, err)
	}
}

// stillWanted leaves out proposals whose proposers have stopped waiting.
func stillWanted(group []*proposal) []*proposal {
	var wanted []*proposal
	for _, p := range group {
		if !p.gone.Load() {
			wanted = append(wanted, p)
		}
	}
	return wanted
}

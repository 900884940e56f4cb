package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const (
	withinChange = time.Millisecond // for each change, besides what a fold has for the commits
	enoughBytes  = 32 << 20         // kept in memory of what one view is to become: with so many a batch ends
	enoughKeys   = 10_000           // written: what is saved keeps writers waiting for as long as it takes
)

// limits bound a batch. With each change there is withinChange more.
type limits struct {
	commit time.Duration // for the fold of one commit
	batch  time.Duration // for those of all: with so much the batch ends; 0 is for no bound
	keys   int           // written: with so many the batch ends
	urgent bool          // writers wait
	again  bool          // a commit that takes too long is folded again, with more time; else its fold has failed
}

// pace bounds the folds of views that move with the catalog. Writers wait for them, but for those of a catalog that is made beside
// and not yet near.
func (c *Catalog) pace() limits {
	if c.approaching {
		return c.patiently(limits{keys: enoughKeys})
	}
	return limits{commit: c.options.foldWithin, batch: c.options.foldWithin, keys: enoughKeys, urgent: true, again: true}
}

// viewBatch is what commits do to the table of one view, worked out before it is saved.
type viewBatch struct {
	*view
	limits
	table    int64
	from, to core.Position
	short    bool // it ended before the last commit: the view goes on beside
	overlay  *overlay
	fault    *core.ViewFault // of the plugin: the view is set aside, or goes on beside
	late     bool            // is all that the fault is
	away     error           // of the file: the view tries again
}

// outcome is how the fold of one commit went.
type outcome struct {
	took    time.Duration
	overran bool // its time: it is left behind
	err     error
	stack   string
	away    error
}

// foldBatch folds the next commits within limits, in a goroutine that is left behind when that takes too long.
func (c *Catalog) foldBatch(ctx context.Context, v *view, docs *documents, commits []core.Commit, within limits) *viewBatch {
	f := &viewBatch{view: v, limits: within, table: v.table, from: v.position, to: commits[len(commits)-1].Position, overlay: newOverlay(ctx, docs, v.table, within.urgent)}
	var all []*core.Commit
	for i := range commits {
		if concerned(v.PluginView, &commits[i]) > 0 {
			all = append(all, &commits[i])
		}
	}
	if len(all) == 0 {
		return f
	}
	results := make(chan outcome, len(all)) // so that nothing keeps one that is left behind from ending
	go f.overlay.foldAll(v.PluginView, all, within, results)
	f.gather(ctx, all, results)
	return f
}

// foldAll folds commits one after the other, up to the first that fails, or with which it has been long or much enough, or until
// nobody waits for them any more.
func (o *overlay) foldAll(v *core.PluginView, all []*core.Commit, within limits, results chan<- outcome) {
	defer close(results)
	bounded := within.batch > 0
	for _, c := range all {
		if o.left.Load() || !o.fold(v, c, results) {
			return
		}
		within.batch += time.Duration(concerned(v, c)) * withinChange
		if o.held >= enoughBytes || len(o.written) >= within.keys || bounded && o.spent >= within.batch {
			return
		}
	}
}

var errEnded = errors.New("the fold ended its goroutine")

func (o *overlay) fold(v *core.PluginView, c *core.Commit, results chan<- outcome) bool {
	r := outcome{err: errEnded}
	began, waited := time.Now(), o.waits.total()
	o.began.Store(began.UnixNano() - int64(waited))
	o.begun.Add(1)
	defer func() {
		if p := recover(); p != nil {
			r.err, r.stack = fmt.Errorf("panic: %v", p), string(debug.Stack())
		}
		r.took = max(0, time.Since(began)-(o.waits.total()-waited))
		o.spent += r.took
		results <- r
	}()
	o.bytes, o.before = 0, len(o.written)
	err := v.Fold(o, share(v, c))
	if err == nil {
		err = o.wrong
	}
	r.err, r.away = err, o.away
	return err == nil && o.away == nil
}

// gather waits for the folds, for as long as they may take, and no longer than ctx. One that does not come back keeps its table,
// which nobody looks at any more.
func (f *viewBatch) gather(ctx context.Context, all []*core.Commit, results <-chan outcome) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i, c := range all {
		r, came := f.await(ctx, i, f.commit+time.Duration(concerned(f.PluginView, c))*withinChange, timer, results)
		if !came { // it was enough
			f.to, f.short = all[i-1].Position, true
			return
		}
		f.late = f.again && r.overran
		if f.take(c.Position, r); !f.whole() {
			return
		}
	}
}

// await waits for the fold of one commit, which does not spend its time with waiting for others, nor for its turn.
func (f *viewBatch) await(ctx context.Context, i int, within time.Duration, timer *time.Timer, results <-chan outcome) (r outcome, came bool) {
	o := f.overlay
	for timer.Reset(within); ; {
		select {
		case r, came = <-results:
			return r, came
		case <-ctx.Done():
			o.left.Store(true)
			return outcome{away: ctx.Err()}, true
		case <-timer.C:
		}
		select {
		case r, came = <-results: // at the last moment
			return r, came
		default:
		}
		left := within
		if o.begun.Load() > int64(i) {
			left -= time.Duration(time.Now().UnixNano()-o.began.Load()) - o.waits.total()
		}
		if left <= 0 {
			o.left.Store(true)
			return outcome{took: within, overran: true, err: fmt.Errorf("it did not come back within %s", within)}, true
		}
		timer.Reset(max(left, withinChange))
	}
}

func (f *viewBatch) take(at core.Position, r outcome) {
	switch {
	case r.away != nil:
		f.away = r.away
		return
	case r.err != nil:
		f.fault = &core.ViewFault{At: at, Err: r.err, Stack: r.stack}
	}
	if f.Folded != nil && !f.quiet {
		f.Folded(r.took, r.err)
	}
}

// whole reports whether there is something to save.
func (f *viewBatch) whole() bool { return f.fault == nil && f.away == nil }

// concerned counts the changes of a commit that a view is made from.
func concerned(v *core.PluginView, c *core.Commit) (n int) {
	for i := range c.Changes {
		if wanted(v.Types, c.Changes[i].Type) {
			n++
		}
	}
	return n
}

// share gives what a view is told of a commit: a copy, which it may do with as it likes, of the changes that it is made from.
func share(v *core.PluginView, c *core.Commit) core.Commit {
	own := core.Commit{Position: c.Position, ID: c.ID, At: c.At, By: c.By, Reason: c.Reason}
	for i := range c.Changes {
		if ch := &c.Changes[i]; wanted(v.Types, ch.Type) {
			own.Changes = append(own.Changes, cloned(ch))
		}
	}
	return own
}

func wanted(types []core.TypeName, name core.TypeName) bool {
	if len(types) == 0 {
		return !name.System()
	}
	return slices.Contains(types, name)
}

func cloned(ch *core.Change) core.Change {
	own := *ch
	own.Salt = ""
	own.Draft, own.Published = bytes.Clone(ch.Draft), bytes.Clone(ch.Published)
	m := &own.Meta
	m.PublishedAt, m.Live, m.TrashedAt = copied(m.PublishedAt), copied(m.Live), copied(m.TrashedAt)
	m.Slugs, m.Schedule = slices.Clone(m.Slugs), slices.Clone(m.Schedule)
	return own
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	own := *p
	return &own
}

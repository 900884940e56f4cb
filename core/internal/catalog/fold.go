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

// withinChange is what a fold has for each change of a commit, besides what it has for the commit.
const withinChange = time.Millisecond

// viewBatch is what commits do to the table of one view, worked out before it is saved.
type viewBatch struct {
	*view
	table    int64
	from, to core.Position
	overlay  *overlay
	within   time.Duration   // for a commit
	beside   bool            // while nobody waits
	fault    *core.ViewFault // of the plugin: the view is set aside, or goes on beside
	slow     bool            // is all that the fault is
	away     error           // of the file: the view tries again
}

// outcome is how the fold of one commit went.
type outcome struct {
	took  time.Duration
	err   error
	stack string
	away  error
}

// foldBatch folds the next commits, in a goroutine that is left behind when one of them takes too long. After a commit with which
// the keys written have become most it takes in no further one; 0 is for any number. beside it has more time.
func (c *Catalog) foldBatch(ctx context.Context, v *view, docs *documents, commits []core.Commit, beside bool, most int) *viewBatch {
	f := &viewBatch{view: v, table: v.table, within: c.options.foldWithin, beside: beside, from: v.position, to: commits[len(commits)-1].Position,
		overlay: newOverlay(ctx, docs, v.table)}
	if beside {
		f.within = c.options.foldBeside
	}
	var all []core.Commit
	for i := range commits {
		if c, concerned := share(v.PluginView, &commits[i]); concerned {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return f
	}
	results := make(chan outcome, len(all)) // so that nothing keeps one that is left behind from ending
	go f.overlay.foldAll(v.PluginView, all, most, results)
	f.gather(ctx, all, results)
	return f
}

// foldAll folds commits one after the other, up to the first that fails, or until nobody waits for them any more.
func (o *overlay) foldAll(v *core.PluginView, all []core.Commit, most int, results chan<- outcome) {
	defer close(results)
	for i := range all {
		if o.left.Load() || !o.fold(v, all[i], results) || most > 0 && len(o.written) >= most {
			return
		}
	}
}

var errEnded = errors.New("the fold ended its goroutine")

func (o *overlay) fold(v *core.PluginView, c core.Commit, results chan<- outcome) bool {
	r := outcome{err: errEnded}
	began, waited := time.Now(), o.waits.total()
	defer func() {
		if p := recover(); p != nil {
			r.err, r.stack = fmt.Errorf("panic: %v", p), string(debug.Stack())
		}
		r.took = time.Since(began) - (o.waits.total() - waited)
		results <- r
	}()
	o.bytes = 0
	err := v.Fold(o, c)
	if err == nil {
		err = o.wrong
	}
	r.err, r.away = err, o.away
	return err == nil && o.away == nil
}

// gather waits for the folds, for each as long as it may take, and no longer than ctx. One that does not come back keeps its
// table, which nobody looks at any more.
func (f *viewBatch) gather(ctx context.Context, all []core.Commit, results <-chan outcome) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range all {
		c := &all[i]
		within := f.within + time.Duration(len(c.Changes))*withinChange
		r, more := f.await(ctx, within, timer, results)
		if !more { // enough was written
			f.to = all[i-1].Position
			return
		}
		if f.take(c.Position, r); !f.whole() {
			return
		}
	}
}

// await waits for the fold of one commit, which does not spend its time with waiting for others.
func (f *viewBatch) await(ctx context.Context, within time.Duration, timer *time.Timer, results <-chan outcome) (r outcome, more bool) {
	waited := f.overlay.waits.total()
	for timer.Reset(within); ; {
		select {
		case r, more = <-results:
			return r, more
		case <-ctx.Done():
			f.overlay.left.Store(true)
			return outcome{away: ctx.Err()}, true
		case <-timer.C:
		}
		now := f.overlay.waits.total()
		if now == waited {
			f.overlay.left.Store(true)
			f.slow = true
			return outcome{took: within, err: fmt.Errorf("it did not come back within %s", within)}, true
		}
		timer.Reset(max(now-waited, withinChange))
		waited = now
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

// share gives what a view is told of a commit: a copy, which it may do with as it likes, of the changes that it is made from.
// concerned is false when there is none.
func share(v *core.PluginView, c *core.Commit) (_ core.Commit, concerned bool) {
	own := core.Commit{Position: c.Position, ID: c.ID, At: c.At, By: c.By, Reason: c.Reason}
	for i := range c.Changes {
		if ch := &c.Changes[i]; wanted(v.Types, ch.Type) {
			own.Changes = append(own.Changes, cloned(ch))
		}
	}
	return own, len(own.Changes) > 0
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

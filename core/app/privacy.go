package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/privacy"
)

func (a *App) newPrivacy() *privacy.Service {
	return privacy.New(privacy.Parts{Types: a.types, Catalog: a.catalog, Content: a.writer, Log: a.store.log, Access: a.access, Auditor: a.trail, Compiler: a.compiler,
		Keeper: keeper{a.catalog, a.store.log}, Now: a.clock.Now, Mine: a.redacted.mine, Settle: a.trail.Settle, Logger: a.logger})
}

// Privacy looks after personal data.
func (a *App) Privacy() core.Privacy { return a.privacy }

// redactions watches the log for erasures that other nodes have made: the past is rewritten then, and this node's catalog
// holds what is not in the log any more. A file remembers that from before the catalog takes the commit in until the catalog
// is made anew, over any end of the process.
type redactions struct {
	file  string
	fresh core.Position // up to here the catalog was made of a log that was rewritten already
	tell  func(message string, args ...any)
	due   chan struct{}

	mu  sync.Mutex
	own map[core.EntryID]bool // erasures after which this node has made its catalog anew by itself
}

// newRedactions is called before the catalog is brought up to the end of the log.
func (a *App) newRedactions() *redactions {
	r := &redactions{file: filepath.Join(a.config.Data, "catalog.stale"), tell: a.logger.Error, due: make(chan struct{}, 1), own: map[core.EntryID]bool{}}
	if a.catalog.Position() == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		r.fresh, _ = a.store.log.Last(ctx) // 0 while the store is away: then it is made anew once more
	}
	if _, err := os.Stat(r.file); err == nil {
		r.wake()
	}
	return r
}

// mine notes an erasure of this node.
func (r *redactions) mine(id core.EntryID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own[id] = true
}

// Apply looks for erasures among commits that the catalog is about to take in.
func (r *redactions) Apply(commits []core.Commit) {
	for i := range commits {
		if c := &commits[i]; c.Position > r.fresh && r.foreign(c) {
			r.mark()
			return
		}
	}
}

// foreign reports whether a commit records that the past was rewritten, by an erasure that is not this node's.
func (r *redactions) foreign(c *core.Commit) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	redacted := false
	for i := range c.Changes {
		ch := &c.Changes[i]
		redacted = redacted || ch.Op == core.OpRedact
		if ch.Type == "_erasure" && r.own[ch.Entry] {
			delete(r.own, ch.Entry)
			return false
		}
	}
	return redacted
}

func (r *redactions) mark() {
	if err := os.WriteFile(r.file, nil, 0o600); err != nil {
		r.tell("an erasure cannot be noted: rebuild the catalog of this node by hand if it stops now", "file", r.file, "error", err)
	}
	r.wake()
}

func (r *redactions) wake() {
	select {
	case r.due <- struct{}{}:
	default: // it is known already
	}
}

// gather is how long a node waits for further erasures before it makes its catalog anew.
const gather = 2 * time.Second

// follow makes the catalog anew after erasures of other nodes, until ctx ends.
func (r *redactions) follow(ctx context.Context, rebuild func(context.Context) error) {
	for {
		select {
		case <-r.due:
		case <-ctx.Done():
			return
		}
		if !pause(ctx, gather) {
			return
		}
		select {
		case <-r.due: // further ones, in one go
		default:
		}
		if err := rebuild(ctx); err != nil {
			r.wake()
			if ctx.Err() == nil && core.CodeOf(err) != core.CodeConflict {
				r.tell("the catalog cannot be made anew after an erasure; it is tried again", "error", err)
			}
			continue
		}
		r.forget()
	}
}

// forget takes the mark away, unless another erasure has come meanwhile.
func (r *redactions) forget() {
	if len(r.due) > 0 {
		return
	}
	if err := os.Remove(r.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.tell("the mark of an erasure cannot be removed", "file", r.file, "error", err)
	}
	if len(r.due) > 0 { // it came in between
		r.mark()
	}
}

// pause waits, and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// resumeErasures finishes what was interrupted. What keeps it from that, other than a store that is away, must not keep the node
// from serving: it is tried again later.
func (a *App) resumeErasures(ctx context.Context) error {
	err := a.privacy.Resume(ctx)
	if err == nil || core.CodeOf(err) == core.CodeUnavailable || ctx.Err() != nil {
		return err
	}
	a.logger.Error("an erasure that was interrupted cannot be finished; it is tried again", "error", err)
	return nil
}

// keepPrivacy does what personal data needs in the background, until ctx ends.
func (a *App) keepPrivacy(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		a.redacted.follow(ctx, func(ctx context.Context) error {
			_, err := keeper{a.catalog, a.store.log}.Rebuild(ctx)
			return err
		})
	})
	running.Go(func() {
		for pause(ctx, sweepLook) {
			if err := a.resumeErasures(ctx); err != nil && ctx.Err() == nil {
				a.logger.Warn("an erasure that was interrupted waits for the store", "error", err)
			}
		}
	})
	if a.config.Privacy.Sweep && !a.options.Errand {
		running.Go(func() { a.sweepDaily(ctx) })
	}
}

const (
	sweepName  = "privacy-sweep" // of the lease, and of the key that holds when it was done
	sweepEvery = 24 * time.Hour
	sweepLook  = 20 * time.Minute // how often it is looked whether it is time
	sweepLease = 2 * time.Hour
)

// sweepDaily erases what has been kept for too long, once a day on one node of the store.
func (a *App) sweepDaily(ctx context.Context) {
	for {
		if err := a.sweepOnce(ctx); err != nil && ctx.Err() == nil && core.CodeOf(err) != core.CodeConflict {
			a.logger.Warn("the sweep of personal data will be tried again", "error", err)
		}
		if !pause(ctx, sweepLook) {
			return
		}
	}
}

// sweepOnce sweeps when a day has passed since the last time, and no other node is at it.
func (a *App) sweepOnce(ctx context.Context) error {
	me := holder()
	if _, err := a.store.log.Lease(ctx, sweepName, me, sweepLease); err != nil {
		return err
	}
	defer func() { _ = a.store.log.Release(context.WithoutCancel(ctx), sweepName, me) }() // else it runs out by itself
	done, err := a.store.log.Get(ctx, sweepName)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	if last, err := time.Parse(time.RFC3339, string(done.Value)); err == nil && a.clock.Now().Sub(last) < sweepEvery {
		return nil
	}
	report, err := a.privacy.Retention(ctx, core.System, false)
	if err != nil {
		return err
	}
	a.logger.Info("personal data was swept", "due", len(report.Due))
	_, err = a.store.log.Set(context.WithoutCancel(ctx), core.KV{Key: sweepName, Version: done.Version, Value: []byte(a.clock.Now().Format(time.RFC3339))})
	return err
}

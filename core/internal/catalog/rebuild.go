package catalog

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const logStep = 500 // commits read at once

// Rebuild makes the catalog anew from the log, beside the one that goes on answering, and then puts it in its
// place, at the very position where that one stands by then. progress, when not nil, is told how far it has come. Writes
// wait for the last step only. Whatever fails, the catalog that was there stays and goes on. CodeConflict when one is being
// rebuilt or verified already.
func (c *Catalog) Rebuild(ctx context.Context, log core.Log, progress func(at core.Position)) (*core.Rebuilt, error) {
	begun := time.Now()
	ctx, done, err := c.remake(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	next, err := c.beside(ctx)
	if err != nil {
		return nil, core.Wrap("catalog.Rebuild", err)
	}
	if err := c.approach(ctx, next, log, progress); err != nil {
		next.discard()
		return nil, core.Wrap("catalog.Rebuild", err)
	}
	made, over, err := c.replace(ctx, next, log)
	over.discard()
	if err == nil {
		err = next.docs.sweepViews(ctx) // of those that were dropped meanwhile
	}
	if err != nil {
		return nil, core.Wrap("catalog.Rebuild", err)
	}
	made.TookMs = time.Since(begun).Milliseconds()
	return made, nil
}

// remake begins what may be done once at a time. The context that it gives ends with the catalog too; done must be called.
func (c *Catalog) remake(ctx context.Context) (_ context.Context, done func(), err error) {
	if !c.remaking.TryLock() {
		return nil, nil, &core.Error{Code: core.CodeConflict, Reason: "in_use", Message: "The catalog is being rebuilt or verified already. Wait until that is done.",
			Texts: core.Text{"en": "The catalog is being rebuilt or verified already. Wait until that is done.",
				"fr": "Le catalogue est déjà en cours de reconstruction ou de vérification. Attendez la fin."}}
	}
	ctx, cancel := c.untilClosed(ctx)
	return ctx, func() { cancel(); c.remaking.Unlock() }, nil
}

// beside opens an empty catalog in the file that this one does not use.
func (c *Catalog) beside(ctx context.Context) (*Catalog, error) {
	return c.besideIn(ctx, c.dir, otherFile(c.name))
}

func (c *Catalog) besideIn(ctx context.Context, dir, name string) (*Catalog, error) {
	next := &Catalog{dir: dir, name: name, types: c.types, now: c.now, options: c.options, moved: make(chan struct{}), patience: c.options.patience}
	if err := removeFile(next.file()); err != nil {
		return nil, core.Errorf(core.CodeUnavailable, "The file %s cannot be removed: check the rights on the data directory. %w", next.name, err)
	}
	if err := next.open(ctx, dir); err != nil {
		return nil, err
	}
	if err := next.adopt(ctx, c); err != nil {
		next.discard()
		return nil, err
	}
	return next, nil
}

// discard closes and removes a catalog that was made beside.
func (c *Catalog) discard() {
	c.text.close()
	c.docs.close()
	c.remove()
}

// approach brings a catalog that is made beside near to this one, which goes on meanwhile, and never past it: types and
// times of what this one has not taken in yet are not known. The second round is for what came while the texts were indexed.
// The folds of views may take as long as there is patience; what is left of them then is for afterwards.
func (c *Catalog) approach(ctx context.Context, next *Catalog, log core.Log, progress func(at core.Position)) error {
	next.approaching = true
	defer func() { next.approaching = false }()
	for range 2 {
		if err := next.bringViews(ctx, log); err != nil {
			return err
		}
		for at := next.Position(); at < c.Position(); at = next.Position() {
			if err := next.replayTo(ctx, log, min(c.Position(), at+logStep)); err != nil {
				return err
			}
			if err := next.bringViews(ctx, log); err != nil {
				return err
			}
			if progress != nil {
				progress(next.Position())
			}
		}
		if err := next.text.drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// bringViews brings the views of a catalog that is made beside to where it stands, as long as it has patience.
func (c *Catalog) bringViews(ctx context.Context, log core.Log) error {
	for _, v := range c.following {
		for at := c.stands(v); at.standing == core.ViewCatchingUp && c.patience > 0; at = c.stands(v) {
			var err error
			if c.spend(func() { err = c.advance(ctx, log, v, at) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// patiently gives the limits for folds that nobody waits for, but for who makes a catalog beside, as long as he has patience.
func (c *Catalog) patiently(l limits) limits {
	l.commit = c.options.foldBeside
	if c.approaching {
		l.batch = max(c.patience, 1)
		l.commit, l.again = min(l.commit, l.batch), l.commit > l.batch
	}
	return l
}

// spend takes the time of f off the patience.
func (c *Catalog) spend(f func()) {
	begun := time.Now()
	f()
	if c.approaching {
		c.patience = max(0, c.patience-time.Since(begun))
	}
}

// replayTo applies what the log has up to a position that another catalog has reached.
func (c *Catalog) replayTo(ctx context.Context, log core.Log, at core.Position) error {
	for c.m.position < at {
		commits, err := log.Read(ctx, c.m.position+1, min(logStep, int(at-c.m.position)))
		if err != nil {
			return err
		}
		if len(commits) == 0 {
			return logEnds(c.m.position, at)
		}
		if err := c.Apply(ctx, commits); err != nil {
			return err
		}
	}
	return nil
}

// level brings a catalog that was made beside to where this one stands: both are at one position, with one set of types
// and at one time then. The caller holds this one's applying.
func (c *Catalog) level(ctx context.Context, other *Catalog, log core.Log) error {
	if err := other.replayTo(ctx, log, c.m.position); err != nil {
		return err
	}
	types, now := c.types.Types(), c.now()
	for _, one := range [...]*Catalog{c, other} {
		for _, t := range types {
			if err := one.bind(ctx, t); err != nil {
				return err
			}
		}
		if err := one.followTypes(ctx); err != nil {
			return err
		}
		one.carryOutAt(now)
	}
	return nil
}

// replace puts a catalog that was made beside in the place of this one. over is what is not needed any more: the parts that
// served until then, or those of next when it fails.
func (c *Catalog) replace(ctx context.Context, next *Catalog, log core.Log) (made *core.Rebuilt, over *Catalog, err error) {
	c.applying.Lock()
	defer c.applying.Unlock()
	if err := c.level(ctx, next, log); err != nil {
		return nil, next, err
	}
	if err := next.forgetLeft(ctx, c); err != nil {
		return nil, next, err
	}
	if err := next.text.drain(ctx); err != nil {
		return nil, next, err
	}
	if err := c.text.wait(ctx); err != nil { // or a search could miss, between halt and swap, what it may know of
		return nil, next, err
	}
	if _, err := next.docs.db.Write.ExecContext(ctx, `pragma wal_checkpoint(truncate)`); err != nil {
		return nil, next, err
	}
	next.text.halt()
	if err := next.makeCurrent(); err != nil {
		return nil, next, err
	}
	over = c.swap(next)
	return &core.Rebuilt{Position: c.m.position, Entries: c.m.entries()}, over, nil
}

// swap makes the parts of another catalog this one's and gives those that it had. Nothing in it can fail: what serves is the old or the new as a whole.
func (c *Catalog) swap(next *Catalog) (old *Catalog) {
	c.text.halt()
	var report func()
	defer func() { report() }()
	c.mu.Lock()
	defer c.mu.Unlock()
	report = c.takeViews(next)
	old = &Catalog{dir: c.dir, name: c.name, docs: c.docs, text: c.text}
	c.name, c.docs, c.m, c.text = next.name, next.docs, next.m, next.text
	c.publish(c.m.shelves...)
	c.text.start(c)
	c.text.enqueue(nil) // what was still waiting is taken up again
	return old
}

// entries counts the entries of all types.
func (m *memory) entries() (n int) {
	for _, s := range m.shelves {
		n += s.entries
	}
	return n
}

// drain waits until everything asked for so far is in the index.
func (x *texts) drain(ctx context.Context) error {
	for {
		covered, err := x.waitFor(ctx, time.Second)
		if covered || err != nil {
			return err
		}
		x.mu.Lock()
		failed := x.failed
		x.mu.Unlock()
		if failed != nil {
			return failed
		}
	}
}

package catalog

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// besideName is the folder of a catalog that is being made beside the one that serves.
const besideName = "rebuild"

const logStep = 500 // commits read at once

// Rebuild makes the catalog anew from the log, beside the one that goes on answering, and then puts it in its
// place. progress, when not nil, is told how far it has come.
func (c *Catalog) Rebuild(ctx context.Context, log core.Log, progress func(at core.Position)) error {
	next, err := c.beside(ctx)
	if err != nil {
		return core.Wrap("catalog.Rebuild", err)
	}
	if err = next.replay(ctx, log, progress); err == nil {
		if err = next.text.drain(ctx); err == nil {
			err = c.replace(ctx, next, log)
		}
	}
	if err != nil {
		next.discard()
	}
	return core.Wrap("catalog.Rebuild", err)
}

// beside opens an empty catalog in a folder of this one.
func (c *Catalog) beside(ctx context.Context) (*Catalog, error) {
	dir := filepath.Join(c.dir, besideName)
	if err := os.RemoveAll(dir); err != nil {
		return nil, core.Errorf(core.CodeUnavailable, "The folder %s cannot be emptied: check the rights on the data directory. %w", besideName, err)
	}
	next := &Catalog{dir: dir, types: c.types, now: c.now, options: c.options, moved: make(chan struct{})}
	return next, next.open(ctx, c.dir)
}

// discard closes and removes a catalog that was made beside.
func (c *Catalog) discard() {
	if c.docs == nil {
		return
	}
	c.text.close()
	c.docs.close()
	os.RemoveAll(c.text.dir)
	os.RemoveAll(c.dir)
}

// replay applies what the log has after Position.
func (c *Catalog) replay(ctx context.Context, log core.Log, progress func(at core.Position)) error {
	for {
		commits, err := log.Read(ctx, c.Position()+1, logStep)
		if err != nil || len(commits) == 0 {
			return err
		}
		if err := c.Apply(ctx, commits); err != nil {
			return err
		}
		if progress != nil {
			progress(c.Position())
		}
	}
}

// replace puts a catalog that was made beside in the place of this one, at the same position or a later one.
func (c *Catalog) replace(ctx context.Context, next *Catalog, log core.Log) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	for next.Position() < c.m.position {
		before := next.Position()
		if err := next.replay(ctx, log, nil); err != nil {
			return err
		}
		if next.Position() == before {
			return core.Errorf(core.CodeConflict, "The log ends at %d, and the catalog has already seen %d: it is the catalog of another log.", before, c.m.position)
		}
	}
	next.text.halt()
	if _, err := next.docs.db.Write.ExecContext(ctx, `pragma wal_checkpoint(truncate)`); err != nil {
		return err
	}
	return c.swap(ctx, next)
}

func (c *Catalog) swap(ctx context.Context, next *Catalog) error {
	c.text.halt()
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.text
	if err := next.docs.close(); err != nil {
		return err
	}
	if err := c.docs.close(); err != nil {
		return err
	}
	if err := os.Rename(next.file(), c.file()); err != nil {
		return core.Errorf(core.CodeUnavailable, "The rebuilt catalog cannot be put in its place: check the rights on the data directory, and start again. %w", err)
	}
	docs, err := openDocuments(c.file(), c.options.CacheBytes)
	if err != nil {
		return err
	}
	c.docs, c.m, c.text = docs, next.m, next.text
	c.publish(c.m.shelves...)
	c.text.start(c)
	old.index.Close()
	os.RemoveAll(old.dir)
	os.RemoveAll(next.dir)
	return nil
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

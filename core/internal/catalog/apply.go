package catalog

import (
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// Apply folds the next commits.
func (c *Catalog) Apply(ctx context.Context, commits []core.Commit) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	commits, err := c.unseen(commits)
	if err != nil || len(commits) == 0 {
		return err
	}
	if err := c.bindAll(ctx, commits); err != nil {
		return core.Wrap("catalog.Apply", err)
	}
	b := newBatch(c.m, c.docs.nextRow)
	b.made = c.madeNow()
	for i := range commits {
		b.fold(&commits[i])
	}
	b.extract()
	b.views = c.foldViews(ctx, commits)
	if err := c.docs.save(ctx, b); err != nil {
		return writeError(err)
	}
	c.docs.nextRow = b.nextRow
	for name := range b.touched {
		s := c.m.byName[name]
		s.saved = s.hash
	}
	c.show(b)
	for _, f := range b.views {
		f.report(f)
	}
	for name := range b.touched {
		_ = c.tidy(ctx, c.m.byName[name]) // what was applied stands without it, and the next call tries again
	}
	return nil
}

func writeError(err error) error {
	if sqlite.Unavailable(err) {
		return core.Errorf(core.CodeUnavailable, "The catalog's file cannot be written: check the data directory and the room on its disk. %w", err)
	}
	return core.Wrap("catalog.Apply", err)
}

// unseen gives the commits after Position.
func (c *Catalog) unseen(commits []core.Commit) ([]core.Commit, error) {
	at := c.m.position
	for len(commits) > 0 && commits[0].Position <= at {
		commits = commits[1:]
	}
	for i := range commits {
		if want := at + 1 + core.Position(i); commits[i].Position != want {
			return nil, core.Errorf(core.CodeInternal, "the catalog stands at %d and was given commit %d where %d comes next", at, commits[i].Position, want)
		}
	}
	return commits, nil
}

// show makes a saved batch visible.
func (c *Catalog) show(b *batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.m
	for _, number := range b.order {
		m.put(b.records[number], c.types, func(row int64) []byte { return b.extracted[row] })
	}
	m.position, m.sum = b.position, b.sum
	for _, f := range b.views {
		f.settle(f)
	}
	for _, n := range b.made {
		if n.view.table == n.table {
			n.view.made = n.of
		}
	}
	clear(c.met)
	changed := make([]*shelf, 0, len(b.touched))
	for name := range b.touched {
		changed = append(changed, m.byName[name])
	}
	c.text.enqueue(b.order)
	c.publish(changed...)
}

// bindAll makes a shelf for every type in the commits and brings shelves up to the types as they are known now.
func (c *Catalog) bindAll(ctx context.Context, commits []core.Commit) error {
	for i := range commits {
		for k := range commits[i].Changes {
			c.ensure(commits[i].Changes[k].Type)
		}
	}
	for _, s := range c.m.shelves {
		if t, ok := c.types.Type(s.name); ok && t.Hash != s.hash {
			if err := c.bind(ctx, t); err != nil {
				return err
			}
		}
	}
	return c.followTypes(ctx)
}

// ensure makes a shelf for a type, if there is none.
func (c *Catalog) ensure(name core.TypeName) {
	if _, ok := c.m.byName[name]; ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.shelf(name, c.types)
	if c.met == nil {
		c.met = map[core.TypeName]bool{}
	}
	c.met[name] = true
}

// OnType tells that a type became known or changed: its columns are made for it. old may be nil. Reads go on
// meanwhile, with the columns as they were.
func (c *Catalog) OnType(ctx context.Context, t, _ *core.Type) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	if err := c.bind(ctx, t); err != nil {
		return core.Wrap("catalog.OnType", err)
	}
	return core.Wrap("catalog.OnType", c.followTypes(ctx))
}

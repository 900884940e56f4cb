package content

import (
	"context"

	"github.com/palabre-cms/palabre/core"
)

// follow takes in the commits of other nodes until ctx ends.
func (c *Content) follow(ctx context.Context) {
	for retry := newBackoff(); ctx.Err() == nil; {
		if err := c.followOnce(ctx); err != nil && ctx.Err() == nil {
			c.health.suffer(byFollower, err)
			retry.sleep(ctx)
			continue
		}
		retry = newBackoff()
	}
}

// followOnce applies the commits after the catalog's position, or waits for some. It reads before it stops the writer,
// so that looking costs writers nothing, and before it waits, so that a store that is back is noticed.
func (c *Content) followOnce(ctx context.Context) error {
	at := c.catalog.Position()
	commits, err := c.log.Read(ctx, at+1, readAhead)
	if err != nil {
		return err
	}
	c.health.recover(byFollower)
	if len(commits) == 0 {
		return c.log.Wait(ctx, at)
	}
	return c.takeIn(ctx, commits)
}

// takeIn applies what of the commits the catalog does not have yet.
func (c *Content) takeIn(ctx context.Context, commits []core.Commit) error {
	c.writer.moving.Lock()
	defer c.writer.moving.Unlock()
	at := c.catalog.Position()
	for len(commits) > 0 && commits[0].Position <= at {
		commits = commits[1:]
	}
	return c.writer.apply(ctx, commits)
}

// readAhead is how many commits are read at once. One may weigh 8 MB, most weigh a few kB.
const readAhead = 16

// readFrom reads the log from a position to its end.
func (c *Content) readFrom(ctx context.Context, from core.Position) ([]core.Commit, error) {
	var all []core.Commit
	for {
		commits, err := c.log.Read(ctx, from, readAhead)
		if err != nil || len(commits) == 0 {
			return all, err
		}
		all = append(all, commits...)
		from += core.Position(len(commits))
	}
}

// catchUpBeforeServing brings the catalog to the end of the log, unless the store is away.
func (c *Content) catchUpBeforeServing(ctx context.Context) error {
	err := c.setClock(ctx)
	for err == nil {
		var commits []core.Commit
		commits, err = c.log.Read(ctx, c.catalog.Position()+1, readAhead)
		if err == nil && len(commits) == 0 {
			return nil
		}
		if err == nil {
			err = c.takeIn(ctx, commits)
		}
	}
	if core.CodeOf(err) != core.CodeUnavailable || ctx.Err() != nil {
		return core.Wrap("content.Start", err)
	}
	c.health.suffer(byHeartbeat, err)
	c.logger.Warn("the store is away: serving what the catalog has, and writing nothing for now", "position", c.catalog.Position(), "error", err)
	return nil
}

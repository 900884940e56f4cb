package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// storeClock is the store's clock, at hand: what is due is judged by it on every node, however wrong the node's own
// clock is. Between two measures it goes on with the node's; before the first it is the node's.
type storeClock struct {
	log   core.Log
	ahead atomic.Int64     // of this node's clock, in nanoseconds
	heard atomic.Bool      // whether the store has ever answered
	set   func() time.Time // instead of all that, in tests
}

const measureEvery = 10 * time.Second

func newStoreClock(log core.Log) *storeClock {
	c := &storeClock{log: log}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.measure(ctx)
	return c
}

// Now gives the store's time. It never waits.
func (c *storeClock) Now() time.Time {
	if c.set != nil {
		return c.set().UTC()
	}
	return time.Now().Add(time.Duration(c.ahead.Load())).UTC()
}

// measure asks the store; while it is away, the last measure stands.
func (c *storeClock) measure(ctx context.Context) {
	before := time.Now()
	now, err := c.log.Now(ctx)
	if err == nil {
		c.heard.Store(true)
		c.ahead.Store(int64(now.Sub(before.Add(time.Since(before) / 2))))
	}
}

// run measures now and then.
func (c *storeClock) run(ctx context.Context) {
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			c.measure(ctx)
		case <-ctx.Done():
			return
		}
	}
}

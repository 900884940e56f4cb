package content

import (
	"context"
	"sync/atomic"
	"time"
)

// clock tells the store's time without asking the store each time: by this node's monotonic clock and how far the
// store's was ahead when last asked. The zero clock is the node's own.
type clock struct{ ahead atomic.Int64 }

func (k *clock) now() time.Time {
	return time.Now().Add(time.Duration(k.ahead.Load())).UTC().Truncate(time.Millisecond)
}

func (k *clock) set(store time.Time) { k.ahead.Store(int64(time.Until(store))) }

// setClock asks the store for its time.
func (c *Content) setClock(ctx context.Context) error {
	now, err := c.log.Now(ctx)
	if err == nil {
		c.clock.set(now)
	}
	return err
}

// heartbeat asks the store for its time and its end now and then, until ctx ends: the clock is put right, an outage is
// noticed before anybody writes, and its end too.
func (c *Content) heartbeat(ctx context.Context) {
	for retry := newBackoff(); ctx.Err() == nil; {
		if err := c.feelPulse(ctx); err != nil && ctx.Err() == nil {
			c.health.suffer(byHeartbeat, err)
			retry.sleep(ctx)
			continue
		}
		retry = newBackoff()
		c.health.recover(byHeartbeat)
		c.health.recoverIdle()
		pause(ctx, heartbeatPace)
	}
}

// feelPulse asks something that the store must answer itself: its time may be counted on from an earlier answer.
func (c *Content) feelPulse(ctx context.Context) error {
	if _, err := c.log.Last(ctx); err != nil {
		return err
	}
	return c.setClock(ctx)
}

const heartbeatPace = 2 * time.Second

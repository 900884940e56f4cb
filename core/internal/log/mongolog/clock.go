package mongolog

import (
	"context"
	"sync"
	"time"
)

const (
	// clockAge is how long a measure of the server's clock counts as fresh.
	clockAge = 10 * time.Second
	// clockSlip is how far this machine's two clocks may part before a measure is thrown away: they do when the machine
	// has slept, and then the monotonic clock has stood still.
	clockSlip = time.Second
)

// clock follows the server's clock.
type clock struct {
	ask func(context.Context) (time.Time, error) // one round trip

	mu         sync.Mutex
	server     time.Time // the server's time …
	local      time.Time // … when the machine's monotonic clock had this one …
	wall       time.Time // … and its wall clock this one
	refreshing bool
}

// now counts on from the last measure. The time is zero when there is none that could be used.
func (c *clock) now() (now time.Time, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.IsZero() {
		return time.Time{}, false
	}
	here := time.Now()
	elapsed := here.Sub(c.local) // monotonic
	if (here.Round(0).Sub(c.wall) - elapsed).Abs() > clockSlip {
		return time.Time{}, false
	}
	return c.server.Add(elapsed).Truncate(time.Millisecond), elapsed < clockAge
}

// measure asks the server. Its answer was made somewhere within the round trip: the middle is taken.
func (c *clock) measure(ctx context.Context) (time.Time, error) {
	before := time.Now()
	server, err := c.ask(ctx)
	if err != nil {
		return time.Time{}, err
	}
	after := time.Now()
	server = server.Add(after.Sub(before) / 2)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server, c.local, c.wall = server, after, after.Round(0)
	return server.Truncate(time.Millisecond), nil
}

// refresh measures in the background, one at a time. A failure leaves the old measure.
func (c *clock) refresh(ctx context.Context, background *sync.WaitGroup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refreshing {
		return
	}
	c.refreshing = true
	background.Go(func() {
		c.measure(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refreshing = false
	})
}

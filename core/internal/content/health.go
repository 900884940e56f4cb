package content

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// health knows whether the store answers, from those who ask it. The zero health is well.
type health struct {
	mu       sync.Mutex
	troubles [witnesses]trouble
}

// witness is one who asks the store, and so notices when it is away and when it is back.
type witness int

const (
	byWriter witness = iota
	byFollower
	byHeartbeat
	witnesses
)

// trouble is what a witness has met since it last got an answer.
type trouble struct {
	cause       error // nil when all is well
	since, last time.Time
}

const (
	// grace is how long a fault may last before writes are refused at once instead of waiting for its end.
	grace = 250 * time.Millisecond
	// probeAfter is how long writes are refused after the writer's last attempt; then one may find out.
	probeAfter = time.Second
)

func (h *health) suffer(w witness, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &h.troubles[w]
	t.last = time.Now()
	if t.cause == nil {
		t.since = t.last
	}
	t.cause = err
}

func (h *health) recover(w witness) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.troubles[w].cause = nil
}

// recoverIdle clears a trouble of the writer that nobody is trying to mend, for one who saw the store answer.
func (h *health) recoverIdle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := &h.troubles[byWriter]; time.Since(t.last) > probeAfter {
		t.cause = nil
	}
}

// err is what Ready says.
func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.troubles {
		if cause := h.troubles[i].cause; cause != nil {
			return unavailable(cause)
		}
	}
	return nil
}

// refusal is what a new write is told while the store is known to be away: that it need not wait.
func (h *health) refusal() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.troubles {
		t := &h.troubles[w]
		probing := witness(w) == byWriter && time.Since(t.last) > probeAfter
		if t.cause != nil && time.Since(t.since) > grace && !probing {
			return unavailable(t.cause)
		}
	}
	return nil
}

func unavailable(cause error) error {
	err := core.Refuse(core.CodeUnavailable, "", "The store is away: nothing was written. Try again in a moment.", "Le stockage est indisponible : rien n’a été écrit. Réessayez dans un instant.")
	err.Err = cause
	return err
}

// backoff waits longer and longer, never the same time as others.
type backoff struct{ next time.Duration }

const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

func newBackoff() *backoff { return &backoff{next: shortestPause} }

func (b *backoff) sleep(ctx context.Context) {
	pause(ctx, b.next/2+rand.N(b.next))
	b.next = min(2*b.next, longestPause)
}

// pause waits, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

package content

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// health knows whether the store answers. The zero health is well.
type health struct {
	mu    sync.Mutex
	cause error     // what went wrong; nil when all is well
	retry time.Time // until then writes are refused at once; afterwards one may find out
}

// probeAfter is how long writes are refused at once after a fault.
const probeAfter = time.Second

func (h *health) suffer(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cause, h.retry = err, time.Now().Add(probeAfter)
}

func (h *health) recover() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cause = nil
}

// recoverLater is recover for one who saw the store answer, but not take a commit.
func (h *health) recoverLater() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().After(h.retry) {
		h.cause = nil
	}
}

func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause == nil {
		return nil
	}
	return unavailable(h.cause)
}

// refusal is what a new write is told: wait, while the store is known to be away.
func (h *health) refusal() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause == nil || time.Now().After(h.retry) {
		return nil
	}
	return unavailable(h.cause)
}

func unavailable(cause error) error {
	err := refuse(core.CodeUnavailable, "", "The store is away: nothing was written. Try again in a moment.", "Le stockage est indisponible : rien n’a été écrit. Réessayez dans un instant.")
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
	timer := time.NewTimer(b.next/2 + rand.N(b.next))
	defer timer.Stop()
	b.next = min(2*b.next, longestPause)
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

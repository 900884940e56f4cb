package basemap

import (
	"net/http"
	"sync"
	"time"
)

const (
	firstPause = 2 * time.Second
	maxPause   = 10 * time.Minute
	maxRetry   = 24 * time.Hour // how long a server can ask to be left alone
)

// retryAfter is how long the server asks to be left alone.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if at, err := http.ParseTime(value); err == nil {
		return min(at.Sub(now), maxRetry)
	}
	return min(seconds(value), maxRetry)
}

// backoff keeps away from a server that has failed: two seconds, then twice as long each time, up to ten minutes, or as
// long as the server asks.
type backoff struct {
	mu    sync.Mutex
	pause time.Duration
	until time.Time
}

func (b *backoff) holds(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(b.until)
}

func (b *backoff) failed(now time.Time, asked time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !now.Before(b.until) { // otherwise it ran beside the one that failed first
		b.pause = min(max(2*b.pause, firstPause), maxPause)
	}
	wait := max(b.pause, asked)
	if until := now.Add(wait); until.After(b.until) {
		b.until = until
	}
	return wait
}

func (b *backoff) worked() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pause, b.until = 0, time.Time{}
}

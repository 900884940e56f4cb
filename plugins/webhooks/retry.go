package webhooks

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// schedule is the pause before each attempt at a delivery. After the last one it is a dead letter.
var schedule = []time.Duration{0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// maxRetryAfter is how long a receiver may put off the next attempt.
const maxRetryAfter = 24 * time.Hour

// pauseBefore is the pause before the attempt that follows so many tries: as the schedule has it, give or take a tenth, and no
// shorter than the receiver asks for.
func pauseBefore(tries int, asked time.Duration) time.Duration {
	pause := time.Duration(float64(schedule[tries]) * (0.9 + 0.2*rand.Float64()))
	return max(pause, asked)
}

// retryAfter reads how long a receiver asks to be left alone: in seconds, or until a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// throttles reports whether an answer asks to be sent less.
func throttles(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

const (
	breaksAfter  = 5 // failures in a row
	shortestOpen = 5 * time.Second
	longestOpen  = 10 * time.Minute
)

// breaker keeps an endpoint that fails from being asked again and again: it opens after some failures in a row, or when the
// receiver asks for it; then one request at a time tries whether it is well again. The zero breaker is closed.
type breaker struct {
	failures int
	pause    time.Duration
	until    time.Time
}

func (b *breaker) succeeded() { *b = breaker{} }

func (b *breaker) failed(now time.Time, throttled bool, asked time.Duration) {
	b.failures++
	if throttled {
		b.failures = max(b.failures, breaksAfter)
	}
	if b.failures < breaksAfter {
		return
	}
	b.pause = min(max(2*b.pause, shortestOpen), longestOpen)
	b.until = now.Add(max(b.pause, asked))
}

// admits says whether a request may be made now, with so many under way.
func (b *breaker) admits(now time.Time, underway int) bool {
	if b.failures < breaksAfter {
		return underway < concurrency
	}
	return underway == 0 && !now.Before(b.until)
}

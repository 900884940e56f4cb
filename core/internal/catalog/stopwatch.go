package catalog

import (
	"sync"
	"time"
)

// stopwatch adds up times. Others may look at it while it runs.
type stopwatch struct {
	mu    sync.Mutex
	sum   time.Duration
	since time.Time // zero while it stands
}

func (s *stopwatch) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Now()
}

func (s *stopwatch) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum += time.Since(s.since)
	s.since = time.Time{}
}

func (s *stopwatch) total() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		return s.sum
	}
	return s.sum + time.Since(s.since)
}

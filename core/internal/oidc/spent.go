package oidc

import (
	"sync"
	"time"
)

// maxSpent bounds what is remembered. Beyond it a state may be tried again, with a code that its provider takes once only.
const maxSpent = 100_000

// spent remembers which states were used on this node, until they expire.
type spent struct {
	mu     sync.Mutex
	states map[string]time.Time
}

func newSpent() *spent { return &spent{states: map[string]time.Time{}} }

// take reports whether a state is used for the first time.
func (s *spent) take(state string, expires, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, used := s.states[state]; used {
		return false
	}
	if len(s.states) >= maxSpent {
		s.sweep(now)
	}
	s.states[state] = expires
	return true
}

// sweep makes room: all that has expired, and at least one.
func (s *spent) sweep(now time.Time) {
	for state, expires := range s.states {
		if !now.Before(expires) || len(s.states) >= maxSpent {
			delete(s.states, state)
		}
	}
}

package account

import (
	"context"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// The audit is told of a failure at once, but of no more than so many a minute: strangers must not be able to fill the
// log. The others are told as a number.
const (
	toldFailures = 30
	toldWithin   = time.Minute
)

// failures counts sign-ins that failed and were not told one by one.
type failures struct {
	mu    sync.Mutex
	now   func() time.Time
	since time.Time
	told  int
	more  int
}

func newFailures(now func() time.Time) *failures { return &failures{now: now} }

// tell reports whether this failure is to be told by itself.
func (f *failures) tell() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); now.Sub(f.since) >= toldWithin {
		f.since, f.told = now, 0
	}
	if f.told == toldFailures {
		f.more++
		return false
	}
	f.told++
	return true
}

// rest gives how many were not told, and forgets them.
func (f *failures) rest() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.more
	f.more = 0
	return n
}

// failed notes a sign-in that failed. u is nil when there is no such account: what was typed instead is not kept, since
// it may be a password in the wrong place.
func (s *Service) failed(ctx context.Context, u *record, reason string) {
	if !s.failures.tell() {
		return
	}
	e := core.AuditEvent{Event: core.AuditSignInFailed, Count: 1, Detail: map[string]any{"reason": reason}}
	if u != nil {
		e.Type, e.Entry = UserType, u.id
	}
	s.note(ctx, core.Anonymous, e)
}

// tellFailures notes those that were not told.
func (s *Service) tellFailures(ctx context.Context) {
	if n := s.failures.rest(); n > 0 {
		s.note(ctx, core.System, core.AuditEvent{Event: core.AuditSignInFailed, Count: n, Detail: map[string]any{"reason": "many"}})
	}
}

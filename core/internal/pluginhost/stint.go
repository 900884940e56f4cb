package pluginhost

import (
	"context"
	"sync"
	"time"
)

// stint is one time that a plugin is on: what it has begun, from its start to its end.
type stint struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	ended bool
	work  sync.WaitGroup
}

func newStint(ctx context.Context) *stint {
	s := &stint{}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// run begins something that lasts until the stint ends. After that nothing begins any more, and it gives false.
func (s *stint) run(f func(ctx context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.work.Go(func() { f(s.ctx) })
	}
	return !s.ended
}

// end tells what was begun to end.
func (s *stint) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.cancel()
}

// settled waits until all has ended, and reports whether it did in time. What does not heed its context is left behind.
func (s *stint) settled(within time.Duration) bool { return ended(&s.work, within) }

// ended waits until all of a group has ended, and reports whether it did in time.
func ended(work *sync.WaitGroup, within time.Duration) bool {
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-time.After(within):
		return false
	}
}

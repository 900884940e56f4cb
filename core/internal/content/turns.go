package content

import (
	"context"
	"sync"
)

// turns lets the writes of this node that keep meeting at one place go one after the other. The zero turns is ready.
type turns struct {
	mu    sync.Mutex
	taken map[question]*turn
}

type turn struct {
	waiting int
	free    chan struct{} // holds one token while nobody has the turn
}

// take waits for the turn at a place. done gives it on.
func (t *turns) take(ctx context.Context, at question) (done func(), err error) {
	mine := t.join(at)
	select {
	case <-mine.free:
		return func() {
			mine.free <- struct{}{}
			t.leave(at, mine)
		}, nil
	case <-ctx.Done():
		t.leave(at, mine)
		return nil, ctx.Err()
	}
}

func (t *turns) join(at question) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken == nil {
		t.taken = map[question]*turn{}
	}
	if t.taken[at] == nil {
		t.taken[at] = &turn{free: make(chan struct{}, 1)}
		t.taken[at].free <- struct{}{}
	}
	t.taken[at].waiting++
	return t.taken[at]
}

func (t *turns) leave(at question, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.waiting--; mine.waiting == 0 {
		delete(t.taken, at)
	}
}

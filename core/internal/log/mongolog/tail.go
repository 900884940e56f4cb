package mongolog

import (
	"context"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

const (
	pollEvery = 250 * time.Millisecond
	// watchAgain is the pause before a change stream that broke is tried again.
	watchAgain = 5 * time.Second
)

// tail knows how far the log is known to go, and wakes those who wait for more.
type tail struct {
	mu      sync.Mutex
	last    core.Position
	grown   chan struct{} // closed when last rises
	waiting int           // how many wait
	nudge   chan struct{} // asks for a look at once
	started sync.Once
}

func (t *tail) init() {
	t.grown, t.nudge = make(chan struct{}), make(chan struct{}, 1)
}

func (t *tail) known() core.Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// announce says that the log goes at least to a position.
func (t *tail) announce(last core.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last <= t.last {
		return
	}
	t.last = last
	close(t.grown)
	t.grown = make(chan struct{})
}

func (t *tail) lookAfter(after core.Position) (grown <-chan struct{}, there bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.grown, t.last > after
}

func (t *tail) enlist(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting += n
}

func (t *tail) wanted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting > 0
}

func (t *tail) look() {
	select {
	case t.nudge <- struct{}{}:
	default: // one is asked for already
	}
}

// Wait returns when a commit after the position is known to exist.
func (l *Log) Wait(ctx context.Context, after core.Position) error {
	l.tail.started.Do(func() {
		l.background.Go(l.poll)
		l.background.Go(l.watch)
	})
	l.tail.enlist(1)
	defer l.tail.enlist(-1)
	l.tail.look()
	for {
		grown, there := l.tail.lookAfter(after)
		if there {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.closing.Done():
			return errClosed()
		}
	}
}

// poll looks at the end of the log while somebody waits. While the store is away it goes on looking.
func (l *Log) poll() {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.tail.nudge:
		case <-l.closing.Done():
			return
		}
		if l.tail.wanted() {
			l.Last(l.closing) // announces what it finds
		}
	}
}

// watch has a change stream ask for a look, where the server has change streams.
func (l *Log) watch() {
	for {
		if !l.watchOnce() {
			return
		}
		select {
		case <-time.After(watchAgain):
		case <-l.closing.Done():
			return
		}
	}
}

// watchOnce follows one change stream to its end and reports whether another one is worth trying.
func (l *Log) watchOnce() (again bool) {
	inserts := bson.D{{Key: "$match", Value: bson.D{{Key: "operationType", Value: "insert"}}}}
	onlyKeys := bson.D{{Key: "$project", Value: bson.D{{Key: "documentKey", Value: 1}}}}
	stream, err := l.commits.Watch(l.closing, mongo.Pipeline{inserts, onlyKeys})
	if err != nil {
		return isAway(err)
	}
	defer stream.Close(context.WithoutCancel(l.closing))
	l.tail.look() // for what came before the stream began
	for stream.Next(l.closing) {
		l.tail.look()
	}
	return l.closing.Err() == nil
}

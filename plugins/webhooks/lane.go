package webhooks

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// concurrency is how many requests are under way to one endpoint at most.
const concurrency = 2

// lookSoon is how long a lane sleeps at most while something waits: deliveries are due by the store's clock, which is not this
// node's.
const lookSoon = 250 * time.Millisecond

// afterFault is how long a delivery waits when the fault is on this side; it does not count as an attempt.
const afterFault = 10 * time.Second

// lane is the queue of one endpoint on the node that delivers. It holds identifiers alone; the deliveries stand in the store.
type lane struct {
	*leader
	webhook core.EntryID
	wake    chan struct{}

	mu       sync.Mutex
	queue    queue
	known    map[string]bool // all that is in the queue or under way
	underway int
	breaker  breaker
}

// queued is a delivery in a lane. Until it was read it is due at once.
type queued struct {
	due time.Time
	id  string
}

// queue is a heap of what is due, the earliest first and among equals the oldest event.
type queue []queued

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	if c := q[i].due.Compare(q[j].due); c != 0 {
		return c < 0
	}
	return q[i].id < q[j].id
}

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(queued)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

func newLane(l *leader, webhook core.EntryID) *lane {
	return &lane{leader: l, webhook: webhook, wake: make(chan struct{}, 1), known: map[string]bool{}}
}

// add puts a delivery into the queue, unless it is there, and gives those that have no place any more.
func (l *lane) add(id string, most int) (full []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[id] {
		return nil
	}
	l.known[id] = true
	heap.Push(&l.queue, queued{id: id})
	for len(l.queue) > most {
		full = append(full, l.dropOldest())
	}
	l.nudge()
	return full
}

func (l *lane) dropOldest() string {
	oldest := 0
	for i := range l.queue {
		if l.queue[i].id < l.queue[oldest].id {
			oldest = i
		}
	}
	id := l.queue[oldest].id
	heap.Remove(&l.queue, oldest)
	delete(l.known, id)
	return id
}

// tryNow lets the breaker try the endpoint without waiting further.
func (l *lane) tryNow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breaker.until = time.Time{}
	l.nudge()
}

func (l *lane) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run sends what is due, until ctx is done.
func (l *lane) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		id, some := l.next()
		if id != "" {
			l.Go(func(context.Context) { l.fly(ctx, id) })
			continue
		}
		timer.Reset(lookSoon)
		sleep := timer.C
		if !some {
			sleep = nil // there is nothing to wait for but a nudge
		}
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case <-sleep:
		}
	}
}

// next takes what is due out of the queue, and reports whether anything is in it at all.
func (l *lane) next() (id string, some bool) {
	now := l.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 || !l.breaker.admits(now, l.underway) || l.queue[0].due.After(now) {
		return "", len(l.queue) > 0
	}
	q, _ := heap.Pop(&l.queue).(queued)
	l.underway++
	return q.id, true
}

// fly makes one attempt, and puts the delivery back where it has to wait.
func (l *lane) fly(ctx context.Context, id string) {
	due := l.Now().Add(afterFault) // also when the attempt panics
	defer func() { l.land(id, due) }()
	due = l.attempt(ctx, id)
}

// land is told when a delivery is due again; the zero time is never.
func (l *lane) land(id string, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.underway--
	if due.IsZero() {
		delete(l.known, id)
	} else {
		heap.Push(&l.queue, queued{due, id})
	}
	l.nudge()
}

package webhooks

import (
	"context"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// lookAgain is how long it takes at most until a node finds what another one has put into the queue, or takes over from it.
const lookAgain = 5 * time.Second

// run delivers while this node has the lease, until ctx is done.
func (n *node) run(ctx context.Context) {
	defer n.lease.release(ctx)
	defer n.standDown()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		if n.lease.hold(ctx) {
			n.lead(ctx)
		} else {
			n.standDown()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// lead begins to deliver, or looks for what others have put into the queue.
func (n *node) lead(ctx context.Context) {
	l := n.leading.Load()
	if l == nil {
		l = &leader{node: n, lanes: map[core.EntryID]*lane{}}
		l.ctx, l.stop = context.WithCancel(ctx)
		n.leading.Store(l)
	}
	keys, err := n.outbox.Keys(ctx, waiting+"/")
	if err != nil {
		n.Log().Warn("the queue of webhooks cannot be read", "error", err)
		return
	}
	for _, key := range keys {
		webhook, id := idOf(key)
		l.offer(ctx, webhook, id)
	}
}

func (n *node) standDown() {
	if l := n.leading.Swap(nil); l != nil {
		l.stop()
	}
}

// offer tells of a delivery in the queue. Where another node delivers, it finds it by itself.
func (n *node) offer(ctx context.Context, webhook core.EntryID, id string) {
	if l := n.leading.Load(); l != nil {
		l.offer(ctx, webhook, id)
	}
}

// tryNow lets an endpoint be tried at once, because a person asks for it.
func (n *node) tryNow(webhook core.EntryID) {
	if l := n.leading.Load(); l != nil {
		l.lane(webhook).tryNow()
	}
}

// leader delivers: it has a lane for each endpoint.
type leader struct {
	*node
	ctx   context.Context // until the lease is lost; every lane ends with it
	stop  context.CancelFunc
	mu    sync.Mutex
	lanes map[core.EntryID]*lane
}

// offer puts a delivery into its lane. When the lane is full, the one that has waited longest becomes a dead letter.
func (l *leader) offer(ctx context.Context, webhook core.EntryID, id string) {
	full := l.lane(webhook).add(id, l.settings.Get().MaxPending)
	for _, oldest := range full {
		l.Log().Error("too many deliveries wait for a webhook: the oldest is given up, and can be replayed", "webhook", webhook, "event", oldest)
		if err := l.giveUp(ctx, webhook, oldest, "too many were waiting"); err != nil {
			l.Log().Warn("a delivery of a webhook stays in the queue", "webhook", webhook, "event", oldest, "error", err)
		}
	}
}

func (l *leader) giveUp(ctx context.Context, webhook core.EntryID, id, why string) error {
	d, _, err := l.outbox.read(ctx, waiting, webhook, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return l.outbox.retire(ctx, d, why, l.Now())
}

func (l *leader) lane(webhook core.EntryID) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	have := l.lanes[webhook]
	if have == nil {
		have = newLane(l, webhook)
		l.lanes[webhook] = have
		l.Go(func(context.Context) { have.run(l.ctx) })
	}
	return have
}

package mongolog

import (
	"context"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/event"
)

// sentKey carries, through the driver, the flag that says whether an insert has been sent. Before that a failure has
// written nothing for sure; after it, no answer means an unknown outcome.
type sentKey struct{}

func noteSent(ctx context.Context) (context.Context, func() bool) {
	flag := new(atomic.Bool)
	return context.WithValue(ctx, sentKey{}, flag), flag.Load
}

func sentMonitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(ctx context.Context, e *event.CommandStartedEvent) {
		if flag, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok && e.CommandName == "insert" {
			flag.Store(true)
		}
	}}
}

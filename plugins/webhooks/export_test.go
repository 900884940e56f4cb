package webhooks

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core/plugin"
)

// Lease lets tests stand for several nodes.
type Lease struct{ lease }

// NewLease makes the lease of a node.
func NewLease(store plugin.Store, holder string, now func() time.Time) *Lease {
	return &Lease{lease{store: store, now: now, holder: holder}}
}

// Hold takes or renews the lease, and reports whether the node has it.
func (l *Lease) Hold(ctx context.Context) bool { return l.hold(ctx) }

// Release gives it back.
func (l *Lease) Release(ctx context.Context) { l.release(ctx) }

// Tidy is the job that bounds what is kept.
var Tidy = tidy

package webhooks

import (
	"context"
	"encoding/json"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

const (
	leaseKey = "lease"
	leaseFor = 30 * time.Second
	// renewBefore is how long before its end a lease is renewed.
	renewBefore = 20 * time.Second
)

// lease says which node delivers. It is a value of the store with its own end, by the store's clock: who finds it at its end
// swaps himself in, and a swap has one winner. A node that was paused beyond the end of its lease may still finish the
// requests that it has begun; what it did is then recorded by the version that it read, or not at all. So an event may be
// sent twice, with the same identifier, and never goes missing.
type lease struct {
	store  plugin.Store
	now    func() time.Time
	holder string
	until  time.Time // of this node's own; zero when it has none
}

type leaseText struct {
	Holder string    `json:"holder"`
	Until  time.Time `json:"until"`
}

// hold takes or renews the lease, and reports whether this node has it.
func (l *lease) hold(ctx context.Context) bool {
	now := l.now()
	if now.Before(l.until.Add(-renewBefore)) {
		return true
	}
	have, version, err := l.read(ctx)
	if err != nil {
		return now.Before(l.until) // the store is away: what was promised holds
	}
	if have.Holder != l.holder && now.Before(have.Until) {
		l.until = time.Time{}
		return false
	}
	if err := l.write(ctx, now.Add(leaseFor), version); err != nil {
		if core.CodeOf(err) == core.CodeConflict {
			l.until = time.Time{}
		}
		return now.Before(l.until)
	}
	l.until = now.Add(leaseFor)
	return true
}

func (l *lease) read(ctx context.Context) (have leaseText, version int64, err error) {
	text, version, err := l.store.Get(ctx, leaseKey)
	if core.CodeOf(err) == core.CodeNotFound {
		return have, 0, nil
	}
	if err != nil {
		return have, 0, err
	}
	return have, version, json.Unmarshal(text, &have)
}

func (l *lease) write(ctx context.Context, until time.Time, version int64) error {
	text, err := json.Marshal(leaseText{l.holder, until})
	if err != nil {
		return core.Wrap("webhooks.lease", err)
	}
	_, err = l.store.Swap(ctx, leaseKey, text, version, time.Time{})
	return err
}

// releaseWithin bounds giving the lease back.
const releaseWithin = 2 * time.Second

// release gives the lease back, so that another node need not wait for its end.
func (l *lease) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseWithin)
	defer cancel()
	if have, version, err := l.read(ctx); err == nil && have.Holder == l.holder {
		_ = l.write(ctx, time.Time{}, version) // else it ends by itself
	}
	l.until = time.Time{}
}

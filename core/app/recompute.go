package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/computed"
)

const (
	recomputeLook  = 2 * time.Second // how often it is looked for fields that are computed otherwise than before
	recomputeAgain = time.Minute     // after a failure
	recomputeLease = 5 * time.Minute // longer work goes on, and another node may join in: neither undoes the other
)

// keepComputed computes anew what is stored, on one node, when a type computes its fields otherwise than before: it was
// changed, or a plugin was, or one is on again.
func (a *App) keepComputed(ctx context.Context) {
	done := map[core.TypeName]string{}
	for {
		wait := recomputeLook
		for _, t := range a.types.Types() {
			how := howComputed(t)
			if how == "" || done[t.Name] == how {
				continue
			}
			switch err := a.recompute(ctx, t.Name, how); {
			case err == nil:
				done[t.Name] = how
			case core.CodeOf(err) != core.CodeConflict: // another node is at it
				a.logger.Warn("computed fields could not be brought up to date; it will be tried again", "type", t.Name, "error", err)
				wait = recomputeAgain
			}
		}
		if a.options.Now != nil {
			wait = hastily
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// hastily is how often it is looked while a test sets the clock.
const hastily = 10 * time.Millisecond

// howComputed is another text whenever stored values may have to be computed anew; "" where nothing is computed, or not yet.
func howComputed(t *core.Type) string {
	sum := sha256.New()
	fmt.Fprintln(sum, t.Hash)
	fields := computed.Fields(t)
	for _, f := range fields {
		if f.Compute.Ready != nil && !f.Compute.Ready() {
			return ""
		}
		fmt.Fprintln(sum, f.Path, f.Compute.Name, f.Compute.Version)
	}
	if len(fields) == 0 {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// recompute does one type, unless it was done already; CodeConflict when another node is at it.
func (a *App) recompute(ctx context.Context, name core.TypeName, how string) error {
	key := "computed/" + string(name)
	kv, err := a.store.log.Get(ctx, key)
	if core.CodeOf(err) == core.CodeNotFound {
		err = nil
	}
	if err != nil || string(kv.Value) == how {
		return err
	}
	holder := holder()
	if _, err := a.store.log.Lease(ctx, key, holder, recomputeLease); err != nil {
		return err
	}
	defer func() { _ = a.store.log.Release(context.WithoutCancel(ctx), key, holder) }()
	if err := a.schemas.Recompute(ctx, name); err != nil {
		return err
	}
	_, err = a.store.log.Set(ctx, core.KV{Key: key, Value: []byte(how), Version: kv.Version})
	if core.CodeOf(err) == core.CodeConflict {
		return nil // another node has done the same
	}
	return err
}

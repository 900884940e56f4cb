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
// changed, or a plugin was, or entries were written while a plugin was off.
func (a *App) keepComputed(ctx context.Context) {
	look := recomputeLook
	if a.options.Now != nil {
		look = hastily
	}
	again := map[core.TypeName]time.Time{} // after failures
	for {
		for _, t := range a.types.Types() {
			if time.Now().Before(again[t.Name]) {
				continue
			}
			err := a.recompute(ctx, t)
			if err != nil && core.CodeOf(err) != core.CodeConflict && ctx.Err() == nil { // a conflict: another node is at it, or the type has moved
				a.logger.Warn("computed fields could not be brought up to date; it will be tried again", "type", t.Name, "error", err)
				again[t.Name] = time.Now().Add(recomputeAgain)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(look):
		}
	}
}

// hastily is how often it is looked while a test sets the clock.
const hastily = 10 * time.Millisecond

// howComputed is another text whenever stored values may have to be computed anew.
func howComputed(t *core.Type) string {
	sum := sha256.New()
	fmt.Fprintln(sum, t.Hash)
	for _, f := range computed.Fields(t) {
		fmt.Fprintln(sum, f.Path, f.Compute.Name, f.Compute.Version)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func computedKey(name core.TypeName) string { return "computed/" + string(name) }

// recompute does one type, unless it was done already or a plugin that it needs is off.
func (a *App) recompute(ctx context.Context, t *core.Type) error {
	if len(computed.Fields(t)) == 0 || !computed.Ready(t) {
		return nil
	}
	key, how := computedKey(t.Name), howComputed(t)
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
	left, err := a.schemas.Recompute(ctx, t.Name)
	if err != nil || !computed.Ready(t) {
		return err
	}
	if left > 0 {
		a.logger.Warn("documents keep computed fields of before: what computes them refuses, or the values do not fit the type", "type", t.Name, "documents", left)
	}
	_, err = a.store.log.Set(ctx, core.KV{Key: key, Value: []byte(how), Version: kv.Version})
	return err
}

// notComputed notes, before an entry of the type is written without its computed fields, that there is something to be made up
// for. Whoever is at that just now has to begin anew: the note has another version each time.
func (a *App) notComputed(ctx context.Context, name core.TypeName) error {
	for {
		kv, err := a.store.log.Get(ctx, computedKey(name))
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		_, err = a.store.log.Set(ctx, core.KV{Key: computedKey(name), Version: kv.Version})
		if core.CodeOf(err) != core.CodeConflict {
			return err
		}
	}
}

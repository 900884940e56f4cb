package webhooks

import (
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// How much of what was delivered, and of dead letters, is kept for each endpoint.
const (
	mostDone = 1000
	mostDead = 10000
)

// tidy deletes the oldest of what was delivered and of the dead letters, where there are many.
func tidy(ctx context.Context, h plugin.Host) error {
	for state, most := range map[string]int{done: mostDone, dead: mostDead} {
		keys, err := h.Store().Keys(ctx, state+"/")
		if err != nil {
			return err
		}
		kept := map[core.EntryID]int{}
		for i := len(keys) - 1; i >= 0; i-- { // sorted by endpoint and then by time
			webhook, _ := idOf(keys[i])
			if kept[webhook]++; kept[webhook] <= most {
				continue
			}
			if err := h.Store().Delete(ctx, keys[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

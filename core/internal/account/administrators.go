package account

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Whoever takes an administrator away holds this lease meanwhile: two who take one of two each, at the same time, would
// leave none.
const (
	administratorsLease = "account/administrators"
	administratorsHold  = 30 * time.Second
)

// commands reports whether an account can do everything, now and for good.
func (u *record) commands(now time.Time) bool {
	return !u.trashed && !u.suspended && u.has(administrator) && !u.ended(now)
}

// withAdministrators performs a write that takes an administrator away, alone among all nodes and on the end of the log.
func (g *guard) withAdministrators(ctx context.Context, v *verdict) (*core.Result, error) {
	g.s.administrators.Lock()
	defer g.s.administrators.Unlock()
	holder := newSecret()
	if _, err := g.s.c.Log.Lease(ctx, administratorsLease, holder, administratorsHold); err != nil {
		return nil, errBusy(err)
	}
	defer func() { _ = g.s.c.Log.Release(context.WithoutCancel(ctx), administratorsLease, holder) }()
	limited, cancel := context.WithTimeout(ctx, administratorsHold/2)
	defer cancel()
	last, err := g.s.c.Log.Last(limited)
	if err != nil {
		return nil, core.Wrap("account.withAdministrators", err)
	}
	if err := g.s.c.Catalog.Wait(limited, last); err != nil {
		return nil, core.Wrap("account.withAdministrators", err)
	}
	if err := v.keepsAdministrator(limited); err != nil {
		return nil, err
	}
	return g.Content.Write(limited, v.who, v.ops, v.options)
}

func errBusy(err error) error {
	if core.CodeOf(err) != core.CodeConflict {
		return core.Wrap("account.withAdministrators", err)
	}
	return core.Refuse(core.CodeConflict, "contention", "Somebody else is changing administrators. Try again in a moment.",
		"Quelqu’un d’autre modifie les administrateurs. Réessayez dans un instant.")
}

// keepsAdministrator refuses a write after which nobody could do everything any more.
func (v *verdict) keepsAdministrator(ctx context.Context) error {
	if !v.takesAdministrator {
		return nil
	}
	left, err := v.anyAdministrator(ctx)
	if left || err != nil {
		return err
	}
	err = core.Refuse(core.CodeConflict, "last_administrator", "This is the last active administrator. Make another one first.",
		"C’est le dernier administrateur actif. Désignez-en d’abord un autre.")
	if len(v.ops) == 1 {
		return v.refusal(ctx, v.ops[0], err)
	}
	return err
}

// anyAdministrator reports whether somebody can do everything after the write. Tokens do not count: nobody signs in with one,
// and it ends without being asked.
func (v *verdict) anyAdministrator(ctx context.Context) (found bool, err error) {
	now := v.s.now()
	err = v.s.eachUser(ctx, func(u *record) error {
		if is, changed := v.after[u.id]; changed {
			u = is
		}
		if u == nil || !u.commands(now) {
			return nil
		}
		found = true
		return errEnough
	})
	return found, err
}

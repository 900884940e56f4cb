package app

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
)

// settle does what a store needs once. It may be done again, by several nodes at once. The administrator's token comes
// last: after a step that failed nobody would be shown it.
func (a *App) settle(ctx context.Context) error {
	for _, step := range []func(context.Context) error{a.schemas.Resume, a.settleTypes, a.resumeErasures, a.settleDemo, a.settleAdministrator} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settleLater tries until the store is back.
func (a *App) settleLater(ctx context.Context) {
	for pause := time.Second; ; pause = min(2*pause, 15*time.Second) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		err := a.settle(ctx)
		switch {
		case err == nil:
			a.logger.Info("the store is there")
			a.tellLate()
			return
		case core.CodeOf(err) != core.CodeUnavailable:
			// The node serves already: ending it now would take readers what they have.
			a.logger.Error("the start cannot be finished; mend this and start again", "error", err)
			return
		}
	}
}

// tellLate shows a token that was made after the server began to listen.
func (a *App) tellLate() {
	url := a.url.Load()
	if url == nil || a.options.Tell == nil {
		return
	}
	if token := a.newToken.Swap(nil); token != nil {
		a.options.Tell(Started{URL: *url, Token: *token})
	}
}

// settleAdministrator makes the first administrator's token, once for the store: nodes that start at the same time
// agree on the identifier of its entry, and only one of them can create that.
func (a *App) settleAdministrator(ctx context.Context) error {
	known, err := a.hasAdministrator(ctx)
	if known || err != nil {
		return err
	}
	text, given := a.config.Admin.Token.Reveal(), true
	if text == "" && a.options.Errand {
		return nil
	}
	id, err := a.administratorID(ctx)
	if err != nil {
		return err
	}
	if text == "" {
		text, _ = access.NewToken()
		given = false
	}
	err = a.createToken(ctx, id, NewToken{Name: "The first administrator", Role: access.Administrator}, text)
	if core.CodeOf(err) == core.CodeConflict {
		return nil // another node was first, or the token was made before and deleted since
	}
	if err == nil && !given {
		a.newToken.Store(&text)
	}
	return err
}

func (a *App) hasAdministrator(ctx context.Context) (bool, error) {
	tokens, err := a.Tokens(ctx)
	for _, t := range tokens {
		if t.Role == access.Administrator {
			return true, nil
		}
	}
	return false, err
}

// administratorID is the identifier that all nodes agree on.
func (a *App) administratorID(ctx context.Context) (core.EntryID, error) {
	const key = "first-administrator"
	if kv, err := a.store.log.Get(ctx, key); core.CodeOf(err) != core.CodeNotFound {
		return core.EntryID(kv.Value), err
	}
	id := core.NewID(time.Now())
	_, err := a.store.log.Set(ctx, core.KV{Key: key, Value: []byte(id)})
	if core.CodeOf(err) != core.CodeConflict {
		return id, err
	}
	kv, err := a.store.log.Get(ctx, key)
	return core.EntryID(kv.Value), err
}

package app

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
)

// settle does what a store needs once. It may be done again, by several nodes at once. The administrator's token and
// password come last: after a step that failed nobody would be shown them.
func (a *App) settle(ctx context.Context) error {
	for _, step := range []func(context.Context) error{a.schemas.Resume, a.settleRoles, a.settleTypes, a.resumeErasures, a.settleDemo, a.settleAdministrator,
		a.settleAccount} {
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

// tellLate shows what was made after the server began to listen.
func (a *App) tellLate() {
	url := a.url.Load()
	if url == nil || a.options.Tell == nil {
		return
	}
	if s := (Started{URL: *url}); a.addSecrets(&s) {
		a.options.Tell(s)
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
	id, err := a.agreedID(ctx, "first-administrator")
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

// agreedID is the identifier that all nodes agree on for something.
func (a *App) agreedID(ctx context.Context, key string) (core.EntryID, error) {
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

// settleRoles makes the roles that are there from the start, as far as the store has not them. One that a site has changed
// stays as it is.
func (a *App) settleRoles(ctx context.Context) error {
	docs, err := access.Builtin()
	if err != nil {
		return err
	}
	var ops []core.Operation
	for _, doc := range docs {
		name, _ := doc["name"].(string)
		id, err := a.catalog.Unique(ctx, access.RoleType, "name", name)
		if err != nil {
			return err
		}
		if id == "" {
			ops = append(ops, core.Operation{Op: core.OperationCreate, Type: access.RoleType, Data: doc})
		}
	}
	if len(ops) == 0 || a.options.Errand {
		return nil
	}
	_, err = a.content.Write(ctx, core.System, ops, core.WriteOptions{Reason: "roles"})
	if core.CodeOf(err) == core.CodeConflict {
		return nil // another node has done the same
	}
	return err
}

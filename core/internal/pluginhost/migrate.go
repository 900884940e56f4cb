package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

const (
	migratePause = 500 * time.Millisecond // before a node looks again whether it is its turn
	migrateLease = 15 * time.Second
)

// failedStep is a migration's own failure, as opposed to that of the store.
type failedStep struct {
	name string
	err  error
}

func (f *failedStep) Error() string { return fmt.Sprintf("The migration %s failed: %v", f.name, f.err) }
func (f *failedStep) Unwrap() error { return f.err }

func (o *one) migrationsKey() string { return o.prefix() + "migrations" }

// unmigrated are the steps that are still to be done, and the version of the record of those that were.
func (o *one) unmigrated(ctx context.Context) (left []plugin.Migration, done []string, version int64, err error) {
	kv, err := o.host.parts.Log.Get(ctx, o.migrationsKey())
	switch {
	case err == nil:
		err = json.Unmarshal(kv.Value, &done)
	case core.CodeOf(err) == core.CodeNotFound:
		err = nil
	}
	for _, m := range o.Migrations {
		if !slices.Contains(done, m.Name) {
			left = append(left, m)
		}
	}
	return left, done, kv.Version, err
}

// behind reports whether there is something to migrate, or the store is not there to say.
func (o *one) behind(ctx context.Context) bool {
	if len(o.Migrations) == 0 {
		return false
	}
	left, _, _, err := o.unmigrated(ctx)
	return err != nil || len(left) > 0
}

// migrateAndEnter brings the plugin's data up to date and then has it take part, unless it was turned off meanwhile.
func (o *one) migrateAndEnter(now *stint) {
	o.migrating.Lock() // one that was turned off and on again waits for the step that it was at
	defer o.migrating.Unlock()
	o.migrates.Store(true)
	defer o.migrates.Store(false)
	ctx := now.ctx
	err := o.migrate(ctx)
	o.turn.Lock()
	defer o.turn.Unlock()
	if ctx.Err() != nil {
		return
	}
	o.reason = ""
	if err == nil {
		o.entered(o.enter(ctx, now))
		return
	}
	o.end()
	o.entered(err)
	o.host.running.Go(func() { o.host.disable(o, "migration", err.Error()) })
}

// migrate does one step after the other until none is left. While the store is away or another node is at it, it waits.
func (o *one) migrate(ctx context.Context) error {
	for {
		left, _, _, err := o.unmigrated(ctx)
		if err == nil && len(left) == 0 {
			return nil
		}
		if err == nil {
			err = o.host.holding(ctx, o.migrationsKey(), o.step)
		}
		if failed := (*failedStep)(nil); errors.As(err, &failed) && core.CodeOf(failed.err) != core.CodeUnavailable {
			return err
		}
		if err == nil {
			continue
		}
		o.host.logger.Debug("a plugin's migration waits", "plugin", o.id(), "error", err)
		select {
		case <-time.After(migratePause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// step does the next migration, if another node has not done it meanwhile, and records it.
func (o *one) step(ctx context.Context) error {
	left, done, version, err := o.unmigrated(ctx)
	if err != nil || len(left) == 0 {
		return err
	}
	m := left[0]
	o.host.logger.Info("a plugin migrates", "plugin", o.id(), "migration", m.Name)
	err = o.guarded("migration "+m.Name, func() error { return m.Run(ctx, o) })
	if ctx.Err() != nil {
		return ctx.Err() // it was interrupted, whatever it says
	}
	if err != nil {
		return &failedStep{m.Name, err}
	}
	text, err := json.Marshal(append(done, m.Name))
	if err != nil {
		return core.Wrap("pluginhost.step", err)
	}
	_, err = o.host.parts.Log.Set(ctx, core.KV{Key: o.migrationsKey(), Value: text, Version: version})
	return err
}

// holding runs f while this node holds a lease, and ends f's context when it is lost.
func (h *Host) holding(ctx context.Context, name string, f func(context.Context) error) error {
	if _, err := h.parts.Log.Lease(ctx, name, h.parts.Holder, migrateLease); err != nil {
		return err
	}
	held, lose := context.WithCancel(ctx)
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		h.renew(held, lose, name)
	}()
	err := f(held)
	lose()
	<-renewing
	free, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	return errors.Join(err, h.parts.Log.Release(free, name, h.parts.Holder))
}

func (h *Host) renew(ctx context.Context, lose func(), name string) {
	for sure := time.Now().Add(migrateLease); ; {
		select {
		case <-time.After(migrateLease / 4):
		case <-ctx.Done():
			return
		}
		asked := time.Now()
		_, err := h.parts.Log.Lease(ctx, name, h.parts.Holder, migrateLease)
		switch {
		case err == nil:
			sure = asked.Add(migrateLease)
		case core.CodeOf(err) == core.CodeConflict || time.Until(sure) < migrateLease/4:
			lose()
			return
		}
	}
}

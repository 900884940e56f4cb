package pluginhost

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// followViews has the plugin's views kept as long as it is on.
func (o *one) followViews(now *stint) {
	for i := range o.Registered.Views {
		keep := o.host.parts.Views.Follow(o.host.parts.Log, o.kept(&o.Registered.Views[i]))
		if !now.run(keep) {
			keep(now.ctx) // which has ended
		}
	}
}

// kept is a view as the catalog keeps it.
func (o *one) kept(v *plugin.View) *core.PluginView {
	what := "view " + v.Name
	fold := func(t core.Table, c core.Commit) error {
		plugin.Conceal(o.Types(), &c)
		return v.Fold(t, c)
	}
	return &core.PluginView{ViewName: core.ViewName{Plugin: o.id(), Name: v.Name}, Version: v.Version, Types: v.Types, Fold: fold,
		Folded: func(took time.Duration, err error) { o.Called(what, took, err) },
		Failed: func(f *core.ViewFault) {
			o.host.logger.Error("a plugin's view failed", "plugin", o.id(), "view", v.Name, "position", f.At, "error", f.Err, "stack", f.Stack)
			o.strike(what, f.Err)
		}}
}

// viewFailed reports whether a view of the plugin was set aside.
func (o *one) viewFailed() bool {
	return slices.ContainsFunc(o.host.parts.Views.Views(o.id()), func(s core.ViewStatus) bool { return s.Standing == core.ViewFailed })
}

// withViews calls f once the plugin's views are level, or failed, and keeps them meanwhile: for commands, which run where no plugin
// is on.
func (o *one) withViews(ctx context.Context, f func() error) error {
	if o.on.Load() || len(o.Registered.Views) == 0 {
		return f()
	}
	ctx, cancel := context.WithCancel(ctx)
	s := newStint(ctx)
	defer s.settled(stopWithin)
	defer cancel()
	o.followViews(s)
	for _, v := range o.Registered.Views {
		if err := o.View(v.Name).Ready(ctx); ctx.Err() != nil {
			return err
		}
	}
	return f()
}

// WithViews calls f once the views of all plugins that are on are level, or failed: for a command that looks after the catalog
// while no server runs.
func (h *Host) WithViews(ctx context.Context, f func() error) error {
	states, err := h.states(ctx)
	if err != nil {
		return err
	}
	for _, o := range h.plugins {
		if next := f; states[o.id()].Enabled && o.barred == "" {
			f = func() error { return o.withViews(ctx, next) }
		}
	}
	return f()
}

// dropUnregistered drops the views that plugins which are there do not register any more.
func (h *Host) dropUnregistered(ctx context.Context) {
	if h.safe {
		return
	}
	for _, o := range h.plugins {
		var names []string
		for _, v := range o.Registered.Views {
			names = append(names, v.Name)
		}
		if err := h.parts.Views.DropViews(ctx, o.id(), names...); err != nil {
			h.logger.Warn("the views that a plugin has no more cannot be dropped", "plugin", o.id(), "error", err)
		}
	}
}

// View reads a view of a plugin.
func (h *Host) View(id, name string) plugin.Rows {
	r := viewRows{views: h.parts.Views, name: core.ViewName{Plugin: id, Name: name}}
	o := h.find(id)
	if o == nil || !slices.ContainsFunc(o.Registered.Views, func(v plugin.View) bool { return v.Name == name }) {
		r.err = core.Refuse(core.CodeNotFound, "", "The plugin %s registers no view %q.", "L’extension %s ne déclare pas de vue « %s ».", id, name)
	}
	return r
}

// View implements plugin.Host.
func (o *one) View(name string) plugin.Rows { return o.host.View(o.id(), name) }

// viewRows reads one view.
type viewRows struct {
	views core.PluginViews
	name  core.ViewName
	err   error // of a view that there is not
}

// Get implements plugin.Rows.
func (r viewRows) Get(ctx context.Context, key string) (json.RawMessage, error) {
	if r.err != nil {
		return nil, r.err
	}
	return r.views.ViewValue(ctx, r.name, key)
}

// Scan implements plugin.Rows.
func (r viewRows) Scan(ctx context.Context, prefix, after string, limit int) ([]plugin.Row, error) {
	if r.err != nil {
		return nil, r.err
	}
	return r.views.ViewRows(ctx, r.name, prefix, after, limit)
}

// Ready implements plugin.Rows.
func (r viewRows) Ready(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	return r.views.WaitForView(ctx, r.name)
}

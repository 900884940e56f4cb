package pluginhost

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/robfig/cron/v3"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/plugin"
)

// LeftOut is a plugin that could not be registered.
type LeftOut struct {
	ID  string
	Err error
}

// New registers plugins, in the order of their IDs whatever the order given. One that cannot be registered is left out, and
// the others go on.
func New(hooks *core.Hooks, logger *slog.Logger, plugins ...plugin.Plugin) *Host {
	h := &Host{hooks: hooks, logger: logger}
	h.report()
	for _, p := range h.asked(plugins) {
		h.add(p)
	}
	h.leaveOutUnmet()
	return h
}

// introduced is a plugin that has said who it is.
type introduced struct {
	plugin.Plugin
	manifest plugin.Manifest
}

// Manifest implements plugin.Plugin: a plugin is asked once.
func (i introduced) Manifest() plugin.Manifest { return i.manifest }

// asked gives the plugins with their manifests, by ID. One that panics there is left out.
func (h *Host) asked(plugins []plugin.Plugin) []introduced {
	var all []introduced
	for _, p := range plugins {
		if m, err := manifestOf(p); err != nil {
			h.leaveOut(fmt.Sprintf("%T", p), err)
		} else {
			all = append(all, introduced{p, m})
		}
	}
	slices.SortStableFunc(all, func(a, b introduced) int { return strings.Compare(a.manifest.ID, b.manifest.ID) })
	return all
}

func manifestOf(p plugin.Plugin) (m plugin.Manifest, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the manifest of the plugin %T cannot be read: %w", p, &plugin.Panic{Value: v})
		}
	}()
	return p.Manifest(), nil
}

func (h *Host) add(p introduced) {
	if h.find(p.manifest.ID) != nil {
		h.leaveOut(p.manifest.ID, fmt.Errorf("plugin %s is listed twice: the second one is left out", p.manifest.ID))
		return
	}
	o := newOne(h)
	r, err := plugin.Register(p, h.hooks, o)
	if cycle := (*hook.Cycle)(nil); errors.As(err, &cycle) {
		h.leaveOutAll(cycle.Plugins, err)
	}
	if err != nil {
		h.leaveOut(p.manifest.ID, err)
		return
	}
	if name := h.offered(r.Offers); name != "" {
		plugin.Remove(h.hooks, r.Manifest.ID)
		h.leaveOut(r.Manifest.ID, fmt.Errorf("plugin %s: the event %s is offered by another plugin already", r.Manifest.ID, name))
		return
	}
	r.Plugin = p.Plugin
	o.Registered = r
	if err := o.checkSecrets(); err != nil {
		plugin.Remove(h.hooks, r.Manifest.ID)
		h.leaveOut(r.Manifest.ID, err)
		return
	}
	for _, j := range r.Jobs {
		if _, err := cron.ParseStandard(j.Spec); err != nil {
			plugin.Remove(h.hooks, r.Manifest.ID)
			h.leaveOut(r.Manifest.ID, fmt.Errorf("plugin %s: the timetable %q of the job %s cannot be read: %w", r.Manifest.ID, j.Spec, j.Name, err))
			return
		}
	}
	h.plugins = append(h.plugins, o)
}

// offered is one of the events that a plugin offers already; "" for none.
func (h *Host) offered(names []string) string {
	for _, o := range h.plugins {
		for _, name := range names {
			if slices.Contains(o.Offers, name) {
				return name
			}
		}
	}
	return ""
}

func newOne(h *Host) *one {
	return &one{host: h, stats: map[string]*stat{}, working: make(chan struct{}, 1)}
}

func (h *Host) leaveOut(id string, err error) {
	h.logger.Error("a plugin is left out", "plugin", id, "error", err)
	h.left = append(h.left, LeftOut{ID: id, Err: err})
}

// leaveOutAll takes out plugins that are there already: those of a circle go together, so that which of them came first does
// not decide.
func (h *Host) leaveOutAll(ids []string, err error) {
	h.plugins = slices.DeleteFunc(h.plugins, func(o *one) bool {
		if !slices.Contains(ids, o.id()) {
			return false
		}
		plugin.Remove(h.hooks, o.id())
		h.leaveOut(o.id(), err)
		return true
	})
}

// leaveOutUnmet takes out plugins that need others which are not there.
func (h *Host) leaveOutUnmet() {
	for again := true; again; {
		again = false
		for i, o := range h.plugins {
			missing := slices.IndexFunc(o.Manifest.Requires, func(id string) bool { return h.find(id) == nil })
			if missing < 0 {
				continue
			}
			plugin.Remove(h.hooks, o.id())
			h.plugins = slices.Delete(h.plugins, i, i+1)
			h.leaveOut(o.id(), fmt.Errorf("plugin %s needs the plugin %s, which is not there", o.id(), o.Manifest.Requires[missing]))
			again = true
			break
		}
	}
}

func (h *Host) find(id string) *one {
	for _, o := range h.plugins {
		if o.id() == id {
			return o
		}
	}
	return nil
}

// report has the chains tell of what goes wrong in them.
func (h *Host) report() {
	tell := func(f *hook.Fault) {
		h.logger.Error("a plugin failed", "plugin", f.Plugin, "hook", f.Hook, "error", f.Err, "stack", f.Stack)
		if o := h.find(f.Plugin); o != nil {
			o.strike(f.Hook, f.Err)
		}
	}
	for _, c := range []*hook.Chain[*core.EntryEvent]{&h.hooks.EntryValidate, &h.hooks.EntryCreate, &h.hooks.EntryUpdate, &h.hooks.EntryRestore, &h.hooks.EntryPublish,
		&h.hooks.EntryUnpublish, &h.hooks.EntryTransition, &h.hooks.EntrySchedule, &h.hooks.EntryDelete, &h.hooks.EntryPurge} {
		c.Report = tell
	}
	h.hooks.EntryRead.Report, h.hooks.QueryPlan.Report, h.hooks.SchemaChange.Report = tell, tell, tell
	h.hooks.Offered.Report = tell
}

// NewSafe makes a host that runs nothing of its plugins: they can be looked at, set up and turned off.
func NewSafe(hooks *core.Hooks, logger *slog.Logger, plugins ...plugin.Plugin) *Host {
	h := &Host{hooks: hooks, logger: logger, safe: true}
	for _, p := range h.asked(plugins) {
		o := newOne(h)
		o.Registered = &plugin.Registered{Manifest: p.manifest, Plugin: p.Plugin}
		h.plugins = append(h.plugins, o)
	}
	return h
}

// Package plugin is what a plugin sees of Palabre. A plugin is a Go value with a manifest and one method that registers
// what it does:
//
//	func (p *Slugger) Manifest() plugin.Manifest {
//		return plugin.Manifest{ID: "dev.acme.slugger", Version: "1.0.0", Writes: []string{"article.code"}}
//	}
//
//	func (p *Slugger) Register(r *plugin.Registry) error {
//		return errors.Join(
//			plugin.Before(r, plugin.EntryCreate, p.code, plugin.OnTypes("article")),
//			plugin.After(r, p.ping, plugin.OnActions(core.ActionPublish)))
//	}
//
// What happens before a commit (Before, Around) runs within the request, may change the new document and may refuse. What
// happens after it (After) follows the log: at least once, in order, also after a crash, never for what was not committed.
//
// Rules for plugins: no init functions, no goroutine that outlives Register unless it is stopped, state in the
// plugin's own value, no waiting on the network inside Before.
package plugin

import (
	"fmt"
	"regexp"

	"github.com/palabre-cms/palabre/core"
)

// Plugin extends Palabre.
type Plugin interface {
	// Manifest tells who the plugin is and what it needs. It is asked once, before Register.
	Manifest() Manifest
	// Register puts the plugin's handlers in place. An error keeps the plugin out; the host starts all the same.
	Register(r *Registry) error
}

// Manifest describes a plugin.
type Manifest struct {
	ID      string `json:"id"`      // reversed domain name, lower case: "dev.acme.slugger"
	Version string `json:"version"` // semantic version
	Name    string `json:"name,omitempty"`
	License string `json:"license,omitempty"`
	// Writes are the fields that the plugin's handlers may set, as "type.path"; "*.path" is any type's. A handler that
	// writes anything else has failed.
	Writes []string `json:"writes,omitempty"`
}

var validID = regexp.MustCompile(`^[a-z][a-z0-9]*([.-][a-z0-9]+)*$`)

// Registry takes what one plugin registers.
type Registry struct {
	manifest  Manifest
	hooks     *core.Hooks
	consumers []core.Consumer
}

// Host is the plugins of one node.
type Host struct {
	hooks     *core.Hooks
	plugins   []Manifest
	consumers []core.Consumer
}

// NewHost makes a host whose plugins take part in hooks.
func NewHost(hooks *core.Hooks) *Host { return &Host{hooks: hooks} }

// Add registers a plugin. With an error nothing of it stays.
func (h *Host) Add(p Plugin) error {
	m := p.Manifest()
	if !validID.MatchString(m.ID) {
		return fmt.Errorf("plugin %q: an id is a reversed domain name in lower case, like dev.acme.slugger", m.ID)
	}
	for _, have := range h.plugins {
		if have.ID == m.ID {
			return fmt.Errorf("plugin %s is listed twice", m.ID)
		}
	}
	r := &Registry{manifest: m, hooks: h.hooks}
	if err := p.Register(r); err != nil {
		remove(h.hooks, m.ID)
		return fmt.Errorf("plugin %s: %w", m.ID, err)
	}
	h.plugins = append(h.plugins, m)
	h.consumers = append(h.consumers, r.consumers...)
	return nil
}

// Plugins lists the manifests in the order of addition.
func (h *Host) Plugins() []Manifest { return h.plugins }

// Consumers are the plugins' After handlers, to be run along the log.
func (h *Host) Consumers() []core.Consumer { return h.consumers }

// Order gives the resolved chain of every event that somebody listens to.
func (h *Host) Order() map[string][]string {
	order := map[string][]string{}
	for name, ids := range map[string][]string{
		"query.plan":    h.hooks.QueryPlan.Order(),
		"entry.read":    h.hooks.EntryRead.Order(),
		"schema.change": h.hooks.SchemaChange.Order(),
	} {
		put(order, name, ids)
	}
	for _, p := range entryPoints {
		put(order, p.name, p.chain(h.hooks).Order())
	}
	return order
}

func put(order map[string][]string, name string, ids []string) {
	if len(ids) > 0 {
		order[name] = ids
	}
}

func remove(hooks *core.Hooks, id string) {
	for _, p := range entryPoints {
		p.chain(hooks).Remove(id)
	}
	hooks.EntryRead.Remove(id)
	hooks.QueryPlan.Remove(id)
	hooks.SchemaChange.Remove(id)
}

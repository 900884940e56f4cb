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
// happens after it (After) follows the log: at least once, in order for each entry, also after a crash, never for what was
// not committed. Besides, a plugin answers addresses (Get, Handle), does work on a timetable (Every), keeps data of its own
// (Host.Store) and tables made from what was committed (Views), brings content types (Types), commands (Commands) and
// settings (Settings).
//
// # Life
//
//  1. Manifest is asked once.
//  2. Register puts everything in place. Nothing of the node may be used yet.
//  3. Migrations, if there are new ones, bring its data up to date, once for the store: see Migrate.
//  4. Start, for a Starter, when the node has caught up with the log, and again each time the plugin is turned on. So does a
//     command of the command line that writes, for its handlers: see Host.Serving.
//  5. Stop, for a Stopper, when the node ends or the plugin is turned off.
//  6. Uninstall, for an Uninstaller, when somebody uninstalls it: its data goes or stays as the manifest declares.
//
// Rules for plugins: no init functions, no goroutine but those of Host.Go, state in the plugin's own value, no waiting on
// the network inside Before. A plugin that panics, does not come back in time or writes what its manifest does not declare
// has failed; after three failures in an hour it is turned off, on every node, until somebody turns it on again.
package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// Plugin extends Palabre.
type Plugin interface {
	// Manifest tells who the plugin is and what it needs. It is asked once, before Register.
	Manifest() Manifest
	// Register puts the plugin's handlers in place. An error keeps the plugin out; the host starts all the same.
	Register(r *Registry) error
}

// Starter is a plugin that gets ready once the node is there. An error turns it off.
type Starter interface {
	Start(ctx context.Context, h Host) error
}

// Stopper is a plugin that puts things away. ctx is short.
type Stopper interface {
	Stop(ctx context.Context) error
}

// Uninstaller is a plugin that has something to put right when it is uninstalled: what it has set up with others, say.
type Uninstaller interface {
	// Uninstall is called on one node, when the plugin is off there and its data is still all there; on another node it may run
	// for a moment yet. Its settings are set up. It has a minute. An error or a panic leaves the plugin turned off, with its data:
	// whoever asked is told, and may ask again. data is what is about to become of the data.
	Uninstall(ctx context.Context, h Host, data Disposal) error
}

// Disposal is what becomes of a plugin's data when it is uninstalled: its Store, its settings, what is noted of its jobs,
// followers and migrations, and its DataDir. Entries of the content types that it brought are the site's, and stay.
type Disposal string

// A plugin that is turned on again finds what was kept; where it was dropped it begins anew, with nothing.
const (
	KeepData Disposal = "keep-data"
	DropData Disposal = "drop-data"
)

// Valid reports whether it is one of the two.
func (d Disposal) Valid() bool { return d == KeepData || d == DropData }

// HealthChecker is a plugin that can say what is wrong with it: a sentence for an operator.
type HealthChecker interface {
	Health(ctx context.Context) error
}

// Manifest describes a plugin.
type Manifest struct {
	ID          string    `json:"id"`      // reversed domain name, lower case: "dev.acme.slugger"
	Version     string    `json:"version"` // semantic version
	Name        string    `json:"name,omitempty"`
	Description core.Text `json:"description,omitempty"`
	License     string    `json:"license,omitempty"`
	// Writes are the fields that the plugin's handlers may set, as "type.path"; "*.path" is any type's. A handler that
	// writes anything else has failed. "*.{x-territory}" names the fields with a territory's code, of any type.
	Writes []string `json:"writes,omitempty"`
	// Settings is the JSON Schema of the plugin's settings, an object; members that it marks with writeOnly, of the settings or of
	// an object in them, are secrets: kept encrypted, and never shown. See Settings.
	Settings json.RawMessage `json:"settings,omitempty"`
	// Capabilities are what the plugin needs beyond taking part in what callers do. What is not named here is denied.
	Capabilities Capabilities `json:"capabilities,omitzero"`
	Requires     []string     `json:"requires,omitempty"` // IDs of plugins without which this one is left out
	// Uninstall is what becomes of the plugin's data when it is uninstalled; "" is KeepData. Who uninstalls it may decide otherwise.
	Uninstall Disposal `json:"uninstall,omitempty"`
}

// Capabilities are what a plugin may do besides. The zero value is nothing.
type Capabilities struct {
	// Elevate lets the plugin act with all rights, for a reason that goes into the audit trail. See Host.Elevate.
	Elevate bool `json:"elevate,omitempty"`
	// Accounts lets the plugin's handlers take part in what concerns users, roles, sessions, tokens and links: to refuse a
	// sign-in, say. Their secrets stay hidden from it.
	Accounts bool `json:"accounts,omitempty"`
	// Prefixes are paths outside of /x/{id}/ that the plugin answers: "/geo". Only plugins that come with Palabre have them.
	Prefixes []string `json:"prefixes,omitempty"`
	// StoreBytes is the most that the plugin's own data may weigh; 1 MiB when 0.
	StoreBytes int64 `json:"storeBytes,omitempty"`
	// Hosts are those that the plugin connects to, "api.acme.dev"; "*" for any that the node's own rules let through.
	Hosts []string `json:"hosts,omitempty"`
}

var (
	validID      = regexp.MustCompile(`^[a-z][a-z0-9]*([.-][a-z0-9]+)*$`)
	validVersion = regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.-]+)?$`)
)

// ValidID reports whether a plugin may have this ID.
func ValidID(id string) bool { return len(id) <= 100 && validID.MatchString(id) }

// Check says what is wrong with a manifest.
func (m *Manifest) Check() error {
	if !ValidID(m.ID) {
		return fmt.Errorf("plugin %q: an id is a reversed domain name in lower case, like dev.acme.slugger", m.ID)
	}
	if !validVersion.MatchString(m.Version) {
		return fmt.Errorf("plugin %s: the version %q is no semantic version, like 1.2.0", m.ID, m.Version)
	}
	if len(m.Capabilities.Prefixes) > 0 && !strings.HasPrefix(m.ID, "dev.palabre.") {
		return fmt.Errorf("plugin %s: only plugins that come with Palabre answer addresses outside of /x/%s", m.ID, m.ID)
	}
	for _, w := range m.Writes {
		if typ, field, ok := strings.Cut(w, "."); !ok || typ == "" || field == "" {
			return fmt.Errorf("plugin %s: writes names %q: name a type and a field, like article.slug", m.ID, w)
		}
	}
	if m.Uninstall != "" && !m.Uninstall.Valid() {
		return fmt.Errorf("plugin %s: uninstall is %q: declare %s or %s", m.ID, m.Uninstall, KeepData, DropData)
	}
	return nil
}

// declares reports whether the manifest names a field among those that are written.
func (m *Manifest) declares(t *core.Type, path string) bool {
	for _, w := range m.Writes {
		typ, field, _ := strings.Cut(w, ".")
		if typ != "*" && typ != string(t.Name) {
			continue
		}
		if path == field || strings.HasPrefix(path, field+".") {
			return true
		}
		if f, ok := t.Field(path); ok && field == territories && f.Territory != "" {
			return true
		}
	}
	return false
}

// territories stands for all fields with a territory's code in Manifest.Writes.
const territories = "{x-territory}"

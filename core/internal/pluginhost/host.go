// Package pluginhost runs the plugins of a node: it registers them, gives each what it may use, does its jobs and lets it
// follow the log, keeps its settings and its data, and turns off the one that fails too often.
//
// A plugin's state is an entry of the type _plugin: on or off, its settings (what is secret among them sealed), and why it
// was turned off. So all nodes agree on it, and it has a history. Everything else that a plugin keeps lies in the key-value
// side of the log under "plugin/{id}/".
package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// Type is the system type of plugins' state.
const Type core.TypeName = "_plugin"

// Parts are what the plugins get to use, and what looks after them. All are needed, but for PublicURL and Dir.
type Parts struct {
	Types    core.Types
	Reader   core.Reader
	Mapper   core.Mapper
	Catalog  core.Catalog
	Views    core.PluginViews
	Content  core.Content
	Access   core.Access
	Log      core.Log
	Compiler core.Compiler                              // of the schemas of settings
	HTTP     *http.Client                               // guarded
	Follow   func(ctx context.Context, c core.Consumer) // runs a consumer of the log until ctx is done
	Begin    func(ctx context.Context, consumer string, after core.Position) error
	// Consumers are those of the log whose names begin with a prefix, and Forget drops how far one has come.
	Consumers func(ctx context.Context, prefix string) ([]string, error)
	Forget    func(ctx context.Context, consumer string) error
	Note      func(ctx context.Context, who *core.Principal, e core.AuditEvent) error
	Key       []byte // secrets among the settings are sealed with it
	Holder    string // this process, by a name that no other one has
	Now       func() time.Time
	Logger    *slog.Logger

	// Errand is for a command that works on the store, and no node: see Join.
	Errand bool
	// Hasty looks at the time again and again, for a clock that jumps: a test's.
	Hasty     bool
	PublicURL string
	Dir       string // of the plugins' own directories; "" for none
}

// Host is the plugins of one node.
type Host struct {
	hooks   *core.Hooks
	logger  *slog.Logger
	plugins []*one
	safe    bool
	parts   Parts
	left    []LeftOut

	version atomic.Uint64 // of _plugin when the states were last read, and one
	reading sync.Mutex
	cleared map[string]string // the installation before which nothing is left of a plugin, while reading is held
	dirs    sync.Mutex        // held while the plugins' directories are put in order

	reserved sync.Map // of plugins by ID, who changes the state: see reserve
	begun    atomic.Bool
	joining  sync.Once
	joined   chan struct{} // closed when all that can be are ready, where a command has joined them
	dry      bool          // what the command does is not kept
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup
	beside   sync.WaitGroup // what no plugin waits for to be ready
}

// Wire gives the plugins what they may use. Until then none of them takes part.
func (h *Host) Wire(p Parts) {
	h.parts = p
	h.joined = make(chan struct{})
	h.ctx, h.stop = context.WithCancel(context.WithValue(context.Background(), hostKey{}, true))
	for _, o := range h.plugins {
		if err := o.readManifest(); err != nil {
			o.bar(err)
		}
	}
}

// Impaired are the IDs of the plugins that are off though nobody wants it so: left out, failed, or not to be started.
func (h *Host) Impaired() []string {
	var ids []string
	for _, l := range h.left {
		ids = append(ids, l.ID)
	}
	for _, o := range h.plugins {
		if o.impaired() || o.viewFailed() {
			ids = append(ids, o.id())
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Only has one plugin take part, with these settings over its defaults, and no other one: for a trial without a node.
func (h *Host) Only(id string, settings map[string]any) error {
	o := h.find(id)
	if o == nil {
		return core.Errorf(core.CodeNotFound, "there is no plugin %q among those of this binary", id)
	}
	if o.barred != "" {
		return fmt.Errorf("%s", o.barred)
	}
	o.on.Store(true)
	return o.guarded("settings", func() error { return o.setUp(state{Settings: settings}) })
}

// Start reads the plugins' states and starts those that are on; it follows their states until Close. It never fails for a
// plugin's sake.
func (h *Host) Start(ctx context.Context) {
	h.begun.Store(true)
	h.dropUnregistered(ctx)
	h.follow(ctx)
	h.running.Go(h.watch)
}

// hostKey marks the context of what the host has begun itself.
type hostKey struct{}

// Join has the plugins that are on take part in what a command does: they are set up, brought up to date and started as on a node, and
// what keeps one off there keeps it off here. Their jobs and followers are left to a node, which finds what was committed here. It
// returns when all of them are ready that can be, or ctx is done; called again, it waits for the same. What a plugin writes as it
// gets ready goes on without those that are not yet.
//
// In a dry run, where nothing is kept, those stay out that would have to migrate, and what goes wrong turns none off.
func (h *Host) Join(ctx context.Context, dry bool) {
	if ctx.Value(hostKey{}) != nil {
		return
	}
	h.joining.Do(func() {
		h.dry = dry
		h.begun.Store(true)
		h.beside.Go(func() {
			defer close(h.joined)
			h.follow(h.ctx)
			h.warnOfAbsent(h.ctx)
			h.running.Wait()
		})
	})
	select {
	case <-h.joined:
	case <-ctx.Done():
	}
}

// warnOfAbsent tells of plugins that are on in the store, and not in this program: what they would do is not done.
func (h *Host) warnOfAbsent(ctx context.Context) {
	all, err := h.Standings(ctx)
	if err != nil || h.safe { // told of by follow, or what somebody wants
		return
	}
	for _, s := range all {
		if s.Absent && s.Enabled {
			h.logger.Warn("a plugin is off: this program does not have it", "plugin", s.ID)
		}
	}
}

// watch sees to it that what was decided on any node holds here within a moment.
func (h *Host) watch() {
	for {
		at := h.parts.Catalog.Position()
		h.follow(h.ctx)
		if err := h.parts.Catalog.Wait(h.ctx, at+1); err != nil {
			return
		}
	}
}

// follow takes over the plugins' states where they have changed.
func (h *Host) follow(ctx context.Context) {
	h.reading.Lock()
	defer h.reading.Unlock()
	version := h.parts.Catalog.Version(Type) + 1
	if version == h.version.Load() {
		return
	}
	states, err := h.states(ctx)
	if err != nil {
		h.logger.Error("the states of the plugins cannot be read", "error", err)
		return
	}
	h.version.Store(version)
	h.place(states)
	for _, o := range h.plugins {
		o.take(ctx, states[o.id()])
	}
	h.clearAll(states)
}

// Close stops the plugins. What of them does not end when it is told to keeps nobody from ending.
func (h *Host) Close() error {
	if !h.begun.Load() {
		return nil
	}
	h.stop()
	if !ended(&h.running, stopWithin) || !ended(&h.beside, stopWithin) {
		h.logger.Error("a plugin's job or migration does not end with its context: it is left behind")
	}
	var failures []error
	for _, o := range slices.Backward(h.plugins) {
		failures = append(failures, o.turnOff(context.Background()))
	}
	return errors.Join(failures...)
}

// LeftOut are the plugins that could not be registered.
func (h *Host) LeftOut() []LeftOut { return h.left }

// Commands are those of all plugins. Run on a node they get its services; a host that is not wired has those on files alone.
func (h *Host) Commands(dataDir string) []plugin.Command {
	var all []plugin.Command
	for _, o := range h.plugins {
		for _, c := range o.Commands {
			run := c.Run
			c.Run = func(ctx context.Context, call *plugin.CommandCall) error {
				call.Dir = filepath.Join(dataDir, o.id())
				if c.Files {
					if err := noteFresh(dataDir, o.id()); err != nil {
						return err
					}
					return run(ctx, call)
				}
				call.Host = o
				if err := o.prepare(ctx, call.Dir); err != nil {
					return err
				}
				return o.withViews(ctx, func() error { return run(ctx, call) })
			}
			all = append(all, c)
		}
	}
	return all
}

// prepare readies what a command of the plugin needs: its directory, and its settings as they are in the store.
func (o *one) prepare(ctx context.Context, dir string) error {
	states, err := o.host.states(ctx)
	if err != nil {
		return err
	}
	s := states[o.id()]
	if err := errors.Join(o.settle(ctx, s), os.MkdirAll(dir, 0o700)); err != nil {
		return err
	}
	return o.setUp(s)
}

// Words are what a plugin adds to the words of schemas.
type Words struct {
	Plugin string
	core.Vocabulary
}

// Vocabulary is what the plugins add to the words of schemas, by plugin.
func (h *Host) Vocabulary() []Words {
	var all []Words
	for _, o := range h.plugins {
		all = append(all, Words{o.id(), o.Registered.Vocabulary})
	}
	return all
}

// Brought is a content type that a plugin brings.
type Brought struct {
	Plugin string
	Schema []byte
}

// Schemas are the content types that the plugins bring.
func (h *Host) Schemas() []Brought {
	var all []Brought
	for _, o := range h.plugins {
		for _, s := range o.Registered.Types {
			all = append(all, Brought{o.id(), s})
		}
	}
	return all
}

// Bar keeps a plugin off, for the reason given, as long as this process lasts.
func (h *Host) Bar(id string, err error) {
	if o := h.find(id); o != nil {
		o.bar(err)
	}
}

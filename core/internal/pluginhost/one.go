package pluginhost

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// one is one plugin on this node: what it has registered, whether it is on, and the node as it sees it.
type one struct {
	*plugin.Registered
	host     *Host
	settings *settingsSchema // nil for a plugin without settings

	on     atomic.Bool
	turn   sync.Mutex // guards what follows, and is held while the plugin is turned on or off
	state  state
	reason string // why it is off, for people
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup // goroutines of the plugin's own

	ledger  ledger
	mu      sync.Mutex // guards stats and strikes
	stats   map[string]*stat
	strikes []time.Time
}

var (
	_ plugin.Host = (*one)(nil)
	_ plugin.Gate = (*one)(nil)
)

func (o *one) id() string { return o.Manifest.ID }

// writers is the chain of plugins that a write was made by, in the context of the write.
type writers []string

type writersKey struct{}

func writersOf(ctx context.Context) writers {
	w, _ := ctx.Value(writersKey{}).(writers)
	return w
}

// maxDepth is how many writes of plugins may lead to each other: with the one that they began with, five.
const maxDepth = 4

// Open implements plugin.Gate: a plugin does not take part in what it has just written itself.
func (o *one) Open(ctx context.Context) bool {
	if !o.on.Load() {
		return false
	}
	w := writersOf(ctx)
	return len(w) == 0 || w[len(w)-1] != o.id()
}

// take brings the plugin into a state.
func (o *one) take(ctx context.Context, s state) {
	o.turn.Lock()
	defer o.turn.Unlock()
	if s.equal(o.state) && (o.on.Load() || o.reason != "") {
		return
	}
	restart := o.on.Load() && s.Enabled && !s.sameSettings(o.state)
	o.state = s
	if !s.Enabled || restart {
		o.putOff(ctx)
		o.reason = s.Fault
	}
	if o.host.safe {
		o.reason = "The server runs in safe mode, without plugins."
		return
	}
	if !s.Enabled || o.on.Load() {
		return
	}
	o.reason = ""
	if err := o.turnOn(ctx); err != nil {
		o.reason = err.Error()
		o.host.logger.Error("a plugin is off", "plugin", o.id(), "error", err)
	}
}

// turnOn starts the plugin with its settings.
func (o *one) turnOn(ctx context.Context) error {
	if err := o.setUp(o.state); err != nil {
		return err
	}
	o.ctx, o.stop = context.WithCancel(o.host.ctx)
	if s, ok := o.Plugin.(plugin.Starter); ok {
		if err := o.guarded("start", func() error { return s.Start(ctx, o) }); err != nil {
			o.stop()
			o.work.Wait()
			return err
		}
	}
	begin := o.Position()
	o.on.Store(true)
	for i := range o.Followers {
		f := &o.Followers[i]
		o.work.Go(func() { o.host.runFollower(o.ctx, o, f, begin) })
	}
	o.host.logger.Info("a plugin is on", "plugin", o.id(), "version", o.Manifest.Version)
	return nil
}

func (o *one) turnOff(ctx context.Context) error {
	o.turn.Lock()
	defer o.turn.Unlock()
	return o.putOff(ctx)
}

// stopWithin bounds a plugin's Stop.
const stopWithin = 5 * time.Second

func (o *one) putOff(ctx context.Context) error {
	if !o.on.Swap(false) {
		return nil
	}
	o.stop()
	o.work.Wait()
	s, ok := o.Plugin.(plugin.Stopper)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	return o.guarded("stop", func() error { return s.Stop(ctx) })
}

// guarded runs a plugin's code: a panic is an error.
func (o *one) guarded(what string, f func() error) (err error) {
	began := time.Now()
	defer func() {
		if v := recover(); v != nil {
			err = &plugin.Panic{Value: v, Stack: string(debug.Stack())}
			o.host.logger.Error("a plugin panicked", "plugin", o.id(), "where", what, "panic", v, "stack", string(debug.Stack()))
			o.strike(what, err)
		}
		o.Called(what, time.Since(began), err)
	}()
	return f()
}

func (o *one) Types() core.Types                 { return o.host.parts.Types }
func (o *one) Reader() core.Reader               { return o.host.parts.Reader }
func (o *one) Places() core.Mapper               { return o.host.parts.Mapper }
func (o *one) Position() core.Position           { return o.host.parts.Catalog.Position() }
func (o *one) Version(name core.TypeName) uint64 { return o.host.parts.Catalog.Version(name) }
func (o *one) Now() time.Time                    { return o.host.parts.Now() }
func (o *one) PublicURL() string                 { return o.host.parts.PublicURL }
func (o *one) Log() *slog.Logger                 { return o.host.logger.With("plugin", o.id()) }
func (o *one) Store() plugin.Store               { return &store{one: o, prefix: o.prefix() + "kv/"} }
func (o *one) prefix() string                    { return "plugin/" + o.id() + "/" }
func (o *one) Wait(ctx context.Context, p core.Position) error {
	return o.host.parts.Catalog.Wait(ctx, p)
}

// Write implements plugin.Host.
func (o *one) Write(ctx context.Context, who *core.Principal, ops []core.Operation, w core.WriteOptions) (*core.Result, error) {
	by := writersOf(ctx)
	if len(by) >= maxDepth {
		return nil, core.Refuse(core.CodeConflict, "hook_cycle", "Plugins write because of each other's writes, in a circle: %v.",
			"Des extensions écrivent chacune à cause de ce que l’autre écrit, en boucle : %v.", append(by[:len(by):len(by)], o.id()))
	}
	ctx = context.WithValue(ctx, writersKey{}, append(by[:len(by):len(by)], o.id()))
	return o.host.parts.Content.Write(ctx, who, ops, w)
}

// Elevate implements plugin.Host.
func (o *one) Elevate(ctx context.Context, reason string) (*core.Principal, error) {
	if !o.Manifest.Capabilities.Elevate {
		o.host.logger.Warn("a plugin asked for rights that its manifest does not name", "plugin", o.id(), "reason", reason)
		return nil, core.Refuse(core.CodeForbidden, "capability", "The plugin %s may not act with rights of its own: its manifest does not ask for it.",
			"L’extension %s ne peut pas agir de son propre chef : son manifeste ne le demande pas.", o.id())
	}
	p := &core.Principal{ID: "plugin:" + o.id(), Kind: core.System.Kind, Roles: core.System.Roles}
	err := o.host.parts.Note(ctx, p, core.AuditEvent{Event: "elevate", Detail: map[string]any{"plugin": o.id(), "reason": reason}})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// HTTP implements plugin.Host.
func (o *one) HTTP() *http.Client {
	c := *o.host.parts.HTTP
	c.Transport = &hosts{allowed: o.Manifest.Capabilities.Hosts, next: o.host.parts.HTTP.Transport, one: o}
	return &c
}

// hosts lets requests through to the hosts of a manifest, redirects included.
type hosts struct {
	allowed []string
	next    http.RoundTripper
	one     *one
}

// RoundTrip implements http.RoundTripper.
func (t *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, host := range t.allowed {
		if host == "*" || host == r.URL.Hostname() {
			return t.next.RoundTrip(r)
		}
	}
	t.one.host.logger.Warn("a plugin asked for a host that its manifest does not name", "plugin", t.one.id(), "host", r.URL.Hostname())
	return nil, fmt.Errorf("the plugin %s may not connect to %s: its manifest does not name it", t.one.id(), r.URL.Hostname())
}

// Go implements plugin.Host.
func (o *one) Go(f func(ctx context.Context)) {
	ctx := o.ctx
	o.work.Go(func() {
		_ = o.guarded("goroutine", func() error { f(ctx); return nil })
	})
}

// DataDir implements plugin.Host.
func (o *one) DataDir() (string, error) {
	if o.host.parts.Dir == "" {
		return "", core.Errorf(core.CodeUnavailable, "there is no data directory")
	}
	dir := filepath.Join(o.host.parts.Dir, o.id())
	return dir, os.MkdirAll(dir, 0o700)
}

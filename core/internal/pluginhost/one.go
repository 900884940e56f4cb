package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
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
	reason string                // why it is off, for people
	barred string                // why it cannot be on as long as this process lasts
	stint  atomic.Pointer[stint] // nil for one that was never on

	installation atomic.Pointer[string] // that its data is of; nil before its state was read

	wanted    atomic.Bool // it is off against somebody's will, when it is off
	migrating sync.Mutex  // held by who migrates
	migrates  atomic.Bool // it is off until its data is up to date

	working chan struct{} // full while somebody does its jobs

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

// On implements plugin.Gate.
func (o *one) On() bool { return o.on.Load() }

// take brings the plugin into a state.
func (o *one) take(ctx context.Context, s state) {
	o.turn.Lock()
	defer o.turn.Unlock()
	// Another revision of the same means that it was turned off and on again in between, or that somebody wants it tried anew.
	if s.equal(o.state) && s.rev == o.state.rev && (o.on.Load() || o.reason != "") {
		return
	}
	restart := s.Enabled && s.startsAnew(o.state)
	o.state = s
	o.wanted.Store(!o.host.safe && (s.Enabled || s.Fault != ""))
	if !s.Enabled || restart {
		if err := o.putOff(ctx); err != nil {
			o.host.logger.Warn("a plugin does not stop", "plugin", o.id(), "error", err)
		}
		o.reason = s.Fault
	}
	err := o.settle(ctx, s)
	switch {
	case o.host.safe:
		o.reason = "The server runs in safe mode, without plugins."
	case o.barred != "":
		o.reason = o.barred
	case err != nil:
		o.entered(err)
	case s.Enabled && !o.on.Load():
		o.reason = ""
		o.entered(o.turnOn(ctx))
	}
}

// settle has the plugin's data be that of the installation that there is.
func (o *one) settle(ctx context.Context, s state) error {
	// What a command has begun since the state was read last is of the installation that there was.
	if was := o.installation.Swap(&s.Installation); was != nil && *was != s.Installation {
		if err := o.host.settleDir(ctx, o.id(), *was); err != nil {
			return err
		}
	}
	return o.host.settleDir(ctx, o.id(), s.Installation)
}

// bar keeps the plugin off as long as this process lasts: what it brings is broken, and the site goes on without it.
func (o *one) bar(err error) {
	o.turn.Lock()
	defer o.turn.Unlock()
	o.barred, o.reason = err.Error(), err.Error()
	_ = o.putOff(context.Background()) // where its state was read before this was known
	o.wanted.Store(!o.host.safe)
	o.host.logger.Error("a plugin stays off", "plugin", o.id(), "error", err)
}

// entered notes why the plugin is not on.
func (o *one) entered(err error) {
	if err != nil {
		o.reason = err.Error()
		o.host.logger.Error("a plugin is off", "plugin", o.id(), "error", err)
	}
}

// impaired reports whether the plugin is off though nobody wants it so.
func (o *one) impaired() bool { return o.wanted.Load() && !o.on.Load() }

// turnOn sets the plugin up and has it take part, at once or when its data is up to date.
func (o *one) turnOn(ctx context.Context) error {
	if err := o.guarded("settings", func() error { return o.setUp(o.state) }); err != nil {
		return err
	}
	behind := o.behind(ctx)
	if behind && o.host.dry {
		return errDry
	}
	o.end() // a migration that is under way begins anew
	now := newStint(o.host.ctx)
	o.stint.Store(now)
	if !behind {
		return o.enter(ctx, now)
	}
	o.reason = "It is bringing its data up to date."
	o.migrates.Store(true)
	o.host.running.Go(func() { o.migrateAndEnter(now) })
	return nil
}

var errDry = errors.New("its data has to be brought up to date first, and a dry run changes nothing")

// startWithin bounds a plugin's Start: the site does not wait for it.
const startWithin = time.Minute

// enter starts the plugin.
func (o *one) enter(ctx context.Context, now *stint) error {
	o.followViews(now)
	if s, ok := o.Plugin.(plugin.Starter); ok {
		if err := o.start(ctx, now, s); err != nil {
			o.end()
			return err
		}
	}
	begin := o.Position()
	o.on.Store(true)
	for i := range o.Followers {
		f := &o.Followers[i]
		if o.host.dry {
			continue
		}
		// From here on nothing goes unannounced, however soon this node dies.
		if err := o.host.parts.Begin(ctx, o.consumer(f), begin); err != nil {
			o.host.logger.Warn("where a plugin begins to follow cannot be noted yet", "plugin", o.id(), "error", err)
		}
		if o.Serving() {
			now.run(func(ctx context.Context) { o.host.runFollower(ctx, o, f, begin) })
		}
	}
	if len(o.Jobs) > 0 && o.Serving() {
		now.run(func(ctx context.Context) { o.host.doJobs(ctx, o) })
	}
	o.host.logger.Info("a plugin is on", "plugin", o.id(), "version", o.Manifest.Version)
	return nil
}

// start has the plugin start. Its context ends with the time for it and with the stint, so that nothing of a start that came too late
// goes on.
func (o *one) start(ctx context.Context, now *stint, s plugin.Starter) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	defer context.AfterFunc(now.ctx, cancel)()
	return o.timed("start", startWithin, func() error { return s.Start(ctx, o) })
}

func (o *one) turnOff(ctx context.Context) error {
	o.turn.Lock()
	defer o.turn.Unlock()
	return o.putOff(ctx)
}

// stopWithin bounds a plugin's Stop, and how long it is waited for what the plugin has begun.
const stopWithin = 5 * time.Second

func (o *one) putOff(ctx context.Context) error {
	was := o.on.Swap(false)
	o.end()
	s, ok := o.Plugin.(plugin.Stopper)
	if !was || !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	return o.timed("stop", stopWithin, func() error { return s.Stop(ctx) })
}

// end ends what the plugin has begun.
func (o *one) end() {
	if s := o.stint.Load(); s != nil {
		s.end()
		if !s.settled(stopWithin) {
			o.host.logger.Error("a plugin's goroutines do not end with their context", "plugin", o.id())
		}
	}
}

// timed is guarded for what the host has to wait for: it goes on when the time is over.
func (o *one) timed(what string, within time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- o.guarded(what, f) }()
	select {
	case err := <-done:
		return err
	case <-time.After(within):
		return fmt.Errorf("it did not come back from %s within %s", what, within)
	}
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
func (o *one) Serving() bool                     { return !o.host.parts.Errand }
func (o *one) PublicURL() string                 { return o.host.parts.PublicURL }
func (o *one) Log() *slog.Logger                 { return o.host.logger.With("plugin", o.id()) }
func (o *one) Store() plugin.Store               { return &store{one: o, prefix: o.prefix() + "kv/"} }
func (o *one) prefix() string                    { return prefixOf(o.id(), o.installed()) }
func (o *one) Wait(ctx context.Context, p core.Position) error {
	return o.host.parts.Catalog.Wait(ctx, p)
}

// prefixOf is what the keys of an installation of a plugin begin with. Those of the first one begin as all of the plugin's do.
func prefixOf(id, installation string) string {
	if installation == "" {
		return "plugin/" + id + "/"
	}
	return "plugin/" + id + "/" + installation + "/"
}

// installed is the installation that the plugin's data is of.
func (o *one) installed() string {
	if i := o.installation.Load(); i != nil {
		return *i
	}
	return ""
}

// Write implements plugin.Host.
func (o *one) Write(ctx context.Context, who *core.Principal, ops []core.Operation, w core.WriteOptions) (*core.Result, error) {
	if o.host.parts.Errand {
		o.host.Join(ctx, false) // the other plugins, for a command of this one
	}
	by := writersOf(ctx)
	if len(by) >= maxDepth {
		return nil, core.Refuse(core.CodeConflict, "hook_cycle", "Plugins write because of each other's writes, in a circle: %v.",
			"Des extensions écrivent chacune à cause de ce que l’autre écrit, en boucle : %v.", append(by[:len(by):len(by)], o.id()))
	}
	ctx = context.WithValue(ctx, writersKey{}, append(by[:len(by):len(by)], o.id()))
	return o.host.parts.Content.Write(ctx, who, ops, w)
}

// Own implements plugin.Host.
func (o *one) Own(ctx context.Context, name core.TypeName, f func(e *core.Entry) error) error {
	if !o.brings(name) {
		return core.Refuse(core.CodeForbidden, "capability", "The type %s is not one that the plugin %s brings.", "Le type %s n’est pas de ceux que l’extension %s apporte.", string(name), o.id())
	}
	now := o.host.now()
	return o.host.parts.Catalog.Each(ctx, name, "", func(e *core.Entry) error { return f(e.At(now)) })
}

func (o *one) brings(name core.TypeName) bool {
	for _, text := range o.Registered.Types {
		var head struct {
			Type struct {
				Name core.TypeName `json:"name"`
			} `json:"x-type"`
		}
		if json.Unmarshal(text, &head) == nil && head.Type.Name == name {
			return true
		}
	}
	return false
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
	s := o.stint.Load()
	if s == nil { // for a command, which ends with the process
		s = newStint(context.Background())
	}
	s.run(func(ctx context.Context) {
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

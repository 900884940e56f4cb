package plugin

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// EntryPoint is an editorial intent that handlers may take part in.
type EntryPoint struct {
	name  string
	chain func(*core.Hooks) *hook.Chain[*core.EntryEvent]
}

// The entry points. core.Hooks says of each what a handler may do.
var (
	EntryValidate   = EntryPoint{"entry.validate", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntryValidate }}
	EntryCreate     = EntryPoint{"entry.create", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntryCreate }}
	EntryUpdate     = EntryPoint{"entry.update", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntryUpdate }}
	EntryRestore    = EntryPoint{"entry.restore", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntryRestore }}
	EntryPublish    = EntryPoint{"entry.publish", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntryPublish }}
	EntryUnpublish  = EntryPoint{"entry.unpublish", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntryUnpublish }}
	EntryTransition = EntryPoint{"entry.transition", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntryTransition }}
	EntrySchedule   = EntryPoint{"entry.schedule", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntrySchedule }}
	EntryDelete     = EntryPoint{"entry.delete", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntryDelete }}
	EntryPurge      = EntryPoint{"entry.purge", func(h *core.Hooks) *hook.Chain[*core.EntryEvent] { return &h.EntryPurge }}
)

var entryPoints = []EntryPoint{EntryValidate, EntryCreate, EntryUpdate, EntryRestore, EntryPublish, EntryUnpublish,
	EntryTransition, EntrySchedule, EntryDelete, EntryPurge}

// EntryPointNamed finds an entry point by the name of its event, "entry.create".
func EntryPointNamed(name string) (EntryPoint, bool) {
	for _, p := range entryPoints {
		if p.name == name {
			return p, true
		}
	}
	return EntryPoint{}, false
}

// EntryPointNames are the names of all entry points' events.
func EntryPointNames() []string {
	var names []string
	for _, p := range entryPoints {
		names = append(names, p.name)
	}
	return names
}

// Run passes an event through the handlers in hooks.
func (p EntryPoint) Run(ctx context.Context, hooks *core.Hooks, e *core.EntryEvent) error {
	return p.chain(hooks).Run(ctx, e, func(context.Context) error { return nil })
}

// Next runs the rest of the chain and the operation.
type Next = hook.Next

// defaultTimeout bounds a handler within a request (its own time, not what it waits for below next).
const defaultTimeout = 250 * time.Millisecond

// Option says when and where a handler runs.
type Option func(*options)

type options struct {
	name    string
	named   bool // by the plugin
	stage   hook.Stage
	after   []string
	before  []string
	timeout time.Duration
	fail    hook.FailMode
	types   []core.TypeName
	only    func(*core.Type) bool
	actions []core.Action
}

// Named tells handlers of one plugin at one point apart; without it they are numbered. A name is given once at each point.
func Named(name string) Option { return func(o *options) { o.name, o.named = name, true } }

// AtStage places the handler; the default is hook.Default.
func AtStage(s hook.Stage) Option { return func(o *options) { o.stage = s } }

// AfterPlugins and BeforePlugins order the handler among those of the same stage.
func AfterPlugins(ids ...string) Option { return func(o *options) { o.after = ids } }

// BeforePlugins is the reverse of AfterPlugins.
func BeforePlugins(ids ...string) Option { return func(o *options) { o.before = ids } }

// Within changes the time that the handler may take.
func Within(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// SkipOnFault lets the operation go on when the handler fails; the fault is reported.
func SkipOnFault() Option { return func(o *options) { o.fail = hook.FailOpen } }

// OnlyFor limits the handler to types for which f holds. It is asked at every event, so it has to be quick.
func OnlyFor(f func(t *core.Type) bool) Option { return func(o *options) { o.only = f } }

// OnTypes limits the handler to content types. Without it the handler sees all but the system's own. Those of accounts (_user, _role,
// _session, _token, _link) need Capabilities.Accounts.
func OnTypes(names ...core.TypeName) Option { return func(o *options) { o.types = names } }

// OnActions limits an After handler to actions.
func OnActions(actions ...core.Action) Option { return func(o *options) { o.actions = actions } }

func (o *options) wants(name core.TypeName) bool {
	if len(o.types) == 0 {
		return !name.System()
	}
	return slices.Contains(o.types, name)
}

func (r *Registry) options(point string, given []Option) options {
	o := options{timeout: defaultTimeout}
	for _, set := range given {
		set(&o)
	}
	if o.name == "" {
		o.name = point
	}
	return o
}

// Before registers a handler that runs before the operation: it may change e.New or refuse with Reject. It works on a copy of
// the event, which counts when it returns in time; one that does not is left behind, and the operation fails, or goes on
// without it (SkipOnFault).
func Before(r *Registry, p EntryPoint, fn func(ctx context.Context, e *core.EntryEvent) error, given ...Option) error {
	return around(r, p, func(ctx context.Context, own *core.EntryEvent, next Next) error {
		if err := inTime(ctx, func() error { return fn(ctx, own) }); err != nil {
			return err
		}
		return next(ctx)
	}, given)
}

// Around registers a handler that runs around the operation and must call next, once. It works on a copy of the
// event: what it did to e.New counts from the moment it calls next.
func Around(r *Registry, p EntryPoint, fn func(ctx context.Context, e *core.EntryEvent, next Next) error, given ...Option) error {
	return around(r, p, fn, given)
}

func around(r *Registry, p EntryPoint, fn func(ctx context.Context, e *core.EntryEvent, next Next) error, given []Option) error {
	o, chain := r.options(p.name, given), p.chain(r.hooks)
	if err := r.mayName(o.types); err != nil {
		return err
	}
	h := handlerOf[*core.EntryEvent](r, chain.Order(), &o)
	h.Fn = func(ctx context.Context, e *core.EntryEvent, next Next) error {
		if !o.wants(e.Type.Name) || o.only != nil && !o.only(e.Type) || !r.gate.Open(ctx) {
			return next(ctx)
		}
		own := *e
		own.Actor, own.New, own.Old, own.Entry = cloneActor(e.Actor), conceal(e.Type, e.New), conceal(e.Type, e.Old), concealEntry(e.Type, e.Entry)
		began := time.Now()
		// How long the rest of the chain took, and what came of it, is not this handler's.
		var below time.Duration
		var inner error
		err := fn(ctx, &own, func(ctx context.Context) error {
			if err := r.take(e, &own); err != nil {
				return &hook.Fault{Plugin: r.Manifest.ID, Hook: p.name, Err: err}
			}
			paused := time.Now()
			defer func() { below = time.Since(paused) }()
			inner = next(ctx)
			return inner
		})
		if inner != nil {
			r.note(p.name, began.Add(below), nil)
		} else {
			r.note(p.name, began.Add(below), err)
		}
		return err
	}
	return chain.Add(h)
}

// cloneActor copies who asks, so that a plugin cannot make somebody else of him.
func cloneActor(p *core.Principal) *core.Principal {
	if p == nil {
		return nil
	}
	own := *p
	own.Roles = slices.Clone(p.Roles)
	return &own
}

func handlerOf[E any](r *Registry, taken []string, o *options) hook.Handler[E] {
	name := o.name
	if !o.named {
		name = uniqueName(taken, r.Manifest.ID, name)
	}
	return hook.Handler[E]{Plugin: r.Manifest.ID, Name: name, Stage: o.stage, After: o.after, Before: o.before, Timeout: o.timeout, Fail: o.fail}
}

// inTime runs f in a goroutine of its own, and goes on without it when ctx ends first. A panic becomes a fault here as it does
// in the chain.
func inTime(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if v := recover(); v != nil {
				err = &Panic{Value: v, Stack: string(debug.Stack())}
			}
			done <- err
		}()
		err = f()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Panic is what a plugin's code panicked with.
type Panic struct {
	Value any
	Stack string // for the log only
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

func uniqueName(taken []string, plugin, name string) string {
	try := name
	for n := 2; slices.Contains(taken, plugin+"/"+try); n++ {
		try = name + "-" + strconv.Itoa(n)
	}
	return try
}

// take carries a handler's changes over to the event, where the manifest declares them.
func (r *Registry) take(e, own *core.EntryEvent) error {
	if e.New != nil && own.New != nil {
		if err := reveal(e.Type, own.New, e.New); err != nil {
			return err
		}
	}
	for _, op := range jsondoc.Diff(any(e.New), any(own.New)) {
		path := strings.ReplaceAll(strings.TrimPrefix(op.Path, "/"), "/", ".")
		if !r.Manifest.declares(e.Type, path) {
			return fmt.Errorf("wrote %s.%s, which its manifest does not declare under writes", e.Type.Name, path)
		}
	}
	e.New, e.Errors, e.Warnings = own.New, own.Errors, own.Warnings
	return nil
}

// Package hook is an ordered chain of handlers around an operation. It knows nothing of the CMS.
//
// Each handler gets the event and next. What it does before calling next happens before the operation, what it
// does afterwards happens after, and returning an error without calling next refuses the operation: before, after,
// replace and veto are one mechanism. A handler that returns nil without having called next is a fault
// (ErrNextNotCalled), never a silent refusal.
//
// The order is Stage, then declared dependencies, then the plugin's and the handler's name: the same on every
// node, whatever the order of registration. A handler may be put into another stage than it was registered with (Place).
package hook

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Stage is where in the chain a handler stands.
type Stage int

const (
	First     Stage = -1000
	Normalize Stage = -500 // fill in and clean up
	Default   Stage = 0
	Guard     Stage = 500 // look at the result and refuse
	Last      Stage = 1000
)

// stages are the named ones, in their order.
var stages = []struct {
	name  string
	stage Stage
}{{"first", First}, {"normalize", Normalize}, {"default", Default}, {"guard", Guard}, {"last", Last}}

// String gives the name of a stage, else its number.
func (s Stage) String() string {
	for _, named := range stages {
		if named.stage == s {
			return named.name
		}
	}
	return strconv.Itoa(int(s))
}

// StageNamed finds a stage by its name, "guard".
func StageNamed(name string) (Stage, bool) {
	for _, named := range stages {
		if named.name == name {
			return named.stage, true
		}
	}
	return 0, false
}

// StageNames are the names of the stages, in their order.
func StageNames() []string {
	var names []string
	for _, named := range stages {
		names = append(names, named.name)
	}
	return names
}

// FailMode is what a fault (an error that is not a refusal, a panic, a time-out) in a handler does.
type FailMode int

const (
	FailClosed FailMode = iota // the operation fails
	FailOpen                   // the handler is passed over, and the fault reported
)

// Next runs the rest of the chain.
type Next func(ctx context.Context) error

// Handler is one link.
type Handler[E any] struct {
	Plugin string // who registered it
	Name   string // unique within the plugin and the chain
	Stage  Stage
	After  []string // plugins whose handlers of the same stage come first
	Before []string // plugins whose handlers of the same stage come later
	// Timeout bounds the handler's own time; it is paused while next runs. Zero is none. The handler must heed ctx.
	Timeout time.Duration
	Fail    FailMode
	Fn      func(ctx context.Context, e E, next Next) error

	declared Stage // that it was registered with
	placed   bool  // in the stage that it has by Place
}

// ID is the handler's name in listings and errors: "plugin/name".
func (h *Handler[E]) ID() string { return h.Plugin + "/" + h.Name }

// Fault is what went wrong inside a handler.
type Fault struct {
	Plugin, Hook string
	Panic        bool
	Stack        string // for the log only
	Err          error
}

func (f *Fault) Error() string {
	return fmt.Sprintf("plugin %s: hook %s: %v", f.Plugin, f.Hook, f.Err)
}

func (f *Fault) Unwrap() error { return f.Err }

// ErrNextNotCalled is the fault of a handler that returned nil without calling next.
var ErrNextNotCalled = errors.New("returned without calling next and without an error")

// Refusal marks an error as a handler's considered answer, not a fault: it passes to the caller as it is.
type Refusal interface {
	error
	Refusal()
}

// Chain is a list of handlers for one kind of event. The zero Chain is empty and ready. Adding and removing while
// operations run is safe: a running operation finishes on the list that it began with.
type Chain[E any] struct {
	mu       sync.Mutex
	handlers atomic.Pointer[[]Handler[E]]
	// Report is told of every fault, those passed over included. Set it before the first Run.
	Report func(*Fault)
}

// Add puts a handler in its place. A duplicate name, a cycle of dependencies and one on the handler's own plugin are errors and
// change nothing.
func (c *Chain[E]) Add(h Handler[E]) error {
	if h.Plugin == "" || h.Name == "" || h.Fn == nil {
		return errors.New("hook: a handler needs a plugin, a name and a function")
	}
	if slices.Contains(h.After, h.Plugin) || slices.Contains(h.Before, h.Plugin) {
		return fmt.Errorf("hook: %s is to come before or after its own plugin", h.ID())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h.declared = h.Stage
	list := append([]Handler[E](nil), c.list()...)
	for i := range list {
		if list[i].ID() == h.ID() {
			return fmt.Errorf("hook: %s is registered twice", h.ID())
		}
	}
	sorted, err := order(append(list, h))
	if err != nil {
		return err
	}
	c.handlers.Store(&sorted)
	return nil
}

// Place has handlers run in other stages than they were registered with, by their IDs; those that are not named run where they were
// registered. A cycle of dependencies is an error (Cycle) and changes nothing. Names that are not there are passed over.
func (c *Chain[E]) Place(stages map[string]Stage) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, err := c.placed(stages)
	if err == nil {
		c.handlers.Store(&list)
	}
	return err
}

// CanPlace gives the error that Place would give.
func (c *Chain[E]) CanPlace(stages map[string]Stage) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.placed(stages)
	return err
}

func (c *Chain[E]) placed(stages map[string]Stage) ([]Handler[E], error) {
	list := append([]Handler[E](nil), c.list()...)
	for i := range list {
		h := &list[i]
		if h.Stage, h.placed = stages[h.ID()]; !h.placed {
			h.Stage = h.declared
		}
	}
	return order(list)
}

// Placed is where a handler stands.
type Placed struct {
	ID       string
	Stage    Stage
	Declared Stage // that it was registered with
	Chosen   bool  // by Place
}

// Places lists the handlers as they run.
func (c *Chain[E]) Places() []Placed {
	var all []Placed
	for _, h := range c.list() {
		all = append(all, Placed{h.ID(), h.Stage, h.declared, h.placed})
	}
	return all
}

// Remove takes out every handler of a plugin.
func (c *Chain[E]) Remove(plugin string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var kept []Handler[E]
	for _, h := range c.list() {
		if h.Plugin != plugin {
			kept = append(kept, h)
		}
	}
	c.handlers.Store(&kept)
}

// Order lists the handlers' IDs as they run.
func (c *Chain[E]) Order() []string {
	var ids []string
	for _, h := range c.list() {
		ids = append(ids, h.ID())
	}
	return ids
}

// Empty reports whether nobody listens, so that a caller can spare making the event.
func (c *Chain[E]) Empty() bool { return len(c.list()) == 0 }

func (c *Chain[E]) list() []Handler[E] {
	if p := c.handlers.Load(); p != nil {
		return *p
	}
	return nil
}

// Run calls the chain around an operation. An error of the operation itself passes through unchanged, and a handler
// cannot replace it by nil.
func (c *Chain[E]) Run(ctx context.Context, e E, operation Next) error {
	return c.run(ctx, c.list(), e, operation)
}

func (c *Chain[E]) run(ctx context.Context, rest []Handler[E], e E, operation Next) error {
	if len(rest) == 0 {
		return operation(ctx)
	}
	h := &rest[0]
	called, inner := false, error(nil)
	clock := startClock(ctx, h.Timeout)
	next := func(ctx context.Context) error {
		if called {
			return &Fault{Plugin: h.Plugin, Hook: h.Name, Err: errors.New("called next twice")}
		}
		called = true
		clock.pause()
		defer clock.resume()
		inner = c.run(ctx, rest[1:], e, operation)
		return inner
	}
	err := call(clock.ctx, h, e, next)
	clock.stop()
	switch {
	case inner != nil: // what lies below failed: that is the answer, whatever the handler makes of it
		return inner
	case err == nil && called:
		return nil
	case err == nil:
		err = ErrNextNotCalled
	case isRefusal(err):
		return err
	}
	fault := asFault(h, err, clock)
	if c.Report != nil {
		c.Report(fault)
	}
	if h.Fail == FailClosed {
		return fault
	}
	if called {
		return nil
	}
	return c.run(ctx, rest[1:], e, operation)
}

func call[E any](ctx context.Context, h *Handler[E], e E, next Next) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Fault{Plugin: h.Plugin, Hook: h.Name, Panic: true, Stack: string(debug.Stack()), Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	return h.Fn(ctx, e, next)
}

func isRefusal(err error) bool {
	var r Refusal
	return errors.As(err, &r)
}

func asFault[E any](h *Handler[E], err error, clock *handlerClock) *Fault {
	var f *Fault
	if errors.As(err, &f) && f.Plugin == h.Plugin {
		return f
	}
	if clock.expired() {
		err = fmt.Errorf("took longer than %s: %w", h.Timeout, err)
	}
	return &Fault{Plugin: h.Plugin, Hook: h.Name, Err: err}
}

// handlerClock cancels ctx when a handler has used up its own time.
type handlerClock struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	left   time.Duration
	since  time.Time
}

var errTimeout = errors.New("time is up")

func startClock(ctx context.Context, limit time.Duration) *handlerClock {
	k := &handlerClock{ctx: ctx, left: limit}
	if limit > 0 {
		k.ctx, k.cancel = context.WithCancelCause(ctx)
		k.resume()
	}
	return k
}

func (k *handlerClock) resume() {
	if k.cancel == nil || k.left <= 0 {
		return
	}
	k.since = time.Now()
	k.timer = time.AfterFunc(k.left, func() { k.cancel(errTimeout) })
}

func (k *handlerClock) pause() {
	if k.timer == nil {
		return
	}
	k.timer.Stop()
	k.left -= time.Since(k.since)
}

func (k *handlerClock) stop() {
	if k.cancel == nil {
		return
	}
	k.timer.Stop()
	k.cancel(nil)
}

func (k *handlerClock) expired() bool {
	return k.cancel != nil && errors.Is(context.Cause(k.ctx), errTimeout)
}

// order sorts by stage, dependencies and name.
func order[E any](list []Handler[E]) ([]Handler[E], error) {
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if a.Stage != b.Stage {
			return a.Stage < b.Stage
		}
		return a.ID() < b.ID()
	})
	var sorted []Handler[E]
	for len(list) > 0 {
		end := 1
		for end < len(list) && list[end].Stage == list[0].Stage {
			end++
		}
		stage, err := topological(list[:end])
		if err != nil {
			return nil, err
		}
		sorted, list = append(sorted, stage...), list[end:]
	}
	return sorted, nil
}

// topological repeatedly takes the first handler that waits for no other one that is left.
func topological[E any](list []Handler[E]) ([]Handler[E], error) {
	left := append([]Handler[E](nil), list...)
	sorted := make([]Handler[E], 0, len(list))
	for len(left) > 0 {
		i := firstFree(left)
		if i < 0 {
			return nil, cycleOf(left)
		}
		sorted = append(sorted, left[i])
		left = append(left[:i], left[i+1:]...)
	}
	return sorted, nil
}

// Cycle is the error of plugins that wait for each other.
type Cycle struct{ Plugins []string }

func (c *Cycle) Error() string {
	return "hook: these plugins wait for each other: " + strings.Join(c.Plugins, ", ")
}

// cycleOf leaves out those that only wait for the circle and are not part of it: they can do without.
func cycleOf[E any](left []Handler[E]) *Cycle {
	for again := true; again; {
		again = false
		for i := range left {
			if !slices.ContainsFunc(left, func(other Handler[E]) bool { return other.Plugin != left[i].Plugin && waits(&other, &left[i]) }) {
				left, again = slices.Delete(left, i, i+1), true
				break
			}
		}
	}
	c := &Cycle{}
	for _, h := range left {
		if !contains(c.Plugins, h.Plugin) {
			c.Plugins = append(c.Plugins, h.Plugin)
		}
	}
	return c
}

func firstFree[E any](left []Handler[E]) int {
	for i := range left {
		free := true
		for j := range left {
			if i != j && left[i].Plugin != left[j].Plugin && waits(&left[i], &left[j]) {
				free = false
				break
			}
		}
		if free {
			return i
		}
	}
	return -1
}

func waits[E any](h, other *Handler[E]) bool {
	return contains(h.After, other.Plugin) || contains(other.Before, h.Plugin)
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

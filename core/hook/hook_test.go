package hook_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/palabre-cms/palabre/core/hook"
)

type event struct{ trace []string }

func tracing(plugin string) hook.Handler[*event] {
	return hook.Handler[*event]{Plugin: plugin, Name: "trace", Fn: func(ctx context.Context, e *event, next hook.Next) error {
		e.trace = append(e.trace, plugin+" before")
		err := next(ctx)
		e.trace = append(e.trace, plugin+" after")
		return err
	}}
}

func operation(e *event) hook.Next {
	return func(context.Context) error {
		e.trace = append(e.trace, "operation")
		return nil
	}
}

func add[E any](t testing.TB, c *hook.Chain[E], handlers ...hook.Handler[E]) {
	t.Helper()
	for _, h := range handlers {
		if err := c.Add(h); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChain_onion(t *testing.T) {
	t.Parallel()
	var c hook.Chain[*event]
	add(t, &c, tracing("b"), tracing("a"))
	e := &event{}
	if err := c.Run(t.Context(), e, operation(e)); err != nil {
		t.Fatal(err)
	}
	want := []string{"a before", "b before", "operation", "b after", "a after"}
	if !slices.Equal(e.trace, want) {
		t.Errorf("got %v, want %v", e.trace, want)
	}
}

func TestChain_order(t *testing.T) {
	t.Parallel()
	first, guard, waits := tracing("zebra"), tracing("ant"), tracing("bee")
	first.Stage, guard.Stage = hook.First, hook.Guard
	waits.After = []string{"mole"}
	handlers := []hook.Handler[*event]{first, guard, waits, tracing("mole")}
	want := []string{"zebra/trace", "mole/trace", "bee/trace", "ant/trace"}
	permutations(handlers, func(order []hook.Handler[*event]) {
		var c hook.Chain[*event]
		add(t, &c, order...)
		if got := c.Order(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func permutations[T any](list []T, do func([]T)) {
	if len(list) < 2 {
		do(list)
		return
	}
	for i := range list {
		rest := slices.Delete(slices.Clone(list), i, i+1)
		permutations(rest, func(p []T) { do(append([]T{list[i]}, p...)) })
	}
}

// A handler runs where it was placed, and where it was registered when it is not placed any more; a cycle changes nothing.
func TestChain_Place(t *testing.T) {
	t.Parallel()
	a, b, c := tracing("a"), tracing("b"), tracing("c")
	a.After, b.After = []string{"b"}, []string{"a"} // at different stages there is no cycle
	b.Stage = hook.Guard
	var chain hook.Chain[*event]
	add(t, &chain, a, b, c)
	for _, tc := range []struct {
		name   string
		stages map[string]hook.Stage
		want   string // "" for a cycle
	}{
		{"as registered", nil, "a c b"},
		{"one earlier", map[string]hook.Stage{"c/trace": hook.First}, "c a b"},
		{"one later", map[string]hook.Stage{"a/trace": hook.Last}, "c b a"},
		{"where it is", map[string]hook.Stage{"a/trace": hook.Default}, "a c b"},
		{"one that there is not", map[string]hook.Stage{"d/trace": hook.Last}, "a c b"},
		{"a cycle", map[string]hook.Stage{"a/trace": hook.Guard}, ""},
		{"as registered again", map[string]hook.Stage{}, "a c b"},
	} {
		before := strings.Join(chain.Order(), " ")
		possible, err := chain.CanPlace(tc.stages), chain.Place(tc.stages)
		got, want := strings.Join(chain.Order(), " "), strings.ReplaceAll(tc.want+" ", " ", "/trace ")
		if tc.want == "" {
			want = before + " "
		}
		var cycle *hook.Cycle
		if got+" " != want || errors.As(err, &cycle) != (tc.want == "") || (possible == nil) != (err == nil) {
			t.Errorf("%s: got %s, %v, %v", tc.name, got, err, possible)
		}
		for _, p := range chain.Places() {
			if _, chosen := tc.stages[p.ID]; tc.want != "" && p.Chosen != chosen {
				t.Errorf("%s: %v", tc.name, p)
			}
		}
	}
}

func TestStageNamed(t *testing.T) {
	t.Parallel()
	for _, name := range hook.StageNames() {
		if s, ok := hook.StageNamed(name); !ok || s.String() != name {
			t.Errorf("%s is %v, %v", name, s, ok)
		}
	}
	if s, ok := hook.StageNamed("between"); ok {
		t.Errorf("between is %v", s)
	}
	if got := hook.Stage(7).String(); got != "7" {
		t.Errorf("got %s", got)
	}
}

func TestChain_refusesToAdd(t *testing.T) {
	t.Parallel()
	a, b := tracing("a"), tracing("b")
	a.After, b.After = []string{"b"}, []string{"a"}
	var c hook.Chain[*event]
	add(t, &c, a)
	if err := c.Add(a); err == nil {
		t.Error("a duplicate was added")
	}
	err := c.Add(b)
	if err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("a cycle gave %v, want an error naming a and b", err)
	}
	for _, own := range []func(h *hook.Handler[*event]){
		func(h *hook.Handler[*event]) { h.After = []string{"c"} },
		func(h *hook.Handler[*event]) { h.Before = []string{"c"} },
	} {
		h := tracing("c")
		own(&h)
		if err := c.Add(h); err == nil || !strings.Contains(err.Error(), "its own plugin") {
			t.Errorf("one that waits for itself gave %v", err)
		}
	}
	if got := c.Order(); len(got) != 1 {
		t.Errorf("the failed additions left %v", got)
	}
}

type refusal struct{ error }

func (refusal) Refusal() {}

func TestChain_errors(t *testing.T) {
	t.Parallel()
	core, no := errors.New("from the operation"), refusal{errors.New("no")}
	handler := func(fail hook.FailMode, fn func(context.Context, *event, hook.Next) error) hook.Handler[*event] {
		return hook.Handler[*event]{Plugin: "p", Name: "h", Fail: fail, Fn: fn}
	}
	for _, tc := range []struct {
		name    string
		h       hook.Handler[*event]
		op      error
		want    error // nil: success
		ran     bool
		faulted bool
	}{
		{"a refusal passes as it is", handler(hook.FailOpen, func(context.Context, *event, hook.Next) error { return no }), nil, no, false, false},
		{"next forgotten", handler(hook.FailClosed, func(context.Context, *event, hook.Next) error { return nil }), nil, hook.ErrNextNotCalled, false, true},
		{"next forgotten, open", handler(hook.FailOpen, func(context.Context, *event, hook.Next) error { return nil }), nil, nil, true, true},
		{"an error of the operation passes through", handler(hook.FailClosed, func(ctx context.Context, _ *event, next hook.Next) error { return next(ctx) }), core, core, true, false},
		{"it cannot be swallowed", handler(hook.FailOpen, func(ctx context.Context, _ *event, next hook.Next) error { _ = next(ctx); return nil }), core, core, true, false},
		{"open after next: the operation counts", handler(hook.FailOpen, func(ctx context.Context, _ *event, next hook.Next) error { _ = next(ctx); return errors.New("late") }), nil, nil, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var c hook.Chain[*event]
			var faults []*hook.Fault
			c.Report = func(f *hook.Fault) { faults = append(faults, f) }
			add(t, &c, tc.h)
			ran := false
			err := c.Run(t.Context(), &event{}, func(context.Context) error { ran = true; return tc.op })
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if ran != tc.ran {
				t.Errorf("the operation ran: %v, want %v", ran, tc.ran)
			}
			if (len(faults) > 0) != tc.faulted {
				t.Errorf("faults reported: %v, want %v", faults, tc.faulted)
			}
		})
	}
}

func TestChain_panic(t *testing.T) {
	t.Parallel()
	var c hook.Chain[*event]
	add(t, &c, hook.Handler[*event]{Plugin: "p", Name: "h", Fn: func(context.Context, *event, hook.Next) error { panic("boom") }})
	err := c.Run(t.Context(), &event{}, operation(&event{}))
	var f *hook.Fault
	if !errors.As(err, &f) || !f.Panic || f.Stack == "" || strings.Contains(f.Error(), "goroutine") {
		t.Errorf("got %#v, want a fault with the stack apart from the message", err)
	}
}

func TestChain_panicOfTheOperation(t *testing.T) {
	t.Parallel()
	var c hook.Chain[*event]
	add(t, &c, tracing("a"))
	err := c.Run(t.Context(), &event{}, func(context.Context) error { panic("inner") })
	if err == nil {
		t.Error("a panic below next was lost")
	}
}

// A handler's time is its own: what runs below next does not count.
func TestChain_timeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c hook.Chain[*event]
		add(t, &c, hook.Handler[*event]{Plugin: "p", Name: "h", Timeout: time.Second, Fn: func(ctx context.Context, _ *event, next hook.Next) error {
			return next(ctx)
		}})
		slow := func(ctx context.Context) error {
			select {
			case <-time.After(time.Minute):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := c.Run(t.Context(), &event{}, slow); err != nil {
			t.Errorf("the operation's time was counted: %v", err)
		}
		c.Remove("p")
		add(t, &c, hook.Handler[*event]{Plugin: "p", Name: "h", Timeout: time.Second, Fn: func(ctx context.Context, _ *event, _ hook.Next) error {
			return slow(ctx)
		}})
		err := c.Run(t.Context(), &event{}, operation(&event{}))
		if err == nil || !strings.Contains(err.Error(), "longer than 1s") {
			t.Errorf("got %v, want a time-out after 1s", err)
		}
	})
}

func BenchmarkChain(b *testing.B) {
	var c hook.Chain[int]
	for _, p := range []string{"a", "b", "c", "d", "e"} {
		add(b, &c, hook.Handler[int]{Plugin: p, Name: "pass", Fn: func(ctx context.Context, _ int, next hook.Next) error { return next(ctx) }})
	}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Run(ctx, 1, func(context.Context) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

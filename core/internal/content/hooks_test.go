package content_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
)

// refusal is what package hook passes on to the caller.
type refusal struct{ error }

func (refusal) Refusal() {}

func (r refusal) Unwrap() error { return r.error }

type handler func(ctx context.Context, e *core.EntryEvent, next hook.Next) error

func add(t *testing.T, c *hook.Chain[*core.EntryEvent], name string, fn handler) {
	t.Helper()
	if err := c.Add(hook.Handler[*core.EntryEvent]{Plugin: "test", Name: name, Fn: fn}); err != nil {
		t.Fatal(err)
	}
}

func TestHooks_order(t *testing.T) {
	t.Parallel()
	n := start(t)
	var calls []string
	spy := func(name string) handler {
		return func(ctx context.Context, e *core.EntryEvent, next hook.Next) error {
			if e.Name != name {
				t.Errorf("the event is %q in the chain of %q", e.Name, name)
			}
			calls = append(calls, name)
			err := next(ctx)
			if e.Name != name {
				t.Errorf("after next the event is %q in the chain of %q", e.Name, name)
			}
			return err
		}
	}
	h := n.hooks
	for name, chain := range map[string]*hook.Chain[*core.EntryEvent]{"entry.validate": &h.EntryValidate, "entry.create": &h.EntryCreate, "entry.update": &h.EntryUpdate,
		"entry.restore": &h.EntryRestore, "entry.publish": &h.EntryPublish, "entry.unpublish": &h.EntryUnpublish, "entry.transition": &h.EntryTransition,
		"entry.schedule": &h.EntrySchedule, "entry.delete": &h.EntryDelete, "entry.purge": &h.EntryPurge} {
		add(t, chain, name, spy(name))
	}
	called := func(what string, want ...string) {
		t.Helper()
		if !slices.Equal(calls, want) {
			t.Errorf("%s called %v, want %v", what, calls, want)
		}
		calls = nil
	}
	e := n.create("post", `{"title": "A"}`)
	called("create", "entry.validate", "entry.create")
	n.update(e, `{"title": "B"}`)
	called("update", "entry.validate", "entry.update")
	n.transition(e, "submit")
	called("submit", "entry.transition")
	n.transition(e, "publish")
	called("publish", "entry.publish")
	later := time.Now().Add(time.Hour)
	n.do(core.Operation{Op: core.OperationTransition, Type: "post", ID: e.ID, Transition: "unpublish", At: &later})
	called("schedule", "entry.schedule")
	n.transition(e, "unpublish")
	called("unpublish", "entry.unpublish")
	n.remove(e)
	called("delete", "entry.delete")
	n.transition(e, "restore")
	called("restore", "entry.validate", "entry.restore")
	n.do(core.Operation{Op: core.OperationRestore, Type: "post", ID: e.ID, Rev: 1})
	called("restore a revision", "entry.validate", "entry.restore")
	n.do(core.Operation{Op: core.OperationPurge, Type: "post", ID: e.ID})
	called("purge", "entry.purge")
	n.createLive("post", `{"title": "C"}`)
	called("create and publish", "entry.validate", "entry.create", "entry.publish")
	n.refused(core.CodeForbidden, somebody("nobody"), core.Operation{Op: core.OperationCreate, Type: "post", Data: doc(t, `{"title": "D"}`)})
	called("a refused caller")
}

func TestHooks_outcomes(t *testing.T) {
	t.Parallel()
	pass := func(change func(*core.EntryEvent)) handler {
		return func(ctx context.Context, e *core.EntryEvent, next hook.Next) error {
			change(e)
			return next(ctx)
		}
	}
	for _, tc := range []struct {
		name   string
		fn     handler
		data   string
		code   core.Code
		reason string
		draft  string
	}{
		{"changes the document", pass(func(e *core.EntryEvent) { e.New["kind"] = "x" }), `{"name": "A"}`, "", "", `{"name": "A", "kind": "x", "slug": "a"}`},
		{"replaces the document", pass(func(e *core.EntryEvent) { e.New = map[string]any{"name": "B"} }), `{"name": "A"}`, "", "", `{"name": "B", "slug": "b"}`},
		{"repairs the document", pass(func(e *core.EntryEvent) { e.New["name"] = "B" }), `{}`, "", "", `{"name": "B", "slug": "b"}`},
		{"changes what was", pass(func(e *core.EntryEvent) { clear(e.Old) }), `{"name": "A"}`, "", "", `{"name": "A", "slug": "a"}`},
		{"breaks the document", pass(func(e *core.EntryEvent) { delete(e.New, "name") }), `{"name": "A"}`, core.CodeInternal, "plugin_invalid_output", ""},
		{"takes the document away", pass(func(e *core.EntryEvent) { e.New = nil }), `{"name": "A"}`, core.CodeInternal, "plugin_failed", ""},
		{"adds an error", pass(func(e *core.EntryEvent) { e.Errors = append(e.Errors, core.FieldError{Pointer: "/name"}) }), `{"name": "A"}`, core.CodeInvalid, "", ""},
		{"refuses", func(context.Context, *core.EntryEvent, hook.Next) error {
			return refusal{&core.Error{Code: core.CodeInvalid, Reason: "too_short", Message: "No."}}
		}, `{"name": "A"}`, core.CodeInvalid, "too_short", ""},
		{"refuses plainly", func(context.Context, *core.EntryEvent, hook.Next) error { return refusal{errors.New("no")} }, `{"name": "A"}`, core.CodeInvalid, "refused", ""},
		{"fails", func(context.Context, *core.EntryEvent, hook.Next) error { return errors.New("secret detail") }, `{"name": "A"}`, core.CodeInternal, "plugin_failed", ""},
		{"panics", func(context.Context, *core.EntryEvent, hook.Next) error { panic("secret detail") }, `{"name": "A"}`, core.CodeInternal, "plugin_failed", ""},
		{"forgets next", func(context.Context, *core.EntryEvent, hook.Next) error { return nil }, `{"name": "A"}`, core.CodeInternal, "plugin_failed", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range []string{"entry.validate", "entry.create"} {
				n := start(t)
				chain := &n.hooks.EntryValidate
				if name == "entry.create" {
					chain = &n.hooks.EntryCreate
				}
				add(t, chain, "h", tc.fn)
				op := core.Operation{Op: core.OperationCreate, Type: "partner", ID: core.NewID(time.Now()), Data: doc(t, "%s", tc.data)}
				if tc.code == "" {
					want(t, n.do(op).Entry.Draft, "%s", tc.draft)
					continue
				}
				err := n.refused(tc.code, admin, op)
				if err.Reason != tc.reason || err.Message == "secret detail" {
					t.Errorf("in %s: reason %q, message %q", name, err.Reason, err.Message)
				}
			}
		})
	}
}

// What hooks leave as it was is judged once, and a second judgement that runs out of time is not held against a plugin.
func TestHooks_judgedInTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		changes bool
		code    core.Code
	}{{"left alone", false, ""}, {"changed", true, core.CodeInvalid}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			types := maps.Clone(compiled())
			partner := *types["partner"]
			partner.Validator = &tired{Validator: partner.Validator}
			types["partner"] = &partner
			n := prepareWithTypes(t, openLog(t), openCatalog(t), types)
			if err := n.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			add(t, &n.hooks.EntryValidate, "h", func(ctx context.Context, e *core.EntryEvent, next hook.Next) error {
				if tc.changes {
					e.New["kind"] = "x"
				}
				return next(ctx)
			})
			op := core.Operation{Op: core.OperationCreate, Type: "partner", ID: core.NewID(time.Now()), Data: doc(t, `{"name": "A"}`)}
			if tc.code == "" {
				n.do(op)
				return
			}
			if err := n.refused(tc.code, admin, op); err.Reason != "" {
				t.Errorf("reason %q", err.Reason)
			}
		})
	}
}

// tired is a validator that has time for one document only.
type tired struct {
	core.Validator
	judged int
}

func (v *tired) Validate(doc map[string]any) []core.FieldError {
	if v.judged++; v.judged > 1 {
		return []core.FieldError{{Keyword: "budget"}}
	}
	return v.Validator.Validate(doc)
}

func TestHooks_publishChanges(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.create("partner", `{"name": "A"}`)
	add(t, &n.hooks.EntryPublish, "stamp", func(ctx context.Context, ev *core.EntryEvent, next hook.Next) error {
		ev.New["kind"] = "stamped"
		return next(ctx)
	})
	want(t, n.transition(e, "publish").Published, `{"name": "A", "slug": "a", "kind": "stamped"}`)
	want(t, n.createLive("partner", `{"name": "B"}`).Published, `{"name": "B", "slug": "b", "kind": "stamped"}`)
}

func TestHooks_circle(t *testing.T) {
	t.Parallel()
	n := start(t)
	a, b := n.create("partner", `{"name": "A"}`), n.create("partner", `{"name": "B"}`)
	calls := 0
	add(t, &n.hooks.EntryUpdate, "ping", func(ctx context.Context, ev *core.EntryEvent, next hook.Next) error {
		calls++
		other := a.ID
		if ev.ID == a.ID {
			other = b.ID
		}
		_, err := n.Write(ctx, ev.Actor, []core.Operation{{Op: core.OperationUpdate, Type: "partner", ID: other, Data: map[string]any{"kind": string(ev.ID)}}}, core.WriteOptions{})
		if err != nil {
			return err
		}
		return next(ctx)
	})
	err := n.refused(core.CodeInternal, admin, core.Operation{Op: core.OperationUpdate, Type: "partner", ID: a.ID, Data: doc(t, `{"kind": "x"}`)})
	if err.Reason != "hook_depth" || calls != 5 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

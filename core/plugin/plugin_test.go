package plugin_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/plugin"
)

// fake is a plugin made of what a test wants it to do.
type fake struct {
	manifest plugin.Manifest
	register func(*plugin.Registry) error
}

func (f fake) Manifest() plugin.Manifest         { return f.manifest }
func (f fake) Register(r *plugin.Registry) error { return f.register(r) }

var article = core.NewType(core.Type{Name: "article"})

func host(t *testing.T, plugins ...plugin.Plugin) (*plugin.Host, *core.Hooks) {
	t.Helper()
	hooks := &core.Hooks{}
	h := plugin.NewHost(hooks)
	for _, p := range plugins {
		if err := h.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	return h, hooks
}

func setter(id, field, value string, writes ...string) fake {
	return fake{plugin.Manifest{ID: id, Writes: writes}, func(r *plugin.Registry) error {
		return plugin.Before(r, plugin.EntryCreate, func(_ context.Context, e *core.EntryEvent) error {
			e.New[field] = value
			return nil
		})
	}}
}

func create(t *testing.T, hooks *core.Hooks, doc map[string]any) (*core.EntryEvent, error) {
	t.Helper()
	e := &core.EntryEvent{Name: "entry.create", Type: article, New: doc}
	return e, hooks.EntryCreate.Run(t.Context(), e, func(context.Context) error { return nil })
}

func TestBefore_setsWhatIsDeclared(t *testing.T) {
	t.Parallel()
	_, hooks := host(t, setter("dev.acme.slugger", "slug", "made", "article.slug"))
	e, err := create(t, hooks, map[string]any{"title": "Hello"})
	if err != nil {
		t.Fatal(err)
	}
	if e.New["slug"] != "made" || e.New["title"] != "Hello" {
		t.Errorf("got %v", e.New)
	}
}

func TestBefore_undeclaredWriteIsAFault(t *testing.T) {
	t.Parallel()
	_, hooks := host(t, setter("dev.acme.rogue", "title", "mine", "article.slug", "other.title"))
	e, err := create(t, hooks, map[string]any{"title": "Hello"})
	var fault *hook.Fault
	if !errors.As(err, &fault) || fault.Plugin != "dev.acme.rogue" || !strings.Contains(err.Error(), "article.title") {
		t.Errorf("got %v, want a fault of dev.acme.rogue naming article.title", err)
	}
	if e.New["title"] != "Hello" {
		t.Errorf("the write went through: %v", e.New)
	}
}

func TestReject(t *testing.T) {
	t.Parallel()
	_, hooks := host(t, fake{plugin.Manifest{ID: "dev.acme.guard"}, func(r *plugin.Registry) error {
		return plugin.Before(r, plugin.EntryCreate, func(context.Context, *core.EntryEvent) error {
			return plugin.Reject("no_title", "A title is needed.", plugin.Field("/title", "Missing."))
		})
	}})
	_, err := create(t, hooks, map[string]any{})
	e, ok := core.AsError(err)
	if !ok || e.Code != core.CodeInvalid || e.Reason != "no_title" || len(e.Fields) != 1 {
		t.Errorf("got %#v", err)
	}
}

func TestOnTypes(t *testing.T) {
	t.Parallel()
	calls := 0
	_, hooks := host(t, fake{plugin.Manifest{ID: "dev.acme.events"}, func(r *plugin.Registry) error {
		count := func(context.Context, *core.EntryEvent) error { calls++; return nil }
		return errors.Join(plugin.Before(r, plugin.EntryCreate, count, plugin.OnTypes("event")),
			plugin.Before(r, plugin.EntryCreate, count))
	}})
	if _, err := create(t, hooks, map[string]any{}); err != nil || calls != 1 {
		t.Errorf("%d handlers were called (%v), want the one for all types", calls, err)
	}
}

func TestHost_Add_refuses(t *testing.T) {
	t.Parallel()
	h, hooks := host(t, setter("dev.acme.one", "slug", "x", "*.slug"))
	failing := fake{plugin.Manifest{ID: "dev.acme.two"}, func(r *plugin.Registry) error {
		pass := func(context.Context, *core.EntryEvent) error { return nil }
		return errors.Join(plugin.Before(r, plugin.EntryPublish, pass), errors.New("no database"))
	}}
	for name, p := range map[string]plugin.Plugin{"a bad id": setter("Bad ID", "a", "b"), "a second of the same id": setter("dev.acme.one", "a", "b"), "one that fails": failing} {
		if err := h.Add(p); err == nil {
			t.Errorf("%s was added", name)
		}
	}
	if !hooks.EntryPublish.Empty() {
		t.Error("handlers of the plugin that failed stayed")
	}
	if got := h.Order()["entry.create"]; !slices.Equal(got, []string{"dev.acme.one.entry.create"}) {
		t.Errorf("order = %v", got)
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	var seen []string
	h, _ := host(t, fake{plugin.Manifest{ID: "dev.acme.ping"}, func(r *plugin.Registry) error {
		return plugin.After(r, func(_ context.Context, c plugin.Committed) error {
			seen = append(seen, c.EventID)
			if len(seen) == 1 {
				panic("boom")
			}
			return nil
		}, plugin.OnActions(core.ActionPublish))
	}})
	commits := []core.Commit{
		{Position: 1, ID: "a", Changes: []core.Change{{Type: "article", Action: core.ActionCreate}, {Type: "article", Action: core.ActionPublish}}},
		{Position: 2, ID: "b", Changes: []core.Change{{Type: "_token", Action: core.ActionPublish}}},
	}
	consumer := h.Consumers()[0]
	if err := consumer.Handle(t.Context(), commits); err == nil {
		t.Fatal("a panic was taken for success")
	}
	if err := consumer.Handle(t.Context(), commits); err != nil {
		t.Fatal(err)
	}
	if want := []string{"evt_a_1", "evt_a_1"}; !slices.Equal(seen, want) {
		t.Errorf("got %v, want %v: the same event again, and no system types", seen, want)
	}
}

package plugin_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

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

// gate lets everything through.
type gate struct{}

func (gate) Open(context.Context) bool           { return true }
func (gate) On() bool                            { return true }
func (gate) Called(string, time.Duration, error) {}
func (gate) Failed(string, error)                {}

func host(t *testing.T, plugins ...plugin.Plugin) ([]*plugin.Registered, *core.Hooks) {
	t.Helper()
	hooks := &core.Hooks{}
	var all []*plugin.Registered
	for _, p := range plugins {
		r, err := plugin.Register(p, hooks, gate{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all, hooks
}

func setter(id, field, value string, writes ...string) fake {
	return fake{plugin.Manifest{ID: id, Version: "1.0.0", Writes: writes}, func(r *plugin.Registry) error {
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
	_, hooks := host(t, fake{plugin.Manifest{ID: "dev.acme.guard", Version: "1.0.0"}, func(r *plugin.Registry) error {
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
	_, hooks := host(t, fake{plugin.Manifest{ID: "dev.acme.events", Version: "1.0.0"}, func(r *plugin.Registry) error {
		count := func(context.Context, *core.EntryEvent) error { calls++; return nil }
		return errors.Join(plugin.Before(r, plugin.EntryCreate, count, plugin.OnTypes("event")),
			plugin.Before(r, plugin.EntryCreate, count))
	}})
	if _, err := create(t, hooks, map[string]any{}); err != nil || calls != 1 {
		t.Errorf("%d handlers were called (%v), want the one for all types", calls, err)
	}
}

func TestRegister_refuses(t *testing.T) {
	t.Parallel()
	_, hooks := host(t, setter("dev.acme.one", "slug", "x", "*.slug"))
	failing := fake{plugin.Manifest{ID: "dev.acme.two", Version: "1.0.0"}, func(r *plugin.Registry) error {
		pass := func(context.Context, *core.EntryEvent) error { return nil }
		return errors.Join(plugin.Before(r, plugin.EntryPublish, pass), errors.New("no database"))
	}}
	panics := fake{plugin.Manifest{ID: "dev.acme.three", Version: "1.0.0"}, func(*plugin.Registry) error { panic("boom") }}
	routes := func(paths ...string) fake {
		return fake{plugin.Manifest{ID: "dev.acme.routes", Version: "1.0.0"}, func(r *plugin.Registry) error {
			var failures []error
			for i, path := range paths {
				failures = append(failures, plugin.Handle(r, "GET", path, strings.Repeat("x", i+1), "", func(http.ResponseWriter, *core.RouteRequest) error { return nil }))
			}
			return errors.Join(failures...)
		}}
	}
	if _, err := plugin.Register(routes("/a/{x}", "/a/{x}/b", "/a/b", "/a.json", "/{y}/c"), hooks, gate{}); err != nil {
		t.Errorf("good routes: %v", err)
	}
	for name, p := range map[string]plugin.Plugin{"a route that ends in a slash": routes("/a/"), "a route without a slash": routes("a"), "half a parameter": routes("/{a}.json"), "a wild route": routes("/*all"), "a colon": routes("/:a"),
		"two names for one parameter": routes("/a/{x}", "/a/{y}/b"), "a bad id": setter("Bad ID", "a", "b"), "no version": fake{plugin.Manifest{ID: "dev.acme.x"}, nil},
		"two handlers of one name": fake{plugin.Manifest{ID: "dev.acme.z", Version: "1.0.0"}, func(r *plugin.Registry) error {
			pass := func(context.Context, *core.EntryEvent) error { return nil }
			return errors.Join(plugin.Before(r, plugin.EntryPublish, pass, plugin.Named("pass")), plugin.Before(r, plugin.EntryPublish, pass, plugin.Named("pass")))
		}},
		"a field without a type": setter("dev.acme.y", "a", "b", "slug"), "one that fails": failing, "one that panics": panics} {
		if _, err := plugin.Register(p, hooks, gate{}); err == nil {
			t.Errorf("%s was registered", name)
		}
	}
	if !hooks.EntryPublish.Empty() {
		t.Error("handlers of the plugin that failed stayed")
	}
	if got := plugin.Places(hooks)["entry.create"]; len(got) != 1 || got[0].ID != "dev.acme.one/entry.create" {
		t.Errorf("order = %v", got)
	}
}

// A handler that does not come back is left behind, and what it did to the document with it.
func TestBefore_tooLate(t *testing.T) {
	t.Parallel()
	late := make(chan struct{})
	defer close(late)
	slow := fake{plugin.Manifest{ID: "dev.acme.slow", Version: "1.0.0", Writes: []string{"article.slug"}}, func(r *plugin.Registry) error {
		return plugin.Before(r, plugin.EntryCreate, func(_ context.Context, e *core.EntryEvent) error {
			e.New["slug"] = "half"
			<-late
			return nil
		}, plugin.Within(10*time.Millisecond))
	}}
	_, hooks := host(t, slow)
	e, err := create(t, hooks, map[string]any{"title": "Hello"})
	var fault *hook.Fault
	if !errors.As(err, &fault) || fault.Plugin != "dev.acme.slow" || e.New["slug"] != nil {
		t.Errorf("got %v and %v", err, e.New)
	}
}

// What is added to a page as it is shown does not hold it up.
func TestOnRead(t *testing.T) {
	t.Parallel()
	late := make(chan struct{})
	defer close(late)
	reader := func(id string, fn func(e *core.ReadEvent), given ...plugin.Option) fake {
		return fake{plugin.Manifest{ID: id, Version: "1.0.0"}, func(r *plugin.Registry) error {
			return plugin.OnRead(r, func(_ context.Context, e *core.ReadEvent) error { fn(e); return nil }, given...)
		}}
	}
	run := func(plugins ...plugin.Plugin) (*core.ReadEvent, error) {
		_, hooks := host(t, plugins...)
		e := &core.ReadEvent{Name: "entry.read", Type: article, Views: make([]core.View, 1), Extra: []map[string]any{{}}}
		return e, hooks.EntryRead.Run(t.Context(), e, func(context.Context) error { return nil })
	}
	adds := reader("dev.acme.adds", func(e *core.ReadEvent) { e.Extra[0]["length"] = 3 })
	hangs := func(e *core.ReadEvent) { e.Extra[0]["half"] = true; <-late }
	if e, err := run(reader("dev.acme.hangs", hangs), adds); err != nil || len(e.Extra[0]) != 1 || e.Extra[0]["length"] != 3 {
		t.Errorf("got %v, %v: the one that hangs is passed over, the other one counts", e.Extra, err)
	}
	if _, err := run(reader("dev.acme.hides", hangs, plugin.Redacts()), adds); err == nil {
		t.Error("an answer went out without what takes something out of it")
	}
}

// A plugin narrows a query; it cannot widen it, not even by reaching into the condition.
func TestOnQuery(t *testing.T) {
	t.Parallel()
	own := core.Compare{Path: core.Path{Field: "region"}, Op: core.OpEq, Values: []any{"44"}}
	run := func(fn func(e *core.QueryEvent)) (*core.QueryEvent, error) {
		_, hooks := host(t, fake{plugin.Manifest{ID: "dev.acme.query", Version: "1.0.0"}, func(r *plugin.Registry) error {
			return plugin.OnQuery(r, func(_ context.Context, e *core.QueryEvent) error { fn(e); return nil })
		}})
		e := &core.QueryEvent{Name: "query.plan", Type: article, Query: core.Query{Where: core.And{own}, Visible: core.And{own}, Only: []core.EntryID{"a"},
			Sort: []core.SortKey{{Path: core.Path{Via: []string{"see"}, Field: "x", Steps: []core.Step{{"article": core.And{own}}}}}}}}
		return e, hooks.QueryPlan.Run(t.Context(), e, func(context.Context) error { return nil })
	}
	if e, err := run(func(e *core.QueryEvent) { e.Narrow = append(e.Narrow, own) }); err != nil || len(e.Narrow) != 1 {
		t.Errorf("narrowing: %v, %v", e.Narrow, err)
	}
	for name, widen := range map[string]func(e *core.QueryEvent){
		"takes the condition away":   func(e *core.QueryEvent) { e.Query.Where = nil },
		"reaches into it":            func(e *core.QueryEvent) { e.Query.Where.(core.And)[0] = core.And{} },
		"changes a value":            func(e *core.QueryEvent) { e.Query.Where.(core.And)[0].(core.Compare).Values[0] = "11" },
		"reaches behind a reference": func(e *core.QueryEvent) { e.Query.Sort[0].Path.Steps[0]["article"] = nil },
		"reaches into what is seen":  func(e *core.QueryEvent) { e.Query.Visible.(core.And)[0] = core.And{} },
		"asks for another entry":     func(e *core.QueryEvent) { e.Query.Only[0] = "b" },
		"asks for more":              func(e *core.QueryEvent) { e.Query.State = core.StateDraft },
	} {
		e, err := run(widen)
		if err == nil || e.Query.Where.(core.And)[0].(core.Compare).Values[0] != "44" || e.Query.Sort[0].Path.Steps[0]["article"] == nil {
			t.Errorf("%s: %v %v", name, e.Query, err)
		}
	}
}

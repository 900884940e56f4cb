package plugintest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// appends adds its letter to the note of each article, at its creation and before its validation.
func appends(letter string, options ...plugin.Option) made {
	id := "dev.acme." + letter
	return made{manifest: plugin.Manifest{ID: id, Version: "1.0.0", Writes: []string{"article.note"}}, register: func(r *plugin.Registry) error {
		add := func(_ context.Context, e *core.EntryEvent) error {
			was, _ := e.New["note"].(string)
			e.New["note"] = was + letter
			return nil
		}
		return plugin.Before(r, plugin.EntryCreate, add, options...)
	}}
}

// A site has handlers run at other stages than their plugins say, and takes that back.
func TestStages(t *testing.T) {
	t.Parallel()
	a, b := appends("a"), appends("b", plugin.Named("adds"))
	h := plugintest.New(t, a, plugintest.With(b), articles())
	written := func() string {
		return fmt.Sprint(h.Create("article", plugintest.Doc{"title": "x"}).OK().Body["note"])
	}
	for _, step := range []struct {
		stages any
		want   string
	}{
		{nil, "ab"},
		{plugintest.Doc{"entry.create": "guard"}, "ba"},
		{plugintest.Doc{"entry.create": nil}, "ab"},
		{plugintest.Doc{"entry.create/entry.create": "last"}, "ba"},
		{plugintest.Doc{"entry.create/entry.create": "first", "*": "last"}, "ab"}, // the finest name counts
		{plugintest.Doc{"entry.create/entry.create": nil}, "ba"},
		{nil, "ab"},
	} {
		h.Do("administrator", "PATCH", "/api/v1/plugins/dev.acme.a", plugintest.Doc{"stages": step.stages}).OK().Has("running", true)
		if got := written(); got != step.want {
			t.Errorf("%v: wrote %s, want %s", step.stages, got, step.want)
		}
	}
	h.Do("administrator", "PATCH", "/api/v1/plugins/dev.acme.b", plugintest.Doc{"stages": plugintest.Doc{"entry.create/adds": "normalize"}}).OK().
		Has("stages", map[string]any{"entry.create/adds": "normalize"})
	order := h.Do("administrator", "GET", "/api/v1/plugin-order", nil).OK().Text
	for _, want := range []string{`"entry.create":["dev.acme.b/adds","dev.acme.a/entry.create"]`,
		`{"handler":"dev.acme.b/adds","stage":"normalize","declared":"default","chosen":true}`, `{"handler":"dev.acme.a/entry.create","stage":"default","declared":"default"}`} {
		if !strings.Contains(order, want) {
			t.Errorf("%s is not in %s", want, order)
		}
	}
	h.Restart(a, b)
	if got := written(); got != "ba" {
		t.Errorf("after a restart: wrote %s", got)
	}
}

// What cannot be is refused, and changes nothing.
func TestStages_refused(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, appends("a", plugin.AfterPlugins("dev.acme.b")), plugintest.With(appends("b", plugin.AfterPlugins("dev.acme.a"), plugin.AtStage(hook.Guard))), articles())
	const at = "/api/v1/plugins/dev.acme.a"
	for name, stages := range map[string]any{
		"no object":          "guard",
		"no such event":      plugintest.Doc{"entry.craete": "guard"},
		"no handler there":   plugintest.Doc{"entry.update": "guard"},
		"no such handler":    plugintest.Doc{"entry.create/check": "guard"},
		"no such stage":      plugintest.Doc{"entry.create": "between"},
		"a number":           plugintest.Doc{"entry.create": 500},
		"a circle":           plugintest.Doc{"entry.create": "guard"},
		"a circle by any":    plugintest.Doc{"*": "guard"},
		"one of two is none": plugintest.Doc{"entry.create": "last", "entry.delete": "last"},
	} {
		got := h.Do("administrator", "PATCH", at, plugintest.Doc{"stages": stages})
		if got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, got.Code, got.Text)
		}
	}
	h.Do("administrator", "GET", at, nil).OK().Has("stages", nil)
	// Where a circle stands in the store, since plugins have changed, the handlers run as the plugins say, and the site is up.
	h.Do("administrator", "PATCH", at, plugintest.Doc{"stages": plugintest.Doc{"entry.create": "last"}}).OK()
	h.Restart(appends("a", plugin.AfterPlugins("dev.acme.b")), appends("b", plugin.AfterPlugins("dev.acme.a"), plugin.AtStage(hook.Last)), appends("c"))
	if got := h.Create("article", plugintest.Doc{"title": "x"}).OK().Body["note"]; got != "acb" {
		t.Errorf("wrote %v", got)
	}
	if got := h.Do("administrator", "GET", "/api/v1/plugin-order", nil).OK().Text; strings.Contains(got, "chosen") {
		t.Errorf("got %s", got)
	}
}

package plugintest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// greeting is an event that the plugins of these tests offer each other.
type greeting struct{ Words []string }

var greet = plugin.Event[*greeting]{Name: "test.greet", Within: 50 * time.Millisecond,
	Clone: func(e *greeting) *greeting { return &greeting{slices.Clone(e.Words)} }, Take: func(e, own *greeting) { *e = *own }}

// greeter fires the event at each new article, and writes down what it has become.
func greeter(id string) made {
	return made{manifest: plugin.Manifest{ID: id, Version: "1.0.0", Writes: []string{"article.note"}}, register: func(r *plugin.Registry) error {
		offered, err := plugin.Offer(r, greet)
		if err != nil {
			return err
		}
		return plugin.Before(r, plugin.EntryCreate, func(ctx context.Context, e *core.EntryEvent) error {
			g := &greeting{Words: []string{"hello"}}
			if err := offered.Fire(ctx, g); err != nil {
				return err
			}
			e.New["note"] = strings.Join(g.Words, " ")
			return nil
		}, plugin.OnTypes("article"))
	}}
}

func joins(id string, fn func(ctx context.Context, e *greeting) error, given ...plugin.Option) made {
	return made{manifest: plugin.Manifest{ID: id, Version: "1.0.0"}, register: func(r *plugin.Registry) error { return plugin.Join(r, greet, fn, given...) }}
}

func says(words ...string) func(context.Context, *greeting) error {
	return func(_ context.Context, e *greeting) error {
		e.Words = append(e.Words, words...)
		return nil
	}
}

// Plugins take part in each other's events, by stage and ID, whichever was registered first; one that fails or is off is passed
// over, and a considered no is one.
func TestEvents(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, greeter("dev.acme.greeter"), articles(), plugintest.With(
		joins("dev.acme.b", says("world")), joins("dev.zzz.a", says("first"), plugin.AtStage(hook.First)),
		joins("dev.acme.panics", func(_ context.Context, e *greeting) error { e.Words[0] = "damn"; panic("boom") }),
		joins("dev.acme.hangs", func(ctx context.Context, e *greeting) error { <-ctx.Done(); e.Words = nil; return nil })))
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("note", "hello first world")
	order := h.Do("administrator", "GET", "/api/v1/plugin-order", nil).OK().Text
	if !strings.Contains(order, `"test.greet"`) || strings.Index(order, "dev.zzz.a") > strings.Index(order, "dev.acme.b") {
		t.Error(order)
	}
	h.Do("administrator", "PATCH", "/api/v1/plugins/dev.zzz.a", plugintest.Doc{"enabled": false}).OK()
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("note", "hello world")
}

func TestEvents_refused(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, greeter("dev.acme.greeter"), articles(), plugintest.With(
		joins("dev.acme.no", func(context.Context, *greeting) error { return plugin.Reject("no_greeting", "No greetings today.") })))
	h.Create("article", plugintest.Doc{"title": "x"}).Rejected("no_greeting")
}

// An event has one plugin that offers it and one payload, and needs nobody to offer it.
func TestEvents_misuse(t *testing.T) {
	t.Parallel()
	other := plugin.Event[*int]{Name: greet.Name, Clone: func(e *int) *int { return e }, Take: func(_, _ *int) {}}
	nameless := plugin.Event[*greeting]{Name: "greet", Clone: greet.Clone, Take: greet.Take}
	registers := func(id string, register func(r *plugin.Registry) error) made {
		return made{manifest: plugin.Manifest{ID: id, Version: "1.0.0"}, register: register}
	}
	h := plugintest.New(t, greeter("dev.acme.a"), articles(), plugintest.With(greeter("dev.acme.second"),
		registers("dev.acme.otherwise", func(r *plugin.Registry) error {
			return plugin.Join(r, other, func(context.Context, *int) error { return nil })
		}),
		registers("dev.acme.nameless", func(r *plugin.Registry) error { _, err := plugin.Offer(r, nameless); return err })))
	if got := degraded(h); got != "dev.acme.nameless dev.acme.otherwise dev.acme.second" {
		t.Errorf("degraded: %q", got)
	}
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("note", "hello")
	h.Restart(joins("dev.acme.b", says("world")))
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("note", nil)
}

package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// The view of docs/plugins.md and its test, word for word.

type Activity struct{}

func (Activity) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.acme.activity", Version: "1.0.0"}
}

func (a Activity) Register(r *plugin.Registry) error {
	return plugin.Views(r, plugin.View{Name: "by-day", Version: 1, Types: []core.TypeName{"article"}, Fold: a.count})
}

func (Activity) count(t plugin.Table, c core.Commit) error {
	day := c.At.Format(time.DateOnly)
	for _, change := range c.Changes {
		if live := change.Meta.Live; live != nil && live.Rev == change.Meta.Rev && change.Action != core.ActionMigrate { // somebody published it
			n, _ := strconv.Atoi(string(t.Get(day)))
			t.Put(day, json.RawMessage(strconv.Itoa(n+1)))
		}
	}
	return nil
}

func TestActivity(t *testing.T) {
	h := plugintest.New(t, Activity{}, plugintest.Types(story))
	id := h.CreateLive("article", plugintest.Doc{"text": "Once upon a time"}).OK().ID
	h.Update("article", id, plugintest.Doc{"text": "there was"}).OK()
	h.Move("article", id, "publish").OK()
	days, err := h.View("by-day").Scan(t.Context(), "2030-", "", 10)
	if got := fmt.Sprintf("%s", days); err != nil || got != "[{2030-01-01 2}]" {
		t.Errorf("got %s, %v", got, err)
	}
}

const viewer = "dev.acme.viewer"

// titles is a plugin with a view of the titles of articles by identifier, which counts what it is told of.
type titles struct {
	version int
	name    string // of the view; "" for none
	told    atomic.Int32
	fails   func(doc string) error
	started func(ctx context.Context, h plugin.Host) error
}

func (p *titles) plugin() made {
	m := made{manifest: plugin.Manifest{ID: viewer, Version: "1.0.0"}, start: p.started, register: func(r *plugin.Registry) error {
		if p.name == "" {
			return nil
		}
		return plugin.Views(r, plugin.View{Name: p.name, Version: p.version, Types: []core.TypeName{"article"}, Fold: p.fold})
	}}
	return m
}

func (p *titles) fold(t plugin.Table, c core.Commit) error {
	p.told.Add(1)
	for _, ch := range c.Changes {
		if ch.Op == core.OpPurge {
			t.Delete(string(ch.Entry))
		}
		if ch.Draft == nil || core.IsNull(ch.Draft) {
			continue
		}
		var doc struct {
			Title json.RawMessage `json:"title"`
		}
		if err := json.Unmarshal(ch.Draft, &doc); err != nil {
			return err
		}
		if p.fails != nil {
			if err := p.fails(string(ch.Draft)); err != nil {
				return err
			}
		}
		if doc.Title != nil {
			t.Put(string(ch.Entry), doc.Title)
		}
	}
	return nil
}

// has insists on the titles in a view.
func has(t *testing.T, h *plugintest.Host, view string, want ...string) {
	t.Helper()
	rows, err := h.View(view).Scan(t.Context(), "", "", 0)
	var got []string
	for _, r := range rows {
		got = append(got, string(r.Value))
	}
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the view holds %s, %v, want %s", got, err, want)
	}
}

// A view is there for what the plugin does, from its start on, and as soon as a write is answered.
func TestViews(t *testing.T) {
	t.Parallel()
	p := &titles{name: "titles", version: 1}
	var node plugin.Host
	p.started = func(ctx context.Context, h plugin.Host) error {
		node = h
		if err := h.View("titles").Ready(ctx); err != nil {
			return err
		}
		_, err := h.View("titles").Get(ctx, "absent")
		if core.CodeOf(err) != core.CodeNotFound {
			return fmt.Errorf("asked for what is not there: %w", err)
		}
		return nil
	}
	h := plugintest.New(t, p.plugin(), articles())
	for i := range 3 {
		id := h.Create("article", plugintest.Doc{"title": fmt.Sprint(i)}).OK().ID
		if got, err := node.View("titles").Get(t.Context(), string(id)); err != nil || string(got) != fmt.Sprintf("%q", fmt.Sprint(i)) {
			t.Errorf("read %s, %v at once", got, err)
		}
	}
	rows, err := node.View("titles").Scan(t.Context(), "", "", 2)
	if err != nil || len(rows) != 2 {
		t.Fatalf("scanned %v, %v", rows, err)
	}
	if rest, err := node.View("titles").Scan(t.Context(), "", rows[1].Key, 2); err != nil || len(rest) != 1 || string(rest[0].Value) != `"2"` {
		t.Errorf("went on with %v, %v", rest, err)
	}
	if rest, err := node.View("titles").Scan(t.Context(), rows[0].Key, "", 0); err != nil || len(rest) != 1 {
		t.Errorf("scanned by a prefix: %v, %v", rest, err)
	}
	for _, err := range []error{second(node.View("other").Get(t.Context(), "x")), second(node.View("other").Scan(t.Context(), "", "", 1)), node.View("other").Ready(t.Context())} {
		if core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("a view that there is not: %v", err)
		}
	}
	if got := h.Do("administrator", "GET", "/api/v1/plugins/"+viewer, nil).OK().Text; !strings.Contains(got, `"views":[{"name":"titles","version":1,"standing":"level","position":`) ||
		!strings.Contains(got, `"view titles":{"calls":3,"errors":0`) {
		t.Errorf("the administrator is told %s", got)
	}
}

func second[T any](_ T, err error) error { return err }

// What cannot be registered keeps the plugin out, and the site is up.
func TestViews_register(t *testing.T) {
	t.Parallel()
	fold := func(plugin.Table, core.Commit) error { return nil }
	broken := func(id string, views ...plugin.View) plugin.Plugin {
		return made{manifest: plugin.Manifest{ID: id, Version: "1.0.0"}, register: func(r *plugin.Registry) error { return plugin.Views(r, views...) }}
	}
	h := plugintest.New(t, Activity{}, plugintest.Types(story), plugintest.With(broken("dev.acme.a", plugin.View{Fold: fold}), broken("dev.acme.b", plugin.View{Name: "By Day", Fold: fold}),
		broken("dev.acme.c", plugin.View{Name: "x"}), broken("dev.acme.d", plugin.View{Name: "x", Fold: fold}, plugin.View{Name: "x", Fold: fold})))
	if got := degraded(h); got != "dev.acme.a dev.acme.b dev.acme.c dev.acme.d" {
		t.Errorf("degraded: %s", got)
	}
}

// A view outlives restarts, the plugin's being off, and its absence; another version, and a view that was not registered meanwhile,
// are made anew.
func TestViews_restarts(t *testing.T) {
	t.Parallel()
	const address = "/api/v1/plugins/" + viewer
	p := &titles{name: "titles", version: 1}
	h := plugintest.New(t, p.plugin(), articles())
	h.View("titles")
	for _, title := range []string{"1", "2"} {
		h.Create("article", plugintest.Doc{"title": title}).OK()
	}
	write := func(title string) { h.Create("article", plugintest.Doc{"title": title}).OK() }
	steps := []struct {
		what string
		do   func()
		told int32 // commits since the step before
		want []string
	}{
		{"at first", func() {}, 2, []string{`"1"`, `"2"`}},
		{"after a restart", func() { h.Restart(p.plugin()) }, 0, []string{`"1"`, `"2"`}},
		{"off and on", func() {
			h.Do("administrator", "PATCH", address, plugintest.Doc{"enabled": false}).OK()
			write("3")
			h.Do("administrator", "PATCH", address, plugintest.Doc{"enabled": true}).OK()
		}, 1, []string{`"1"`, `"2"`, `"3"`}},
		{"taken out and put in", func() { h.Restart(); write("4"); h.Restart(p.plugin()) }, 1, []string{`"1"`, `"2"`, `"3"`, `"4"`}},
		{"another version", func() { p.version = 2; h.Restart(p.plugin()) }, 4, []string{`"1"`, `"2"`, `"3"`, `"4"`}},
		{"not registered, and again", func() {
			p.name = ""
			h.Restart(p.plugin())
			p.name = "titles"
			h.Restart(p.plugin())
		}, 4, []string{`"1"`, `"2"`, `"3"`, `"4"`}},
	}
	for _, s := range steps {
		s.do()
		has(t, h, "titles", s.want...)
		if got := p.told.Swap(0); got < s.told || got > s.told+1 { // a stalled machine has one told of twice
			t.Errorf("%s: told of %d commits, want %d", s.what, got, s.told)
		}
	}
}

// A fold that fails costs its view: the site goes on and says so, until the plugin is mended and turned on again. The third
// failure turns the plugin off.
func TestViews_fail(t *testing.T) {
	t.Parallel()
	const address = "/api/v1/plugins/" + viewer
	var node plugin.Host
	p := &titles{name: "titles", version: 1, fails: func(doc string) error {
		switch {
		case strings.Contains(doc, "error"):
			return errors.New("no good")
		case strings.Contains(doc, "panic"):
			panic("boom")
		}
		return nil
	}}
	p.started = func(_ context.Context, h plugin.Host) error { node = h; return nil }
	h := plugintest.New(t, p.plugin(), articles())
	h.Create("article", plugintest.Doc{"title": "1"}).OK()
	has(t, h, "titles", `"1"`)
	h.Create("article", plugintest.Doc{"title": "panic"}).OK()
	h.Create("article", plugintest.Doc{"title": "2"}).OK()
	if _, err := node.View("titles").Get(t.Context(), "x"); core.CodeOf(err) != core.CodeUnavailable || !strings.Contains(err.Error(), "set aside") {
		t.Errorf("read: %v", err)
	}
	if got := degraded(h); got != viewer {
		t.Errorf("degraded: %q", got)
	}
	if got := h.Do("administrator", "GET", address, nil).OK().Has("running", true).Text; !strings.Contains(got, `"standing":"failed"`) || !strings.Contains(got, "panic: boom") {
		t.Errorf("the administrator is told %s", got)
	}
	p.fails = nil
	h.Do("administrator", "PATCH", address, plugintest.Doc{"enabled": false}).OK()
	h.Do("administrator", "PATCH", address, plugintest.Doc{"enabled": true}).OK()
	has(t, h, "titles", `"1"`, `"panic"`, `"2"`)
	if got := degraded(h); got != "" {
		t.Errorf("mended, and degraded: %q", got)
	}
	h.Create("article", plugintest.Doc{"title": "3"}).OK()
	has(t, h, "titles", `"1"`, `"panic"`, `"2"`, `"3"`)
	p.fails = func(string) error { return errors.New("no good") }
	for range 2 {
		h.Do("administrator", "PATCH", address, plugintest.Doc{"enabled": false}).OK()
		h.Do("administrator", "PATCH", address, plugintest.Doc{"enabled": true}).OK()
		h.Create("article", plugintest.Doc{"title": "4"}).OK()
		h.Eventually("it has failed", func() bool {
			got := h.Do("administrator", "GET", address, nil).OK().Text
			return strings.Contains(got, `"standing":"failed"`) || strings.Contains(got, `"enabled":false`)
		})
	}
	h.Eventually("it is off", func() bool { return h.Do("administrator", "GET", address, nil).OK().Body["enabled"] == false })
	h.Do("administrator", "GET", address, nil).OK().Has("fault", "Turned off after three failures in an hour; the last one, in view titles: no good")
}

// A rebuild makes views anew, and a verification finds what does not come out the same.
func TestViews_rebuiltAndVerified(t *testing.T) {
	t.Parallel()
	var fickle atomic.Bool
	p := made{manifest: plugin.Manifest{ID: viewer, Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		return plugin.Views(r, plugin.View{Name: "actions", Fold: func(t plugin.Table, c core.Commit) error {
			for _, ch := range c.Changes {
				t.Put(string(ch.Action), json.RawMessage(fmt.Sprint(fickle.Load())))
			}
			return nil
		}})
	}}
	h := plugintest.New(t, p, articles())
	h.CreateLive("article", plugintest.Doc{"title": "x"}).OK()
	verified := func() string { return h.Do("administrator", "POST", "/api/v1/catalog/verify", nil).OK().Text }
	if got := verified(); !strings.Contains(got, `"differences":[]`) {
		t.Errorf("verified: %s", got)
	}
	fickle.Store(true)
	if got := verified(); !strings.Contains(got, "the view actions of the plugin "+viewer+" holds other values than its fold makes of the log, at 1 keys") {
		t.Errorf("verified: %s", got)
	}
	has(t, h, "actions", "false")
	h.Do("administrator", "POST", "/api/v1/catalog/rebuild", nil).OK()
	has(t, h, "actions", "true")
	if got := verified(); !strings.Contains(got, `"differences":[]`) {
		t.Errorf("verified: %s", got)
	}
}

// What becomes secret goes from a view, and what is no secret any more comes to be there.
func TestViews_secrets(t *testing.T) {
	t.Parallel()
	p := &titles{name: "titles", version: 1}
	h := plugintest.New(t, p.plugin(), articles())
	h.Create("article", plugintest.Doc{"title": "1"}).OK()
	has(t, h, "titles", `"1"`)
	change := func(title string) {
		t.Helper()
		schema := strings.Replace(article, `"title":{"type":"string"}`, `"title":`+title, 1)
		schema = strings.Replace(schema, `"titleField":"title",`, "", 1)
		h.Do("administrator", "PUT", "/api/v1/types/article", plugintest.Doc{"schema": json.RawMessage(schema)}).OK()
	}
	change(`{"type":"string","x-secret":true}`)
	has(t, h, "titles")
	h.Create("article", plugintest.Doc{"title": "2"}).OK()
	has(t, h, "titles")
	change(`{"type":"string"}`)
	has(t, h, "titles", `"1"`, `"2"`)
}

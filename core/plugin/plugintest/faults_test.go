package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// degraded are the plugins that a node names as off against somebody's will.
func degraded(h *plugintest.Host) string {
	list, _ := h.Get("/readyz").Status(http.StatusOK).Has("status", "ok").Body["degraded"].([]any)
	var ids []string
	for _, id := range list {
		ids = append(ids, fmt.Sprint(id))
	}
	return strings.Join(ids, " ")
}

func waitsFor(id, other string) made {
	return made{manifest: plugin.Manifest{ID: id, Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		return plugin.Before(r, plugin.EntryCreate, func(context.Context, *core.EntryEvent) error { return nil }, plugin.AfterPlugins(other))
	}}
}

// Plugins that wait for each other are both out, one that waits for them is not, and the site is up.
func TestCircleOfPlugins(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, waitsFor("dev.acme.ab", "dev.acme.a"), articles(), plugintest.With(waitsFor("dev.acme.b", "dev.acme.a"), waitsFor("dev.acme.a", "dev.acme.b")))
	if got := degraded(h); got != "dev.acme.a dev.acme.b" {
		t.Errorf("degraded: %q", got)
	}
	list := h.Do("administrator", "GET", "/api/v1/plugins", nil).OK()
	if strings.Count(list.Text, "wait for each other: dev.acme.a, dev.acme.b") != 2 {
		t.Errorf("nobody is told why: %s", list.Text)
	}
	h.Create("article", plugintest.Doc{"title": "x"}).OK()
}

// A plugin that takes long to start keeps nobody from looking at the plugins, nor the probe from its answer.
func TestStart_slow(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	begun, end := make(chan struct{}), make(chan struct{})
	p := waitsFor("dev.acme.slow", "dev.acme.none")
	p.start = func(context.Context, plugin.Host) error {
		if slow.Load() {
			close(begun)
			<-end
		}
		return nil
	}
	h := plugintest.New(t, p)
	const at = "/api/v1/plugins/dev.acme.slow"
	h.Do("administrator", "PATCH", at, plugintest.Doc{"enabled": false}).OK()
	slow.Store(true)
	done := make(chan *plugintest.Result)
	go func() { done <- h.Do("administrator", "PATCH", at, plugintest.Doc{"enabled": true}) }()
	<-begun
	h.Do("administrator", "GET", at, nil).OK().Has("running", false)
	if got := degraded(h); got != "dev.acme.slow" {
		t.Errorf("degraded: %q", got)
	}
	close(end)
	(<-done).OK().Has("running", true)
}

// What a plugin does not end keeps the server from nothing: not from ending either.
func TestEnd_heedless(t *testing.T) {
	t.Parallel()
	end, ran := make(chan struct{}), make(chan struct{}, 1)
	t.Cleanup(func() { close(end) })
	p := made{manifest: plugin.Manifest{ID: "dev.acme.heedless", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		return plugin.Every(r, plugin.Job{Name: "long", Spec: "* * * * *", Run: func(context.Context, plugin.Host) error { ran <- struct{}{}; <-end; return nil }})
	}}
	p.start = func(_ context.Context, h plugin.Host) error {
		h.Go(func(context.Context) { <-end })
		return nil
	}
	h := plugintest.New(t, p)
	h.Eventually("the job runs", func() bool { h.Advance(time.Minute); return len(ran) == 1 })
	began := time.Now()
	h.Restart()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

// A plugin that could not start is tried again when somebody decides that it is on.
func TestStart_again(t *testing.T) {
	t.Parallel()
	starts := 0
	p := waitsFor("dev.acme.late", "dev.acme.none")
	p.start = func(context.Context, plugin.Host) error {
		if starts++; starts < 2 {
			return errors.New("not yet")
		}
		return nil
	}
	h := plugintest.New(t, p)
	if got := degraded(h); got != "dev.acme.late" {
		t.Errorf("degraded: %q", got)
	}
	h.Do("administrator", "PATCH", "/api/v1/plugins/dev.acme.late", plugintest.Doc{"enabled": true}).OK().Has("running", true)
}

// Many plugins cost little: the node is up soon, and a write takes hardly longer.
func TestManyPlugins(t *testing.T) {
	many := func(n int) (up, write time.Duration) {
		var all []plugin.Plugin
		for i := range n {
			all = append(all, made{manifest: plugin.Manifest{ID: fmt.Sprintf("dev.acme.p%02d", i), Version: "1.0.0"}, register: func(r *plugin.Registry) error {
				var failures []error
				for _, point := range []plugin.EntryPoint{plugin.EntryValidate, plugin.EntryCreate, plugin.EntryUpdate, plugin.EntryPublish, plugin.EntryDelete} {
					failures = append(failures, plugin.Before(r, point, func(context.Context, *core.EntryEvent) error { return nil }))
				}
				return errors.Join(failures...)
			}})
		}
		began := time.Now()
		h := plugintest.New(t, waitsFor("dev.acme.last", "dev.acme.none"), articles(), plugintest.With(all...))
		up = time.Since(began)
		var took []time.Duration
		for i := range 100 {
			began := time.Now()
			h.Create("article", plugintest.Doc{"title": fmt.Sprint(i)}).OK()
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		return up, took[len(took)/2] // of a machine that has other things to do, the middle tells more than the end
	}
	_, without := many(0)
	up, with := many(50)
	t.Logf("up in %v; a write takes %v, and %v with 50 plugins", up, without, with)
	if up > 5*time.Second || with > without+5*time.Millisecond {
		t.Errorf("up in %v; a write takes %v, and %v with 50 plugins", up, without, with)
	}
}

// What is broken in a plugin's own parts keeps it out, and nothing else.
func TestBrokenPlugins(t *testing.T) {
	t.Parallel()
	named := func(m plugin.Manifest, register func(r *plugin.Registry) error) made {
		m.Version = "1.0.0"
		return made{manifest: m, register: register}
	}
	nothing := func(*plugin.Registry) error { return nil }
	starts := named(plugin.Manifest{ID: "dev.acme.start"}, nothing)
	starts.start = func(context.Context, plugin.Host) error { panic("boom") }
	broken := []plugin.Plugin{
		named(plugin.Manifest{ID: "dev.acme.register"}, func(*plugin.Registry) error { panic("boom") }),
		named(plugin.Manifest{ID: "dev.acme.schema", Settings: json.RawMessage(`{"type":"object","properties":{"x":{"type":"nothing"}}}`)}, nothing),
		named(plugin.Manifest{ID: "dev.acme.settings"}, func(r *plugin.Registry) error {
			plugin.Configure[struct{}](r, func(struct{}) error { panic("boom") })
			return nil
		}),
		named(plugin.Manifest{ID: "dev.acme.types"}, func(r *plugin.Registry) error {
			plugin.Types(r, []byte(`{"x-type":{"name":"thing"},"type":"object","properties":{"x":{"type":"nothing"}}}`))
			return nil
		}),
		named(plugin.Manifest{ID: "dev.acme.unmet", Requires: []string{"dev.acme.absent"}}, nothing),
		starts, speechless{},
	}
	good := before("dev.acme.good", func(_ context.Context, e *core.EntryEvent) error { e.New["code"] = "ok"; return nil }, "article.code")
	h := plugintest.New(t, waitsFor("dev.acme.idle", "dev.acme.none"), articles(), plugintest.With(good), plugintest.With(broken...), plugintest.With(good))
	want := "dev.acme.good dev.acme.register dev.acme.schema dev.acme.settings dev.acme.start dev.acme.types dev.acme.unmet plugintest_test.speechless"
	if got := degraded(h); got != want {
		t.Errorf("degraded:\n%s, want\n%s", got, want)
	}
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("code", "ok")
}

// speechless is a plugin that cannot even say who it is.
type speechless struct{}

func (speechless) Manifest() plugin.Manifest       { panic("boom") }
func (speechless) Register(*plugin.Registry) error { return nil }

// A panic is the plugin's own, wherever it happens: in a goroutine of Host.Go, in a job, after a commit.
func TestPanicsOutsideOfRequests(t *testing.T) {
	t.Parallel()
	var jobs, told atomic.Int32
	p := made{manifest: plugin.Manifest{ID: "dev.acme.panics", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		return errors.Join(plugin.Every(r, plugin.Job{Name: "boom", Spec: "* * * * *", Run: func(context.Context, plugin.Host) error { jobs.Add(1); panic("boom") }}),
			plugin.After(r, func(context.Context, plugin.Host, plugin.Committed) error { told.Add(1); panic("boom") }, plugin.OnTypes("article")))
	}}
	p.start = func(_ context.Context, h plugin.Host) error {
		h.Go(func(context.Context) { panic("boom") })
		return nil
	}
	h := plugintest.New(t, p, articles())
	calls := func() string {
		return fmt.Sprint(h.Do("administrator", "GET", "/api/v1/plugins/dev.acme.panics", nil).OK().Body["calls"])
	}
	h.Eventually("the goroutine failed", func() bool { return strings.Contains(calls(), "goroutine:map[calls:1 errors:1") })
	h.Create("article", plugintest.Doc{"title": "x"}).OK()
	h.Eventually("the follower was told", func() bool { return told.Load() > 0 })
	h.Eventually("the job ran", func() bool {
		h.Advance(2 * time.Hour) // what fails is tried again, and three panics in an hour would turn the plugin off
		return jobs.Load() > 0
	})
	h.Do("administrator", "GET", "/api/v1/plugins/dev.acme.panics", nil).OK().Has("running", true)
	h.Create("article", plugintest.Doc{"title": "goes on"}).OK()
}

// A plugin cannot lend rights: what its hook writes, the caller must be allowed to write.
func TestBefore_writesWithinTheCallersRights(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, before("dev.acme.code", func(_ context.Context, e *core.EntryEvent) error {
		e.New["code"], e.Actor.ID, e.Actor.Kind, e.Actor.Roles[0] = "made", "user:else", core.System.Kind, "administrator"
		return nil
	}, "article.code"), articles())
	token := h.Token("clerk", plugintest.Doc{"type": "article", "actions": []string{"create", "read", "list"}, "fields": plugintest.Doc{"read": []string{"*"}, "write": []string{"title"}}})
	h.Do(token, "POST", "/api/v1/content/article", plugintest.Doc{"title": "x"}).Status(http.StatusForbidden)
	if got := h.Do("administrator", "GET", "/api/v1/content/article?state=draft", nil).OK().Body["page"].(map[string]any)["total"]; fmt.Sprint(got) != "0" {
		t.Errorf("%v entries were made", got)
	}
	if got := h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("code", "made"); strings.Contains(got.Text, "user:else") {
		t.Errorf("it was somebody else's doing: %s", got.Text)
	}
}

// Settings that a new version does not accept any more keep it off; the site is up, and says so.
func TestSettings_outdated(t *testing.T) {
	t.Parallel()
	version := func(schema string) made {
		p := before("dev.acme.keys", func(_ context.Context, e *core.EntryEvent) error { e.New["code"] = "on"; return nil }, "article.code")
		p.manifest.Settings = json.RawMessage(schema)
		return p
	}
	h := plugintest.New(t, version(`{"type":"object","properties":{"key":{"type":"string"}}}`), articles(), plugintest.Settings(plugintest.Doc{"key": "long"}))
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("code", "on")
	h.Restart(version(`{"type":"object","properties":{"key":{"type":"string","maxLength":2}}}`))
	h.Do("administrator", "GET", "/api/v1/plugins/dev.acme.keys", nil).OK().Has("enabled", true).Has("running", false)
	if got := degraded(h); got != "dev.acme.keys" {
		t.Errorf("degraded: %q", got)
	}
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("code", nil)
	h.Do("administrator", "PATCH", "/api/v1/plugins/dev.acme.keys", plugintest.Doc{"settings": plugintest.Doc{"key": "ok"}}).OK().Has("running", true)
	if got := degraded(h); got != "" {
		t.Errorf("degraded: %q", got)
	}
}

// A plugin that is off or gone takes no part in anything, and finds its data again when it is back.
func TestOff(t *testing.T) {
	t.Parallel()
	const address, route = "/api/v1/plugins/dev.acme.parts", "/x/dev.acme.parts/hello"
	var node plugin.Host
	p := before("dev.acme.parts", func(_ context.Context, e *core.EntryEvent) error { e.New["code"] = "on"; return nil }, "article.code")
	hooks := p.register
	p.register = func(r *plugin.Registry) error {
		plugin.UI(r, plugin.Contribution{Slot: "menu", Name: "parts", Label: core.Text{"en": "Parts"}})
		return errors.Join(hooks(r), plugin.Handle(r, "GET", "/hello", "hello", "Says hello", func(w http.ResponseWriter, _ *core.RouteRequest) error {
			_, err := fmt.Fprint(w, "hello")
			return err
		}, plugin.Public()))
	}
	p.start = func(_ context.Context, h plugin.Host) error { node = h; return nil }
	h := plugintest.New(t, p, articles())
	if err := node.Store().Put(t.Context(), "k", []byte("v"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		ui, order := h.Do("administrator", "GET", "/api/v1/plugin-ui", nil), h.Do("administrator", "GET", "/api/v1/plugin-order", nil)
		return fmt.Sprintln(h.Get(route).Code, h.Create("article", plugintest.Doc{"title": "x"}).OK().Body["code"],
			strings.Contains(ui.Text, "parts"), strings.Contains(order.Text, "parts"))
	}
	const on, off = "200 on true true\n", "404 <nil> false false\n"
	steps := []struct {
		what string
		do   func()
		want string
	}{
		{"at first", func() {}, on},
		{"turned off", func() { h.Do("administrator", "PATCH", address, plugintest.Doc{"enabled": false}).OK() }, off},
		{"after a restart", func() { h.Restart(p) }, off},
		{"turned on", func() { h.Do("administrator", "PATCH", address, plugintest.Doc{"enabled": true}).OK() }, on},
		{"taken out", func() { h.Restart() }, off},
		{"put in again", func() { h.Restart(p) }, on},
	}
	for _, s := range steps {
		s.do()
		if got := shown(); got != s.want {
			t.Errorf("%s: %s, want %s", s.what, got, s.want)
		}
		if got := degraded(h); got != "" {
			t.Errorf("%s: degraded: %s", s.what, got)
		}
	}
	if v, _, err := node.Store().Get(t.Context(), "k"); err != nil || string(v) != "v" {
		t.Errorf("its data: %q, %v", v, err)
	}
}

// What a plugin does with all rights stands in the audit trail, with its reason.
func TestElevate_audited(t *testing.T) {
	t.Parallel()
	p := made{manifest: plugin.Manifest{ID: "dev.acme.index", Version: "1.0.0", Capabilities: plugin.Capabilities{Elevate: true}}, register: func(*plugin.Registry) error { return nil }}
	p.start = func(ctx context.Context, h plugin.Host) error {
		who, err := h.Elevate(ctx, "to note that it began")
		if err != nil {
			return err
		}
		_, err = h.Write(ctx, who, []core.Operation{{Op: core.OperationCreate, Type: "plugintestNote", Data: map[string]any{"text": "x"}}}, core.WriteOptions{})
		return err
	}
	h := plugintest.New(t, p)
	h.Eventually("the audit trail tells", func() bool {
		got := h.Do("administrator", "GET", "/api/v1/audit?event=elevate", nil).Text
		return strings.Contains(got, "dev.acme.index") && strings.Contains(got, "to note that it began")
	})
	h.Eventually("and what was done", func() bool {
		return strings.Contains(h.Do("administrator", "GET", "/api/v1/audit?type=plugintestNote", nil).Text, "plugin:dev.acme.index")
	})
}

// An enrichment that does not come back is passed over: the entry is served without it, hardly later.
func TestOnRead_tooSlow(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	p := made{manifest: plugin.Manifest{ID: "dev.acme.enrich", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		return plugin.OnRead(r, func(_ context.Context, e *core.ReadEvent) error {
			if slow.Load() {
				<-end
			}
			for i := range e.Views {
				e.Extra[i]["stars"] = 5
			}
			return nil
		}, plugin.OnTypes("article"))
	}}
	h := plugintest.New(t, p, articles())
	path := func() string {
		return "/api/v1/content/article/" + string(h.CreateLive("article", plugintest.Doc{"title": "x"}).OK().ID)
	}
	best := func(stars any) time.Duration { // of a few: the machine has other things to do, too
		var took []time.Duration
		for range 5 {
			h.Advance(2 * time.Hour) // else it would be off after three failures
			fresh := path()
			began := time.Now()
			h.Get(fresh).OK().Has("title", "x").Has("stars", stars)
			took = append(took, time.Since(began))
		}
		return slices.Min(took)
	}
	without := best(5)
	slow.Store(true)
	if with := best(nil); with > without+50*time.Millisecond {
		t.Errorf("took %v, and %v with an enrichment that comes back", with, without)
	}
	h.Advance(2 * time.Hour)
	once := path()
	h.Get(once).OK().Has("stars", nil)
	slow.Store(false)
	h.Advance(2 * time.Second)
	h.Get(once).OK().Has("stars", 5) // the answer without it was not kept
}

// A plugin can narrow what is asked for, never widen it.
func TestOnQuery_widens(t *testing.T) {
	t.Parallel()
	widen := atomic.Bool{}
	p := made{manifest: plugin.Manifest{ID: "dev.acme.query", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		return plugin.OnQuery(r, func(_ context.Context, e *core.QueryEvent) error {
			if widen.Load() {
				e.Query.Where, e.Query.State = nil, core.StateDraft
			}
			return nil
		}, plugin.OnTypes("article"))
	}}
	h := plugintest.New(t, p, articles())
	h.Create("article", plugintest.Doc{"title": "a secret draft"}).OK()
	h.CreateLive("article", plugintest.Doc{"title": "shown"}).OK()
	const path = "/api/v1/content/article?filter[title]=shown"
	if got := h.Get(path).OK(); !strings.Contains(got.Text, "shown") {
		t.Errorf("got %s", got.Text)
	}
	widen.Store(true)
	if got := h.Get(path + "&limit=7"); strings.Contains(got.Text, "draft") {
		t.Errorf("got %s", got.Text)
	} else {
		got.Failed("plugin_failed")
	}
}

// The figures tell each plugin's own time and failures: what it refuses, or what fails below it, is none.
func TestFigures(t *testing.T) {
	t.Parallel()
	strict := before("dev.acme.b", func(_ context.Context, e *core.EntryEvent) error {
		switch e.New["title"] {
		case "no":
			return plugin.Reject("no", "No.")
		case "fault":
			return errors.New("boom")
		}
		return nil
	})
	h := plugintest.New(t, before("dev.acme.a", func(context.Context, *core.EntryEvent) error { return nil }), articles(), plugintest.With(strict))
	h.Create("article", plugintest.Doc{"title": "yes"}).OK()
	h.Create("article", plugintest.Doc{"title": "no"}).Rejected("no")
	h.Create("article", plugintest.Doc{"title": "fault"}).Failed("plugin_failed")
	figures := h.Get("/metrics").OK().Text
	for _, want := range []string{`calls_total{hook="entry.create",plugin="dev.acme.a"} 3`, `errors_total{hook="entry.create",plugin="dev.acme.a"} 0`,
		`calls_total{hook="entry.create",plugin="dev.acme.b"} 3`, `errors_total{hook="entry.create",plugin="dev.acme.b"} 1`, `seconds_total{hook="entry.create",plugin="dev.acme.a"} `} {
		if !strings.Contains(figures, "palabre_plugin_"+want) {
			t.Errorf("the figures lack %s", want)
		}
	}
}

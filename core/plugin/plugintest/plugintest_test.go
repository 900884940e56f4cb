package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// article is what the plugins of these tests work on.
const article = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Article","type":"object","unevaluatedProperties":false,"required":["title"],
"x-type":{"name":"article","public":true,"titleField":"title","slug":false},
"properties":{"title":{"type":"string"},"code":{"type":"string","maxLength":5},"note":{"type":"string","x-private":true},"size":{"type":"integer"}}}`

// made is a plugin made of what a test wants it to do.
type made struct {
	manifest plugin.Manifest
	register func(r *plugin.Registry) error
	start    func(ctx context.Context, h plugin.Host) error
}

func (m made) Manifest() plugin.Manifest         { return m.manifest }
func (m made) Register(r *plugin.Registry) error { return m.register(r) }
func (m made) Start(ctx context.Context, h plugin.Host) error {
	if m.start == nil {
		return nil
	}
	return m.start(ctx, h)
}

func before(id string, fn func(ctx context.Context, e *core.EntryEvent) error, writes ...string) made {
	return made{manifest: plugin.Manifest{ID: id, Version: "1.0.0", Writes: writes}, register: func(r *plugin.Registry) error {
		return plugin.Before(r, plugin.EntryCreate, fn, plugin.Within(100*time.Millisecond))
	}}
}

func articles() plugintest.Option { return plugintest.Types(article) }

func TestBefore_rejects(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, before("dev.acme.guard", func(_ context.Context, e *core.EntryEvent) error {
		if e.New["title"] == "no" {
			return plugin.Reject("no_title", "A better title is needed.", plugin.Field("/title", "Not this one."))
		}
		return nil
	}), articles())
	h.Create("article", plugintest.Doc{"title": "no"}).Rejected("no_title")
	if got := h.Do("administrator", "GET", "/api/v1/content/article?state=draft", nil).OK().Body["page"].(map[string]any)["total"]; fmt.Sprint(got) != "0" {
		t.Errorf("%v entries were made", got)
	}
	h.Create("article", plugintest.Doc{"title": "yes"}).OK()
}

func TestBefore_faults(t *testing.T) {
	t.Parallel()
	late := make(chan struct{})
	t.Cleanup(func() { close(late) })
	for name, tc := range map[string]struct {
		fn     func(ctx context.Context, e *core.EntryEvent) error
		reason string
	}{
		"invalid output":   {func(_ context.Context, e *core.EntryEvent) error { e.New["code"] = "much too long"; return nil }, "plugin_invalid_output"},
		"undeclared field": {func(_ context.Context, e *core.EntryEvent) error { e.New["size"] = json.Number("3"); return nil }, "plugin_failed"},
		"panic":            {func(context.Context, *core.EntryEvent) error { panic("secret detail") }, "plugin_failed"},
		"error":            {func(context.Context, *core.EntryEvent) error { return errors.New("secret detail") }, "plugin_failed"},
		"too slow":         {func(context.Context, *core.EntryEvent) error { <-late; return nil }, "plugin_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := plugintest.New(t, before("dev.acme.bad", tc.fn, "article.code"), articles())
			if got := h.Create("article", plugintest.Doc{"title": "x"}); strings.Contains(got.Text, "secret") {
				t.Errorf("the caller is told %s", got.Text)
			} else {
				got.Failed(tc.reason)
			}
			h.Do("administrator", "GET", "/api/v1/content/article?state=draft", nil).OK()
		})
	}
}

// A plugin that fails three times in an hour is off, says why, and can be turned on again.
func TestStrikes(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, before("dev.acme.bad", func(context.Context, *core.EntryEvent) error { panic("boom") }), articles())
	for range 3 {
		h.Create("article", plugintest.Doc{"title": "x"}).Failed("plugin_failed")
	}
	state := func() plugintest.Doc {
		return h.Do("administrator", "GET", "/api/v1/plugins/dev.acme.bad", nil).OK().Body
	}
	h.Eventually("it is recorded as off", func() bool { return state()["enabled"] == false })
	if got := state(); got["running"] != false || !strings.Contains(fmt.Sprint(got["fault"]), "three failures") {
		t.Errorf("got %v", got)
	}
	h.Create("article", plugintest.Doc{"title": "goes on"}).OK()
	h.Eventually("the audit trail tells", func() bool {
		return strings.Contains(h.Do("administrator", "GET", "/api/v1/audit?event=plugin_disabled", nil).Text, "dev.acme.bad")
	})
	h.Do("administrator", "PATCH", "/api/v1/plugins/dev.acme.bad", plugintest.Doc{"enabled": true}).OK().Has("running", true)
	h.Create("article", plugintest.Doc{"title": "x"}).Failed("plugin_failed")
}

// follower tells what it was told of.
type follower struct {
	mu   sync.Mutex
	seen []string
	fail atomic.Int32 // how often it still fails
}

func (f *follower) plugin(fn func(ctx context.Context, h plugin.Host, c plugin.Committed) error) made {
	return made{manifest: plugin.Manifest{ID: "dev.acme.follow", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		return plugin.After(r, func(ctx context.Context, h plugin.Host, c plugin.Committed) error {
			if fn != nil {
				if err := fn(ctx, h, c); err != nil {
					return err
				}
			}
			if f.fail.Add(-1) >= 0 {
				return errors.New("not now")
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.seen = append(f.seen, string(c.Change.Action)+" "+string(c.Change.Entry))
			return nil
		}, plugin.OnTypes("article"))
	}}
}

func (f *follower) all() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.seen, ", ")
}

// Who is told of a commit finds it, by the same door as everybody.
func TestAfter_seesTheCommit(t *testing.T) {
	t.Parallel()
	f := &follower{}
	var wrong atomic.Value
	p := f.plugin(func(ctx context.Context, h plugin.Host, c plugin.Committed) error {
		pending, err := h.Reader().One(ctx, core.System, "article", string(c.Change.Entry), map[string][]string{"state": {"draft"}})
		if err != nil {
			wrong.Store(err)
			return err
		}
		if a, err := pending.Answer(ctx); err != nil || a.Position < c.Position {
			wrong.Store(fmt.Errorf("position %d, %v", c.Position, err))
		}
		return nil
	})
	h := plugintest.New(t, p, articles())
	const many = 200
	for i := range many {
		h.Create("article", plugintest.Doc{"title": fmt.Sprint(i)}).OK()
	}
	h.Eventually("all are told", func() bool { return strings.Count(f.all(), "create") == many })
	if err := wrong.Load(); err != nil {
		t.Error(err)
	}
}

// What a follower fails at comes again later; what happens to the same entry waits for it, and nothing else does.
func TestAfter_retries(t *testing.T) {
	t.Parallel()
	f := &follower{}
	h := plugintest.New(t, f.plugin(nil), articles())
	f.fail.Store(1)
	one := h.Create("article", plugintest.Doc{"title": "one"}).OK().ID
	h.Eventually("it failed", func() bool { return f.fail.Load() < 0 || len(h.Failures("waiting")) == 1 })
	h.Update("article", one, plugintest.Doc{"title": "uno"}).OK()
	two := h.Create("article", plugintest.Doc{"title": "two"}).OK().ID
	h.Eventually("the other entry is told", func() bool { return f.all() == "create "+string(two) })
	h.Advance(6 * time.Second)
	want := "create " + string(two) + ", create " + string(one) + ", update " + string(one)
	h.Eventually("the first one is told in its order", func() bool { return f.all() == want })
}

// What a follower never copes with is kept, and can be told once more.
func TestAfter_deadLetters(t *testing.T) {
	t.Parallel()
	f := &follower{}
	h := plugintest.New(t, f.plugin(nil), articles())
	f.fail.Store(1000)
	id := h.Create("article", plugintest.Doc{"title": "one"}).OK().ID
	h.Eventually("it waits", func() bool { return len(h.Failures("waiting")) == 1 })
	h.Eventually("it is given up", func() bool { h.Advance(7 * time.Hour); return len(h.Failures("dead")) == 1 })
	f.fail.Store(0)
	h.Do("administrator", "POST", "/api/v1/plugins/dev.acme.follow/failures/replay", nil).OK().Has("replayed", 1)
	h.Eventually("it is told once more", func() bool { return f.all() == "create "+string(id) })
	h.Eventually("nothing is left", func() bool { return len(h.Failures("dead"))+len(h.Failures("waiting")) == 0 })
}

// Writes that lead to writes end, and say who is in the circle.
func TestCycle(t *testing.T) {
	t.Parallel()
	writer := func(id string, hosts *plugin.Host, refusal *atomic.Value) made {
		m := before(id, func(ctx context.Context, e *core.EntryEvent) error {
			_, err := (*hosts).Write(ctx, e.Actor, []core.Operation{{Op: core.OperationCreate, Type: "article", Data: map[string]any{"title": id}}}, core.WriteOptions{})
			if err != nil {
				refusal.Store(err.Error())
			}
			return err
		})
		m.start = func(_ context.Context, h plugin.Host) error { *hosts = h; return nil }
		return m
	}
	var a, b plugin.Host
	var refusal atomic.Value
	h := plugintest.New(t, writer("dev.acme.a", &a, &refusal), articles(), plugintest.With(writer("dev.acme.b", &b, &refusal)))
	began := time.Now()
	if got := h.Create("article", plugintest.Doc{"title": "x"}); got.Code < 400 {
		t.Errorf("%d %s", got.Code, got.Text)
	}
	if text := fmt.Sprint(refusal.Load()); time.Since(began) > 5*time.Second || !strings.Contains(text, "dev.acme.a") || !strings.Contains(text, "dev.acme.b") {
		t.Errorf("after %v: %s", time.Since(began), text)
	}
}

const keySettings = `{"type":"object","additionalProperties":false,"required":["key"],"properties":{"sep":{"type":"string","maxLength":1,"default":"-"},"key":{"type":"string","writeOnly":true,"minLength":3}}}`

// Settings are checked when they are saved, reach the plugin, and keep their secrets.
func TestSettings(t *testing.T) {
	t.Parallel()
	type config struct{ Sep, Key string }
	var now *plugin.Settings[config]
	p := made{manifest: plugin.Manifest{ID: "dev.acme.keys", Version: "1.0.0", Settings: json.RawMessage(keySettings)}, register: func(r *plugin.Registry) error {
		now = plugin.Configure[config](r, func(c config) error {
			if c.Key == "bad" {
				return errors.New("this key is bad")
			}
			return nil
		})
		return nil
	}}
	h := plugintest.New(t, p)
	const at = "/api/v1/plugins/dev.acme.keys"
	h.Do("administrator", "GET", at, nil).OK().Has("running", false) // it needs a key
	for _, settings := range []plugintest.Doc{{"key": "canary-secret", "sep": "--"}, {"kye": "x"}, {"key": "bad"}, {"key": 3}} {
		h.Do("administrator", "PATCH", at, plugintest.Doc{"settings": settings}).Status(http.StatusUnprocessableEntity)
	}
	h.Do("", "PATCH", at, plugintest.Doc{"enabled": false}).Status(http.StatusUnauthorized)
	h.Do("administrator", "PATCH", at, plugintest.Doc{"settings": plugintest.Doc{"key": "canary-secret"}}).OK().Has("running", true)
	if got := now.Get(); got != (config{"-", "canary-secret"}) {
		t.Errorf("the plugin has %v", got)
	}
	for _, path := range []string{at, "/api/v1/plugins", "/api/v1/content/_plugin?state=draft", "/api/v1/audit", "/api/v1/export/_plugin"} {
		if got := h.Do("administrator", "GET", path, nil); strings.Contains(got.Text, "canary") {
			t.Errorf("%s shows the secret: %s", path, got.Text)
		}
	}
	h.Do("administrator", "PATCH", at, plugintest.Doc{"settings": plugintest.Doc{"sep": "+", "key": plugintest.Doc{"set": true}}}).OK()
	if got := now.Get(); got != (config{"+", "canary-secret"}) {
		t.Errorf("the plugin has %v", got)
	}
}

// Secrets in objects of the settings are kept as others are; sent back as they are shown, secrets stay set or unset.
func TestSettings_nestedSecrets(t *testing.T) {
	t.Parallel()
	type config struct {
		Key  string
		Mail *struct{ Host, Password string }
	}
	var now *plugin.Settings[config]
	p := made{manifest: plugin.Manifest{ID: "dev.acme.keys", Version: "1.0.0", Settings: json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{
"key":{"type":"string","writeOnly":true,"minLength":3},
"mail":{"type":"object","additionalProperties":false,"required":["host"],"properties":{"host":{"type":"string"},"password":{"type":"string","writeOnly":true}}}}}`)},
		register: func(r *plugin.Registry) error { now = plugin.Configure[config](r, nil); return nil }}
	h := plugintest.New(t, p)
	const at = "/api/v1/plugins/dev.acme.keys"
	change := func(settings plugintest.Doc) *plugintest.Result {
		t.Helper()
		return h.Do("administrator", "PATCH", at, plugintest.Doc{"settings": settings})
	}
	is := func(want string) {
		t.Helper()
		got := now.Get()
		text := got.Key
		if got.Mail != nil {
			text += " " + got.Mail.Host + " " + got.Mail.Password
		}
		if text != want {
			t.Errorf("the plugin has %q, want %q", text, want)
		}
	}
	change(plugintest.Doc{"key": plugintest.Doc{"set": false}, "mail": plugintest.Doc{"password": plugintest.Doc{"set": false}}}).OK()
	is("")
	change(plugintest.Doc{"mail": plugintest.Doc{"password": "canary"}}).Status(http.StatusUnprocessableEntity)
	change(plugintest.Doc{"mail": plugintest.Doc{"host": "a", "password": "canary"}}).OK()
	is(" a canary")
	shown := h.Do("administrator", "GET", at, nil).OK().Has("settings", map[string]any{"key": map[string]any{"set": false}, "mail": map[string]any{"host": "a", "password": map[string]any{"set": true}}})
	change(plugintest.Doc(shown.Body["settings"].(map[string]any))).OK()
	is(" a canary")
	change(plugintest.Doc{"mail": plugintest.Doc{"host": "b"}}).OK()
	is(" b canary")
	for _, path := range []string{at, "/api/v1/plugins", "/api/v1/content/_plugin?state=draft", "/api/v1/audit", "/api/v1/export/_plugin"} {
		if got := h.Do("administrator", "GET", path, nil); strings.Contains(got.Text, "canary") {
			t.Errorf("%s shows the secret: %s", path, got.Text)
		}
	}
	h.Restart(p)
	is(" b canary")
	change(plugintest.Doc{"mail": plugintest.Doc{"password": nil}}).OK()
	is(" b ")
	change(plugintest.Doc{"mail": nil}).OK()
	is("")
}

// A secret that a plugin's next version calls otherwise, or does not call a secret, is shown nowhere, and is there when the version
// before comes back.
func TestSettings_movedSecrets(t *testing.T) {
	t.Parallel()
	type config struct {
		Key, Code string
		Size      int
		Mail      struct{ Password, Secret string }
	}
	var now *plugin.Settings[config]
	version := func(properties string) made {
		return made{manifest: plugin.Manifest{ID: "dev.acme.keys", Version: "1.0.0", Settings: json.RawMessage(`{"type":"object","properties":` + properties + `}`)},
			register: func(r *plugin.Registry) error { now = plugin.Configure[config](r, nil); return nil }}
	}
	before := version(`{"key":{"type":"string","writeOnly":true},"mail":{"type":"object","properties":{"password":{"type":"string","writeOnly":true}}}}`)
	h := plugintest.New(t, before)
	const at = "/api/v1/plugins/dev.acme.keys"
	h.Do("administrator", "PATCH", at, plugintest.Doc{"settings": plugintest.Doc{"key": "canary-key", "mail": plugintest.Doc{"password": "canary"}}}).OK()
	for _, properties := range []string{
		`{"code":{"type":"string","writeOnly":true},"mail":{"type":"object","properties":{"secret":{"type":"string","writeOnly":true}}},"size":{"type":"integer"}}`,
		`{"key":{"type":"string"},"mail":{"type":"object","properties":{"password":{"type":"string"}}},"size":{"type":"integer"}}`,
	} {
		h.Restart(version(properties))
		for _, settings := range []plugintest.Doc{{}, {"size": 1}, {"size": nil}} {
			h.Do("administrator", "PATCH", at, plugintest.Doc{"settings": settings}).OK()
			for _, path := range []string{at, "/api/v1/plugins", "/api/v1/content/_plugin?state=draft", "/api/v1/audit", "/api/v1/export/_plugin"} {
				if got := h.Do("administrator", "GET", path, nil); strings.Contains(got.Text, "canary") {
					t.Errorf("%s shows the secret: %s", path, got.Text)
				}
			}
		}
	}
	h.Restart(before)
	if got := now.Get(); got.Key != "canary-key" || got.Mail.Password != "canary" {
		t.Errorf("the plugin has %v", got)
	}
}

// The addresses of a plugin: signed in unless it says otherwise, gone while it is off, and its faults its own.
func TestRoutes(t *testing.T) {
	t.Parallel()
	serve := func(w http.ResponseWriter, q *core.RouteRequest) error {
		if q.Query.Has("panic") {
			panic("secret detail")
		}
		_, err := fmt.Fprintf(w, "%s sees %s", q.Who.Kind, q.Value("name"))
		return err
	}
	p := made{manifest: plugin.Manifest{ID: "dev.acme.hello", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		return errors.Join(plugin.Handle(r, "GET", "/own/{name}", "helloOwn", "Says hello", serve), plugin.Handle(r, "GET", "/all/{name}", "helloAll", "Says hello", serve, plugin.Public()),
			plugin.Get(r, "/kept", "helloKept", "Says what there is", func(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
				return &core.Pending{Key: "x", Types: []core.TypeName{"article"}, Answer: func(context.Context) (*core.Answer, error) {
					return &core.Answer{Body: []byte("<p>"), Kind: "text/html; charset=utf-8"}, nil
				}}, nil
			}, plugin.Public()))
	}}
	h := plugintest.New(t, p, articles())
	h.Get("/x/dev.acme.hello/own/me").Status(http.StatusUnauthorized)
	if got := h.Do("administrator", "GET", "/x/dev.acme.hello/own/me", nil).OK(); got.Text != "token sees me" {
		t.Errorf("got %q", got.Text)
	}
	if got := h.Get("/x/dev.acme.hello/all/me").OK(); got.Text != "anonymous sees me" {
		t.Errorf("got %q", got.Text)
	}
	if got := h.Get("/x/dev.acme.hello/kept").OK(); got.Text != "<p>" || got.Header.Get("Etag") == "" || got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %q %v", got.Text, got.Header)
	}
	if got := h.Get("/x/dev.acme.hello/all/me?panic").Status(http.StatusBadGateway); got.Body["plugin"] != "dev.acme.hello" || strings.Contains(got.Text, "secret") {
		t.Errorf("got %s", got.Text)
	}
	h.Do("administrator", "PATCH", "/api/v1/plugins/dev.acme.hello", plugintest.Doc{"enabled": false}).OK()
	for _, path := range []string{"own/me", "all/me", "kept"} {
		h.Get("/x/dev.acme.hello/" + path).Status(map[bool]int{true: 401, false: 404}[path == "own/me"])
	}
}

// A plugin's data is its own, and bounded.
func TestStore(t *testing.T) {
	t.Parallel()
	keeper := func(id string, own *plugin.Host) made {
		return made{manifest: plugin.Manifest{ID: id, Version: "1.0.0", Capabilities: plugin.Capabilities{StoreBytes: 1000}},
			register: func(*plugin.Registry) error { return nil },
			start:    func(_ context.Context, h plugin.Host) error { *own = h; return nil }}
	}
	var a, b plugin.Host
	plugintest.New(t, keeper("dev.acme.a", &a), plugintest.With(keeper("dev.acme.b", &b)))
	ctx := t.Context()
	if err := a.Store().Put(ctx, "k", []byte("v"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Store().Get(ctx, "k"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("another plugin finds it: %v", err)
	}
	if keys, err := b.Store().Keys(ctx, ""); err != nil || len(keys) != 0 {
		t.Errorf("another plugin lists %v, %v", keys, err)
	}
	if err := a.Store().Put(ctx, "big", make([]byte, 1000), time.Time{}); core.CodeOf(err) != core.CodeTooLarge {
		t.Errorf("beyond the quota: %v", err)
	}
	if err := errors.Join(a.Store().Delete(ctx, "k"), a.Store().Put(ctx, "k2", make([]byte, 990), time.Time{})); err != nil {
		t.Errorf("what is deleted does not count: %v", err)
	}
	sealed, err := a.Seal([]byte("canary"))
	if err != nil || strings.Contains(sealed, "canary") {
		t.Fatalf("sealed to %q, %v", sealed, err)
	}
	if text, err := a.Unseal(sealed); err != nil || string(text) != "canary" {
		t.Errorf("unsealed to %q, %v", text, err)
	}
	for _, text := range []string{sealed, sealed[:8], "", "!"} {
		if _, err := b.Unseal(text); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("another plugin unseals %q: %v", text, err)
		}
	}
	if err := a.Own(ctx, "plugintestNote", func(*core.Entry) error { return nil }); core.CodeOf(err) != core.CodeForbidden {
		t.Errorf("a type of the site's is taken for the plugin's own: %v", err)
	}
	if _, err := a.Elevate(ctx, "why not"); core.CodeOf(err) != core.CodeForbidden {
		t.Errorf("elevated without a capability: %v", err)
	}
}

// fatal is a test that fails.
type fatal struct {
	testing.TB
	says string
}

func (f *fatal) Fatal(args ...any) {
	f.says = fmt.Sprint(args...)
	runtime.Goexit()
}

// A test of a plugin that cannot be registered fails, and says why.
func TestNew_leftOut(t *testing.T) {
	t.Parallel()
	f := &fatal{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		plugintest.New(f, before("dev.acme.mistaken", nil, "title"), articles())
	}()
	<-done
	if !strings.Contains(f.says, "dev.acme.mistaken") {
		t.Errorf("it said %q", f.says)
	}
}

package webhooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/webhooks"
)

// turn turns the plugin on or off.
func (s site) turn(on bool) {
	s.Do("administrator", "PATCH", "/api/v1/plugins/dev.palabre.webhooks", plugintest.Doc{"enabled": on}).OK()
}

// on reports whether deliveries are sent to an endpoint, and why not.
func (s site) on(webhook core.EntryID) (bool, string) {
	body := s.call("GET", webhook, "", nil).OK().Body
	on, _ := body["on"].(bool)
	health, _ := body["health"].(map[string]any)
	why, _ := health["off"].(string)
	return on, why
}

// toldOnlyOf waits until an endpoint was told of an entry and of all that waits for it, and finds that it was told of no other.
func (s site) toldOnlyOf(t *testing.T, webhook core.EntryID, host string, entry core.EntryID) {
	t.Helper()
	s.gets(host, 1)
	s.has(webhook, "waiting", 0)
	for _, r := range s.received(host) {
		if data, _ := r.message(t)["data"].(map[string]any); data["id"] != string(entry) {
			t.Errorf("%s was told: %s", host, r.body)
		}
	}
}

// robot acts with all rights, for somebody whose rights it does not know.
type robot struct{ host plugin.Host }

// Manifest implements plugin.Plugin.
func (*robot) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.acme.robot", Version: "1.0.0", Capabilities: plugin.Capabilities{Elevate: true}}
}

// Register implements plugin.Plugin.
func (*robot) Register(*plugin.Registry) error { return nil }

// Start implements plugin.Starter.
func (r *robot) Start(_ context.Context, h plugin.Host) error { r.host = h; return nil }

// publish publishes a webhook once more.
func (r *robot) publish(t *testing.T, webhook core.EntryID) {
	t.Helper()
	who, err := r.host.Elevate(t.Context(), "a test")
	if err != nil {
		t.Fatal(err)
	}
	ops := []core.Operation{{Op: core.OperationTransition, Type: "webhook", ID: webhook, Transition: "publish"}}
	if _, err := r.host.Write(t.Context(), who, ops, core.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// What is written while the plugin is off, with a role that nobody has checked, is off when it is on again, and says so, until
// somebody with the role has looked at it. What was checked is on as it was.
func TestRole_uncheckedWhileOff(t *testing.T) {
	t.Parallel()
	robot := &robot{}
	s := start(t, plugintest.With(robot))
	editor := s.as(t, "editor")
	of := func(role string) plugintest.Doc { return plugintest.Doc{"role": role, "events": []string{"fiche.*"}} }
	checked, changed, mine := s.hook("checked.example.org", of("administrator")), s.hook("changed.example.org", of("administrator")), s.hook("mine.example.org", of("editor"))
	s.turn(false)
	made := func(method, path, body string) core.EntryID {
		t.Helper()
		got := editor(method, "/api/v1/content/webhook"+path, body)
		if got.Code > 299 {
			t.Fatalf("%s %s: %d %s", method, path, got.Code, got.Body)
		}
		var entry struct {
			ID core.EntryID `json:"_id"`
		}
		if err := json.Unmarshal(got.Body.Bytes(), &entry); err != nil {
			t.Fatal(err)
		}
		return entry.ID
	}
	fresh := made("POST", "?publish=true", `{"name":"made","url":"https://made.example.org/hook","events":["fiche.*"],"payload":"full","role":"administrator"}`)
	made("POST", "?publish=true", `{"name":"open","url":"https://open.example.org/hook","events":["fiche.publish"]}`)
	made("PATCH", "/"+string(changed)+"?publish=true", `{"url":"https://elsewhere.example.org/hook"}`)
	s.turn(true)

	s.publish("One")
	for _, host := range []string{"checked.example.org", "mine.example.org", "open.example.org"} {
		s.gets(host, 1)
	}
	for _, webhook := range []core.EntryID{checked, mine} {
		if on, why := s.on(webhook); !on || why != "" {
			t.Errorf("%s is on: %v, %s", webhook, on, why)
		}
	}
	if on, why := s.on(changed); on || !strings.Contains(why, "turned off") {
		t.Errorf("changed is on: %v, %s", on, why)
	}
	if health, _ := s.Do("administrator", "GET", "/api/v1/plugins/dev.palabre.webhooks", nil).OK().Body["health"].(string); strings.Count(health, "turned off") != 2 || !strings.Contains(health, string(changed)) {
		t.Errorf("the plugin says %s", health)
	}
	s.call("POST", changed, "/test", nil).Status(http.StatusConflict) // looking after it is not approving it
	s.call("POST", changed, "/rotate", nil).OK()
	s.Update("webhook", changed, plugintest.Doc{"description": "Whose is it?"}).OK()
	robot.publish(t, changed)
	if on, _ := s.on(changed); on {
		t.Error("changed is on, and nobody has approved it")
	}
	if got := editor("POST", "/x/dev.palabre.webhooks/webhooks/"+string(changed)+"/enable", ""); got.Code != http.StatusForbidden {
		t.Errorf("an editor enables an administrator's webhook: %d %s", got.Code, got.Body)
	}
	s.call("POST", changed, "/enable", nil).OK()
	s.call("POST", fresh, "/enable", nil).OK()
	two := s.publish("Two")
	s.toldOnlyOf(t, changed, "elsewhere.example.org", two)
	s.toldOnlyOf(t, fresh, "made.example.org", two)
	s.gets("checked.example.org", 2)
	s.Restart(webhooks.New())
	if on, why := s.on(changed); !on {
		t.Errorf("changed is off again: %s", why)
	}
}

// What waited for an endpoint does not go where somebody has moved it to while the plugin was off.
func TestRole_movedWhileOff(t *testing.T) {
	t.Parallel()
	s := start(t)
	editor := s.as(t, "editor")
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": always(http.StatusServiceUnavailable)})
	webhook := s.hook("a.example.org", plugintest.Doc{"role": "administrator", "payload": "full", "events": []string{"fiche.*"}})
	s.publish("One")
	s.gets("a.example.org", 1)
	s.has(webhook, "waiting", 1)
	s.turn(false)
	if got := editor("PATCH", "/api/v1/content/webhook/"+string(webhook)+"?publish=true", `{"url":"https://b.example.org/hook"}`); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	s.turn(true)
	s.Advance(24 * time.Hour)
	s.has(webhook, "dead", 1)
	s.Move("webhook", webhook, "unpublish").OK()
	s.Move("webhook", webhook, "publish").OK() // by an administrator, who has the role
	s.toldOnlyOf(t, webhook, "b.example.org", s.publish("Two"))
}

// What was scheduled while nobody checked it is published, and not on.
func TestRole_scheduledWhileOff(t *testing.T) {
	t.Parallel()
	s := start(t)
	editor := s.as(t, "editor")
	well := s.Create("webhook", plugintest.Doc{"name": "well", "url": "https://well.example.org/hook", "events": []string{"fiche.*"}, "role": "administrator"}).OK().ID
	s.Do("administrator", "POST", "/api/v1/content/webhook/"+string(well)+"/transitions/publish", plugintest.Doc{"at": "2030-01-02T00:00:00Z"}).OK()
	ill := s.Create("webhook", plugintest.Doc{"name": "ill", "url": "https://ill.example.org/hook", "events": []string{"fiche.*"}}).OK().ID
	s.turn(false)
	if got := editor("PATCH", "/api/v1/content/webhook/"+string(ill), `{"role":"administrator"}`); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if got := editor("POST", "/api/v1/content/webhook/"+string(ill)+"/transitions/publish", `{"at":"2030-01-02T00:00:00Z"}`); got.Code > 299 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	s.turn(true)
	s.Advance(48 * time.Hour)
	s.Eventually("both are published", func() bool {
		return s.Do("administrator", "GET", "/api/v1/content/webhook?total=true", nil).OK().Body["page"].(map[string]any)["total"] == float64(2)
	})
	s.publish("One")
	s.gets("well.example.org", 1)
	if on, _ := s.on(ill); on {
		t.Error("what nobody checked is on")
	}
	s.call("POST", ill, "/enable", nil).OK()
	s.toldOnlyOf(t, ill, "ill.example.org", s.publish("Two"))
}

// What somebody with the role has put an end to is not brought back while nobody checks: neither what was published nor a draft.
func TestRole_withdrawn(t *testing.T) {
	t.Parallel()
	s := start(t)
	editor := s.as(t, "editor")
	of := plugintest.Doc{"role": "administrator", "events": []string{"fiche.*"}}
	moved, drafted, kept := s.hook("old.example.org", of), s.hook("drafted.example.org", of), s.hook("kept.example.org", of)
	to := func(webhook core.EntryID, url string) {
		s.Update("webhook", webhook, plugintest.Doc{"url": url}).OK()
	}
	to(moved, "https://new.example.org/hook")
	s.Move("webhook", moved, "publish").OK()
	to(drafted, "https://old.example.org/draft")
	to(drafted, "https://new.example.org/draft")
	s.turn(false)
	for webhook, url := range map[core.EntryID]string{moved: "https://old.example.org/hook", drafted: "https://old.example.org/draft", kept: "https://kept.example.org/hook"} {
		if got := editor("PATCH", "/api/v1/content/webhook/"+string(webhook)+"?publish=true", `{"url":"`+url+`"}`); got.Code > 299 {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
	}
	s.turn(true)
	s.publish("One")
	s.gets("kept.example.org", 1)
	for _, webhook := range []core.EntryID{moved, drafted} {
		s.Eventually("it is off", func() bool { on, why := s.on(webhook); return !on && strings.Contains(why, "turned off") })
	}
	s.publish("Two")
	s.gets("kept.example.org", 2)
	s.call("POST", moved, "/enable", nil).OK()
	s.toldOnlyOf(t, moved, "old.example.org", s.publish("Three"))
}

// older is the plugin as it was before endpoints were vouched for. It lets a test into the store.
type older struct {
	webhooks.Webhooks
	site watched
}

// watched is a host that notes until when what is put into its store stays.
type watched struct {
	plugin.Host
	mu    sync.Mutex
	until map[string]time.Time
}

// Store implements plugin.Host.
func (w *watched) Store() plugin.Store { return watchedStore{w.Host.Store(), w} }

func (w *watched) noted(key string, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until[key] = until
}

// ends is until when a value stays; the zero time is for good.
func (w *watched) ends(key string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.until[key]
}

type watchedStore struct {
	plugin.Store
	of *watched
}

// Put implements plugin.Store.
func (s watchedStore) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	s.of.noted(key, expires)
	return s.Store.Put(ctx, key, value, expires)
}

// Swap implements plugin.Store.
func (s watchedStore) Swap(ctx context.Context, key string, value []byte, version int64, expires time.Time) (int64, error) {
	s.of.noted(key, expires)
	return s.Store.Swap(ctx, key, value, version, expires)
}

// Register implements plugin.Plugin.
func (o *older) Register(r *plugin.Registry) error {
	err := o.Webhooks.Register(r)
	r.Migrations = nil
	return err
}

// Start implements plugin.Starter.
func (o *older) Start(ctx context.Context, h plugin.Host) error {
	if o.site.Host = h; o.site.until == nil {
		o.site.until = map[string]time.Time{}
	}
	return o.Webhooks.Start(ctx, &o.site)
}

// kept are the keys of the plugin's store that begin so.
func (o *older) kept(t *testing.T, prefix string) []string {
	t.Helper()
	keys, err := o.site.Store().Keys(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Webhooks that were on before endpoints were vouched for are on afterwards. What the plugin has never heard of is off.
func TestRole_ofAnOlderVersion(t *testing.T) {
	t.Parallel()
	old := &older{}
	s := site{plugintest.New(t, old, plugintest.Types(fiche, minutes))}
	of := plugintest.Doc{"role": "administrator", "events": []string{"fiche.*"}}
	known, unheard := s.hook("known.example.org", of), s.hook("unheard.example.org", of)
	s.Eventually("both are heard of", func() bool { return len(old.kept(t, "secret/")) == 2 && len(old.kept(t, "vouch/")) == 2 })
	s.publish("One")
	s.gets("unheard.example.org", 1)
	for _, key := range append(old.kept(t, "vouch/"), "secret/"+string(unheard)) {
		if err := old.site.Store().Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	s.publish("Two")
	s.Restart(webhooks.New())
	if on, why := s.on(known); !on {
		t.Errorf("it is off: %s", why)
	}
	if on, _ := s.on(unheard); on {
		t.Error("what was never checked is on")
	}
	s.publish("Three")
	s.gets("known.example.org", 2)
}

// What was let through and never came to be approves of nothing, and nothing of it stays.
func TestRole_neverCommitted(t *testing.T) {
	t.Parallel()
	kept := &older{}
	s := site{plugintest.New(t, kept, plugintest.Types(fiche, minutes))}
	editor := s.as(t, "editor")
	of := func(host string) plugintest.Doc {
		return plugintest.Doc{"name": host, "url": "https://" + host + "/hook", "events": []string{"fiche.*"}, "role": "administrator"}
	}
	webhook := s.hook("a.example.org", of("a.example.org"))
	s.hook("well.example.org", nil)
	try := func(url string) {
		s.Do("administrator", "POST", "/api/v1/batch", plugintest.Doc{"dryRun": true, "operations": []plugintest.Doc{
			{"op": "update", "type": "webhook", "id": webhook, "data": plugintest.Doc{"url": url}}}}).OK()
	}
	try("https://tried.example.org/hook")
	s.Update("webhook", webhook, plugintest.Doc{"url": "https://b.example.org/hook"}).OK()
	s.Move("webhook", webhook, "publish").OK()
	for n := range 3 {
		try(fmt.Sprintf("https://tried-%d.example.org/hook", n))
	}
	refused := plugintest.Doc{"operations": []plugintest.Doc{
		{"op": "create", "type": "webhook", "data": of("refused.example.org")}, {"op": "create", "type": "webhook", "data": plugintest.Doc{"name": "no address"}}}}
	s.Do("administrator", "POST", "/api/v1/batch", refused).Status(http.StatusUnprocessableEntity)
	if n := len(kept.kept(t, "vouch/")); n > 2 {
		t.Errorf("%d are kept of two webhooks", n)
	}
	s.turn(false)
	if got := editor("PATCH", "/api/v1/content/webhook/"+string(webhook)+"?publish=true", `{"url":"https://tried.example.org/hook"}`); got.Code > 299 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	s.turn(true)
	s.publish("One")
	s.gets("well.example.org", 1) // the plugin has heard of all that was before
	if on, _ := s.on(webhook); on {
		t.Error("it is on, and was only tried")
	}
	s.Do("administrator", "DELETE", "/api/v1/content/webhook/"+string(webhook)+"?purge=true", nil).OK()
	s.Eventually("what was there is forgotten", func() bool { return !slices.Contains(kept.kept(t, "vouch/"), "vouch/"+string(webhook)) })
	for _, key := range kept.kept(t, "vouch/") {
		if kept.site.ends(key).IsZero() {
			t.Errorf("%s, of what was refused, stays for good", key)
		}
	}
}

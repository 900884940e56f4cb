package webhooks_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/webhooks"
)

// fiche is what the webhooks of these tests tell of, and minutes what the public does not see.
const (
	fiche = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Fiche","type":"object","unevaluatedProperties":false,"required":["title"],
"x-type":{"name":"fiche","public":true,"titleField":"title","slug":false},
"properties":{"title":{"type":"string"},"note":{"type":"string","x-private":true}}}`
	minutes = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Minutes","type":"object","unevaluatedProperties":false,
"x-type":{"name":"minutes","public":false,"titleField":"title","slug":false},"properties":{"title":{"type":"string"}}}`
)

// site is a node with the plugin.
type site struct{ *plugintest.Host }

func start(t *testing.T, options ...plugintest.Option) site {
	t.Helper()
	return site{plugintest.New(t, webhooks.New(), append(options, plugintest.Types(fiche, minutes))...)}
}

// hook makes an endpoint that hears of what is published, and of more where doc says so.
func (s site) hook(host string, doc plugintest.Doc) core.EntryID {
	all := plugintest.Doc{"name": host, "url": "https://" + host + "/hook", "events": []string{"fiche.publish"}}
	for k, v := range doc {
		all[k] = v
	}
	return s.CreateLive("webhook", all).OK().ID
}

func (s site) call(method string, webhook core.EntryID, path string, body any) *plugintest.Result {
	return s.Do("administrator", method, "/x/dev.palabre.webhooks/webhooks/"+string(webhook)+path, body)
}

// publish publishes a new entry.
func (s site) publish(title string) core.EntryID {
	return s.CreateLive("fiche", plugintest.Doc{"title": title, "note": "confidential"}).OK().ID
}

// received is a request that an endpoint got.
type received struct {
	*http.Request
	body string
}

func (r received) id() string { return r.Header.Get("Webhook-Id") }

func (r received) message(t *testing.T) plugintest.Doc {
	t.Helper()
	var doc plugintest.Doc
	if err := json.Unmarshal([]byte(r.body), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// received gives what a host got so far.
func (s site) received(host string) (list []received) {
	requests, bodies := s.Asked()
	for i, r := range requests {
		if r.URL.Host == host {
			list = append(list, received{r, bodies[i]})
		}
	}
	return list
}

// gets waits until a host has got so many requests, and gives them.
func (s site) gets(host string, n int) []received {
	s.Eventually(fmt.Sprintf("%s gets %d requests", host, n), func() bool { return len(s.received(host)) >= n })
	return s.received(host)
}

// deliveries lists those of an endpoint in a state.
func (s site) deliveries(webhook core.EntryID, state string) []any {
	list, _ := s.call("GET", webhook, "/deliveries?limit=100&state="+state, nil).OK().Body["data"].([]any)
	return list
}

// has waits until an endpoint has so many deliveries in a state.
func (s site) has(webhook core.EntryID, state string, n int) []any {
	s.Eventually(fmt.Sprintf("%d are %s", n, state), func() bool { return len(s.deliveries(webhook, state)) == n })
	return s.deliveries(webhook, state)
}

// answers lets hosts answer; n counts the requests to the host from 1.
func (s site) answers(t *testing.T, by map[string]func(n int) *http.Response) {
	t.Helper()
	s.Answer(func(r *http.Request) *http.Response {
		if answer := by[r.URL.Host]; answer != nil {
			return answer(len(s.received(r.URL.Host)))
		}
		return plugintest.Respond(http.StatusOK, "")
	})
}

func always(status int) func(int) *http.Response {
	return func(int) *http.Response { return plugintest.Respond(status, "as you wish") }
}

// What is told is what happened, in the form of the specification.
func TestThin(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.hook("a.example.org", nil)
	id := s.publish("Budget")
	got := s.gets("a.example.org", 1)[0]
	if got.Method != "POST" || got.URL.Path != "/hook" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %s %v", got.Method, got.URL, got.Header)
	}
	m := got.message(t)
	data, _ := m["data"].(map[string]any)
	if len(m) != 3 || m["type"] != "fiche.publish" || !strings.HasPrefix(fmt.Sprint(m["timestamp"]), "2030-01-01T00:00:") || data["id"] != string(id) || data["type"] != "fiche" || data["operation"] != "publish" {
		t.Errorf("got %v", m)
	}
	if strings.Contains(got.body, "Budget") || strings.ContainsAny(got.id(), ".") || !strings.HasPrefix(got.id(), "evt_") {
		t.Errorf("%s %s", got.id(), got.body)
	}
}

// Endpoints hear of what they have subscribed to, and of nothing before they are published or while they are not active.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.hook("any.example.org", plugintest.Doc{"events": []string{"*.publish"}})
	s.hook("all.example.org", plugintest.Doc{"events": []string{"fiche.*"}})
	s.hook("other.example.org", plugintest.Doc{"events": []string{"minutes.*", "fiche.unpublish"}})
	s.hook("typed.example.org", plugintest.Doc{"events": []string{"*.*"}, "types": []string{"plugintestNote"}})
	s.hook("off.example.org", plugintest.Doc{"active": false})
	s.Create("webhook", plugintest.Doc{"name": "draft", "url": "https://draft.example.org", "events": []string{"*.*"}}).OK()
	id := s.publish("One")
	s.Update("fiche", id, plugintest.Doc{"title": "Uno"}).OK()
	s.Move("fiche", id, "publish").OK()
	s.Move("fiche", id, "unpublish").OK()
	s.CreateLive("plugintestNote", plugintest.Doc{"text": "x"}).OK()
	for host, want := range map[string]string{"any.example.org": "fiche.publish plugintestNote.publish", "all.example.org": "fiche.publish fiche.unpublish fiche.update",
		"other.example.org": "fiche.unpublish", "typed.example.org": "plugintestNote.publish", "off.example.org": "", "draft.example.org": ""} {
		types := func() string {
			var list []string
			for _, r := range s.received(host) {
				list = append(list, fmt.Sprint(r.message(t)["type"]))
			}
			return sorted(list)
		}
		s.Eventually(host+" hears of "+want, func() bool { return types() == want })
	}
}

// The public learns of nothing that it cannot see: no draft, no private type, no private field.
func TestFull_staysWithinTheRole(t *testing.T) {
	t.Parallel()
	s := start(t)
	everything := plugintest.Doc{"events": []string{"*.*"}, "payload": "full"}
	s.hook("public.example.org", everything)
	staff := plugintest.Doc{"events": []string{"*.*"}, "payload": "full", "role": "editor"}
	s.hook("staff.example.org", staff)
	s.CreateLive("minutes", plugintest.Doc{"title": "behind closed doors"}).OK()
	draft := s.Create("fiche", plugintest.Doc{"title": "draft only", "note": "confidential"}).OK().ID
	live := s.publish("Public")
	s.Update("fiche", live, plugintest.Doc{"title": "draft beside"}).OK()
	s.Move("fiche", live, "unpublish").OK()
	staffGot := s.gets("staff.example.org", 5)
	public := s.gets("public.example.org", 2)
	for _, r := range public {
		for _, hidden := range []string{"confidential", "draft only", "draft beside", "closed doors", string(draft)} {
			if strings.Contains(r.body, hidden) {
				t.Errorf("the public is told %q: %s", hidden, r.body)
			}
		}
	}
	for _, shown := range []string{"closed doors", "draft only", "confidential"} {
		if !strings.Contains(bodies(staffGot), shown) {
			t.Errorf("the staff is not told %q: %s", shown, bodies(staffGot))
		}
	}
	if len(public) != 2 {
		t.Errorf("the public is told of %s", bodies(public))
	}
}

// What is full is what may be read when it is sent: what was withdrawn meanwhile does not go out with an old event.
func TestFull_readsWhenItIsSent(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": func(n int) *http.Response {
		return plugintest.Respond(map[bool]int{true: 500, false: 200}[n == 1], "")
	}})
	s.hook("a.example.org", plugintest.Doc{"payload": "full"})
	id := s.publish("Withdrawn")
	if first := s.gets("a.example.org", 1)[0]; !strings.Contains(first.body, "Withdrawn") || strings.Contains(first.body, "confidential") {
		t.Errorf("got %s", first.body)
	}
	s.Move("fiche", id, "unpublish").OK()
	s.Advance(6 * time.Second)
	if second := s.gets("a.example.org", 2)[1]; strings.Contains(second.body, "Withdrawn") || !strings.Contains(second.body, `"entry":null`) {
		t.Errorf("got %s", second.body)
	}
}

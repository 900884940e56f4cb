package webhooks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// as sends a request as somebody who has a role.
func (s site) as(t *testing.T, role string) func(method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	token := fmt.Sprint(s.Do("administrator", "POST", "/api/v1/content/_token", plugintest.Doc{"name": role, "role": role}).OK().Body["token"])
	return func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
}

// Who may change a webhook may have its secret; who may only read it learns nothing that is not his.
func TestRights(t *testing.T) {
	t.Parallel()
	s := start(t)
	webhook := s.hook("a.example.org", nil)
	at := "/x/dev.palabre.webhooks/webhooks/" + string(webhook)
	paths := map[string]string{"": "GET", "/deliveries": "GET", "/deliveries/replay": "POST", "/secret": "POST", "/rotate": "POST", "/test": "POST", "/enable": "POST"}
	contributor, reader, editor := s.as(t, "contributor"), s.as(t, "reader"), s.as(t, "editor")
	for path, method := range paths {
		s.Do("", method, at+path, nil).Status(http.StatusUnauthorized)
		for name, ask := range map[string]func(string, string, string) *httptest.ResponseRecorder{"contributor": contributor, "reader": reader} {
			if got := ask(method, at+path, ""); got.Code != http.StatusForbidden && got.Code != http.StatusNotFound {
				t.Errorf("%s %s as %s: %d %s", method, path, name, got.Code, got.Body)
			}
		}
	}
	s.Create("_role", plugintest.Doc{"name": "auditor", "permissions": []plugintest.Doc{{"type": "webhook", "actions": []string{"list", "read", "drafts"}}}}).OK()
	auditor := s.as(t, "auditor")
	for path, method := range paths {
		if got := auditor(method, at+path, ""); got.Code != map[string]int{"GET": 200, "POST": 403}[method] {
			t.Errorf("%s %s as auditor: %d %s", method, path, got.Code, got.Body)
		}
	}
	for _, path := range []string{"", "/secret", "/rotate", "/deliveries"} {
		if got := editor(paths[path], at+path, ""); got.Code != http.StatusOK {
			t.Errorf("%s as editor: %d %s", path, got.Code, got.Body)
		}
	}
	if got := contributor("GET", "/api/v1/content/webhook/"+string(webhook), ""); strings.Contains(got.Body.String(), "a.example.org/hook") {
		t.Errorf("a contributor is shown the address: %s", got.Body)
	}
	s.call("GET", core.NewID(time.Now()), "", nil).Status(http.StatusNotFound)
	s.call("GET", "nonsense", "", nil).Status(http.StatusNotFound)
}

// Nobody subscribes with rights that he has not himself, nor gets hold of a subscription that has them.
func TestRole_mustBeOnesOwn(t *testing.T) {
	t.Parallel()
	s := start(t)
	editor := s.as(t, "editor")
	doc := func(role string) string {
		return `{"name":"x","url":"https://a.example.org","events":["*.*"],"payload":"full","role":"` + role + `"}`
	}
	for role, want := range map[string]int{"public": 201, "editor": 201, "coordinator": 422, "administrator": 422} {
		if got := editor("POST", "/api/v1/content/webhook?publish=true", doc(role)); got.Code != want {
			t.Errorf("as %s: %d %s", role, got.Code, got.Body)
		}
	}
	of := string(s.Create("webhook", plugintest.Doc{"name": "y", "url": "https://a.example.org", "events": []string{"*.*"}, "role": "coordinator"}).OK().ID)
	if got := editor("PATCH", "/api/v1/content/webhook/"+of, `{"url":"https://b.example.org"}`); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("an editor moves a coordinator's webhook: %d %s", got.Code, got.Body)
	}
	for name, body := range map[string]string{"now": "", "later": `{"at":"2030-02-01T00:00:00Z"}`} {
		if got := editor("POST", "/api/v1/content/webhook/"+of+"/transitions/publish", body); got.Code != http.StatusUnprocessableEntity {
			t.Errorf("an editor publishes a coordinator's webhook %s: %d %s", name, got.Code, got.Body)
		}
	}
}

// What is subscribed to is there.
func TestTypes_mustBeThere(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc := func(events, types []string) plugintest.Doc {
		return plugintest.Doc{"name": "x", "url": "https://a.example.org", "events": events, "types": types}
	}
	for _, wrong := range []plugintest.Doc{doc([]string{"fiche.*", "fihce.publish"}, nil), doc([]string{"*.*"}, []string{"fihce"})} {
		s.Create("webhook", wrong).Rejected("webhook")
	}
	s.Create("webhook", doc([]string{"*.publish", "fiche.*"}, []string{"fiche", "minutes"})).OK()
}

// Addresses are whole, encrypted and without passwords.
func TestAddress(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc := func(url string) plugintest.Doc {
		return plugintest.Doc{"name": "x", "url": url, "events": []string{"fiche.*"}}
	}
	for _, url := range []string{"http://a.example.org", "ftp://a.example.org", "https://me:secret@a.example.org", "mailto:camille@example.org"} {
		s.Create("webhook", doc(url)).Status(http.StatusUnprocessableEntity)
	}
	s.Do("administrator", "PATCH", "/api/v1/plugins/dev.palabre.webhooks", plugintest.Doc{"settings": plugintest.Doc{"allowHttp": true}}).OK()
	webhook := s.CreateLive("webhook", doc("http://a.example.org")).OK().ID
	s.publish("One")
	s.gets("a.example.org", 1)
	s.has(webhook, "delivered", 1)
	s.Do("administrator", "PATCH", "/api/v1/plugins/dev.palabre.webhooks", plugintest.Doc{"settings": plugintest.Doc{"allowHttp": false}}).OK()
	s.publish("Two")
	s.Eventually("it is not sent", func() bool { return strings.Contains(fmt.Sprint(s.deliveries(webhook, "waiting")), "https") })
	if n := len(s.received("a.example.org")); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// A test event arrives like any other, and needs no change of content.
func TestTestEvent(t *testing.T) {
	t.Parallel()
	s := start(t)
	webhook := s.hook("a.example.org", nil)
	id := fmt.Sprint(s.call("POST", webhook, "/test", nil).OK().Body["id"])
	got := s.gets("a.example.org", 1)[0]
	if got.id() != id || got.message(t)["type"] != "palabre.test" {
		t.Errorf("got %s %s, want %s", got.id(), got.body, id)
	}
	draft := s.Create("webhook", plugintest.Doc{"name": "x", "url": "https://b.example.org", "events": []string{"fiche.*"}}).OK().ID
	s.call("POST", draft, "/test", nil).Status(http.StatusConflict)
}

// The list of deliveries has pages, and says what came of each attempt.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": func(int) *http.Response {
		return plugintest.Respond(201, strings.Repeat("é", 40000))
	}})
	webhook := s.hook("a.example.org", nil)
	for range 3 {
		s.publish("x")
	}
	s.has(webhook, "delivered", 3)
	first := s.call("GET", webhook, "/deliveries?limit=2", nil).OK()
	second := s.call("GET", webhook, "/deliveries?limit=2&after="+fmt.Sprint(first.Body["next"]), nil).OK().Has("next", nil)
	ids := func(r *plugintest.Result) (list []string) {
		for _, one := range r.Body["data"].([]any) {
			list = append(list, fmt.Sprint(one.(map[string]any)["id"]))
		}
		return list
	}
	all := append(ids(first), ids(second)...)
	if len(all) != 3 || all[0] <= all[1] || all[1] <= all[2] {
		t.Errorf("got %v", all)
	}
	one, _ := first.Body["data"].([]any)[0].(map[string]any)
	made, _ := one["attempts"].([]any)[0].(map[string]any)
	if made["status"] != float64(201) || len(fmt.Sprint(made["answer"])) > 4<<10 || one["state"] != "delivered" || one["event"] != "fiche.publish" {
		t.Errorf("got %v", one)
	}
	for _, query := range []string{"?limit=0", "?limit=x", "?state=lost"} {
		s.call("GET", webhook, "/deliveries"+query, nil).Status(http.StatusBadRequest)
	}
}

// Of an endpoint that is gone for good nothing is kept.
func TestPurge(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": always(http.StatusGone)})
	webhook := s.hook("a.example.org", nil)
	s.publish("One")
	s.has(webhook, "dead", 1)
	complains := func() bool {
		health := s.Do("administrator", "GET", "/api/v1/plugins/dev.palabre.webhooks", nil).OK().Body["health"]
		return strings.Contains(fmt.Sprint(health), string(webhook))
	}
	if !complains() {
		t.Error("nobody is told that it was switched off")
	}
	s.Do("administrator", "DELETE", "/api/v1/content/webhook/"+string(webhook)+"?purge=true", nil).OK()
	s.Eventually("it is forgotten", func() bool { return !complains() })
	s.call("GET", webhook, "", nil).Status(http.StatusNotFound)
}

// A webhook with the rights of a role is nobody's to look into, to speak for or to change who has not that role.
func TestRights_ofAnotherRole(t *testing.T) {
	t.Parallel()
	s := start(t)
	webhook := s.hook("a.example.org", plugintest.Doc{"role": "administrator"})
	at := "/x/dev.palabre.webhooks/webhooks/" + string(webhook)
	editor := s.as(t, "editor")
	for path, method := range map[string]string{"/deliveries": "GET", "/secret": "POST", "/rotate": "POST", "/test": "POST"} {
		if got := editor(method, at+path, ""); got.Code != http.StatusForbidden {
			t.Errorf("%s as editor: %d %s", path, got.Code, got.Body)
		}
	}
	if got := editor("PATCH", "/api/v1/content/webhook/"+string(webhook), `{"role":"public"}`); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("an editor takes the role away: %d %s", got.Code, got.Body)
	}
	s.Do("administrator", "POST", at+"/rotate", nil).OK()
}

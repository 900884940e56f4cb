package webhooks_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// pauses are at least what the schedule has before the second attempt, the third and so on, with its jitter.
var pauses = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

func late(d time.Duration) time.Duration { return d + d/8 }

// A receiver that is ill for three days gets its event in the end, once, under the identifier that it had.
func TestRetries(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": func(n int) *http.Response {
		return plugintest.Respond(map[bool]int{true: 500, false: 200}[n <= 9], "try later")
	}})
	webhook := s.hook("a.example.org", nil)
	s.publish("One")
	for n, pause := range pauses {
		s.gets("a.example.org", n+1)
		s.Eventually("the attempt is recorded", func() bool { return attempts(s.has(webhook, "waiting", 1)[0]) == n+1 })
		s.Advance(pause - pause/8)
		s.Advance(late(pause) - (pause - pause/8))
	}
	got := s.gets("a.example.org", 10)
	one := s.has(webhook, "delivered", 1)[0]
	for _, r := range got {
		if r.id() != got[0].id() || r.body != got[0].body {
			t.Errorf("the attempts differ: %s %s", r.id(), r.body)
		}
	}
	if len(got) != 10 || attempts(one) != 10 || !strings.Contains(fmt.Sprint(one), "try later") {
		t.Errorf("%d requests, %v", len(got), one)
	}
	if got[0].Header.Get("Webhook-Timestamp") == got[9].Header.Get("Webhook-Timestamp") {
		t.Error("the time of the attempt stands still")
	}
}

func attempts(delivery any) int {
	list, _ := delivery.(map[string]any)["attempts"].([]any)
	return len(list)
}

// No attempt comes before its time.
func TestRetries_notTooSoon(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": always(500)})
	webhook := s.hook("a.example.org", nil)
	s.publish("One")
	s.Eventually("the first attempt is recorded", func() bool { return attempts(s.has(webhook, "waiting", 1)[0]) == 1 })
	s.Advance(4 * time.Second) // 4.5 s at the soonest
	s.call("POST", webhook, "/test", nil).OK()
	s.gets("a.example.org", 2)
	s.Eventually("the test was sent", func() bool { return strings.Contains(bodies(s.received("a.example.org")), "palabre.test") })
	if n := strings.Count(bodies(s.received("a.example.org")), "fiche.publish"); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}

// After ten attempts a delivery is a dead letter; it can be replayed.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := start(t)
	ill := func(n int) *http.Response {
		return plugintest.Respond(map[bool]int{true: 500, false: 200}[n <= 10], "")
	}
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": ill})
	webhook := s.hook("a.example.org", nil)
	s.publish("One")
	for n, pause := range pauses {
		s.gets("a.example.org", n+1)
		s.Eventually("the attempt is recorded", func() bool { return attempts(s.has(webhook, "waiting", 1)[0]) == n+1 })
		s.Advance(late(pause))
	}
	one, _ := s.has(webhook, "dead", 1)[0].(map[string]any)
	if one["problem"] != "every attempt failed" {
		t.Errorf("got %v", one)
	}
	s.call("POST", webhook, "/deliveries/replay", plugintest.Doc{"deliveries": []any{"evt_unknown"}}).Status(http.StatusNotFound)
	s.Advance(time.Minute)
	s.call("POST", webhook, "/deliveries/replay", plugintest.Doc{"deliveries": []any{one["id"]}}).OK().Has("replayed", 1)
	if got := s.gets("a.example.org", 11); got[10].id() != got[0].id() {
		t.Errorf("it is replayed as %s", got[10].id())
	}
	s.has(webhook, "delivered", 1)
}

// What was delivered in some time can be sent again, for a receiver that has lost it.
func TestReplay_aSpan(t *testing.T) {
	t.Parallel()
	s := start(t)
	webhook := s.hook("a.example.org", nil)
	for range 3 {
		s.publish("x")
	}
	list := s.has(webhook, "delivered", 3)
	newest, middle := list[0].(map[string]any), list[1].(map[string]any)
	span := plugintest.Doc{"since": middle["at"], "until": newest["at"], "state": "delivered"}
	s.call("POST", webhook, "/deliveries/replay", span).OK().Has("replayed", 1)
	if got := s.gets("a.example.org", 4); got[3].id() != middle["id"] {
		t.Errorf("%s is replayed, want %s", got[3].id(), middle["id"])
	}
	s.has(webhook, "delivered", 3)
	s.call("POST", webhook, "/deliveries/replay", plugintest.Doc{"since": "2030-01-01T00:00:00Z"}).OK().Has("replayed", 0) // none is dead
	s.call("POST", webhook, "/deliveries/replay", nil).Status(http.StatusBadRequest)
}

// A receiver that says how long it wants to be left alone is left alone, for a day at most.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": func(n int) *http.Response {
		r := plugintest.Respond(map[bool]int{true: 429, false: 200}[n <= 2], "")
		r.Header.Set("Retry-After", []string{"", "3600", "9999999"}[min(n, 2)])
		return r
	}})
	webhook := s.hook("a.example.org", nil)
	s.publish("One")
	due := func(n int) time.Time {
		var at time.Time
		s.Eventually("the attempt is recorded", func() bool {
			one, _ := s.has(webhook, "waiting", 1)[0].(map[string]any)
			at, _ = time.Parse(time.RFC3339, fmt.Sprint(one["due"]))
			return attempts(one) == n
		})
		return at
	}
	if at := due(1); at.Format(time.RFC3339) != "2030-01-01T01:00:00Z" {
		t.Errorf("due at %v", at)
	}
	s.Advance(time.Hour)
	if at := due(2); at.Format(time.RFC3339) != "2030-01-02T01:00:00Z" {
		t.Errorf("due at %v", at)
	}
	s.Advance(24 * time.Hour)
	s.has(webhook, "delivered", 1)
}

// 410 switches an endpoint off, with all that waits for it, until somebody enables it.
func TestGone(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": func(n int) *http.Response {
		return plugintest.Respond(map[bool]int{true: 410, false: 200}[n == 1], "")
	}})
	webhook := s.hook("a.example.org", nil)
	s.publish("One")
	s.has(webhook, "dead", 1)
	s.call("GET", webhook, "", nil).OK().Has("on", false).Has("dead", 1)
	if health := s.Do("administrator", "GET", "/api/v1/plugins/dev.palabre.webhooks", nil).OK().Body["health"]; !strings.Contains(fmt.Sprint(health), string(webhook)) {
		t.Errorf("the plugin says %v", health)
	}
	s.call("POST", webhook, "/test", nil).Status(http.StatusConflict)
	other := s.hook("b.example.org", nil)
	s.publish("Two")
	s.has(other, "delivered", 1)
	s.call("POST", webhook, "/enable", nil).OK().Has("on", true)
	s.publish("Three")
	s.has(webhook, "delivered", 1)
	if got := s.received("a.example.org"); len(got) != 2 {
		t.Errorf("it got %d requests", len(got))
	}
}

// A redirect is a failure, wherever it leads.
func TestRedirect(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": func(int) *http.Response {
		r := plugintest.Respond(http.StatusFound, "")
		r.Header.Set("Location", "http://169.254.169.254/latest/meta-data")
		return r
	}})
	webhook := s.hook("a.example.org", nil)
	s.publish("One")
	s.Eventually("the attempt is recorded", func() bool { return attempts(s.has(webhook, "waiting", 1)[0]) == 1 })
	s.Advance(6 * time.Second)
	s.gets("a.example.org", 2)
	if requests, _ := s.Asked(); len(requests) != len(s.received("a.example.org")) {
		t.Errorf("it was followed: %v", requests[len(requests)-1].URL)
	}
	if one := s.deliveries(webhook, "waiting"); len(one) != 1 || !strings.Contains(fmt.Sprint(one), "302") {
		t.Errorf("got %v", one)
	}
}

// An endpoint to which nothing can be delivered for five days is switched off.
func TestFailsForDays(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": always(500)})
	webhook := s.hook("a.example.org", nil)
	off := func() bool { return s.call("GET", webhook, "", nil).OK().Body["on"] == false }
	for day := range 4 {
		s.publish(fmt.Sprint(day))
		s.Eventually("attempts are made", func() bool {
			s.Advance(2 * time.Hour)
			return len(s.deliveries(webhook, "dead")) == day+1 || off()
		})
	}
	s.Eventually("it is off", off)
	if health := fmt.Sprint(s.call("GET", webhook, "", nil).OK().Body["health"]); !strings.Contains(health, "five days") {
		t.Errorf("got %s", health)
	}
}

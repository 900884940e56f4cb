package webhooks_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// One receiver that hangs, with a thousand events before it, keeps no other one waiting.
func TestHanging(t *testing.T) {
	t.Parallel()
	s := start(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	s.answers(t, map[string]func(int) *http.Response{"hangs.example.org": func(int) *http.Response {
		<-release
		return plugintest.Respond(500, "")
	}})
	hangs, well := s.hook("hangs.example.org", nil), s.hook("well.example.org", nil)
	const many = 1000
	for n := range 10 {
		var ops []any
		for k := range many / 10 {
			ops = append(ops, plugintest.Doc{"op": "create", "type": "fiche", "data": plugintest.Doc{"title": fmt.Sprint(n, k)}, "publish": true})
		}
		s.Do("administrator", "POST", "/api/v1/batch", plugintest.Doc{"operations": ops}).OK()
		s.gets("well.example.org", (n+1)*many/10)
	}
	began := time.Now()
	s.publish("One more")
	s.gets("well.example.org", many+1)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	s.Eventually("all is delivered", func() bool { return s.call("GET", well, "", nil).OK().Body["delivered"] == float64(many+1) })
	if n := len(s.received("hangs.example.org")); n != 2 {
		t.Errorf("%d requests hang", n)
	}
	s.call("GET", hangs, "", nil).OK().Has("waiting", many+1)
}

// A receiver that fails is not asked for every event: after a few failures one request at a time tries whether it is well.
func TestBreaker(t *testing.T) {
	t.Parallel()
	s := start(t)
	var well atomic.Bool
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": func(int) *http.Response {
		return plugintest.Respond(map[bool]int{true: 200, false: 500}[well.Load()], "")
	}})
	webhook, other := s.hook("a.example.org", nil), s.hook("b.example.org", nil)
	for range 20 {
		s.publish("x")
	}
	s.has(other, "delivered", 20)
	if n := len(s.gets("a.example.org", 5)); n > 6 { // two may be under way when it breaks
		t.Errorf("%d requests", n)
	}
	well.Store(true)
	s.Advance(time.Minute)
	s.has(webhook, "delivered", 20)
}

// What waits when the server ends is delivered when it is there again.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := plugintest.Configure(func(c *config.Config) { c.Data = filepath.Join(dir, "data") })
	var before []received
	t.Run("before", func(t *testing.T) {
		s := start(t, here)
		s.answers(t, map[string]func(int) *http.Response{"a.example.org": always(503)})
		webhook := s.hook("a.example.org", nil)
		s.publish("One")
		s.Eventually("the attempt is recorded", func() bool { return attempts(s.has(webhook, "waiting", 1)[0]) == 1 })
		before = s.received("a.example.org")
	})
	t.Run("after", func(t *testing.T) {
		s := start(t, here, plugintest.Clock("2030-01-01T00:01:00Z"))
		got := s.gets("a.example.org", 1)[0]
		if got.id() != before[0].id() || got.body != before[0].body {
			t.Errorf("got %s %s", got.id(), got.body)
		}
	})
}

// Beyond what may wait, the oldest are given up, and can be replayed.
func TestMaxPending(t *testing.T) {
	t.Parallel()
	s := start(t, plugintest.Settings(plugintest.Doc{"maxPending": 3}))
	s.answers(t, map[string]func(int) *http.Response{"a.example.org": always(503)})
	webhook := s.hook("a.example.org", nil)
	var first string
	for n := range 6 {
		s.publish(fmt.Sprint(n))
		if n == 0 {
			first = s.gets("a.example.org", 1)[0].id()
			s.Eventually("the attempt is recorded", func() bool { return attempts(s.has(webhook, "waiting", 1)[0]) == 1 })
		}
	}
	list := fmt.Sprint(s.has(webhook, "dead", 3))
	if !strings.Contains(list, first) || !strings.Contains(list, "too many were waiting") {
		t.Errorf("given up are %s", list)
	}
	s.has(webhook, "waiting", 3)
}

package calendar_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/calendar"
)

// Who asks a moment after an event was unpublished, or has expired, does not get it, though answers are kept.
func TestGoneAtOnce(t *testing.T) {
	t.Parallel()
	h := node(t)
	const feed = "/calendar/event.ics"
	id := h.CreateLive("event", colloquium(nil)).OK().ID
	one := []string{"/calendar/event/" + string(id) + ".ics", "/calendar/event/colloque-engagement-citoyen.ics", "/calendar/event/" + string(id) + ".jsonld"}
	there := func(want int) {
		t.Helper()
		if got := events(t, h, feed); len(got) != want {
			t.Errorf("the feed has %d events, want %d", len(got), want)
		}
		for _, path := range one {
			h.Get(path).Status(map[int]int{0: 404, 1: 200}[want])
		}
	}
	there(1)
	there(1)
	h.Move("event", id, "unpublish").OK()
	there(0)
	h.Move("event", id, "publish").OK()
	there(1)
	h.Do("administrator", "POST", "/api/v1/content/event/"+string(id)+"/transitions/unpublish", doc{"at": "2030-01-02T00:00:00Z"}).OK()
	there(1)
	h.Advance(24 * time.Hour)
	there(0)
}

const canary = "canary-7f3a"

// Whatever the settings point at, nobody sees more than the API shows him.
func TestPrivate(t *testing.T) {
	t.Parallel()
	h := node(t, plugintest.Settings(doc{"types": []any{doc{"type": "event", "start": "dates.start", "url": "videoUrl", "description": []any{"internalNotes", "accessList.note"},
		"place": "internalNotes", "page": "https://example.org/{internalNotes}/{slug}"}}}))
	id := h.CreateLive("event", colloquium(doc{"videoUrl": "https://example.org/" + canary, "internalNotes": canary, "accessList": doc{"note": canary}})).OK().ID
	for _, path := range []string{"/calendar/event.ics", "/calendar/event/" + string(id) + ".ics", "/calendar/event/" + string(id) + ".jsonld"} {
		h.Do("administrator", "GET", path, nil).OK()
		if got := h.Get(path).OK(); strings.Contains(got.Text, canary) {
			t.Errorf("%s shows it:\n%s", path, got.Text)
		}
		if got := h.Do("administrator", "GET", path, nil).OK(); !strings.Contains(got.Text, canary) {
			t.Errorf("%s hides from the administrator what is his to see", path)
		}
	}
	private, missing := h.Get("/calendar/event.ics?filter[internalNotes][contains]=c").Status(400), h.Get("/calendar/event.ics?filter[nothing][contains]=c").Status(400)
	if private.Body["reason"] != missing.Body["reason"] {
		t.Errorf("a private field answers %s, one that is not there %s", private.Text, missing.Text)
	}
	h.Get("/calendar/event.ics?state=draft").Status(401)
}

func TestProblems(t *testing.T) {
	t.Parallel()
	h := node(t)
	h.CreateLive("post", doc{"title": "No event", "rubric": "analyse", "sources": []any{doc{"type": "document", "title": "x"}}})
	for path, status := range map[string]int{"/calendar/nothing.ics": 404, "/calendar/post.ics": 404, "/calendar/_user.ics": 404, "/calendar/event": 404, "/calendar/.ics": 404, "/calendar/event/nobody.ics": 404,
		"/calendar/event/nobody.txt": 404, "/calendar/post/no-event.ics": 404, "/calendar/event.ics?limit=3": 400, "/calendar/event.ics?fields=title": 400, "/calendar/event.ics?colour=red": 400,
		"/calendar/event.ics?lang=fr&locale=en": 400, "/calendar/event.ics?filter[dates.start][gte]=soon": 400, "/calendar/post/series/x.ics": 404} {
		if got := h.Get(path).Status(status); got.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s answers %s", path, got.Header.Get("Content-Type"))
		}
	}
	for _, types := range [][]any{{doc{"type": "evnet", "start": "dates.start"}}, {doc{"type": "event", "start": "dates.strat"}}, {doc{"type": "event", "start": "dates.start", "description": []any{"lead", "led"}}},
		{doc{"type": "event", "start": "dates.start", "sessions": doc{"list": "programme.sessions", "title": "titel", "start": "start"}}},
		{doc{"type": "event"}}, {doc{"type": "event", "start": "a"}, doc{"type": "event", "start": "b"}}, {doc{"type": "event", "start": "a", "colour": "red"}}} {
		h.Do("administrator", "PATCH", "/api/v1/plugins/"+calendar.ID, doc{"settings": doc{"types": types}}).Status(422)
	}
}

func TestFeed_filtersAndLanguage(t *testing.T) {
	t.Parallel()
	h := node(t)
	id := h.CreateLive("event", colloquium(doc{"eventStatus": "annule"})).OK().ID
	h.Do("administrator", "PATCH", "/api/v1/content/event/"+string(id)+"?locale=en", doc{"_locale": "en", "title": "Colloquium on engagement"}).OK()
	h.Move("event", id, "publish").OK()
	h.CreateLive("event", colloquium(doc{"kind": "webinaire", "title": "Webinaire"})).OK()
	query := "?" + url.Values{"filter[kind]": {"colloque"}, "filter[dates.start][gte]": {"2030-06-01T00:00:00Z"}}.Encode()
	for lang, want := range map[string]string{"": "Annulé\u00a0: Colloque Engagement citoyen", "&lang=fr": "Annulé\u00a0: Colloque Engagement citoyen", "&lang=en": "Cancelled: Colloquium on engagement", "&locale=en": "Cancelled: Colloquium on engagement"} {
		all := events(t, h, "/calendar/event.ics"+query+lang)
		if len(all) != 1 {
			t.Fatalf("%d events pass the filter", len(all))
		}
		has(t, all[0], map[string]string{"SUMMARY": want})
	}
	for lang, want := range map[string]string{"fr": "Évènements", "en": "Events"} {
		if got := parsed(t, h.Get("/calendar/event.ics?lang="+lang).OK().Text).Props.Get("NAME").Value; got != want {
			t.Errorf("the calendar is called %s, want %s", got, want)
		}
	}
}

// A feed has all events, not a page of them, up to a bound, and stays the same while nothing changes.
func TestFeed_pagesAndCaching(t *testing.T) {
	t.Parallel()
	h := node(t)
	var operations []any
	for i := range 1003 {
		operations = append(operations, doc{"op": "create", "type": "event", "data": colloquium(doc{"title": fmt.Sprint("Number ", i)}), "publish": true})
	}
	for len(operations) > 0 {
		n := min(len(operations), 100)
		h.Do("administrator", "POST", "/api/v1/batch", doc{"operations": operations[:n]}).OK()
		operations = operations[n:]
	}
	first := h.Get("/calendar/event.ics").OK()
	if n := len(parsed(t, first.Text).Events()); n != 1000 {
		t.Errorf("the feed has %d events", n)
	}
	if first.Header.Get("Etag") == "" || !strings.HasPrefix(first.Header.Get("Cache-Control"), "public") {
		t.Errorf("the headers are %v", first.Header)
	}
	if again := h.Get("/calendar/event.ics").OK(); again.Text != first.Text || again.Header.Get("Etag") != first.Header.Get("Etag") {
		t.Error("the second answer is another")
	}
}

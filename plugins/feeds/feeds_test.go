package feeds_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/feeds"
)

var files = []string{"/feeds/post.atom", "/feeds/post.rss", "/feeds/post.json", "/feeds/sitemap.xml", "/feeds/sitemap-post-1.xml"}

// Who asks a moment after a post was unpublished, or has expired, does not find it, though answers are kept.
func TestGoneAtOnce(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.New())
	id := h.CreateLive("post", post(nil)).OK().ID
	there := func(want bool) {
		t.Helper()
		for _, path := range files {
			if got := h.Get(path).OK().Text; strings.Contains(got, "un-budget-participatif") != want {
				t.Errorf("%s: want %v in\n%s", path, want, got)
			}
		}
	}
	there(true)
	there(true)
	h.Move("post", id, "unpublish").OK()
	there(false)
	h.Move("post", id, "publish").OK()
	there(true)
	h.Do("administrator", "POST", "/api/v1/content/post/"+string(id)+"/transitions/unpublish", doc{"at": "2030-01-02T00:00:00Z"}).OK()
	there(true)
	h.Advance(24 * time.Hour)
	there(false)
}

const canary = "canary-7f3a"

// Whatever the settings point at, nobody sees more than the API shows him.
func TestPrivate(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.New(), plugintest.Settings(doc{"site": "https://example.org", "types": []any{
		doc{"type": "post", "page": "/{internalNotes}", "summary": "internalNotes", "content": "internalNotes", "authors": "internalNotes", "categories": "internalNotes"},
		doc{"type": "event", "page": "/events/{slug}"}}}))
	h.CreateLive("post", post(doc{"internalNotes": canary})).OK()
	h.Create("post", post(doc{"title": canary})).OK()
	h.CreateLive("event", doc{"title": "Seen", "kind": "colloque", "dates": doc{"start": "2030-06-24T09:00:00Z"}}).OK()
	for _, path := range files[:3] {
		if got := h.Do("administrator", "GET", path, nil).OK(); !strings.Contains(got.Text, canary) {
			t.Errorf("%s hides from the administrator what is his to see", path)
		}
		if got := h.Get(path).OK(); strings.Contains(got.Text, canary) {
			t.Errorf("%s shows it:\n%s", path, got.Text)
		}
		h.Get(path + "?state=draft").Status(401)
		private, missing := h.Get(path+"?filter[internalNotes][contains]=c").Status(400), h.Get(path+"?filter[nothing][contains]=c").Status(400)
		if private.Body["reason"] != missing.Body["reason"] {
			t.Errorf("a private field answers %s, one that is not there %s", private.Text, missing.Text)
		}
	}
	for _, as := range []string{"administrator", ""} {
		if got := h.Do(as, "GET", "/feeds/sitemap.xml", nil).OK(); strings.Contains(got.Text, canary) || !strings.Contains(got.Text, "<loc>https://example.org/events/seen</loc>") {
			t.Errorf("the sitemap is\n%s", got.Text)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.New())
	for path, status := range map[string]int{"/feeds/nothing.atom": 404, "/feeds/person.rss": 404, "/feeds/_user.json": 404, "/feeds/post": 404, "/feeds/.atom": 404, "/feeds/post.xml": 404,
		"/feeds/post.atom?fields=title": 400, "/feeds/post.rss?limit=201": 400, "/feeds/post.json?colour=red": 400, "/feeds/post.atom?lang=fr&locale=en": 400, "/feeds/post.atom?after=x": 400,
		"/feeds/sitemap.xml?x=1": 400, "/feeds/sitemap-post-1.xml?x=1": 400, "/feeds/sitemap-post.xml": 404, "/feeds/sitemap-post-0.xml": 404, "/feeds/sitemap-post-01.xml": 404, "/feeds/sitemap-post-2.xml": 404, "/feeds/sitemap-person-1.xml": 404} {
		if got := h.Get(path).Status(status); got.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s answers %s", path, got.Header.Get("Content-Type"))
		}
	}
	for _, settings := range []doc{{"site": "example.org"}, {"types": []any{doc{"page": "/x"}}}, {"types": []any{doc{"type": "post"}, doc{"type": "post"}}}, {"types": []any{doc{"type": "post", "page": "x"}}}} {
		h.Do("administrator", "PATCH", settingsPath(), doc{"settings": settings}).Status(422)
	}
}

// What has not the form that it should have is told with an example, and not as a pattern.
func TestSettings_form(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.New())
	for settings, example := range map[string]string{`{"site": "example.org"}`: "https://example.org", `{"idHost": "https://example.org"}`: "example.org", `{"types": [{"type": "post", "page": "posts"}]}`: "/posts/{slug}"} {
		got := h.Do("administrator", "PATCH", settingsPath(), json.RawMessage(`{"settings": `+settings+`}`)).Status(422)
		errors, _ := got.Body["errors"].([]any)
		if message := fmt.Sprint(errors[0].(map[string]any)["message"]); !strings.Contains(message, "“"+example+"”") || strings.Contains(message, "^") {
			t.Errorf("%s: %s", settings, got.Text)
		}
	}
}

// What settings name must be there when they are set, and is in nobody's way afterwards.
func TestSettings_fit(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.New())
	for _, tc := range []struct{ mapping, pointer, says string }{
		{`{"type": "articel"}`, "type", `There is no content type "articel".`},
		{`{"type": "_user"}`, "type", `There is no content type "_user".`},
		{`{"type": "post", "page": "/posts/{sulg}"}`, "page", `The type post has no field "sulg".`},
		{`{"type": "post", "page": "/posts/{slug"}`, "page", "Put the name of a field between the braces"},
		{`{"type": "post", "page": "/posts/{}"}`, "page", "Put the name of a field between the braces, as in /{slug}."},
		{`{"type": "post", "summary": "lede", "title": "heading"}`, "summary", `The type post has no field "lede".`},
	} {
		got := h.Do("administrator", "PATCH", settingsPath(), json.RawMessage(`{"settings": {"types": [{"type": "fiche"}, `+tc.mapping+`]}}`)).Status(422)
		if !strings.Contains(fmt.Sprint(got.Body["detail"]), tc.says) || !strings.Contains(got.Text, `"/settings/types/1/`+tc.pointer+`"`) {
			t.Errorf("%s: %s", tc.mapping, got.Text)
		}
	}
	h.Do("administrator", "PATCH", settingsPath(), doc{"settings": doc{"types": []any{doc{"type": "post", "page": "/{slug}"}}}}).OK()
}

// Without the address of the website nothing is given, for readers would keep wrong links for good.
func TestWithoutAddress(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, feeds.New(), plugintest.Configure(func(c *config.Config) { c.Schemas = "" }))
	for _, path := range files {
		h.Get(path).Status(404).Has("reason", "no_site")
	}
	h.Do("administrator", "PATCH", settingsPath(), doc{"settings": doc{"site": "https://example.org"}}).OK()
	for _, path := range files {
		h.Get(path).OK()
	}
}

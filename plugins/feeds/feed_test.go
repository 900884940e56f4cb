package feeds_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/feeds"
)

func TestFeed(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, ending string) {
		h := node(t, feeds.New())
		id := string(h.CreateLive("post", post(nil)).OK().ID)
		at, err := time.Parse(time.RFC3339, fmt.Sprint(h.Get("/api/v1/content/post/" + id).OK().Body["_updatedAt"]))
		if err != nil {
			t.Fatal(err)
		}
		f := parsed(t, h, "/feeds/post"+ending)
		self := "https://cms.example.org/feeds/post" + ending
		if f.Title != "Observatoire – Articles" || f.Link != "https://example.org/" || f.FeedLink != self || f.Language != "fr" || len(f.Items) != 1 {
			t.Fatalf("the feed is %v", f)
		}
		i := f.Items[0]
		if want := "tag:example.org,2030-01-01:post/" + id; i.GUID != want {
			t.Errorf("its identifier is %s, want %s", i.GUID, want)
		}
		if i.Title != "Un budget participatif" || i.Link != "https://example.org/posts/un-budget-participatif" || !strings.Contains(i.Content, "<p>Le texte entier.</p>") ||
			i.Description != "Ce qu’il en reste." || len(i.Authors) != 1 || i.Authors[0].Name != "Camille Exemple" || fmt.Sprint(i.Categories) != "[budget vote]" {
			t.Errorf("the item is %v", i)
		}
		if i.PublishedParsed == nil || !i.PublishedParsed.Truncate(time.Second).Equal(at.Truncate(time.Second)) {
			t.Errorf("it was published at %v, want %v", i.PublishedParsed, at)
		}
	})
}

// An entry keeps its identifier when its title and address change, and shows what is published alone.
func TestFeed_changes(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, ending string) {
		h := node(t, feeds.New())
		id := h.CreateLive("post", post(nil)).OK().ID
		was := parsed(t, h, "/feeds/post"+ending).Items[0]
		h.Update("post", id, doc{"title": "Autrement", "slug": "autrement"}).OK()
		if is := parsed(t, h, "/feeds/post"+ending).Items[0]; is.Title != was.Title || is.Updated != was.Updated {
			t.Errorf("a draft shows: %v", is)
		}
		h.Move("post", id, "publish").OK()
		if is := parsed(t, h, "/feeds/post"+ending).Items[0]; is.GUID != was.GUID || is.Title != "Autrement" || is.Link != "https://example.org/posts/autrement" {
			t.Errorf("it is now %v", is)
		}
	})
}

// What people write does not break the form.
func TestFeed_hostileText(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, ending string) {
		h := node(t, feeds.New())
		title, lead := "a ]]> <b>&amp; \"é😀\uffff", "one\u0007\u000b </rss></feed> ]]>\u2028two"
		h.CreateLive("post", post(doc{"title": title, "lead": lead, "byline": []any{"<i>"}, "keywords": []any{"\"><x>"}, "body": richText("]]> <script>\u0001&lt;")})).OK()
		i := parsed(t, h, "/feeds/post"+ending).Items[0]
		plain := i.Description
		if ending == ".rss" {
			plain = strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(plain)
		}
		if i.Title != "a ]]> <b>&amp; \"é😀" || plain != "one </rss></feed> ]]>\u2028two" || i.Categories[0] != "\"><x>" || strings.Contains(i.Content, "<script>") {
			t.Errorf("the item is %v", i)
		}
	})
}

// A feed says the address that it was asked at (RFC 4287, rel=self), and keeps its identifier, wherever that is.
func TestFeed_self(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, ending string) {
		unnamed := plugintest.New(t, feeds.New(), plugintest.Configure(func(c *config.Config) { c.Schemas = "" }), plugintest.Settings(doc{"site": "https://example.org"}))
		for h, at := range map[*plugintest.Host]string{node(t, feeds.New()): "https://cms.example.org", unnamed: "http://example.com"} {
			h.CreateLive("post", post(nil)).OK()
			for _, query := range []string{"", "?limit=5&lang=fr", "?lang=fr&limit=5", "?filter%5Brubric%5D=analyse", "?q=r%C3%A9sum%C3%A9&sort=-title"} {
				if self := parsed(t, h, "/feeds/post"+ending+query).FeedLink; self != at+"/feeds/post"+ending+query {
					t.Errorf("asked at %s%s, it is at %s", at, query, self)
				}
			}
			if self := parsed(t, h, "/feeds/post"+ending+"?filter[rubric]=analyse").FeedLink; self != at+"/feeds/post"+ending+"?filter%5Brubric%5D=analyse" {
				t.Errorf("it is at %s", self)
			}
		}
		if ending == ".atom" && !strings.Contains(unnamed.Get("/feeds/post.atom?lang=fr").OK().Text, "<id>https://example.org/feeds/post.atom?lang=fr</id>") {
			t.Error("its identifier is where it was asked for")
		}
	})
}

// A reader finds all pages.
func TestFeed_pages(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, ending string) {
		h := node(t, feeds.New())
		for i := range 3 {
			h.CreateLive("post", post(doc{"title": fmt.Sprint("Number ", i)})).OK()
		}
		first := h.Get("/feeds/post" + ending + "?limit=2&sort=-title").OK().Text
		if f := parsed(t, h, "/feeds/post"+ending+"?limit=2&sort=-title"); len(f.Items) != 2 || f.Items[0].Title != "Number 2" {
			t.Fatalf("the first page is %v", f)
		}
		_, rest, found := strings.Cut(first, "https://cms.example.org/feeds/post"+ending+"?after=")
		if !found {
			t.Fatalf("there is no next page in %s", first)
		}
		cursor, _, _ := strings.Cut(strings.NewReplacer("\\u0026", "&", "&amp;", "&").Replace(rest), "&")
		next := parsed(t, h, "/feeds/post"+ending+"?after="+cursor+"&limit=2&sort=-title")
		if len(next.Items) != 1 || next.Items[0].Title != "Number 0" {
			t.Errorf("the next page is %v", next)
		}
		if again := h.Get("/feeds/post" + ending + "?limit=2&sort=-title").OK(); again.Text != first || again.Header.Get("Etag") == "" || !strings.HasPrefix(again.Header.Get("Cache-Control"), "public") {
			t.Errorf("the second answer is another, with %v", again.Header)
		}
	})
}

// The newest come first, whatever the order of the type's lists.
func TestFeed_order(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.New())
	for _, year := range []string{"2033", "2031", "2032"} {
		h.CreateLive("event", doc{"title": year, "kind": "colloque", "dates": doc{"start": year + "-06-24T09:00:00Z"}}).OK()
	}
	list, _ := h.Get("/api/v1/content/event?sort=-_publishedAt").OK().Body["data"].([]any)
	for i, item := range parsed(t, h, "/feeds/event.atom").Items {
		if want := list[i].(map[string]any)["title"]; item.Title != want {
			t.Errorf("item %d is %s, want %s", i, item.Title, want)
		}
	}
}

func TestFeed_filtersAndLanguage(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.New())
	id := h.CreateLive("post", post(nil)).OK().ID
	h.Update("post", id, doc{"_locale": "en", "title": "A participatory budget"}).OK()
	h.Move("post", id, "publish").OK()
	h.CreateLive("post", post(doc{"title": "Une tribune", "rubric": "tribune"})).OK()
	query := url.Values{"filter[rubric]": {"analyse"}}.Encode()
	everywhere(t, func(t *testing.T, ending string) {
		for lang, want := range map[string]string{"": "Un budget participatif", "&lang=fr": "Un budget participatif", "&lang=en": "A participatory budget", "&locale=en": "A participatory budget"} {
			f := parsed(t, h, "/feeds/post"+ending+"?"+query+lang)
			if len(f.Items) != 1 || f.Items[0].Title != want {
				t.Errorf("with %q the items are %v", lang, f.Items)
			}
			if strings.HasSuffix(lang, "en") && (f.Title != "Observatoire – Posts" || f.Language != "en") {
				t.Errorf("the feed is called %s in %s", f.Title, f.Language)
			}
		}
	})
}

// An empty feed is one, and an entry of a type without pages has something to read.
func TestFeed_bare(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.New(), plugintest.Settings(doc{"site": "https://example.org/", "types": []any{doc{"type": "post"}, doc{"type": "fiche"}}}))
	h.CreateLive("post", post(nil)).OK()
	for ending := range kinds {
		if f := parsed(t, h, "/feeds/fiche"+ending); f.Title != "example.org – Fiches" || len(f.Items) != 0 {
			t.Errorf("the empty feed is %v", f)
		}
		if i := parsed(t, h, "/feeds/post"+ending).Items[0]; i.Link != "" || i.Title != "Un budget participatif" || i.Content+i.Description == "" {
			t.Errorf("the item is %v", i)
		}
	}
	if text := h.Get("/feeds/post.rss").OK().Text; strings.Contains(text, "<link></link>") {
		t.Errorf("there is an empty link: %s", text)
	}
	if text := h.Get("/feeds/fiche.json").OK().Text; !strings.Contains(text, `"items":[]`) {
		t.Errorf("there are no items: %s", text)
	}
}

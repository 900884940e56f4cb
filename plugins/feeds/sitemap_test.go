package feeds_test

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/feeds"
)

// locations reads the addresses of a sitemap or of an index.
func locations(t *testing.T, h *plugintest.Host, path, root string) []string {
	t.Helper()
	got := h.Get(path).OK()
	var m struct {
		XMLName xml.Name
		Lines   []struct {
			Loc     string `xml:"loc"`
			LastMod string `xml:"lastmod"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(got.Text), &m); err != nil || m.XMLName.Local != root || m.XMLName.Space != "http://www.sitemaps.org/schemas/sitemap/0.9" {
		t.Fatalf("%s: %v\n%s", path, err, got.Text)
	}
	var all []string
	for _, l := range m.Lines {
		if root == "urlset" && !strings.HasPrefix(l.LastMod, "2030-01-01T") {
			t.Errorf("%s was changed at %q", l.Loc, l.LastMod)
		}
		all = append(all, l.Loc)
	}
	return all
}

func TestSitemap(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.New())
	h.CreateLive("post", post(nil)).OK()
	h.CreateLive("event", doc{"title": "Été & colloque", "kind": "colloque", "dates": doc{"start": "2030-06-24T09:00:00Z"}}).OK()
	h.Create("post", post(doc{"title": "Brouillon"})).OK()
	got := locations(t, h, "/feeds/sitemap.xml", "urlset")
	if want := "[https://example.org/posts/un-budget-participatif https://example.org/events/ete-colloque]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// Where one file does not hold all pages there is an index, and its parts have each page once.
func TestSitemap_index(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.NewSized(feeds.Sizes{Whole: 300, Part: 250}))
	for from := range 6 {
		var operations []any
		for i := range 100 {
			operations = append(operations, doc{"op": "create", "type": "post", "data": post(doc{"title": fmt.Sprint("Number ", 100*from+i)}), "publish": true})
		}
		h.Do("administrator", "POST", "/api/v1/batch", doc{"operations": operations}).OK()
		if from == 2 {
			if all := locations(t, h, "/feeds/sitemap.xml", "urlset"); len(all) != 300 {
				t.Errorf("the whole has %d pages", len(all))
			}
		}
	}
	holds := func(what string, want int) {
		t.Helper()
		seen, n := map[string]bool{}, 0
		parts := locations(t, h, "/feeds/sitemap.xml", "sitemapindex")
		for _, part := range parts {
			for _, page := range locations(t, h, strings.TrimPrefix(part, "https://cms.example.org"), "urlset") {
				seen[page] = true
				n++
			}
		}
		if len(parts) != (want+249)/250 || len(seen) != want || n != want {
			t.Errorf("%s: %d parts have %d pages, %d of them different, want %d", what, len(parts), n, len(seen), want)
		}
	}
	holds("at first", 600)
	holds("again", 600)
	// What is taken out in front, and put back in, moves every part that follows.
	list, _ := h.Get("/api/v1/content/post?sort=_id&limit=3").OK().Body["data"].([]any)
	for i, entry := range list {
		h.Move("post", core.EntryID(fmt.Sprint(entry.(map[string]any)["_id"])), "unpublish").OK()
		holds("one less", 600-i-1)
	}
	for i, entry := range list {
		h.Move("post", core.EntryID(fmt.Sprint(entry.(map[string]any)["_id"])), "publish").OK()
		holds("one more", 597+i+1)
	}
	h.CreateLive("post", post(doc{"title": "The last"})).OK()
	holds("one more at the end", 601)
	h.Get("/feeds/sitemap-post-4.xml").Status(404)
}

// A part that is asked for before those in front of it is the same.
func TestSitemap_partAlone(t *testing.T) {
	t.Parallel()
	h := node(t, feeds.NewSized(feeds.Sizes{Whole: 2, Part: 250}))
	for range 3 {
		var operations []any
		for i := range 200 {
			operations = append(operations, doc{"op": "create", "type": "post", "data": post(doc{"title": fmt.Sprint("Number ", i)}), "publish": true})
		}
		for some := range slices.Chunk(operations, 100) {
			h.Do("administrator", "POST", "/api/v1/batch", doc{"operations": some}).OK()
		}
	}
	alone := locations(t, h, "/feeds/sitemap-post-3.xml", "urlset")
	locations(t, h, "/feeds/sitemap-post-1.xml", "urlset")
	locations(t, h, "/feeds/sitemap-post-2.xml", "urlset")
	list, _ := h.Get("/api/v1/content/post?limit=1").OK().Body["data"].([]any)
	id := core.EntryID(fmt.Sprint(list[0].(map[string]any)["_id"]))
	h.Update("post", id, doc{"lead": "Another"}).OK() // so that no answer is kept
	h.Move("post", id, "publish").OK()
	if after := locations(t, h, "/feeds/sitemap-post-3.xml", "urlset"); len(alone) != 100 || !slices.Equal(alone, after) {
		t.Errorf("%d pages, then %d", len(alone), len(after))
	}
}

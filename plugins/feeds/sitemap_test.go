package feeds_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

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
	seen := map[string]bool{}
	parts := locations(t, h, "/feeds/sitemap.xml", "sitemapindex")
	for _, part := range parts {
		for _, page := range locations(t, h, strings.TrimPrefix(part, "https://cms.example.org"), "urlset") {
			seen[page] = true
		}
	}
	if len(parts) != 3 || len(seen) != 600 {
		t.Errorf("%d parts have %d pages", len(parts), len(seen))
	}
	h.Get("/feeds/sitemap-post-4.xml").Status(404)
}

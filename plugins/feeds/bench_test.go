package feeds_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/palabre-cms/palabre/plugins/feeds"
)

// BenchmarkSitemap measures the index and the parts of a sitemap of 50,000 pages, each after a commit to their type.
func BenchmarkSitemap(b *testing.B) {
	h := node(b, feeds.NewSized(feeds.Sizes{Whole: 40_000, Part: 10_000}))
	for from := range 500 {
		var operations []any
		for i := range 100 {
			operations = append(operations, doc{"op": "create", "type": "post", "data": post(doc{"title": fmt.Sprint("Number ", 100*from+i)}), "publish": true})
		}
		h.Do("administrator", "POST", "/api/v1/batch", doc{"operations": operations}).OK()
	}
	id := h.CreateLive("post", post(nil)).OK().ID
	for _, path := range []string{"/feeds/sitemap.xml", "/feeds/sitemap-post-1.xml", "/feeds/sitemap-post-3.xml", "/feeds/sitemap-post-5.xml"} {
		b.Run(path[7:], func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				h.Update("post", id, doc{"lead": fmt.Sprint(b.N, b.Elapsed())}).OK()
				h.Move("post", id, "publish").OK()
				b.StartTimer()
				w := httptest.NewRecorder()
				h.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}

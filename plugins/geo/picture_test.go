package geo_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// marks reads the marks of the page's picture for a wide screen: how many entries each stands for.
func marks(t *testing.T, h *plugintest.Host, query string) (counts []int) {
	t.Helper()
	_, rest, _ := strings.Cut(h.Get("/map?lang=en&"+query).OK().Text, `<g class="near">`)
	near, _, _ := strings.Cut(rest, "</g>")
	for _, mark := range strings.Split(near, "<circle")[1:] {
		_, label, many := strings.Cut(mark, ">")
		if _, text, labelled := strings.Cut(label, ">"); many && labelled {
			n, err := strconv.Atoi(strings.TrimSuffix(text, "</text>"))
			if err != nil {
				t.Fatal(err)
			}
			counts = append(counts, n)
		} else {
			counts = append(counts, 1)
		}
	}
	slices.Sort(counts)
	return counts
}

// The picture that comes with the page shows what the tiles of its zoom show, of what the reader may see.
func TestMapPage_picture(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	random, operations := rand.New(rand.NewPCG(1, 2)), []any{}
	for i := range 90 {
		operations = append(operations, plugintest.Doc{"op": "create", "type": "site", "publish": i%9 > 0, "data": plugintest.Doc{"title": fmt.Sprint(i), "kind": string(rune('a' + i%3)),
			"location": point(-4+random.Float64()*11, 43+random.Float64()*7)}})
	}
	h.Do("administrator", "POST", "/api/v1/batch", plugintest.Doc{"operations": operations}).OK()
	for _, query := range []string{"", "filter[kind]=b", "filter[kind]=nothing"} {
		var want []int
		for x := range 32 {
			for y := 10; y < 13; y++ {
				for _, f := range tile(t, h, "site", 5, x, y, query) {
					count, _ := f.Properties["point_count"].(float64)
					want = append(want, max(1, int(count)))
				}
			}
		}
		slices.Sort(want)
		if got := marks(t, h, query); !slices.Equal(got, want) || len(want) == 0 && query == "" {
			t.Errorf("%q: the picture has %v, the tiles %v", query, got, want)
		}
	}
	for query, want := range map[string]bool{"": true, "view=departement": false, "within=departement:57": false} {
		if got := h.Get("/map?" + query).OK().Text; strings.Contains(got, "<circle") != want || strings.Contains(got, `class="land"`) == strings.Contains(query, "within") {
			t.Errorf("%q: %s", query, got)
		}
	}
}

// The page and its files are packed as the caller takes them, and say what they said before.
func TestMapPage_packed(t *testing.T) {
	t.Parallel()
	h := newSites(t)
	plain := h.Get("/map").OK().Text
	for _, path := range []string{"/map", "/map/palabre-map.js", "/map/assets/" + strings.SplitN(strings.SplitN(plain, `src="/map/assets/`, 2)[1], `"`, 2)[0]} {
		want := h.Get(path).OK().Text
		for accept, coding := range map[string]string{"gzip, deflate, br, zstd": "br", "br;q=0, gzip": "gzip", "gzip;q=0.000": "", "identity": "", "": ""} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Accept-Encoding", accept)
			w := httptest.NewRecorder()
			h.Handler().ServeHTTP(w, r)
			got, err := unpacked(w.Header().Get("Content-Encoding"), w.Body)
			if err != nil || got != want || w.Header().Get("Content-Encoding") != coding || !strings.Contains(strings.Join(w.Header()["Vary"], ","), "Accept-Encoding") {
				t.Errorf("%s for %q: %v, %d bytes of %d, %v", path, accept, w.Header(), len(got), len(want), err)
			}
		}
	}
}

func unpacked(coding string, body io.Reader) (string, error) {
	var err error
	switch coding {
	case "br":
		body = brotli.NewReader(body)
	case "gzip":
		body, err = gzip.NewReader(body)
	}
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(body)
	return string(text), err
}

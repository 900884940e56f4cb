package basemap_test

import (
	"bytes"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

func TestProxy_polite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tile := w.get(3, 4, 2)
	if string(tile.Data) != pngHead+"/tiles/3/4/2.png" || tile.ContentType != "image/png" || tile.Encoding != "" || len(tile.ETag) != 18 {
		t.Errorf("got %+v", tile)
	}
	r := w.wantAsked(1)[0]
	if r.Method != http.MethodGet || r.UserAgent() != "Palabre-Test/1.0 (+https://example.org; camille@example.org)" || r.Referer() != "https://example.org/" || r.RequestURI != "/tiles/3/4/2.png?key=SECRET" {
		t.Errorf("got %s %s, %v", r.Method, r.RequestURI, r.Header)
	}
	for _, name := range []string{"Cache-Control", "Pragma", "Cookie", "X-Forwarded-For", "If-None-Match"} {
		if r.Header.Get(name) != "" {
			t.Errorf("it sends %s", name)
		}
	}
	w.get(3, 4, 2)
	w.wantAsked(0)
}

func TestProxy_info(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *basemap.Options) { o.Name, o.MaxZoom = "Plan", 12 })
	i := w.Info()
	if i.Attribution != basemap.OSMAttribution || i.Name != "Plan" || i.Format != basemap.FormatPNG || i.TileSize != 256 || i.MaxZoom != 12 || i.Bounds[3] < 85 {
		t.Errorf("got %+v", i)
	}
	for _, at := range [][3]int{{13, 0, 0}, {3, 8, 0}, {3, 0, -1}, {99, 0, 0}} {
		if _, err := w.Tile(t.Context(), at[0], at[1], at[2]); err == nil {
			t.Errorf("%v is a tile", at)
		}
	}
	w.wantAsked(0)
}

// How long a tile is kept, by what the server says of it.
func TestProxy_freshness(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, tc := range map[string]struct {
		headers []string
		want    time.Duration
		kept    bool
	}{
		"nothing":                        {nil, 7 * day, true},
		"max-age":                        {[]string{"Cache-Control", "public, max-age=3600"}, time.Hour, true},
		"what many share":                {[]string{"Cache-Control", "max-age=60, S-MaxAge=\"7200\""}, 2 * time.Hour, true},
		"an age":                         {[]string{"Cache-Control", "max-age=3600", "Age", "600"}, 50 * time.Minute, true},
		"older than its age":             {[]string{"Cache-Control", "max-age=3600", "Age", "9999"}, 0, true},
		"max-age before Expires":         {[]string{"Cache-Control", "max-age=3600", "Expires", "Sun, 01 Mar 2027 12:00:00 GMT"}, time.Hour, true},
		"Expires":                        {[]string{"Expires", "Mon, 02 Mar 2026 12:00:00 GMT"}, day, true},
		"Expires by a clock that is off": {[]string{"Expires", "Mon, 02 Mar 2026 12:00:00 GMT", "Date", "Mon, 02 Mar 2026 11:00:00 GMT"}, time.Hour, true},
		"Expires 0":                      {[]string{"Expires", "0"}, 0, true},
		"for ever":                       {[]string{"Cache-Control", "max-age=99999999999999999999"}, 365 * day, true},
		"nonsense":                       {[]string{"Cache-Control", "max-age=soon"}, 0, true},
		"no-cache":                       {[]string{"Cache-Control", "no-cache"}, 0, true},
		"no-store":                       {[]string{"Cache-Control", "no-store, max-age=60"}, 0, false},
		"private":                        {[]string{"Cache-Control", "private"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.answers(func(rw http.ResponseWriter, r *http.Request) {
				for i := 0; i < len(tc.headers); i += 2 {
					rw.Header().Set(tc.headers[i], tc.headers[i+1])
				}
				sendPNG(rw, "x")
			})
			tile := w.get(0, 0, 0)
			if got := tile.Expires.Sub(w.clock()); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if files, _ := filepath.Glob(filepath.Join(w.options.CacheDir, "*", "*")); (len(files) == 1) != tc.kept {
				t.Errorf("got %v", files)
			}
			w.wantAsked(1)
			w.pass(tc.want - time.Second)
			if tc.want > 0 {
				w.get(0, 0, 0)
				w.wantAsked(0)
			}
			w.pass(2 * time.Second)
			w.get(0, 0, 0)
			w.wantAsked(1)
		})
	}
}

func TestProxy_asksWhetherItChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	version := `"v1"`
	w.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=60")
		rw.Header().Set("ETag", version)
		rw.Header().Set("Last-Modified", "Sat, 28 Feb 2026 12:00:00 GMT")
		if r.Header.Get("If-None-Match") == version {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		sendPNG(rw, version)
	})
	first := w.get(0, 0, 0)
	w.wantAsked(1)
	w.pass(time.Minute)
	again := w.get(0, 0, 0)
	r := w.wantAsked(1)[0]
	if r.Header.Get("If-None-Match") != `"v1"` || r.Header.Get("If-Modified-Since") != "Sat, 28 Feb 2026 12:00:00 GMT" {
		t.Errorf("got %v", r.Header)
	}
	if !bytes.Equal(again.Data, first.Data) || again.ETag != first.ETag || !again.Expires.After(first.Expires) {
		t.Errorf("got %+v after %+v", again, first)
	}
	w.get(0, 0, 0)
	w.wantAsked(0)
	version = `"v2"`
	w.pass(time.Minute)
	if changed := w.get(0, 0, 0); string(changed.Data) != pngHead+`"v2"` || changed.ETag == first.ETag {
		t.Errorf("got %+v", changed)
	}
}

func TestProxy_missing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers(fails(http.StatusNotFound, "Cache-Control", "max-age=60"))
	for range 3 {
		if _, err := w.Tile(t.Context(), 5, 1, 1); !errors.Is(err, basemap.ErrNoTile) {
			t.Errorf("got %v", err)
		}
	}
	w.wantAsked(1)
	w.pass(time.Hour)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { sendPNG(rw, "x") })
	w.get(5, 1, 1)
}

func TestProxy_stale(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		w := newWorld(t, nil)
		w.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Cache-Control", map[bool]string{false: "max-age=60", true: "max-age=60, must-revalidate"}[strict])
			sendPNG(rw, "x")
		})
		w.get(0, 0, 0)
		w.answers(fails(http.StatusBadGateway))
		w.pass(time.Hour)
		w.requests()
		for range 3 {
			tile, err := w.Tile(t.Context(), 0, 0, 0)
			if strict && core.CodeOf(err) != core.CodeUnavailable || !strict && (err != nil || !tile.Stale || string(tile.Data) != pngHead+"x") {
				t.Errorf("strict %v: got %+v, %v", strict, tile, err)
			}
		}
		w.wantAsked(1) // then it is left alone
	}
}

func TestProxy_leavesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers(fails(http.StatusInternalServerError))
	for i, pause := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600} {
		w.fails(i)
		w.wantAsked(1)
		w.pass(pause*time.Second - time.Millisecond)
		w.fails(i)
		w.wantAsked(0)
		w.pass(time.Millisecond)
	}
	w.answers(fails(http.StatusTooManyRequests, "Retry-After", "3600"))
	w.fails(20)
	w.pass(time.Hour - time.Second)
	w.fails(21)
	w.wantAsked(1)
	w.pass(time.Second)
	w.answers(fails(http.StatusServiceUnavailable, "Retry-After", w.clock().Add(2*time.Hour).Format(http.TimeFormat)))
	w.fails(22)
	w.pass(2*time.Hour - time.Second)
	w.fails(22)
	w.wantAsked(1)
	w.pass(time.Second)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { sendPNG(rw, "x") })
	w.get(9, 23, 0)
	w.answers(fails(http.StatusInternalServerError))
	w.fails(24)
	w.wantAsked(2)
	w.pass(2 * time.Second) // it begins anew
	w.fails(25)
	w.wantAsked(1)
}

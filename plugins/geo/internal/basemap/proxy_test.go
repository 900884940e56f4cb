package basemap_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

const pngHead = "\x89PNG\r\n\x1a\n"

// world is a tile server, its proxy, and the clock of both.
type world struct {
	*basemap.Proxy
	t       *testing.T
	options basemap.Options
	mu      sync.Mutex
	now     time.Time
	asked   []*http.Request
	answer  http.HandlerFunc
}

func newWorld(t *testing.T, change func(*basemap.Options)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.answer = func(rw http.ResponseWriter, r *http.Request) { sendPNG(rw, r.URL.Path) }
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	w.options = basemap.Options{
		Template: server.URL + "/tiles/{z}/{x}/{y}.png?key=SECRET", UserAgent: "Palabre-Test/1.0 (+https://example.org; camille@example.org)",
		Referer: "https://example.org/", CacheDir: filepath.Join(t.TempDir(), "tiles"), Client: server.Client(), Now: w.clock,
	}
	if change != nil {
		change(&w.options)
	}
	w.restart()
	return w
}

func (w *world) restart() {
	w.t.Helper()
	p, err := basemap.NewProxy(w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Proxy = p
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked = append(w.asked, r)
	answer := w.answer
	rw.Header()["Date"] = []string{w.now.Format(http.TimeFormat)}
	w.mu.Unlock()
	answer(rw, r)
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) answers(f http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = f
}

// requests gives what the server was asked since the last call.
func (w *world) requests() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

func (w *world) wantAsked(n int) []*http.Request {
	w.t.Helper()
	asked := w.requests()
	if len(asked) != n {
		w.t.Errorf("the server was asked %d times, want %d", len(asked), n)
	}
	return asked
}

// get fetches a tile that must be there.
func (w *world) get(z, x, y int) basemap.Tile {
	w.t.Helper()
	tile, err := w.Tile(w.t.Context(), z, x, y)
	if err != nil {
		w.t.Fatal(err)
	}
	return tile
}

func sendPNG(rw http.ResponseWriter, text string) {
	rw.Header().Set("Content-Type", "image/png")
	_, _ = rw.Write([]byte(pngHead + text))
}

func fails(status int, header ...string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			rw.Header().Set(header[i], header[i+1])
		}
		rw.WriteHeader(status)
	}
}

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

// fails asks for a tile that must not come.
func (w *world) fails(x int) {
	w.t.Helper()
	if _, err := w.Tile(w.t.Context(), 9, x, 0); core.CodeOf(err) != core.CodeUnavailable {
		w.t.Errorf("got %v", err)
	}
}

func TestProxy_refuses(t *testing.T) {
	t.Parallel()
	bomb := func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(append([]byte(pngHead), make([]byte, 64<<20)...))
		_ = z.Close()
		return b.Bytes()
	}()
	send := func(kind, body string, header ...string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", kind)
			for i := 0; i < len(header); i += 2 {
				rw.Header().Set(header[i], header[i+1])
			}
			_, _ = rw.Write([]byte(body))
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"a page":                          send("text/html", "<html>"),
		"a page that says it is a tile":   send("image/png", "<html>"),
		"a tile that says it is a page":   send("text/html", pngHead),
		"a tile that says nothing":        send("application/octet-stream", pngHead),
		"SVG":                             send("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
		"too much":                        send("image/png", pngHead+strings.Repeat("x", 2<<20)),
		"what inflates to too much":       send("image/png", string(bomb), "Content-Encoding", "gzip"),
		"an encoding nobody asked for":    send("image/png", pngHead, "Content-Encoding", "br"),
		"a part":                          send("image/png", pngHead, "Content-Length", "100"),
		"nothing changed, without a tile": fails(http.StatusNotModified),
		"another place":                   fails(http.StatusFound, "Location", "/elsewhere"),
		"a refusal":                       fails(http.StatusForbidden),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.answers(answer)
			w.fails(0)
			w.wantAsked(1)
			if files, _ := filepath.Glob(filepath.Join(w.options.CacheDir, "*", "*")); len(files) > 0 {
				t.Errorf("it keeps %v", files)
			}
		})
	}
}

func TestProxy_once(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	release := make(chan struct{})
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { <-release; sendPNG(rw, "x") })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := w.Tile(t.Context(), 0, 0, 0); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	all.Wait()
	w.wantAsked(1)
}

func TestProxy_fewAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	running, release := make(chan struct{}, 100), make(chan struct{})
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { running <- struct{}{}; <-release; sendPNG(rw, "x") })
	var all sync.WaitGroup
	for x := range 12 {
		all.Go(func() {
			if _, err := w.Tile(t.Context(), 5, x, 0); err != nil {
				t.Error(err)
			}
		})
	}
	for range 6 {
		<-running
		<-running
		if n := len(running); n > 0 {
			t.Errorf("%d more than two at once", n)
		}
		release <- struct{}{}
		release <- struct{}{}
	}
	all.Wait()
	w.wantAsked(12)
}

// Who asks for more than people look at is told to come back.
func TestProxy_tooMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	release := make(chan struct{})
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { <-release; sendPNG(rw, "x") })
	const asked, room = 200, 2 * 33
	results := make(chan error, asked)
	for x := range asked {
		go func() { _, err := w.Tile(t.Context(), 9, x, 0); results <- err }()
	}
	for range asked - room {
		if err := <-results; core.CodeOf(err) != core.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	}
	close(release)
	for range room {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	w.wantAsked(room)
}

// Who leaves does not take the tile away from those who stay.
func TestProxy_leaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	running, release := make(chan struct{}), make(chan struct{})
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { close(running); <-release; sendPNG(rw, "x") })
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { _, err := w.Tile(ctx, 0, 0, 0); left <- err }()
	<-running
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
	w.get(0, 0, 0)
	w.wantAsked(1)
}

// A key in the address appears nowhere.
func TestProxy_keepsTheKey(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newWorld(t, func(o *basemap.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	w.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := w.Tile(t.Context(), 0, 0, 0)
	if err == nil || strings.Contains(fmt.Sprint(err), "SECRET") || log.Len() == 0 || strings.Contains(log.String(), "SECRET") {
		t.Errorf("got %v, %s", err, &log)
	}
	w.pass(time.Minute)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { sendPNG(rw, "x") })
	w.get(0, 0, 0)
	files, err := filepath.Glob(filepath.Join(w.options.CacheDir, "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if b, err := os.ReadFile(files[0]); err != nil || bytes.Contains(b, []byte("SECRET")) {
		t.Errorf("got %q, %v", b, err)
	}
}

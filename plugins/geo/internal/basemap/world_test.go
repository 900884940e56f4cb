package basemap_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
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

// fails asks for a tile that must not come.
func (w *world) fails(x int) {
	w.t.Helper()
	if _, err := w.Tile(w.t.Context(), 9, x, 0); core.CodeOf(err) != core.CodeUnavailable {
		w.t.Errorf("got %v", err)
	}
}

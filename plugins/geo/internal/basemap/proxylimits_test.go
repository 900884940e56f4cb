package basemap_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

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
	running, release := make(chan struct{}), make(chan struct{})
	var now, most atomic.Int32
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		running <- struct{}{}
		<-release
		now.Add(-1)
		sendPNG(rw, "x")
	})
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
		release <- struct{}{}
		release <- struct{}{}
	}
	all.Wait()
	w.wantAsked(12)
	if most.Load() != 2 {
		t.Errorf("%d at once", most.Load())
	}
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
	w.get(9, asked, 0) // there is room again
}

// Those who waited while the server failed do not ask it either.
func TestProxy_waitersLeaveAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *basemap.Options) { o.Concurrency = 1 })
	running, release := make(chan struct{}), make(chan struct{})
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		running <- struct{}{}
		<-release
		rw.WriteHeader(http.StatusBadGateway)
	})
	results := make(chan error)
	for x := range 34 { // one more than there is room for: when it is refused, the others wait
		go func() { _, err := w.Tile(t.Context(), 9, x, 0); results <- err }()
	}
	<-running
	for i := range 34 {
		if err := <-results; core.CodeOf(err) != core.CodeUnavailable {
			t.Errorf("got %v", err)
		}
		if i == 0 {
			close(release)
		}
	}
	w.wantAsked(1)
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

package basemap_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

func (w *world) files() []string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.options.CacheDir, "*", "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return files
}

func TestProxy_restart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.get(1, 0, 0)
	w.wantAsked(1)
	part := filepath.Join(filepath.Dir(w.files()[0]), "1234.part")
	other := filepath.Join(w.options.CacheDir, "notes.txt")
	for _, file := range []string{part, other} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.restart()
	w.get(1, 0, 0)
	w.wantAsked(0)
	if _, err := os.Stat(part); err == nil {
		t.Error("what was not finished is left")
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("a foreign file is gone")
	}
	w.options.Template = strings.Replace(w.options.Template, "/tiles/", "/other/", 1)
	w.restart()
	if tile := w.get(1, 0, 0); !strings.Contains(string(tile.Data), "/other/") {
		t.Errorf("got the tile of another server: %q", tile.Data)
	}
}

func TestProxy_brokenFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, breaks := range []func([]byte) []byte{
		func([]byte) []byte { return nil },
		func(b []byte) []byte { return b[:len(b)-1] },
		func(b []byte) []byte { b[len(b)-1]++; return b },
		func([]byte) []byte { return []byte("{}\n<html>") },
	} {
		want := w.get(1, 0, 0)
		w.requests()
		b, err := os.ReadFile(w.files()[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.files()[0], breaks(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := w.get(1, 0, 0); string(got.Data) != string(want.Data) {
			t.Errorf("got %q", got.Data)
		}
		w.wantAsked(1)
	}
}

// The cache stays within its room, and what was looked at last stays, also over a restart.
func TestProxy_room(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		w := newWorld(t, func(o *basemap.Options) { o.CacheBytes = 1 << 20 })
		w.answers(func(rw http.ResponseWriter, _ *http.Request) { sendPNG(rw, strings.Repeat("x", 200<<10)) })
		see := func(x int) { w.get(5, x, 0); w.pass(2 * time.Hour) }
		for x := range 5 {
			see(x)
		}
		see(0) // of 0 to 4, tile 1 is now the one not seen for longest
		if restart {
			w.restart()
		}
		see(5)
		w.wantAsked(6)
		for _, x := range []int{0, 2, 3, 4, 5} {
			w.get(5, x, 0)
		}
		w.wantAsked(0)
		w.get(5, 1, 0)
		w.wantAsked(1)
		if size := w.size(); size > 1<<20 || size < 1<<19 {
			t.Errorf("it holds %d bytes", size)
		}
	}
}

// size is what the files of the cache take.
func (w *world) size() (size int64) {
	w.t.Helper()
	for _, file := range w.files() {
		stat, err := os.Stat(file)
		if err != nil {
			w.t.Fatal(err)
		}
		size += stat.Size()
	}
	return size
}

// Without room on the disk the map is served all the same.
func TestProxy_noRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if err := os.RemoveAll(w.options.CacheDir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.options.CacheDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.get(1, 0, 0)
	w.get(1, 0, 0)
	w.wantAsked(2)
}

func TestNewProxy_refuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*basemap.Options)
		want   string
	}{
		{"no address", func(o *basemap.Options) { o.Template = "" }, "has {z} once"},
		{"no y", func(o *basemap.Options) { o.Template = "https://example.org/{z}/{x}" }, "has {y} once"},
		{"z twice", func(o *basemap.Options) { o.Template = "https://example.org/{z}/{z}/{x}/{y}" }, "has {z} once"},
		{"a subdomain", func(o *basemap.Options) { o.Template = "https://{s}.example.org/{z}/{x}/{y}" }, "The tile server cannot be used"},
		{"another placeholder", func(o *basemap.Options) { o.Template = "https://example.org/{z}/{x}/{y}{r}.png" }, "no placeholder but"},
		{"another placeholder in the query", func(o *basemap.Options) { o.Template = "https://example.org/{z}/{x}/{y}.png?k={key}" }, "no placeholder but"},
		{"a number in the host", func(o *basemap.Options) { o.Template = "https://{z}.example.org/{x}/{y}" }, "not in its host"},
		{"a file", func(o *basemap.Options) { o.Template = "file:///{z}/{x}/{y}" }, "begins with https://"},
		{"a user", func(o *basemap.Options) { o.Template = "https://u:p@example.org/{z}/{x}/{y}" }, "has no user"},
		{"openstreetmap.org in the clear", func(o *basemap.Options) { o.Template = "http://tile.openstreetmap.org/{z}/{x}/{y}.png" }, "by https"},
		{"openstreetmap.org by many", func(o *basemap.Options) {
			o.Template, o.Concurrency = "https://tile.openstreetmap.org/{z}/{x}/{y}.png", 3
		}, "at most 2"},
		{"no User-Agent", func(o *basemap.Options) { o.UserAgent = "" }, "how to reach you"},
		{"a User-Agent without contact", func(o *basemap.Options) { o.UserAgent = "Palabre/1.0" }, "how to reach you"},
		{"a browser's User-Agent", func(o *basemap.Options) { o.UserAgent = "Mozilla/5.0 (a@example.org)" }, "no browser"},
		{"a User-Agent of two lines", func(o *basemap.Options) { o.UserAgent = "P (a@example.org)\r\nX: y" }, "no browser"},
		{"a Referer that is none", func(o *basemap.Options) { o.Referer = "example.org" }, "the full address of your site"},
		{"zooms", func(o *basemap.Options) { o.MinZoom, o.MaxZoom = 9, 3 }, "zooms run from 9 to 3"},
		{"no folder", func(o *basemap.Options) { o.CacheDir = "" }, "a folder for the cache"},
		{"no client", func(o *basemap.Options) { o.Client = nil }, "a client"},
		{"a small cache", func(o *basemap.Options) { o.CacheBytes = 5 }, "1 MB at least"},
		{"several things", func(o *basemap.Options) { o.Client, o.CacheDir = nil, "" }, "a client to ask with is missing; a folder"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := basemap.Options{Template: "https://example.org/{z}/{x}/{y}.png", UserAgent: "P (a@example.org)", CacheDir: t.TempDir(), Client: http.DefaultClient}
			tc.change(&o)
			_, err := basemap.NewProxy(o)
			if e, ok := core.AsError(err); !ok || e.Code != core.CodeInvalid || !strings.Contains(e.Message, tc.want) || e.Texts["fr"] == "" {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

package bench

import (
	"bytes"
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/jsondoc"
)

// The first lines of a larger set are those of a smaller one, each run makes the same, and slugs are unique.
func TestWriteSet(t *testing.T) {
	t.Parallel()
	var sets [3]string
	for i, n := range []int{500, 2000, 500} {
		dir := t.TempDir()
		if err := WriteSet(dir, n); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, fichesFile))
		if err != nil {
			t.Fatal(err)
		}
		sets[i] = string(text)
	}
	if sets[0] != sets[2] || !strings.HasPrefix(sets[1], sets[0]) {
		t.Error("the sets are not the same")
	}
	slugs := map[any]bool{}
	for line := range strings.SplitSeq(strings.TrimSpace(sets[1]), "\n") {
		doc, err := jsondoc.ParseObject([]byte(line))
		if err != nil || slugs[doc["slug"]] {
			t.Fatalf("%v, or a second %v", err, doc["slug"])
		}
		slugs[doc["slug"]] = true
	}
	if len(slugs) != 2000 {
		t.Errorf("got %d lines", len(slugs))
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "3000")
		w.WriteHeader(status)
		_, _ = w.Write(bytes.Repeat([]byte("x"), 3000))
	}))
	t.Cleanup(s.Close)
	address := strings.TrimPrefix(s.URL, "http://")
	ask := func() (Load, error) {
		return load(context.Background(), address, 2, 50*time.Millisecond, func(int, int) request { return get("/") })
	}
	l, err := ask()
	if err != nil || l.Requests < 2 || l.Median <= 0 || l.Slow < l.Median || l.PerSecond() <= 0 {
		t.Errorf("got %+v, %v", l, err)
	}
	status = http.StatusInternalServerError
	if _, err := ask(); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("got %v", err)
	}
}

func TestFigure_Met(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		f    Figure
		want bool
	}{
		{Figure{Measured: 5}, true},
		{Figure{Measured: 5, Target: 5}, true},
		{Figure{Measured: 5, Target: 5, Least: true}, true},
		{Figure{Measured: 4, Target: 5}, true},
		{Figure{Measured: 4, Target: 5, Least: true}, false},
		{Figure{Measured: 6, Target: 5}, false},
		{Figure{Measured: 6, Target: 5, Least: true}, true},
	} {
		if got := tc.f.Met(); got != tc.want {
			t.Errorf("%+v: got %t", tc.f, got)
		}
	}
}

func TestLoadPaths(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.URL.Path] = true
		mu.Unlock()
		w.Header().Set("Content-Length", "0")
	}))
	t.Cleanup(s.Close)
	if _, err := loadPaths(context.Background(), strings.TrimPrefix(s.URL, "http://"), []string{"/a", "/b"}, 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if !seen["/a"] || !seen["/b"] {
		t.Errorf("asked for %v", seen)
	}
}

func TestReadWrk(t *testing.T) {
	t.Parallel()
	const before = "Running 1s test @ http://x/\n  200 requests in 1.00s\nRequests/sec: 200.00\n"
	l, err := readWrk(before + "bench 200 1000000 350 2100 0\n")
	if err != nil || l != (Load{Requests: 200, For: time.Second, Median: 350 * time.Microsecond, Slow: 2100 * time.Microsecond}) {
		t.Errorf("got %+v, %v", l, err)
	}
	for _, bad := range []string{"", before, before + "bench 200 1000000 350 2100 3\n", before + "bench 0 1000000 0 0 0\n"} {
		if _, err := readWrk(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// Ten times the best peer at 10,000 entries, fifty times at 100,000, and no target that a bare handler would miss.
func TestFigure_Against(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		question string
		entries  int
		target   float64
	}{
		{byID, 10_000, 31_360},
		{byID, 100_000, 0},
		{plainList, 100_000, 280},
		{plainList, 1_000_000, 0},
		{"another", 10_000, 0},
	} {
		f := Figure{Measured: 1}.against(tc.question, tc.entries, 45_000)
		if math.Abs(f.Target-tc.target) > 1e-6 || f.Least != (tc.target > 0) {
			t.Errorf("%+v: got %+v", tc, f)
		}
	}
}

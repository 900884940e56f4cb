package httpapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/palabre-cms/palabre/core"
)

func TestCache_AnswersOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := newServer(t, w)
	for range 3 {
		call(t, s, "GET", fiche, "")
		call(t, s, "HEAD", fiche, "")
	}
	if got := w.answers.Load(); got != 1 {
		t.Errorf("computed %d times, want 1", got)
	}
}

// A hit's headers fit into the first eight places of a map: a ninth costs a tenth of the whole answer's time.
func TestCache_FewHeaders(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	call(t, s, "GET", fiche, "")
	if h := call(t, s, "GET", fiche, "").Header(); len(h) > 8 {
		t.Errorf("%d headers: %v", len(h), h)
	}
}

func TestCache_Off(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := newServer(t, w, func(o *Options) { o.CacheBytes = 0 })
	call(t, s, "GET", fiche, "")
	call(t, s, "GET", fiche, "")
	if got := w.answers.Load(); got != 2 {
		t.Errorf("computed %d times, want 2", got)
	}
}

// What makes an answer another one, and what does not.
func TestCache_Stands(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(w *world)
		want   int64
	}{
		{"nothing", func(*world) {}, 1},
		{"its own type", func(w *world) { w.touch("fiche") }, 2},
		{"another type", func(w *world) { w.touch("note") }, 1},
		{"the roles", func(w *world) { w.touch("_role") }, 2},
		{"the types", func(w *world) { w.touch("_type") }, 2},
		{"who may what", func(w *world) { w.policy.Add(1) }, 2},
		{"a type that was compiled anew", func(w *world) {
			w.mu.Lock()
			w.types["fiche"] = ficheType(true)
			w.mu.Unlock()
			w.touch("note")
		}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			s := newServer(t, w)
			call(t, s, "GET", fiche, "")
			tc.change(w)
			call(t, s, "GET", fiche, "")
			call(t, s, "GET", fiche, "")
			if got := w.answers.Load(); got != tc.want {
				t.Errorf("computed %d times, want %d", got, tc.want)
			}
		})
	}
}

func TestCache_EndsWhenTheAnswerChangesByItself(t *testing.T) {
	t.Parallel()
	w := newWorld()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.until = now.Add(5 * time.Second)
	s := newServer(t, w, func(o *Options) { o.Now = func() time.Time { return now } })
	for _, step := range []struct {
		after   time.Duration
		control string
		want    int64
	}{
		{0, "public, max-age=5", 1},
		{3500 * time.Millisecond, "public, max-age=1", 1},
		{1500 * time.Millisecond, "public, max-age=0", 2}, // computed anew; the world still says the same moment
	} {
		now = now.Add(step.after)
		rec := call(t, s, "GET", fiche, "")
		if got := rec.Header().Get("Cache-Control"); got != step.control {
			t.Errorf("after %s: %q, want %q", step.after, got, step.control)
		}
		if got := w.answers.Load(); got != step.want {
			t.Errorf("after %s: computed %d times, want %d", step.after, got, step.want)
		}
	}
}

func TestCache_NeverMixesCallers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := newServer(t, w)
	path := "/api/v1/content/fiche/" + draftID + "?state=draft"
	for range 2 {
		if rec := call(t, s, "GET", path, "", admin); rec.Code != 200 || rec.Header().Get("Cache-Control") != "private, no-cache" {
			t.Fatalf("%d %v", rec.Code, rec.Header())
		}
		if rec := call(t, s, "GET", path, ""); rec.Code != 404 {
			t.Fatalf("anyone got %d %s", rec.Code, rec.Body)
		}
		if rec := call(t, s, "GET", path, "", "Authorization: Bearer nope"); rec.Code != 401 {
			t.Fatalf("a bad token got %d", rec.Code)
		}
	}
}

// The very words of a request find the answer of their own caller, as he is now.
func TestCache_IdentityChangesWithItsCaller(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for name, p := range map[string]*core.Principal{
		"a user":            {ID: "user:1", Kind: "user", Roles: []string{"editor"}, Rev: 1},
		"who has changed":   {ID: "user:1", Kind: "user", Roles: []string{"editor"}, Rev: 2},
		"with another role": {ID: "user:1", Kind: "user", Roles: []string{"reader"}, Rev: 1},
		"another user":      {ID: "user:2", Kind: "user", Roles: []string{"editor"}, Rev: 1},
		"anyone":            core.Anonymous,
	} {
		if other, ok := seen[identity(p)]; ok {
			t.Errorf("%s and %s are the same to the cache", name, other)
		}
		seen[identity(p)] = name
	}
}

// Answers that known callers get by the very words of their request are counted as what they are.
func TestCache_CountsHitsOfKnownCallers(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	for range 3 {
		call(t, s, "GET", fiche, "", admin)
	}
	if page := call(t, s, "GET", "/metrics", "").Body.String(); !strings.Contains(page, "palabre_cache_hits_total 2\n") || !strings.Contains(page, "palabre_cache_misses_total 1\n") {
		t.Errorf("three equal requests are counted as:\n%s", page)
	}
}

func TestCache_KeepsNoPreview(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := newServer(t, w)
	for range 2 {
		rec := call(t, s, "GET", fiche+"?preview="+previewToken, "")
		if got := rec.Header().Get("Cache-Control"); got != "private, no-store" {
			t.Errorf("Cache-Control %q", got)
		}
	}
	if got := w.answers.Load(); got != 2 {
		t.Errorf("computed %d times, want 2", got)
	}
}

func TestCache_SeesItsOwnWrite(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	call(t, s, "GET", "/api/v1/content/fiche", "")
	call(t, s, "POST", "/api/v1/content/fiche?publish=true", `{"title":"Brest"}`, admin)
	if rec := call(t, s, "GET", "/api/v1/content/fiche", ""); !strings.Contains(rec.Body.String(), "Brest") {
		t.Errorf("an old page: %s", rec.Body)
	}
}

func TestCache_ComputesOnceForMany(t *testing.T) {
	t.Parallel()
	w := newWorld()
	release := w.stall()
	s := newServer(t, w)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if rec := call(t, s, "GET", fiche, ""); rec.Code != 200 {
				t.Errorf("%d", rec.Code)
			}
		})
	}
	<-w.begun
	close(release)
	all.Wait()
	if got := w.answers.Load(); got != 1 {
		t.Errorf("computed %d times, want 1", got)
	}
}

// Who asks after a write must not be given what was begun before it.
func TestCache_JoinsNoFlightFromBefore(t *testing.T) {
	t.Parallel()
	c := newCache(1<<20, func(*answer) bool { return true }, newMetrics())
	begun, release := make(chan struct{}), make(chan struct{})
	go c.once(context.Background(), "k", 1, func() (*answer, error) {
		close(begun)
		<-release
		return newAnswer([]byte("old"), 0, jsonKind), nil
	})
	<-begun
	a, err := c.once(context.Background(), "k", 2, func() (*answer, error) { return newAnswer([]byte("new"), 0, jsonKind), nil })
	close(release)
	if err != nil || string(a.body) != "new" {
		t.Errorf("got %v, %v", a, err)
	}
}

func TestCache_LeavingDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	release := w.stall()
	s := newServer(t, w)
	ctx, leave := context.WithCancel(context.Background())
	first := make(chan int)
	go func() {
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, httptest.NewRequest("GET", fiche, nil).WithContext(ctx))
		first <- rec.Code
	}()
	<-w.begun
	leave()
	close(release)
	<-first
	if rec := call(t, s, "GET", fiche, ""); rec.Code != 200 || w.answers.Load() != 1 {
		t.Errorf("%d, computed %d times", rec.Code, w.answers.Load())
	}
}

func TestCache_Bounded(t *testing.T) {
	t.Parallel()
	c := newCache(200<<10, func(*answer) bool { return true }, newMetrics())
	body := []byte(strings.Repeat("x", 1000))
	hot := func(i int) string { return fmt.Sprint("hot", i) }
	for i := range 20 {
		c.keep(hot(i), newAnswer(body, 0, jsonKind))
		c.alias(rawKey{uri: "/" + hot(i)}, hot(i))
	}
	for i := range 5000 { // a walk over everything, while the hot set is asked for now and then
		key := fmt.Sprint("walk", i)
		c.keep(key, newAnswer(body, 0, jsonKind))
		c.alias(rawKey{uri: "/" + key}, key)
		c.recall(rawKey{uri: "/" + hot(i%20)})
	}
	kept := 0
	for i := range 20 {
		if c.find(hot(i)) != nil {
			kept++
		}
	}
	if kept != 20 {
		t.Errorf("%d of the 20 that are asked for stayed", kept)
	}
	if c.small.bytes+c.main.bytes > c.limit {
		t.Errorf("%d bytes of %d", c.small.bytes+c.main.bytes, c.limit)
	}
	aliases := 0
	for i := range c.aliases {
		aliases += len(c.aliases[i].m)
	}
	if aliases > len(c.nodes) {
		t.Errorf("%d aliases of %d nodes", aliases, len(c.nodes))
	}
}

func TestCache_RefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	c := newCache(64<<10, func(*answer) bool { return true }, newMetrics())
	c.keep("large", newAnswer(make([]byte, 8<<10), 0, jsonKind))
	if c.find("large") != nil {
		t.Error("it was kept")
	}
}

func TestCache_FewAliases(t *testing.T) {
	t.Parallel()
	c := newCache(64<<10, func(*answer) bool { return true }, newMetrics())
	c.keep("k", newAnswer([]byte("x"), 0, jsonKind))
	for i := range 50 {
		c.alias(rawKey{uri: fmt.Sprint("/", i)}, "k")
	}
	if got := len(c.nodes["k"].aliases); got != aliasesPerNode {
		t.Errorf("%d aliases, want %d", got, aliasesPerNode)
	}
	if c.recall(rawKey{uri: "/0"}) != nil || c.recall(rawKey{uri: "/49"}) == nil {
		t.Error("the oldest alias stayed, or the latest did not")
	}
}

func TestConditional(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	tag := call(t, s, "GET", fiche, "").Header().Get("Etag")
	if !strings.HasPrefix(tag, `"7-`) {
		t.Fatalf("ETag %s", tag)
	}
	for _, tc := range []struct {
		header string
		want   int
	}{
		{tag, 304}, {"W/" + tag, 304}, {`"a", ` + tag, 304}, {"*", 304}, {`"a"`, 200}, {`"7"`, 200}, {"", 200},
	} {
		rec := call(t, s, "GET", fiche, "", "If-None-Match: "+tc.header)
		if rec.Code != tc.want {
			t.Errorf("%q: %d, want %d", tc.header, rec.Code, tc.want)
		}
		if rec.Code == 304 && (rec.Body.Len() > 0 || rec.Header().Get("Etag") != tag || rec.Header().Get("Cache-Control") == "" || rec.Header().Get("Vary") == "") {
			t.Errorf("304 with %v", rec.Header())
		}
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		header string
		want   packing
	}{
		{"", identity0}, {"gzip", packGzip}, {"gzip, deflate, br, zstd", packZstd}, {"gzip, br", packBrotli}, {"BR;q=0.5, gzip;q=0.8", packGzip},
		{"zstd;q=0, br", packBrotli}, {"*", packZstd}, {"*;q=0", identity0}, {"identity", identity0}, {"identity;q=0.5, gzip;q=0.2", identity0},
		{"gzip;q=0", identity0}, {"gzip;q=x", identity0}, {"zstd;q=0, *", packBrotli}, {"deflate", identity0}, {",,;;q=,", identity0},
	} {
		if got := accepted(tc.header, 5000); got != tc.want {
			t.Errorf("%q: %d, want %d", tc.header, got, tc.want)
		}
	}
	if got := accepted("gzip", worthPacking-1); got != identity0 {
		t.Errorf("a small body is packed: %d", got)
	}
}

func TestPacked(t *testing.T) {
	t.Parallel()
	w := newWorld()
	text := strings.Repeat("la participation des habitantes et des habitants ", 100)
	w.entries[ficheID].Published = core.Doc(`{"slug":"mulhouse","title":"` + text + `"}`)
	s := newServer(t, w)
	plain := call(t, s, "GET", fiche, "")
	unpack := map[string]func(io.Reader) (io.Reader, error){
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
		"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	}
	for name, open := range unpack {
		rec := call(t, s, "GET", fiche, "", "Accept-Encoding: "+name)
		h := rec.Header()
		if h.Get("Content-Encoding") != name || h.Get("Etag") != strings.TrimSuffix(plain.Header().Get("Etag"), `"`)+"-"+name+`"` {
			t.Errorf("%s: %v", name, h)
		}
		if h.Get("Content-Length") != fmt.Sprint(rec.Body.Len()) || rec.Body.Len() > 500 {
			t.Errorf("%s: %d bytes, Content-Length %s", name, rec.Body.Len(), h.Get("Content-Length"))
		}
		r, err := open(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != plain.Body.String() {
			t.Errorf("%s: %v, %d bytes", name, err, len(got))
		}
		if rec := call(t, s, "GET", fiche, "", "Accept-Encoding: "+name, "If-None-Match: "+h.Get("Etag")); rec.Code != http.StatusNotModified {
			t.Errorf("%s: %d", name, rec.Code)
		}
	}
}

// The same question in a body is nobody's to keep, and does not make the address's answer so.
func TestCache_OpenAnswersAreApart(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	asked := call(t, s, "POST", "/api/v1/content/fiche/query", "{}")
	read := call(t, s, "GET", "/api/v1/content/fiche", "")
	if got := asked.Header().Get("Cache-Control"); got != "private, no-cache" {
		t.Errorf("POST: %s", got)
	}
	if got := read.Header().Get("Cache-Control"); !strings.HasPrefix(got, "public") {
		t.Errorf("GET: %s", got)
	}
}

func TestLimitsFor(t *testing.T) {
	t.Parallel()
	if one, eight := limitsFor(1<<20), limitsFor(8<<20); eight.Nodes != 8*one.Nodes || eight.Bytes != 8<<20 || eight.Depth != one.Depth {
		t.Errorf("%+v %+v", one, eight)
	}
}

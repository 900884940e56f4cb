package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// running starts a server on a free port. stop ends it and gives what Serve gave.
func running(t *testing.T, s *Server) (addr string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(cancel)
	return l.Addr().String(), func() error { cancel(); return <-done }
}

func TestServe_DrainsRequestsInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld()
	release := w.stall()
	s := newServer(t, w)
	addr, stop := running(t, s)
	got := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + addr + fiche)
		if err != nil {
			got <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		got <- fmt.Sprint(res.StatusCode, " ", strings.Contains(string(body), ficheID))
	}()
	<-w.begun
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	<-s.ending
	if rec := call(t, s, "GET", "/readyz", ""); rec.Code != 503 || !strings.Contains(rec.Body.String(), "draining") || rec.Header().Get("Connection") != "close" {
		t.Errorf("/readyz while draining: %d %s", rec.Code, rec.Body)
	}
	close(release)
	if g := <-got; g != "200 true" {
		t.Errorf("the request in flight got %s", g)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve gave %v", err)
	}
}

func TestServe_GivesUpOnWhatNeverEnds(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.stall()
	s := newServer(t, w, func(o *Options) { o.DrainFor = time.Millisecond })
	addr, stop := running(t, s)
	go http.Get("http://" + addr + fiche)
	<-w.begun
	if err := stop(); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("Serve gave %v", err)
	}
}

func TestServe_EndsSlowHeaders(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	server := s.httpServer()
	if server.ReadHeaderTimeout != 5*time.Second || server.IdleTimeout != time.Minute || server.MaxHeaderBytes != 32<<10 {
		t.Errorf("limits %v %v %v", server.ReadHeaderTimeout, server.IdleTimeout, server.MaxHeaderBytes)
	}
	server.ReadHeaderTimeout = 20 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection stayed open: %v", err)
	}
}

func TestServe_RefusesLongHeaders(t *testing.T) {
	t.Parallel()
	addr, _ := running(t, newServer(t, newWorld()))
	r, _ := http.NewRequest("GET", "http://"+addr+"/healthz", nil)
	r.Header.Set("X-Long", strings.Repeat("x", 40<<10))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestServe_ListenerFails(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := newServer(t, newWorld()).Serve(context.Background(), l); err == nil {
		t.Error("no error")
	}
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld()
	release := w.stall()
	s := newServer(t, w, func(o *Options) { o.InFlight = 1 })
	done := make(chan struct{})
	go func() { call(t, s, "GET", fiche, ""); close(done) }()
	<-w.begun
	rec := call(t, s, "GET", "/api/v1/content/fiche", "")
	if rec.Code != 503 || rec.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	if rec := call(t, s, "GET", "/healthz", ""); rec.Code != 200 {
		t.Errorf("/healthz says %d", rec.Code)
	}
	close(release)
	<-done
	if got := s.inFlight.Load(); got != 0 {
		t.Errorf("%d in flight", got)
	}
}

func TestWaitForPosition(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := newServer(t, w, func(o *Options) { o.WaitFor = 5 * time.Millisecond })
	if rec := call(t, s, "GET", fiche, "", "Wait-For-Position: 99"); rec.Code != 503 || rec.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	s = newServer(t, w)
	call(t, s, "GET", fiche, "")
	got := make(chan int)
	go func() { got <- call(t, s, "GET", fiche, "", "Wait-For-Position: 10").Code }()
	w.touch("fiche")
	if code := <-got; code != 200 || w.answers.Load() != 2 {
		t.Errorf("%d, computed %d times", code, w.answers.Load())
	}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := newServer(t, w)
	post := func(key, body string) *httptest.ResponseRecorder {
		return call(t, s, "POST", "/api/v1/content/fiche", body, admin, "Idempotency-Key: "+key)
	}
	if rec := post("a", `{"title":"x"}`); rec.Code != 201 || rec.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("first: %d %v", rec.Code, rec.Header())
	}
	if rec := post("a", `{"title":"x"}`); rec.Code != 201 || rec.Header().Get("Idempotency-Replayed") != "true" || rec.Header().Get("Location") == "" {
		t.Errorf("again: %d %v", rec.Code, rec.Header())
	}
	if rec := post("a", `{"title":"y"}`); rec.Code != 409 {
		t.Errorf("another body: %d", rec.Code)
	}
	if rec := post(strings.Repeat("x", 256), `{"title":"y"}`); rec.Code != 400 {
		t.Errorf("a long key: %d", rec.Code)
	}
	one, _ := idempotencyKey(post2("a"), &core.Principal{ID: "token:1"}, nil)
	other, _ := idempotencyKey(post2("a"), &core.Principal{ID: "token:2"}, nil)
	if one.Hash == other.Hash || strings.Contains(one.Hash, "a:") {
		t.Error("two callers share a key")
	}
	if again, _ := idempotencyKey(post2("b"), &core.Principal{ID: "token:1"}, nil); again.Request == one.Request {
		t.Error("what was asked can be guessed at without the key")
	}
}

func post2(key string) *http.Request {
	r := httptest.NewRequest("POST", "/x", nil)
	r.Header.Set("Idempotency-Key", key)
	return r
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		err    error
		status int
		want   string
		logged bool
	}{
		{"a foreign error", errDriver, 500, "Something went wrong. Reference ", true},
		{"one of ours that says too much", &core.Error{Code: core.CodeInternal, Message: "hunter2"}, 500, "Something went wrong. Reference ", true},
		{"the store is away", &core.Error{Code: core.CodeUnavailable, Message: "Writes do not work for now.", Err: errDriver}, 503, "Writes do not work for now.", true},
		{"time ran out", context.DeadlineExceeded, 504, "took too long", false},
		{"too many", &core.Error{Code: core.CodeRateLimited, Extra: map[string]any{"retryAfter": 30}}, 429, "Too many requests", false},
		{"a revision must be named", &core.Error{Code: core.CodePrecondition, Message: "Send If-Match."}, 428, "Send If-Match.", false},
		{"a name of the problem itself", &core.Error{Code: core.CodeConflict, Message: "x", Extra: map[string]any{"status": "draft"}}, 409, `"currentStatus":"draft"`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w, log := newWorld(), &bytes.Buffer{}
			w.broken = tc.err
			s := newServer(t, w, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
			rec := call(t, s, "GET", fiche+"?preview="+previewToken, "", "X-Request-ID: abc-1")
			body := rec.Body.String()
			if rec.Code != tc.status || !strings.Contains(body, tc.want) || strings.Contains(body, "hunter2") || strings.Contains(body, "10.0.0.7") {
				t.Errorf("%d %s", rec.Code, body)
			}
			if !strings.Contains(body, `"requestId":"abc-1"`) || rec.Header().Get("X-Request-Id") != "abc-1" {
				t.Errorf("no request id: %s", body)
			}
			if logged := strings.Contains(log.String(), "msg=refused"); logged != tc.logged || logged && !strings.Contains(log.String(), "requestId=abc-1") {
				t.Errorf("log: %s", log)
			}
			if strings.Contains(log.String(), "tok3n") {
				t.Errorf("the log has a token: %s", log)
			}
			if tc.status == 429 && rec.Header().Get("Retry-After") != "30" || tc.status == 503 && rec.Header().Get("Retry-After") != "5" {
				t.Errorf("Retry-After %q", rec.Header().Get("Retry-After"))
			}
		})
	}
}

func TestFailure_CallerHasLeft(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.broken = context.Canceled
	s := newServer(t, w)
	if rec := call(t, s, "GET", fiche, ""); rec.Code != statusClientGone {
		t.Errorf("%d", rec.Code)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.away = &core.Error{Code: core.CodeUnavailable, Message: "The store is away."}
	s := newServer(t, w)
	if rec := call(t, s, "GET", "/readyz", ""); rec.Code != 200 || !strings.Contains(rec.Body.String(), `"writes":false`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := call(t, s, "POST", "/api/v1/content/fiche", `{"title":"x"}`, admin); rec.Code != 503 || rec.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	if rec := call(t, s, "GET", fiche, ""); rec.Code != 200 {
		t.Errorf("a read: %d", rec.Code)
	}
}

// panicking is a Reader with a bug.
type panicking struct{ core.Reader }

func TestPanic(t *testing.T) {
	t.Parallel()
	log := &bytes.Buffer{}
	s := newServer(t, newWorld(), func(o *Options) {
		o.Reader = panicking{}
		o.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	rec := call(t, s, "GET", fiche, "")
	if rec.Code != 500 || !strings.Contains(rec.Body.String(), "Something went wrong") || strings.Contains(rec.Body.String(), "nil pointer") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if !strings.Contains(log.String(), "nil pointer") || !strings.Contains(log.String(), "entries.go") {
		t.Errorf("log: %s", log)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	for given, taken := range map[string]bool{"abc-1_2.X": true, "a b": false, "a\"b": false, strings.Repeat("x", 65): false, "é": false} {
		got := call(t, s, "GET", "/readyz", "", "X-Request-ID: "+given).Header().Get("X-Request-Id")
		if got == "" || (got == given) != taken {
			t.Errorf("%q became %q", given, got)
		}
		call(t, s, "GET", fiche, "")
		got = call(t, s, "GET", fiche, "", "X-Request-ID: "+given).Header().Get("X-Request-Id") // out of the cache
		if (got == given) != taken || !taken && got != "" {
			t.Errorf("out of the cache %q became %q", given, got)
		}
	}
	one, two := call(t, s, "GET", "/readyz", ""), call(t, s, "GET", "/readyz", "")
	if one.Header().Get("X-Request-Id") == two.Header().Get("X-Request-Id") {
		t.Error("two requests share an id")
	}
}

// A stream's lines, as far as the test reads.
func TestStream(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.changes = []core.ChangeLine{{Position: 8, Type: "fiche", ID: ficheID, Rev: 7, Operation: "publish"}, {Position: 8, Type: "fiche", ID: draftID, Rev: 1, Operation: "publish"}}
	s := newServer(t, w, func(o *Options) { o.Heartbeat, o.Streams = 20*time.Millisecond, 1 })
	addr, stop := running(t, s)
	lines := follow(t, addr, "Last-Event-ID: 7", admin)
	lines.expect("retry: 2000", "", "event: change", "data: {", "", "id: 8", "event: change", "data: {", "", "id: 9", "event: position", "data: {}", "", ": still here", "")
	if rec := call(t, s, "GET", "/api/v1/changes", "", "Accept: text/event-stream"); rec.Code != 503 {
		t.Errorf("a stream too many: %d", rec.Code)
	}
	w.mu.Lock()
	w.changes = append(w.changes, core.ChangeLine{Position: 10, Type: "fiche", ID: ficheID, Rev: 8, Operation: "update"})
	w.mu.Unlock()
	w.touch("fiche")
	lines.skipTo("id: 10")
	lines.expect("event: change", `data: {"position":10,`)
	if got := s.inFlight.Load(); got != 0 {
		t.Errorf("a stream counts as in flight: %d", got)
	}
	if err := stop(); err != nil {
		t.Errorf("the stream held the end back: %v", err)
	}
}

type eventLines struct {
	t  *testing.T
	in *bufio.Scanner
}

// The public is told of changes and of nothing else, not even that there was something else.
func TestStream_Public(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.changes = []core.ChangeLine{{Position: 8, Type: "fiche", ID: ficheID, Rev: 7, Operation: "publish"}}
	addr, _ := running(t, newServer(t, w, func(o *Options) { o.Heartbeat = 20 * time.Millisecond }))
	follow(t, addr).expect("retry: 2000", "", "id: 8", "event: change", "data: {", "", ": still here", "")
}

func follow(t *testing.T, addr string, headers ...string) *eventLines {
	t.Helper()
	r, _ := http.NewRequest("GET", "http://"+addr+"/api/v1/changes?since=0", nil)
	r.Header.Set("Accept", "text/event-stream")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if got := res.Header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
		t.Fatalf("Content-Type %s", got)
	}
	return &eventLines{t, bufio.NewScanner(res.Body)}
}

func (l *eventLines) expect(want ...string) {
	l.t.Helper()
	for _, part := range want {
		if !l.in.Scan() || !strings.HasPrefix(l.in.Text(), part) || part == "" && l.in.Text() != "" {
			l.t.Fatalf("got %q, want %q", l.in.Text(), part)
		}
	}
}

func (l *eventLines) skipTo(want string) {
	l.t.Helper()
	for l.in.Scan() {
		if l.in.Text() == want {
			return
		}
	}
	l.t.Fatalf("the stream ended without %q", want)
}

func TestNew_Incomplete(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{}); err == nil {
		t.Error("no error")
	}
	o := newWorld().serverOptions()
	o.TrustedProxies = []string{"everyone"}
	if _, err := New(o); err == nil {
		t.Error("no error for a proxy that is no address")
	}
}

func TestMetrics_Off(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.NoMetrics = true })
	if rec := call(t, s, "GET", "/metrics", ""); rec.Code != 404 {
		t.Errorf("%d", rec.Code)
	}
	call(t, s, "GET", fiche, "")
	call(t, s, "GET", fiche, "")
	rec := httptest.NewRecorder()
	s.Metrics().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	for _, line := range []string{`palabre_http_requests_total{route="readEntry",status="2xx"} 2`, "palabre_cache_hits_total 1", "palabre_cache_misses_total 1", "palabre_cache_answers 1"} {
		if !strings.Contains(rec.Body.String(), line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

// A body that comes in too slowly or ends early is refused, not waited for.
func TestBody_EndsEarly(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	r := httptest.NewRequest("POST", "/api/v1/content/fiche", errReader{})
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, r)
	if rec.Code != 400 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("i/o timeout") }

// FuzzRequest: whatever is asked, the answer is none of ours to be ashamed of.
func FuzzRequest(f *testing.F) {
	for _, tc := range scenarios {
		header := ""
		if len(tc.send) > 0 {
			header = tc.send[len(tc.send)-1]
		}
		f.Add(tc.method, tc.path, header, tc.body)
	}
	f.Add("GET", fiche, "Accept-Encoding: gzip;q=1.5,,*;q=", "")
	f.Add("PATCH", fiche, `If-Match: "7`, `{"_locale":null}`)
	s := newServer(f, newWorld())
	f.Fuzz(func(t *testing.T, method, path, header, body string) {
		r, err := http.NewRequest(method, "http://x"+path, strings.NewReader(body))
		if err != nil || r.URL.Host != "x" {
			t.Skip()
		}
		r.RequestURI = r.URL.RequestURI()
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set(name, strings.TrimSpace(value))
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, r.WithContext(ctx))
		if rec.Code >= 500 && rec.Code != 503 && rec.Code != 504 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	})
}

package httpapi

import (
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// maxURL is the longest request line target that is read.
const maxURL = 8 << 10

// front is where every request comes in. Its straight way is the cache hit, which is why that way holds nothing that
// allocates beyond what the answer itself needs.
func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	flying := s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	w = s.across(w, r)
	if flying <= int64(s.o.InFlight) && s.hit(w, r) {
		return
	}
	s.enter(w, r, flying)
}

// hit answers from the cache when the very same request line was answered before for an anonymous caller.
func (s *Server) hit(w http.ResponseWriter, r *http.Request) bool {
	if s.cache == nil || (r.Method != http.MethodGet && r.Method != http.MethodHead) || r.ContentLength != 0 || !plain(r.Header) {
		return false
	}
	a := s.cache.recall(rawKey{uri: r.RequestURI})
	if a == nil {
		return false
	}
	plainHeaders(w.Header(), r.Header, s.draining.Load())
	a.tally.hit(s.send(w, r, a))
	s.logHit(r, a)
	return true
}

// plainHeaders are what every answer has. A hit names itself only if the caller did: nothing is logged of it that a name
// would help to find, and with one header less all of them fit into the first eight places of a map, which makes a
// tenth of the whole answer's time.
func plainHeaders(h, asked http.Header, draining bool) {
	h["X-Content-Type-Options"] = nosniff
	if given := asked["X-Request-Id"]; len(given) == 1 && saneID(given[0]) {
		h["X-Request-Id"] = given
	}
	if draining {
		h.Set("Connection", "close")
	}
}

// plain reports whether nothing in the headers sets a request apart from any other anonymous one.
func plain(h http.Header) bool {
	return h["Authorization"] == nil && h[waitHeader] == nil && !mayHoldSession(h)
}

// enter serves what is not a plain hit.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, flying int64) {
	q := &request{ResponseWriter: w, start: time.Now(), who: core.Anonymous}
	plainHeaders(w.Header(), r.Header, s.draining.Load())
	q.id = s.ids.name(w.Header())
	s.boundBody(q, r)
	defer s.leave(q, r)
	defer s.recoverPanic(q, r)
	if err := s.admit(q, r, flying); err != nil {
		s.fail(q, q, r, err)
		return
	}
	if s.cache != nil && r.Method != http.MethodPost && s.hitFor(q, r) {
		return
	}
	s.engine.ServeHTTP(q, r)
}

// admit is what must hold before any route is looked for.
func (s *Server) admit(q *request, r *http.Request, flying int64) error {
	if flying > int64(s.o.InFlight) && !operational(r.URL.Path) {
		return busy()
	}
	if err := checkTarget(r); err != nil {
		return err
	}
	unknown := s.identify(q, r)
	if err := s.limit(q, r); err != nil {
		return err
	}
	if unknown != nil {
		return unknown
	}
	return s.waitForPosition(r)
}

// hitFor is hit for callers who are known, and for those who waited.
func (s *Server) hitFor(q *request, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	a := s.cache.recall(rawKey{who: identity(q.who), uri: r.RequestURI})
	if a == nil {
		return false
	}
	q.tally = a.tally
	a.tally.hits.Inc()
	s.send(q, r, a)
	return true
}

// operational paths are answered however busy the server is.
func operational(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}

// checkTarget refuses every spelling of a path but one: what a proxy in front compared with its rules must be what is routed.
func checkTarget(r *http.Request) error {
	if len(r.RequestURI) > maxURL {
		return tooLongURL()
	}
	p := r.URL.Path
	if r.URL.RawPath != "" || p == "" || p[0] != '/' || strings.ContainsAny(p, "\\\x00\r\n\t\x7f") {
		return noSuchPage()
	}
	if p != "/" && p[len(p)-1] == '/' || strings.Contains(p, "//") || dotted(p) {
		return noSuchPage()
	}
	return nil
}

func dotted(p string) bool {
	return strings.Contains(p, "/./") || strings.Contains(p, "/../") || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..")
}

// recoverPanic turns a bug into an answer. What was panicked with goes to the log only.
func (s *Server) recoverPanic(q *request, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.log.Error("panic", "requestId", q.id, "panic", p, "stack", string(debug.Stack()))
	if q.status != 0 {
		panic(http.ErrAbortHandler) // half an answer is out: cut it off rather than let it look whole
	}
	s.fail(q, q, r, &core.Error{Code: core.CodeInternal})
}

var nosniff = []string{"nosniff"}

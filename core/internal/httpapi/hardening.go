package httpapi

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Every answer has X-Content-Type-Options. The other headers of this file mean something where a browser makes a document
// of an answer, or follows it: they stand on pages, refusals and redirects. JSON that is kept has none of them on purpose.
// With a ninth header a map of Go grows its first table, which makes a tenth of the time of a whole answer.

// secure sets what belongs on every answer that is no plain JSON.
func (s *Server) secure(h http.Header) {
	if strings.HasPrefix(s.o.PublicURL, "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	h.Set("Referrer-Policy", "no-referrer")
}

// securePage adds what only documents need. A page may tell where its readers come from, but not from which page, not even
// to this site: an address may hold a token, and logs of proxies keep what they are told. With no-referrer, browsers would
// not say either that a form comes from here.
func (s *Server) securePage(h http.Header) {
	s.secure(h)
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("X-Frame-Options", "DENY")
}

// bodyRate is the slowest that a body may come in, in bytes a second, after a first grace.
const bodyRate = 50_000

// boundBody gives a body a time to come in. It holds for a body that no handler reads too: the server reads the rest of it
// before it takes the next request, and would wait for as long as the caller likes.
func (s *Server) boundBody(q *request, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	size := r.ContentLength
	if size < 0 || size > s.o.BatchBytes {
		size = s.o.BodyBytes
	}
	q.grace = s.o.BodyGrace
	q.expectBody(size)
}

// expectBody sets the time anew, for a handler that knows better how large a body may be. A writer without a deadline (in
// tests) has no slow callers either.
func (q *request) expectBody(size int64) {
	within := q.grace + time.Duration(size)*(time.Second/bodyRate)
	_ = http.NewResponseController(q.ResponseWriter).SetReadDeadline(time.Now().Add(within))
}

// bodyRead takes the time away again: the connection goes on.
func (q *request) bodyRead() {
	_ = http.NewResponseController(q.ResponseWriter).SetReadDeadline(time.Time{})
}

// brokenBody tells a caller who was too slow from one who left.
func brokenBody(q *request, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		q.Header().Set("Connection", "close")
		return as(http.StatusRequestTimeout, core.Refuse(core.CodeBadRequest, "", "The body came in too slowly.", "Le corps de la requête est arrivé trop lentement."))
	}
	return &core.Error{Code: core.CodeBadRequest, Err: err, Message: "The body ended before it was whole.",
		Texts: core.Text{"en": "The body ended before it was whole.", "fr": "Le corps de la requête est arrivé incomplet."}}
}

package httpapi

import (
	"crypto/rand"
	"encoding/base32"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// request is what the server knows of one request while it serves it, and the writer that watches its answer.
type request struct {
	http.ResponseWriter
	id      string
	who     *core.Principal
	cookie  string // of the session that he came with
	lapsed  error  // why the session that he sent does not hold
	start   time.Time
	tally   *tally
	status  int
	bytes   int
	err     error // what the answer tells of, for the log
	stream  bool
	preview bool          // a preview token says who asks
	grace   time.Duration // that a body has before its rate counts
}

var _ http.Flusher = (*request)(nil)

// of gives the request behind a gin context. Gin's own writer lies directly on it.
func of(c *gin.Context) *request {
	return c.Writer.(interface{ Unwrap() http.ResponseWriter }).Unwrap().(*request)
}

// WriteHeader notes the status.
func (q *request) WriteHeader(status int) {
	if q.status == 0 {
		q.status = status
	}
	q.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (q *request) Write(b []byte) (int, error) {
	if q.status == 0 {
		q.status = http.StatusOK
	}
	n, err := q.ResponseWriter.Write(b)
	q.bytes += n
	return n, err
}

// Flush sends what was written so far.
func (q *request) Flush() { _ = http.NewResponseController(q.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the connection.
func (q *request) Unwrap() http.ResponseWriter { return q.ResponseWriter }

// requestIDs makes identifiers that are unique, short and cheap: a random prefix of this process and a count.
type requestIDs struct {
	prefix string
	count  atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails
	return &requestIDs{prefix: strings.ToLower(base32.StdEncoding.EncodeToString(b[:])) + "-"}
}

// name gives the X-Request-Id that an answer has already, else a new one that it gets.
func (ids *requestIDs) name(h http.Header) string {
	if given := h["X-Request-Id"]; given != nil {
		return given[0]
	}
	id := ids.prefix + strconv.FormatUint(ids.count.Add(1), 36)
	h["X-Request-Id"] = []string{id}
	return id
}

func saneID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

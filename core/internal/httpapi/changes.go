package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

const changesPerPage = 100

// following is a request for the changes.
type following struct {
	since core.Position
	types []core.TypeName
	limit int
}

// followChanges gives a page of the changes, or a stream of them.
func followChanges(s *Server, c *gin.Context) error {
	f, err := followingFrom(c.Request)
	if err != nil {
		return err
	}
	if wantsEvents(c.Request) {
		return s.stream(c, f)
	}
	page, err := s.o.Reader.Changes(c.Request.Context(), of(c).who, f.since, f.types, f.limit)
	if err != nil {
		return err
	}
	if page.Data == nil {
		page.Data = []core.ChangeLine{}
	}
	a := newAnswer(mustJSON(page), 0, jsonKind)
	if of(c).who.Anonymous() {
		a.open(0, 0, time.Time{}, nil)
	}
	s.send(c.Writer, c.Request, a)
	return nil
}

func wantsEvents(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(first(r.Header, "Accept"), "text/event-stream")
}

func followingFrom(r *http.Request) (following, error) {
	f := following{limit: changesPerPage}
	if err := onlyParams(r, "since", "types", "limit"); err != nil {
		return f, err
	}
	params := r.URL.Query()
	since := params.Get("since")
	if resumed := first(r.Header, "Last-Event-Id"); resumed != "" {
		since = resumed
	}
	n, err := positive(since, "since")
	if err != nil {
		return f, err
	}
	f.since = core.Position(n)
	limit, err := positive(params.Get("limit"), "limit")
	if err != nil {
		return f, err
	}
	if limit > 0 {
		f.limit = int(min(limit, 1000))
	}
	for name := range strings.SplitSeq(params.Get("types"), ",") {
		if name != "" && !slices.Contains(f.types, core.TypeName(name)) {
			f.types = append(f.types, core.TypeName(name))
		}
	}
	return f, nil
}

// stream sends the changes as they come, until the caller leaves or the server ends. Each event's id is its position, so
// a browser resumes by itself.
func (s *Server) stream(c *gin.Context, f following) error {
	defer s.streams.Add(-1)
	if s.streams.Add(1) > int64(s.o.Streams) {
		return busy()
	}
	page, err := s.o.Reader.Changes(c.Request.Context(), of(c).who, f.since, f.types, f.limit)
	if err != nil {
		return err
	}
	s.inFlight.Add(-1) // a stream is counted among the streams
	defer s.inFlight.Add(1)
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	go s.cancelAtEnd(ctx, cancel)
	s.follow(ctx, s.newEvents(c), of(c), f, page)
	return nil
}

func (s *Server) cancelAtEnd(ctx context.Context, cancel context.CancelFunc) {
	select {
	case <-s.ending:
		cancel()
	case <-ctx.Done():
	}
}

// follow ends when the caller does not read any more, or the Reader fails: the caller's client comes back by itself.
func (s *Server) follow(ctx context.Context, out *events, q *request, f following, page *core.ChangePage) {
	var err error
	for err == nil && out.page(page) {
		f.since = page.Next
		if page.Last && !s.pause(ctx, out, f.since) {
			return
		}
		if err = s.renew(ctx, q); err == nil {
			page, err = s.o.Reader.Changes(ctx, q.who, f.since, f.types, f.limit)
		}
	}
	q.err = err
}

// renew sees to it that a stream does not outlive its caller: a session that ended, a token that was revoked, a role that
// was taken away.
func (s *Server) renew(ctx context.Context, q *request) (err error) {
	if q.cookie != "" {
		q.who, err = s.o.Accounts.Session(ctx, q.cookie)
		return err
	}
	if r, ok := s.o.Access.(core.Renewer); ok {
		q.who, err = r.Renew(ctx, q.who)
	}
	return err
}

// pause waits for a commit after a position, and gives signs of life meanwhile. It reports whether to go on.
func (s *Server) pause(ctx context.Context, out *events, after core.Position) bool {
	for {
		beat, cancel := context.WithTimeout(ctx, s.o.Heartbeat)
		err := s.o.Wake(beat, after)
		if err != nil {
			<-beat.Done() // a Wake that fails at once must not make this loop spin
		}
		cancel()
		if err == nil || ctx.Err() != nil {
			return ctx.Err() == nil
		}
		if !out.comment("still here") {
			return false
		}
	}
}

// events writes server-sent events.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	last    core.Position
	all     bool // tell of positions without a change too
}

func (s *Server) newEvents(c *gin.Context) *events {
	q := of(c)
	q.stream = true
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	if q.who.Anonymous() {
		h["Access-Control-Allow-Origin"] = anyOrigin
	}
	c.Writer.WriteHeader(http.StatusOK)
	out := &events{w: c.Writer, control: http.NewResponseController(q.ResponseWriter), all: !q.who.Anonymous()}
	out.send("retry: 2000\n\n")
	return out
}

// page sends the changes of a page, and then the position that it reached, so that a follower does not start from afar
// again. The public is not told of it: that something happened which it may not see is nothing that it should see.
func (e *events) page(p *core.ChangePage) bool {
	var b strings.Builder
	for i, line := range p.Data {
		if i+1 == len(p.Data) || p.Data[i+1].Position != line.Position {
			b.WriteString(eventID(line.Position)) // the last of a commit: resuming at it misses nothing
			e.last = line.Position
		}
		b.WriteString("event: change\ndata: ")
		b.Write(mustJSON(line))
		b.WriteString("\n\n")
	}
	if e.all && p.Next > e.last {
		b.WriteString(eventID(p.Next) + "event: position\ndata: {}\n\n")
		e.last = p.Next
	}
	return b.Len() == 0 || e.send(b.String())
}

func eventID(p core.Position) string { return "id: " + strconv.FormatUint(uint64(p), 10) + "\n" }

func (e *events) comment(text string) bool { return e.send(": " + text + "\n\n") }

// send writes and flushes; whoever takes more than ten seconds to read it has gone.
func (e *events) send(text string) bool {
	_ = e.control.SetWriteDeadline(time.Now().Add(10 * time.Second)) // not every writer has one
	if _, err := e.w.Write([]byte(text)); err != nil {
		return false
	}
	return e.control.Flush() == nil
}

package httpapi

import (
	"log/slog"
	"net/http"
	"time"
)

// leave counts and logs a request that was served. The query of an address is never logged, since it may hold a token,
// and a path is logged escaped, so that it cannot forge a line.
func (s *Server) leave(q *request, r *http.Request) {
	took := time.Since(q.start)
	if q.tally == nil {
		q.tally = s.metrics.unrouted
	}
	if !q.stream {
		q.tally.count(q.status, q.bytes, took)
	}
	level := levelOf(r.Method, q.status)
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{slog.String("requestId", q.id), slog.String("method", r.Method), slog.String("path", r.URL.EscapedPath()),
		slog.String("route", q.tally.route), slog.Int("status", q.status), slog.Int("bytes", q.bytes),
		slog.Duration("took", took), slog.String("by", q.who.ID)}
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// levelOf keeps the log readable: reads are many and alike.
func levelOf(method string, status int) slog.Level {
	switch {
	case status >= 500:
		return slog.LevelWarn
	case status >= 400 && status != statusClientGone:
		return slog.LevelInfo
	case method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions || status == statusClientGone:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func (s *Server) logHit(r *http.Request, a *answer) {
	if s.log.Enabled(r.Context(), slog.LevelDebug) {
		s.log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("method", r.Method), slog.String("path", r.URL.EscapedPath()),
			slog.String("route", a.tally.route), slog.Bool("cached", true))
	}
}

package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// statusClientGone is what is logged, and nobody hears, when the caller has left.
const statusClientGone = 499

// statusOf is the only map from codes to HTTP.
func statusOf(code core.Code) int {
	switch code {
	case core.CodeBadRequest:
		return http.StatusBadRequest
	case core.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case core.CodeUnsupported:
		return http.StatusUnsupportedMediaType
	case core.CodeInvalid:
		return http.StatusUnprocessableEntity
	case core.CodeUnauthenticated:
		return http.StatusUnauthorized
	case core.CodeForbidden:
		return http.StatusForbidden
	case core.CodeNotFound:
		return http.StatusNotFound
	case core.CodeConflict:
		return http.StatusConflict
	case core.CodeStale:
		return http.StatusPreconditionFailed
	case core.CodePrecondition:
		return http.StatusPreconditionRequired
	case core.CodeRateLimited:
		return http.StatusTooManyRequests
	case core.CodeUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// problem is the body of every refusal, RFC 9457.
type problem struct {
	status int
	code   core.Code
	title  string
	detail string
	fields []core.FieldError
	extra  map[string]any
}

// fail answers with the problem behind an error. It is the only writer of errors.
func (s *Server) fail(w http.ResponseWriter, q *request, r *http.Request, err error) {
	q.err = err
	p := s.problemOf(q, r, err)
	s.logFailure(q, r, p.status, err)
	if q.status != 0 {
		return
	}
	failureHeaders(w.Header(), p)
	s.secure(w.Header())
	if wantsPage(r) {
		s.failPage(w, q, r, p)
		return
	}
	body := p.json(r, q.id)
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.status)
	_, _ = w.Write(body) // a caller who does not listen any more is told nothing
}

func failureHeaders(h http.Header, p problem) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", p.extraText("language"))
	h.Set("Vary", "Accept-Language, Authorization")
	if p.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="palabre"`)
	}
	if seconds, ok := p.extra["retryAfter"].(int); ok {
		h.Set("Retry-After", strconv.Itoa(seconds))
	}
	if rev, ok := p.extra["rev"].(int64); ok && p.status == http.StatusPreconditionFailed {
		h.Set("Etag", revTag(rev))
	}
}

// problemOf finds what may be said of an error. Whatever is not ours to say stays in the log.
func (s *Server) problemOf(q *request, r *http.Request, err error) problem {
	lang := languageOf(r.Header)
	e, ok := core.AsError(err)
	if !ok {
		e = &core.Error{Code: core.CodeOf(err)}
	}
	p := problem{status: statusOf(e.Code), code: e.Code, extra: map[string]any{}}
	for name, v := range e.Extra {
		p.extra[name] = v
	}
	p.extra["language"] = string(lang)
	p.override(r, err, e)
	p.title, p.detail = titleOf(p.status).In(lang), detailOf(e, p.status, q.id, lang)
	p.fields = worded(e.Fields, lang)
	if e.Reason != "" {
		p.extra["reason"] = e.Reason
	}
	return p
}

// override gives the statuses that no code has: the caller has gone, time ran out, and the finer ones of HTTP.
func (p *problem) override(r *http.Request, err error, e *core.Error) {
	if status, ok := p.extra["httpStatus"].(int); ok {
		p.status = status
		delete(p.extra, "httpStatus")
		if status == http.StatusRequestTimeout {
			return // the caller is there: reading in vain has ended the request's context
		}
	}
	switch {
	case r.Context().Err() != nil && e.Code != core.CodeUnavailable || errors.Is(err, context.Canceled):
		p.status, p.code = statusClientGone, core.CodeUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		p.status, p.code = http.StatusGatewayTimeout, core.CodeUnavailable
	}
	if p.code == core.CodeUnavailable || p.code == core.CodeRateLimited {
		if _, ok := p.extra["retryAfter"].(int); !ok {
			p.extra["retryAfter"] = 5
		}
	}
}

func (p *problem) extraText(name string) string {
	s, _ := p.extra[name].(string)
	return s
}

// worded chooses each message's language. What has no text in it keeps its message.
func worded(fields []core.FieldError, lang core.Locale) []core.FieldError {
	out := make([]core.FieldError, len(fields))
	for i, f := range fields {
		if text := f.Texts[lang]; text != "" || f.Message == "" {
			f.Message = f.Texts.In(lang)
		}
		out[i] = f
	}
	return out
}

// json writes the problem: the members of RFC 9457 first, in their order, then what the error adds.
func (p problem) json(r *http.Request, id string) []byte {
	m := map[string]any{}
	for name, v := range p.extra {
		m[free(name)] = v
	}
	delete(m, "language")
	head := struct {
		Type      string            `json:"type"`
		Title     string            `json:"title"`
		Status    int               `json:"status"`
		Code      core.Code         `json:"code"`
		Detail    string            `json:"detail"`
		Instance  string            `json:"instance"`
		Errors    []core.FieldError `json:"errors,omitempty"`
		RequestID string            `json:"requestId"`
	}{problemType(p.code), p.title, p.status, p.code, p.detail, r.URL.EscapedPath(), p.fields, id}
	return joined(mustJSON(head), m)
}

// free gives a name that the problem itself does not use: "status" becomes "currentStatus".
func free(name string) string {
	switch name {
	case "type", "title", "status", "code", "detail", "instance", "requestId", "errors":
		return "current" + strings.ToUpper(name[:1]) + name[1:]
	}
	return name
}

// joined adds members to the text of an object that is not empty.
func joined(object []byte, more map[string]any) []byte {
	if len(more) == 0 {
		return object
	}
	tail, err := json.Marshal(more)
	if err != nil {
		return object // an error's figures that cannot be shown are left out rather than spoil the answer
	}
	return append(append(object[:len(object)-1], ','), tail[1:]...)
}

func problemType(code core.Code) string {
	return "/problems/" + strings.ReplaceAll(string(code), "_", "-")
}

// logFailure says what went wrong, in full where it is ours.
func (s *Server) logFailure(q *request, r *http.Request, status int, err error) {
	level := slog.LevelDebug
	switch {
	case status == statusClientGone || status == http.StatusGatewayTimeout:
	case status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case status >= 500:
		level = slog.LevelError
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	s.log.LogAttrs(r.Context(), level, "refused", slog.String("requestId", q.id), slog.Int("status", status), slog.String("error", err.Error()))
}

// detailOf gives the sentence for the caller.
func detailOf(e *core.Error, status int, id string, lang core.Locale) string {
	switch {
	case e.Code == core.CodeInternal:
		return core.Text{"en": "Something went wrong. Reference " + id + ".", "fr": "Une erreur est survenue. Référence " + id + "."}.In(lang)
	case status == http.StatusGatewayTimeout:
		return core.Text{"en": "The answer took too long. Ask again, or ask for less.", "fr": "La réponse a pris trop de temps. Réessayez, ou demandez moins."}.In(lang)
	case e.In(lang) != "":
		return e.In(lang)
	}
	return titleOf(status).In(lang)
}

// as gives an error of this package a status of HTTP that no code stands for.
func as(status int, err error) error { return with(err, "httpStatus", status) }

func retryAfter(err error, d time.Duration) error {
	return with(err, "retryAfter", max(1, int(d/time.Second)))
}

func with(err error, name string, v any) error {
	e, ok := core.AsError(err)
	if !ok {
		return err
	}
	more := *e
	more.Extra = map[string]any{name: v}
	for k, have := range e.Extra {
		if k != name {
			more.Extra[k] = have
		}
	}
	return &more
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("httpapi: cannot be written as JSON: " + err.Error()) // plain values of ours: they always can
	}
	return b
}

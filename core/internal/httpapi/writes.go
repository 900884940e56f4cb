package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// written is a write that is ready to be made.
type written struct {
	op      core.Operation
	params  url.Values // of the address
	body    []byte     // as it came, for the idempotency key
	options core.WriteOptions
}

func createEntry(s *Server, c *gin.Context) error {
	w, err := s.dataWrite(c, core.OperationCreate, jsonTypes)
	if err != nil {
		return err
	}
	return s.write(c, w)
}

func updateEntry(s *Server, c *gin.Context) error {
	w, err := s.dataWrite(c, core.OperationUpdate, patchTypes)
	if err != nil {
		return err
	}
	return s.writeEntry(c, w)
}

// replaceEntry replaces an entry, or with If-None-Match: * makes it under the identifier that the caller chose, so that
// a repeated request makes one entry only.
func replaceEntry(s *Server, c *gin.Context) error {
	w, err := s.dataWrite(c, core.OperationReplace, jsonTypes)
	if err != nil {
		return err
	}
	if first(c.Request.Header, "If-None-Match") != "*" {
		return s.writeEntry(c, w)
	}
	if w.op.ID, err = idParam(c); err != nil {
		return core.Refuse(core.CodeBadRequest, "", "A new entry's identifier must be a ULID in lower case, 26 characters.",
			"L’identifiant d’un nouveau contenu doit être un ULID en minuscules, de 26 caractères.")
	}
	w.op.Op = core.OperationCreate
	return unlessThere(s.write(c, w))
}

// unlessThere words for a condition what the write path says of an identifier that is taken. Only the write path may
// say it: it asks for the caller's rights first.
func unlessThere(err error) error {
	if e, ok := core.AsError(err); !ok || e.Code != core.CodeConflict || e.Reason != "exists" {
		return err
	}
	return core.Refuse(core.CodeStale, "", "There is an entry with this identifier already.", "Un contenu porte déjà cet identifiant.")
}

func deleteEntry(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, "purge", "comment"); err != nil {
		return err
	}
	w := &written{op: core.Operation{Op: core.OperationDelete}, params: c.Request.URL.Query()}
	purge, err := flag(w.params, "purge")
	if err != nil {
		return err
	}
	if purge {
		w.op.Op = core.OperationPurge
	}
	return s.writeEntry(c, w)
}

// moveEntry moves an entry in its workflow; "restore" takes it out of the trash.
func moveEntry(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, shapeParams...); err != nil {
		return err
	}
	body, raw, err := s.optionalObject(c)
	if err != nil {
		return err
	}
	w := &written{op: core.Operation{Op: core.OperationTransition, Transition: c.Param("name")}, params: c.Request.URL.Query(), body: raw}
	if err := moveFrom(&w.op, body); err != nil {
		return err
	}
	if t, ok := s.o.Types.Type(typeParam(c)); ok && w.op.Transition == "restore" {
		if _, _, own := t.Workflow.Transition("restore", ""); !own {
			w.op.Op, w.op.Transition = core.OperationRestore, ""
		}
	}
	return s.writeEntry(c, w)
}

// moveFrom reads the body of a transition: when, and why.
func moveFrom(op *core.Operation, body map[string]any) error {
	for name, v := range body {
		text, isText := v.(string)
		switch {
		case name == "at" && v == nil, name == "comment" && v == nil:
		case name == "at":
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return invalid("/at", "format", "A time is written like 2026-02-01T09:00:00Z.", "Une date et heure s’écrit ainsi : 2026-02-01T09:00:00Z.")
			}
			at = at.UTC()
			op.At = &at
		case name == "comment" && isText:
			op.Comment = text
		default:
			return unknownMember(name, "at", "comment")
		}
	}
	return nil
}

func restoreRevision(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, shapeParams...); err != nil {
		return err
	}
	_, rev, err := revisionParam(c)
	if err != nil {
		return err
	}
	body, raw, err := s.optionalObject(c)
	if err != nil {
		return err
	}
	w := &written{op: core.Operation{Op: core.OperationRestore, Rev: rev}, params: c.Request.URL.Query(), body: raw}
	if err := moveFrom(&w.op, body); err != nil {
		return err
	}
	if w.op.At != nil {
		return unknownMember("at", "comment")
	}
	return s.writeEntry(c, w)
}

// shapeParams say what the answer to a write looks like; they are the Reader's.
var shapeParams = []string{"fields", "include", "locale", "richtext"}

// dataWrite reads a write that carries fields.
func (s *Server) dataWrite(c *gin.Context, kind core.OperationKind, accept []string) (*written, error) {
	if err := onlyParams(c.Request, append([]string{"publish", "comment"}, shapeParams...)...); err != nil {
		return nil, err
	}
	w := &written{op: core.Operation{Op: kind}, params: c.Request.URL.Query()}
	var err error
	if w.op.Publish, err = flag(w.params, "publish"); err != nil {
		return nil, err
	}
	if w.op.Data, w.body, err = s.object(c, s.o.BodyBytes, accept); err != nil {
		return nil, err
	}
	w.op.Type = typeParam(c)
	return w, takeReserved(&w.op, "")
}

// takeReserved takes "_locale" out of the fields, and refuses every other name that is the system's.
func takeReserved(op *core.Operation, at string) error {
	var wrong []core.FieldError
	for name, v := range op.Data {
		if !strings.HasPrefix(name, "_") {
			continue
		}
		locale, isText := v.(string)
		if name != "_locale" || !isText {
			wrong = append(wrong, reserved(at, name))
			continue
		}
		op.Locale = core.Locale(locale)
		delete(op.Data, name)
	}
	if len(wrong) > 0 {
		return core.Invalid(sorted(wrong)...)
	}
	return nil
}

func reserved(at, name string) core.FieldError {
	f := fieldError(at+pointer(name), "reserved", "Names that begin with “_” are set by the system: leave this one out.",
		"Les noms qui commencent par « _ » sont réservés au système : retirez celui-ci.")
	if name == "_locale" {
		f = fieldError(at+pointer(name), "type", "“_locale” must be a language such as \"fr\".", "« _locale » doit être une langue, par exemple \"fr\".")
	}
	return f
}

// writeEntry makes a write on the entry that the address names.
func (s *Server) writeEntry(c *gin.Context, w *written) error {
	id, err := idParam(c)
	if err != nil {
		return err
	}
	w.op.Type, w.op.ID = typeParam(c), id
	if w.op.IfMatch, err = s.ifMatch(c, w.op.Type, id); err != nil {
		return err
	}
	return s.write(c, w)
}

// write makes it and replies.
func (s *Server) write(c *gin.Context, w *written) error {
	q := of(c)
	w.op.Comment = either(w.op.Comment, w.params.Get("comment"))
	w.options.RequireMatch = q.who.Kind == "user"
	var err error
	if w.options.Key, err = idempotencyKey(c.Request, q.who, w.body); err != nil {
		return err
	}
	res, err := s.commit(c, []core.Operation{w.op}, w.options)
	if err != nil {
		return err
	}
	return s.replyWritten(c, w, res.Items[0])
}

// commit performs operations, and holds the reply back until this node's readers see them.
func (s *Server) commit(c *gin.Context, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	res, err := s.o.Content.Write(c.Request.Context(), of(c).who, ops, o)
	if err != nil {
		return nil, err
	}
	s.seen(c.Request.Context(), res.Position)
	h := c.Writer.Header()
	h.Set(positionHeader, strconv.FormatUint(uint64(res.Position), 10))
	h.Set("Cache-Control", "no-store")
	if res.Replayed {
		h.Set("Idempotency-Replayed", "true")
	}
	return res, nil
}

// seen waits until the catalog has folded a commit. It is done already, but for a node that fell behind: then the caller
// can still ask with Wait-For-Position.
func (s *Server) seen(ctx context.Context, p core.Position) {
	if s.o.Catalog.Position() >= p {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = s.o.Catalog.Wait(limited, p)
}

func (s *Server) replyWritten(c *gin.Context, w *written, item core.ResultItem) error {
	if w.op.Op == core.OperationDelete || w.op.Op == core.OperationPurge || item.Entry == nil {
		c.Writer.WriteHeader(http.StatusNoContent)
		c.Writer.WriteHeaderNow()
		return nil
	}
	h := c.Writer.Header()
	h.Set("Etag", revTag(item.Entry.Rev))
	status := http.StatusOK
	if item.Created || w.op.Op == core.OperationCreate {
		status = http.StatusCreated
		h.Set("Location", s.absolute(entryURL(item.Type, string(item.ID))))
	}
	reply(c, status, withWarnings(s.shown(c, item.Entry, w), item.Warnings, languageOf(c.Request.Header)))
	return nil
}

// withWarnings adds what is odd about an entry to the answer to its writer.
func withWarnings(body []byte, warnings []core.FieldError, lang core.Locale) []byte {
	if len(warnings) == 0 {
		return body
	}
	return joined(body, map[string]any{"_warnings": worded(warnings, lang)})
}

// absolute gives the address as the world sees it, when that is known.
func (s *Server) absolute(path string) string {
	return strings.TrimSuffix(s.o.PublicURL, "/") + path
}

// shown renders an entry for its writer. Who may write but not read is told what was written, and no more.
func (s *Server) shown(c *gin.Context, e *core.Entry, w *written) []byte {
	params := url.Values{}
	for _, name := range shapeParams {
		if w.params.Has(name) {
			params[name] = w.params[name]
		}
	}
	if w.op.Locale != "" && !params.Has("locale") {
		params.Set("locale", string(w.op.Locale))
	}
	a, err := s.o.Reader.Show(c.Request.Context(), of(c).who, e, params)
	if err == nil {
		return a.Body
	}
	s.logFailure(of(c), c.Request, statusOf(core.CodeOf(err)), err)
	return mustJSON(map[string]any{"_id": e.ID, "_type": e.Type, "_rev": e.Rev})
}

// reply writes a body that nobody keeps.
func reply(c *gin.Context, status int, body []byte) {
	h := c.Writer.Header()
	h["Content-Type"] = jsonKind
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	c.Writer.WriteHeader(status)
	_, _ = c.Writer.Write(body)
}

package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

var (
	jsonTypes  = []string{"application/json"}
	patchTypes = []string{"application/merge-patch+json", "application/json"}
)

// object reads a body that must be a JSON object.
func (s *Server) object(c *gin.Context, limit int64, accept []string) (map[string]any, []byte, error) {
	if err := mediaType(c, accept); err != nil {
		return nil, nil, err
	}
	raw, err := readBody(c, limit)
	if err != nil {
		return nil, nil, err
	}
	obj, err := jsondoc.DecodeObject(raw, limitsFor(limit))
	return obj, raw, err
}

// optionalObject is object for routes that do well without a body.
func (s *Server) optionalObject(c *gin.Context) (map[string]any, []byte, error) {
	if c.Request.ContentLength == 0 {
		return nil, nil, nil
	}
	if first(c.Request.Header, "Content-Type") == "" {
		raw, err := readBody(c, s.o.BodyBytes)
		if err != nil || len(raw) == 0 {
			return nil, nil, err
		}
		return nil, nil, wrongMediaType(c, jsonTypes)
	}
	return s.object(c, s.o.BodyBytes, jsonTypes)
}

// limitsFor lets a larger body hold more, at the same density.
func limitsFor(bytes int64) jsondoc.Limits {
	l := jsondoc.Default
	if bytes > int64(l.Bytes) {
		l.Nodes *= int(bytes / int64(l.Bytes))
	}
	l.Bytes = int(bytes)
	return l
}

func mediaType(c *gin.Context, accept []string) error {
	if encoding := first(c.Request.Header, "Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return core.Refuse(core.CodeUnsupported, "", "Send the body as it is, without Content-Encoding.", "Envoyez le corps tel quel, sans Content-Encoding.")
	}
	kind, params, err := mime.ParseMediaType(first(c.Request.Header, "Content-Type"))
	if err != nil || !slices.Contains(accept, kind) || !utf8Charset(params["charset"]) {
		return wrongMediaType(c, accept)
	}
	return nil
}

func utf8Charset(s string) bool { return s == "" || strings.EqualFold(s, "utf-8") }

func wrongMediaType(c *gin.Context, accept []string) error {
	header := "Accept-Post"
	if c.Request.Method == http.MethodPatch {
		header = "Accept-Patch"
	}
	c.Writer.Header().Set(header, strings.Join(accept, ", "))
	return core.Refuse(core.CodeUnsupported, "", "The Content-Type must be "+strings.Join(accept, " or ")+", in UTF-8.",
		"Le Content-Type doit être "+strings.Join(accept, " ou ")+", en UTF-8.")
}

// readBody reads a whole body that is not over the limit and does not take for ever.
func readBody(c *gin.Context, limit int64) ([]byte, error) {
	if c.Request.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	q := of(c)
	if c.Request.ContentLength < 0 {
		q.expectBody(limit)
	}
	body, err := io.ReadAll(http.MaxBytesReader(q.ResponseWriter, c.Request.Body, limit))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, brokenBody(q, err)
	}
	q.bodyRead()
	return body, nil
}

func tooLarge(limit int64) error {
	size := humanBytes(limit)
	return core.Refuse(core.CodeTooLarge, "", "The body is larger than "+size[0]+".", "Le corps de la requête dépasse "+size[1]+".")
}

// onlyParams refuses parameters that the route does not know.
func onlyParams(r *http.Request, known ...string) error {
	params, err := queryOf(r)
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(params) {
		if !slices.Contains(known, name) {
			return unknownParam(name, known)
		}
		if len(params[name]) > 1 {
			return core.Refuse(core.CodeBadRequest, "", "“"+name+"” is given more than once.", "« "+name+" » est donné plusieurs fois.")
		}
	}
	return nil
}

func sortedKeys(params url.Values) []string {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func unknownParam(name string, known []string) error {
	return unknown("parameter", "paramètre", name, known)
}

func unknownMember(name string, known ...string) error {
	return unknown("member", "membre", name, known)
}

// unknown names what is not known here, and what would be.
func unknown(what, quoi, name string, known []string) error {
	en, fr := "The "+what+" “"+clip(name)+"” is not known here.", "Le "+quoi+" « "+clip(name)+" » est inconnu ici."
	if len(known) > 0 {
		list := strings.Join(known, ", ")
		en, fr = en+" Known: "+list+".", fr+" Connus : "+list+"."
	}
	e := &core.Error{Code: core.CodeBadRequest, Reason: "unknown_" + what, Message: en, Texts: core.Text{"en": en, "fr": fr}}
	return e
}

// clip keeps a caller's words from filling an answer or a log.
func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	return strings.ToValidUTF8(s[:80], "") + "…"
}

// flag reads a parameter that is true or false.
func flag(params url.Values, name string) (bool, error) {
	switch params.Get(name) {
	case "":
		return params.Has(name), nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, core.Refuse(core.CodeBadRequest, "", "“"+name+"” must be true or false.", "« "+name+" » doit valoir true ou false.")
}

func pointer(name string) string { return jsondoc.Pointer(name) }

func fieldError(at, keyword, en, fr string) core.FieldError {
	return core.FieldError{Pointer: at, Keyword: keyword, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

func invalid(at, keyword, en, fr string) error { return core.Invalid(fieldError(at, keyword, en, fr)) }

func sorted(fields []core.FieldError) []core.FieldError {
	sort.Slice(fields, func(i, j int) bool { return fields[i].Pointer < fields[j].Pointer })
	return fields
}

// rawMembers splits an object that jsondoc has accepted into its members as they were written.
func rawMembers(body []byte) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	_ = json.Unmarshal(body, &m) // decoded once already
	return m
}

// humanBytes says a size in English and in French.
func humanBytes(n int64) [2]string {
	if n >= 1<<20 {
		mb := itoa(n >> 20)
		return [2]string{mb + " MB", mb + " Mo"}
	}
	if n >= 1<<10 {
		kb := itoa(n >> 10)
		return [2]string{kb + " KB", kb + " Ko"}
	}
	return [2]string{itoa(n) + " bytes", itoa(n) + " octets"}
}

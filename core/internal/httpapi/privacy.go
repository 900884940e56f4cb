package httpapi

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// erasureType is the system type on which the rights to personal data are.
const erasureType core.TypeName = "_erasure"

// allowErasing asks for the right on erasures before a body is read.
func (s *Server) allowErasing(c *gin.Context, q *request, action core.Action) error {
	if q.who.Anonymous() {
		return core.Refuse(core.CodeUnauthenticated, "", "Personal data is looked after by those who have signed in. Send an API token as “Authorization: Bearer pal_…”.",
			"Les données personnelles sont gérées par des personnes identifiées. Envoyez un jeton d’API ainsi : « Authorization: Bearer pal_… ».")
	}
	t, ok := s.o.Types.Type(erasureType)
	if !ok {
		return core.NoType(erasureType)
	}
	_, err := s.o.Access.Scope(c.Request.Context(), q.who, t, action)
	if core.CodeOf(err) == core.CodeNotFound {
		return core.Refuse(core.CodeForbidden, "", "Your role does not allow this.", "Votre rôle ne le permet pas.")
	}
	return err
}

// privacyRegister lists the processing of personal data, as JSON or as a table.
func privacyRegister(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, "format"); err != nil {
		return err
	}
	format := c.Query("format")
	if format != "" && format != "json" && format != "csv" {
		return core.Refuse(core.CodeBadRequest, "", "“format” is json or csv.", "« format » vaut json ou csv.")
	}
	lines, err := s.o.Privacy.Register(c.Request.Context(), of(c).who)
	if err != nil {
		return err
	}
	c.Writer.Header().Set("Vary", "Accept, Accept-Language, Authorization")
	if format == "csv" || format == "" && strings.HasPrefix(first(c.Request.Header, "Accept"), "text/csv") {
		replyTable(c, RegisterTable(lines, languageOf(c.Request.Header)))
		return nil
	}
	reply(c, http.StatusOK, mustJSON(map[string]any{"data": lines}))
	return nil
}

// RegisterTable writes the register for a spreadsheet, in the caller's language.
func RegisterTable(lines []core.Processing, lang core.Locale) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head := []string{"Type", "Label", "Subject", "Purpose", "Legal basis", "Kept for", "Class", "Fields", "Labels", "Entries"}
	if lang == "fr" {
		head = []string{"Type", "Libellé", "Personnes", "Finalité", "Base légale", "Conservation", "Classe", "Champs", "Libellés", "Contenus"}
	}
	rows := [][]string{head}
	for _, p := range lines {
		var labels []string
		for _, l := range p.Labels {
			labels = append(labels, l.In(lang))
		}
		rows = append(rows, []string{string(p.Type), p.Label.In(lang), p.Subject, p.Purpose, p.Basis, p.Keep, p.Class,
			strings.Join(p.Fields, ", "), strings.Join(labels, ", "), strconv.Itoa(p.Entries)})
	}
	for _, row := range rows {
		for i := range row {
			row[i] = guard(row[i])
		}
		_ = w.Write(row) // a buffer takes everything
	}
	w.Flush()
	return b.Bytes()
}

// formula is what a spreadsheet would run.
var formula = regexp.MustCompile(`^'*[=+@\t\r\n-]`)

func guard(cell string) string {
	if formula.MatchString(cell) {
		return "'" + cell
	}
	return cell
}

func replyTable(c *gin.Context, table []byte) {
	h := c.Writer.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="register.csv"`)
	h.Set("Content-Length", strconv.Itoa(len(table)))
	h.Set("Cache-Control", "no-store")
	c.Writer.WriteHeader(http.StatusOK)
	_, _ = c.Writer.Write(table)
}

// subject is a body that names somebody: in an address it would end in logs.
type subject struct {
	Text  string          `json:"text"`
	Types []core.TypeName `json:"types"`
}

func findSubject(s *Server, c *gin.Context) error {
	var body subject
	if err := s.fill(c, &body, false, "text", "types"); err != nil {
		return err
	}
	return s.keepOn(c, http.StatusOK, func(ctx context.Context) (any, error) {
		return s.o.Privacy.Find(ctx, of(c).who, core.SubjectQuery{Text: body.Text, Types: body.Types})
	})
}

func exportSubject(s *Server, c *gin.Context) error {
	var body subject
	if err := s.fill(c, &body, false, "text", "types"); err != nil {
		return err
	}
	c.Writer.Header().Set("Content-Disposition", `attachment; filename="subject.json"`)
	return s.keepOn(c, http.StatusOK, func(ctx context.Context) (any, error) {
		return s.o.Privacy.Export(ctx, of(c).who, core.SubjectQuery{Text: body.Text, Types: body.Types})
	})
}

func erase(s *Server, c *gin.Context) error {
	var body core.Erasure
	if err := s.fill(c, &body, false, "entries", "reason", "dryRun"); err != nil {
		return err
	}
	status := http.StatusCreated
	if body.DryRun {
		status = http.StatusOK
	}
	return s.keepOn(c, status, func(ctx context.Context) (any, error) { return s.o.Privacy.Erase(ctx, of(c).who, body) })
}

func reviewRetention(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	return s.keepOn(c, http.StatusOK, func(ctx context.Context) (any, error) { return s.o.Privacy.Retention(ctx, of(c).who, true) })
}

func sweepRetention(s *Server, c *gin.Context) error {
	var body struct {
		DryRun bool `json:"dryRun"`
	}
	if err := s.fill(c, &body, true, "dryRun"); err != nil {
		return err
	}
	return s.keepOn(c, http.StatusOK, func(ctx context.Context) (any, error) {
		return s.o.Privacy.Retention(ctx, of(c).who, body.DryRun)
	})
}

// fill reads a body into a struct: no member but those named, each of its type.
func (s *Server) fill(c *gin.Context, into any, optional bool, members ...string) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	read := func() (map[string]any, []byte, error) { return s.object(c, s.o.BodyBytes, jsonTypes) }
	if optional {
		read = func() (map[string]any, []byte, error) { return s.optionalObject(c) }
	}
	body, raw, err := read()
	if err != nil || raw == nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if !slices.Contains(members, name) {
			return unknownMember(name, members...)
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &core.Error{Code: core.CodeBadRequest, Err: err, Message: "A member of the body is not of its kind, or not known: see /openapi.json.",
			Texts: core.Text{"en": "A member of the body is not of its kind, or not known: see /openapi.json.",
				"fr": "Un membre du corps n’a pas la bonne forme ou n’est pas connu : voyez /openapi.json."}}
	}
	return nil
}

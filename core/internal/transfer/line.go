package transfer

import (
	"fmt"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// line is a record ready to be written: an operation, and the transitions to schedule once the entry is there.
type line struct {
	number   int
	bytes    int
	op       core.Operation
	schedule []core.Operation
	err      error
}

// key tells lines of one entry: two of them must not be under way at once. "" is an entry of its own.
func (l *line) key() string {
	if l.op.Match == "" {
		return string(l.op.ID)
	}
	v, _ := jsondoc.Lookup(l.op.Data, l.op.Match)
	return fmt.Sprintf("%s/%v", l.op.Type, v)
}

// reader turns records into lines. It may be used by many goroutines at once.
type reader struct {
	options *ImportOptions
	columns columns // of CSV
}

func (r *reader) line(rec record) line {
	l := line{number: rec.line, bytes: len(rec.json), err: rec.err}
	if l.err != nil {
		return l
	}
	for _, cell := range rec.cells {
		l.bytes += len(cell) + 16
	}
	doc, t, err := r.document(rec)
	if err != nil {
		l.err = err
		return l
	}
	l.op = core.Operation{Op: core.OperationCreate, Type: t.Name, Data: doc}
	l.err = r.complete(&l, doc)
	return l
}

// document reads and maps the fields, and finds the type.
func (r *reader) document(rec record) (map[string]any, *core.Type, error) {
	if rec.json == nil {
		t, err := r.typeOf(r.columns.typeCell(rec.cells))
		if err != nil {
			return nil, nil, err
		}
		doc := r.columns.document(t, rec.cells)
		r.options.Mapping.apply(doc)
		return doc, t, nil
	}
	doc, err := jsondoc.DecodeObject(rec.json, jsondoc.Default)
	if err != nil {
		return nil, nil, err
	}
	doc = r.options.Mapping.rename(doc)
	name, _ := doc["_type"].(string)
	t, err := r.typeOf(name)
	r.options.Mapping.apply(doc)
	return doc, t, err
}

// typeOf finds the type that a line names, or else the import's.
func (r *reader) typeOf(name string) (*core.Type, error) {
	want := r.options.Type
	if want == "" && r.options.Mapping != nil {
		want = r.options.Mapping.Type
	}
	switch {
	case name == "" && want == "":
		return nil, fieldError("/_type", "required", "The line names no type: add _type, or say --type.")
	case name == "":
		name = string(want)
	case want != "" && core.TypeName(name) != want:
		return nil, fieldError("/_type", "type", fmt.Sprintf("The line is of type %s, the import of %s.", name, want))
	}
	t, ok := r.options.Types.Type(core.TypeName(name))
	if !ok {
		return nil, fieldError("/_type", "type", fmt.Sprintf("There is no type %s.", name))
	}
	return t, nil
}

// passedOver are the facts of another store, which an export writes and an import cannot keep.
var passedOver = [...]string{"_type", "_rev", "_createdAt", "_updatedAt", "_publishedAt", "_createdBy", "_updatedBy", "_trashedAt",
	"_published", "_schedule", "_score", "_highlights", "_distance", "_redirect"}

// complete takes the system's members out of the fields and makes of them what the operation does.
func (r *reader) complete(l *line, doc map[string]any) error {
	for _, name := range passedOver {
		delete(doc, name)
	}
	id, err := takeText(doc, "_id")
	if err != nil {
		return err
	}
	locale, err := takeText(doc, core.DocLocale)
	if err != nil {
		return err
	}
	l.op.ID, l.op.Locale = core.EntryID(id), core.Locale(locale)
	if err := r.status(l, doc); err != nil {
		return err
	}
	r.upsert(l)
	return nil
}

// upsert makes the operation find the entry that is already there.
func (r *reader) upsert(l *line) {
	if r.options.Upsert == "" {
		return
	}
	l.op.Op, l.op.Match = core.OperationUpsert, r.options.Upsert
	if r.options.Upsert == "_id" {
		l.op.Match = ""
	}
}

// status reads what is to become of the entry: _status, _publishAt and _unpublishAt.
func (r *reader) status(l *line, doc map[string]any) error {
	status, err := takeText(doc, "_status")
	if err != nil {
		return err
	}
	publishAt, err := takeTime(doc, "_publishAt")
	if err != nil {
		return err
	}
	unpublishAt, err := takeTime(doc, "_unpublishAt")
	if err != nil {
		return err
	}
	switch status {
	case "":
		l.op.Publish = r.options.Publish && publishAt == nil
	case string(core.StatusPublished):
		l.op.Publish = true
		publishAt = nil
	case string(core.StatusDraft):
		publishAt = nil
	case "scheduled":
		if publishAt == nil {
			return fieldError("/_publishAt", "required", "A scheduled line needs a time in _publishAt.")
		}
	default:
		return fieldError("/_status", "enum", fmt.Sprintf("%q is not published, draft or scheduled.", status))
	}
	l.plan("publish", publishAt)
	l.plan("unpublish", unpublishAt)
	return nil
}

func (l *line) plan(transition string, at *time.Time) {
	if at != nil {
		l.schedule = append(l.schedule, core.Operation{Op: core.OperationTransition, Type: l.op.Type, Transition: transition, At: at})
	}
}

func takeText(doc map[string]any, name string) (string, error) {
	v, ok := doc[name]
	delete(doc, name)
	if !ok || v == nil {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", fieldError(jsondoc.Pointer(name), "type", name+" must be text.")
	}
	return strings.TrimSpace(s), nil
}

func takeTime(doc map[string]any, name string) (*time.Time, error) {
	s, err := takeText(doc, name)
	if err != nil || s == "" {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, fieldError(jsondoc.Pointer(name), "format", fmt.Sprintf("%q is not a time like 2026-12-31T08:00:00Z.", s))
	}
	return &at, nil
}

func fieldError(pointer, keyword, message string) error {
	return core.Invalid(core.FieldError{Pointer: pointer, Keyword: keyword, Message: message})
}

// typeCell gives the cell of the column _type, when there is one.
func (c *columns) typeCell(cells []string) string {
	for i, name := range c.header {
		if to, keep := c.mapping.field(strings.TrimSpace(name)); keep && to == "_type" && i < len(cells) {
			return cells[i]
		}
	}
	return ""
}

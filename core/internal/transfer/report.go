package transfer

import (
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Report is what an import did.
type Report struct {
	Lines     int // read
	Created   int
	Updated   int
	Unchanged int
	Failed    int // lines
	Warned    int // lines that were taken and are odd
	Kinds     map[string]int
	DryRun    bool
	Partial   string // what a dry run could not check, as a sentence; "" when it checked everything
}

// BadLine is one thing wrong with one line, or odd about it.
type BadLine struct {
	Line    int
	Pointer string // into the line's document, "" for the whole
	Value   string // what stands there, shortened; "" when nothing does
	Keyword string
	Message string
}

// String writes the bad line as one row of a report.
func (b BadLine) String() string {
	s := fmt.Sprintf("line %d: ", b.Line)
	if b.Pointer != "" {
		s += b.Pointer + ": "
	}
	if b.Value != "" {
		s += b.Value + ": "
	}
	return s + b.Message + " [" + b.Keyword + "]"
}

// add counts a line's outcome.
func (r *Report) add(o Outcome) {
	if len(o.Warnings) > 0 {
		r.Warned++
	}
	switch {
	case o.Created:
		r.Created++
	case o.Changed:
		r.Updated++
	default:
		r.Unchanged++
	}
}

// fail counts a bad line and gives its rows.
func (r *Report) fail(l *line, locale core.Locale, err error) []BadLine {
	rows := badLines(l, locale, err)
	r.Failed++
	if r.Kinds == nil {
		r.Kinds = map[string]int{}
	}
	for _, row := range rows {
		r.Kinds[row.Keyword]++
	}
	return rows
}

func badLines(l *line, locale core.Locale, err error) []BadLine {
	e, ok := core.AsError(err)
	if !ok {
		return []BadLine{{Line: l.number, Keyword: string(core.CodeOf(err)), Message: err.Error()}}
	}
	if len(e.Fields) == 0 {
		return []BadLine{{Line: l.number, Keyword: string(e.Code), Message: oneLine(e.Message)}}
	}
	return fieldRows(l, locale, e.Fields)
}

func fieldRows(l *line, locale core.Locale, fields []core.FieldError) []BadLine {
	var rows []BadLine
	for _, f := range fields {
		rows = append(rows, BadLine{Line: l.number, Pointer: f.Pointer, Value: valueAt(l.op.Data, f.Pointer), Keyword: f.Keyword, Message: oneLine(fieldMessage(f, locale))})
	}
	return rows
}

func fieldMessage(f core.FieldError, locale core.Locale) string {
	if text, ok := f.Texts[locale]; ok {
		return text
	}
	return f.Message
}

// valueAt shows what a pointer leads to, at most some eighty characters of it.
func valueAt(doc map[string]any, pointer string) string {
	v, ok := at(doc, pointer)
	if !ok || pointer == "" {
		return ""
	}
	text := []rune(string(jsondoc.Encode(v)))
	if len(text) > 80 {
		return string(text[:79]) + "…"
	}
	return string(text)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Write prints the totals.
func (r *Report) Write(w io.Writer) error {
	verb := [...]string{"created", "updated"}
	if r.DryRun {
		verb = [...]string{"to create", "to update"}
	}
	_, err := fmt.Fprintf(w, "%d lines: %d %s, %d %s, %d unchanged, %d failed\n", r.Lines, r.Created, verb[0], r.Updated, verb[1], r.Unchanged, r.Failed)
	for _, kind := range r.kinds() {
		if err == nil {
			_, err = fmt.Fprintf(w, "  %7d  %s\n", r.Kinds[kind], kind)
		}
	}
	if r.Partial != "" && err == nil {
		_, err = fmt.Fprintln(w, r.Partial)
	}
	return err
}

// kinds gives the kinds of error, the most frequent first.
func (r *Report) kinds() []string {
	var kinds []string
	for kind := range r.Kinds {
		kinds = append(kinds, kind)
	}
	sort.Slice(kinds, func(i, j int) bool {
		if r.Kinds[kinds[i]] != r.Kinds[kinds[j]] {
			return r.Kinds[kinds[i]] > r.Kinds[kinds[j]]
		}
		return kinds[i] < kinds[j]
	})
	return kinds
}

// at finds the value that a JSON Pointer leads to.
func at(doc any, pointer string) (any, bool) {
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := doc.(type) {
		case map[string]any:
			member, ok := v[token]
			if !ok {
				return nil, false
			}
			doc = member
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			doc = v[i]
		default:
			return nil, false
		}
	}
	return doc, true
}

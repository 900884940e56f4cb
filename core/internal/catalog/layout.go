package catalog

import (
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// spec is one column of a type: what it holds and how its values become keys.
type spec struct {
	path   string
	kind   core.Kind
	field  *core.Field // nil for a system field
	multi  bool
	locale core.Locale // of a localised field's column in a language that is not each document's own
	of     int         // with locale: the index of the column in the documents' own language, whose dictionary it shares
	index  bool        // finding an entry by a value must not scan
}

// system says what stands in the columns before those of the fields. The published document has a revision, status
// and time of its own.
const (
	columnID = iota
	columnType
	columnRev
	columnStatus
	columnCreatedAt
	columnUpdatedAt
	columnPublishedAt
	columnCreatedBy
	columnUpdatedBy
	columnTrashedAt
	columnPublicRev
	columnPublicStatus
	columnPublicUpdatedAt
	columnPublicUpdatedBy
	systemColumns
)

// public maps the columns whose values differ for the published state.
var public = map[string]int{
	"_rev": columnPublicRev, "_status": columnPublicStatus, "_updatedAt": columnPublicUpdatedAt, "_updatedBy": columnPublicUpdatedBy,
}

func systemSpecs() []spec {
	return []spec{
		columnID:              {path: "_id", kind: core.KindRef},
		columnType:            {path: "_type", kind: core.KindString},
		columnRev:             {path: "_rev", kind: core.KindInteger},
		columnStatus:          {path: "_status", kind: core.KindString},
		columnCreatedAt:       {path: "_createdAt", kind: core.KindTime},
		columnUpdatedAt:       {path: "_updatedAt", kind: core.KindTime},
		columnPublishedAt:     {path: "_publishedAt", kind: core.KindTime},
		columnCreatedBy:       {path: "_createdBy", kind: core.KindString},
		columnUpdatedBy:       {path: "_updatedBy", kind: core.KindString},
		columnTrashedAt:       {path: "_trashedAt", kind: core.KindTime},
		columnPublicRev:       {path: "", kind: core.KindInteger},
		columnPublicStatus:    {path: "", kind: core.KindString},
		columnPublicUpdatedAt: {path: "", kind: core.KindTime},
		columnPublicUpdatedBy: {path: "", kind: core.KindString},
	}
}

// layout is the columns of one version of a type, the system's first.
type layout struct {
	typ    *core.Type // nil while the type is not known: then there are the system's columns only
	specs  []spec
	byPath map[columnName]int
	tops   map[string]bool // the members of a document that columns are made from
}

type columnName struct {
	path   string
	locale core.Locale
}

func newLayout(t *core.Type) *layout {
	l := &layout{typ: t, specs: systemSpecs(), byPath: map[columnName]int{}, tops: map[string]bool{}}
	if t != nil {
		for i := range t.Fields {
			l.add(&t.Fields[i])
		}
	}
	for i, s := range l.specs {
		if s.path != "" {
			l.byPath[columnName{s.path, s.locale}] = i
		}
	}
	return l
}

// add appends the columns of a field: one, and one for each language that it may be translated to.
func (l *layout) add(f *core.Field) {
	if !l.holds(f) {
		return
	}
	own := len(l.specs)
	s := spec{path: f.Path, kind: f.Kind, field: f, multi: f.Multi, index: f.Kind == core.KindString && (f.Unique || f.Path == l.typ.SlugField)}
	l.specs = append(l.specs, s)
	top, _, _ := strings.Cut(f.Path, ".")
	l.tops[top] = true
	if !l.localized(f.Path) {
		return
	}
	for _, locale := range l.typ.Locales {
		s.locale, s.of = locale, own
		l.specs = append(l.specs, s)
	}
}

// holds reports whether a field has a column at all.
func (l *layout) holds(f *core.Field) bool {
	if f.Secret { // but for one that entries are found by: the hash of a token
		return f.Unique && f.Kind == core.KindString
	}
	switch f.Kind {
	case core.KindRef, core.KindMedia, core.KindGeo, core.KindJSON:
		return true
	case core.KindString, core.KindInteger, core.KindNumber, core.KindBoolean, core.KindTime, core.KindDate:
		return f.Indexed || f.Facet || f.Unique || f.Path == l.typ.SlugField
	}
	return false
}

// localized reports whether a path, or an object above it, is translated.
func (l *layout) localized(path string) bool {
	for {
		if f, ok := l.typ.Field(path); ok && f.Localized {
			return true
		}
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			return false
		}
		path = path[:dot]
	}
}

// locale gives the language of the column that answers for a wanted one: the first of the chain in which there are
// translations, or "" for the documents' own.
func (l *layout) locale(want core.Locale) core.Locale {
	if want == "" || l.typ == nil {
		return ""
	}
	for _, try := range l.typ.Chain(want) {
		if l.typ.HasLocale(try) {
			return try
		}
	}
	return ""
}

// column finds the column of a path for readers of a state and a language.
func (l *layout) column(path string, state core.State, locale core.Locale) (int, bool) {
	if i, ok := public[path]; ok && state == core.StatePublished {
		return i, true
	}
	if locale != "" {
		if i, ok := l.byPath[columnName{path, locale}]; ok {
			return i, true
		}
	}
	i, ok := l.byPath[columnName{path, ""}]
	return i, ok
}

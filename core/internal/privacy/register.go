package privacy

import (
	"cmp"
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// processing is what makes one line of the register.
type processing struct {
	typ                                  core.TypeName
	subject, purpose, basis, keep, class string
}

func processingOf(t *core.Type, f *core.Field) processing {
	p := f.Personal
	return processing{t.Name, p.Subject, p.Purpose, p.Basis, p.Keep, p.Class}
}

// Register implements core.Privacy. It reads every entry of the types that hold personal data, to count them.
func (s *Service) Register(ctx context.Context, who *core.Principal) ([]core.Processing, error) {
	if err := s.permit(ctx, who, core.ActionRead); err != nil {
		return nil, err
	}
	lines := []core.Processing{}
	for _, t := range s.Types.Types() {
		more := linesOf(t)
		if err := s.count(ctx, t, more); err != nil {
			return nil, err
		}
		lines = append(lines, more...)
	}
	return lines, nil
}

// linesOf puts the personal fields of a type together by what they are for.
func linesOf(t *core.Type) []core.Processing {
	var lines []core.Processing
	at := map[processing]int{}
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Personal == nil {
			continue
		}
		key := processingOf(t, f)
		k, known := at[key]
		if !known {
			k = len(lines)
			at[key] = k
			lines = append(lines, core.Processing{Type: t.Name, Label: t.Label, Subject: key.subject, Purpose: key.purpose, Basis: key.basis, Keep: key.keep, Class: key.class})
		}
		if !coveredBy(lines[k].Fields, f.Path) {
			lines[k].Fields = append(lines[k].Fields, f.Path)
			lines[k].Labels = append(lines[k].Labels, f.Label)
		}
	}
	slices.SortStableFunc(lines, func(a, b core.Processing) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Purpose, b.Purpose))
	})
	return lines
}

// count counts the entries that hold any of what each line is about.
func (s *Service) count(ctx context.Context, t *core.Type, lines []core.Processing) error {
	if len(lines) == 0 {
		return nil
	}
	return s.Catalog.Each(ctx, t.Name, "", func(e *core.Entry) error {
		docs, err := documentsOf(e)
		if err != nil {
			return err
		}
		for i := range lines {
			if holdsAny(docs, lines[i].Fields) {
				lines[i].Entries++
			}
		}
		return nil
	})
}

// version is one document of an entry and the state in which it is seen.
type version struct {
	state core.State
	doc   map[string]any
}

// documentsOf reads an entry's documents: what is in the trash is seen there only.
func documentsOf(e *core.Entry) ([]version, error) {
	var docs []version
	for _, side := range []struct {
		state core.State
		text  core.Doc
	}{{core.StateDraft, e.Draft}, {core.StatePublished, e.Published}} {
		if side.text == nil {
			continue
		}
		doc, err := jsondoc.ParseObject(side.text)
		if err != nil {
			return nil, core.Wrap("privacy.documentsOf", err)
		}
		if e.Trashed() {
			side.state = core.StateTrash
		}
		docs = append(docs, version{side.state, doc})
	}
	return docs, nil
}

func holdsAny(docs []version, paths []string) bool {
	for _, v := range docs {
		for _, path := range paths {
			if holds(v.doc, path) {
				return true
			}
		}
	}
	return false
}

// holds reports whether a field has a value in a document or in its translations.
func holds(doc map[string]any, path string) bool {
	return slices.ContainsFunc(spotsOf(doc, path), func(at spot) bool { return filled(at.value) })
}

func filled(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case []any:
		return slices.ContainsFunc(v, filled)
	case map[string]any:
		return len(v) > 0
	}
	return v != ""
}

package read

import (
	"context"
	"maps"

	"github.com/palabre-cms/palabre/core"
)

// Schema implements core.Reader. What the caller may set and not read, as a password, is in it: a form needs it. Types
// that the caller must not know of are named nowhere in it.
func (r *Reader) Schema(ctx context.Context, who *core.Principal, name core.TypeName) (core.Doc, error) {
	t, s, err := r.scoped(ctx, who, name, core.ActionList)
	if err != nil {
		return nil, err
	}
	doc := t.Schema
	if known := knownFields(t, s); !known.Whole() {
		if doc, err = r.Prune(t, &known); err != nil {
			return nil, err
		}
	}
	if hidden := r.hiddenTargets(ctx, who, t); len(hidden) > 0 {
		return withoutTargets(doc, hidden)
	}
	return doc, nil
}

// knownFields is what the caller may read or set.
func knownFields(t *core.Type, s *core.Scope) core.FieldSet {
	known := core.FieldSet{All: s.Read.All || s.Write.All, Only: map[string]bool{}, Deny: map[string]bool{}}
	maps.Copy(known.Only, s.Read.Only)
	maps.Copy(known.Only, s.Write.Only)
	for i := range t.Fields {
		path := t.Fields[i].Path
		if known.Has(path) && !s.Readable(t, path) && !s.Write.Has(path) {
			known.Deny[path] = true
		}
	}
	return known
}

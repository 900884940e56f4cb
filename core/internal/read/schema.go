package read

import (
	"context"
	"maps"

	"github.com/palabre-cms/palabre/core"
)

// Schema implements core.Reader.
func (r *Reader) Schema(ctx context.Context, who *core.Principal, name core.TypeName) (core.Doc, error) {
	t, s, err := r.scoped(ctx, who, name, core.ActionList)
	if err != nil {
		return nil, err
	}
	if everythingShown(t, s) {
		return t.Schema, nil
	}
	return r.Prune(t, readable(t, s))
}

func everythingShown(t *core.Type, s *core.Scope) bool {
	for i := range t.Fields {
		if !s.Readable(t, t.Fields[i].Path) {
			return false
		}
	}
	return true
}

// readable is the scope's set with what it does not show denied by name.
func readable(t *core.Type, s *core.Scope) *core.FieldSet {
	read := s.Read
	if read.Deny = maps.Clone(s.Read.Deny); read.Deny == nil {
		read.Deny = map[string]bool{}
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		if (f.Private || f.Secret) && !s.Readable(t, f.Path) {
			read.Deny[f.Path] = true
		}
	}
	return &read
}

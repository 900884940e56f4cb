package migrate

import (
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/computed"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Recompute brings the computed fields of every entry of a type up to date, published documents too. A document that would not fit
// its type with them stays as it is. It may be broken off and begun anew.
func (s *Service) Recompute(ctx context.Context, name core.TypeName) error {
	t, known := s.c.Types.Type(name)
	if !known {
		return core.NoType(name)
	}
	w := &rewriting{s: s, who: core.System, name: name, comment: "computed", rewrite: func(ctx context.Context, e *core.Entry, doc core.Doc, _ bool) (core.Doc, bool, error) {
		return recomputed(ctx, t, e.ID, doc)
	}}
	return core.Wrap("migrate.Recompute", w.run(ctx))
}

func recomputed(ctx context.Context, t *core.Type, id core.EntryID, doc core.Doc) (core.Doc, bool, error) {
	m, err := jsondoc.ParseObject(doc)
	if err != nil {
		return nil, false, core.Wrap("migrate.recomputed "+string(id), err)
	}
	changed, err := computed.Fill(ctx, t, id, m)
	if err != nil || !changed {
		return doc, false, err
	}
	if len(t.Validator.Validate(m)) > 0 {
		return doc, false, nil
	}
	return t.Validator.Encode(m), true, nil
}

package migrate

import (
	"context"
	"errors"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/computed"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Recompute brings the computed fields of every entry of a type up to date, published documents too. It gives how many documents
// stay as they are because a function refuses or fails at them, or because they would not fit their type. It may be broken off and
// begun anew; CodeConflict when the type moves meanwhile.
func (s *Service) Recompute(ctx context.Context, name core.TypeName) (left int, err error) {
	t, known := s.c.Types.Type(name)
	if !known {
		return 0, core.NoType(name)
	}
	w := &rewriting{s: s, who: core.System, name: name, comment: "computed", hash: t.Hash}
	w.rewrite = func(ctx context.Context, e *core.Entry, doc core.Doc, _ bool) (core.Doc, bool, error) {
		if now, known := s.c.Types.Type(name); !known || now.Hash != t.Hash {
			return nil, false, core.Errorf(core.CodeConflict, "the type %s has been changed meanwhile", name)
		}
		next, changed, err := recomputed(ctx, t, e.ID, doc)
		if errors.Is(err, errLeft) {
			left++
			return doc, false, nil
		}
		return next, changed, err
	}
	return left, core.Wrap("migrate.Recompute", w.run(ctx))
}

// errLeft is of a document that stays as it is.
var errLeft = errors.New("the document stays as it is")

func recomputed(ctx context.Context, t *core.Type, id core.EntryID, doc core.Doc) (core.Doc, bool, error) {
	m, err := jsondoc.ParseObject(doc)
	if err != nil {
		return nil, false, core.Wrap("migrate.recomputed "+string(id), err)
	}
	changed, err := computed.Fill(ctx, t, id, m)
	switch {
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	case err != nil:
		return nil, false, errLeft
	case !changed:
		return doc, false, nil
	}
	if len(t.Validator.Validate(m)) > 0 {
		return nil, false, errLeft
	}
	return t.Validator.Encode(m), true, nil
}

package content

import (
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// resolveMatch makes an update or a creation of an upsert.
func (e *edit) resolveMatch(ctx context.Context) error {
	if e.op.Op != core.OperationUpsert {
		return nil
	}
	if err := e.permitUpsert(ctx); err != nil {
		return err
	}
	id, err := e.matching(ctx)
	if err != nil {
		return err
	}
	e.upsert, e.op.Op = true, core.OperationCreate
	if id != "" {
		e.id, e.op.Op = id, core.OperationUpdate
	}
	return nil
}

// permitUpsert refuses those who may neither create nor update before anything is looked for: what is found, and what
// can be matched, tells of the type and of its entries.
func (e *edit) permitUpsert(ctx context.Context) error {
	if _, err := e.scopeFor(ctx, e.typ, core.ActionUpdate); err == nil {
		return nil
	}
	_, err := e.scopeFor(ctx, e.typ, core.ActionCreate)
	return err
}

// matching finds the entry whose matched field has the value that was sent; "" for none.
func (e *edit) matching(ctx context.Context) (core.EntryID, error) {
	if e.op.Match == "_id" {
		there, err := e.world.present(ctx, e.typ.Name, e.id)
		if !there {
			return "", err
		}
		return e.id, err
	}
	f, ok := e.typ.Field(e.op.Match)
	if !ok || !(f.Unique || f.Path == e.typ.SlugField) {
		return "", core.Refuse(core.CodeBadRequest, "", "%q cannot be matched: name a field of the type that is unique.",
			"« %s » ne permet pas de retrouver une entrée : nommez un champ unique du type.", e.op.Match)
	}
	value, ok := jsondoc.Lookup(e.op.Data, f.Path)
	if !ok || value == nil {
		return "", invalid([]core.FieldError{broken(pointerTo(f.Path), "required", "The field to match by has no value.", "Le champ de rapprochement n’a pas de valeur.")})
	}
	return e.world.owner(ctx, claim{Type: e.typ.Name, Field: f.Path, Value: scalarText(value), Slug: f.Path == e.typ.SlugField})
}

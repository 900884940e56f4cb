package app

import (
	"context"

	"github.com/palabre-cms/palabre/core"
)

// checkComment keeps remarks to what their author may see. A comment does not move to another entry.
func (c *rightsContent) checkComment(ctx context.Context, who *core.Principal, op *core.Operation, after map[string]any) error {
	if after == nil {
		return nil
	}
	if op.Op != core.OperationCreate && op.Op != core.OperationUpsert {
		return c.staysWithEntry(ctx, op, after)
	}
	typ, _ := after["type"].(string)
	entry, _ := after["entry"].(string)
	if typ == "" || !core.ValidID(entry) {
		return nil
	}
	return c.access.MayComment(ctx, who, core.TypeName(typ), core.EntryID(entry))
}

func (c *rightsContent) staysWithEntry(ctx context.Context, op *core.Operation, after map[string]any) error {
	before, err := c.before(ctx, op)
	if err != nil {
		return err
	}
	for _, name := range []string{"type", "entry"} {
		if before[name] != after[name] {
			return core.Invalid(core.FieldError{Pointer: "/" + name, Keyword: "readOnly", Message: "A comment stays with its entry.",
				Texts: core.Text{"fr": "Un commentaire reste avec son contenu."}})
		}
	}
	return nil
}

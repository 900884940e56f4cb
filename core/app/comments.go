package app

import (
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/internal/account"
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
	if err := c.access.MayComment(ctx, who, core.TypeName(typ), core.EntryID(entry)); err != nil || op.Op != core.OperationCreate {
		return err
	}
	return c.sign(ctx, who, op)
}

// sign says whose remark it is, where its author does not: by the name of his account, or by whom a link was made for.
func (c *rightsContent) sign(ctx context.Context, who *core.Principal, op *core.Operation) error {
	if _, signed := op.Data["author"]; signed {
		return nil
	}
	by := core.Operation{Type: account.UserType, ID: core.EntryID(accountOf(who))}
	if who.Kind == "link" {
		by = core.Operation{Type: access.LinkType, ID: who.Entry()}
	}
	doc, err := c.before(ctx, &by)
	name, _ := doc["name"].(string)
	if name == "" || err != nil {
		return err
	}
	t, _ := c.types.Type(op.Type)
	if s, err := c.access.Scope(ctx, who, t, core.ActionCreate); err != nil || !s.Write.Has("author") {
		return err
	}
	op.Fill = map[string]any{"author": name}
	return nil
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

package app

import (
	"context"
	"strconv"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/internal/account"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

func (c *rightsContent) checkRole(ctx context.Context, who *core.Principal, op *core.Operation, after map[string]any) error {
	before, err := c.before(ctx, op)
	if err != nil {
		return err
	}
	for _, doc := range []map[string]any{before, after} {
		name, _ := doc["name"].(string)
		if err := c.access.MayChangeRole(who, name, op.Op); err != nil {
			return err
		}
	}
	if builtin, _ := before["builtin"].(bool); builtin && after != nil && before["name"] != after["name"] {
		return core.Refuse(core.CodeConflict, "", "A role of Palabre keeps its name.", "Un rôle de Palabre garde son nom.")
	}
	if before["name"] == access.Administrator && after != nil && !jsondoc.Equal(before["permissions"], after["permissions"]) {
		return core.Refuse(core.CodeConflict, "", "Administrators may do everything: the permissions of their role cannot be changed.",
			"L’administration peut tout : les permissions de son rôle ne se modifient pas.")
	}
	return c.access.CheckRole(ctx, before, after)
}

// roleAt is where a role stands in an account.
func roleAt(i int) string { return "/roles/" + strconv.Itoa(i) }

// checkRolesOf refuses to give an account roles that there are not.
func (c *rightsContent) checkRolesOf(ctx context.Context, op *core.Operation, after map[string]any) error {
	if after == nil {
		return nil
	}
	before, err := c.before(ctx, op)
	if err != nil {
		return err
	}
	return c.access.CheckRoleNames(ctx, roleAt, texts(before["roles"]), texts(after["roles"]))
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list)) // what is no text stands as "", for the schema to refuse
	for i := range list {
		out[i], _ = list[i].(string)
	}
	return out
}

// followed adds to changes of roles what they mean for those who have them: a role that is deleted is taken from accounts,
// and tokens that were for it go, lest whoever makes a role of the same name one day gives it to people he does not think of;
// a role that gets another name keeps its people.
func (c *rightsContent) followed(ctx context.Context, ops []core.Operation) ([]core.Operation, error) {
	names, err := c.renamed(ctx, ops)
	if err != nil || len(names) == 0 {
		return ops, err
	}
	changed := map[core.EntryID]bool{}
	for i := range ops {
		changed[ops[i].ID] = true
	}
	for typ, follow := range map[core.TypeName]func(map[string]any, map[string]string) *core.Operation{account.UserType: userFollows, access.TokenType: tokenFollows} {
		err := c.catalog.Each(ctx, typ, "", func(e *core.Entry) error {
			doc, err := jsondoc.ParseObject(e.Latest())
			if err != nil || e.Trashed() || changed[e.ID] {
				return err
			}
			if op := follow(doc, names); op != nil {
				op.Type, op.ID, op.IfMatch = typ, e.ID, e.Rev
				ops = append(ops, *op)
			}
			return nil
		})
		if err != nil {
			return nil, core.Wrap("app.followed", err)
		}
	}
	return ops, nil
}

// renamed are the roles that operations delete, with "", and those that they give another name.
func (c *rightsContent) renamed(ctx context.Context, ops []core.Operation) (map[string]string, error) {
	names := map[string]string{}
	for i := range ops {
		if ops[i].Type != access.RoleType || ops[i].Op == core.OperationCreate || ops[i].Op == core.OperationUpsert {
			continue
		}
		before, err := c.before(ctx, &ops[i])
		if err != nil {
			return nil, err
		}
		after, err := c.after(ctx, &ops[i])
		if err != nil {
			return nil, err
		}
		was, _ := before["name"].(string)
		is, _ := after["name"].(string)
		if was != "" && was != is {
			names[was] = is
		}
	}
	return names, nil
}

func deletesRole(op core.Operation) bool {
	return op.Type == access.RoleType && (op.Op == core.OperationDelete || op.Op == core.OperationPurge)
}

func userFollows(user map[string]any, names map[string]string) *core.Operation {
	roles, moved := []any{}, false
	for _, role := range texts(user["roles"]) {
		name, gone := names[role]
		moved = moved || gone
		switch {
		case !gone:
			roles = append(roles, role)
		case name != "":
			roles = append(roles, name)
		}
	}
	if !moved {
		return nil
	}
	return &core.Operation{Op: core.OperationUpdate, Data: map[string]any{"roles": roles}}
}

func tokenFollows(token map[string]any, names map[string]string) *core.Operation {
	role, _ := token["role"].(string)
	name, gone := names[role]
	switch {
	case !gone:
		return nil
	case name == "":
		return &core.Operation{Op: core.OperationDelete}
	}
	return &core.Operation{Op: core.OperationUpdate, Data: map[string]any{"role": name}}
}

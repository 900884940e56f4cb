package app

import (
	"context"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/internal/account"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// rightsContent is the write path with the rules of those system types that say who may do what: nobody gives to others
// what he has not himself, and a new token or link gets its secret, of which only the hash is kept. It stands around the
// write path rather than among the hooks, since those cost every other write time.
type rightsContent struct {
	core.Content
	access  *access.Access
	types   core.Types
	catalog core.Catalog
	now     func() time.Time
	fresh   *freshTokens
}

var _ core.Content = (*rightsContent)(nil)

// secret reports whether an entry of the type is known by a secret that is shown once.
func secret(name core.TypeName) bool { return name == access.TokenType || name == access.LinkType }

// guarded reports whether a type has rules of its own here.
func guarded(name core.TypeName) bool {
	return secret(name) || name == access.RoleType || name == access.CommentType || name == account.UserType
}

// Write implements core.Content.
func (c *rightsContent) Write(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	if !slices.ContainsFunc(ops, func(op core.Operation) bool { return guarded(op.Type) }) {
		return c.Content.Write(ctx, who, ops, o)
	}
	if makesSecret(ops) {
		return c.writeSecret(ctx, who, ops, o)
	}
	if o.Partial && len(ops) > 1 && slices.ContainsFunc(ops, deletesRole) {
		return nil, core.Refuse(core.CodeBadRequest, "", "Roles are not deleted in parts: the accounts that have one lose it in the same step. Leave partial out.",
			"Les rôles ne se suppriment pas par parties : les comptes qui en ont un le perdent du même coup. Renoncez à partial.")
	}
	for attempt := 1; ; attempt++ {
		r, err := c.writeJudged(ctx, who, ops, o)
		if core.CodeOf(err) != core.CodeStale || attempt == judgedAttempts || named(ops) {
			return r, err
		}
	}
}

// judgedAttempts is how often a write is judged anew when what it was judged on has moved.
const judgedAttempts = 5

// named reports whether the caller has named a revision himself: then it is his to look again.
func named(ops []core.Operation) bool {
	return slices.ContainsFunc(ops, func(op core.Operation) bool { return op.IfMatch != 0 })
}

// writeJudged judges operations and performs them on what they were judged on.
func (c *rightsContent) writeJudged(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	judged, err := c.judged(ctx, who, ops, o)
	if err != nil {
		return nil, err
	}
	all, err := c.followed(ctx, judged)
	if err != nil {
		return nil, err
	}
	if len(all) == len(judged) {
		return c.Content.Write(ctx, who, judged, o)
	}
	r, err := c.Content.Write(ctx, who, all, o)
	if err != nil {
		return nil, err
	}
	r.Items = r.Items[:len(judged)]
	return r, nil
}

// judged gives operations as they may be performed, or refuses one.
func (c *rightsContent) judged(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) ([]core.Operation, error) {
	ops = slices.Clone(ops)
	links := map[core.EntryID]bool{}
	for i := range ops {
		err := c.check(ctx, who, &ops[i], o)
		if ops[i].Type == access.LinkType && ops[i].ID != "" {
			if err == nil && links[ops[i].ID] {
				err = core.Refuse(core.CodeBadRequest, "", "One request changes a link once. Send the changes together.", "Une requête modifie un lien une seule fois. Envoyez les modifications ensemble.")
			}
			links[ops[i].ID] = true
		}
		if err != nil {
			return nil, inBatch(err, i, len(ops))
		}
	}
	return ops, nil
}

// inBatch says which operation of several was refused.
func inBatch(err error, i, of int) error {
	e, ok := core.AsError(err)
	if !ok || of == 1 {
		return err
	}
	more := *e
	more.Extra = map[string]any{"operation": i}
	return &more
}

// check refuses what the caller may not give to others. It asks for the caller's right to the type first: what is said here
// tells that there is the type.
func (c *rightsContent) check(ctx context.Context, who *core.Principal, op *core.Operation, o core.WriteOptions) error {
	if !guarded(op.Type) || who.Kind == core.System.Kind {
		return nil
	}
	if covered, err := c.permitted(ctx, who, op); err != nil || !covered {
		return err // what the caller is not shown, or what is not there, the write path refuses: nothing is said of it here
	}
	if secret(op.Type) && op.Op == core.OperationRestore && op.Rev > 0 {
		return core.Refuse(core.CodeConflict, "", "A token or a link does not go back to an earlier revision, whose rights it would get back. Change its fields instead.",
			"Un jeton ou un lien ne revient pas à une révision antérieure, dont il retrouverait les droits. Modifiez plutôt ses champs.")
	}
	if op.Type == access.LinkType {
		if err := c.pin(ctx, who, op, o); err != nil {
			return err
		}
	}
	after, err := c.after(ctx, op)
	if err != nil {
		return err
	}
	switch op.Type {
	case access.RoleType:
		return c.checkRole(ctx, who, op, after)
	case account.UserType:
		return c.checkRolesOf(ctx, op, after)
	case access.TokenType:
		return bind(who, op)
	case access.LinkType:
		return c.checkLink(ctx, who, op, after)
	default:
		return c.checkComment(ctx, who, op, after)
	}
}

// pin makes a change of a link hold for the revision that it is judged on only: two changes at the same time, each of which
// is allowed, could open together what neither may.
func (c *rightsContent) pin(ctx context.Context, who *core.Principal, op *core.Operation, o core.WriteOptions) error {
	if op.Op == core.OperationCreate || op.Op == core.OperationUpsert {
		return nil
	}
	e, err := c.catalog.Entry(ctx, op.Type, op.ID)
	switch {
	case err != nil:
		return err
	case op.IfMatch == 0 && !o.RequireMatch:
		op.IfMatch = e.Rev
	case op.IfMatch != 0 && op.IfMatch != e.Rev:
		return c.moved(ctx, who, op)
	}
	return nil
}

// moved refuses a change of another revision than the one that is there, in the words of the write path where it agrees.
func (c *rightsContent) moved(ctx context.Context, who *core.Principal, op *core.Operation) error {
	if _, err := c.Content.Write(ctx, who, []core.Operation{*op}, core.WriteOptions{DryRun: true}); err != nil {
		return err
	}
	return core.Refuse(core.CodeStale, "", "The link is being changed by somebody else. Read it again.", "Quelqu’un d’autre modifie ce lien. Relisez-le.")
}

// permitted asks for the caller's right to the type, and reports whether it covers the entry that is to be changed.
func (c *rightsContent) permitted(ctx context.Context, who *core.Principal, op *core.Operation) (bool, error) {
	t, ok := c.types.Type(op.Type)
	if !ok {
		return false, core.Errorf(core.CodeInternal, "app: there is no type %s", op.Type)
	}
	if op.Op == core.OperationCreate || op.Op == core.OperationUpsert {
		_, err := c.access.Scope(ctx, who, t, core.ActionCreate)
		return true, err
	}
	return c.access.Covers(ctx, who, t, op.Action(), op.ID)
}

// after is the document as the operation would leave it, as far as that can be told before it is made: nil where it leaves
// none.
func (c *rightsContent) after(ctx context.Context, op *core.Operation) (map[string]any, error) {
	switch op.Op {
	case core.OperationCreate, core.OperationUpsert, core.OperationReplace:
		return op.Data, nil
	case core.OperationDelete, core.OperationPurge:
		return nil, nil
	}
	before, err := c.before(ctx, op)
	if err != nil || op.Op != core.OperationUpdate {
		return before, err
	}
	return jsondoc.Merge(before, op.Data), nil
}

func (c *rightsContent) before(ctx context.Context, op *core.Operation) (map[string]any, error) {
	e, err := c.catalog.Entry(ctx, op.Type, op.ID)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, nil // the write path says so
	}
	if err != nil {
		return nil, err
	}
	return jsondoc.ParseObject(e.Latest())
}

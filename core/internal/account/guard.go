package account

import (
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// guard is the write path for everybody, with what holds of accounts, sessions and tokens. It stands around the write
// path rather than among the hooks, since those cost every other write time, and around whatever else does so, since
// inside of that the caller may be somebody else.
type guard struct {
	core.Content
	s      *Service
	access core.Access
}

var _ core.Content = (*guard)(nil)

// Guard gives the write path of everybody who is not this package: addresses are normalised, passwords hashed, epochs
// moved, nobody gives what he has not, and the last administrator stays.
func (s *Service) Guard(content core.Content, access core.Access) core.Content {
	return &guard{Content: content, s: s, access: access}
}

// Write implements core.Content.
func (g *guard) Write(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	if !touchesAccounts(ops) {
		return g.Content.Write(ctx, who, ops, o)
	}
	if o.Partial && len(ops) > 1 {
		return g.writeEach(ctx, who, ops, o)
	}
	o.Key = g.s.keyed(o.Key)
	for attempt := 1; ; attempt++ {
		r, again, err := g.tryWrite(ctx, who, ops, o)
		if !again || attempt == guardAttempts {
			return r, err
		}
	}
}

// keyed gives an idempotency key whose mark of the request nobody can guess at: the request may hold a password.
func (s *Service) keyed(k *core.Key) *core.Key {
	if k == nil {
		return nil
	}
	return &core.Key{Hash: k.Hash, Request: mac(s.keys.csrf, "request"+k.Request)}
}

// guardAttempts is how often a write is looked at anew when what it was judged on has moved.
const guardAttempts = 10

func touchesAccounts(ops []core.Operation) bool {
	for i := range ops {
		switch ops[i].Type {
		case UserType, SessionType, tokenType:
			return true
		}
	}
	return false
}

// writeEach performs operations each by a write of its own: each is judged on what the one before has left.
func (g *guard) writeEach(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	if o.Key != nil {
		return nil, core.Refuse(core.CodeBadRequest, "", "Accounts and tokens cannot be written in parts under an Idempotency-Key. Leave one of the two out.",
			"Comptes et jetons ne peuvent pas être écrits par parties sous une Idempotency-Key. Renoncez à l’une des deux.")
	}
	all := &core.Result{Items: make([]core.ResultItem, 0, len(ops))}
	for i := range ops {
		r, err := g.Write(ctx, who, ops[i:i+1], o)
		if err != nil {
			all.Items = append(all.Items, core.ResultItem{Type: ops[i].Type, ID: ops[i].ID, Err: err})
			continue
		}
		all.Items = append(all.Items, r.Items...)
		all.Position = r.Position
	}
	return all, nil
}

// tryWrite judges operations and performs them on what they were judged on; again reports that it has moved.
func (g *guard) tryWrite(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (r *core.Result, again bool, err error) {
	v := &verdict{guard: g, who: who, options: o, after: map[core.EntryID]*record{}, reset: map[core.EntryID]bool{}}
	for i := range ops {
		op, err := v.judge(ctx, ops[i])
		if err != nil {
			return nil, reasonOf(err) == foreseen, blame(err, i, len(ops))
		}
		v.ops = append(v.ops, op)
	}
	if v.takesAdministrator && !o.DryRun {
		r, err = g.withAdministrators(ctx, v)
	} else if err = v.keepsAdministrator(ctx); err == nil {
		r, err = g.Content.Write(ctx, who, v.ops, o)
	}
	if err == nil && !o.DryRun {
		err = v.revokeAfter(ctx, r)
		return r, false, err
	}
	return r, v.pinned && moved(r, err), err
}

// moved reports whether a write failed since an entry was not any more what it was judged to be.
func moved(r *core.Result, err error) bool {
	if err == nil && r != nil && len(r.Items) == 1 {
		err = r.Items[0].Err // of a write in parts
	}
	return core.CodeOf(err) == core.CodeStale
}

// blame says which operation of several was refused.
func blame(err error, index, of int) error {
	e, ok := core.AsError(err)
	if !ok || of == 1 {
		return err
	}
	blamed := *e
	blamed.Extra = map[string]any{"operation": index}
	for name, v := range e.Extra {
		blamed.Extra[name] = v
	}
	return &blamed
}

// verdict is a list of operations as they may be performed.
type verdict struct {
	*guard
	who     *core.Principal
	options core.WriteOptions
	ops     []core.Operation
	pinned  bool // an operation got the revision that it was judged on
	after   map[core.EntryID]*record
	reset   map[core.EntryID]bool // accounts that get another password from somebody else
	// takesAdministrator is set when an account that could do everything will not be able to.
	takesAdministrator bool
}

func (v *verdict) system() bool { return v.who.Kind == core.System.Kind }

// judge gives an operation as it may be performed, or refuses it.
func (v *verdict) judge(ctx context.Context, op core.Operation) (core.Operation, error) {
	if op.Op == core.OperationErase && op.Type == UserType && v.system() && op.Migrate != nil {
		return op, v.judgeErased(ctx, &op)
	}
	if op.Migrate != nil || op.Op == core.OperationErase || op.Op == core.OperationRedact || op.Op == core.OperationReassign {
		return op, nil // the system's, or refused to anybody else
	}
	switch op.Type {
	case UserType:
		return v.judgeUser(ctx, op)
	case tokenType:
		return op, v.judgeToken(ctx, op)
	case SessionType:
		return op, v.judgeSession(ctx, op)
	}
	return op, nil
}

// permit refuses who may not do this with the type at all, before anything is looked at or made.
func (v *verdict) permit(ctx context.Context, op *core.Operation) error {
	t, ok := v.s.c.Types.Type(op.Type)
	if !ok {
		return core.NoType(op.Type)
	}
	_, err := v.access.Scope(ctx, v.who, t, op.Action())
	if err != nil && op.Op == core.OperationUpsert {
		_, err = v.access.Scope(ctx, v.who, t, core.ActionCreate)
	}
	return err
}

// refusal is an answer of this guard: the write path's own comes first, so that nobody learns here of an entry that he
// would not have been shown.
func (v *verdict) refusal(ctx context.Context, op core.Operation, err error) error {
	if v.system() {
		return err
	}
	if _, its := v.Content.Write(ctx, v.who, []core.Operation{op}, core.WriteOptions{DryRun: true, RequireMatch: v.options.RequireMatch}); its != nil {
		return its
	}
	return err
}

// judgeSession lets sessions be ended, and nothing else.
func (v *verdict) judgeSession(ctx context.Context, op core.Operation) error {
	if v.system() || op.Op == core.OperationDelete || op.Op == core.OperationPurge {
		return nil
	}
	if err := v.permit(ctx, &op); err != nil {
		return err
	}
	return core.Refuse(core.CodeForbidden, "", "A session begins by signing in, at /api/v1/auth/login. It can be ended here, and nothing else.",
		"Une session s’ouvre en se connectant, par /api/v1/auth/login. Ici, on peut seulement y mettre fin.")
}

// merged gives the document that an operation makes of another, as far as accounts and tokens need to know it.
func merged(op *core.Operation, before map[string]any) map[string]any {
	if op.Op != core.OperationReplace {
		return jsondoc.Merge(before, op.Data)
	}
	after := jsondoc.Merge(nil, op.Data)
	for _, name := range []string{"password", "totp", "identities", "epoch", "handedOver", "hash", "hint"} {
		if v, ok := before[name]; ok {
			after[name] = v
		}
	}
	return after
}

package access

import (
	"context"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/email"
)

// Explain implements core.Rights.
func (a *Access) Explain(ctx context.Context, who *core.Principal, q core.ExplainQuery) (*core.Explanation, error) {
	as, err := a.asked(ctx, who, q.As)
	if err != nil {
		return nil, err
	}
	t, ok := a.Types.Type(q.Type)
	if !ok {
		return nil, core.NoType(q.Type)
	}
	if wrong := unknownActions("/action", []any{string(q.Action)}, []*core.Type{t}); len(wrong) > 0 {
		return nil, core.Refuse(core.CodeBadRequest, "unknown_action", wrong[0].Texts["en"], wrong[0].Texts["fr"])
	}
	pol, err := a.policy(ctx)
	if err != nil {
		return nil, err
	}
	x := &explaining{granting: a.granting(ctx, pol, as, t), q: q}
	if x.seen, err = a.seen(ctx, who, t, q.ID); err != nil {
		return nil, err
	}
	x.out = &core.Explanation{As: as.ID, Roles: x.roles, Action: q.Action, Type: q.Type, ID: q.ID, Rules: []core.RuleLine{}, Hidden: []string{}}
	return x.out, x.explain()
}

// asked is the principal in question. Who may read the roles may ask about anybody.
func (a *Access) asked(ctx context.Context, who *core.Principal, as string) (*core.Principal, error) {
	if as == "" || as == who.ID || as == string(who.Entry()) && as != "" {
		return who, nil
	}
	if err := a.mayRead(ctx, who, RoleType); err != nil {
		return nil, err
	}
	pol, err := a.policy(ctx)
	if err != nil {
		return nil, err
	}
	if pol.roles[as] != nil {
		return &core.Principal{ID: "role:" + as, Kind: "role", Roles: []string{as}}, nil
	}
	id := core.EntryID(strings.TrimPrefix(as, "user:"))
	if strings.Contains(as, "@") {
		if id, err = a.Catalog.Unique(ctx, UserType, "email", email.Normal(as)); err != nil {
			return nil, core.Wrap("access.Explain", err)
		}
	}
	user, err := a.User(ctx, id)
	if err != nil {
		return nil, onlyFaults(err, core.Refuse(core.CodeNotFound, "", "There is no active account and no role of this name.", "Il n’y a ni compte actif ni rôle de ce nom."))
	}
	return user, nil
}

func (a *Access) mayRead(ctx context.Context, who *core.Principal, name core.TypeName) error {
	t, ok := a.Types.Type(name)
	if !ok {
		return core.NoType(name)
	}
	_, err := a.Scope(ctx, who, t, core.ActionRead)
	return err
}

// explaining is one question.
type explaining struct {
	*granting
	q    core.ExplainQuery
	seen map[core.State]bool // the states in which who asks is shown the entry: what he is not shown, he is not told of
	out  *core.Explanation
}

func (x *explaining) explain() error {
	if err := x.lines(); err != nil {
		return err
	}
	scope, err := x.a.scope(x.ctx, x.policy, x.who, x.t, x.q.Action)
	if err != nil {
		if isFault(err) {
			return err
		}
		x.say(false, "None of the permissions of %s covers this action on this type.", "Aucune permission de %s ne couvre cette action sur ce type.")
		return nil
	}
	held, state, ok, err := x.row(scope)
	if err != nil {
		return err
	}
	if !ok {
		x.say(false, "The permissions of %s cover this type, but not this entry in its state.", "Les permissions de %s couvrent ce type, mais pas ce contenu dans son état.")
		return nil
	}
	x.decide()
	x.say(true, "A permission of %s allows it.", "Une permission de %s le permet.")
	x.fields(scope.In(state).With(held))
	return nil
}

func (x *explaining) say(allowed bool, en, fr string) {
	roles := strings.Join(x.roles, ", ")
	x.out.Allowed, x.out.Because = allowed, strings.Replace(en, "%s", roles, 1)
	x.out.Texts = core.Text{"en": x.out.Because, "fr": strings.Replace(fr, "%s", roles, 1)}
}

// lines lists the permissions that name the type, and what each says.
func (x *explaining) lines() error {
	covering, err := x.covers(x.q.Action)
	if err != nil {
		return err
	}
	for _, name := range x.roles {
		r := x.policy.roles[name]
		if r == nil {
			continue
		}
		for i := range r.Permissions {
			if p := &r.Permissions[i]; names(p.Type, x.t) {
				line, err := x.line(ref{name, i}, p, slices.Contains(covering, ref{name, i}))
				if err != nil {
					return err
				}
				x.out.Rules = append(x.out.Rules, line)
			}
		}
	}
	return nil
}

// names reports whether a permission's type names one.
func names(pattern string, t *core.Type) bool {
	kind := kindOf(t)
	return pattern == string(t.Name) || pattern == everyType || pattern == anyType && kind != "system" || pattern == publicType && kind == "public"
}

func (x *explaining) line(r ref, p *permission, covers bool) (core.RuleLine, error) {
	line := core.RuleLine{Role: r.role, Index: r.index, Type: p.Type, Actions: p.Actions, Where: p.Where, Why: "another action"}
	if !covers {
		return line, nil
	}
	made, ok, err := x.grant(p)
	switch {
	case err != nil:
		return line, err
	case !ok:
		line.Why = "without a value for $me, or for other fields than this type has"
		return line, nil
	}
	if x.q.ID != "" && made.where != nil {
		_, matches, err := x.find(made.where)
		if err != nil || !matches {
			line.Why = "another row"
			return line, err
		}
	}
	line.Applies, line.Why = true, "allows"
	return line, nil
}

// find looks for the entry in question under a condition, in the state that shows most of it.
func (x *explaining) find(where core.Node) (core.State, bool, error) {
	for _, state := range []core.State{core.StateDraft, core.StateTrash, core.StatePublished} {
		ok, err := x.findIn(where, state)
		if ok || err != nil {
			return state, ok, err
		}
	}
	return "", false, nil
}

func (x *explaining) findIn(where core.Node, state core.State) (bool, error) {
	if !x.seen[state] {
		return false, nil
	}
	return x.a.finds(x.ctx, x.t.Name, x.q.ID, state, where)
}

// row finds the state in which a scope covers the entry in question, and which further fields it gives there.
func (x *explaining) row(s *core.Scope) (held uint64, state core.State, ok bool, err error) {
	looks := x.q.Action == core.ActionList || x.q.Action == core.ActionRead || x.q.Action == core.ActionExport
	if x.q.ID == "" {
		return 0, core.StatePublished, true, nil
	}
	states := []core.State{core.StatePublished}
	if !looks || s.Drafts {
		states = []core.State{core.StateDraft, core.StateTrash, core.StatePublished}
	}
	for _, state = range states {
		face := s.In(state)
		if ok, err = x.findIn(face.Where, state); err != nil || !ok {
			continue
		}
		for i := range face.More {
			if more, err := x.findIn(face.More[i].Where, state); err == nil && more {
				held |= 1 << i
			}
		}
		return held, state, true, nil
	}
	return 0, "", false, err
}

// decide names the first permission that applies.
func (x *explaining) decide() {
	for i := range x.out.Rules {
		if x.out.Rules[i].Applies {
			x.out.Decides = &x.out.Rules[i]
			return
		}
	}
}

// fields lists what is hidden and what cannot be set.
func (x *explaining) fields(s *core.Scope) {
	write := x.q.Action == core.ActionCreate || x.q.Action == core.ActionUpdate
	for i := range x.t.Fields {
		path := x.t.Fields[i].Path
		if !s.Readable(x.t, path) {
			x.out.Hidden = append(x.out.Hidden, path)
		}
		if write && !s.Write.Has(path) {
			x.out.ReadOnly = append(x.out.ReadOnly, path)
		}
	}
}

package access

import (
	"context"
	"maps"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// previewed are the actions that a preview compares.
var previewed = []core.Action{core.ActionList, core.ActionRead, core.ActionCreate, core.ActionUpdate, core.ActionDelete, core.ActionSubmit, core.ActionApprove,
	core.ActionPublish, core.ActionExport, core.ActionHistory, core.ActionRestore, core.ActionPurge, core.ActionManage}

// Preview implements core.Rights.
func (a *Access) Preview(ctx context.Context, who *core.Principal, doc map[string]any) (*core.RolePreview, error) {
	if err := a.mayRead(ctx, who, RoleType); err != nil {
		return nil, err
	}
	next, err := readRole(jsondoc.Encode(doc))
	if err != nil {
		return nil, core.Invalid(core.FieldError{Pointer: "", Keyword: "type", Message: "This is no role.", Texts: core.Text{"fr": "Ce n’est pas un rôle."}})
	}
	before, err := a.policy(ctx)
	if err != nil {
		return nil, err
	}
	roles := maps.Clone(before.roles)
	roles[next.Name] = next
	after, err := newPolicy(before.version, roles)
	if err != nil {
		return nil, core.Wrap("access.Preview", err)
	}
	p := &comparing{a: a, ctx: ctx, counts: isAdministrator(who), before: before, after: after,
		who: &core.Principal{ID: "role:" + next.Name, Kind: "role", Roles: []string{next.Name}}}
	p.out = &core.RolePreview{Role: next.Name, New: before.roles[next.Name] == nil, Opens: []core.RightChange{}, Closes: []core.RightChange{},
		Fields: []core.FieldsMoved{}, Warnings: a.warnings(ctx, doc)}
	return p.out, p.compare(next.Name)
}

// comparing is one preview.
type comparing struct {
	a             *Access
	ctx           context.Context
	who           *core.Principal
	before, after *policy
	// counts reports whether who asks may be told numbers of entries: of those that a condition of his own holds for, a number
	// gives away fields that he is not shown. Roles are for administrators to change.
	counts bool
	out    *core.RolePreview
}

func (c *comparing) compare(name string) (err error) {
	if c.out.Users, err = c.having(UserType, "roles", name); err != nil {
		return err
	}
	if c.out.Tokens, err = c.having(TokenType, "role", name); err != nil {
		return err
	}
	for _, t := range c.a.Types.Types() {
		for _, action := range previewed {
			if err := c.action(t, action); err != nil {
				return err
			}
		}
		if err := c.fields(t); err != nil {
			return err
		}
	}
	return nil
}

// having counts the entries of a system type that have a value in a field.
func (c *comparing) having(name core.TypeName, field, value string) (int, error) {
	return c.count(name, core.StateDraft, core.Compare{Path: core.Path{Field: field}, Op: core.OpEq, Values: []any{value}})
}

func (c *comparing) count(name core.TypeName, state core.State, where core.Node) (int, error) {
	page, err := c.a.Catalog.Query(c.ctx, core.Query{Type: name, State: state, Where: where, Total: true, Sort: []core.SortKey{{Path: core.Path{Field: "_id"}}}})
	if err != nil {
		return 0, core.Wrap("access.Preview", err)
	}
	return page.Total, nil
}

// side is what one of the policies says.
type side struct {
	scope    *core.Scope // nil where it says no
	personal bool        // it depends on who asks
}

func (c *comparing) side(p *policy, t *core.Type, action core.Action) (side, error) {
	scope, err := c.a.scope(c.ctx, p, c.who, t, action)
	if isFault(err) {
		return side{}, err
	}
	refs, err := c.a.granting(c.ctx, p, c.who, t).covers(action)
	if err != nil {
		return side{}, err
	}
	s := side{scope: scope}
	for _, r := range refs {
		if f, applies := fill(p.permission(r).Where, t, c.who, c.a.Now); !applies || f.personal {
			s.personal = true
		}
	}
	return s, nil
}

func (c *comparing) action(t *core.Type, action core.Action) error {
	was, err := c.side(c.before, t, action)
	if err != nil {
		return err
	}
	is, err := c.side(c.after, t, action)
	if err != nil {
		return err
	}
	if c.out.Opens, err = c.differing(c.out.Opens, t, action, was, is); err != nil {
		return err
	}
	c.out.Closes, err = c.differing(c.out.Closes, t, action, is, was)
	return err
}

// differing adds what is in one side and not in the other.
func (c *comparing) differing(list []core.RightChange, t *core.Type, action core.Action, less, more side) ([]core.RightChange, error) {
	if less.personal || more.personal {
		if (more.scope != nil || more.personal) && less.scope == nil && !less.personal {
			list = append(list, core.RightChange{Type: t.Name, Action: action, Entries: -1})
		}
		return list, nil
	}
	if more.scope == nil || more.scope == less.scope || less.scope != nil && less.scope.Key == more.scope.Key {
		return list, nil
	}
	state := core.StateDraft
	if looks := action == core.ActionList || action == core.ActionRead || action == core.ActionExport; looks && !more.scope.Drafts {
		state = core.StatePublished
	}
	if !c.counts {
		return append(list, core.RightChange{Type: t.Name, Action: action, Entries: -1, Of: -1}), nil
	}
	change := core.RightChange{Type: t.Name, Action: action}
	var err error
	if change.Entries, err = c.count(t.Name, state, won(less.scope, more.scope, state)); err != nil {
		return list, err
	}
	if change.Of, err = c.count(t.Name, state, nil); err != nil {
		return list, err
	}
	if change.Entries > 0 || less.scope == nil {
		list = append(list, change)
	}
	return list, nil
}

// won holds for the rows of one scope that are not in another.
func won(less, more *core.Scope, state core.State) core.Node {
	where := more.In(state).Where
	if less == nil || state != core.StatePublished && more.Drafts && !less.Drafts {
		return where
	}
	had := less.In(state).Where
	if had == nil {
		return core.Or{} // it had them all
	}
	if where == nil {
		return core.Not{Node: had}
	}
	return core.And{where, core.Not{Node: had}}
}

// fields compares what may be read and set in any row.
func (c *comparing) fields(t *core.Type) error {
	read, err := c.moved(t, core.ActionRead, func(s *core.Scope, path string) bool { return s.Readable(t, path) })
	if err != nil {
		return err
	}
	write, err := c.moved(t, core.ActionUpdate, func(s *core.Scope, path string) bool { return s.Write.Has(path) })
	if err != nil {
		return err
	}
	m := core.FieldsMoved{Type: t.Name, ReadOpens: read[0], ReadCloses: read[1], WriteOpens: write[0], WriteCloses: write[1]}
	if len(read[0])+len(read[1])+len(write[0])+len(write[1]) > 0 {
		c.out.Fields = append(c.out.Fields, m)
	}
	return nil
}

// moved lists the fields that open and those that close under an action.
func (c *comparing) moved(t *core.Type, action core.Action, has func(*core.Scope, string) bool) (moved [2][]string, err error) {
	was, err := c.side(c.before, t, action)
	if err != nil {
		return moved, err
	}
	is, err := c.side(c.after, t, action)
	if err != nil {
		return moved, err
	}
	for i := range t.Fields {
		path := t.Fields[i].Path
		had, has := anyRow(was.scope, path, has), anyRow(is.scope, path, has)
		switch {
		case has && !had:
			moved[0] = append(moved[0], path)
		case had && !has:
			moved[1] = append(moved[1], path)
		}
	}
	return moved, nil
}

// anyRow reports whether a scope has a field in any of its rows, in any state.
func anyRow(s *core.Scope, path string, has func(*core.Scope, string) bool) bool {
	if s == nil {
		return false
	}
	for _, face := range []*core.Scope{s, s.Draft} {
		if face != nil && has(face.With(1<<len(face.More)-1), path) {
			return true
		}
	}
	return false
}

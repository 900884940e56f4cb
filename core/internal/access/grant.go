package access

import (
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// grant is a permission as it applies to one principal and one type.
type grant struct {
	where       core.Node // nil for every row
	text        string    // of the condition: equal conditions have equal texts
	read, write fieldBits
	filled
}

// granting makes grants for one principal, one type.
type granting struct {
	a      *Access
	ctx    context.Context
	policy *policy
	who    *core.Principal
	t      *core.Type
	roles  []string
	joined string
}

func (a *Access) granting(ctx context.Context, pol *policy, who *core.Principal, t *core.Type) *granting {
	g := &granting{a: a, ctx: ctx, policy: pol, who: who, t: t}
	g.roles, g.joined = rolesOf(who)
	return g
}

func (g *granting) covers(action core.Action) ([]ref, error) {
	return g.policy.covers(g.roles, g.joined, g.t, action, g.a.lasting(g.t, action))
}

// of makes the grants of permissions. One whose condition does not fit the type, or stands for nothing, gives none.
func (g *granting) of(refs []ref) ([]grant, error) {
	var grants []grant
	for _, r := range refs {
		made, ok, err := g.grant(g.policy.permission(r))
		if err != nil {
			return nil, err
		}
		if ok {
			grants = append(grants, made)
		}
	}
	return grants, nil
}

func (g *granting) grant(p *permission) (grant, bool, error) {
	made := grant{}
	made.read, made.write = p.lists(g.t, g.roles)
	if len(p.Where) == 0 {
		return made, true, nil
	}
	var applies bool
	if made.filled, applies = fill(p.Where, g.t, g.who, g.a.Now); !applies {
		return made, false, nil
	}
	var err error
	made.where, err = g.a.Where(g.ctx, g.t, made.tree)
	switch core.CodeOf(err) {
	case "":
	case core.CodeBadRequest, core.CodeInvalid:
		g.a.Logger.Debug("a permission does not fit a type and gives nothing there", "type", g.t.Name, "error", err)
		return made, false, nil
	default:
		return made, false, err
	}
	if made.where != nil {
		made.text = string(jsondoc.Encode(made.tree))
	}
	return made, true, nil
}

// drafts makes the grants for what is not published: the permissions that come with the right to see drafts, each with what
// it may itself be read by, or else what the other permissions for reading show of its rows.
func (g *granting) drafts(reading []ref) ([]grant, error) {
	refs, err := g.covers(seeDrafts)
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	reads := map[ref]bool{}
	for _, r := range reading {
		reads[r] = true
	}
	var all []grant
	for _, r := range refs {
		own, err := g.of([]ref{r})
		if err != nil {
			return nil, err
		}
		if len(own) > 0 && !reads[r] {
			if own, err = g.narrowed(own[0], reading); err != nil {
				return nil, err
			}
		}
		all = append(all, own...)
	}
	return all, nil
}

// narrowed is what permissions for reading show of the rows of a grant.
func (g *granting) narrowed(rows grant, reading []ref) ([]grant, error) {
	shown, err := g.of(reading)
	for i := range shown {
		s := &shown[i]
		s.personal, s.passing = s.personal || rows.personal, s.passing || rows.passing
		switch {
		case s.where == nil:
			s.where, s.text = rows.where, rows.text
		case rows.where != nil:
			s.where, s.text = core.And{rows.where, s.where}, rows.text+"&"+s.text
		}
	}
	return shown, err
}

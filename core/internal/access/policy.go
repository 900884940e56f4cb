package access

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/palabre-cms/palabre/core"
)

// rules is the model that casbin decides by: a request names a permission of a role, a type with its kind, and an action.
// g is which action comes with which: who may publish may also schedule it and take it back.
const rules = `
[request_definition]
r = permission, type, kind, action
[policy_definition]
p = permission, type, action
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.permission == p.permission && (p.type == r.type || p.type == "*" && r.kind != "system" || p.type == "@public" && r.kind == "public" || p.type == "**") && (p.action == "*" || g(r.action, p.action))
`

// seeDrafts is the right to look at what is not published. It comes with every right to work on entries.
const seeDrafts core.Action = "drafts"

// implied lists, for an action, those that it comes with.
var implied = map[core.Action][]core.Action{
	core.ActionUnpublish: {core.ActionPublish},
	core.ActionSchedule:  {core.ActionPublish},
	"reject":             {core.ActionApprove},
}

// onlyLooking are the actions that do not come with the right to see drafts.
var onlyLooking = map[core.Action]bool{core.ActionList: true, core.ActionRead: true, core.ActionCreate: true, core.ActionComment: true, core.ActionExport: true}

// policyVersion is what a policy was made from.
type policyVersion struct{ roles, types uint64 }

// policy is all roles at one moment, and what was found out from them.
type policy struct {
	version  policyVersion
	roles    map[string]*role
	enforcer map[string]*casbin.SyncedEnforcer
	covering sync.Map // coverKey → []ref
	scopes   sync.Map // scopeKey → scopeAnswer: of principals whom no condition tells apart
	personal boundedScopes
}

// ref names a permission.
type ref struct {
	role  string
	index int
}

func newPolicy(v policyVersion, roles map[string]*role) (*policy, error) {
	p := &policy{version: v, roles: roles, enforcer: map[string]*casbin.SyncedEnforcer{}}
	for name, r := range roles {
		e, err := newEnforcer(r)
		if err != nil {
			return nil, fmt.Errorf("the role %s: %w", name, err)
		}
		p.enforcer[name] = e
	}
	return p, nil
}

func newEnforcer(r *role) (*casbin.SyncedEnforcer, error) {
	m, err := model.NewModelFromString(rules)
	if err != nil {
		return nil, err
	}
	e, err := casbin.NewSyncedEnforcer(m)
	if err != nil {
		return nil, err
	}
	comes := map[[2]string]bool{}
	for action, with := range implied {
		for _, w := range with {
			comes[[2]string{string(action), string(w)}] = true
		}
	}
	for i := range r.Permissions {
		for _, action := range r.Permissions[i].Actions {
			if _, err := e.AddPolicy(strconv.Itoa(i), r.Permissions[i].Type, string(action)); err != nil {
				return nil, err
			}
			if action != anyAction && !onlyLooking[action] {
				comes[[2]string{string(seeDrafts), string(action)}] = true
			}
		}
	}
	for pair := range comes {
		if pair[0] == pair[1] {
			continue
		}
		if _, err := e.AddGroupingPolicy(pair[0], pair[1]); err != nil {
			return nil, err
		}
	}
	return e, nil
}

type coverKey struct {
	roles  string
	typ    core.TypeName
	public bool
	action core.Action
}

// ownActions are those of Palabre's own operations; a type's workflow has its own beside them.
var ownActions = []core.Action{core.ActionList, core.ActionRead, core.ActionCreate, core.ActionUpdate, core.ActionDelete, core.ActionPurge,
	core.ActionRestore, core.ActionSubmit, core.ActionApprove, core.ActionPublish, core.ActionUnpublish, core.ActionSchedule, core.ActionExport,
	core.ActionHistory, core.ActionManage, core.ActionComment, seeDrafts}

// lasting reports whether what is found out about a type and an action may be remembered: there are only so many of them.
// Others are what requests make up, and would fill the memory.
func (a *Access) lasting(t *core.Type, action core.Action) bool {
	if there, ok := a.Types.Type(t.Name); !ok || there != t {
		return false
	}
	return slices.Contains(ownActions, action) || slices.ContainsFunc(t.Workflow.Transitions, func(w core.Transition) bool { return w.Name == string(action) })
}

// covers lists the permissions of roles that cover a type and an action, those of the first role first.
func (p *policy) covers(roles []string, joined string, t *core.Type, action core.Action, remember bool) ([]ref, error) {
	key := coverKey{joined, t.Name, t.Public, action}
	if known, ok := p.covering.Load(key); ok {
		return known.([]ref), nil
	}
	var found []ref
	for _, name := range roles {
		r, e := p.roles[name], p.enforcer[name]
		if r == nil {
			continue // a role that is gone gives nothing
		}
		for i := range r.Permissions {
			ok, err := e.Enforce(strconv.Itoa(i), string(t.Name), kindOf(t), string(action))
			if err != nil {
				return nil, core.Wrap("access.covers", err)
			}
			if ok {
				found = append(found, ref{name, i})
			}
		}
	}
	if remember {
		p.covering.Store(key, found)
	}
	return found, nil
}

func kindOf(t *core.Type) string {
	switch {
	case t.Name.System():
		return "system"
	case t.Public:
		return "public"
	}
	return "staff"
}

func (p *policy) permission(r ref) *permission { return &p.roles[r.role].Permissions[r.index] }

// rolesOf are the roles that a principal has, "public" among them, and the same as one text.
func rolesOf(p *core.Principal) (roles []string, joined string) {
	if len(p.Roles) == 1 && p.Roles[0] == Public {
		return p.Roles, Public
	}
	roles = append(append(make([]string, 0, len(p.Roles)+1), p.Roles...), Public)
	return roles, strings.Join(roles, " ")
}

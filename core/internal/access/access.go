// Package access decides who may do what. It is the one place where that is decided: lists, search, facets, counts,
// includes, history, exports, changes, feeds and plugins' routes all ask it for a core.Scope and obey.
//
// The words:
//
//   - a principal is who asks: a user (an entry of _user), an API token (_token), a narrow link (_link), anybody;
//   - a role (_role) is a list of permissions: a type, actions, a condition on rows, lists of fields. They add up, and what
//     none allows is denied. Everybody has the role "public" beside his own;
//   - a grant is a permission as it applies to one principal and one type: its condition with "$me" put in, its lists of
//     fields spelt out;
//   - a scope is what the grants of a principal come to for a type and an action: one condition on rows, one mask of fields,
//     and further fields for those rows where a grant gives more.
//
// Which permissions cover a type and an action is decided by casbin (policy.go, with the model of the rules). That is asked
// once for each combination of roles, type and action, and again when a role or a type changes; a scope is then found in
// memory. When the roles cannot be read, everybody is denied.
//
// A type that a caller may not see behaves exactly as one that does not exist.
//
//	principal.go   who asks: tokens, links, users
//	role.go        roles and their permissions, as they are stored
//	policy.go      casbin: which permissions cover what
//	grant.go       permissions as they apply to a principal
//	where.go       "$me" and "$now" in conditions
//	fields.go      lists of fields, by name and by privacy class
//	scope.go       what grants come to
//	builtin.go     the roles that are there from the start
//	giving.go      who may give which rights to others
//	explain.go     why a principal may do something, or not
//	preview.go     what a changed role would open and close
package access

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// The system types that decide who may do what.
const (
	RoleType    core.TypeName = "_role"
	UserType    core.TypeName = "_user"
	TokenType   core.TypeName = "_token"
	LinkType    core.TypeName = "_link"
	CommentType core.TypeName = "_comment"
	typeType    core.TypeName = "_type"
)

// Administrator is the role that may do everything, whatever its entry says.
const Administrator = "administrator"

// Public is the role of anonymous callers, which everybody has beside his own.
const Public = "public"

// Config is what New needs.
type Config struct {
	Catalog core.Catalog
	Types   core.Types
	Now     func() time.Time // the clock that ends are judged by
	// Where reads a condition as the query language has it.
	Where  func(ctx context.Context, t *core.Type, tree map[string]any) (core.Node, error)
	Logger *slog.Logger
}

// Access implements core.Access, core.Renewer, core.Directory and core.Rights.
type Access struct {
	Config
	principals principals
	mu         sync.Mutex // of loading the policy
	current    atomic.Pointer[policy]
}

var (
	_ core.Access    = (*Access)(nil)
	_ core.Renewer   = (*Access)(nil)
	_ core.Directory = (*Access)(nil)
	_ core.Rights    = (*Access)(nil)
)

// New makes the decider.
func New(c Config) *Access {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Access{Config: c}
}

// Version rises when the answer to anybody's question may have changed by another policy.
func (a *Access) Version() uint64 { return a.Catalog.Version(RoleType) }

// policy gives the policy as it is now.
func (a *Access) policy(ctx context.Context) (*policy, error) {
	v := policyVersion{a.Catalog.Version(RoleType), a.Catalog.Version(typeType)}
	if p := a.current.Load(); p != nil && p.version == v {
		return p, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.current.Load(); p != nil && p.version == v {
		return p, nil
	}
	roles, err := a.loadRoles(ctx)
	if err != nil {
		return nil, denied(err)
	}
	p, err := newPolicy(v, roles)
	if err != nil {
		return nil, denied(err)
	}
	a.current.Store(p)
	return p, nil
}

// denied is the answer to everybody while the roles cannot be read.
func denied(err error) error {
	return &core.Error{Op: "access.policy", Code: core.CodeUnavailable, Message: "Who may do what cannot be read at the moment, so nobody may do anything. Try again.",
		Texts: core.Text{"fr": "Les droits ne peuvent pas être lus pour le moment : rien n’est permis à personne. Réessayez."}, Err: err}
}

// Scope implements core.Access.
func (a *Access) Scope(ctx context.Context, p *core.Principal, t *core.Type, action core.Action) (*core.Scope, error) {
	if p.Kind == core.System.Kind {
		return systemScope, nil
	}
	pol, err := a.policy(ctx)
	if err != nil {
		return nil, err
	}
	return a.scope(ctx, pol, p, t, action)
}

var systemScope = &core.Scope{Key: "system", Read: core.FieldSet{All: true}, Write: core.FieldSet{All: true}, Drafts: true, Private: true}

package core

import (
	"context"
	"strings"
)

// Action is an editorial intent. The name of a workflow transition is an action too.
type Action string

// The actions of Palabre's own operations.
const (
	ActionList      Action = "list"
	ActionRead      Action = "read"
	ActionCreate    Action = "create"
	ActionUpdate    Action = "update"
	ActionDelete    Action = "delete"
	ActionPurge     Action = "purge"
	ActionRestore   Action = "restore"
	ActionSubmit    Action = "submit"
	ActionApprove   Action = "approve"
	ActionPublish   Action = "publish"
	ActionUnpublish Action = "unpublish"
	ActionSchedule  Action = "schedule"
	ActionExport    Action = "export"
	ActionHistory   Action = "history"
	ActionManage    Action = "manage"  // types, roles, settings
	ActionMigrate   Action = "migrate" // a schema change rewrote the document
	ActionDetach    Action = "detach"  // a reference was taken out because its target was deleted
)

// Principal is who asks.
type Principal struct {
	ID    string // "token:01j…", "user:01j…", "system", "anonymous"
	Kind  string // "token", "user", "system", "anonymous"
	Roles []string
}

// Anonymous is a caller who has not signed in.
var Anonymous = &Principal{ID: "anonymous", Kind: "anonymous", Roles: []string{"public"}}

// System is Palabre itself: schedules, migrations, the command line on the data directory.
var System = &Principal{ID: "system", Kind: "system", Roles: []string{"administrator"}}

// Anonymous reports whether nobody is signed in.
func (p *Principal) Anonymous() bool { return p.Kind == "anonymous" }

// Scope is what a principal may do with a type under one action: which rows, which fields.
type Scope struct {
	// Key is equal for two scopes exactly when every answer under them is equal: the cache's share of the key.
	Key string
	// Where must hold for an entry to be touched or seen; nil is no restriction.
	Where Node
	// Read and Write are the fields that may be seen and set.
	Read, Write FieldSet
	// Drafts reports whether states other than published may be looked at.
	Drafts bool
	// Private reports whether private fields are readable.
	Private bool
}

// FieldSet is a set of field paths. The zero FieldSet is empty. A path is in it when it, or an object above it, is
// allowed and neither is denied.
type FieldSet struct {
	All  bool            // every path that is not in Deny
	Only map[string]bool // otherwise: these paths, and what lies below them
	Deny map[string]bool
}

// Has reports whether a path is in the set.
func (s *FieldSet) Has(path string) bool {
	allowed := s.All
	for end := 0; end >= 0; {
		next := strings.IndexByte(path[end:], '.')
		if next < 0 {
			end = -1
		} else {
			end += next
		}
		prefix := path
		if end >= 0 {
			prefix = path[:end]
			end++
		}
		if s.Deny[prefix] {
			return false
		}
		if s.Only[prefix] {
			allowed = true
		}
	}
	return allowed
}

// Whole reports whether every path is in the set.
func (s *FieldSet) Whole() bool { return s.All && len(s.Deny) == 0 }

// Access decides who may do what.
type Access interface {
	// Authenticate gives the principal behind a bearer token; CodeUnauthenticated for an unknown, expired or revoked one.
	Authenticate(ctx context.Context, token string) (*Principal, error)
	// Scope gives what the principal may do with the type. A type that the principal may not see at all gives CodeNotFound,
	// a known refusal CodeForbidden, or CodeUnauthenticated when signing in could help.
	Scope(ctx context.Context, p *Principal, t *Type, a Action) (*Scope, error)
}

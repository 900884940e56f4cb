package core

import (
	"context"
	"strconv"
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
	ActionManage    Action = "manage"   // types, roles, settings
	ActionComment   Action = "comment"  // remarks beside an entry
	ActionErase     Action = "erase"    // personal data was taken out of the document
	ActionRedact    Action = "redact"   // and out of the entry's past
	ActionReassign  Action = "reassign" // the entry became somebody else's
	ActionMigrate   Action = "migrate"  // a schema change rewrote the document
	ActionDetach    Action = "detach"   // a reference was taken out because its target was deleted
)

// Principal is who asks. It is not changed once it is made: who changes becomes another one.
type Principal struct {
	ID    string   // "user:01j…", "token:01j…", "link:01j…", "system", "anonymous"
	Kind  string   // "user", "token", "link", "system", "anonymous"
	Roles []string // names of entries of _role
	// Rev is the revision of the entry behind the principal, so that an answer kept for who somebody was is not given to who
	// he is now.
	Rev int64
	// About is what "$me.name" stands for in a row rule: the values of the user's own fields, of a reference its identifier.
	About map[string][]any
	// Grant is what a narrow link opens; nil for everybody else.
	Grant *Grant
	// Session is the entry of _session that a user came with; "" for everybody else.
	Session EntryID
	// LacksFactor says that one of his roles asks a user for a second factor which he has not set up: until he has, he has
	// none of his roles.
	LacksFactor bool
}

// Grant is what a narrow link opens to whoever holds it, beside what is public: one entry, in its latest state.
type Grant struct {
	Type    TypeName
	Entry   EntryID
	Actions []Action // ActionRead, ActionComment, ActionUpdate
	Fields  []string // what may be read and set, as in a role; nil for "*"
}

// Anonymous is a caller who has not signed in.
var Anonymous = &Principal{ID: "anonymous", Kind: "anonymous", Roles: []string{"public"}}

// System is Palabre itself: schedules, migrations, the command line on the data directory.
var System = &Principal{ID: "system", Kind: "system", Roles: []string{"administrator"}}

// Anonymous reports whether nobody is signed in.
func (p *Principal) Anonymous() bool { return p.Kind == "anonymous" }

// Entry is the identifier of the entry behind the principal: of its user, token or link. "" where there is none.
func (p *Principal) Entry() EntryID {
	_, id, _ := strings.Cut(p.ID, ":")
	return EntryID(id)
}

// Scope is what a principal may do with a type under one action: which rows, which fields.
type Scope struct {
	// Key is equal for two scopes exactly when every answer under them is equal: the cache's share of the key. "" is a scope
	// for this moment only, as one that depends on the time: nothing made under it may be remembered.
	Key string
	// Where must hold for an entry to be touched or seen; nil is no restriction.
	Where Node
	// Read and Write are the fields that may be seen and set, in every row. Only what may be seen in every row can be asked
	// about: filtered on, sorted by, searched, counted.
	Read, Write FieldSet
	// More are further fields, each for some of the rows; 64 at most.
	More []MoreFields
	// Drafts reports whether states other than published may be looked at.
	Drafts bool
	// Draft, with Drafts, is what holds in those states where that differs from what holds in public; see In. It has no Draft
	// of its own.
	Draft *Scope
	// Private reports whether private fields are readable.
	Private bool
	// LooksInto are the types that the conditions look into through references: an answer changes with their entries too.
	LooksInto []TypeName
}

// MoreFields are fields that a scope gives beside its own where a condition holds for the row.
type MoreFields struct {
	Where       Node
	Read, Write FieldSet
	Private     bool // whether private fields are among those that may be read
}

// In is the scope as it holds for entries in a state.
func (s *Scope) In(state State) *Scope {
	if state != StatePublished && s.Draft != nil {
		return s.Draft
	}
	return s
}

// With is the scope of a row for which some of More hold: bit i of held stands for More[i].
func (s *Scope) With(held uint64) *Scope {
	if held == 0 {
		return s
	}
	more := *s
	more.More = nil
	if s.Key != "" {
		more.Key = s.Key + "+" + strconv.FormatUint(held, 36)
	}
	for i := range s.More {
		if held&(1<<i) != 0 {
			more.Read.Or = append(more.Read.Or[:len(more.Read.Or):len(more.Read.Or)], s.More[i].Read)
			more.Write.Or = append(more.Write.Or[:len(more.Write.Or):len(more.Write.Or)], s.More[i].Write)
			more.Private = more.Private || s.More[i].Private
		}
	}
	return &more
}

// FieldSet is a set of field paths. The zero FieldSet is empty. A path is in it when it, or an object above it, is
// allowed and neither is denied, or when it is in one of Or.
type FieldSet struct {
	All  bool            // every path that is not in Deny
	Only map[string]bool // otherwise: these paths, and what lies below them
	Deny map[string]bool
	Or   []FieldSet
}

// Has reports whether a path is in the set.
func (s *FieldSet) Has(path string) bool {
	if s.has(path) {
		return true
	}
	for i := range s.Or {
		if s.Or[i].Has(path) {
			return true
		}
	}
	return false
}

func (s *FieldSet) has(path string) bool {
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

// Renewer is an Access that can say who a principal is now: a write that took long asks before it is committed.
type Renewer interface {
	// Renew gives the principal as it stands now; CodeUnauthenticated for one that may not act any more.
	Renew(ctx context.Context, p *Principal) (*Principal, error)
}

// Directory knows the accounts.
type Directory interface {
	// User gives the principal of an account that may act now; CodeUnauthenticated for one that is absent, suspended or at its
	// end.
	User(ctx context.Context, id EntryID) (*Principal, error)
}

// Rights tells why, and what if.
type Rights interface {
	// Explain says which permission allows or forbids something, and which fields are hidden. Who may read the roles may ask
	// about anybody, everybody about himself.
	Explain(ctx context.Context, who *Principal, q ExplainQuery) (*Explanation, error)
	// Preview says what a role as given would open and close, compared with what is stored under its name. Nothing is changed.
	Preview(ctx context.Context, who *Principal, role map[string]any) (*RolePreview, error)
}

// ExplainQuery asks whether somebody may do something.
type ExplainQuery struct {
	As     string // a role's name, or a user's identifier or e-mail address; "" for who asks
	Action Action
	Type   TypeName
	ID     EntryID // of an entry; "" asks about the type
}

// Explanation is the answer.
type Explanation struct {
	As       string     `json:"as"`
	Roles    []string   `json:"roles"`
	Action   Action     `json:"action"`
	Type     TypeName   `json:"type"`
	ID       EntryID    `json:"id,omitempty"`
	Allowed  bool       `json:"allowed"`
	Because  string     `json:"because"` // a sentence
	Texts    Text       `json:"-"`       // the same in other languages
	Decides  *RuleLine  `json:"permission"`
	Rules    []RuleLine `json:"rules"`        // every permission of the roles that names the type
	Hidden   []string   `json:"hiddenFields"` // cannot be read
	ReadOnly []string   `json:"readOnlyFields,omitempty"`
}

// RuleLine is one permission and what it says of the question.
type RuleLine struct {
	Role    string         `json:"role"`
	Index   int            `json:"index"` // among the role's permissions, from 0
	Type    string         `json:"type"`
	Actions []Action       `json:"actions"`
	Where   map[string]any `json:"where,omitempty"`
	Applies bool           `json:"applies"`
	Why     string         `json:"why"` // "allows", "another action", "another row", "without a value for $me"
}

// RolePreview is what a change of a role comes to.
type RolePreview struct {
	Role   string        `json:"role"`
	New    bool          `json:"new"`
	Users  int           `json:"users"`  // accounts that have the role
	Tokens int           `json:"tokens"` // API tokens that have it
	Opens  []RightChange `json:"opens"`
	Closes []RightChange `json:"closes"`
	Fields []FieldsMoved `json:"fields"`
	// Warnings are names in the role that nothing bears: they give nothing, or take nothing away.
	Warnings []FieldError `json:"warnings"`
}

// RightChange is a right that is won or lost.
type RightChange struct {
	Type   TypeName `json:"type"`
	Action Action   `json:"action"`
	// Entries is for how many entries, of how many; -1 where that depends on who has the role, and for all who are no
	// administrators.
	Entries int `json:"entries"`
	Of      int `json:"of"`
}

// FieldsMoved are the fields of a type that become readable or settable, or no longer are.
type FieldsMoved struct {
	Type        TypeName `json:"type"`
	ReadOpens   []string `json:"readOpens,omitempty"`
	ReadCloses  []string `json:"readCloses,omitempty"`
	WriteOpens  []string `json:"writeOpens,omitempty"`
	WriteCloses []string `json:"writeCloses,omitempty"`
}

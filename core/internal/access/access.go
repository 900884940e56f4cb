// Package access decides who may do what. Callers are API tokens, which are entries of the type _token, or
// anonymous. A token's role decides: "administrator" may do everything; anonymous callers, and any other role, read what
// is published of public types, private fields left out.
//
// A type that a caller may not see behaves exactly as one that does not exist.
package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// TokenType is the system type whose entries are API tokens.
const TokenType core.TypeName = "_token"

// Administrator is the role that may do everything.
const Administrator = "administrator"

const tokenPrefix = "pal_"

// Access implements core.Access.
type Access struct {
	catalog core.Catalog
	now     func() time.Time
	tokens  tokenCache
	public  sync.Map // *core.Type → *core.Scope: a scope is asked for at every request
	admin   sync.Map
}

var _ core.Access = (*Access)(nil)

// New makes the decider. now is the clock that expiry is judged by.
func New(catalog core.Catalog, now func() time.Time) *Access {
	return &Access{catalog: catalog, now: now}
}

// NewToken makes an API token: the text to hand over once, and the hash to keep.
func NewToken() (token, hash string) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		panic("access: no randomness: " + err.Error())
	}
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	return token, HashToken(token)
}

// HashToken gives what is kept of a token. A token has 256 random bits, so a plain SHA-256 cannot be guessed back.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Authenticate implements core.Access.
func (a *Access) Authenticate(ctx context.Context, token string) (*core.Principal, error) {
	if !strings.HasPrefix(token, tokenPrefix) {
		return nil, errBadToken()
	}
	known, err := a.lookup(ctx, HashToken(token))
	if err != nil {
		return nil, err
	}
	if known == nil || known.expired(a.now()) {
		return nil, errBadToken()
	}
	return known.principal, nil
}

func (a *Access) lookup(ctx context.Context, hash string) (*knownToken, error) {
	version := a.catalog.Version(TokenType)
	if known, ok := a.tokens.get(hash, version); ok {
		return known, nil
	}
	id, err := a.catalog.Unique(ctx, TokenType, "hash", hash)
	if err != nil {
		return nil, core.Wrap("access.Authenticate", err)
	}
	if id == "" {
		return nil, nil // strangers' guesses are not remembered: they could fill the cache
	}
	known, err := a.load(ctx, id)
	if err != nil {
		return nil, err
	}
	a.tokens.put(hash, version, known)
	return known, nil
}

func (a *Access) load(ctx context.Context, id core.EntryID) (*knownToken, error) {
	e, err := a.catalog.Entry(ctx, TokenType, id)
	if err != nil {
		return nil, core.Wrap("access.Authenticate", err)
	}
	doc, err := jsondoc.ParseObject(e.Latest())
	if err != nil {
		return nil, core.Wrap("access.Authenticate", err)
	}
	role, _ := doc["role"].(string)
	known := &knownToken{principal: &core.Principal{ID: "token:" + string(id), Kind: "token", Roles: []string{role}}}
	if s, ok := doc["expiresAt"].(string); ok {
		if known.expires, err = time.Parse(time.RFC3339, s); err != nil {
			return nil, core.Wrap("access.Authenticate", err)
		}
	}
	return known, nil
}

func errBadToken() error {
	return core.Errorf(core.CodeUnauthenticated, "The API token is unknown, expired or revoked.")
}

// Scope implements core.Access.
func (a *Access) Scope(_ context.Context, p *core.Principal, t *core.Type, action core.Action) (*core.Scope, error) {
	if p.Kind == "system" {
		return systemScope, nil
	}
	for _, role := range p.Roles {
		if role == Administrator {
			return remembered(&a.admin, t, administratorScope), nil
		}
	}
	if !t.Public || t.Name.System() {
		return nil, core.NoType(t.Name)
	}
	if action != core.ActionList && action != core.ActionRead {
		return nil, refuse(p)
	}
	return remembered(&a.public, t, publicScope), nil
}

// remembered makes a scope once for each compiled type. A schema change makes a new type, and few are ever made.
func remembered(scopes *sync.Map, t *core.Type, make func(*core.Type) *core.Scope) *core.Scope {
	if s, ok := scopes.Load(t); ok {
		return s.(*core.Scope)
	}
	s, _ := scopes.LoadOrStore(t, make(t))
	return s.(*core.Scope)
}

var systemScope = &core.Scope{Key: "system", Read: core.FieldSet{All: true}, Write: core.FieldSet{All: true}, Drafts: true, Private: true}

// administratorScope shows and sets all but secrets, which are set and never shown.
func administratorScope(t *core.Type) *core.Scope {
	return &core.Scope{Key: Administrator, Drafts: true, Private: true, Write: core.FieldSet{All: true},
		Read: core.FieldSet{All: true, Deny: paths(t, func(f *core.Field) bool { return f.Secret })}}
}

func publicScope(t *core.Type) *core.Scope {
	return &core.Scope{Key: "public", Read: core.FieldSet{All: true,
		Deny: paths(t, func(f *core.Field) bool { return f.Private || f.Secret || len(f.ReadRoles) > 0 })}}
}

func paths(t *core.Type, hidden func(*core.Field) bool) map[string]bool {
	var deny map[string]bool
	for i := range t.Fields {
		if hidden(&t.Fields[i]) {
			if deny == nil {
				deny = map[string]bool{}
			}
			deny[t.Fields[i].Path] = true
		}
	}
	return deny
}

func refuse(p *core.Principal) error {
	if p.Anonymous() {
		return core.Errorf(core.CodeUnauthenticated, "Sign in, or send an API token: Authorization: Bearer pal_….")
	}
	return core.Errorf(core.CodeForbidden, "Your role does not allow this.")
}

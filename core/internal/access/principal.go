package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// tokenPrefix begins every API token and every narrow link, so that a secret that has got somewhere is found by a search.
const tokenPrefix = "pal_"

// NewToken makes an API token, or the secret of a link: the text to hand over once, and the hash to keep.
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

// known is a principal that was found, and until when it may act.
type known struct {
	principal *core.Principal
	ends      time.Time // zero for never
	user      core.EntryID
}

func (k *known) ended(now time.Time) bool { return !k.ends.IsZero() && !now.Before(k.ends) }

// principals remembers who was found while no entry that decides it has changed, so that a revocation holds at the next
// request. The zero principals are ready.
type principals struct {
	mu      sync.RWMutex
	version uint64
	byKey   map[string]*known
}

func (c *principals) get(key string, version uint64) (*known, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.version != version {
		return nil, false
	}
	k, ok := c.byKey[key]
	return k, ok
}

// put remembers who was found at a version; what is known of an older version is forgotten.
func (c *principals) put(key string, version uint64, k *known) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil || c.version < version {
		c.byKey, c.version = map[string]*known{}, version
	}
	if c.version == version {
		c.byKey[key] = k
	}
}

// principalsVersion rises with every change of what a principal is made from. Each of its parts only ever rises.
func (a *Access) principalsVersion() (n uint64) {
	for _, name := range [...]core.TypeName{UserType, TokenType, LinkType} {
		n += a.Catalog.Version(name)
	}
	return n
}

// Authenticate implements core.Access.
func (a *Access) Authenticate(ctx context.Context, token string) (*core.Principal, error) {
	if !strings.HasPrefix(token, tokenPrefix) {
		return nil, errBadToken()
	}
	version, hash := a.principalsVersion(), HashToken(token)
	k, ok := a.principals.get(hash, version)
	if !ok {
		var err error
		if k, err = a.findToken(ctx, hash); err != nil {
			return nil, err
		}
		if k == nil {
			return nil, errBadToken() // strangers' guesses are not remembered: they could fill the memory
		}
		a.principals.put(hash, version, k)
	}
	return a.acting(ctx, k)
}

// acting gives a principal that was found if it may act now.
func (a *Access) acting(ctx context.Context, k *known) (*core.Principal, error) {
	if k.ended(a.Now()) {
		return nil, errBadToken()
	}
	if k.user != "" {
		user, err := a.User(ctx, k.user)
		if err != nil {
			return nil, onlyFaults(err, errBadToken())
		}
		if !subset(k.principal.Roles, user.Roles) {
			return nil, errBadToken() // the user has lost the role that his token has
		}
	}
	return k.principal, nil
}

// onlyFaults lets pass what is wrong with us, and gives the answer instead of an answer.
func onlyFaults(err, answer error) error {
	if isFault(err) {
		return err
	}
	return answer
}

func subset(of, all []string) bool {
	return !slices.ContainsFunc(of, func(r string) bool { return !slices.Contains(all, r) }) || slices.Contains(all, Administrator)
}

// findToken looks for an API token or a link by its hash; nil when there is none.
func (a *Access) findToken(ctx context.Context, hash string) (*known, error) {
	for name, read := range map[core.TypeName]func(context.Context, *core.Entry, map[string]any) (*known, error){TokenType: a.readToken, LinkType: a.readLink} {
		id, err := a.Catalog.Unique(ctx, name, "hash", hash)
		if err != nil {
			return nil, core.Wrap("access.Authenticate", err)
		}
		if id == "" {
			continue
		}
		e, doc, err := a.load(ctx, name, id)
		if err != nil {
			return nil, err
		}
		return read(ctx, e, doc)
	}
	return nil, nil
}

func (a *Access) load(ctx context.Context, name core.TypeName, id core.EntryID) (*core.Entry, map[string]any, error) {
	e, err := a.Catalog.Entry(ctx, name, id)
	if err != nil {
		return nil, nil, err
	}
	doc, err := jsondoc.ParseObject(e.Latest())
	return e, doc, core.Wrap("access.load", err)
}

func (a *Access) readToken(ctx context.Context, e *core.Entry, doc map[string]any) (*known, error) {
	name, _ := doc["role"].(string)
	p := &core.Principal{ID: "token:" + string(e.ID), Kind: "token", Roles: []string{name}, Rev: e.Rev}
	k := &known{principal: p, user: refID(doc["user"])}
	if k.user != "" {
		if user, err := a.User(ctx, k.user); err == nil {
			p.About, p.Rev = user.About, p.Rev<<32|user.Rev // a token changes with its user, and with another user
		} else if isFault(err) {
			return nil, err
		}
	}
	var err error
	k.ends, err = moment(doc["expiresAt"])
	return k, err
}

func (a *Access) readLink(_ context.Context, e *core.Entry, doc map[string]any) (*known, error) {
	grant := &core.Grant{}
	typ, _ := doc["type"].(string)
	entry, _ := doc["entry"].(string)
	grant.Type, grant.Entry = core.TypeName(typ), core.EntryID(entry)
	for _, action := range stringsIn(doc["actions"]) {
		grant.Actions = append(grant.Actions, core.Action(action))
	}
	if _, given := doc["fields"]; given {
		grant.Fields = append([]string{}, stringsIn(doc["fields"])...)
	}
	k := &known{principal: &core.Principal{ID: "link:" + string(e.ID), Kind: "link", Roles: []string{Public}, Rev: e.Rev, Grant: grant}}
	var err error
	k.ends, err = moment(doc["expiresAt"])
	return k, err
}

// moment reads a time; nothing is never.
func moment(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, s)
	return at, core.Wrap("access.moment", err)
}

// stringsIn are the texts in a list.
func stringsIn(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func refID(v any) core.EntryID {
	m, _ := v.(map[string]any)
	id, _ := m["_ref"].(string)
	return core.EntryID(id)
}

func errBadToken() error {
	return &core.Error{Code: core.CodeUnauthenticated, Message: "The API token is unknown, expired or revoked.",
		Texts: core.Text{"fr": "Le jeton d’API est inconnu, expiré ou révoqué."}}
}

// User implements core.Directory.
func (a *Access) User(ctx context.Context, id core.EntryID) (*core.Principal, error) {
	version, key := a.principalsVersion(), "user:"+string(id)
	k, ok := a.principals.get(key, version)
	if !ok {
		var err error
		if k, err = a.findUser(ctx, id); err != nil {
			return nil, err
		}
		a.principals.put(key, version, k)
	}
	if k.principal == nil || k.ended(a.Now()) {
		return nil, errNoUser()
	}
	return k.principal, nil
}

// findUser looks for an account; one that may not act has no principal.
func (a *Access) findUser(ctx context.Context, id core.EntryID) (*known, error) {
	e, doc, err := a.load(ctx, UserType, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, errNoUser()
	}
	if err != nil {
		return nil, core.Wrap("access.User", err)
	}
	if suspended, _ := doc["suspended"].(bool); suspended || e.Trashed() {
		return &known{}, nil
	}
	k := &known{principal: &core.Principal{ID: "user:" + string(id), Kind: "user", Roles: stringsIn(doc["roles"]), Rev: e.Rev, About: a.about(id, doc)}}
	k.ends, err = moment(doc["endsAt"])
	return k, err
}

// about is what "$me.name" stands for: the values of the account's own fields, but for secrets. "_user" is the account itself.
func (a *Access) about(id core.EntryID, doc map[string]any) map[string][]any {
	values := map[string][]any{"_user": {string(id)}}
	t, ok := a.Types.Type(UserType)
	if !ok {
		return values
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Secret {
			continue
		}
		for _, v := range jsondoc.Values(doc, f.Path) {
			if ref := refID(v); ref != "" {
				v = string(ref)
			}
			if v != nil && f.Kind != core.KindObject {
				values[f.Path] = append(values[f.Path], v)
			}
		}
	}
	return values
}

func errNoUser() error {
	return &core.Error{Code: core.CodeUnauthenticated, Message: "The account is not active.", Texts: core.Text{"fr": "Le compte n’est pas actif."}}
}

// Renew implements core.Renewer.
func (a *Access) Renew(ctx context.Context, p *core.Principal) (*core.Principal, error) {
	switch p.Kind {
	case "user":
		if p.LacksFactor {
			return p, nil
		}
		now, err := a.User(ctx, p.Entry())
		if err != nil || now.Rev == p.Rev {
			return p, err
		}
		renewed := *now
		renewed.Session = p.Session
		return &renewed, nil
	case "token", "link":
		return a.renewToken(ctx, p)
	}
	return p, nil
}

func (a *Access) renewToken(ctx context.Context, p *core.Principal) (*core.Principal, error) {
	name, read := TokenType, a.readToken
	if p.Kind == "link" {
		name, read = LinkType, a.readLink
	}
	version := a.principalsVersion()
	k, ok := a.principals.get(p.ID, version)
	if !ok {
		e, doc, err := a.load(ctx, name, p.Entry())
		if core.CodeOf(err) == core.CodeNotFound || err == nil && e.Trashed() {
			return nil, errBadToken()
		}
		if err != nil {
			return nil, core.Wrap("access.Renew", err)
		}
		if k, err = read(ctx, e, doc); err != nil {
			return nil, err
		}
		a.principals.put(p.ID, version, k)
	}
	return a.acting(ctx, k)
}

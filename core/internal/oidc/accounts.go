package oidc

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/email"
)

const userType core.TypeName = "_user"

// Signer begins the session of an account that has proved who it is, as far as the account may act.
type Signer interface {
	SignInUser(ctx context.Context, id core.EntryID) (*core.SignedIn, error)
}

// Parts is what Accounts is made of.
type Parts struct {
	Service *Service
	Catalog core.Catalog
	Content core.Content
	Signer  Signer
	Now     func() time.Time
	Logger  *slog.Logger
}

// Accounts finds, joins or makes the account behind an identity, and signs it in: the part of core.Accounts that has to
// do with providers. Make it with NewAccounts.
type Accounts struct {
	Parts
	users *users
}

// NewAccounts makes an Accounts.
func NewAccounts(p Parts) *Accounts {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	return &Accounts{Parts: p, users: &users{catalog: p.Catalog}}
}

// Providers lists where else one can sign in.
func (a *Accounts) Providers() []core.IdentityProvider { return a.Service.Providers() }

// BeginOIDC is Service.Begin.
func (a *Accounts) BeginOIDC(ctx context.Context, provider, back string) (redirect, state string, err error) {
	return a.Service.Begin(ctx, provider, back)
}

// EndOIDC takes the provider's answer and begins a session. CodeUnauthenticated for an answer that does not hold, and for
// an identity that has no account and gets none: in the same words, so that a provider's users learn nothing of others.
func (a *Accounts) EndOIDC(ctx context.Context, provider string, answer url.Values, state string) (*core.SignedIn, string, error) {
	identity, back, err := a.Service.End(ctx, provider, answer, state)
	if err != nil {
		return nil, "", err
	}
	id, err := a.account(ctx, identity)
	if err != nil {
		return nil, "", err
	}
	in, err := a.Signer.SignInUser(ctx, id)
	return in, back, err
}

// attempts is how often a write is tried when others change the same account at the same time.
const attempts = 3

// account gives the account of an identity, as its provider's claims have it now.
func (a *Accounts) account(ctx context.Context, i *Identity) (id core.EntryID, err error) {
	for range attempts {
		id, err = a.settle(ctx, i)
		if code := core.CodeOf(err); code != core.CodeStale && code != core.CodeConflict {
			return id, err
		}
	}
	return "", err
}

func (a *Accounts) settle(ctx context.Context, i *Identity) (core.EntryID, error) {
	u, err := a.users.withIdentity(ctx, i.Key())
	if err != nil {
		return "", err
	}
	if u != nil {
		return a.update(ctx, u, i)
	}
	if !email.Faithful(i.Email) {
		return "", a.refuse(i, "what the provider has verified is another address than the one that would be kept")
	}
	u, err = a.users.withEmail(ctx, i.Email)
	switch {
	case err != nil:
		return "", err
	case u == nil:
		return a.create(ctx, i)
	}
	return a.join(ctx, u, i)
}

// update gives an account that is known the roles that its claims say now. Where the account has a second factor, the
// provider's word alone changes nothing of it: the Signer will say what to do.
func (a *Accounts) update(ctx context.Context, u *user, i *Identity) (core.EntryID, error) {
	if !u.active(a.Now()) {
		return "", a.refuse(i, "the account may not act")
	}
	if u.TOTP != "" || i.Roles == nil || slices.Equal(slices.Sorted(slices.Values(u.Roles)), i.Roles) {
		return u.id, nil
	}
	return u.id, a.write(ctx, u, map[string]any{"roles": list(i.Roles)})
}

// join gives an account that is there to an identity whose provider vouches for the account's address; as in update, not
// where it has a second factor.
func (a *Accounts) join(ctx context.Context, u *user, i *Identity) (core.EntryID, error) {
	if why := a.unjoinable(u, i); why != "" {
		return "", a.refuse(i, why)
	}
	if u.TOTP != "" {
		return u.id, nil
	}
	data := map[string]any{"identities": list(append(slices.Clone(u.Identities), i.Key()))}
	if i.Roles != nil {
		data["roles"] = list(i.Roles)
	}
	return u.id, a.write(ctx, u, data)
}

// unjoinable says why an account may not be joined by its address, or "". A second subject of the same issuer is another
// person, to whom the address was given afterwards; and an account that was made for an address that nobody had verified
// may have been made by anybody, in wait for whom the address belongs to.
func (a *Accounts) unjoinable(u *user, i *Identity) string {
	switch {
	case u.id == "":
		return "several accounts have this address"
	case !i.Verified:
		return "the address is not verified"
	case !u.active(a.Now()):
		return "the account may not act"
	}
	for _, known := range u.Identities {
		if strings.HasPrefix(known, i.Issuer+"|") {
			return "the account belongs to another subject of the issuer"
		}
		if a.Service.anyEmail(known) {
			return "the account's own address may never have been verified"
		}
	}
	return ""
}

// anyEmail reports whether an identity comes from a provider whose addresses need not be verified.
func (s *Service) anyEmail(identity string) bool {
	for _, c := range s.clients {
		if c.AnyEmail && strings.HasPrefix(identity, c.Issuer+"|") {
			return true
		}
	}
	return false
}

func (a *Accounts) create(ctx context.Context, i *Identity) (core.EntryID, error) {
	p, ok := a.Service.provider(i.Provider)
	switch {
	case !ok || !p.Create:
		return "", a.refuse(i, "there is no account, and none is made")
	case !emailish(i.Email):
		return "", a.refuse(i, "there is no address")
	case !i.Verified && !p.AnyEmail:
		return "", a.refuse(i, "the address is not verified")
	}
	roles := i.Roles
	if roles == nil {
		roles = p.defaults()
	}
	name := i.Name
	if name == "" {
		name = i.Email
	}
	data := map[string]any{"email": email.Normal(i.Email), "name": name, "roles": list(roles), "identities": list([]string{i.Key()})}
	result, err := a.Content.Write(ctx, core.System, []core.Operation{{Op: core.OperationCreate, Type: userType, Data: data}}, core.WriteOptions{Reason: "sign-in"})
	if err != nil {
		return "", err
	}
	return result.Items[0].ID, nil
}

func (a *Accounts) write(ctx context.Context, u *user, data map[string]any) error {
	_, err := a.Content.Write(ctx, core.System, []core.Operation{{Op: core.OperationUpdate, Type: userType, ID: u.id, IfMatch: u.rev, Data: data}},
		core.WriteOptions{Reason: "sign-in"})
	return err
}

func (a *Accounts) refuse(i *Identity, why string) error {
	a.Logger.Info("an identity was not signed in", "provider", i.Provider, "cause", why)
	return notSignedIn()
}

// list is a list as documents hold it.
func list(items []string) []any {
	out := make([]any, len(items))
	for n, item := range items {
		out[n] = item
	}
	return out
}

// user is what is looked at of an account.
type user struct {
	id         core.EntryID
	rev        int64
	Email      string     `json:"email"`
	Roles      []string   `json:"roles"`
	Identities []string   `json:"identities"`
	Suspended  bool       `json:"suspended"`
	TOTP       string     `json:"totp"` // sealed; "" for no second factor
	EndsAt     *time.Time `json:"endsAt"`
}

func (u *user) active(now time.Time) bool {
	return !u.Suspended && (u.EndsAt == nil || now.Before(*u.EndsAt))
}

// readUser reads an account; nil for one that is in the trash or cannot be read.
func readUser(e *core.Entry) *user {
	u := &user{id: e.ID, rev: e.Rev}
	if e.Trashed() || json.Unmarshal(e.Latest(), u) != nil {
		return nil
	}
	return u
}

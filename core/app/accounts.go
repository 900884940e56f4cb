package app

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/internal/account"
	"github.com/palabre-cms/palabre/core/internal/oidc"
)

// cookieKeyFile holds a copy of the key that signs cookies, which ends every session where it is another one.
const cookieKeyFile = "cookie-key"

// wireAccounts makes what signs people in, and puts its guard around the write path.
func (a *App) wireAccounts() error {
	key, err := a.sharedSecret("session-key")
	if err != nil {
		return err
	}
	cookieKey, err := a.unsavedSecret(cookieKeyFile)
	if err != nil {
		return err
	}
	c := account.Config{Catalog: a.catalog, Content: a.writer, Log: a.store.log, Types: a.types,
		Directory: a.access, Auditor: a.trail, Key: key, CookieKey: cookieKey, PublicURL: a.config.PublicURL,
		Lifetime: a.config.Session.Lifetime, Now: a.clock.Now, Logger: a.logger}
	if a.mailer != nil {
		c.Mailer = a.mailer
	}
	if a.accounts, err = account.New(c); err != nil {
		return err
	}
	a.content = a.accounts.Guard(a.content, a.access)
	return nil
}

// signingIn is all of core.Accounts: with a password, and elsewhere.
type signingIn struct {
	*account.Service
	elsewhere
}

var _ core.Accounts = signingIn{}

// elsewhere is the part of core.Accounts that has to do with providers of identities.
type elsewhere interface {
	Providers() []core.IdentityProvider
	BeginOIDC(ctx context.Context, provider, back string) (redirect, state string, err error)
	EndOIDC(ctx context.Context, provider string, answer url.Values, state string) (in *core.SignedIn, back string, err error)
}

func (a *App) signingIn() signingIn {
	if a.identities == nil {
		return signingIn{a.accounts, nowhere{}}
	}
	return signingIn{a.accounts, oidc.NewAccounts(oidc.Parts{Service: a.identities, Catalog: a.catalog, Content: a.content, Signer: a.accounts,
		Now: a.clock.Now, Logger: a.logger})}
}

// nowhere is a node without providers.
type nowhere struct{}

func (nowhere) Providers() []core.IdentityProvider { return []core.IdentityProvider{} }

func (nowhere) BeginOIDC(context.Context, string, string) (redirect, state string, err error) {
	return "", "", errNoProvider()
}

func (nowhere) EndOIDC(context.Context, string, url.Values, string) (*core.SignedIn, string, error) {
	return nil, "", errNoProvider()
}

func errNoProvider() error {
	return core.Refuse(core.CodeNotFound, "", "There is no such place to sign in.", "On ne peut pas se connecter ainsi.")
}

const (
	accountsEvery = time.Minute
	accountsLease = "accounts"
)

// watchAccounts sees to accounts that end and sessions that are over, on one node at a time.
func (a *App) watchAccounts(ctx context.Context) {
	ticker := time.NewTicker(accountsEvery)
	defer ticker.Stop()
	name := holder()
	for {
		if err := a.tendAccounts(ctx, name); err != nil && ctx.Err() == nil && core.CodeOf(err) != core.CodeUnavailable {
			a.logger.Error("accounts that end are not seen to", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) tendAccounts(ctx context.Context, holder string) error {
	_, err := a.store.log.Lease(ctx, accountsLease, holder, 2*accountsEvery)
	if core.CodeOf(err) == core.CodeConflict {
		return nil // another node does it
	}
	if err != nil {
		return err
	}
	return errors.Join(a.accounts.EndAccounts(ctx), a.accounts.Sweep(ctx))
}

// settleAccount makes the first administrator's account, once for the store: nodes that start at the same time agree on
// the identifier of its entry, and only one of them can create that.
func (a *App) settleAccount(ctx context.Context) error {
	known, err := a.hasAdministratorAccount(ctx)
	if known || err != nil {
		return err
	}
	password, made := orMade(a.config.Admin.Password.Reveal())
	if made != "" && a.options.Errand {
		return nil
	}
	id, err := a.agreedID(ctx, "first-administrator-account")
	if err != nil {
		return err
	}
	err = a.createAdministrator(ctx, id, password)
	if core.CodeOf(err) == core.CodeConflict {
		return nil // another node was first, or the account was made before and deleted since
	}
	if err == nil && made != "" {
		a.newPassword.Store(&made)
	}
	return err
}

// createAdministrator hashes the password itself: what the operator has set is held to the rule of the settings.
func (a *App) createAdministrator(ctx context.Context, id core.EntryID, password string) error {
	hash, err := a.accounts.Hash(ctx, password)
	if err != nil {
		return err
	}
	u := NewUser{Email: a.config.Admin.Email, Name: "The first administrator", Roles: []string{access.Administrator}}
	op := core.Operation{Op: core.OperationCreate, Type: account.UserType, ID: id, Data: u.fields(hash)}
	_, err = a.writer.Write(ctx, core.System, []core.Operation{op}, core.WriteOptions{Reason: "user"})
	return err
}

func (a *App) hasAdministratorAccount(ctx context.Context) (bool, error) {
	users, err := a.Users(ctx)
	for _, u := range users {
		for _, role := range u.Roles {
			if role == access.Administrator {
				return true, nil
			}
		}
	}
	return false, err
}

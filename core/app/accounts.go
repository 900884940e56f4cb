package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/internal/account"
	"github.com/palabre-cms/palabre/core/internal/email"
	"github.com/palabre-cms/palabre/core/internal/oidc"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Users makes and lists accounts.
type Users interface {
	// AddUser makes an account. Without a password it makes one up and gives it, this once.
	AddUser(ctx context.Context, u NewUser) (made string, err error)
	// Users lists the accounts.
	Users(ctx context.Context) ([]User, error)
	// SetPassword gives an account another password, which ends its sessions and revokes its API tokens. Without one it makes one
	// up and gives it.
	SetPassword(ctx context.Context, c PasswordChange) (made string, err error)
}

// NewUser is an account to be made.
type NewUser struct {
	Email, Name string
	Roles       []string
	Password    string    // "" for one that is made up
	EndsAt      time.Time // zero for never
}

// User is an account that exists.
type User struct {
	ID        core.EntryID
	Email     string
	Name      string
	Roles     []string
	EndsAt    time.Time // zero for never
	Suspended bool
}

// PasswordChange gives an account another password.
type PasswordChange struct {
	Email    string
	Password string // "" for one that is made up
	DropTOTP bool   // turn the second factor off as well
}

var (
	_ Users = (*App)(nil)
	_ Users = (*Client)(nil)
)

// AddUser implements Users.
func (a *App) AddUser(ctx context.Context, u NewUser) (string, error) {
	if err := a.access.CheckRoleNames(ctx, roleAt, nil, u.Roles); err != nil {
		return "", err
	}
	password, made := orMade(u.Password)
	op := core.Operation{Op: core.OperationCreate, Type: account.UserType, Data: u.fields(password)}
	_, err := a.content.Write(ctx, core.System, []core.Operation{op}, core.WriteOptions{Reason: "user"})
	return made, err
}

// orMade gives a password, made up where there is none, and what was made up.
func orMade(password string) (use, made string) {
	if password != "" {
		return password, ""
	}
	made = account.NewPassword()
	return made, made
}

func (u NewUser) fields(password string) map[string]any {
	roles := make([]any, len(u.Roles))
	for i, r := range u.Roles {
		roles[i] = r
	}
	data := map[string]any{"email": email.Normal(u.Email), "name": u.Name, "roles": roles, "password": password}
	if u.Name == "" {
		data["name"] = data["email"]
	}
	if !u.EndsAt.IsZero() {
		data["endsAt"] = u.EndsAt.UTC().Format(time.RFC3339)
	}
	return data
}

// Users implements Users.
func (a *App) Users(ctx context.Context) ([]User, error) {
	var users []User
	err := a.catalog.Each(ctx, account.UserType, "", func(e *core.Entry) error {
		if e.Trashed() {
			return nil
		}
		doc, err := jsondoc.ParseObject(e.Latest())
		users = append(users, userOf(e.ID, doc))
		return err
	})
	return users, err
}

func userOf(id core.EntryID, doc map[string]any) User {
	text := func(name string) string { s, _ := doc[name].(string); return s }
	u := User{ID: id, Email: text("email"), Name: text("name"), Roles: []string{}}
	u.Suspended, _ = doc["suspended"].(bool)
	u.EndsAt, _ = time.Parse(time.RFC3339, text("endsAt"))
	list, _ := doc["roles"].([]any)
	for _, r := range list {
		if role, ok := r.(string); ok {
			u.Roles = append(u.Roles, role)
		}
	}
	return u
}

// SetPassword implements Users.
func (a *App) SetPassword(ctx context.Context, c PasswordChange) (string, error) {
	id, err := a.catalog.Unique(ctx, account.UserType, "email", email.Normal(c.Email))
	if err != nil {
		return "", err
	}
	if id == "" {
		return "", noUser(c.Email)
	}
	data, made := c.fields()
	op := core.Operation{Op: core.OperationUpdate, Type: account.UserType, ID: id, Data: data}
	_, err = a.content.Write(ctx, core.System, []core.Operation{op}, core.WriteOptions{Reason: "password"})
	return made, err
}

func (c PasswordChange) fields() (data map[string]any, made string) {
	password, made := orMade(c.Password)
	data = map[string]any{"password": password}
	if c.DropTOTP {
		data["totp"] = nil
	}
	return data, made
}

func noUser(address string) error {
	return core.Errorf(core.CodeNotFound, "There is no account with the address %q. palabre users list shows those that there are.", address)
}

const usersPath = "/api/v1/content/" + string(account.UserType)

// AddUser implements Users.
func (c *Client) AddUser(ctx context.Context, u NewUser) (string, error) {
	password, made := orMade(u.Password)
	return made, c.Call(ctx, http.MethodPost, usersPath, u.fields(password), nil, false)
}

// Users implements Users.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	var all []User
	pages := c.Pages(core.NewType(core.Type{Name: account.UserType}), core.StateDraft, "", "")
	for {
		docs, _, err := pages.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			id, _ := doc["_id"].(string)
			all = append(all, userOf(core.EntryID(id), doc))
		}
	}
}

// SetPassword implements Users.
func (c *Client) SetPassword(ctx context.Context, change PasswordChange) (string, error) {
	users, err := c.Users(ctx)
	if err != nil {
		return "", err
	}
	for _, u := range users {
		if u.Email == email.Normal(change.Email) {
			data, made := change.fields()
			return made, c.Call(ctx, http.MethodPatch, usersPath+"/"+string(u.ID), data, nil, false)
		}
	}
	return "", noUser(change.Email)
}

// wireAccounts makes what signs people in, and puts its guard around the write path.
func (a *App) wireAccounts() error {
	key, err := a.sharedSecret("session-key")
	if err != nil {
		return err
	}
	c := account.Config{Catalog: a.catalog, Content: a.writer, Log: a.store.log, Types: a.types,
		Directory: a.access, Auditor: a.trail, Key: key, PublicURL: a.config.PublicURL,
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
	return say(core.CodeNotFound, "There is no such place to sign in.", "On ne peut pas se connecter ainsi.")
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

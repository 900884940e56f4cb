package app

import (
	"context"
	"net/http"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/account"
	"github.com/palabre-cms/palabre/core/internal/email"
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
	// DropTOTP turns an account's second factor off, which ends its sessions, and leaves its password.
	DropTOTP(ctx context.Context, address string) error
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
	data, made := c.fields()
	return made, a.changeUser(ctx, c.Email, data, "password")
}

// DropTOTP implements Users.
func (a *App) DropTOTP(ctx context.Context, address string) error {
	return a.changeUser(ctx, address, noTOTP(), "totp")
}

func noTOTP() map[string]any { return map[string]any{"totp": nil} }

func (a *App) changeUser(ctx context.Context, address string, data map[string]any, reason string) error {
	id, err := a.catalog.Unique(ctx, account.UserType, "email", email.Normal(address))
	if err != nil {
		return err
	}
	if id == "" {
		return noUser(address)
	}
	op := core.Operation{Op: core.OperationUpdate, Type: account.UserType, ID: id, Data: data}
	_, err = a.content.Write(ctx, core.System, []core.Operation{op}, core.WriteOptions{Reason: reason})
	return err
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
	err := c.each(ctx, account.UserType, func(doc map[string]any) error {
		id, _ := doc["_id"].(string)
		all = append(all, userOf(core.EntryID(id), doc))
		return nil
	})
	return all, err
}

// SetPassword implements Users.
func (c *Client) SetPassword(ctx context.Context, change PasswordChange) (string, error) {
	data, made := change.fields()
	return made, c.changeUser(ctx, change.Email, data)
}

// DropTOTP implements Users.
func (c *Client) DropTOTP(ctx context.Context, address string) error {
	return c.changeUser(ctx, address, noTOTP())
}

func (c *Client) changeUser(ctx context.Context, address string, data map[string]any) error {
	users, err := c.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.Email == email.Normal(address) {
			return c.Call(ctx, http.MethodPatch, usersPath+"/"+string(u.ID), data, nil, false)
		}
	}
	return noUser(address)
}

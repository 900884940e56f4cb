package oidc

import (
	"context"
	"strings"
	"sync"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/email"
)

// users finds accounts by what the catalog has no index for. It reads them all again when one of them has changed: there
// are far fewer accounts than contents, and far fewer sign-ins than requests.
type users struct {
	catalog core.Catalog

	mu      sync.Mutex
	read    bool
	version uint64
	byKey   map[string]*user
	byEmail map[string]*user // without an id where several accounts have the address
}

func (u *users) withIdentity(ctx context.Context, key string) (*user, error) {
	return u.find(ctx, func() *user { return u.byKey[key] })
}

func (u *users) withEmail(ctx context.Context, address string) (*user, error) {
	return u.find(ctx, func() *user { return u.byEmail[email.Normal(address)] })
}

func (u *users) find(ctx context.Context, look func() *user) (*user, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	version := u.catalog.Version(userType) // before reading: what changes meanwhile is read again
	if !u.read || u.version != version {
		u.byKey, u.byEmail = map[string]*user{}, map[string]*user{}
		if err := u.catalog.Each(ctx, userType, "", u.note); err != nil {
			u.read = false
			return nil, err
		}
		u.read, u.version = true, version
	}
	return look(), nil
}

func (u *users) note(e *core.Entry) error {
	one := readUser(e)
	if one == nil {
		return nil
	}
	for _, key := range one.Identities {
		u.byKey[key] = one
	}
	address := email.Normal(one.Email)
	if address == "" {
		return nil
	}
	if u.byEmail[address] != nil {
		one = &user{}
	}
	u.byEmail[address] = one
	return nil
}

func emailish(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && host != "" && len(s) <= 254 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

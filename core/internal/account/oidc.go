package account

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// Providers implements core.Accounts.
func (s *Service) Providers() []core.IdentityProvider {
	if s.c.Identities == nil {
		return []core.IdentityProvider{}
	}
	return s.c.Identities.Providers()
}

// BeginOIDC implements core.Accounts.
func (s *Service) BeginOIDC(ctx context.Context, provider, back string) (redirect, state string, err error) {
	if s.c.Identities == nil {
		return "", "", errNoProvider()
	}
	return s.c.Identities.Begin(ctx, provider, localPath(back))
}

func errNoProvider() error {
	return refuse(core.CodeNotFound, "", "There is no such place to sign in.", "On ne peut pas se connecter ainsi.")
}

// localPath keeps a way back on this site.
func localPath(back string) string {
	u, err := url.Parse(back)
	if err != nil || !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n\t") || u.Host != "" {
		return "/admin/"
	}
	return back
}

// EndOIDC implements core.Accounts. Nobody gets an account by signing in elsewhere; the first time, the address that the
// provider vouches for finds it, and from then on the provider's own name for the person.
func (s *Service) EndOIDC(ctx context.Context, provider string, answer url.Values, state string) (*core.SignedIn, string, error) {
	if s.c.Identities == nil {
		return nil, "", errNoProvider()
	}
	a, err := s.throttle.begin(ctx, "")
	if err != nil {
		return nil, "", err
	}
	who, err := s.c.Identities.End(ctx, provider, answer, state)
	if err != nil {
		return nil, "", err
	}
	a.forgive()
	in, u, err := s.enterAs(ctx, who)
	if err != nil {
		s.failed(ctx, u, "oidc")
		return nil, "", err
	}
	s.note(ctx, &core.Principal{ID: "user:" + string(u.id), Kind: "user", Roles: u.roles},
		core.AuditEvent{Event: core.AuditSignIn, Type: UserType, Entry: u.id, Detail: map[string]any{"provider": provider}})
	return in, localPath(who.Back), nil
}

func (s *Service) enterAs(ctx context.Context, who *Identity) (*core.SignedIn, *record, error) {
	u, known, err := s.identified(ctx, who)
	if err != nil {
		return nil, nil, err
	}
	if u == nil || core.CodeOf(s.mayAct(ctx, u.id)) != "" {
		return nil, u, refuse(core.CodeForbidden, "no_account", "There is no account here for this identity. Ask an administrator for one.",
			"Aucun compte ne correspond ici à cette identité. Demandez-en un à un administrateur.")
	}
	if u.totp != "" { // what the provider asked for is no proof of this account's own factor
		return nil, u, refuse(core.CodeForbidden, "otp_required", "This account has a second factor: sign in with its password and a code.",
			"Ce compte a un second facteur : connectez-vous avec son mot de passe et un code.")
	}
	b := s.begin(ctx, u.id, u.epoch)
	ops := []core.Operation{b.op}
	if !known {
		list := make([]any, 0, len(u.identities)+1)
		for _, have := range append(slices.Clone(u.identities), who.Subject) {
			list = append(list, have)
		}
		ops = append(ops, u.update(map[string]any{"identities": list}))
	}
	if err := s.write(ctx, u.id, "sign_in", ops...); err != nil {
		return nil, u, err
	}
	in, err := s.signedIn(ctx, u.id, b)
	return in, u, err
}

// identified finds the account of an identity, and reports whether it was linked before.
func (s *Service) identified(ctx context.Context, who *Identity) (u *record, known bool, err error) {
	if who.Subject == "" {
		return nil, false, nil
	}
	err = s.eachUser(ctx, func(one *record) error {
		if !slices.Contains(one.identities, who.Subject) {
			return nil
		}
		u, known = one, true
		return errEnough
	})
	if known || err != nil || !who.Verified {
		return u, known, err
	}
	u, err = s.userBy(ctx, NormalEmail(who.Email))
	return u, false, err
}

// eachUser calls f with every account outside the trash; errEnough ends it early.
func (s *Service) eachUser(ctx context.Context, f func(*record) error) error {
	err := s.c.Catalog.Each(ctx, UserType, "", func(e *core.Entry) error {
		u, _, err := parseEntry(e)
		if err != nil || u.trashed {
			return err
		}
		return f(u)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return core.Wrap("account.eachUser", err)
}

package account

import (
	"context"

	"github.com/palabre-cms/palabre/core"
)

// SignInUser begins a session of an account whose owner has proved elsewhere who he is. CodeUnauthenticated for an account
// that may not act; CodeForbidden with Reason "otp_required" for one with a second factor of its own, since what a provider
// has asked for is no proof of that.
func (s *Service) SignInUser(ctx context.Context, id core.EntryID) (*core.SignedIn, error) {
	u, err := s.user(ctx, id)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, errBadLogin()
	}
	if err := s.mayAct(ctx, id); err != nil {
		s.failed(ctx, u, "oidc")
		return nil, err
	}
	if u.totp != "" {
		s.failed(ctx, u, "oidc")
		return nil, core.Refuse(core.CodeForbidden, "otp_required", "This account has a second factor: sign in with its password and a code.",
			"Ce compte a un second facteur : connectez-vous avec son mot de passe et un code.")
	}
	done, err := s.enter(ctx, u, "", "")
	if err == nil {
		s.note(ctx, &core.Principal{ID: "user:" + string(u.id), Kind: "user", Roles: u.roles},
			core.AuditEvent{Event: core.AuditSignIn, Type: UserType, Entry: u.id, Detail: map[string]any{"elsewhere": true}})
	}
	return done, err
}

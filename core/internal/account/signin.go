package account

import (
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/email"
)

// mostEmail is the longest address that is looked for; what is longer is nobody's.
const mostEmail = 254

// signInAttempts is how often a sign-in is prepared anew when its account moves meanwhile.
const signInAttempts = 5

// SignIn implements core.Accounts.
func (s *Service) SignIn(ctx context.Context, in core.SignIn) (*core.SignedIn, error) {
	address := email.Normal(in.Email)
	if len(address) > mostEmail {
		address = address[:mostEmail] + "…"
	}
	a, err := s.throttle.begin(ctx, address)
	if err != nil {
		return nil, err
	}
	done, u, err := s.signIn(ctx, address, in)
	switch reasonOf(err) {
	case "credentials", "otp_invalid":
		s.failed(ctx, u, reasonOf(err))
		return nil, err
	case "otp_required":
		a.forgive()
		return nil, err
	}
	if err != nil {
		a.forgive()
		if core.CodeOf(err) == core.CodeInvalid { // a plugin keeps him out
			s.failed(ctx, u, "refused")
		}
		return nil, err
	}
	a.succeed()
	s.note(ctx, &core.Principal{ID: "user:" + string(u.id), Kind: "user", Roles: u.roles}, core.AuditEvent{Event: core.AuditSignIn, Type: UserType, Entry: u.id})
	return done, nil
}

func reasonOf(err error) string {
	if e, ok := core.AsError(err); ok {
		return e.Reason
	}
	return ""
}

// signIn checks what was sent and begins a session. It gives the account that was meant even when it refuses.
func (s *Service) signIn(ctx context.Context, address string, in core.SignIn) (*core.SignedIn, *record, error) {
	u, err := s.userBy(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	hash := ""
	if u != nil {
		hash = u.password
	}
	ok, old, err := s.hasher.matches(ctx, in.Password, hash)
	if err != nil {
		return nil, u, core.Wrap("account.SignIn", err)
	}
	if !ok || u == nil {
		return nil, u, errBadLogin()
	}
	if err := s.mayAct(ctx, u.id); err != nil {
		return nil, u, err
	}
	rehash := ""
	if old {
		if rehash, err = s.Hash(ctx, in.Password); err != nil {
			return nil, u, err
		}
	}
	done, err := s.enter(ctx, u, in.OTP, rehash)
	return done, u, err
}

// mayAct refuses an account that is suspended or at its end, in the words of a wrong password.
func (s *Service) mayAct(ctx context.Context, id core.EntryID) error {
	_, err := s.c.Directory.User(ctx, id)
	if core.CodeOf(err) == core.CodeUnauthenticated {
		return errBadLogin()
	}
	return core.Wrap("account.mayAct", err)
}

// enter begins a session of an account whose password was right. The code that is used up is written in the same commit,
// on the revision that it was checked against: whoever sends it at the same time finds it used.
func (s *Service) enter(ctx context.Context, u *record, code, rehash string) (*core.SignedIn, error) {
	for attempt := 1; ; attempt++ {
		done, err := s.tryToEnter(ctx, u, code, rehash)
		if core.CodeOf(err) != core.CodeStale || attempt == signInAttempts {
			return done, err
		}
		now, err := s.user(ctx, u.id)
		if err != nil {
			return nil, err
		}
		if now == nil || now.password != u.password || now.epoch != u.epoch {
			return nil, errBadLogin()
		}
		u = now
	}
}

func (s *Service) tryToEnter(ctx context.Context, u *record, code, rehash string) (*core.SignedIn, error) {
	change, err := s.usedUp(u, code, rehash)
	if err != nil {
		return nil, err
	}
	b := s.begin(ctx, u.id, u.epoch)
	ops := []core.Operation{b.op}
	if len(change) > 0 {
		ops = append(ops, u.update(change))
	}
	if err := s.write(ctx, u.id, "sign_in", ops...); err != nil {
		return nil, err
	}
	return s.signedIn(ctx, u.id, b)
}

// usedUp gives what a sign-in changes of the account itself.
func (s *Service) usedUp(u *record, code, rehash string) (map[string]any, error) {
	change := map[string]any{}
	if rehash != "" {
		change["password"] = rehash
	}
	if u.totp == "" {
		return change, nil
	}
	if code == "" {
		return nil, errOTPRequired()
	}
	f, err := s.unseal(u.totp, u.id)
	if err != nil {
		return nil, err
	}
	f, ok := f.use(code, s.now())
	if !ok {
		return nil, errWrongCode(core.CodeUnauthenticated)
	}
	change["totp"], err = s.seal(f, u.id)
	return change, err
}

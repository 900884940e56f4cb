package account

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// freshFor is how old a sign-in may be that stands for a password, where an account has none.
const freshFor = 10 * time.Minute

// prove asks somebody who is signed in to prove once more who he is, and gives the account's factor without the code that
// he has used up. A wrong password or code counts as one at signing in does.
func (s *Service) prove(ctx context.Context, who *core.Principal, u *record, p core.Proof) (f factor, err error) {
	if u.password == "" && u.totp == "" {
		return f, s.proveFresh(ctx, who, u)
	}
	if err := incomplete(u, p); err != nil {
		return f, err
	}
	a, err := s.throttle.begin(ctx, u.email)
	if err != nil {
		return f, err
	}
	f, err = s.proved(ctx, u, p)
	if reason := reasonOf(err); reason == "password" || reason == "otp_invalid" {
		return f, err // it counts
	}
	if err != nil {
		a.forgive()
		return f, err
	}
	a.succeed()
	return f, nil
}

// proved checks the password and then the code, as one guess: whoever knows the one does not get more guesses at the other.
func (s *Service) proved(ctx context.Context, u *record, p core.Proof) (f factor, err error) {
	if u.password != "" {
		ok, _, err := s.hasher.matches(ctx, p.Password, u.password)
		if err != nil {
			return f, core.Wrap("account.proved", err)
		}
		if !ok {
			return f, errWrongPassword()
		}
	}
	if u.totp == "" {
		return f, nil
	}
	if f, err = s.unseal(u.totp, u.id); err != nil {
		return f, err
	}
	f, ok := f.use(p.Code, s.now())
	if !ok {
		return f, errWrongCode(core.CodeForbidden)
	}
	return f, nil
}

// proveFresh refuses a session that has not begun a moment ago.
func (s *Service) proveFresh(ctx context.Context, who *core.Principal, u *record) error {
	line, err := s.present(ctx, who, u)
	if err != nil {
		return err
	}
	if s.now().Sub(line.CreatedAt) > freshFor {
		return core.Refuse(core.CodeForbidden, "sign_in_again", "You signed in more than ten minutes ago. Sign in again, then try once more.",
			"Votre connexion date de plus de dix minutes. Reconnectez-vous, puis réessayez.")
	}
	return nil
}

// incomplete says what a proof lacks.
func incomplete(u *record, p core.Proof) error {
	var missing []core.FieldError
	if u.password != "" && p.Password == "" {
		missing = append(missing, lacking("/password", "Send your password as well.", "Indiquez aussi votre mot de passe."))
	}
	if u.totp != "" && p.Code == "" {
		missing = append(missing, lacking("/code", "Send a code of your second factor, or a recovery code, as well.", "Indiquez aussi un code de votre second facteur, ou un code de secours."))
	}
	if len(missing) == 0 {
		return nil
	}
	err := core.Refuse(core.CodeInvalid, "proof", "Prove once more that it is you.", "Prouvez encore une fois que c’est vous.")
	err.Fields = missing
	return err
}

func lacking(pointer, en, fr string) core.FieldError {
	return core.FieldError{Pointer: pointer, Keyword: "required", Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

// present gives the session that somebody came with. One that has ended since he was let in is no more.
func (s *Service) present(ctx context.Context, who *core.Principal, u *record) (*sessionLine, error) {
	e, err := s.c.Catalog.Entry(ctx, SessionType, who.Session)
	if core.CodeOf(err) == core.CodeNotFound || err == nil && e.Trashed() {
		return nil, errNoSession()
	}
	if err != nil {
		return nil, core.Wrap("account.present", err)
	}
	line, err := sessionOf(e)
	if err == nil && (line.user != u.id || line.epoch != u.epoch) {
		err = errNoSession()
	}
	return line, err
}

// writeAlone changes an account and, in the same commit, ends all its sessions but the one that its owner came with: the
// epoch moves, and that session with it.
func (s *Service) writeAlone(ctx context.Context, who *core.Principal, u *record, reason string, change map[string]any) error {
	if _, err := s.present(ctx, who, u); err != nil {
		return err
	}
	epoch := number(u.epoch + 1)
	change["epoch"] = epoch
	stays := core.Operation{Op: core.OperationUpdate, Type: SessionType, ID: who.Session, Data: map[string]any{"epoch": epoch}}
	err := s.write(ctx, u.id, reason, u.update(change), stays)
	if core.CodeOf(err) == core.CodeNotFound {
		return errNoSession()
	}
	return err
}

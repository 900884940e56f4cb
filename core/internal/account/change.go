package account

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/email"
)

// linkFor is how long a link for a new password holds.
const linkFor = time.Hour

const (
	mailsAtOnce = 8
	mailWithin  = 30 * time.Second
)

// resetPath is the page that a link leads to.
const resetPath = "/admin/reset"

// confirmPassword asks an account that is signed in for its password once more.
func (s *Service) confirmPassword(ctx context.Context, u *record, password string) error {
	a, err := s.throttle.begin(ctx, u.email)
	if err != nil {
		return err
	}
	ok, _, err := s.hasher.matches(ctx, password, u.password)
	if err != nil {
		a.forgive()
		return core.Wrap("account.confirmPassword", err)
	}
	if !ok {
		return errWrongPassword()
	}
	a.succeed()
	return nil
}

// ChangePassword implements core.Accounts.
func (s *Service) ChangePassword(ctx context.Context, who *core.Principal, c core.PasswordChange) (*core.SignedIn, error) {
	u, err := s.caller(ctx, who)
	if err != nil {
		return nil, err
	}
	if err := s.confirmPassword(ctx, u, c.Current); err != nil {
		return nil, err
	}
	if normalPassword(c.Next) == normalPassword(c.Current) {
		return nil, wrong("/password", "same", "This is the password that you have already. Choose another one.", "C’est déjà votre mot de passe. Choisissez-en un autre.")
	}
	change, err := s.newPassword(ctx, u, c.Next)
	if err != nil {
		return nil, err
	}
	b := s.begin(ctx, u.id, u.epoch+1)
	write := s.write
	if c.RevokeTokens {
		write = s.writeRevoking
	}
	if err := write(ctx, u.id, "password", u.update(change), b.op); err != nil {
		return nil, err
	}
	return s.signedIn(ctx, u.id, b)
}

// newPassword gives what another password changes of an account: the sessions end with it.
func (s *Service) newPassword(ctx context.Context, u *record, password string) (map[string]any, error) {
	if err := checkPassword(password, u.email); err != nil {
		return nil, err
	}
	hash, err := s.Hash(ctx, password)
	return map[string]any{"password": hash, "epoch": number(u.epoch + 1)}, err
}

// pendingReset is what is kept of a link, under a hash of its token.
type pendingReset struct {
	User core.EntryID `json:"user"`
	Mark string       `json:"mark"` // of what the account was: another password or epoch makes the link worthless
}

func resetKey(token string) string { return "account/reset/" + hashOf(token) }

func markOf(u *record) string { return hashOf(u.password + "\x00" + strconv.FormatInt(u.epoch, 10)) }

// newLink makes a link for an account.
func (s *Service) newLink(ctx context.Context, u *record) (link string, expires time.Time, err error) {
	token := newSecret()
	now := s.now()
	if err := s.put(ctx, resetKey(token), pendingReset{u.id, markOf(u)}, linkFor); err != nil {
		return "", now, err
	}
	return s.c.PublicURL + resetPath + "?token=" + url.QueryEscape(token), now.Add(linkFor).UTC().Truncate(time.Second), nil
}

// Forgot implements core.Accounts. What it does for an account that is there happens behind the caller's back, so that he
// cannot tell by the time.
func (s *Service) Forgot(ctx context.Context, address string) error {
	address = email.Normal(address)
	if address == "" || len(address) > mostEmail {
		return wrong("/email", "format", "This is no e-mail address.", "Ce n’est pas une adresse électronique.")
	}
	send, err := s.throttle.askLink(ctx, address)
	if err != nil || !send {
		return err
	}
	if s.c.Mailer == nil || s.c.PublicURL == "" {
		s.log.Warn("somebody asked for a new password and cannot be sent a link: set smtp and public_url, or hand over a link (POST /api/v1/auth/reset-links)")
		return nil
	}
	select {
	case s.posting <- struct{}{}:
		s.background.Go(func() {
			defer func() { <-s.posting }()
			s.sendLink(address)
		})
	default:
		s.log.Warn("a mail for a new password was not sent: too many are on their way")
	}
	return nil
}

func (s *Service) sendLink(address string) {
	ctx, cancel := context.WithTimeout(s.running, mailWithin)
	defer cancel()
	u, err := s.userBy(ctx, address)
	if err != nil || u == nil || s.mayAct(ctx, u.id) != nil {
		return
	}
	link, _, err := s.newLink(ctx, u)
	if err == nil {
		m := linkMail(u.locale, s.c.Name, link)
		err = s.c.Mailer.Send(ctx, u.email, m.subject, m.text)
	}
	if err != nil {
		s.log.Error("a mail for a new password was not sent", "user", u.id, "error", err)
	}
}

type mail struct{ subject, text string }

// linkMail words the mail in the account's language.
func linkMail(l core.Locale, site, link string) mail {
	if l == "en" {
		return mail{site + ": your new password", "Hello,\n\nsomebody has asked for a new password for your account on " + site + ".\n" +
			"To choose it, open this link within the hour; it works once:\n\n" + link + "\n\nIf it was not you, do nothing: your password stays as it is.\n"}
	}
	return mail{site + " : votre nouveau mot de passe", "Bonjour,\n\nun nouveau mot de passe a été demandé pour votre compte sur " + site + ".\n" +
		"Pour le choisir, ouvrez ce lien dans l’heure ; il ne sert qu’une fois :\n\n" + link + "\n\nSi ce n’était pas vous, ne faites rien : votre mot de passe reste le même.\n"}
}

// ResetLink implements core.Accounts: for whoever may change the account's password in the content itself.
func (s *Service) ResetLink(ctx context.Context, who *core.Principal, user string) (string, time.Time, error) {
	id, err := s.named(ctx, user)
	if err != nil {
		return "", time.Time{}, err
	}
	link, expires, err := s.resetLink(ctx, who, id)
	if core.CodeOf(err) == core.CodeNotFound && string(id) != user {
		err = errNoAccount() // an address that is hidden from him is told from one of nobody's by no word
	}
	return link, expires, err
}

// named gives the account that an identifier or an e-mail address stands for, and for an address of nobody's an identifier
// of nothing.
func (s *Service) named(ctx context.Context, user string) (core.EntryID, error) {
	if !strings.Contains(user, "@") {
		return core.EntryID(user), nil
	}
	u, err := s.userBy(ctx, email.Normal(user))
	if u == nil {
		return core.NewID(s.now()), err
	}
	return u.id, nil
}

func (s *Service) resetLink(ctx context.Context, who *core.Principal, id core.EntryID) (string, time.Time, error) {
	try := core.Operation{Op: core.OperationUpdate, Type: UserType, ID: id, Data: map[string]any{"password": newSecret()}}
	if _, err := s.c.Content.Write(ctx, who, []core.Operation{try}, core.WriteOptions{DryRun: true}); err != nil {
		return "", time.Time{}, err
	}
	u, err := s.user(ctx, id)
	if err != nil {
		return "", time.Time{}, err
	}
	if u == nil {
		return "", time.Time{}, errNoAccount()
	}
	if !mayHandle(who, u) {
		return "", time.Time{}, errAboveOwn()
	}
	link, expires, err := s.newLink(ctx, u)
	if err == nil {
		s.note(ctx, who, core.AuditEvent{Event: "reset_link", Type: UserType, Entry: id})
	}
	return link, expires, err
}

func errNoAccount() error {
	return core.Refuse(core.CodeNotFound, "", "There is no such account.", "Il n’y a pas de tel compte.")
}

// CheckReset implements core.Accounts.
func (s *Service) CheckReset(ctx context.Context, token string) error {
	_, err := s.held(ctx, token)
	return err
}

// held finds the account of a link that holds, and counts one that does not as a guess.
func (s *Service) held(ctx context.Context, token string) (*record, error) {
	a, err := s.throttle.begin(ctx, "")
	if err != nil {
		return nil, err
	}
	u, err := s.meant(ctx, token)
	if err == nil {
		a.forgive()
	}
	return u, err
}

// Reset implements core.Accounts. A link works once since the password that it sets makes it worthless: of two at the
// same time, one is made on a revision that is no more.
func (s *Service) Reset(ctx context.Context, token, password string) error {
	u, err := s.held(ctx, token)
	if err != nil {
		return err
	}
	change, err := s.newPassword(ctx, u, password)
	if err != nil {
		return err
	}
	err = s.writeRevoking(ctx, u.id, "password_reset", u.update(change))
	if core.CodeOf(err) == core.CodeStale {
		return errBadLink()
	}
	if err != nil {
		return err
	}
	return core.Wrap("account.Reset", s.c.Log.Delete(ctx, resetKey(token)))
}

// meant finds the account of a link that holds.
func (s *Service) meant(ctx context.Context, token string) (*record, error) {
	var p pendingReset
	there, err := s.get(ctx, resetKey(token), &p)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, errBadLink()
	}
	u, err := s.user(ctx, p.User)
	if err != nil {
		return nil, err
	}
	if u == nil || markOf(u) != p.Mark || s.mayAct(ctx, u.id) != nil {
		return nil, errBadLink()
	}
	return u, nil
}

func errBadLink() error {
	return core.Refuse(core.CodeForbidden, "reset_token", "This link has expired or was used before. Ask for another one.", "Ce lien a expiré ou a déjà servi. Demandez-en un autre.")
}

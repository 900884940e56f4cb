package account

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// setupFor is how long a second factor may take to be set up.
const setupFor = 15 * time.Minute

func setupKey(id core.EntryID) string { return "account/totp/" + string(id) }

// BeginTOTP implements core.Accounts.
func (s *Service) BeginTOTP(ctx context.Context, who *core.Principal) (*core.TOTPSetup, error) {
	u, err := s.caller(ctx, who)
	if err != nil {
		return nil, err
	}
	if u.totp != "" {
		return nil, refuse(core.CodeConflict, "totp_on", "There is a second factor already. Turn it off first.", "Il y a déjà un second facteur. Désactivez-le d’abord.")
	}
	f := newFactor()
	sealed, err := s.seal(f, u.id)
	if err != nil {
		return nil, err
	}
	if err := s.put(ctx, setupKey(u.id), sealed, setupFor); err != nil {
		return nil, err
	}
	return &core.TOTPSetup{Secret: f.Secret, URL: s.otpauth(f, u.email)}, nil
}

// otpauth is the address that authenticators read.
func (s *Service) otpauth(f factor, email string) string {
	params := url.Values{"secret": {f.Secret}, "issuer": {s.c.Name}, "algorithm": {"SHA1"}, "digits": {strconv.Itoa(codeDigits)}, "period": {strconv.Itoa(factorStep)}}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + s.c.Name + ":" + email, RawQuery: params.Encode()}
	return u.String()
}

// put keeps a value in the log's key-value side for a time, in the place of an earlier one.
func (s *Service) put(ctx context.Context, key string, value any, keep time.Duration) error {
	text, err := json.Marshal(value)
	if err != nil {
		return core.Wrap("account.put", err)
	}
	now, err := s.c.Log.Now(ctx)
	if err != nil {
		return core.Wrap("account.put", err)
	}
	kv := core.KV{Key: key, Value: text, Expires: now.Add(keep)}
	if old, err := s.c.Log.Get(ctx, key); err == nil {
		kv.Version = old.Version
	}
	_, err = s.c.Log.Set(ctx, kv)
	return core.Wrap("account.put", err)
}

// get reads such a value; false when there is none, or no longer.
func (s *Service) get(ctx context.Context, key string, value any) (bool, error) {
	kv, err := s.c.Log.Get(ctx, key)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, core.Wrap("account.get", err)
	}
	return true, core.Wrap("account.get", json.Unmarshal(kv.Value, value))
}

// ConfirmTOTP implements core.Accounts.
func (s *Service) ConfirmTOTP(ctx context.Context, who *core.Principal, code string) ([]string, error) {
	u, err := s.caller(ctx, who)
	if err != nil {
		return nil, err
	}
	var sealed string
	there, err := s.get(ctx, setupKey(u.id), &sealed)
	if err != nil {
		return nil, err
	}
	if !there || u.totp != "" {
		return nil, refuse(core.CodeConflict, "totp_setup", "No second factor is being set up. Begin again.", "Aucun second facteur n’est en cours de mise en place. Recommencez.")
	}
	f, err := s.unseal(sealed, u.id)
	if err != nil {
		return nil, err
	}
	if f, err = s.guessed(ctx, u, f, code, core.CodeInvalid); err != nil {
		return nil, err
	}
	f.ConfirmedAt = s.now().UTC()
	f, codes := f.newRecovery()
	if err := s.keep(ctx, u, f, "totp"); err != nil {
		return nil, err
	}
	return codes, core.Wrap("account.ConfirmTOTP", s.c.Log.Delete(ctx, setupKey(u.id)))
}

// guessed uses a code of a factor up, counting what does not fit.
func (s *Service) guessed(ctx context.Context, u *record, f factor, code string, refusal core.Code) (factor, error) {
	a, err := s.throttle.begin(ctx, u.email)
	if err != nil {
		return f, err
	}
	next, ok := f.use(code, s.now())
	if !ok {
		return f, errWrongCode(refusal)
	}
	a.forgive()
	return next, nil
}

// keep writes a factor into the account's entry.
func (s *Service) keep(ctx context.Context, u *record, f factor, reason string) error {
	sealed, err := s.seal(f, u.id)
	if err != nil {
		return err
	}
	return s.write(ctx, u.id, reason, u.update(map[string]any{"totp": sealed}))
}

// DropTOTP implements core.Accounts.
func (s *Service) DropTOTP(ctx context.Context, who *core.Principal, password, code string) error {
	u, err := s.caller(ctx, who)
	if err != nil {
		return err
	}
	if u.totp == "" {
		return errNoFactor()
	}
	if err := s.confirmPassword(ctx, u, password); err != nil {
		return err
	}
	f, err := s.unseal(u.totp, u.id)
	if err != nil {
		return err
	}
	if _, err = s.guessed(ctx, u, f, code, core.CodeForbidden); err != nil {
		return err
	}
	return s.write(ctx, u.id, "totp", u.update(map[string]any{"totp": nil, "epoch": number(u.epoch + 1)}))
}

// NewRecoveryCodes implements core.Accounts.
func (s *Service) NewRecoveryCodes(ctx context.Context, who *core.Principal, code string) ([]string, error) {
	u, err := s.caller(ctx, who)
	if err != nil {
		return nil, err
	}
	if u.totp == "" {
		return nil, errNoFactor()
	}
	f, err := s.unseal(u.totp, u.id)
	if err != nil {
		return nil, err
	}
	if f, err = s.guessed(ctx, u, f, code, core.CodeForbidden); err != nil {
		return nil, err
	}
	f, codes := f.newRecovery()
	return codes, s.keep(ctx, u, f, "totp")
}

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

func setupKey(id core.EntryID) string { return "account/factor/" + string(id) }

// pendingFactor is a second factor that is being set up: by the session that has proved who it is, on the account as it
// was then.
type pendingFactor struct {
	Sealed  string       `json:"sealed"`
	Session core.EntryID `json:"session"`
	Mark    string       `json:"mark"`
}

// BeginTOTP implements core.Accounts.
func (s *Service) BeginTOTP(ctx context.Context, who *core.Principal, p core.Proof) (*core.TOTPSetup, error) {
	u, err := s.caller(ctx, who)
	if err != nil {
		return nil, err
	}
	left, err := s.prove(ctx, who, u, p)
	if err != nil {
		return nil, err
	}
	if u.totp != "" {
		if err := s.keep(ctx, u, left); err != nil {
			return nil, err
		}
	}
	f := newFactor()
	sealed, err := s.seal(f, u.id)
	if err != nil {
		return nil, err
	}
	if err := s.put(ctx, setupKey(u.id), pendingFactor{sealed, who.Session, markOf(u)}, setupFor); err != nil {
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
	f, err := s.pending(ctx, who, u)
	if err != nil {
		return nil, err
	}
	if f, err = s.guessed(ctx, u, f, code); err != nil {
		return nil, err
	}
	f.ConfirmedAt = s.now().UTC()
	f, codes := f.newRecovery()
	if err := s.keepAlone(ctx, who, u, f); err != nil {
		return nil, err
	}
	return codes, core.Wrap("account.ConfirmTOTP", s.c.Log.Delete(ctx, setupKey(u.id)))
}

// pending gives the factor that a session is setting up.
func (s *Service) pending(ctx context.Context, who *core.Principal, u *record) (f factor, err error) {
	var p pendingFactor
	there, err := s.get(ctx, setupKey(u.id), &p)
	if err != nil {
		return f, err
	}
	if !there || p.Session != who.Session || p.Mark != markOf(u) {
		return f, core.Refuse(core.CodeConflict, "totp_setup", "No second factor is being set up in this session. Begin again.",
			"Aucun second facteur n’est en cours de mise en place dans cette session. Recommencez.")
	}
	return s.unseal(p.Sealed, u.id)
}

// guessed uses up a code of a factor that is being set up, counting what does not fit.
func (s *Service) guessed(ctx context.Context, u *record, f factor, code string) (factor, error) {
	a, err := s.throttle.begin(ctx, u.email)
	if err != nil {
		return f, err
	}
	next, ok := f.use(code, s.now())
	if !ok {
		return f, errWrongCode(core.CodeInvalid)
	}
	a.forgive()
	return next, nil
}

// keep writes a factor into the account's entry.
func (s *Service) keep(ctx context.Context, u *record, f factor) error {
	sealed, err := s.seal(f, u.id)
	if err != nil {
		return err
	}
	return s.write(ctx, u.id, "totp", u.update(map[string]any{"totp": sealed}))
}

// keepAlone is keep, and ends the account's other sessions.
func (s *Service) keepAlone(ctx context.Context, who *core.Principal, u *record, f factor) error {
	sealed, err := s.seal(f, u.id)
	if err != nil {
		return err
	}
	return s.writeAlone(ctx, who, u, "totp", map[string]any{"totp": sealed})
}

// DropTOTP implements core.Accounts.
func (s *Service) DropTOTP(ctx context.Context, who *core.Principal, p core.Proof) error {
	u, err := s.caller(ctx, who)
	if err != nil {
		return err
	}
	if u.totp == "" {
		return errNoFactor()
	}
	if _, err := s.prove(ctx, who, u, p); err != nil {
		return err
	}
	return s.write(ctx, u.id, "totp", u.update(map[string]any{"totp": nil, "epoch": number(u.epoch + 1)}))
}

// NewRecoveryCodes implements core.Accounts.
func (s *Service) NewRecoveryCodes(ctx context.Context, who *core.Principal, p core.Proof) ([]string, error) {
	u, err := s.caller(ctx, who)
	if err != nil {
		return nil, err
	}
	if u.totp == "" {
		return nil, errNoFactor()
	}
	f, err := s.prove(ctx, who, u, p)
	if err != nil {
		return nil, err
	}
	f, codes := f.newRecovery()
	return codes, s.keepAlone(ctx, who, u, f)
}

package account

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// RFC 6238 as every authenticator does it: six digits of a SHA-1, a step of thirty seconds, and one step of patience in
// both directions.
const (
	factorBytes  = 20
	factorStep   = 30
	factorSkew   = 1
	codeDigits   = 6
	recoveryEach = 10 // random bytes of a recovery code
	recoveryHeld = 10 // recovery codes of an account
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// factor is the second factor of an account, as it is sealed into its entry.
type factor struct {
	Secret      string    `json:"secret"` // base32
	ConfirmedAt time.Time `json:"confirmedAt"`
	LastStep    int64     `json:"lastStep"` // no code of this step or an earlier one is taken again
	Recovery    []string  `json:"recovery"` // SHA-256 of the codes that are left
}

func newFactor() factor {
	b := make([]byte, factorBytes)
	_, _ = rand.Read(b) // never fails
	return factor{Secret: base32Text.EncodeToString(b)}
}

// use takes a code, or a recovery code, and gives the factor without it.
func (f factor) use(code string, now time.Time) (factor, bool) {
	code = plainCode(code)
	if len(code) == codeDigits {
		return f.useStep(code, now)
	}
	sum := hashOf(code)
	for i, have := range f.Recovery {
		if subtle.ConstantTimeCompare([]byte(have), []byte(sum)) == 1 {
			left := append([]string(nil), f.Recovery[:i]...)
			f.Recovery = append(left, f.Recovery[i+1:]...)
			return f, true
		}
	}
	return f, false
}

func (f factor) useStep(code string, now time.Time) (factor, bool) {
	step := now.Unix() / factorStep
	for at := step - factorSkew; at <= step+factorSkew; at++ {
		want, err := hotp.GenerateCodeCustom(f.Secret, uint64(at), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && at > f.LastStep && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			f.LastStep = at
			return f, true
		}
	}
	return f, false
}

// plainCode leaves out what people put between the characters of a code.
func plainCode(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "\u202f", "").Replace(strings.TrimSpace(s)))
}

// newRecovery gives the factor other recovery codes, and these in clear.
func (f factor) newRecovery() (factor, []string) {
	codes := make([]string, recoveryHeld)
	f.Recovery = make([]string, recoveryHeld)
	for i := range codes {
		b := make([]byte, recoveryEach)
		_, _ = rand.Read(b) // never fails
		plain := strings.ToLower(base32Text.EncodeToString(b))
		f.Recovery[i] = hashOf(plain)
		codes[i] = plain[:4] + "-" + plain[4:8] + "-" + plain[8:12] + "-" + plain[12:]
	}
	return f, codes
}

const sealedVersion = "v1."

// seal encrypts a factor for one account: its text is of no use in another one's entry.
func (s *Service) seal(f factor, user core.EntryID) (string, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return "", core.Wrap("account.seal", err)
	}
	aead, err := s.aead()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return sealedVersion + encoding.EncodeToString(aead.Seal(nonce, nonce, text, []byte(user))), nil
}

// unseal decrypts it. One that cannot be read was sealed with the key of another store.
func (s *Service) unseal(sealed string, user core.EntryID) (f factor, err error) {
	aead, err := s.aead()
	if err != nil {
		return f, err
	}
	text, _ := strings.CutPrefix(sealed, sealedVersion)
	raw, err := encoding.DecodeString(text)
	if err != nil || len(raw) < aead.NonceSize() {
		return f, errUnreadable(err)
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(user))
	if err != nil {
		return f, errUnreadable(err)
	}
	return f, core.Wrap("account.unseal", json.Unmarshal(plain, &f))
}

func errUnreadable(cause error) error {
	err := core.Refuse(core.CodeUnauthenticated, "otp_unreadable", "The second factor of this account cannot be read any more. Ask an administrator to turn it off.",
		"Le second facteur de ce compte n’est plus lisible. Demandez à un administrateur de le désactiver.")
	err.Err = cause
	return err
}

func (s *Service) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.keys.factor)
	if err != nil {
		return nil, core.Wrap("account.aead", err)
	}
	aead, err := cipher.NewGCM(block)
	return aead, core.Wrap("account.aead", err)
}

// lacksFactor reports whether a role of the account asks for a second factor and it has none.
func (s *Service) lacksFactor(ctx context.Context, u *record) (bool, error) {
	if u.totp != "" {
		return false, nil
	}
	asking, err := s.askingRoles(ctx)
	if err != nil {
		return false, err
	}
	for _, role := range u.roles {
		if asking[role] {
			return true, nil
		}
	}
	return false, nil
}

// askingRoles are the roles that ask for a second factor.
func (s *Service) askingRoles(ctx context.Context) (map[string]bool, error) {
	version := s.c.Catalog.Version(roleType)
	if asking, ok := s.second.get(version); ok {
		return asking, nil
	}
	asking := map[string]bool{}
	err := s.c.Catalog.Each(ctx, roleType, "", func(e *core.Entry) error {
		if e.Trashed() {
			return nil
		}
		doc, err := jsondoc.ParseObject(e.Latest())
		if name, _ := doc["name"].(string); doc["totp"] == true {
			asking[name] = true
		}
		return err
	})
	if err != nil {
		return nil, core.Wrap("account.askingRoles", err)
	}
	s.second.put(version, asking)
	return asking, nil
}

// roleCache remembers which roles ask for a second factor while no role changes. The zero roleCache is ready.
type roleCache struct {
	mu      sync.RWMutex
	version uint64
	asking  map[string]bool
}

func (c *roleCache) get(version uint64) (map[string]bool, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.asking, c.asking != nil && c.version == version
}

func (c *roleCache) put(version uint64, asking map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version, c.asking = version, asking
}

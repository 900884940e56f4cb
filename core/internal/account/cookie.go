package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// A cookie's value is "v1.<entry>.<secret>.<mac>". The mac lets forgeries be refused without looking anything up; the
// secret, of which the entry keeps a hash, lets nobody who reads the store make one.
const (
	cookieVersion = "v1"
	secretBytes   = 32
	mostCookie    = 256
)

var encoding = base64.RawURLEncoding

// newSecret gives 256 random bits as text.
func newSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails
	return encoding.EncodeToString(b)
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return encoding.EncodeToString(h.Sum(nil))
}

func (s *Service) cookie(id core.EntryID, secret string) string {
	signed := cookieVersion + "." + string(id) + "." + secret
	return signed + "." + mac(s.keys.cookie, signed)
}

// open checks that a cookie was made here and takes it apart.
func (s *Service) open(cookie string) (id core.EntryID, secret string, ok bool) {
	dot := strings.LastIndexByte(cookie, '.')
	if dot < 0 || len(cookie) > mostCookie {
		return "", "", false
	}
	signed, given := cookie[:dot], cookie[dot+1:]
	if subtle.ConstantTimeCompare([]byte(given), []byte(mac(s.keys.cookie, signed))) != 1 {
		return "", "", false
	}
	parts := strings.Split(signed, ".")
	if len(parts) != 3 || parts[0] != cookieVersion {
		return "", "", false
	}
	return core.EntryID(parts[1]), parts[2], true
}

// CSRF implements core.Accounts. A cookie that was not made here has none.
func (s *Service) CSRF(cookie string) string {
	id, _, ok := s.open(cookie)
	if !ok {
		return ""
	}
	return s.csrf(id)
}

func (s *Service) csrf(id core.EntryID) string { return mac(s.keys.csrf, "csrf"+string(id)) }

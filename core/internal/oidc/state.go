package oidc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"golang.org/x/oauth2"
)

// visitFor is how long somebody may be away at a provider.
const visitFor = 10 * time.Minute

var (
	errState    = errors.New("the state cannot be opened")
	errExpired  = errors.New("the state has expired")
	errMismatch = errors.New("the answer belongs to another sign-in")
	errSpent    = errors.New("the state was used before")
	errDenied   = errors.New("the provider says no")
)

// sealed is what the seal binds a state to, so that nothing else sealed with the same key passes for one.
var sealed = []byte("palabre oidc state 1")

// visit is what must be known when the browser comes back.
type visit struct {
	Provider string    `json:"p"`
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Back     string    `json:"b"`
	Expires  time.Time `json:"e"`
}

func newVisit(provider, back string, now time.Time) *visit {
	return &visit{Provider: provider, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Back: back, Expires: now.Add(visitFor)}
}

// fits checks the answer against the visit that it should belong to.
func (v *visit) fits(provider string, answer url.Values, now time.Time) error {
	if v.Provider != provider || !same(v.State, answer.Get("state")) {
		return errMismatch
	}
	if !now.Before(v.Expires) {
		return errExpired
	}
	if answer.Has("error") || answer.Get("code") == "" {
		return errDenied
	}
	return nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func newSeal(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, errState
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (s *Service) close(v *visit) string {
	plain, err := json.Marshal(v)
	if err != nil {
		panic("oidc: a visit cannot be encoded: " + err.Error()) // plain fields: it always can
	}
	return base64.RawURLEncoding.EncodeToString(s.seal.Seal(nil, nil, plain, sealed))
}

func (s *Service) open(state string) (*visit, error) {
	box, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil {
		return nil, errState
	}
	plain, err := s.seal.Open(nil, nil, box, sealed)
	if err != nil {
		return nil, errState
	}
	v := &visit{}
	if err := json.Unmarshal(plain, v); err != nil {
		return nil, errState
	}
	return v, nil
}

package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/email"
)

// The bounds of a password: in characters, and in bytes, all of which count.
const (
	leastPassword    = 12
	mostPassword     = 1 << 10
	leastDifferent   = 4 // characters that differ
	generatedLetters = 20
)

//go:embed common.txt
var commonText string

var common = sync.OnceValue(func() map[string]bool {
	list := map[string]bool{}
	for line := range strings.Lines(commonText) {
		list[strings.TrimSpace(line)] = true
	}
	return list
})

// checkPassword says what is wrong with a password that somebody chose.
func checkPassword(password, address string) error {
	const at = "/password"
	lower := strings.ToLower(normalPassword(password))
	switch {
	case len(password) > mostPassword:
		return wrong(at, "maxLength", "The password is longer than 1024 bytes. Choose a shorter one.", "Le mot de passe dépasse 1024 octets. Choisissez-en un plus court.")
	case utf8.RuneCountInString(password) < leastPassword:
		return wrong(at, "minLength", "The password needs at least 12 characters. Several words make a good one.", "Le mot de passe doit compter au moins 12 caractères. Plusieurs mots en font un bon.")
	case address != "" && email.Normal(lower) == email.Normal(address):
		return wrong(at, "email", "The password must not be the e-mail address. Choose another one.", "Le mot de passe ne doit pas être l’adresse électronique. Choisissez-en un autre.")
	case common()[lower] || differing(lower) < leastDifferent:
		return wrong(at, "common", "This password is among the first that anyone would guess. Choose another one.", "Ce mot de passe est parmi les premiers que l’on devine. Choisissez-en un autre.")
	}
	return nil
}

func differing(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// normalPassword makes one text of the ways in which keyboards write the same characters.
func normalPassword(s string) string { return norm.NFC.String(s) }

// NewPassword makes up a password to be shown once.
func NewPassword() string {
	const letters = "abcdefghjkmnpqrstuvwxyz23456789"
	out := make([]byte, 0, generatedLetters+generatedLetters/5)
	for i := 0; i < generatedLetters; {
		var b [1]byte
		_, _ = rand.Read(b[:]) // never fails
		if int(b[0]) >= 256/len(letters)*len(letters) {
			continue // what is left over would make some letters likelier
		}
		if i > 0 && i%5 == 0 {
			out = append(out, '-')
		}
		out = append(out, letters[int(b[0])%len(letters)])
		i++
	}
	return string(out)
}

// cost is how much work a hash is.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// present is the cost of the hashes that are made now; a hash of another cost is made anew when its password comes by.
var present = cost{memory: 19 << 10, passes: 2, lanes: 1}

// most is what a stored hash may ask for.
var most = cost{memory: 256 << 10, passes: 16, lanes: 16}

const (
	saltBytes = 16
	hashBytes = 32
)

// hasher makes and compares hashes, few at once: each takes as much memory as it costs.
type hasher struct{ slots chan struct{} }

func newHasher() *hasher { return &hasher{slots: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))} }

// derive waits for its turn.
func (h *hasher) derive(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return argon2.IDKey([]byte(normalPassword(password)), salt, c.passes, c.memory, c.lanes, hashBytes), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash gives what is kept of a password, in the PHC format.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	sum, err := h.derive(ctx, password, salt, present)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, present.memory, present.passes, present.lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// matches compares a password with a hash; old reports a hash that should be made anew. Without a hash, or with one that
// cannot be read, it does the same work for nothing.
func (h *hasher) matches(ctx context.Context, password, stored string) (ok, old bool, err error) {
	c, salt, want, readable := parseHash(stored)
	if !readable || len(password) > mostPassword {
		c, salt, password = present, make([]byte, saltBytes), password[:min(len(password), mostPassword)]
		want = nil
	}
	sum, err := h.derive(ctx, password, salt, c)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(sum, want) == 1, c != present, nil
}

func parseHash(s string) (c cost, salt, sum []byte, ok bool) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil || n != 3 {
		return c, nil, nil, false
	}
	if c.passes == 0 || c.lanes == 0 || c.memory > most.memory || c.passes > most.passes || c.lanes > most.lanes {
		return c, nil, nil, false
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	sum, sumErr := base64.RawStdEncoding.DecodeString(parts[5])
	return c, salt, sum, saltErr == nil && sumErr == nil && len(sum) == hashBytes
}

// Hash gives what is kept of a password that needs no checking.
func (s *Service) Hash(ctx context.Context, password string) (string, error) {
	sum, err := s.hasher.hash(ctx, password)
	return sum, core.Wrap("account.Hash", err)
}

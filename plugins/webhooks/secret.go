package webhooks

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// secretBytes is the length of a secret; the specification asks for 24 to 64.
const secretBytes = 32

// oldSecretFor is how long what is sent is signed with a replaced secret too.
const oldSecretFor = 24 * time.Hour

// secret is what an endpoint's deliveries are signed with.
type secret struct {
	Key   []byte    `json:"key"`            // of the HMAC
	Seed  []byte    `json:"seed"`           // of the ed25519 key
	Until time.Time `json:"until,omitzero"` // of a replaced one
}

func newSecret() secret {
	s := secret{Key: make([]byte, secretBytes), Seed: make([]byte, ed25519.SeedSize)}
	_, _ = rand.Read(s.Key) // never fails
	_, _ = rand.Read(s.Seed)
	return s
}

// text is the secret as the receiver gets it.
func (s *secret) text() string { return "whsec_" + base64.StdEncoding.EncodeToString(s.Key) }

// publicKey is what anyone may have.
func (s *secret) publicKey() string {
	public, _ := s.private().Public().(ed25519.PublicKey)
	return "whpk_" + base64.StdEncoding.EncodeToString(public)
}

func (s *secret) private() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.Seed) }

// keyring is the secrets of an endpoint.
type keyring struct {
	Now   secret   `json:"now"`
	Old   []secret `json:"old,omitempty"`
	Shown bool     `json:"shown"` // whether the secret was handed over
}

// sign gives the signatures of a message: by each secret that counts, HMAC first.
func (k *keyring) sign(id string, at, now time.Time, body []byte, asymmetric bool) string {
	message := fmt.Appendf(nil, "%s.%d.%s", id, at.Unix(), body)
	var signatures []string
	for _, s := range k.counting(now) {
		mac := hmac.New(sha256.New, s.Key)
		mac.Write(message)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		if asymmetric {
			signatures = append(signatures, "v1a,"+base64.StdEncoding.EncodeToString(ed25519.Sign(s.private(), message)))
		}
	}
	return strings.Join(signatures, " ")
}

// counting are the secrets that are signed with at a time.
func (k *keyring) counting(now time.Time) []secret {
	list := []secret{k.Now}
	for _, old := range k.Old {
		if now.Before(old.Until) {
			list = append(list, old)
		}
	}
	return list
}

// rotate puts a new secret in the place of the one that there is.
func (k *keyring) rotate(now time.Time) {
	old := k.Now
	old.Until = now.Add(oldSecretFor)
	*k = keyring{Now: newSecret(), Old: append([]secret{old}, k.counting(now)[1:]...)}
}

// keyring gives an endpoint's secrets, which are made when they are first needed.
func (o outbox) keyring(ctx context.Context, webhook core.EntryID) (*keyring, error) {
	return o.changeKeyring(ctx, webhook, func(*keyring) error { return nil })
}

// changeKeyring changes an endpoint's secrets, and gives them as they are then.
func (o outbox) changeKeyring(ctx context.Context, webhook core.EntryID, change func(*keyring) error) (*keyring, error) {
	for {
		k := &keyring{Now: newSecret()}
		sealed, version, err := o.Get(ctx, secretKey(webhook))
		var text []byte
		if err == nil {
			text, err = o.vault.Unseal(string(sealed))
		} else if core.CodeOf(err) == core.CodeNotFound {
			err = nil
		}
		if err == nil && text != nil {
			err = json.Unmarshal(text, k)
		}
		if err != nil {
			return nil, core.Wrap("webhooks.keyring", err)
		}
		if err := change(k); err != nil {
			return nil, err
		}
		next, err := json.Marshal(k)
		if err != nil || string(next) == string(text) {
			return k, core.Wrap("webhooks.keyring", err)
		}
		again, err := o.vault.Seal(next)
		if err != nil {
			return nil, core.Wrap("webhooks.keyring", err)
		}
		_, err = o.Swap(ctx, secretKey(webhook), []byte(again), version, time.Time{})
		if core.CodeOf(err) != core.CodeConflict || ctx.Err() != nil {
			return k, err
		}
	}
}

func secretKey(webhook core.EntryID) string { return "secret/" + string(webhook) }

package webhooks_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

func sorted(list []string) string {
	slices.Sort(list)
	return strings.Join(list, " ")
}

func bodies(list []received) string {
	var b strings.Builder
	for _, r := range list {
		b.WriteString(r.body + "\n")
	}
	return b.String()
}

// verify verifies a request with the library of the specification, but for its time, which is the test's.
func verify(t *testing.T, secret string, r received, body string) error {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return w.VerifyIgnoringTimestamp([]byte(body), r.Header)
}

func TestSignature(t *testing.T) {
	t.Parallel()
	s := start(t)
	webhook := s.hook("a.example.org", nil)
	secret := fmt.Sprint(s.call("POST", webhook, "/secret", nil).OK().Body["secret"])
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(raw) != 32 || !strings.HasPrefix(secret, "whsec_") {
		t.Fatalf("the secret is %q", secret)
	}
	s.call("POST", webhook, "/secret", nil).Status(http.StatusConflict).Has("reason", "shown")
	s.publish("One")
	got := s.gets("a.example.org", 1)[0]
	if err := verify(t, secret, got, got.body); err != nil {
		t.Error(err)
	}
	if err := verify(t, secret, got, strings.Replace(got.body, "fiche", "fichf", 1)); err == nil {
		t.Error("a changed body is accepted")
	}
	if at := got.Header.Get("Webhook-Timestamp"); at != fmt.Sprint(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Unix()) {
		t.Errorf("the time is %s", at)
	}
	got.Header.Set("Webhook-Id", "evt_other")
	if err := verify(t, secret, got, got.body); err == nil {
		t.Error("another identifier is accepted")
	}
}

// For a day after a rotation, what is sent can be verified with either secret.
func TestRotate(t *testing.T) {
	t.Parallel()
	s := start(t)
	webhook, other := s.hook("a.example.org", nil), s.hook("b.example.org", nil)
	secret := func(of core.EntryID, path string) string {
		return fmt.Sprint(s.call("POST", of, path, nil).OK().Body["secret"])
	}
	old, strange := secret(webhook, "/secret"), secret(other, "/secret")
	fresh := secret(webhook, "/rotate")
	if old == fresh || old == strange {
		t.Fatal("a secret is used twice")
	}
	accepts := func(n int, want map[string]bool) {
		t.Helper()
		s.publish("x")
		got := s.gets("a.example.org", n)[n-1]
		for secret, ok := range want {
			if err := verify(t, secret, got, got.body); (err == nil) != ok {
				t.Errorf("request %d: %v, want %v", n, err, ok)
			}
		}
	}
	accepts(1, map[string]bool{old: true, fresh: true, strange: false})
	s.Advance(23 * time.Hour)
	newest := secret(webhook, "/rotate")
	accepts(2, map[string]bool{old: true, fresh: true, newest: true})
	s.Advance(2 * time.Hour)
	accepts(3, map[string]bool{old: false, fresh: true, newest: true})
}

func TestEd25519(t *testing.T) {
	t.Parallel()
	s := start(t)
	webhook := s.hook("a.example.org", plugintest.Doc{"ed25519": true})
	text := fmt.Sprint(s.call("GET", webhook, "", nil).OK().Body["publicKey"])
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whpk_"))
	if err != nil || len(public) != ed25519.PublicKeySize || !strings.HasPrefix(text, "whpk_") {
		t.Fatalf("the public key is %q", text)
	}
	s.publish("One")
	got := s.gets("a.example.org", 1)[0]
	list := strings.Fields(got.Header.Get("Webhook-Signature"))
	if len(list) != 2 || !strings.HasPrefix(list[0], "v1,") || !strings.HasPrefix(list[1], "v1a,") {
		t.Fatalf("the signatures are %q", list)
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(list[1], "v1a,"))
	message := got.id() + "." + got.Header.Get("Webhook-Timestamp") + "." + got.body
	if err != nil || !ed25519.Verify(public, []byte(message), signature) || ed25519.Verify(public, []byte(message+" "), signature) {
		t.Errorf("the signature %q: %v", list[1], err)
	}
}

// The secret is in no answer but the one that hands it over.
func TestSecret_isShownOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	webhook := s.hook("a.example.org", nil)
	secret := fmt.Sprint(s.call("POST", webhook, "/secret", nil).OK().Body["secret"])
	s.publish("One")
	s.has(webhook, "delivered", 1)
	for _, path := range []string{"/api/v1/content/webhook", "/api/v1/content/webhook/" + string(webhook) + "?state=draft", "/api/v1/plugins/dev.palabre.webhooks",
		"/x/dev.palabre.webhooks/webhooks/" + string(webhook), "/x/dev.palabre.webhooks/webhooks/" + string(webhook) + "/deliveries", "/api/v1/audit"} {
		if got := s.Do("administrator", "GET", path, nil).OK(); strings.Contains(got.Text, strings.TrimPrefix(secret, "whsec_")) {
			t.Errorf("%s shows the secret", path)
		}
	}
}

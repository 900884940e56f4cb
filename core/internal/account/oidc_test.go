package account_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/account"
)

// identities is a provider that says whatever a test wants.
type identities struct{ who account.Identity }

func (i *identities) Providers() []core.IdentityProvider {
	return []core.IdentityProvider{{Name: "id", Label: core.Text{"fr": "Notre annuaire"}}}
}

func (i *identities) Begin(_ context.Context, _, back string) (string, string, error) {
	return "https://id.example.org/?back=" + back, "state", nil
}

func (i *identities) End(_ context.Context, _ string, _ url.Values, state string) (*account.Identity, error) {
	if state != "state" {
		return nil, errors.New("no")
	}
	who := i.who
	return &who, nil
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	provider := &identities{}
	w := newWorld(t, func(c *account.Config) { c.Identities = provider })
	id := w.user("camille@example.org", "")
	w.user("suspended@example.org", `"suspended":true`)
	enter := func(subject, email string, verified bool) (*core.SignedIn, error) {
		provider.who = account.Identity{Subject: subject, Email: email, Verified: verified, Back: "/admin/x"}
		in, back, err := w.EndOIDC(from("192.0.2.1"), "id", nil, "state")
		if err == nil && back != "/admin/x" {
			t.Errorf("it leads back to %s", back)
		}
		return in, err
	}
	for _, tc := range []struct {
		name, subject, email string
		verified             bool
	}{
		{"an unknown address", "id#1", "nobody@example.org", true},
		{"an address that is not vouched for", "id#1", "camille@example.org", false},
		{"nobody in particular", "", "camille@example.org", true},
		{"a suspended account", "id#2", "suspended@example.org", true},
	} {
		_, err := enter(tc.subject, tc.email, tc.verified)
		if core.CodeOf(err) != core.CodeForbidden {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
	in, err := enter("id#1", "Camille@Example.org", true)
	if err != nil || in.User.ID != id || !w.holds(in) {
		t.Fatalf("got %+v, %v", in, err)
	}
	if in, err = enter("id#1", "elsewhere@example.org", false); err != nil || in.User.ID != id {
		t.Errorf("linked already: %v", err)
	}
	w.withFactor(in)
	w.pass(time.Minute)
	_, err = enter("id#1", "camille@example.org", true)
	wantCode(t, err, core.CodeForbidden, "otp_required")
}

// The way back is on this site.
func TestBeginOIDC_back(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *account.Config) { c.Identities = &identities{} })
	for back, want := range map[string]string{
		"/admin/content?x=1": "/admin/content?x=1", "": "/admin/", "https://evil.example/": "/admin/", "//evil.example": "/admin/", "/\\evil.example": "/admin/",
		"javascript:alert(1)": "/admin/", "/a\r\nSet-Cookie: x": "/admin/", "admin": "/admin/",
	} {
		to, _, err := w.BeginOIDC(t.Context(), "id", back)
		if err != nil || to != "https://id.example.org/?back="+want {
			t.Errorf("%q: got %s, %v", back, to, err)
		}
	}
}

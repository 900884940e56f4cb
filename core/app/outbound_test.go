package app

import (
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/config"
)

func outsideConfig(t *testing.T, environ ...string) *config.Config {
	t.Helper()
	c, err := config.Load(config.Sources{Environ: append(environ, "PALABRE_DATA="+t.TempDir(), "PALABRE_PUBLIC_URL=https://cms.example.org")})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReachableByConfig(t *testing.T) {
	t.Parallel()
	c := outsideConfig(t, "PALABRE_OUTBOUND_ALLOW=10.0.0.0/8", "PALABRE_SMTP_HOST=relay.internal", "PALABRE_SMTP_FROM=palabre@example.org",
		"PALABRE_OIDC_ISSUER=https://id.internal/realms/a", "PALABRE_OIDC_CLIENT_ID=palabre")
	want := []string{"10.0.0.0/8", "relay.internal:587", "id.internal:443"}
	if got := reachableByConfig(c); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	a, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if a.mailer == nil || len(a.identities.Providers()) != 1 || a.identities.Providers()[0].Label["fr"] != "oidc" {
		t.Errorf("got %v, %v", a.mailer, a.identities.Providers())
	}
}

func TestWireOutbound_Nothing(t *testing.T) {
	t.Parallel()
	a, err := New(outsideConfig(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if a.mailer != nil || a.identities != nil {
		t.Error("something is wired that nobody configured")
	}
	if _, err := a.outbound.DialContext(t.Context(), "tcp", "169.254.169.254:80"); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestWireServer_Limits(t *testing.T) {
	t.Parallel()
	c := outsideConfig(t, "PALABRE_LIMITS_AUTH=1", "PALABRE_CORS_ORIGINS=https://www.example.org")
	a, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	var last *httptest.ResponseRecorder
	for range 2 {
		last = httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/api/v1/auth/absent", nil)
		r.Header.Set("Origin", "https://www.example.org")
		a.Handler().ServeHTTP(last, r)
	}
	if last.Code != 429 || last.Header().Get("Access-Control-Allow-Origin") != "https://www.example.org" {
		t.Errorf("got %d %v", last.Code, last.Header())
	}
}

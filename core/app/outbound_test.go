package app

import (
	"bufio"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
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
	want := []string{"10.0.0.0/8", "id.internal:443"}
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

// What the operator lets mail go to is not open to the documents of a provider: whoever writes them would speak with it.
func TestWireOutbound_MailIsForMail(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	heard := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("220 relay\r\n"))
		line, _ := bufio.NewReader(conn).ReadString('\n')
		heard <- line
	}()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	a, err := New(outsideConfig(t, "PALABRE_SMTP_HOST="+host, "PALABRE_SMTP_PORT="+port, "PALABRE_SMTP_FROM=palabre@example.org"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if res, err := a.outbound.HTTP().Get("http://" + l.Addr().String()); err == nil {
		res.Body.Close()
		t.Error("the mail server was asked over HTTP")
	}
	_ = a.mailer.Send(t.Context(), "camille@example.org", "s", "t")
	if line := <-heard; !strings.HasPrefix(line, "EHLO ") {
		t.Errorf("the mail server heard %q first", line)
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

package oidc_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/oidc"
)

const callback = "http://cms.example.org/callback"

var web = &http.Client{Transport: http.DefaultTransport}

var key = []byte("0123456789abcdef0123456789abcdef")

// realProvider runs an OpenID provider as others use it, with one client and a few users.
func realProvider(t *testing.T) string {
	t.Helper()
	var handler http.Handler
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	issuer := s.URL + "/"
	clients := map[string]*storage.Client{"palabre": storage.WebClient("palabre", "secret", callback)}
	handler = exampleop.SetupServer(issuer, storage.NewStorageWithClients(storage.NewUserStore(issuer), clients), slog.New(slog.DiscardHandler), false, op.WithAllowInsecure())
	return issuer
}

func service(t *testing.T, now func() time.Time, providers ...oidc.Provider) *oidc.Service {
	t.Helper()
	s, err := oidc.New(oidc.Options{Providers: providers, HTTP: web, Key: key, Now: now, Callback: func(string) string { return callback }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var loginID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// browse signs in at the provider's page as a person does, and gives the answer that the browser would bring.
func browse(t *testing.T, redirect, user, password string) url.Values {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	res, err := browser.Get(redirect)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(res.Body)
	res.Body.Close()
	id := loginID.FindSubmatch(page)
	if id == nil {
		t.Fatalf("no login page but %d:\n%s", res.StatusCode, page)
	}
	res, err = browser.PostForm(res.Request.URL.String(), url.Values{"id": {string(id[1])}, "username": {user}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	answer, err := url.Parse(res.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(answer.String(), callback) {
		t.Fatalf("the provider led to %q", res.Header.Get("Location"))
	}
	return answer.Query()
}

func unauthenticated(t *testing.T, what string, err error) {
	t.Helper()
	if e, ok := core.AsError(err); !ok || e.Code != core.CodeUnauthenticated || e.Err != nil || e.Message != "Signing in did not work. Start again." {
		t.Errorf("%s: got %v", what, err)
	}
}

func TestRealProvider(t *testing.T) {
	t.Parallel()
	issuer := realProvider(t)
	real := oidc.Provider{Name: "real", Label: core.Text{"en": "Real"}, Issuer: issuer, ClientID: "palabre", ClientSecret: "secret"}
	twin := real
	twin.Name = "twin"
	var mu sync.Mutex
	at := time.Now()
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	s := service(t, now, real, twin)
	begin := func() (redirect, state string) {
		redirect, state, err := s.Begin(t.Context(), "real", "/admin/?x=1#y")
		if err != nil {
			t.Fatal(err)
		}
		return redirect, state
	}
	redirect, state := begin()
	query, _ := url.Parse(redirect)
	for name, want := range map[string]string{"code_challenge_method": "S256", "response_type": "code", "redirect_uri": callback, "scope": "openid email profile"} {
		if got := query.Query().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	answer := browse(t, redirect, "test-user2", "verysecure")

	t.Run("signs in", func(t *testing.T) {
		i, back, err := s.End(t.Context(), "real", answer, state)
		if err != nil {
			t.Fatal(err)
		}
		if back != "/admin/?x=1#y" || i.Issuer != issuer || i.Subject != "id2" || i.Email != "test-user2@zitadel.ch" || !i.Verified || i.Name != "Test User2" || i.Roles != nil {
			t.Errorf("got %+v, back %q", i, back)
		}
	})
	t.Run("not twice", func(t *testing.T) {
		_, _, err := s.End(t.Context(), "real", answer, state)
		unauthenticated(t, "reused", err)
		other := service(t, now, real) // another node has not seen the state; the provider has seen the code
		_, _, err = other.End(t.Context(), "real", answer, state)
		unauthenticated(t, "reused on another node", err)
	})
	t.Run("nothing but the answer to this state", func(t *testing.T) {
		redirect, state := begin()
		_, otherState := begin()
		answer := browse(t, redirect, "test-user2", "verysecure")
		without := func(name, value string) url.Values {
			v := url.Values{}
			for n, have := range answer {
				v[n] = have
			}
			v.Set(name, value)
			return v
		}
		for name, try := range map[string]struct {
			answer url.Values
			state  string
		}{
			"no state": {answer, ""}, "tampered": {answer, flip(state, len(state)/2)}, "tampered at its end": {answer, flip(state, len(state)-2)}, "cut": {answer, state[:len(state)-4]}, "another's": {answer, otherState},
			"no base64": {answer, "{}"}, "state of the address changed": {without("state", "x"), state}, "no code": {without("code", ""), state}, "an error": {without("error", "access_denied"), state},
		} {
			_, _, err := s.End(t.Context(), "real", try.answer, try.state)
			unauthenticated(t, name, err)
		}
		_, _, err := s.End(t.Context(), "twin", answer, state)
		unauthenticated(t, "another provider's state", err)
		if _, _, err := s.End(t.Context(), "absent", answer, state); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("absent provider: got %v", err)
		}
		_, _, err = s.End(t.Context(), "real", without("iss", "https://evil.example"), state)
		unauthenticated(t, "another issuer's answer", err)
	})
	t.Run("another key opens nothing", func(t *testing.T) {
		redirect, state := begin()
		answer := browse(t, redirect, "test-user2", "verysecure")
		other, err := oidc.New(oidc.Options{Providers: []oidc.Provider{real}, HTTP: web, Key: []byte("another key of thirty-two bytes.."[:32]), Callback: func(string) string { return callback }})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = other.End(t.Context(), "real", answer, state)
		unauthenticated(t, "another key", err)
	})
	t.Run("a code of another sign-in", func(t *testing.T) {
		redirect, _ := begin()
		stolen := browse(t, redirect, "test-user2", "verysecure")
		redirect, state := begin()
		mine := browse(t, redirect, "test-user2", "verysecure")
		mine.Set("code", stolen.Get("code"))
		_, _, err := s.End(t.Context(), "real", mine, state)
		unauthenticated(t, "PKCE", err)
	})
	t.Run("not after ten minutes", func(t *testing.T) {
		redirect, state := begin()
		answer := browse(t, redirect, "test-user2", "verysecure")
		mu.Lock()
		at = at.Add(10 * time.Minute)
		mu.Unlock()
		_, _, err := s.End(t.Context(), "real", answer, state)
		unauthenticated(t, "expired", err)
	})
}

func flip(s string, at int) string {
	c := byte('A')
	if s[at] == 'A' {
		c = 'B'
	}
	return s[:at] + string(c) + s[at+1:]
}

func TestState_TellsNothing(t *testing.T) {
	t.Parallel()
	issuer := realProvider(t)
	s := service(t, nil, oidc.Provider{Name: "real", Issuer: issuer, ClientID: "palabre", ClientSecret: "secret"})
	redirect, state, err := s.Begin(t.Context(), "real", "/secret-path")
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{"secret-path", "real"} {
		if strings.Contains(state, hidden) {
			t.Errorf("the state shows %q", hidden)
		}
	}
	if strings.Contains(redirect, "code_verifier") || strings.Contains(redirect, "secret") || len(state) > 2000 {
		t.Errorf("%d characters of state; %s", len(state), redirect)
	}
}

func TestBegin_Back(t *testing.T) {
	t.Parallel()
	s := service(t, nil, oidc.Provider{Name: "real", Issuer: realProvider(t), ClientID: "palabre"})
	for _, back := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, `\\evil.example`, "evil", "javascript:alert(1)", "/a\nb", "/\t/evil.example", "/ /evil", " /", "/\x00", "/é", "/\u2028", "/%zz", "/" + strings.Repeat("a", 1000)} {
		if _, _, err := s.Begin(t.Context(), "real", back); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: got %v", back, err)
		}
	}
	for _, back := range []string{"", "/", "/admin/", "/a/b?c=//d&e=https://f", "/%2F%2Fevil.example"} {
		if _, _, err := s.Begin(t.Context(), "real", back); err != nil {
			t.Errorf("%q: %v", back, err)
		}
	}
}

// A provider that is away is asked again, and what is known of one is kept.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	issuer := realProvider(t)
	var asked int
	var down bool
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		asked++
		if down {
			return nil, &core.Error{Code: core.CodeUnavailable, Reason: "outbound"}
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
	at := time.Now()
	s, err := oidc.New(oidc.Options{Providers: []oidc.Provider{{Name: "real", Issuer: issuer, ClientID: "palabre"}}, HTTP: client, Key: key, Now: func() time.Time { return at }, Callback: func(string) string { return callback }})
	if err != nil {
		t.Fatal(err)
	}
	begin := func() error { _, _, err := s.Begin(t.Context(), "real", "/"); return err }
	if asked != 0 {
		t.Error("a provider was asked before anybody signed in")
	}
	down = true
	for range 3 {
		if err := begin(); core.CodeOf(err) != core.CodeUnavailable {
			t.Errorf("away: got %v", err)
		}
	}
	if asked != 1 {
		t.Errorf("away: asked %d times at once", asked)
	}
	down, at = false, at.Add(time.Minute)
	for range 3 {
		if err := begin(); err != nil {
			t.Errorf("back: %v", err)
		}
	}
	if asked != 2 {
		t.Errorf("back: asked %d times", asked-1)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var _ oidc.Signer = signer(nil)

type signer func(core.EntryID) (*core.SignedIn, error)

func (f signer) SignInUser(_ context.Context, id core.EntryID) (*core.SignedIn, error) { return f(id) }

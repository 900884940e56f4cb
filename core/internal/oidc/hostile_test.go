package oidc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/oidc"
)

// overTLS is an issuer behind https whose answers a test may change, and the client that trusts it.
func overTLS(t *testing.T, change func(document map[string]any)) (*issuer, *http.Client) {
	t.Helper()
	i := newIssuer(t)
	inner, err := url.Parse(i.url)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host, r.RequestURI = inner.Scheme, inner.Host, ""
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		if !strings.HasSuffix(r.URL.Path, "openid-configuration") {
			maps.Copy(w.Header(), res.Header)
			w.WriteHeader(res.StatusCode)
			_, _ = io.Copy(w, res.Body)
			return
		}
		document := map[string]any{}
		_ = json.NewDecoder(res.Body).Decode(&document)
		for name, v := range document {
			if text, ok := v.(string); ok {
				document[name] = strings.Replace(text, inner.String(), i.url, 1)
			}
		}
		if change != nil {
			change(document)
		}
		reply(w, document)
	}))
	t.Cleanup(s.Close)
	i.url = s.URL
	return i, s.Client()
}

func serviceWith(t *testing.T, client *http.Client, log io.Writer, p oidc.Provider) *oidc.Service {
	t.Helper()
	s, err := oidc.New(oidc.Options{Providers: []oidc.Provider{p}, HTTP: client, Key: key, Callback: func(string) string { return callback },
		Logger: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A provider behind https leads to nothing in the clear, and to nothing but the web, whatever its document says.
func TestDiscovery_Downgrade(t *testing.T) {
	t.Parallel()
	for _, door := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"} {
		for _, to := range []string{"http://", "javascript://", "file://", "//"} {
			t.Run(door+" "+to, func(t *testing.T) {
				t.Parallel()
				var heard atomic.Int32
				plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
				defer plain.Close()
				i, client := overTLS(t, func(d map[string]any) { d[door] = to + strings.TrimPrefix(plain.URL, "http://") + "/x" })
				s := serviceWith(t, client, io.Discard, i.provider())
				redirect, state, err := s.Begin(t.Context(), "evil", "/")
				if err == nil {
					_, _, err = s.End(t.Context(), "evil", answerTo(t, redirect, nil), state)
					t.Errorf("the browser was sent to %s, and then: %v", redirect, err)
				}
				if core.CodeOf(err) != core.CodeUnavailable || heard.Load() > 0 {
					t.Errorf("got %v; what is in the clear was asked %d times", err, heard.Load())
				}
			})
		}
	}
	t.Run("as it should be", func(t *testing.T) {
		t.Parallel()
		i, client := overTLS(t, nil)
		if got, err := i.signIn(t, serviceWith(t, client, io.Discard, i.provider())); err != nil || got.Email != "camille@example.org" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// The secret and the code go to the address that the document names, and are not carried on from there.
func TestExchange_Redirects(t *testing.T) {
	t.Parallel()
	var carried atomic.Pointer[string]
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		carried.Store(&text)
	}))
	defer elsewhere.Close()
	i := newIssuer(t)
	away := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer away.Close()
	i.also = map[string]any{"token_endpoint": away.URL}
	_, err := i.signIn(t, service(t, nil, i.provider()))
	unauthenticated(t, "redirected", err)
	if text := carried.Load(); text != nil {
		t.Errorf("carried on: %s", *text)
	}
}

// What a provider answers in place of what it should is nothing for the log: it may hold what it was sent, and be of any size.
func TestLog_Bounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	for name, path := range map[string]string{"discovery": "/.well-known/openid-configuration", "token": "/token", "keys": "/keys", "user info": "/info"} {
		for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusInternalServerError} {
			i := newIssuer(t)
			i.claims["email"] = nil
			i.info = map[string]any{"sub": "s1"}
			client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != path {
					return http.DefaultTransport.RoundTrip(r)
				}
				echo := r.Header.Get("Authorization")
				if r.Body != nil {
					body, _ := io.ReadAll(r.Body)
					echo += string(body)
				}
				return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"text/html"}}, Request: r,
					Body: io.NopCloser(strings.NewReader("<p>You sent: " + echo + long))}, nil
			})}
			var log bytes.Buffer
			s := serviceWith(t, client, &log, i.provider())
			redirect, state, err := s.Begin(t.Context(), "evil", "/")
			if err == nil {
				_, _, _ = s.End(t.Context(), "evil", answerTo(t, redirect, nil), state)
			}
			for _, hidden := range []string{"You sent", "code_verifier", "Bearer"} {
				if strings.Contains(log.String(), hidden) {
					t.Errorf("%s, %d: the log has %q", name, status, hidden)
				}
			}
			if log.Len() > 1000 || log.Len() == 0 {
				t.Errorf("%s, %d: %d bytes were logged", name, status, log.Len())
			}
		}
	}
}

// A provider that names itself in its answers names itself in each (RFC 9207): one that lacks the name is another's.
func TestIssuer_MustBeNamed(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.also = map[string]any{"authorization_response_iss_parameter_supported": true}
	s := service(t, nil, i.provider())
	try := func(iss ...string) error {
		redirect, state, err := s.Begin(t.Context(), "evil", "/")
		answer := answerTo(t, redirect, err)
		answer["iss"] = iss
		_, _, err = s.End(t.Context(), "evil", answer, state)
		return err
	}
	if err := try(i.url); err != nil {
		t.Errorf("named: %v", err)
	}
	unauthenticated(t, "not named", try())
	unauthenticated(t, "named otherwise", try("https://accounts.example.org"))
	unauthenticated(t, "named twice", try(i.url, "https://accounts.example.org"))
}

// A code is sent once, with the secret in one place.
func TestExchange_Once(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		methods any
		basic   bool
	}{"nothing said": {nil, true}, "basic": {[]string{"client_secret_post", "client_secret_basic"}, true}, "post": {[]string{"client_secret_post"}, false}} {
		i := newIssuer(t)
		i.status = http.StatusUnauthorized
		if tc.methods != nil {
			i.also = map[string]any{"token_endpoint_auth_methods_supported": tc.methods}
		}
		var sent []string
		var mu sync.Mutex
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/token" {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				_, _, basic := r.BasicAuth()
				mu.Lock()
				sent = append(sent, string(body))
				mu.Unlock()
				if inBody := strings.Contains(string(body), "client_secret="); basic != tc.basic || inBody == tc.basic {
					t.Errorf("%s: the secret is in the header %v, in the body %v", name, basic, inBody)
				}
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
		_, err := i.signIn(t, serviceWith(t, client, io.Discard, i.provider()))
		unauthenticated(t, name, err)
		if len(sent) != 1 {
			t.Errorf("%s: the code was sent %d times", name, len(sent))
		}
	}
}

// Who leaves while a provider does not answer is not held, and neither is who comes after him.
func TestDiscovery_Hangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			<-answer
			return nil, &core.Error{Code: core.CodeUnavailable, Reason: "outbound"}
		})}
		s := serviceWith(t, client, io.Discard, oidc.Provider{Name: "evil", Issuer: "https://id.example.org", ClientID: "palabre"})
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 2)
		for range cap(left) {
			go func() { _, _, err := s.Begin(ctx, "evil", "/"); left <- err }()
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		if len(left) != cap(left) {
			t.Errorf("%d of %d have left", len(left), cap(left))
		}
		close(answer)
		synctest.Wait()
	})
}

// A provider's word is no second factor: an account that has one gets neither an identity nor other roles by it.
func TestAccounts_SecondFactor(t *testing.T) {
	t.Parallel()
	for name, identities := range map[string][]string{"found by its address": {}, "known by its identity": {"ISSUER|s1"}} {
		i := newIssuer(t)
		store := &people{}
		store.put("u1", placed(with(user("camille@example.org", identities...), "totp", "sealed"), i.url, ""))
		before := store.document("u1")
		p := i.provider()
		withRoles(&p)
		i.claims["roles"] = []string{"cms-admins"}
		a := accounts(t, store, p)
		answer, state := i.begin(t, a)
		if in, _, err := a.EndOIDC(t.Context(), "evil", answer, state); err != nil || in.User.ID != "u1" { // the Signer, here a double, refuses
			t.Errorf("%s: got %+v, %v", name, in, err)
		}
		if now := store.document("u1"); now != before {
			t.Errorf("%s: the account was changed to %s", name, now)
		}
	}
}

package oidc_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/oidc"
)

// issuer is a provider that answers whatever a test wants.
type issuer struct {
	url    string
	key    *rsa.PrivateKey
	claims map[string]any // of the ID token, beside what is right
	info   map[string]any // of the user info
	sign   func(head, body string) string
	head   map[string]any
	none   bool           // no ID token at all
	status int            // of the token endpoint
	also   map[string]any // of the discovery document, beside and instead of what is right
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, claims: map[string]any{}, head: map[string]any{"alg": "RS256", "kid": "1"}, status: http.StatusOK}
	i.sign = i.rightly(key)
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	i.url = s.URL
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		document := map[string]any{"issuer": i.url, "authorization_endpoint": i.url + "/auth", "token_endpoint": i.url + "/token", "jwks_uri": i.url + "/keys", "userinfo_endpoint": i.url + "/info",
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}}
		maps.Copy(document, i.also)
		reply(w, document)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(i.status)
		answer := map[string]any{"access_token": "at", "token_type": "Bearer"}
		if !i.none {
			answer["id_token"] = i.token(r.FormValue("code"))
		}
		reply(w, answer)
	})
	mux.HandleFunc("/info", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		reply(w, i.info)
	})
	return i
}

func reply(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
func b64(b []byte) string                { return base64.RawURLEncoding.EncodeToString(b) }

// token makes an ID token; the nonce comes as the code.
func (i *issuer) token(nonce string) string {
	claims := map[string]any{"iss": i.url, "sub": "s1", "aud": "palabre", "nonce": nonce, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"email": "camille@example.org", "email_verified": true, "name": "Camille Exemple"}
	for name, v := range i.claims {
		if v == nil {
			delete(claims, name)
			continue
		}
		claims[name] = v
	}
	head, _ := json.Marshal(i.head)
	body, _ := json.Marshal(claims)
	return b64(head) + "." + b64(body) + "." + i.sign(b64(head), b64(body))
}

func (i *issuer) rightly(key *rsa.PrivateKey) func(head, body string) string {
	return func(head, body string) string {
		sum := sha256.Sum256([]byte(head + "." + body))
		sig, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		return b64(sig)
	}
}

func (i *issuer) provider() oidc.Provider {
	return oidc.Provider{Name: "evil", Issuer: i.url, ClientID: "palabre", ClientSecret: "secret"}
}

func (i *issuer) signIn(t *testing.T, s *oidc.Service) (*oidc.Identity, error) {
	t.Helper()
	redirect, state, err := s.Begin(t.Context(), "evil", "/")
	identity, _, err := s.End(t.Context(), "evil", answerTo(t, redirect, err), state)
	return identity, err
}

// begin is the first half of a sign-in, and what the browser would bring to the second.
func (i *issuer) begin(t *testing.T, a *oidc.Accounts) (url.Values, string) {
	t.Helper()
	redirect, state, err := a.BeginOIDC(t.Context(), "evil", "/here")
	return answerTo(t, redirect, err), state
}

func answerTo(t *testing.T, redirect string, err error) url.Values {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(redirect)
	return url.Values{"state": {u.Query().Get("state")}, "code": {u.Query().Get("nonce")}}
}

func TestMaliciousProvider(t *testing.T) {
	t.Parallel()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		set  func(*issuer)
	}{
		{"alg none", func(i *issuer) { i.head["alg"], i.sign = "none", func(string, string) string { return "" } }},
		{"alg None", func(i *issuer) { i.head["alg"], i.sign = "None", func(string, string) string { return "" } }},
		{"HS256 with the public key", func(i *issuer) {
			i.head["alg"] = "HS256"
			i.sign = func(head, body string) string {
				h := hmac.New(sha256.New, i.key.N.Bytes())
				h.Write([]byte(head + "." + body))
				return b64(h.Sum(nil))
			}
		}},
		{"HS256 with the client's secret", func(i *issuer) {
			i.head["alg"] = "HS256"
			i.sign = func(head, body string) string {
				h := hmac.New(sha256.New, []byte("secret"))
				h.Write([]byte(head + "." + body))
				return b64(h.Sum(nil))
			}
		}},
		{"wrong key", func(i *issuer) { i.sign = i.rightly(other) }},
		{"unknown key", func(i *issuer) { i.head["kid"], i.sign = "2", i.rightly(other) }},
		{"no signature", func(i *issuer) { i.sign = func(string, string) string { return "" } }},
		{"wrong audience", func(i *issuer) { i.claims["aud"] = "another" }},
		{"no audience", func(i *issuer) { i.claims["aud"] = nil }},
		{"several audiences without a party", func(i *issuer) { i.claims["aud"] = []string{"palabre", "another"} }},
		{"another party", func(i *issuer) { i.claims["azp"] = "another" }},
		{"wrong issuer", func(i *issuer) { i.claims["iss"] = "https://accounts.example.org" }},
		{"wrong nonce", func(i *issuer) { i.claims["nonce"] = "x" }},
		{"no nonce", func(i *issuer) { i.claims["nonce"] = nil }},
		{"expired", func(i *issuer) { i.claims["exp"] = time.Now().Add(-time.Hour).Unix() }},
		{"never expires", func(i *issuer) { i.claims["exp"] = nil }},
		{"wrong access token", func(i *issuer) { i.claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }},
		{"no ID token", func(i *issuer) { i.none = true }},
		{"no subject", func(i *issuer) { i.claims["sub"] = nil }},
		{"a subject with a line break", func(i *issuer) { i.claims["sub"] = "a\nb" }},
		{"user info of another subject", func(i *issuer) {
			i.claims["email"], i.info = nil, map[string]any{"sub": "s2", "email": "victim@example.org", "email_verified": true}
		}},
		{"the code is refused", func(i *issuer) { i.status = http.StatusBadRequest }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			tc.set(i)
			_, err := i.signIn(t, service(t, nil, i.provider()))
			unauthenticated(t, tc.name, err)
		})
	}
	t.Run("an answer that is right", func(t *testing.T) { // or else the refusals above would show nothing
		i := newIssuer(t)
		if got, err := i.signIn(t, service(t, nil, i.provider())); err != nil || got.Email != "camille@example.org" || !got.Verified {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("the provider fails", func(t *testing.T) {
		i := newIssuer(t)
		i.status = http.StatusBadGateway
		if _, err := i.signIn(t, service(t, nil, i.provider())); core.CodeOf(err) != core.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	roles := map[string]string{"cms-editors": "editor", "cms-admins": "administrator"}
	for _, tc := range []struct {
		name         string
		claims, info map[string]any
		roleClaim    string
		want         oidc.Identity
	}{
		{name: "verified as a word", claims: map[string]any{"email_verified": "true"}, want: oidc.Identity{Email: "camille@example.org", Verified: true, Name: "Camille Exemple"}},
		{name: "not verified", claims: map[string]any{"email_verified": false}, want: oidc.Identity{Email: "camille@example.org", Name: "Camille Exemple"}},
		{name: "nothing said of it", claims: map[string]any{"email_verified": nil}, want: oidc.Identity{Email: "camille@example.org", Name: "Camille Exemple"}},
		{name: "verified by a number", claims: map[string]any{"email_verified": 1}, want: oidc.Identity{Email: "camille@example.org", Name: "Camille Exemple"}},
		{name: "address in the user info", claims: map[string]any{"email": nil, "email_verified": nil}, info: map[string]any{"email": "c@example.org", "email_verified": true},
			want: oidc.Identity{Email: "c@example.org", Verified: true, Name: "Camille Exemple"}},
		{name: "the user info verifies no address of the token", claims: map[string]any{"email_verified": nil, "name": nil}, info: map[string]any{"email": "c@example.org", "email_verified": true},
			want: oidc.Identity{Email: "camille@example.org"}},
		{name: "the token verifies no address of the user info", claims: map[string]any{"email": nil}, info: map[string]any{"email": "victim@example.org", "email_verified": false},
			want: oidc.Identity{Email: "victim@example.org", Name: "Camille Exemple"}},
		{name: "the token verifies no address, and the user info is silent", claims: map[string]any{"email": nil}, info: map[string]any{"email": "victim@example.org"},
			want: oidc.Identity{Email: "victim@example.org", Name: "Camille Exemple"}},
		{name: "name in parts", claims: map[string]any{"name": nil, "given_name": "Camille", "family_name": "Exemple"}, want: oidc.Identity{Email: "camille@example.org", Verified: true, Name: "Camille Exemple"}},
		{name: "name with control characters", claims: map[string]any{"name": "Camille\r\nExemple\x00"}, want: oidc.Identity{Email: "camille@example.org", Verified: true, Name: "Camille Exemple"}},
		{name: "roles at a path", roleClaim: "realm_access.roles", claims: map[string]any{"realm_access": map[string]any{"roles": []string{"cms-editors", "unknown"}}},
			want: oidc.Identity{Email: "camille@example.org", Verified: true, Name: "Camille Exemple", Roles: []string{"editor"}}},
		{name: "roles under a name with dots", roleClaim: "https://example.org/roles", claims: map[string]any{"https://example.org/roles": "cms-admins"},
			want: oidc.Identity{Email: "camille@example.org", Verified: true, Name: "Camille Exemple", Roles: []string{"administrator"}}},
		{name: "roles as an object", roleClaim: "roles", claims: map[string]any{"roles": map[string]any{"cms-editors": map[string]any{}}},
			want: oidc.Identity{Email: "camille@example.org", Verified: true, Name: "Camille Exemple", Roles: []string{"editor"}}},
		{name: "roles in the user info", roleClaim: "roles", info: map[string]any{"roles": []string{"cms-editors"}},
			want: oidc.Identity{Email: "camille@example.org", Verified: true, Name: "Camille Exemple", Roles: []string{"editor"}}},
		{name: "a role's own name is no value", roleClaim: "roles", claims: map[string]any{"roles": []string{"administrator", "editor"}},
			want: oidc.Identity{Email: "camille@example.org", Verified: true, Name: "Camille Exemple", Roles: []string{"reader"}}},
		{name: "no such claim", roleClaim: "roles", want: oidc.Identity{Email: "camille@example.org", Verified: true, Name: "Camille Exemple", Roles: []string{"reader"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			maps.Copy(i.claims, tc.claims)
			i.info = map[string]any{"sub": "s1"}
			maps.Copy(i.info, tc.info)
			p := i.provider()
			p.RoleClaim, p.RoleMap, p.DefaultRoles = tc.roleClaim, roles, []string{"reader", "administrator"}
			got, err := i.signIn(t, service(t, nil, p))
			if err != nil {
				t.Fatal(err)
			}
			if got.Email != tc.want.Email || got.Verified != tc.want.Verified || got.Name != tc.want.Name || !slices.Equal(got.Roles, tc.want.Roles) || (got.Roles == nil) != (tc.want.Roles == nil) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

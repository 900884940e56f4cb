package httpapi

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// worldAccounts knows one account, whose cookie is "good".
type worldAccounts struct{ core.Accounts }

var worldUser = core.Account{ID: ficheID, Email: "camille@example.org", Name: "Camille Exemple", Roles: []string{"editor"}}

func (worldAccounts) Session(_ context.Context, cookie string) (*core.Principal, error) {
	if cookie != "good" {
		return nil, reason(core.Refuse(core.CodeUnauthenticated, "", "The session has ended.", "La session est terminée."), "session")
	}
	return &core.Principal{ID: "user:" + ficheID, Kind: "user", Roles: []string{"editor"}, Rev: 3, Session: draftID}, nil
}

func (worldAccounts) CSRF(cookie string) string { return "csrf of " + cookie }

func (worldAccounts) SignIn(ctx context.Context, in core.SignIn) (*core.SignedIn, error) {
	if in.Password != "correct" {
		return nil, core.Refuse(core.CodeUnauthenticated, "", "from "+core.OriginOf(ctx).Address, "")
	}
	return &core.SignedIn{User: worldUser, Cookie: "good", CSRF: "csrf of good", Expires: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}, nil
}

func (worldAccounts) SignOut(context.Context, *core.Principal) error { return nil }

func (worldAccounts) Me(_ context.Context, who *core.Principal) (*core.Account, error) {
	if who.Anonymous() {
		return nil, nil
	}
	return &worldUser, nil
}

func (worldAccounts) Sessions(context.Context, *core.Principal) ([]core.Session, error) {
	return []core.Session{{ID: draftID, Current: true}}, nil
}

func (worldAccounts) Providers() []core.IdentityProvider { return []core.IdentityProvider{} }

func (worldAccounts) BeginOIDC(_ context.Context, provider, back string) (string, string, error) {
	return "https://" + provider + ".example.org/?back=" + back, "the state", nil
}

func (worldAccounts) EndOIDC(_ context.Context, _ string, answer url.Values, state string) (*core.SignedIn, string, error) {
	if state != "the state" || answer.Get("code") != "1" {
		return nil, "", core.Refuse(core.CodeForbidden, "", "no", "non")
	}
	return &core.SignedIn{Cookie: "good"}, "/admin/", nil
}

const (
	goodCookie = "Cookie: other=1; palabre_session=good"
	goodToken  = "X-CSRF-Token: csrf of good"
)

func TestAuth(t *testing.T) {
	t.Parallel()
	login := `{"email":"camille@example.org","password":"correct"}`
	for _, tc := range []scenario{
		{name: "sign in", method: "POST", path: "/api/v1/auth/login", body: login, status: 200, want: []string{`"csrf":"csrf of good"`, `"email":"camille@example.org"`, `"endsAt":null`},
			wantHeaders: []string{"Set-Cookie: palabre_session=good; Path=/; Expires=Wed, 02 Jan 2030 03:04:05 GMT; HttpOnly; SameSite=Lax", "Cache-Control: no-store"}},
		{name: "sign in from another site", method: "POST", path: "/api/v1/auth/login", body: login, send: []string{"Origin: https://evil.example"}, status: 403, wantHeaders: []string{"Set-Cookie: "}},
		{name: "sign in from nowhere", method: "POST", path: "/api/v1/auth/login", body: login, send: []string{"Origin: null"}, status: 403},
		{name: "sign in from here", method: "POST", path: "/api/v1/auth/login", body: login, send: []string{"Origin: http://example.com"}, status: 200},
		{name: "sign in by a form", method: "POST", path: "/api/v1/auth/login", body: "email=a", send: []string{"Content-Type: text/plain"}, status: 415},
		{name: "sign in with another member", method: "POST", path: "/api/v1/auth/login", body: `{"email":"a","password":"b","admin":"c"}`, status: 400, want: []string{"unknown_member"}},
		{name: "sign in with half of it", method: "POST", path: "/api/v1/auth/login", body: `{"email":"a"}`, status: 422, want: []string{`"/password"`}},
		{name: "sign in with a number", method: "POST", path: "/api/v1/auth/login", body: `{"email":"a","password":1}`, status: 422, want: []string{`"/password"`}},
		{name: "sign in while signed in", method: "POST", path: "/api/v1/auth/login", body: login, send: []string{goodCookie}, status: 200},
		{name: "a forged address is not believed", method: "POST", path: "/api/v1/auth/login", body: `{"email":"a","password":"b"}`, send: []string{"X-Forwarded-For: 9.9.9.9", "X-Real-Ip: 9.9.9.9"},
			status: 401, want: []string{"from 192.0.2.1"}},

		{name: "who am I", method: "GET", path: "/api/v1/auth/me", send: []string{goodCookie}, status: 200, want: []string{`"roles":["editor"]`, `"csrf":"csrf of good"`, `Camille`}, wantHeaders: []string{"Cache-Control: no-store"}},
		{name: "nobody", method: "GET", path: "/api/v1/auth/me", status: 200, want: []string{`"user":null`, `"roles":["public"]`, `"csrf":""`}},
		{name: "nobody any more", method: "GET", path: "/api/v1/auth/me", send: []string{"Cookie: palabre_session=bad"}, status: 200, want: []string{`"user":null`}},

		{name: "a session reads", method: "GET", path: "/api/v1/content/note", send: []string{goodCookie}, status: 200, wantHeaders: []string{"Cache-Control: private, no-cache"}},
		{name: "a session that ended reads what is public", method: "GET", path: fiche, send: []string{"Cookie: palabre_session=bad"}, status: 200},
		{name: "and is told so elsewhere", method: "GET", path: "/api/v1/content/note", send: []string{"Cookie: palabre_session=bad"}, status: 401, want: []string{`"reason":"session"`}},
		{name: "and when it writes", method: "PATCH", path: fiche, body: `{}`, send: []string{"Cookie: palabre_session=bad"}, status: 401, want: []string{`"reason":"session"`}},
		{name: "and not where nothing is", method: "GET", path: "/nowhere", send: []string{"Cookie: palabre_session=bad"}, status: 404},
		{name: "the header wins", method: "GET", path: "/api/v1/auth/me", send: []string{goodCookie, admin}, status: 200, want: []string{`"roles":["administrator"]`, `"csrf":""`}},
		{name: "a header that does not hold wins", method: "GET", path: fiche, send: []string{goodCookie, "Authorization: Bearer pal_x"}, status: 401},

		{name: "a write with the token", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{goodCookie, goodToken, `If-Match: "7"`}, status: 200},
		{name: "a write with the token, from here", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{goodCookie, goodToken, "Origin: http://example.com", `If-Match: "7"`}, status: 200},
		{name: "a write without the token", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{goodCookie, `If-Match: "7"`}, status: 403, want: []string{`"reason":"csrf"`}},
		{name: "a write with another token", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{goodCookie, "X-CSRF-Token: csrf of bad", `If-Match: "7"`}, status: 403, want: []string{`"reason":"csrf"`}},
		{name: "a write from another site", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{goodCookie, goodToken, "Origin: https://evil.example", `If-Match: "7"`}, status: 403, want: []string{`"reason":"csrf"`}},
		{name: "a write from a name that begins alike", method: "DELETE", path: fiche, send: []string{goodCookie, goodToken, "Origin: http://example.com.evil.example"}, status: 403},
		{name: "a batch without the token", method: "POST", path: "/api/v1/batch", body: `{"operations":[{"op":"delete","type":"fiche","id":"` + ficheID + `"}]}`, send: []string{goodCookie}, status: 403},

		{name: "sign out", method: "POST", path: "/api/v1/auth/logout", send: []string{goodCookie, goodToken}, status: 204,
			wantHeaders: []string{"Set-Cookie: palabre_session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; SameSite=Lax"}},
		{name: "sign out by another site", method: "POST", path: "/api/v1/auth/logout", send: []string{goodCookie}, status: 403},
		{name: "sign out twice", method: "POST", path: "/api/v1/auth/logout", send: []string{"Cookie: palabre_session=bad"}, status: 204},
		{name: "sessions", method: "GET", path: "/api/v1/auth/sessions", send: []string{goodCookie}, status: 200, want: []string{`"current":true`}},
		{name: "nobody's sessions", method: "GET", path: "/api/v1/auth/sessions", status: 401},
		{name: "nobody's password", method: "POST", path: "/api/v1/auth/password", body: `{}`, status: 401},
		{name: "another spelling of the path", method: "POST", path: "/api/v1/auth//login", body: login, status: 404},
		{name: "and another", method: "POST", path: "/api/v1/auth/login/", body: login, status: 404},
		{name: "and another", method: "POST", path: "/api/v1/auth/%6cogin", body: login, status: 404},

		{name: "places to sign in", method: "GET", path: "/api/v1/auth/oidc", status: 200, want: []string{`{"data":[]}`}},
		{name: "go there", method: "GET", path: "/api/v1/auth/oidc/id?back=/admin/", status: 302, wantHeaders: []string{"Location: https://id.example.org/?back=/admin/", "Cache-Control: no-store"}},
		{name: "come back", method: "GET", path: "/api/v1/auth/oidc/id/callback?code=1&iss=x", send: []string{"Cookie: palabre_oidc=the+state"}, status: 302, wantHeaders: []string{"Location: /admin/"}},
		{name: "come back to another browser", method: "GET", path: "/api/v1/auth/oidc/id/callback?code=1", status: 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, newWorld())
			tc.check(t, call(t, s, tc.method, tc.path, tc.body, tc.send...))
		})
	}
}

// Over https the cookie is bound to it, and to this host.
func TestAuth_https(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.PublicURL = "https://cms.example.org" })
	login := `{"email":"camille@example.org","password":"correct"}`
	rec := call(t, s, "POST", "/api/v1/auth/login", login, "Origin: https://cms.example.org:443")
	if got := rec.Header().Get("Set-Cookie"); rec.Code != 200 || !strings.HasPrefix(got, "__Host-palabre_session=good; Path=/; ") || !strings.Contains(got, "; Secure") || strings.Contains(got, "Domain") {
		t.Errorf("got %d %q", rec.Code, got)
	}
	for _, origin := range []string{"http://cms.example.org", "https://example.com", "https://cms.example.org:8443", "https://cms.example.org.evil.example"} {
		if rec := call(t, s, "POST", "/api/v1/auth/login", login, "Origin: "+origin); rec.Code != 403 {
			t.Errorf("from %s: %d", origin, rec.Code)
		}
	}
	if rec := call(t, s, "GET", "/api/v1/content/note", "", "Cookie: palabre_session=good"); rec.Code != 404 {
		t.Errorf("a cookie without the prefix: %d", rec.Code)
	}
	if rec := call(t, s, "GET", "/api/v1/content/note", "", "Cookie: __Host-palabre_session=good"); rec.Code != 200 {
		t.Errorf("a cookie with the prefix: %d", rec.Code)
	}
}

// An answer that is kept for who somebody was is not given to who he is now, and the straight way of a hit stays open
// for cookies that are not ours.
func TestAuth_cache(t *testing.T) {
	a := &core.Principal{ID: "user:1", Kind: "user", Roles: []string{"editor"}, Rev: 1}
	b := *a
	b.Rev = 2
	if identity(a) == identity(&b) {
		t.Error("a principal that has changed has the same identity")
	}
	for _, tc := range []struct {
		cookie string
		want   bool
	}{{"", true}, {"a=b; c=d", true}, {"palabre_session=x", false}, {"a=b; __Host-palabre_session=x", false}} {
		h := map[string][]string{}
		if tc.cookie != "" {
			h["Cookie"] = []string{tc.cookie}
		}
		if plain(h) != tc.want {
			t.Errorf("%q: plain is %v", tc.cookie, !tc.want)
		}
		if n := testing.AllocsPerRun(100, func() { plain(h) }); n != 0 {
			t.Errorf("%q: %v allocations", tc.cookie, n)
		}
	}
}

// Without accounts there are no addresses to sign in at.
func TestAuth_none(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.Accounts = nil })
	if rec := call(t, s, "GET", "/api/v1/auth/me", "", goodCookie); rec.Code != 404 {
		t.Errorf("got %d", rec.Code)
	}
}

package httpapi

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

const heldToken = "held-token"

func (worldAccounts) CheckReset(_ context.Context, token string) error {
	switch token {
	case heldToken:
		return nil
	case "hasty":
		return retryAfter(core.Refuse(core.CodeRateLimited, "", "Too many attempts.", "Trop de tentatives."), 5e9)
	case "away":
		return core.Refuse(core.CodeUnavailable, "", "The store is away.", "Le stockage est absent.")
	}
	return reason(core.Refuse(core.CodeForbidden, "", "This link has expired or was used before.", "Ce lien a expiré ou a déjà servi."), "reset_token")
}

func (a worldAccounts) Reset(ctx context.Context, token, password string) error {
	if err := a.CheckReset(ctx, token); err != nil || password != "weak" {
		return err
	}
	return invalid("/password", "minLength", "The password needs more.", "Le mot de passe est trop <court>.")
}

const isForm = "Content-Type: application/x-www-form-urlencoded"

func TestReset_page(t *testing.T) {
	t.Parallel()
	const page, fr, en = "/admin/reset", "Accept-Language: fr", "Accept-Language: en"
	html, here := "Accept: text/html", "Origin: http://example.com"
	form := `<form class="secret" method="post" action="/admin/reset"`
	for _, tc := range []scenario{
		{name: "opened", method: "GET", path: page + "?token=" + heldToken, send: []string{fr}, status: 200,
			want:        []string{form, `name="token" value="held-token"`, "<h1>Choisir un mot de passe</h1>", `href="/admin/reset?lang=en&amp;token=held-token"`, `autocomplete="new-password"`},
			not:         []string{"<script", "class=\"wrong\"", " style="},
			wantHeaders: []string{"Cache-Control: no-store", "Referrer-Policy: strict-origin", "Content-Security-Policy: " + pagePolicy, "Content-Type: text/html; charset=utf-8", "X-Frame-Options: DENY"}},
		{name: "opened in English", method: "GET", path: page + "?lang=en&token=" + heldToken, send: []string{fr}, status: 200, want: []string{`<html lang="en">`, "<h1>Choose a password</h1>", `action="/admin/reset?lang=en"`}},
		{name: "of no use", method: "GET", path: page + "?token=old", send: []string{fr}, status: 403, want: []string{`role="alert">Ce lien a expiré ou a déjà servi.<`}, not: []string{"<form", "<input"}},
		{name: "without a token", method: "GET", path: page, send: []string{en}, status: 403, want: []string{"This link has expired"}},
		{name: "a hostile token", method: "GET", path: page + "?token=%22%3E%3Cscript%3E", status: 403, not: []string{"<script"}},
		{name: "a parameter too many", method: "GET", path: page + "?token=" + heldToken + "&x=1", send: []string{html}, status: 400, wantHeaders: []string{"Referrer-Policy: strict-origin"}},
		{name: "too often", method: "GET", path: page + "?token=hasty", send: []string{fr}, status: 429, want: []string{"Trop de tentatives", form}, wantHeaders: []string{"Retry-After: 5"}},
		{name: "the store is away", method: "GET", path: page + "?token=away", send: []string{html, fr}, status: 503, want: []string{"<html", "Le stockage est absent"}, not: []string{form}},

		{name: "done", method: "POST", path: page, body: "token=held-token&password=good&again=good", send: []string{isForm, html, fr, here}, status: 200, want: []string{`role="status">Votre mot de passe est enregistré`}, not: []string{"<form", "held-token"},
			wantHeaders: []string{"Cache-Control: no-store"}},
		{name: "weak", method: "POST", path: page, body: "token=held-token&password=weak&again=weak", send: []string{isForm, html, fr, here}, status: 422,
			want: []string{"Le mot de passe est trop &lt;court&gt;.", form, `value="held-token"`, `aria-invalid="true"`, `href="/admin/reset?lang=en&amp;token=held-token"`}, not: []string{`value="weak"`}},
		{name: "weak in English", method: "POST", path: page + "?lang=en", body: "token=held-token&password=weak&again=weak", send: []string{isForm, html, fr, here}, status: 422, want: []string{"The password needs more.", `action="/admin/reset?lang=en"`}},
		{name: "two that differ", method: "POST", path: page, body: "token=held-token&password=good&again=god", send: []string{isForm, html, fr, here}, status: 422, want: []string{"Les deux mots de passe diffèrent", form}},
		{name: "used before", method: "POST", path: page, body: "token=old&password=good&again=good", send: []string{isForm, html, fr, here}, status: 403, want: []string{"déjà servi"}, not: []string{"<form"}},
		{name: "while signed in", method: "POST", path: page, body: "token=held-token&password=good&again=good", send: []string{isForm, html, fr, here, goodCookie}, status: 200},
		{name: "from another site", method: "POST", path: page, body: "token=held-token&password=good&again=good", send: []string{isForm, html, fr, "Origin: https://evil.example"}, status: 403, want: []string{"<html", "Un autre site"}},
		{name: "as JSON", method: "POST", path: page, body: `{}`, status: 415},
		{name: "too much", method: "POST", path: page, body: "token=" + strings.Repeat("a", maxForm), send: []string{isForm}, status: 413},
		{name: "no form", method: "POST", path: page, body: "token=%zz", send: []string{isForm, html, fr}, status: 400, want: []string{"Le formulaire est illisible"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s := newServer(t, newWorld(), func(o *Options) {
				o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			tc.check(t, call(t, s, tc.method, tc.path, tc.body, tc.send...))
			if strings.Contains(log.String(), heldToken) {
				t.Errorf("the log has the token: %s", log.String())
			}
		})
	}
}

// Guessing at links is bounded with signing in.
func TestReset_limited(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.AuthLimit = 2 })
	if n := refused(t, s, 3, "192.0.2.1:1", "GET", "/admin/reset?token=x"); n != 1 {
		t.Errorf("%d of 3 were refused", n)
	}
}

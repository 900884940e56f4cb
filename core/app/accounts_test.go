package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
)

const (
	adminEmail    = "camille@example.org"
	adminPassword = "correct horse in the garden"
	nextPassword  = "another horse in the yard"
)

// browser is somebody who signs in and keeps a cookie.
type browser struct {
	t       testing.TB
	h       http.Handler
	cookie  string
	csrf    string
	address string
	headers map[string]string
}

func (b *browser) call(method, path, body string) answer {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.address != "" {
		r.RemoteAddr = b.address + ":1234"
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	if b.csrf != "" {
		r.Header.Set("X-CSRF-Token", b.csrf)
	}
	for name, value := range b.headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header()}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
			b.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	if set := a.header.Get("Set-Cookie"); strings.Contains(set, "palabre_session=") {
		b.cookie, _, _ = strings.Cut(set, ";")
	}
	if csrf, _ := a.body["csrf"].(string); csrf != "" {
		b.csrf = csrf
	}
	return a
}

// want makes a request and checks its status.
func (b *browser) want(status int, method, path, body string) answer {
	b.t.Helper()
	a := b.call(method, path, body)
	if a.status != status {
		b.t.Fatalf("%s %s: got %d %v, want %d", method, path, a.status, a.body, status)
	}
	return a
}

func credentials(email, password, otp string) string {
	text, _ := json.Marshal(map[string]string{"email": email, "password": password, "otp": otp})
	return string(text)
}

func (b *browser) signIn(email, password string) answer {
	b.t.Helper()
	return b.want(200, "POST", "/api/v1/auth/login", credentials(email, password, ""))
}

func accountSettings(t testing.TB) *config.Config {
	c := settings(t)
	c.Admin.Email, c.Admin.Password = adminEmail, adminPassword
	return c
}

// A day of the first administrator, over HTTP.
func TestAccounts(t *testing.T) {
	t.Parallel()
	h := start(t, accountSettings(t)).Handler()
	b := &browser{t: t, h: h}
	user := b.signIn(" Camille@Example.org", adminPassword).body["user"].(map[string]any)
	if user["email"] != adminEmail || fmt.Sprint(user["roles"]) != "[administrator]" {
		t.Errorf("got %v", user)
	}
	if me := b.want(200, "GET", "/api/v1/auth/me", ""); me.body["csrf"] != b.csrf || me.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %v", me)
	}
	made := b.want(201, "POST", "/api/v1/content/note", `{"title":"A"}`)
	if got := b.want(200, "GET", "/api/v1/content/note/"+made.body["_id"].(string)+"?state=draft", ""); got.header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("got %v", got.header)
	}
	b.want(428, "PATCH", "/api/v1/content/note/"+made.body["_id"].(string), `{"title":"B"}`)
	wrongToken := &browser{t: t, h: h, cookie: b.cookie, csrf: "x"}
	wrongToken.want(403, "POST", "/api/v1/content/note", `{"title":"A"}`)
	foreign := &browser{t: t, h: h, cookie: b.cookie, csrf: b.csrf, headers: map[string]string{"Origin": "https://evil.example"}}
	foreign.want(403, "POST", "/api/v1/content/note", `{"title":"A"}`)
	foreign.want(403, "POST", "/api/v1/auth/logout", "")

	other := &browser{t: t, h: h}
	other.signIn(adminEmail, adminPassword)
	if list := b.want(200, "GET", "/api/v1/auth/sessions", "").body["data"].([]any); len(list) != 2 {
		t.Errorf("got %v", list)
	}
	old := *b
	b.want(422, "POST", "/api/v1/auth/password", `{"current":"`+adminPassword+`","password":"short"}`)
	b.want(403, "POST", "/api/v1/auth/password", `{"current":"not it at all","password":"`+nextPassword+`"}`)
	b.want(422, "POST", "/api/v1/auth/password", `{"current":"`+adminPassword+`","password":"`+nextPassword+`","revokeTokens":"yes"}`)
	holder := &browser{t: t, h: h, headers: map[string]string{"Authorization": "Bearer " + b.want(201, "POST", "/api/v1/content/_token", `{"name":"mine","role":"editor"}`).body["token"].(string)}}
	holder.want(200, "GET", "/api/v1/content/note", "")
	b.want(200, "POST", "/api/v1/auth/password", `{"current":"`+adminPassword+`","password":"`+nextPassword+`"}`)
	holder.want(200, "GET", "/api/v1/content/note", "")
	b.want(200, "POST", "/api/v1/auth/password", `{"current":"`+nextPassword+`","password":"`+nextPassword+` again","revokeTokens":true}`)
	holder.want(401, "GET", "/api/v1/content/note", "")
	for _, gone := range []*browser{&old, other} {
		gone.want(401, "GET", "/api/v1/auth/sessions", "")
	}
	b.want(200, "GET", "/api/v1/auth/sessions", "")
	cookie := b.cookie
	b.want(204, "POST", "/api/v1/auth/logout", "")
	(&browser{t: t, h: h, cookie: cookie}).want(401, "GET", "/api/v1/auth/sessions", "")
}

// Whoever does not get in is told the same, byte for byte but for the request's name.
func TestAccounts_strangers(t *testing.T) {
	t.Parallel()
	h := start(t, accountSettings(t)).Handler()
	var bodies []string
	for i, body := range []string{credentials(adminEmail, "wrong horse in the garden", ""), credentials("nobody@example.org", adminPassword, ""), credentials("camillé@example.org", adminPassword, "")} {
		b := &browser{t: t, h: h, address: fmt.Sprintf("198.51.100.%d", i+1), headers: map[string]string{"X-Request-Id": "same"}}
		bodies = append(bodies, fmt.Sprint(b.want(401, "POST", "/api/v1/auth/login", body).body))
	}
	if bodies[0] != bodies[1] || bodies[0] != bodies[2] {
		t.Errorf("got %q", bodies)
	}
	guesser := &browser{t: t, h: h}
	for i := range 5 {
		guesser.headers = map[string]string{"X-Forwarded-For": fmt.Sprintf("203.0.113.%d", i), "X-Real-Ip": fmt.Sprintf("203.0.113.%d", i), "Forwarded": fmt.Sprintf("for=203.0.113.%d", i)}
		guesser.want(401, "POST", "/api/v1/auth/login", credentials(strings.ToUpper(adminEmail), "wrong horse", ""))
	}
	got := guesser.want(429, "POST", "/api/v1/auth/login", credentials(adminEmail, adminPassword, ""))
	if got.header.Get("Retry-After") != "5" {
		t.Errorf("Retry-After: %q", got.header.Get("Retry-After"))
	}
	for _, path := range []string{"/api/v1/auth/login/", "/api/v1//auth/login", "/api/v1/auth/./login", "/API/v1/auth/login"} {
		if status := guesser.call("POST", path, credentials(adminEmail, adminPassword, "")).status; status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// The second factor, from its set-up to its end.
func TestAccounts_factor(t *testing.T) {
	t.Parallel()
	h := start(t, accountSettings(t)).Handler()
	b := &browser{t: t, h: h}
	b.signIn(adminEmail, adminPassword)
	secret := b.want(200, "POST", "/api/v1/auth/totp", `{"password":"`+adminPassword+`"}`).body["secret"].(string)
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	recovery := b.want(200, "POST", "/api/v1/auth/totp/confirm", `{"code":"`+code+`"}`).body["recovery"].([]any)
	fresh := &browser{t: t, h: h}
	if got := fresh.want(401, "POST", "/api/v1/auth/login", credentials(adminEmail, adminPassword, "")); got.body["reason"] != "otp_required" {
		t.Errorf("got %v", got.body)
	}
	fresh.want(401, "POST", "/api/v1/auth/login", credentials(adminEmail, adminPassword, code))
	fresh.want(200, "POST", "/api/v1/auth/login", credentials(adminEmail, adminPassword, recovery[0].(string)))
	fresh.want(204, "DELETE", "/api/v1/auth/totp", `{"password":"`+adminPassword+`","code":"`+recovery[1].(string)+`"}`)
	b.want(401, "GET", "/api/v1/auth/sessions", "")
	user := b.signIn(adminEmail, adminPassword).body["user"].(map[string]any)

	role := b.want(200, "GET", "/api/v1/content/_role?filter[name]=administrator", "").body["data"].([]any)[0].(map[string]any)["_id"].(string)
	rev := b.want(200, "GET", "/api/v1/content/_role/"+role, "").body["_rev"]
	b.headers = map[string]string{"If-Match": fmt.Sprintf(`"%v"`, rev)}
	b.want(200, "PATCH", "/api/v1/content/_role/"+role, `{"totp":true}`)
	b.headers = nil
	if me := b.want(200, "GET", "/api/v1/auth/me", "").body; me["user"].(map[string]any)["totpRequired"] != true || fmt.Sprint(me["roles"]) != "[public]" {
		t.Errorf("got %v", me)
	}
	for lang, words := range map[string]string{"en": "Set up a second factor first", "fr": "Mettez d’abord en place un second facteur"} {
		b.headers = map[string]string{"Accept-Language": lang}
		for _, refused := range []struct{ method, path, body string }{
			{"GET", "/api/v1/content/_user", ""}, {"POST", "/api/v1/content/note", `{"title":"A"}`}, {"GET", "/api/v1/audit", ""},
			{"POST", "/api/v1/auth/reset-links", `{"user":"` + user["_id"].(string) + `"}`},
		} {
			got := b.want(403, refused.method, refused.path, refused.body).body
			if detail := fmt.Sprint(got["detail"]); got["reason"] != "totp_required" || !strings.HasPrefix(detail, words) || !strings.Contains(detail, "POST /api/v1/auth/totp") {
				t.Errorf("%s %s: got %v", refused.method, refused.path, got)
			}
		}
	}
	b.headers = nil
	b.want(200, "GET", "/api/v1/types", "")
	b.want(404, "DELETE", "/api/v1/auth/sessions/"+role, "")
	b.want(403, "POST", "/api/v1/auth/totp", `{"password":"not it at all"}`)
	b.want(422, "POST", "/api/v1/auth/totp", "")
	b.want(200, "POST", "/api/v1/auth/totp", `{"password":"`+adminPassword+`"}`)
}

// Who has lost the second factor gets in again with the password, from the command line and through the API.
func TestAccounts_dropTOTP(t *testing.T) {
	t.Parallel()
	a, started := starting(t, accountSettings(t))
	client, err := app.NewClient(started.URL, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	for name, users := range map[string]app.Users{"here": a, "on a server": client} {
		b := &browser{t: t, h: a.Handler()}
		b.signIn(adminEmail, adminPassword)
		secret := b.want(200, "POST", "/api/v1/auth/totp", `{"password":"`+adminPassword+`"}`).body["secret"].(string)
		code, err := totp.GenerateCode(secret, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		b.want(200, "POST", "/api/v1/auth/totp/confirm", `{"code":"`+code+`"}`)
		fresh := &browser{t: t, h: a.Handler()}
		fresh.want(401, "POST", "/api/v1/auth/login", credentials(adminEmail, adminPassword, ""))
		if err := users.DropTOTP(t.Context(), strings.ToUpper(adminEmail)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b.want(401, "GET", "/api/v1/auth/sessions", "")
		fresh.signIn(adminEmail, adminPassword)
		if err := users.DropTOTP(t.Context(), "nobody@example.org"); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("%s: of nobody: %v", name, err)
		}
	}
}

// What becomes of an account is felt by its sessions, and what happens on one node by the other.
func TestAccounts_twoNodes(t *testing.T) {
	t.Parallel()
	server := ferrettest.New(t)
	var nodes [2]*app.App
	for i := range nodes {
		c := accountSettings(t)
		c.MongoDB = config.MongoDB{URI: config.Secret(server.URI()), Database: server.Database()}
		nodes[i] = start(t, c)
	}
	caughtUp := func() {
		t.Helper()
		for i := range nodes {
			if err := nodes[i].Catalog().Wait(t.Context(), nodes[1-i].Catalog().Position()); err != nil {
				t.Fatal(err)
			}
		}
	}
	caughtUp()
	a, b := nodes[0].Handler(), nodes[1].Handler()
	admin := &browser{t: t, h: a}
	admin.signIn(adminEmail, adminPassword)
	caughtUp()
	there := &browser{t: t, h: b, cookie: admin.cookie, csrf: admin.csrf}
	there.want(200, "GET", "/api/v1/auth/sessions", "")
	id := there.want(201, "POST", "/api/v1/content/_user", `{"email":"x@example.org","name":"X","password":"`+adminPassword+`","roles":["editor"]}`).body["_id"].(string)
	caughtUp()
	for _, change := range []string{`{"suspended":true}`, `{"suspended":false,"roles":["editor","contributor"]}`, `{"password":"` + nextPassword + `"}`} {
		user := &browser{t: t, h: b}
		if strings.Contains(change, "roles") {
			admin.patch(id, `{"suspended":false}`)
			caughtUp()
		}
		user.signIn("x@example.org", adminPassword)
		caughtUp()
		admin.patch(id, change)
		caughtUp()
		user.want(401, "GET", "/api/v1/auth/sessions", "")
	}
	admin.want(204, "POST", "/api/v1/auth/logout", "")
	caughtUp()
	there.want(401, "GET", "/api/v1/auth/sessions", "")
}

// patch changes an account on its present revision.
func (b *browser) patch(id, body string) {
	b.t.Helper()
	path := "/api/v1/content/_user/" + id
	tag := b.want(200, "GET", path+"?state=draft", "").header.Get("Etag")
	b.headers = map[string]string{"If-Match": tag}
	b.want(200, "PATCH", path, body)
	b.headers = nil
}

// Nobody is made an administrator twice, the password that was made up works, and what the command line does holds.
func TestAccounts_first(t *testing.T) {
	t.Parallel()
	c := settings(t)
	a, started := starting(t, c)
	if started.Email != "admin@example.org" || len(started.Password) < 20 {
		t.Fatalf("got %+v", started)
	}
	b := &browser{t: t, h: a.Handler()}
	b.signIn(started.Email, started.Password)
	if got := b.want(200, "GET", "/api/v1/content/_user?state=draft", ""); strings.Contains(fmt.Sprint(got.body), "argon2id") {
		t.Errorf("a hash is shown: %v", got.body)
	}
	made, err := a.AddUser(t.Context(), app.NewUser{Email: "Camille@Example.org", Name: "Camille Exemple", Roles: []string{"editor"}})
	if err != nil {
		t.Fatal(err)
	}
	user := &browser{t: t, h: a.Handler()}
	user.signIn("camille@example.org", made)
	other, err := a.SetPassword(t.Context(), app.PasswordChange{Email: "CAMILLE@example.org"})
	if err != nil || other == made {
		t.Fatalf("got %q, %v", other, err)
	}
	user.want(401, "GET", "/api/v1/auth/sessions", "")
	user.signIn("camille@example.org", other)
	client, err := app.NewClient(started.URL, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.AddUser(t.Context(), app.NewUser{Email: "far@example.org", Roles: []string{"editor"}, Password: adminPassword, EndsAt: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if made, err = client.SetPassword(t.Context(), app.PasswordChange{Email: "Far@example.org", DropTOTP: true}); err != nil {
		t.Fatal(err)
	}
	user.signIn("far@example.org", made)
	for _, u := range []app.Users{a, client} {
		users, err := u.Users(t.Context())
		if err != nil || len(users) != 3 || users[2].Email != "far@example.org" || users[2].EndsAt.IsZero() {
			t.Errorf("got %+v, %v", users, err)
		}
	}
}

// starting starts a node that listens, and gives what it told.
func starting(t *testing.T, c *config.Config) (*app.App, app.Started) {
	t.Helper()
	told := make(chan app.Started, 1)
	a, err := app.New(c, app.Options{Tell: func(s app.Started) { told <- s }})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx := t.Context()
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		<-ended
		closed(t, a)
	})
	select {
	case s := <-told:
		return a, s
	case err := <-ended:
		t.Fatalf("the node ended: %v", err)
	}
	return nil, app.Started{}
}

// A session does not come back with a backup, neither beside the store that it was begun in nor in its place: who has the
// backup has no way in, and a sign-out is not undone. The second factor does come back.
func TestAccounts_restored(t *testing.T) {
	t.Parallel()
	c := accountSettings(t)
	var before browser
	var recovery string
	once(t, c, func(a *app.App) {
		before = browser{t: t, h: a.Handler()}
		before.signIn(adminEmail, adminPassword)
		secret := before.want(200, "POST", "/api/v1/auth/totp", `{"password":"`+adminPassword+`"}`).body["secret"].(string)
		code, err := totp.GenerateCode(secret, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		recovery = before.want(200, "POST", "/api/v1/auth/totp/confirm", `{"code":"`+code+`"}`).body["recovery"].([]any)[0].(string)
		before.want(200, "GET", "/api/v1/auth/sessions", "")
	})
	file := backedUp(t, c)
	elsewhere := *c
	elsewhere.Data = filepath.Join(t.TempDir(), "data")
	inPlace := *c
	for name, target := range map[string]*config.Config{"elsewhere": &elsewhere, "in its place": &inPlace} {
		if err := os.Remove(filepath.Join(target.Data, "log.db")); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		store := open(t, target)
		if _, err := store.Restore(t.Context(), bytes.NewReader(file), nil); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		h := start(t, target).Handler()
		old := before
		old.h = h
		if got := old.call("GET", "/api/v1/auth/sessions", ""); got.status != 401 {
			t.Errorf("%s: the session of before: got %d", name, got.status)
		}
		fresh := &browser{t: t, h: h}
		fresh.want(401, "POST", "/api/v1/auth/login", credentials(adminEmail, adminPassword, ""))
		fresh.want(200, "POST", "/api/v1/auth/login", credentials(adminEmail, adminPassword, recovery))
	}
}

// backedUp gives a backup of a store that nobody uses.
func backedUp(t *testing.T, c *config.Config) []byte {
	t.Helper()
	store := open(t, c)
	var file bytes.Buffer
	_, err := store.Backup(t.Context(), &file, nil)
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

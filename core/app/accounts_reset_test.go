package app_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// A link that an administrator hands over sets a password once.
func TestAccounts_reset(t *testing.T) {
	t.Parallel()
	h := start(t, accountSettings(t)).Handler()
	admin, user := &browser{t: t, h: h}, &browser{t: t, h: h}
	admin.signIn(adminEmail, adminPassword)
	id := admin.want(201, "POST", "/api/v1/content/_user", `{"email":"x@example.org","name":"X"}`).body["_id"].(string)
	user.want(401, "POST", "/api/v1/auth/reset-links", `{"user":"`+id+`"}`)
	made := admin.want(201, "POST", "/api/v1/auth/reset-links", `{"user":"`+id+`"}`).body
	link := made["link"].(string)
	if note := fmt.Sprint(made["note"]); !strings.Contains(note, "public_url") {
		t.Errorf("got %v", made)
	}
	if again := admin.want(201, "POST", "/api/v1/auth/reset-links", `{"user":" X@Example.org"}`).body; !strings.HasPrefix(again["link"].(string), "/admin/reset?token=") {
		t.Errorf("by the address: %v", again)
	}
	admin.want(404, "POST", "/api/v1/auth/reset-links", `{"user":"nobody@example.org"}`)
	token, found := strings.CutPrefix(link, "/admin/reset?token=")
	if !found {
		t.Fatalf("got %s", link)
	}
	reset := `{"token":"` + token + `","password":"` + nextPassword + `"}`
	user.want(422, "POST", "/api/v1/auth/reset", `{"token":"`+token+`","password":"short"}`)
	user.want(204, "POST", "/api/v1/auth/reset", reset)
	user.want(403, "POST", "/api/v1/auth/reset", reset)
	user.signIn("x@example.org", nextPassword)
	user.want(404, "POST", "/api/v1/auth/reset-links", `{"user":"`+id+`"}`)
	for _, email := range []string{"x@example.org", "nobody@example.org"} {
		user.want(204, "POST", "/api/v1/auth/forgot", `{"email":"`+email+`"}`)
	}
}

// A form sends what browsers send.
func (b *browser) form(path string, values url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Origin", "http://example.com")
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	return w
}

// The link opens a page, on which the password is chosen without a script.
func TestAccounts_resetPage(t *testing.T) {
	t.Parallel()
	h := start(t, accountSettings(t)).Handler()
	admin, user := &browser{t: t, h: h}, &browser{t: t, h: h}
	admin.signIn(adminEmail, adminPassword)
	admin.want(201, "POST", "/api/v1/content/_user", `{"email":"x@example.org","name":"X","roles":["editor"],"password":"`+adminPassword+`"}`)
	user.signIn("x@example.org", adminPassword)
	id := admin.want(200, "GET", "/api/v1/content/_user?filter[email]=x@example.org", "").body["data"].([]any)[0].(map[string]any)["_id"].(string)
	bearer := admin.want(201, "POST", "/api/v1/content/_token", `{"name":"T","role":"editor","user":{"_ref":"`+id+`","_type":"_user"}}`).body["token"].(string)
	holder := &browser{t: t, h: h, headers: map[string]string{"Authorization": "Bearer " + bearer}}
	holder.want(200, "GET", "/api/v1/content/note", "")
	link := admin.want(201, "POST", "/api/v1/auth/reset-links", `{"user":"x@example.org"}`).body["link"].(string)
	_, token, _ := strings.Cut(link, "token=")
	for range 2 { // to look uses nothing up
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", link, nil))
		if w.Code != 200 || !strings.Contains(w.Body.String(), `<input type="hidden" name="token" value="`+token+`">`) {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	for _, tc := range []struct {
		password, again string
		status          int
		says            string
	}{
		{"short", "short", 422, "au moins 12 caractères"},
		{nextPassword, nextPassword + "x", 422, "diffèrent"},
		{nextPassword, nextPassword, 200, "Votre mot de passe est enregistré"},
		{nextPassword, nextPassword, 403, "Ce lien a expiré ou a déjà servi"},
	} {
		w := user.form("/admin/reset?lang=fr", url.Values{"token": {token}, "password": {tc.password}, "again": {tc.again}})
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) {
			t.Errorf("%q: got %d %s", tc.password, w.Code, w.Body)
		}
	}
	user.want(401, "GET", "/api/v1/auth/sessions", "")
	holder.want(401, "GET", "/api/v1/content/note", "")
	user.signIn("x@example.org", nextPassword)
}

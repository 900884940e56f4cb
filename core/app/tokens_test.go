package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
)

// A command on a new store leaves the first administrator's token to the server, which shows it.
func TestStart_ErrandMakesNoToken(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.Admin.Token = ""
	for _, step := range []struct {
		errand bool
		want   int
	}{{true, 0}, {false, 1}} {
		a, err := app.New(c, app.Options{Errand: step.errand})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if tokens, err := a.Tokens(t.Context()); err != nil || len(tokens) != step.want {
			t.Errorf("errand %v: got %v, %v, want %d tokens", step.errand, tokens, err, step.want)
		}
		closed(t, a)
	}
}

// The text of a new token is shown once, to the one who made it; nobody can choose it or see its hash.
func TestTokens_OverTheAPI(t *testing.T) {
	t.Parallel()
	h := start(t, settings(t)).Handler()
	const path = "/api/v1/content/_token"
	made := request(t, h, "POST", path, adminToken, `{"name":"second","role":"administrator"}`)
	text, _ := made.body["token"].(string)
	if made.status != 201 || !strings.HasPrefix(text, "pal_") || made.body["hash"] != nil {
		t.Fatalf("got %d %v", made.status, made.body)
	}
	again := request(t, h, "GET", path+"/"+made.body["_id"].(string)+"?state=draft", adminToken, "")
	if again.status != 200 || again.body["token"] != nil || again.body["hash"] != nil {
		t.Errorf("got %d %v", again.status, again.body)
	}
	if got := request(t, h, "POST", "/api/v1/content/note", text, `{"title":"x"}`); got.status != 201 {
		t.Errorf("the new token cannot write: %d %v", got.status, got.body)
	}
	if got := request(t, h, "DELETE", path+"/"+made.body["_id"].(string), adminToken, ""); got.status != 204 {
		t.Errorf("got %d %v", got.status, got.body)
	}
	for name, step := range map[string]struct {
		token, body string
		want        int
	}{
		"deleted":         {text, `{"name":"x","role":"administrator"}`, 401},
		"a chosen hash":   {adminToken, `{"name":"x","role":"administrator","hash":"` + strings.Repeat("0", 64) + `"}`, 422},
		"nobody":          {"", `{"name":"x","role":"administrator"}`, 404},
		"without a role":  {adminToken, `{"name":"x"}`, 422},
		"an unknown name": {adminToken, `{"name":"x","role":"r","rol":"y"}`, 422},
	} {
		if got := request(t, h, "POST", path, step.token, step.body); got.status != step.want && !(name == "nobody" && got.status == 401) {
			t.Errorf("%s: got %d %v, want %d", name, got.status, got.body, step.want)
		}
	}
	if got := request(t, h, "POST", "/api/v1/batch", adminToken, `{"operations":[{"op":"create","type":"_token","data":{"name":"x","role":"r"}},{"op":"create","type":"note","data":{"title":"x"}}]}`); got.status != 400 {
		t.Errorf("a batch with a token: got %d %v", got.status, got.body)
	}
}

func TestTokens_OfTheCommandLine(t *testing.T) {
	t.Parallel()
	a := start(t, settings(t))
	text, err := a.AddToken(t.Context(), app.NewToken{Name: "site", Role: "public", ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := a.Tokens(t.Context())
	site := slices.IndexFunc(tokens, func(k app.Token) bool { return k.Name == "site" })
	if err != nil || len(tokens) != 2 || site < 0 || tokens[site].ExpiresAt.IsZero() {
		t.Errorf("got %+v, %v", tokens, err)
	}
	if got := request(t, a.Handler(), "GET", "/api/v1/content/note", text, ""); got.status != 200 {
		t.Errorf("got %d %v", got.status, got.body)
	}
}

// A token that is revoked ends at once; one is named by its name where no other has it, or by its identifier.
func TestTokens_revoked(t *testing.T) {
	t.Parallel()
	a, started := starting(t, settings(t))
	client, err := app.NewClient(started.URL, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	for name, store := range map[string]app.Tokens{"here": a, "on a server": client} {
		text := map[string]string{}
		for _, token := range []string{"site", "twin"} {
			if text[token], err = store.AddToken(t.Context(), app.NewToken{Name: token, Role: "administrator"}); err != nil {
				t.Fatal(err)
			}
		}
		site, err := app.FindToken(t.Context(), store, "site")
		if err != nil {
			t.Fatal(err)
		}
		if byID, err := app.FindToken(t.Context(), store, string(site.ID)); err != nil || byID != site {
			t.Errorf("%s: got %+v, %v, want %+v", name, byID, err, site)
		}
		if err := store.RevokeToken(t.Context(), site.ID); err != nil {
			t.Fatal(err)
		}
		if got := request(t, a.Handler(), "GET", "/api/v1/content/note", text["site"], ""); got.status != 401 {
			t.Errorf("%s: revoked: got %d", name, got.status)
		}
		if got := request(t, a.Handler(), "GET", "/api/v1/content/note", text["twin"], ""); got.status != 200 {
			t.Errorf("%s: the other: got %d", name, got.status)
		}
		if _, err := app.FindToken(t.Context(), store, "site"); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := app.FindToken(t.Context(), a, "twin"); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("two of a name: got %v", err)
	}
}

// A token may be made for a role that is still to come, and a typing error is told.
func TestTokens_roleWarning(t *testing.T) {
	t.Parallel()
	a, started := starting(t, settings(t))
	client, err := app.NewClient(started.URL, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := app.NewClient(started.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, store := range map[string]app.Tokens{"here": a, "on a server": client} {
		if got := app.RoleWarning(t.Context(), store, "editr"); !strings.Contains(got, `there is no role "editr"`) || !strings.Contains(got, `did you mean "editor"?`) {
			t.Errorf("%s: got %q", name, got)
		}
		for _, role := range []string{"editor", "administrator", "public"} {
			if got := app.RoleWarning(t.Context(), store, role); got != "" {
				t.Errorf("%s: %s: got %q", name, role, got)
			}
		}
	}
	if got := app.RoleWarning(t.Context(), stranger, "editr"); got != "" {
		t.Errorf("to whom roles are not shown: got %q", got)
	}
}

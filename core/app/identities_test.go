package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/oidc"
)

type signsAnybodyIn struct{}

func (signsAnybodyIn) SignInUser(_ context.Context, id core.EntryID) (*core.SignedIn, error) {
	return &core.SignedIn{User: core.Account{ID: id}}, nil
}

const answersAt = "https://cms.example.org" + oidcPath + "oidc/callback"

// provider runs an OpenID provider on this machine.
func provider(t *testing.T) (issuer string) {
	t.Helper()
	var handler http.Handler
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	clients := map[string]*storage.Client{"palabre": storage.WebClient("palabre", "secret", answersAt)}
	store := storage.NewStorageWithClients(storage.NewUserStore(s.URL), clients)
	handler = exampleop.SetupServer(s.URL+"/", store, slog.New(slog.DiscardHandler), false, op.WithAllowInsecure())
	return s.URL + "/"
}

// atProvider signs in at the provider's page, and gives what the browser brings back.
func atProvider(t *testing.T, redirect string) url.Values {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), answersAt) {
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
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindSubmatch(page)
	if id == nil {
		t.Fatalf("no login page:\n%s", page)
	}
	res, err = browser.PostForm(res.Request.URL.String(), url.Values{"id": {string(id[1])}, "username": {"test-user2"}, "password": {"verysecure"}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	return back.Query()
}

// Through the one dialer, against a provider as others use it, into the real store.
func TestIdentities(t *testing.T) {
	t.Parallel()
	issuer := provider(t)
	a, err := New(outsideConfig(t, "PALABRE_OIDC_ISSUER="+issuer, "PALABRE_OIDC_CLIENT_ID=palabre", "PALABRE_OIDC_CLIENT_SECRET=secret",
		"PALABRE_OIDC_CREATE=true", "PALABRE_OIDC_DEFAULT_ROLES=editor"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	accounts := oidc.NewAccounts(oidc.Parts{Service: a.identities, Catalog: a.catalog, Content: a.content, Signer: signsAnybodyIn{}, Now: a.clock.Now, Logger: a.logger})
	signIn := func() core.EntryID {
		redirect, state, err := accounts.BeginOIDC(t.Context(), "oidc", "/admin/")
		if err != nil {
			t.Fatal(err)
		}
		in, back, err := accounts.EndOIDC(t.Context(), "oidc", atProvider(t, redirect), state)
		if err != nil || back != "/admin/" {
			t.Fatalf("got %q, %v", back, err)
		}
		return in.User.ID
	}
	first := signIn()
	if again := signIn(); again != first {
		t.Errorf("the second sign-in is %s, the first was %s", again, first)
	}
	e, err := a.catalog.Entry(t.Context(), "_user", first)
	if err != nil {
		t.Fatal(err)
	}
	var u struct {
		Email      string
		Roles      []string
		Identities []string
	}
	if err := json.Unmarshal(e.Latest(), &u); err != nil || u.Email != "test-user2@zitadel.ch" || len(u.Roles) != 1 || u.Roles[0] != "editor" || len(u.Identities) != 1 || u.Identities[0] != issuer+"|id2" {
		t.Errorf("got %s", e.Latest())
	}
}

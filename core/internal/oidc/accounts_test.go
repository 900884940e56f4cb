package oidc_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/oidc"
)

// people is a store of accounts: as much of a Catalog and a Content as accounts need. The embedded nils fail loudly.
type people struct {
	core.Catalog
	core.Content
	entries []*core.Entry
	version uint64
	fail    []error // of the next writes
	before  func()  // runs once, before a write
}

func (p *people) Version(core.TypeName) uint64 { return p.version }

func (p *people) Each(_ context.Context, name core.TypeName, _ core.EntryID, f func(*core.Entry) error) error {
	for _, e := range p.entries {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

func (p *people) Write(_ context.Context, who *core.Principal, ops []core.Operation, _ core.WriteOptions) (*core.Result, error) {
	if p.before != nil {
		p.before()
		p.before = nil
	}
	if len(p.fail) > 0 {
		err := p.fail[0]
		p.fail = p.fail[1:]
		return nil, err
	}
	op := ops[0]
	if who != core.System || op.Type != "_user" {
		return nil, core.Errorf(core.CodeForbidden, "no")
	}
	if op.Op == core.OperationCreate {
		return p.put(core.EntryID("new"+strconv.Itoa(len(p.entries))), op.Data), nil
	}
	i := slices.IndexFunc(p.entries, func(e *core.Entry) bool { return e.ID == op.ID })
	if p.entries[i].Rev != op.IfMatch {
		return nil, core.Errorf(core.CodeStale, "stale")
	}
	data := map[string]any{}
	_ = json.Unmarshal(p.entries[i].Draft, &data)
	for name, v := range op.Data {
		data[name] = v
	}
	return p.put(op.ID, data), nil
}

func (p *people) put(id core.EntryID, data map[string]any) *core.Result {
	doc, _ := json.Marshal(data)
	p.version++
	e := &core.Entry{Type: "_user", ID: id, Draft: doc, Meta: core.Meta{Rev: int64(p.version)}}
	if i := slices.IndexFunc(p.entries, func(e *core.Entry) bool { return e.ID == id }); i >= 0 {
		p.entries[i] = e
	} else {
		p.entries = append(p.entries, e)
	}
	return &core.Result{Items: []core.ResultItem{{ID: id, Entry: e}}}
}

func (p *people) document(id core.EntryID) string {
	for _, e := range p.entries {
		if e.ID == id {
			return string(e.Draft)
		}
	}
	return ""
}

func accounts(t *testing.T, p *people, providers ...oidc.Provider) *oidc.Accounts {
	t.Helper()
	return oidc.NewAccounts(oidc.Parts{Service: service(t, nil, providers...), Catalog: p, Content: p,
		Signer: signer(func(id core.EntryID) (*core.SignedIn, error) {
			return &core.SignedIn{User: core.Account{ID: id}}, nil
		})})
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		user    map[string]any // the account "u1", when there is one; ISSUER in identities is the provider
		trashed bool
		also    map[string]any // and "u2"
		claims  map[string]any
		set     func(*oidc.Provider)
		want    core.EntryID // "" for a refusal
		doc     string
	}{
		{name: "known by its identity", user: user("old@example.org", "ISSUER|s1"), want: "u1", doc: `{"email":"old@example.org","identities":["ISSUER|s1"],"roles":["editor"]}`},
		{name: "known, with another's verified address", user: user("old@example.org", "ISSUER|s1"), also: user("camille@example.org"), want: "u1", doc: `{"email":"old@example.org","identities":["ISSUER|s1"],"roles":["editor"]}`},
		{name: "known, address not verified", user: user("old@example.org", "ISSUER|s1"), claims: map[string]any{"email_verified": false}, want: "u1", doc: `{"email":"old@example.org","identities":["ISSUER|s1"],"roles":["editor"]}`},
		{name: "known and suspended", user: with(user("old@example.org", "ISSUER|s1"), "suspended", true)},
		{name: "known and at its end", user: with(user("old@example.org", "ISSUER|s1"), "endsAt", time.Now().Add(-time.Hour))},
		{name: "known and ending later", user: with(user("old@example.org", "ISSUER|s1"), "endsAt", "2999-01-01T00:00:00Z"), want: "u1", doc: `{"email":"old@example.org","endsAt":"2999-01-01T00:00:00Z","identities":["ISSUER|s1"],"roles":["editor"]}`},
		{name: "known and in the trash", user: user("old@example.org", "ISSUER|s1"), trashed: true},
		{name: "the same subject of another issuer", user: user("old@example.org", "https://other.example|s1")},

		{name: "joined by its verified address", user: user("camille@example.org"), want: "u1", doc: `{"email":"camille@example.org","identities":["ISSUER|s1"],"roles":["editor"]}`},
		{name: "joined in spite of capitals", user: user("Camille@Example.ORG"), want: "u1", doc: `{"email":"Camille@Example.ORG","identities":["ISSUER|s1"],"roles":["editor"]}`},
		{name: "joined beside another provider's", user: user("camille@example.org", "https://other.example|x"), want: "u1", doc: `{"email":"camille@example.org","identities":["https://other.example|x","ISSUER|s1"],"roles":["editor"]}`},
		{name: "not by an address that is not verified", user: user("camille@example.org"), claims: map[string]any{"email_verified": false}},
		{name: "nor where any address will do", user: user("camille@example.org"), claims: map[string]any{"email_verified": false}, set: func(p *oidc.Provider) { p.Create, p.AnyEmail = true, true }},
		{name: "not by a look-alike", user: user("kamille@example.org"), claims: map[string]any{"email": "\u212aamille@example.org"}},
		{name: "not by a look-alike in capitals", user: user("kamille@example.org"), claims: map[string]any{"email": "\u212aAMILLE@example.org"}},
		{name: "not by a wide letter", user: user("camille@example.org"), claims: map[string]any{"email": "ｃamille@example.org"}},
		{name: "not by a dotted capital", user: user("camille@example.org"), claims: map[string]any{"email": "cam\u0130lle@example.org"}},
		{name: "joined in spite of a capital with an accent", user: user("élodie@example.org"), claims: map[string]any{"email": "Élodie@example.org"}, want: "u1",
			doc: `{"email":"élodie@example.org","identities":["ISSUER|s1"],"roles":["editor"]}`},
		{name: "not by accents", user: user("camille@example.org"), claims: map[string]any{"email": "càmille@example.org"}},
		{name: "not another subject of the same issuer", user: user("camille@example.org", "ISSUER|s0")},
		{name: "not one whose address nobody verified", user: user("camille@example.org", "ISSUER-any|x")},
		{name: "not a suspended one", user: with(user("camille@example.org"), "suspended", true)},
		{name: "not one of several", user: user("camille@example.org"), also: user("CAMILLE@example.org")},
		{name: "no address", user: with(user("camille@example.org"), "email", ""), claims: map[string]any{"email": ""}},

		{name: "none is made", claims: nil},
		{name: "made", set: create, want: "new0", doc: `{"email":"camille@example.org","identities":["ISSUER|s1"],"name":"Camille Exemple","roles":["reader"]}`},
		{name: "made with mapped roles", set: withRoles, claims: map[string]any{"roles": []string{"cms-editors"}}, want: "new0", doc: `{"email":"camille@example.org","identities":["ISSUER|s1"],"name":"Camille Exemple","roles":["editor"]}`},
		{name: "made an administrator by the map", set: withRoles, claims: map[string]any{"roles": []string{"cms-admins"}}, want: "new0", doc: `{"email":"camille@example.org","identities":["ISSUER|s1"],"name":"Camille Exemple","roles":["administrator"]}`},
		{name: "made no administrator otherwise", set: withRoles, claims: map[string]any{"roles": []string{"administrator"}}, want: "new0", doc: `{"email":"camille@example.org","identities":["ISSUER|s1"],"name":"Camille Exemple","roles":["reader"]}`},
		{name: "not made for an address that is not verified", set: create, claims: map[string]any{"email_verified": false}},
		{name: "made for any address where that is wanted", set: func(p *oidc.Provider) { create(p); p.AnyEmail = true }, claims: map[string]any{"email_verified": false}, want: "new0",
			doc: `{"email":"camille@example.org","identities":["ISSUER|s1"],"name":"Camille Exemple","roles":["reader"]}`},
		{name: "not made under an address that the provider has not verified in that spelling", set: create, claims: map[string]any{"email": "\u212aamille@example.org"}},
		{name: "nor where any address will do", set: func(p *oidc.Provider) { create(p); p.AnyEmail = true }, claims: map[string]any{"email": "o\ufb03ce@example.org"}},
		{name: "made under small letters", set: create, claims: map[string]any{"email": "CAMILLE@Example.org"}, want: "new0", doc: `{"email":"camille@example.org","identities":["ISSUER|s1"],"name":"Camille Exemple","roles":["reader"]}`},
		{name: "not made without an address", set: create, claims: map[string]any{"email": ""}},

		{name: "roles follow the claims", user: user("old@example.org", "ISSUER|s1"), set: withRoles, claims: map[string]any{"roles": []string{"cms-admins"}}, want: "u1",
			doc: `{"email":"old@example.org","identities":["ISSUER|s1"],"roles":["administrator"]}`},
		{name: "and are taken with them", user: with(user("old@example.org", "ISSUER|s1"), "roles", []string{"administrator"}), set: withRoles, want: "u1",
			doc: `{"email":"old@example.org","identities":["ISSUER|s1"],"roles":["reader"]}`},
		{name: "and stay without a claim to follow", user: with(user("old@example.org", "ISSUER|s1"), "roles", []string{"administrator"}), set: create, want: "u1",
			doc: `{"email":"old@example.org","identities":["ISSUER|s1"],"roles":["administrator"]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			i, trusting := newIssuer(t), newIssuer(t)
			for name, v := range tc.claims {
				i.claims[name] = v
			}
			i.info = map[string]any{"sub": "s1"}
			store := &people{}
			for n, data := range []map[string]any{tc.user, tc.also} {
				if data != nil {
					store.put(core.EntryID("u"+strconv.Itoa(n+1)), placed(data, i.url, trusting.url))
				}
			}
			if tc.trashed {
				at := time.Now()
				store.entries[0].TrashedAt = &at
			}
			p := i.provider()
			if tc.set != nil {
				tc.set(&p)
			}
			a := accounts(t, store, p, oidc.Provider{Name: "any", Issuer: trusting.url, ClientID: "x", AnyEmail: true})
			answer, state := i.begin(t, a)
			in, back, err := a.EndOIDC(t.Context(), "evil", answer, state)
			if tc.want == "" {
				unauthenticated(t, tc.name, err)
				if tc.user != nil && store.version > 2 {
					t.Errorf("the account was changed: %s", store.document("u1"))
				}
				return
			}
			if err != nil || in.User.ID != tc.want || back != "/here" {
				t.Fatalf("got %+v, %q, %v", in, back, err)
			}
			if got := placedText(store.document(tc.want), i.url); got != tc.doc {
				t.Errorf("got  %s\nwant %s", got, tc.doc)
			}
		})
	}
}

func TestAccounts_Races(t *testing.T) {
	t.Parallel()
	t.Run("another node makes the account first", func(t *testing.T) {
		t.Parallel()
		i := newIssuer(t)
		store := &people{}
		store.before = func() { store.put("theirs", placed(user("camille@example.org", "ISSUER|s1"), i.url, "")) }
		store.fail = []error{core.Errorf(core.CodeConflict, "taken")}
		p := i.provider()
		create(&p)
		a := accounts(t, store, p)
		answer, state := i.begin(t, a)
		if in, _, err := a.EndOIDC(t.Context(), "evil", answer, state); err != nil || in.User.ID != "theirs" || len(store.entries) != 1 {
			t.Errorf("got %+v, %v, %d accounts", in, err, len(store.entries))
		}
	})
	t.Run("somebody changes the account meanwhile", func(t *testing.T) {
		t.Parallel()
		i := newIssuer(t)
		store := &people{}
		store.put("u1", user("camille@example.org"))
		store.before = func() { store.put("u1", with(user("camille@example.org"), "suspended", true)) }
		a := accounts(t, store, i.provider())
		answer, state := i.begin(t, a)
		_, _, err := a.EndOIDC(t.Context(), "evil", answer, state)
		unauthenticated(t, "suspended meanwhile", err)
	})
	t.Run("the store is away", func(t *testing.T) {
		t.Parallel()
		i := newIssuer(t)
		store := &people{fail: []error{core.Errorf(core.CodeUnavailable, "away")}}
		p := i.provider()
		create(&p)
		a := accounts(t, store, p)
		answer, state := i.begin(t, a)
		if _, _, err := a.EndOIDC(t.Context(), "evil", answer, state); core.CodeOf(err) != core.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
}

// placed puts the test's issuers where a case names them, and placedText the names in their place again.
func placed(data map[string]any, issuer, trusting string) map[string]any {
	out := maps.Clone(data)
	var identities []any
	for _, key := range data["identities"].([]string) {
		identities = append(identities, strings.NewReplacer("ISSUER-any", trusting, "ISSUER", issuer).Replace(key))
	}
	out["identities"] = identities
	return out
}

func placedText(doc, issuer string) string { return strings.ReplaceAll(doc, issuer, "ISSUER") }

func create(p *oidc.Provider) { p.Create, p.DefaultRoles = true, []string{"reader", "administrator"} }

func withRoles(p *oidc.Provider) {
	create(p)
	p.RoleClaim, p.RoleMap = "roles", map[string]string{"cms-editors": "editor", "cms-admins": "administrator"}
}

func user(email string, identities ...string) map[string]any {
	return map[string]any{"email": email, "roles": []string{"editor"}, "identities": identities}
}

func with(u map[string]any, name string, v any) map[string]any {
	u[name] = v
	return u
}

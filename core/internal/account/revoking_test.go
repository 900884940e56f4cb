package account_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// tokens makes an API token for everything that an account may have to do with one, by name.
func (w *world) tokens(id core.EntryID) {
	w.t.Helper()
	person := &core.Principal{ID: "user:" + string(id), Kind: "user", Roles: []string{"administrator"}}
	token := func(who *core.Principal, text string) *core.Principal {
		made := w.do(who, create(w.t, "_token", text))
		return &core.Principal{ID: "token:" + string(made.ID), Kind: "token", Roles: []string{"administrator"}}
	}
	token(administrator, `{"name":"for it","role":"editor","user":{"_ref":"`+string(id)+`","_type":"_user"}}`)
	made := token(person, `{"name":"made by it","role":"administrator"}`)
	token(token(made, `{"name":"made with that","role":"administrator"}`), `{"name":"made with that again","role":"editor"}`)
	token(administrator, `{"name":"another's","role":"editor"}`)
	token(core.System, `{"name":"nobody's","role":"editor"}`)
}

// left names the tokens that still hold.
func (w *world) left() string {
	w.t.Helper()
	var names []string
	check(w.t, w.catalog.Each(context.Background(), "_token", "", func(e *core.Entry) error {
		if !e.Trashed() {
			names = append(names, doc(w.t, string(e.Latest()))["name"].(string))
		}
		return nil
	}))
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Another password for whoever has lost his ends the tokens too; his own change does so when he asks for it.
func TestRevoke(t *testing.T) {
	t.Parallel()
	const all, others, next = "another's, for it, made by it, made with that, made with that again, nobody's", "another's, nobody's", "another horse in the yard"
	change := func(revoke bool) func(*testing.T, *world, core.EntryID) {
		return func(t *testing.T, w *world, _ core.EntryID) {
			_, err := w.ChangePassword(from("192.0.2.1"), w.who(w.signIn("camille@example.org")), core.PasswordChange{Current: good, Next: next, RevokeTokens: revoke})
			check(t, err)
		}
	}
	patch := func(who func(core.EntryID) *core.Principal, text string) func(*testing.T, *world, core.EntryID) {
		return func(t *testing.T, w *world, id core.EntryID) { w.do(who(id), update(t, id, text)) }
	}
	admin := func(core.EntryID) *core.Principal { return administrator }
	itself := func(id core.EntryID) *core.Principal {
		return &core.Principal{ID: "user:" + string(id), Kind: "user", Roles: []string{"administrator"}}
	}
	for _, tc := range []struct {
		name string
		do   func(*testing.T, *world, core.EntryID)
		left string
	}{
		{"his own change", change(false), all},
		{"his own change, with the tokens", change(true), others},
		{"a link", func(t *testing.T, w *world, id core.EntryID) {
			link, _, err := w.ResetLink(t.Context(), administrator, string(id))
			check(t, err)
			_, token, _ := strings.Cut(link, "token=")
			check(t, w.Reset(from("192.0.2.1"), token, next))
		}, others},
		{"an administrator's change", patch(admin, `{"password":"`+next+`"}`), others},
		{"the command line's", patch(func(core.EntryID) *core.Principal { return core.System }, `{"password":"`+next+`"}`), others},
		{"his own change as content", patch(itself, `{"password":"`+next+`"}`), all},
		{"a change of something else", patch(admin, `{"name":"Another"}`), all},
		{"a change that is refused", func(t *testing.T, w *world, id core.EntryID) {
			_, err := w.try(administrator, update(t, id, `{"password":"short"}`))
			wantCode(t, err, core.CodeInvalid, "")
		}, all},
		{"a change that is only tried", func(t *testing.T, w *world, id core.EntryID) {
			_, err := w.guarded.Write(t.Context(), administrator, []core.Operation{update(t, id, `{"password":"`+next+`"}`)}, core.WriteOptions{DryRun: true})
			check(t, err)
		}, all},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.user("camille@example.org", `"roles":["administrator"]`)
			w.user("boss@example.org", `"roles":["administrator"]`)
			w.tokens(id)
			tc.do(t, w, id)
			if got := w.left(); got != tc.left {
				t.Errorf("left are %s; want %s", got, tc.left)
			}
		})
	}
}

// A change that is sent again under its key revokes what it did not get to the first time, and nothing that was made since.
func TestRevoke_again(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	w.tokens(id)
	o := core.WriteOptions{Key: &core.Key{Hash: strings.Repeat("a", 64), Request: "1"}}
	for i := range 2 {
		_, err := w.guarded.Write(t.Context(), administrator, []core.Operation{update(t, id, `{"password":"another horse in the yard"}`)}, o)
		check(t, err)
		if got, want := w.left(), fmt.Sprint("another's, ", map[bool]string{true: "made since, "}[i == 1], "nobody's"); got != want {
			t.Errorf("left are %s; want %s", got, want)
		}
		if i == 0 {
			w.do(core.System, create(t, "_token", `{"name":"made since","role":"editor","user":{"_ref":"`+string(id)+`","_type":"_user"}}`))
		}
	}
}

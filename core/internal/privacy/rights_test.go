package privacy_test

import (
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

func TestErase_refuses(t *testing.T) {
	t.Parallel()
	w := open(t)
	e, gone, trashed := w.person(), w.create("post", false, `{"title": "x"}`), w.create("post", false, `{"title": "y"}`)
	w.do(core.Operation{Op: core.OperationPurge, Type: "post", ID: gone.ID})
	w.do(core.Operation{Op: core.OperationDelete, Type: "post", ID: trashed.ID})
	one := []core.ErasureEntry{{Type: "person", ID: e.ID}}
	w.rights["reader"] = []core.Action{core.ActionRead, core.ActionExport}
	reader := &core.Principal{ID: "user:reader", Kind: "user", Roles: []string{"reader"}}
	for _, tc := range []struct {
		name string
		who  *core.Principal
		r    core.Erasure
		want core.Code
	}{
		{"who may not", reader, core.Erasure{Reason: "x", Entries: one}, core.CodeForbidden},
		{"no reason", core.System, core.Erasure{Reason: " ", Entries: one}, core.CodeInvalid},
		{"too long a reason", core.System, core.Erasure{Reason: strings.Repeat("é", 501), Entries: one}, core.CodeInvalid},
		{"no entries", core.System, core.Erasure{Reason: "x"}, core.CodeInvalid},
		{"too many", core.System, core.Erasure{Reason: "x", Entries: make([]core.ErasureEntry, 501)}, core.CodeInvalid},
		{"one twice", core.System, core.Erasure{Reason: "x", Entries: append(one, one...)}, core.CodeInvalid},
		{"a type that is not", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "nothing", ID: e.ID}}}, core.CodeNotFound},
		{"an entry that never was", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: core.NewID(w.now)}}}, core.CodeNotFound},
		{"no identifier", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: "zebulonne"}}}, core.CodeInvalid},
		{"a path that is none", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Fields: []string{"_i18n.en"}}}}, core.CodeInvalid},
		{"a misspelt field", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Fields: []string{"phnoe"}}}}, core.CodeInvalid},
		{"a misspelt field of what was purged", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "post", ID: gone.ID, Fields: []string{"titel"}}}}, core.CodeInvalid},
		{"a misspelt field in the trash", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "post", ID: trashed.ID, Fields: []string{"titel"}}}}, core.CodeInvalid},
		{"a misspelt remark", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "post", ID: gone.ID, Fields: []string{"_coment"}}}}, core.CodeInvalid},
		{"a purge of fields", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Purge: true, Fields: []string{"phone"}}}}, core.CodeInvalid},
		{"a purge of the past", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Purge: true, Past: true}}}, core.CodeInvalid},
		{"no fields at all", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "person", ID: e.ID, Fields: []string{}}}}, core.CodeInvalid},
		{"the audit", core.System, core.Erasure{Reason: "x", Entries: []core.ErasureEntry{{Type: "_audit", ID: e.ID}}}, core.CodeInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at := w.keeper.Position()
			if _, err := w.privacy.Erase(t.Context(), tc.who, tc.r); core.CodeOf(err) != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if w.keeper.Position() != at {
				t.Error("something was written")
			}
		})
	}
}

// TestErase_rights keeps who may erase from what Palabre keeps for itself, but for its personal fields.
func TestErase_rights(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.rights["coordinator"] = []core.Action{core.ActionRead, core.ActionCreate}
	coordinator := &core.Principal{ID: "user:coordinator", Kind: "user", Roles: []string{"coordinator"}}
	account := w.create("_user", false, `{"name": "Camille Exemple", "email": "camille@example.org", "roles": ["reader"], "suspended": true}`)
	admin := w.create("_user", false, `{"name": "Dominique Exemple", "email": "dominique@example.org", "roles": ["administrator"]}`)
	token := w.create("_token", false, `{"name": "Site", "role": "administrator", "expiresAt": "2025-04-01T00:00:00Z", "hash": "%s"}`, strings.Repeat("0", 64))
	for _, tc := range []struct {
		name string
		e    core.ErasureEntry
		want core.Code
	}{
		{"an account's suspension", core.ErasureEntry{Type: "_user", ID: account.ID, Fields: []string{"suspended"}}, core.CodeForbidden},
		{"an account", core.ErasureEntry{Type: "_user", ID: account.ID, Purge: true}, core.CodeForbidden},
		{"an administrator", core.ErasureEntry{Type: "_user", ID: admin.ID}, core.CodeForbidden},
		{"a token's end", core.ErasureEntry{Type: "_token", ID: token.ID, Fields: []string{"expiresAt"}}, core.CodeForbidden},
		{"a token's personal fields", core.ErasureEntry{Type: "_token", ID: token.ID}, ""},
		{"an account's personal fields", core.ErasureEntry{Type: "_user", ID: account.ID}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := core.Erasure{Reason: "On request", DryRun: true, Entries: []core.ErasureEntry{tc.e}}
			if _, err := w.privacy.Erase(t.Context(), coordinator, r); core.CodeOf(err) != tc.want {
				t.Errorf("a coordinator: got %v, want %s", err, tc.want)
			}
			if _, err := w.privacy.Erase(t.Context(), core.System, r); err != nil {
				t.Errorf("the system: %v", err)
			}
		})
	}
}

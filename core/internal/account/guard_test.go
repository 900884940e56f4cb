package account_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/account"
)

var manager = &core.Principal{ID: "user:manager", Kind: "user", Roles: []string{"manager", "editor"}}

func create(t testing.TB, name core.TypeName, text string) core.Operation {
	return core.Operation{Op: core.OperationCreate, Type: name, Data: doc(t, text)}
}

// What is written of accounts through the API is put in order, or refused.
func TestGuard_writes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.do(administrator, create(t, account.UserType, `{"email":" Camille@Example.ORG","name":"C","password":"`+good+`"}`))
	if got := w.stored(e.ID); got["email"] != "camille@example.org" || !strings.HasPrefix(got["password"].(string), "$argon2id$") || got["epoch"] != nil {
		t.Errorf("got %v", got)
	}
	_, err := w.try(administrator, create(t, account.UserType, `{"email":"CAMILLE@example.org","name":"C"}`))
	if code := core.CodeOf(err); code != core.CodeInvalid && code != core.CodeConflict {
		t.Errorf("a second account of the same address: %v", err)
	}
	w.do(administrator, create(t, account.UserType, `{"email":"camillé@example.org","name":"an accent apart"}`))

	hash := w.stored(e.ID)["password"]
	w.do(administrator, update(t, e.ID, `{"name":"D"}`))
	if got := w.stored(e.ID); got["password"] != hash || got["epoch"] != nil {
		t.Errorf("after another name: %v", got)
	}
	w.do(administrator, core.Operation{Op: core.OperationReplace, Type: account.UserType, ID: e.ID, Data: doc(t, `{"email":"camille@example.org","name":"E"}`)})
	if got := w.stored(e.ID); got["password"] != hash || got["epoch"] != nil {
		t.Errorf("after a replacement: %v", got)
	}
	w.do(administrator, update(t, e.ID, `{"password":`+quoted(hash)+`}`))
	if got := w.stored(e.ID); got["password"] == hash || got["epoch"] != json.Number("1") {
		t.Errorf("a text that looks like a hash: %v", got)
	}
	if _, err := w.SignIn(from("192.0.2.1"), core.SignIn{Email: "camille@example.org", Password: hash.(string)}); err != nil {
		t.Errorf("it is a password like any other: %v", err)
	}
	w.do(administrator, core.Operation{Op: core.OperationReplace, Type: account.UserType, ID: e.ID, Data: doc(t, `{"email":"camille@example.org","name":"E","password":null}`)})
	if got := w.stored(e.ID); got["password"] != nil || got["epoch"] != json.Number("2") {
		t.Errorf("without a password: %v", got)
	}
	for name, op := range map[string]core.Operation{
		"short":         update(t, e.ID, `{"password":"short"}`),
		"no text":       update(t, e.ID, `{"password":["a"]}`),
		"the address":   update(t, e.ID, `{"email":"longer-address@example.org","password":"longer-address@example.org"}`),
		"an epoch":      update(t, e.ID, `{"epoch":7}`),
		"no epoch":      update(t, e.ID, `{"epoch":null}`),
		"a factor":      update(t, e.ID, `{"totp":"x"}`),
		"an identity":   update(t, e.ID, `{"identities":["x"]}`),
		"a hand-over":   update(t, e.ID, `{"handedOver":true}`),
		"roles, a text": update(t, e.ID, `{"roles":"administrator"}`),
	} {
		if _, err := w.try(administrator, op); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, err = w.try(administrator, core.Operation{Op: core.OperationRestore, Type: account.UserType, ID: e.ID, Rev: 1})
	wantCode(t, err, core.CodeConflict, "account")
	_, err = w.try(administrator, update(t, e.ID, `{"name":"F"}`), update(t, e.ID, `{"name":"G"}`))
	wantCode(t, err, core.CodeBadRequest, "")
}

func quoted(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// An import that finds accounts by their address meets the same guard.
func TestGuard_upsert(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ops := []core.Operation{
		{Op: core.OperationUpsert, Type: account.UserType, Match: "email", Data: doc(t, `{"email":"A@example.org","name":"A","roles":["editor"],"password":"`+good+`"}`)},
		{Op: core.OperationUpsert, Type: account.UserType, Match: "email", Data: doc(t, `{"email":"a@EXAMPLE.org","name":"A2"}`)},
		{Op: core.OperationUpsert, Type: account.UserType, Match: "email", Data: doc(t, `{"email":"b@example.org","name":"B","password":"short"}`)},
		{Op: core.OperationUpsert, Type: account.UserType, Match: "name", Data: doc(t, `{"email":"c@example.org","name":"C","password":"`+good+`"}`)},
		{Op: core.OperationUpsert, Type: account.UserType, Match: "email", Data: doc(t, `{"email":"d@example.org","name":"D","roles":["administrator"]}`)},
	}
	r, err := w.guarded.Write(t.Context(), manager, ops, core.WriteOptions{Partial: true})
	if err != nil || len(r.Items) != 5 {
		t.Fatalf("got %+v, %v", r, err)
	}
	if !r.Items[0].Created || r.Items[1].Created || r.Items[0].ID != r.Items[1].ID || r.Items[1].Entry == nil {
		t.Errorf("got %+v", r.Items[:2])
	}
	for i, code := range map[int]core.Code{2: core.CodeInvalid, 3: core.CodeBadRequest, 4: core.CodeForbidden} {
		if core.CodeOf(r.Items[i].Err) != code {
			t.Errorf("%d: got %v, want %s", i, r.Items[i].Err, code)
		}
	}
	if got := w.stored(r.Items[0].ID); got["name"] != "A2" || !strings.HasPrefix(fmt.Sprint(got["password"]), "$argon2id$") {
		t.Errorf("got %v", got)
	}
}

// Nobody gives what he has not, or touches who has more.
func TestGuard_escalation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boss := w.user("boss@example.org", `"roles":["administrator"]`)
	chief := w.user("chief@example.org", `"roles":["editor","chief"]`)
	plain := w.user("plain@example.org", `"roles":["editor"]`)
	self := w.user("self@example.org", `"roles":["manager","editor"]`)
	hidden := w.user("hidden@example.org", `"roles":["chief"]`)
	w.change(hidden, `{"name":"Hidden"}`)
	gone := w.user("gone@example.org", `"roles":["chief"]`)
	w.do(core.System, core.Operation{Op: core.OperationDelete, Type: account.UserType, ID: gone})
	session := w.who(w.signIn("chief@example.org")).Session
	adminToken := w.do(core.System, create(t, "_token", `{"name":"t","role":"administrator"}`)).ID
	me := &core.Principal{ID: "user:" + string(self), Kind: "user", Roles: []string{"manager", "editor"}}
	on := func(op core.OperationKind, name core.TypeName, id core.EntryID) core.Operation {
		return core.Operation{Op: op, Type: name, ID: id}
	}
	for _, tc := range []struct {
		name string
		op   core.Operation
		code core.Code // "" is allowed
	}{
		{"an account of his own kind", create(t, account.UserType, `{"email":"x@example.org","name":"X","roles":["editor"]}`), ""},
		{"an account without a role", create(t, account.UserType, `{"email":"y@example.org","name":"Y"}`), ""},
		{"an administrator", create(t, account.UserType, `{"email":"z@example.org","name":"Z","roles":["administrator"]}`), core.CodeForbidden},
		{"another role", create(t, account.UserType, `{"email":"z@example.org","name":"Z","roles":["editor","chief"]}`), core.CodeForbidden},
		{"himself an administrator", update(t, self, `{"roles":["manager","editor","administrator"]}`), core.CodeForbidden},
		{"another an administrator", update(t, plain, `{"roles":["administrator"]}`), core.CodeForbidden},
		{"by replacing", core.Operation{Op: core.OperationReplace, Type: account.UserType, ID: plain, Data: doc(t, `{"email":"plain@example.org","name":"P","roles":["administrator"]}`)}, core.CodeForbidden},
		{"by upsert", core.Operation{Op: core.OperationUpsert, Type: account.UserType, Match: "email", Data: doc(t, `{"email":"PLAIN@example.org","name":"P","roles":["administrator"]}`)}, core.CodeForbidden},
		{"by upsert of an identifier", core.Operation{Op: core.OperationUpsert, Type: account.UserType, Match: "_id", ID: boss, Data: doc(t, `{"password":"`+good+`"}`)}, core.CodeForbidden},
		{"a password of an administrator", update(t, boss, `{"password":"another horse in the yard"}`), core.CodeForbidden},
		{"the address of an administrator", update(t, boss, `{"email":"mine@example.org"}`), core.CodeForbidden},
		{"a role less for who has more", update(t, chief, `{"roles":["editor"]}`), core.CodeForbidden},
		{"the end of an administrator", on(core.OperationDelete, account.UserType, boss), core.CodeForbidden},
		{"for good", on(core.OperationPurge, account.UserType, chief), core.CodeForbidden},
		{"out of the trash", on(core.OperationRestore, account.UserType, gone), core.CodeForbidden},
		{"out of the trash, by its name", core.Operation{Op: core.OperationTransition, Transition: "restore", Type: account.UserType, ID: gone}, core.CodeForbidden},
		{"a step in the workflow", core.Operation{Op: core.OperationTransition, Transition: "publish", Type: account.UserType, ID: boss}, core.CodeNotFound},
		{"who is hidden", update(t, hidden, `{"name":"H"}`), core.CodeNotFound},
		{"who is hidden, away", on(core.OperationDelete, account.UserType, hidden), core.CodeNotFound},
		{"who is not there", update(t, "01jd0000000000000000000001", `{"password":"another horse in the yard"}`), core.CodeNotFound},
		{"a suspension", update(t, plain, `{"suspended":true}`), ""},
		{"a password", update(t, plain, `{"password":"another horse in the yard"}`), ""},
		{"a role less", update(t, plain, `{"roles":[]}`), ""},
		{"an end", on(core.OperationDelete, account.UserType, plain), ""},

		{"a session", create(t, account.SessionType, `{"user":{"_ref":"`+string(boss)+`","_type":"_user"},"hash":"`+strings.Repeat("0", 64)+`","expiresAt":"2040-01-01T00:00:00Z"}`), core.CodeForbidden},
		{"a longer session", core.Operation{Op: core.OperationUpdate, Type: account.SessionType, ID: session, Data: doc(t, `{"expiresAt":"2040-01-01T00:00:00Z"}`)}, core.CodeForbidden},
		{"a session published", core.Operation{Op: core.OperationTransition, Transition: "publish", Type: account.SessionType, ID: session}, core.CodeForbidden},
		{"the end of a session", on(core.OperationDelete, account.SessionType, session), ""},
		{"a session back", on(core.OperationRestore, account.SessionType, session), core.CodeForbidden},

		{"a token", create(t, "_token", `{"name":"a","role":"editor"}`), ""},
		{"a token with more", create(t, "_token", `{"name":"a","role":"administrator"}`), core.CodeForbidden},
		{"a token of another's", create(t, "_token", `{"name":"a","role":"editor","user":{"_ref":"`+string(boss)+`","_type":"_user"}}`), core.CodeForbidden},
		{"an administrator's token", core.Operation{Op: core.OperationUpdate, Type: "_token", ID: adminToken, Data: doc(t, `{"expiresAt":null}`)}, core.CodeForbidden},
		{"an administrator's token away", on(core.OperationPurge, "_token", adminToken), core.CodeForbidden},
	} {
		before := w.catalog.Position()
		_, err := w.try(me, tc.op)
		if core.CodeOf(err) != tc.code {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.code)
		}
		if moved := w.catalog.Position() != before; moved != (tc.code == "") {
			t.Errorf("%s: a commit was made: %v", tc.name, moved)
		}
	}
	reader := &core.Principal{ID: "user:r", Kind: "user", Roles: []string{"reader"}}
	_, err := w.try(reader, update(t, plain, `{"password":"another horse in the yard"}`))
	wantCode(t, err, core.CodeNotFound, "")
	_, err = w.try(me, create(t, account.UserType, `{"email":"q@example.org","name":"Q"}`), create(t, account.UserType, `{"email":"r@example.org","name":"R","roles":["chief"]}`))
	if e, ok := core.AsError(err); !ok || e.Code != core.CodeForbidden || e.Extra["operation"] != 1 {
		t.Errorf("in a batch: %v", err)
	}
}

// A session writes with the revision that it has seen, as anything else.
func TestGuard_match(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	write := func(match int64) error {
		op := update(t, id, `{"name":"D"}`)
		op.IfMatch = match
		_, err := w.guarded.Write(t.Context(), administrator, []core.Operation{op}, core.WriteOptions{RequireMatch: true})
		return err
	}
	wantCode(t, write(0), core.CodePrecondition, "")
	wantCode(t, write(7), core.CodeStale, "")
	check(t, write(1))
}

// A retry under the same key is answered as before, and the log keeps nothing by which the password could be guessed.
func TestGuard_key(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := &core.Key{Hash: strings.Repeat("1", 64), Request: strings.Repeat("2", 64)}
	for i := range 2 {
		op := create(t, account.UserType, `{"email":"camille@example.org","name":"C","password":"`+good+`"}`)
		r, err := w.guarded.Write(t.Context(), administrator, []core.Operation{op}, core.WriteOptions{Key: asked})
		if err != nil || r.Replayed != (i == 1) {
			t.Fatalf("got %+v, %v", r, err)
		}
	}
	commits, err := w.log.Read(t.Context(), 1, 10)
	if err != nil || len(commits) != 1 || commits[0].Key == nil || commits[0].Key.Request == asked.Request {
		t.Errorf("got %+v, %v", commits, err)
	}
}

// meanwhile is a write path on which something else happens before the first write that it makes.
type meanwhile struct {
	core.Content
	once sync.Once
	what func()
}

func (m *meanwhile) Write(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	m.once.Do(m.what)
	return m.Content.Write(ctx, who, ops, o)
}

// A change that names the revision to come is not judged on the one before.
func TestGuard_foreseen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", `"roles":["editor"]`)
	op := update(t, id, `{"password":"another horse in the yard"}`)
	op.IfMatch = 2
	slow := w.Guard(&meanwhile{Content: w.writer, what: func() { w.change(id, `{"roles":["chief"]}`) }}, policy{})
	_, err := slow.Write(t.Context(), manager, []core.Operation{op}, core.WriteOptions{})
	wantCode(t, err, core.CodeForbidden, "roles")
}

// A change that was judged on an account which has moved meanwhile is judged anew: no epoch is lost, and nobody touches
// who has become more.
func TestGuard_moved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", `"roles":["editor"]`)
	write := func(who *core.Principal, text string) error {
		slow := w.Guard(&meanwhile{Content: w.writer, what: func() { w.change(id, `{"roles":["chief"]}`) }}, policy{})
		_, err := slow.Write(t.Context(), who, []core.Operation{update(t, id, text)}, core.WriteOptions{})
		return err
	}
	check(t, write(administrator, `{"suspended":true}`))
	if got := w.stored(id); got["epoch"] != json.Number("2") || fmt.Sprint(got["roles"]) != "[chief]" || got["suspended"] != true {
		t.Errorf("got %v", got)
	}
	w.change(id, `{"roles":["editor"]}`)
	wantCode(t, write(manager, `{"password":"another horse in the yard"}`), core.CodeForbidden, "roles")
}

// The last active administrator stays.
func TestGuard_lastAdministrator(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		ops  func(t *testing.T, id core.EntryID) []core.Operation
	}{
		{"demoted", func(t *testing.T, id core.EntryID) []core.Operation {
			return []core.Operation{update(t, id, `{"roles":["editor"]}`)}
		}},
		{"without roles", func(t *testing.T, id core.EntryID) []core.Operation {
			return []core.Operation{update(t, id, `{"roles":null}`)}
		}},
		{"replaced", func(t *testing.T, id core.EntryID) []core.Operation {
			return []core.Operation{{Op: core.OperationReplace, Type: account.UserType, ID: id, Data: doc(t, `{"email":"a@example.org","name":"A"}`)}}
		}},
		{"suspended", func(t *testing.T, id core.EntryID) []core.Operation {
			return []core.Operation{update(t, id, `{"suspended":true}`)}
		}},
		{"ended", func(t *testing.T, id core.EntryID) []core.Operation {
			return []core.Operation{update(t, id, `{"endsAt":"2020-01-01T00:00:00Z"}`)}
		}},
		{"deleted", func(t *testing.T, id core.EntryID) []core.Operation {
			return []core.Operation{{Op: core.OperationDelete, Type: account.UserType, ID: id}}
		}},
		{"purged", func(t *testing.T, id core.EntryID) []core.Operation {
			return []core.Operation{{Op: core.OperationPurge, Type: account.UserType, ID: id}}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.user("a@example.org", `"roles":["administrator"]`)
			w.user("suspended@example.org", `"roles":["administrator"],"suspended":true`)
			w.user("ended@example.org", `"roles":["administrator"],"endsAt":"2020-01-01T00:00:00Z"`)
			w.do(core.System, create(t, "_token", `{"name":"over","role":"administrator","expiresAt":"2020-01-01T00:00:00Z"}`))
			w.do(core.System, create(t, "_token", `{"name":"somebody's","role":"administrator","user":{"_ref":"`+string(a)+`","_type":"_user"}}`))
			_, err := w.try(administrator, tc.ops(t, a)...)
			wantCode(t, err, core.CodeConflict, "last_administrator")
			b := w.user("b@example.org", `"roles":["administrator"]`)
			_, err = w.try(administrator, append(tc.ops(t, a), update(t, b, `{"roles":[]}`))...)
			wantCode(t, err, core.CodeConflict, "last_administrator")
			if _, err := w.try(administrator, tc.ops(t, a)...); err != nil {
				t.Errorf("with another one: %v", err)
			}
			_, err = w.try(administrator, tc.ops(t, b)...)
			wantCode(t, err, core.CodeConflict, "")
			w.do(core.System, create(t, "_token", `{"name":"nobody's","role":"administrator"}`))
			_, err = w.try(administrator, update(t, b, `{"suspended":true}`)) // nobody signs in with a token
			wantCode(t, err, core.CodeConflict, "last_administrator")
		})
	}
}

// An account is suspended when its person is erased: the last administrator's is not.
func TestGuard_lastAdministratorErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.user("a@example.org", `"roles":["administrator"]`)
	erase := core.Operation{Op: core.OperationErase, Type: account.UserType, ID: a, Migrate: &core.Migrated{Published: core.Doc(`{"email":"x@example.invalid","name":"—","roles":["administrator"],"suspended":true}`)}}
	_, err := w.try(core.System, erase)
	wantCode(t, err, core.CodeConflict, "last_administrator")
	w.user("b@example.org", `"roles":["administrator"]`)
	if _, err := w.try(core.System, erase); err != nil {
		t.Errorf("with another one: %v", err)
	}
}

// Two administrators who are taken away at the same time, on two nodes, do not leave none.
func TestGuard_lastAdministrators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.user("a@example.org", `"roles":["administrator"]`), w.user("b@example.org", `"roles":["administrator"]`)
	other, err := account.New(account.Config{Catalog: w.catalog, Content: w.writer, Log: w.log, Types: compiled(), Directory: directory{w}, Key: key, CookieKey: key, Now: w.now})
	check(t, err)
	demote := func(g core.Content, id core.EntryID) error {
		_, err := g.Write(t.Context(), administrator, []core.Operation{update(t, id, `{"roles":["editor"]}`)}, core.WriteOptions{})
		return err
	}
	var second error
	first := demote(w.Guard(&meanwhile{Content: w.writer, what: func() { second = demote(other.Guard(w.writer, policy{}), b) }}, policy{}), a)
	check(t, first)
	wantCode(t, second, core.CodeConflict, "contention")
	wantCode(t, demote(w.guarded, b), core.CodeConflict, "last_administrator")
}

// Accounts that end hand over their drafts and lose their sessions, once.
func TestEndAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("late@example.org", `"roles":["coordinator"],"suspended":true`)
	heir := w.user("heir@example.org", `"roles":["coordinator"]`)
	w.user("younger@example.org", `"roles":["coordinator"]`)
	friend := w.user("friend@example.org", "")
	to := `"endsAt":"2030-05-01T13:00:00Z"`
	named := w.user("named@example.org", to+`,"handover":{"_ref":"`+string(friend)+`","_type":"_user"}`)
	role := w.user("role@example.org", to)
	in := w.signIn("role@example.org")
	stays := w.user("stays@example.org", "")
	draft := func(by core.EntryID, publish bool) core.EntryID {
		t.Helper()
		who := &core.Principal{ID: "user:" + string(by), Kind: "user", Roles: []string{"administrator"}}
		return w.do(who, core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title":"A"}`), Publish: publish}).ID
	}
	a, b, c, live := draft(named, false), draft(role, false), draft(stays, false), draft(role, true)
	bin := draft(role, false)
	w.do(core.System, core.Operation{Op: core.OperationDelete, Type: "fiche", ID: bin})
	owner := func(id core.EntryID) string {
		e, err := w.catalog.Entry(context.Background(), "fiche", id)
		check(t, err)
		return e.CreatedBy
	}
	check(t, w.EndAccounts(t.Context()))
	if owner(a) != "user:"+string(named) {
		t.Error("drafts were handed over before the end")
	}
	w.pass(time.Hour)
	if w.holds(in) {
		t.Error("a session goes on after the end")
	}
	check(t, w.EndAccounts(t.Context()))
	for id, want := range map[core.EntryID]core.EntryID{a: friend, b: heir, c: stays, live: role, bin: role} {
		if owner(id) != "user:"+string(want) {
			t.Errorf("%s is %s's, want %s", id, owner(id), want)
		}
	}
	sessions := 0
	check(t, w.catalog.Each(t.Context(), account.SessionType, "", func(*core.Entry) error { sessions++; return nil }))
	if sessions != 0 {
		t.Errorf("%d sessions are left", sessions)
	}
	before := w.catalog.Position()
	check(t, w.EndAccounts(t.Context()))
	if w.catalog.Position() != before {
		t.Error("a second round did something")
	}
	w.change(role, `{"endsAt":null}`)
	if w.stored(role)["handedOver"] != nil {
		t.Error("an account that goes on would not be seen to at its next end")
	}
}

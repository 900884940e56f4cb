package account_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/account"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", `"roles":["editor"],"locale":"fr"`)
	in := w.signIn(" Camille@Example.ORG ")
	if in.User.ID != id || in.User.Email != "camille@example.org" || fmt.Sprint(in.User.Roles) != "[editor]" || in.User.TOTP || in.User.TOTPRequired {
		t.Errorf("got %+v", in.User)
	}
	if want := noon.Add(account.DefaultLifetime); !in.Expires.Equal(want) || in.CSRF == "" || in.CSRF != w.CSRF(in.Cookie) {
		t.Errorf("got %s %q", in.Expires, in.CSRF)
	}
	p := w.who(in)
	if p.ID != "user:"+string(id) || p.Kind != "user" || p.Session == "" || fmt.Sprint(p.Roles) != "[editor]" || p.About == nil {
		t.Errorf("got %+v", p)
	}
	if got := w.audit.events(); got != "sign_in" || w.audit.by[0] != p.ID {
		t.Errorf("the audit has %q by %s", got, w.audit.by)
	}
	if text := fmt.Sprint(w.stored(id)); strings.Contains(text, good) || !strings.Contains(text, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored: %s", text)
	}
}

// Whoever does not get in is told the same, whatever the reason, and another address is another one.
func TestSignIn_refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	w.user("suspended@example.org", `"suspended":true`)
	w.user("ended@example.org", `"endsAt":"2030-05-01T12:00:00Z"`)
	trashed := w.user("gone@example.org", "")
	w.do(core.System, core.Operation{Op: core.OperationDelete, Type: account.UserType, ID: trashed})
	none := w.user("none@example.org", "")
	w.change(none, `{"password":null}`)
	want := ""
	for i, tc := range []struct{ name, email, password string }{
		{"wrong password", "camille@example.org", good + "!"},
		{"in another case", "camille@example.org", strings.ToUpper(good)},
		{"unknown", "nobody@example.org", good},
		{"an accent apart", "camillé@example.org", good},
		{"no address", "", good},
		{"a long address", strings.Repeat("a", 5000) + "@example.org", good},
		{"suspended", "suspended@example.org", good},
		{"at its end", "ended@example.org", good},
		{"in the trash", "gone@example.org", good},
		{"without a password", "none@example.org", ""},
		{"a long password", "camille@example.org", strings.Repeat("x", 100_000)},
		{"cut after 72 bytes", "camille@example.org", good[:len(good)-1]},
	} {
		_, err := w.SignIn(from(fmt.Sprintf("192.0.2.%d", i)), core.SignIn{Email: tc.email, Password: tc.password})
		if want == "" {
			want = err.Error()
		}
		if err == nil || err.Error() != want || core.CodeOf(err) != core.CodeUnauthenticated {
			t.Errorf("%s: got %v, want %s", tc.name, err, want)
		}
	}
	if got := w.audit.events(); strings.Count(got, "sign_in_failed") != 12 {
		t.Errorf("the audit has %q", got)
	}
	for _, e := range w.audit.notes {
		if text := fmt.Sprint(e); strings.Contains(text, good) || strings.Contains(text, "nobody") {
			t.Errorf("the audit keeps what was typed: %s", text)
		}
	}
}

// Every byte of a long password counts.
func TestSignIn_longPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	long := strings.Repeat("0123456789abcdé", 60) + "end"
	w.change(id, `{"password":"`+long+`"}`)
	if _, err := w.SignIn(from("192.0.2.1"), core.SignIn{Email: "camille@example.org", Password: long}); err != nil {
		t.Error(err)
	}
	if _, err := w.SignIn(from("192.0.2.1"), core.SignIn{Email: "camille@example.org", Password: long[:len(long)-1]}); err == nil {
		t.Error("the last byte does not count")
	}
	decomposed := strings.ReplaceAll(long, "é", "e\u0301")
	if _, err := w.SignIn(from("192.0.2.1"), core.SignIn{Email: "camille@example.org", Password: decomposed}); err != nil {
		t.Errorf("the same characters from another keyboard: %v", err)
	}
}

// A hash of another cost is made anew when its password comes by, and the sessions go on.
func TestSignIn_rehash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	first := w.signIn("camille@example.org")
	const old = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
	sum, err := w.HashAt(good, []byte("saltsaltsaltsalt"), 1024, 1)
	if err != nil {
		t.Fatal(err)
	}
	op := core.Operation{Op: core.OperationUpdate, Type: account.UserType, ID: id, Data: map[string]any{"password": old + sum}}
	if _, err := w.writer.Write(t.Context(), core.System, []core.Operation{op}, core.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.signIn("camille@example.org")
	if hash := w.stored(id)["password"].(string); !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash is still %s", hash)
	}
	if !w.holds(first) {
		t.Error("another hash of the same password ended a session")
	}
}

// A cookie that was not made here is refused without a look at the store.
func TestSession_forged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	w.user("other@example.org", "")
	a, b := w.signIn("camille@example.org"), w.signIn("other@example.org")
	part := func(in *core.SignedIn) []string { return strings.Split(in.Cookie, ".") }
	for name, cookie := range map[string]string{
		"nothing": "", "dots": "...", "without its end": strings.Join(part(a)[:3], "."), "cut": a.Cookie[:len(a.Cookie)-1], "longer": a.Cookie + "A",
		"another's secret": strings.Join([]string{"v1", part(a)[1], part(b)[2], part(a)[3]}, "."),
		"another's entry":  strings.Join([]string{"v1", part(b)[1], part(a)[2], part(a)[3]}, "."),
		"another version":  "v2" + a.Cookie[2:], "long": strings.Repeat("a.", 1000),
	} {
		if _, err := w.Session(t.Context(), cookie); core.CodeOf(err) != core.CodeUnauthenticated {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if w.CSRF("v1.x.y.z") != "" || w.CSRF(a.Cookie) == w.CSRF(b.Cookie) {
		t.Error("tokens against forged requests are not bound to their sessions")
	}
}

// What ends a session, and what does not.
func TestSession_ends(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		then  func(w *world, id core.EntryID, in *core.SignedIn)
		holds bool
	}{
		{"nothing", func(*world, core.EntryID, *core.SignedIn) {}, true},
		{"another name", func(w *world, id core.EntryID, _ *core.SignedIn) { w.change(id, `{"name":"C. Exemple"}`) }, true},
		{"the same address", func(w *world, id core.EntryID, _ *core.SignedIn) { w.change(id, `{"email":"CAMILLE@example.org"}`) }, true},
		{"the same roles", func(w *world, id core.EntryID, _ *core.SignedIn) { w.change(id, `{"roles":["editor"]}`) }, true},
		{"an end to come", func(w *world, id core.EntryID, _ *core.SignedIn) { w.change(id, `{"endsAt":"2030-06-01T00:00:00Z"}`) }, true},
		{"signing out", func(w *world, _ core.EntryID, in *core.SignedIn) {
			check(w.t, w.SignOut(context.Background(), w.who(in)))
		}, false},
		{"time", func(w *world, _ core.EntryID, _ *core.SignedIn) { w.pass(account.DefaultLifetime) }, false},
		{"another password", func(w *world, id core.EntryID, _ *core.SignedIn) {
			w.change(id, `{"password":"another horse in the yard"}`)
		}, false},
		{"another address", func(w *world, id core.EntryID, _ *core.SignedIn) { w.change(id, `{"email":"c@example.org"}`) }, false},
		{"another role", func(w *world, id core.EntryID, _ *core.SignedIn) { w.change(id, `{"roles":["editor","chief"]}`) }, false},
		{"no role", func(w *world, id core.EntryID, _ *core.SignedIn) { w.change(id, `{"roles":null}`) }, false},
		{"suspension", func(w *world, id core.EntryID, _ *core.SignedIn) { w.change(id, `{"suspended":true}`) }, false},
		{"suspension and its end", func(w *world, id core.EntryID, _ *core.SignedIn) {
			w.change(id, `{"suspended":true}`)
			w.change(id, `{"suspended":false}`)
		}, false},
		{"its end", func(w *world, id core.EntryID, _ *core.SignedIn) {
			w.change(id, `{"endsAt":"2030-06-01T00:00:00Z"}`)
			w.pass(31 * 24 * time.Hour)
		}, false},
		{"an end that is past, taken back", func(w *world, id core.EntryID, _ *core.SignedIn) {
			w.change(id, `{"endsAt":"2030-04-01T00:00:00Z"}`)
			w.change(id, `{"endsAt":null}`)
		}, false},
		{"the trash", func(w *world, id core.EntryID, _ *core.SignedIn) {
			w.do(core.System, core.Operation{Op: core.OperationDelete, Type: account.UserType, ID: id})
		}, false},
		{"out of the trash", func(w *world, id core.EntryID, _ *core.SignedIn) {
			w.do(core.System, core.Operation{Op: core.OperationDelete, Type: account.UserType, ID: id})
			w.do(core.System, core.Operation{Op: core.OperationRestore, Type: account.UserType, ID: id})
		}, false},
		{"its entry in the trash", func(w *world, _ core.EntryID, in *core.SignedIn) {
			w.do(core.System, core.Operation{Op: core.OperationDelete, Type: account.SessionType, ID: w.who(in).Session})
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.user("camille@example.org", `"roles":["editor"]`)
			in := w.signIn("camille@example.org")
			if !w.holds(in) {
				t.Fatal("the session does not hold to begin with")
			}
			tc.then(w, id, in)
			if w.holds(in) != tc.holds {
				t.Errorf("it holds: %v", !tc.holds)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	w.user("other@example.org", "")
	a, b, c, other := w.signIn("camille@example.org"), w.signIn("camille@example.org"), w.signIn("camille@example.org"), w.signIn("other@example.org")
	list, err := w.Sessions(t.Context(), w.who(b))
	if err != nil || len(list) != 3 {
		t.Fatalf("got %+v, %v", list, err)
	}
	for _, s := range list {
		if s.Current != (s.ID == w.who(b).Session) || s.Address != "192.0.2.1" || s.Agent != "test" || s.ExpiresAt.IsZero() {
			t.Errorf("got %+v", s)
		}
	}
	wantCode(t, w.EndSession(t.Context(), w.who(a), w.who(other).Session), core.CodeNotFound, "")
	check(t, w.EndSession(t.Context(), w.who(a), w.who(c).Session))
	if w.holds(c) || !w.holds(a) || !w.holds(b) || !w.holds(other) {
		t.Error("another session ended than the one that was meant")
	}
	check(t, w.EndOthers(t.Context(), w.who(a)))
	if w.holds(b) || !w.holds(a) || !w.holds(other) {
		t.Error("other sessions ended than the others of the account")
	}
	wantCode(t, func() error { _, err := w.Sessions(t.Context(), core.Anonymous); return err }(), core.CodeUnauthenticated, "")
}

// A sweep takes away what does not hold, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	w.user("other@example.org", "")
	w.signIn("camille@example.org")
	w.change(id, `{"password":"another horse in the yard"}`)
	w.signIn("other@example.org")
	w.pass(account.DefaultLifetime)
	kept := w.signIn("other@example.org")
	check(t, w.Sweep(t.Context()))
	left := 0
	check(t, w.catalog.Each(t.Context(), account.SessionType, "", func(*core.Entry) error { left++; return nil }))
	if left != 1 || !w.holds(kept) {
		t.Errorf("%d sessions are left", left)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	a, b := w.signIn("camille@example.org"), w.signIn("camille@example.org")
	const next = "another horse in the yard"
	for _, tc := range []struct {
		name, current, next string
		code                core.Code
	}{
		{"wrong", "wrong horse in the garden", next, core.CodeForbidden},
		{"short", good, "elevenchars", core.CodeInvalid},
		{"common", good, "Password1234", core.CodeInvalid},
		{"one letter", good, strings.Repeat("a", 40), core.CodeInvalid},
		{"the address", good, "Camille@example.org", core.CodeInvalid},
		{"too long", good, strings.Repeat("abcd", 257), core.CodeInvalid},
		{"the same", good, good, core.CodeInvalid},
	} {
		_, err := w.ChangePassword(from("192.0.2.1"), w.who(a), core.PasswordChange{Current: tc.current, Next: tc.next})
		if core.CodeOf(err) != tc.code {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
	}
	c, err := w.ChangePassword(from("192.0.2.1"), w.who(a), core.PasswordChange{Current: good, Next: next})
	if err != nil {
		t.Fatal(err)
	}
	if w.holds(a) || w.holds(b) || !w.holds(c) {
		t.Errorf("sessions hold: %v %v %v", w.holds(a), w.holds(b), w.holds(c))
	}
	_, err = w.SignIn(from("192.0.2.9"), core.SignIn{Email: "camille@example.org", Password: good})
	wantCode(t, err, core.CodeUnauthenticated, "credentials")
	if _, err = w.SignIn(from("192.0.2.1"), core.SignIn{Email: "camille@example.org", Password: next}); err != nil {
		t.Error(err)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", `"locale":"en"`)
	in := w.signIn("camille@example.org")
	token := func() string {
		t.Helper()
		check(t, w.Forgot(from("192.0.2.1"), "Camille@example.org"))
		mail := <-w.mail.sent
		link, found := strings.CutPrefix(mail[strings.Index(mail, "https://"):], "https://cms.example.org/admin/reset?token=")
		if !strings.HasPrefix(mail, "camille@example.org\n") || !found {
			t.Fatalf("the mail: %s", mail)
		}
		return strings.Fields(link)[0]
	}
	first, second := token(), token()
	if !w.holds(in) {
		t.Error("asking for a link ended a session")
	}
	const next = "another horse in the yard"
	wantCode(t, w.Reset(from("192.0.2.1"), first, "short"), core.CodeInvalid, "")
	wantCode(t, w.Reset(from("192.0.2.1"), first+"x", next), core.CodeForbidden, "reset_token")
	check(t, w.Reset(from("192.0.2.1"), first, next))
	if w.holds(in) {
		t.Error("a session goes on after a reset")
	}
	wantCode(t, w.Reset(from("192.0.2.1"), first, next+"2"), core.CodeForbidden, "reset_token")
	wantCode(t, w.Reset(from("192.0.2.1"), second, next+"2"), core.CodeForbidden, "reset_token")
	if _, err := w.SignIn(from("192.0.2.1"), core.SignIn{Email: "camille@example.org", Password: next}); err != nil {
		t.Error(err)
	}
	third := token()
	w.change(id, `{"suspended":true}`)
	wantCode(t, w.Reset(from("192.0.2.1"), third, next+"2"), core.CodeForbidden, "reset_token")
	check(t, w.Forgot(from("192.0.2.2"), "nobody@example.org"))
}

// Two who use a link at the same time: one of them sets the password.
func TestReset_once(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	link, _, err := w.ResetLink(t.Context(), administrator, string(id))
	check(t, err)
	_, token, _ := strings.Cut(link, "token=")
	var wait sync.WaitGroup
	var done [8]error
	for i := range done {
		wait.Go(func() { done[i] = w.Reset(from("192.0.2.1"), token, fmt.Sprintf("password number %d of them", i)) })
	}
	wait.Wait()
	set := 0
	for _, err := range done {
		if err == nil {
			set++
		} else {
			wantCode(t, err, core.CodeForbidden, "reset_token")
		}
	}
	if set != 1 {
		t.Errorf("%d passwords were set", set)
	}
}

// Without SMTP, or for an account that is not there, the answer is the same and nothing is sent.
func TestForgot_alike(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *account.Config) { c.Mailer = nil })
	w.user("camille@example.org", "")
	for i, email := range []string{"camille@example.org", "nobody@example.org"} {
		check(t, w.Forgot(from(fmt.Sprintf("192.0.2.%d", i)), email))
	}
	for range 9 {
		check(t, w.Forgot(from("192.0.2.0"), "camille@example.org"))
	}
	wantCode(t, w.Forgot(from("192.0.2.0"), "camille@example.org"), core.CodeRateLimited, "")
}

var administrator = &core.Principal{ID: "user:admin", Kind: "user", Roles: []string{"administrator"}}

func TestResetLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain, boss, hidden := w.user("camille@example.org", `"roles":["editor"]`), w.user("boss@example.org", `"roles":["editor","chief"]`), w.user("h@example.org", "")
	w.change(hidden, `{"name":"Hidden"}`)
	manager := &core.Principal{ID: "user:m", Kind: "user", Roles: []string{"manager", "editor"}}
	if _, expires, err := w.ResetLink(t.Context(), manager, string(plain)); err != nil || !expires.Equal(noon.Add(time.Hour)) {
		t.Errorf("got %s, %v", expires, err)
	}
	_, _, err := w.ResetLink(t.Context(), manager, string(boss))
	wantCode(t, err, core.CodeForbidden, "roles")
	_, _, err = w.ResetLink(t.Context(), manager, string(hidden))
	wantCode(t, err, core.CodeNotFound, "")
	_, _, err = w.ResetLink(t.Context(), &core.Principal{ID: "user:r", Kind: "user", Roles: []string{"reader"}}, string(plain))
	wantCode(t, err, core.CodeNotFound, "")
	_, _, err = w.ResetLink(t.Context(), core.Anonymous, string(plain))
	wantCode(t, err, core.CodeNotFound, "")
}

// An administrator may name an account by its address. Nobody learns so of one that he is not shown.
func TestResetLink_address(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *account.Config) { c.PublicURL = "" })
	w.user("camille@example.org", "")
	w.change(w.user("h@example.org", ""), `{"name":"Hidden"}`)
	link, _, err := w.ResetLink(t.Context(), administrator, " Camille@Example.org ")
	check(t, err)
	token, found := strings.CutPrefix(link, "/admin/reset?token=")
	if !found {
		t.Errorf("got %s", link)
	}
	check(t, w.CheckReset(from("192.0.2.1"), token))
	check(t, w.CheckReset(from("192.0.2.1"), token))
	check(t, w.Reset(from("192.0.2.1"), token, "another horse in the yard"))
	wantCode(t, w.CheckReset(from("192.0.2.1"), token), core.CodeForbidden, "reset_token")

	manager := &core.Principal{ID: "user:m", Kind: "user", Roles: []string{"manager"}}
	stranger := &core.Principal{ID: "user:r", Kind: "user", Roles: []string{"reader"}}
	for _, who := range []*core.Principal{manager, stranger} {
		var said []string
		for _, address := range []string{"h@example.org", "nobody@example.org"} {
			_, _, err := w.ResetLink(t.Context(), who, address)
			wantCode(t, err, core.CodeNotFound, "")
			said = append(said, err.Error())
		}
		if said[0] != said[1] {
			t.Errorf("%s: %q", who.ID, said)
		}
	}
	for range 60 {
		wantCode(t, w.CheckReset(from("192.0.2.8"), "guess"), core.CodeForbidden, "reset_token")
	}
	if err := w.CheckReset(from("192.0.2.8"), "guess"); retryAfter(err) == 0 {
		t.Errorf("got %v", err)
	}
}

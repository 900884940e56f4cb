package account_test

import (
	"context"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/account"
)

// Whoever has somebody's open session cannot touch his second factor with it.
func TestProof_password(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	in, other := w.signIn("camille@example.org"), w.signIn("camille@example.org")
	begin := func(p core.Proof) (*core.TOTPSetup, error) {
		return w.BeginTOTP(from("192.0.2.1"), w.who(in), p)
	}
	_, err := begin(core.Proof{})
	wantFields(t, err, "/password")
	_, err = begin(core.Proof{Password: bad})
	wantCode(t, err, core.CodeForbidden, "password")
	setup, err := begin(core.Proof{Password: good})
	check(t, err)
	_, err = w.ConfirmTOTP(from("192.0.2.1"), w.who(other), w.code(setup.Secret))
	wantCode(t, err, core.CodeConflict, "totp_setup") // another session has proved nothing
	_, err = w.ConfirmTOTP(from("192.0.2.1"), w.who(in), w.code(setup.Secret))
	check(t, err)
	if !w.holds(in) || w.holds(other) {
		t.Errorf("after setting up: this session holds %v, another %v", w.holds(in), w.holds(other))
	}
}

// What was begun with an old password does not count when that was changed for fear of somebody.
func TestProof_passwordChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	in := w.signIn("camille@example.org")
	setup, err := w.BeginTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good})
	check(t, err)
	who := w.who(in)
	w.change(id, `{"password":"another horse in the yard"}`)
	_, err = w.ConfirmTOTP(from("192.0.2.1"), who, w.code(setup.Secret))
	wantCode(t, err, core.CodeConflict, "totp_setup")
}

// A request of a session that ends while it is under way does not bring the session back.
func TestProof_ended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	in := w.signIn("camille@example.org")
	secret, _ := w.withFactor(in)
	w.pass(time.Minute)
	who := w.who(in)
	w.change(id, `{"roles":["editor"]}`)
	_, err := w.NewRecoveryCodes(from("192.0.2.1"), who, core.Proof{Password: good, Code: w.code(secret)})
	wantCode(t, err, core.CodeUnauthenticated, "session")
	if w.holds(in) {
		t.Error("the session is back")
	}
}

// Nor does an administrator's open session turn off his own factor by another door.
func TestProof_ownAsContent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", `"roles":["administrator"]`)
	in := w.signIn("camille@example.org")
	w.withFactor(in)
	_, err := w.try(w.who(in), update(t, id, `{"totp":null}`))
	wantCode(t, err, core.CodeForbidden, "own_factor")
	if w.stored(id)["totp"] == nil || !w.holds(in) {
		t.Error("the factor is off, or the session has ended")
	}
	if _, err := w.try(administrator, update(t, id, `{"totp":null}`)); err != nil || w.stored(id)["totp"] != nil {
		t.Errorf("another administrator: %v", err)
	}
}

func TestProof_replace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	in := w.signIn("camille@example.org")
	first, recovery := w.withFactor(in)
	other, err := w.enter("192.0.2.1", recovery[0])
	check(t, err)
	w.pass(time.Minute)
	_, err = w.BeginTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good})
	wantFields(t, err, "/code")
	_, err = w.BeginTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good, Code: "000000"})
	wantCode(t, err, core.CodeForbidden, "otp_invalid")
	code := w.code(first)
	setup, err := w.BeginTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good, Code: code})
	check(t, err)
	_, err = w.BeginTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good, Code: code})
	wantCode(t, err, core.CodeForbidden, "otp_invalid") // used up
	if _, err := w.enter("192.0.2.2", recovery[1]); err != nil {
		t.Errorf("before it is confirmed: %v", err)
	}
	_, err = w.ConfirmTOTP(from("192.0.2.1"), w.who(in), w.code(setup.Secret))
	check(t, err)
	if !w.holds(in) || w.holds(other) {
		t.Errorf("this session holds %v, another %v", w.holds(in), w.holds(other))
	}
	w.pass(time.Minute)
	_, err = w.enter("192.0.2.1", w.code(first))
	wantCode(t, err, core.CodeUnauthenticated, "otp_invalid")
	if _, err := w.enter("192.0.2.1", w.code(setup.Secret)); err != nil {
		t.Error(err)
	}
}

func TestProof_recoveryCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	in := w.signIn("camille@example.org")
	secret, recovery := w.withFactor(in)
	other, err := w.enter("192.0.2.1", recovery[0])
	check(t, err)
	w.pass(time.Minute)
	_, err = w.NewRecoveryCodes(from("192.0.2.1"), w.who(in), core.Proof{Code: w.code(secret)})
	wantFields(t, err, "/password")
	_, err = w.NewRecoveryCodes(from("192.0.2.1"), w.who(in), core.Proof{Password: bad, Code: w.code(secret)})
	wantCode(t, err, core.CodeForbidden, "password")
	_, err = w.NewRecoveryCodes(from("192.0.2.1"), w.who(in), core.Proof{Password: good, Code: w.code(secret)})
	check(t, err)
	if !w.holds(in) || w.holds(other) {
		t.Errorf("this session holds %v, another %v", w.holds(in), w.holds(other))
	}
}

// Who knows the password gets no more guesses at the code for that, and who guesses the password is slowed down.
func TestProof_throttled(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]core.Proof{"password": {Password: bad, Code: "000000"}, "code": {Password: good, Code: "000000"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.user("camille@example.org", "")
			in := w.signIn("camille@example.org")
			secret, _ := w.withFactor(in)
			w.pass(time.Minute)
			for range 5 {
				wantCode(t, w.DropTOTP(from("192.0.2.7"), w.who(in), p), core.CodeForbidden, "")
			}
			right := core.Proof{Password: good, Code: w.code(secret)}
			if err := w.DropTOTP(from("192.0.2.7"), w.who(in), right); retryAfter(err) == 0 {
				t.Errorf("turning it off: %v", err)
			}
			if err := w.guess("192.0.2.7", "camille@example.org", good); retryAfter(err) == 0 {
				t.Errorf("signing in: %v", err)
			}
		})
	}
}

// Who signs in elsewhere has no password: having done so a moment ago stands for it, and a code afterwards.
func TestProof_elsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.at = time.Now() // sessions are dated by the store
	made := w.do(core.System, core.Operation{Op: core.OperationCreate, Type: account.UserType, Data: doc(t, `{"email":"camille@example.org","name":"Camille Exemple"}`)})
	in, err := w.SignInUser(context.Background(), made.ID)
	check(t, err)
	w.pass(11 * time.Minute)
	_, err = w.BeginTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: "whatever it may be"})
	wantCode(t, err, core.CodeForbidden, "sign_in_again")
	w.pass(-3 * time.Minute)
	setup, err := w.BeginTOTP(from("192.0.2.1"), w.who(in), core.Proof{})
	check(t, err)
	_, err = w.ConfirmTOTP(from("192.0.2.1"), w.who(in), w.code(setup.Secret))
	check(t, err)
	_, err = w.NewRecoveryCodes(from("192.0.2.1"), w.who(in), core.Proof{})
	wantFields(t, err, "/code")
	w.pass(time.Hour)
	_, err = w.NewRecoveryCodes(from("192.0.2.1"), w.who(in), core.Proof{Code: w.code(setup.Secret)})
	check(t, err)
}

func wantFields(t testing.TB, err error, pointers ...string) {
	t.Helper()
	e, ok := core.AsError(err)
	if !ok || e.Code != core.CodeInvalid || len(e.Fields) != len(pointers) {
		t.Fatalf("got %v, want %v to be asked for", err, pointers)
	}
	for i, p := range pointers {
		if e.Fields[i].Pointer != p {
			t.Errorf("got %v, want %v to be asked for", err, pointers)
		}
	}
}

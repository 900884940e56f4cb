package account_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/account"
)

func (w *world) code(secret string) string {
	w.t.Helper()
	code, err := totp.GenerateCode(secret, w.now())
	check(w.t, err)
	return code
}

// withFactor turns the second factor of an account on.
func (w *world) withFactor(in *core.SignedIn) (secret string, recovery []string) {
	w.t.Helper()
	setup, err := w.BeginTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good})
	check(w.t, err)
	recovery, err = w.ConfirmTOTP(from("192.0.2.1"), w.who(in), w.code(setup.Secret))
	check(w.t, err)
	return setup.Secret, recovery
}

func (w *world) enter(address, otp string) (*core.SignedIn, error) {
	return w.SignIn(from(address), core.SignIn{Email: "camille@example.org", Password: good, OTP: otp})
}

func TestTOTP_setup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	in := w.signIn("camille@example.org")
	_, err := w.ConfirmTOTP(from("192.0.2.1"), w.who(in), "123456")
	wantCode(t, err, core.CodeConflict, "totp_setup")
	setup, err := w.BeginTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good})
	check(t, err)
	u, err := url.Parse(setup.URL)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Palabre:camille@example.org" || u.Query().Get("secret") != setup.Secret || u.Query().Get("issuer") != "Palabre" {
		t.Errorf("got %s", setup.URL)
	}
	if again := w.signIn("camille@example.org"); again.User.TOTP {
		t.Error("a factor that was not confirmed is asked for")
	}
	_, err = w.ConfirmTOTP(from("192.0.2.1"), w.who(in), "000000")
	wantCode(t, err, core.CodeInvalid, "otp_invalid")
	codes, err := w.ConfirmTOTP(from("192.0.2.1"), w.who(in), w.code(setup.Secret))
	if err != nil || len(codes) != 10 || !w.holds(in) {
		t.Fatalf("got %v, %v", codes, err)
	}
	stored := fmt.Sprint(w.stored(id))
	for _, secret := range append(codes, setup.Secret) {
		if strings.Contains(stored, secret) || strings.Contains(stored, strings.ReplaceAll(secret, "-", "")) {
			t.Errorf("%s is stored in clear", secret)
		}
	}
	if me, err := w.Me(t.Context(), w.who(in)); err != nil || !me.TOTP {
		t.Errorf("got %+v, %v", me, err)
	}
}

// A code opens once, within a step of its time, and never without the password.
func TestTOTP_signIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	secret, _ := w.withFactor(w.signIn("camille@example.org"))
	_, err := w.enter("192.0.2.1", w.code(secret))
	wantCode(t, err, core.CodeUnauthenticated, "otp_invalid") // it has confirmed the factor
	w.pass(30 * time.Second)
	_, err = w.enter("192.0.2.1", "")
	wantCode(t, err, core.CodeUnauthenticated, "otp_required")
	_, err = w.SignIn(from("192.0.2.1"), core.SignIn{Email: "camille@example.org", Password: bad, OTP: w.code(secret)})
	wantCode(t, err, core.CodeUnauthenticated, "credentials")
	code := w.code(secret)
	in, err := w.enter("192.0.2.1", code[:3]+" "+code[3:])
	if err != nil || !in.User.TOTP {
		t.Fatalf("got %+v, %v", in, err)
	}
	_, err = w.enter("192.0.2.1", code)
	wantCode(t, err, core.CodeUnauthenticated, "otp_invalid")
	early := w.code(secret)
	w.pass(60 * time.Second)
	late := w.code(secret)
	w.pass(30 * time.Second) // the step before still counts
	if _, err := w.enter("192.0.2.1", late); err != nil {
		t.Error(err)
	}
	_, err = w.enter("192.0.2.1", early)
	wantCode(t, err, core.CodeUnauthenticated, "otp_invalid")
	w.pass(time.Minute)
	old := w.code(secret)
	w.pass(time.Minute)
	_, err = w.enter("192.0.2.1", old)
	wantCode(t, err, core.CodeUnauthenticated, "otp_invalid")
}

// Of many who send the same code at the same time, one gets in.
func TestTOTP_atOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	secret, recovery := w.withFactor(w.signIn("camille@example.org"))
	w.pass(time.Minute)
	for _, otp := range []string{w.code(secret), recovery[0]} {
		var wait sync.WaitGroup
		var in [6]bool
		for i := range in {
			wait.Go(func() {
				_, err := w.enter(fmt.Sprintf("192.0.2.%d", 10+i), otp)
				in[i] = err == nil
			})
		}
		wait.Wait()
		n := 0
		for _, ok := range in {
			if ok {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d got in with %s", n, otp)
		}
	}
}

func TestTOTP_recovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	secret, recovery := w.withFactor(w.signIn("camille@example.org"))
	if _, err := w.enter("192.0.2.1", " "+strings.ToUpper(recovery[3])+" "); err != nil {
		t.Fatal(err)
	}
	_, err := w.enter("192.0.2.1", recovery[3])
	wantCode(t, err, core.CodeUnauthenticated, "otp_invalid")
	in, err := w.enter("192.0.2.1", recovery[4])
	check(t, err)
	w.pass(time.Minute)
	more, err := w.NewRecoveryCodes(from("192.0.2.1"), w.who(in), core.Proof{Password: good, Code: w.code(secret)})
	if err != nil || len(more) != 10 {
		t.Fatalf("got %v, %v", more, err)
	}
	_, err = w.enter("192.0.2.1", recovery[5])
	wantCode(t, err, core.CodeUnauthenticated, "otp_invalid")
	if _, err := w.enter("192.0.2.1", more[5]); err != nil {
		t.Error(err)
	}
}

// Guessing codes is slowed down as guessing passwords is.
func TestTOTP_throttled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	secret, recovery := w.withFactor(w.signIn("camille@example.org"))
	w.pass(time.Minute)
	for i := range 5 {
		otp := fmt.Sprintf("00000%d", i)
		if i > 2 {
			otp = strings.Repeat("a", 16)
		}
		_, err := w.enter("192.0.2.5", otp)
		wantCode(t, err, core.CodeUnauthenticated, "otp_invalid")
	}
	for _, otp := range []string{w.code(secret), recovery[0], ""} {
		if _, err := w.enter("192.0.2.5", otp); retryAfter(err) == 0 {
			t.Errorf("with %q: %v", otp, err)
		}
	}
}

// Turning the factor off takes the password and a code, and ends the sessions.
func TestTOTP_drop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	in := w.signIn("camille@example.org")
	wantCode(t, w.DropTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good, Code: "1"}), core.CodeConflict, "totp_off")
	_, recovery := w.withFactor(in)
	wantCode(t, w.DropTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: bad, Code: recovery[0]}), core.CodeForbidden, "password")
	wantCode(t, w.DropTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good, Code: "000000"}), core.CodeForbidden, "otp_invalid")
	check(t, w.DropTOTP(from("192.0.2.1"), w.who(in), core.Proof{Password: good, Code: recovery[0]}))
	if w.holds(in) {
		t.Error("a session goes on")
	}
	if again := w.signIn("camille@example.org"); again.User.TOTP {
		t.Error("the factor is still asked for")
	}
}

// Who has a role that asks for a second factor is nobody in particular until he has one.
func TestTOTP_required(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", `"roles":["editor"]`)
	before := w.signIn("camille@example.org")
	w.do(core.System, core.Operation{Op: core.OperationCreate, Type: "_role", Data: doc(t, `{"name":"editor","totp":true}`)})
	in := w.signIn("camille@example.org")
	if !in.User.TOTPRequired {
		t.Errorf("got %+v", in.User)
	}
	for _, s := range []*core.SignedIn{before, in} {
		if p := w.who(s); fmt.Sprint(p.Roles) != "[public]" || p.About != nil || p.Kind != "user" || !p.LacksFactor {
			t.Errorf("got %+v", p)
		}
	}
	w.withFactor(in)
	if w.holds(before) {
		t.Error("another session goes on")
	}
	if p := w.who(in); fmt.Sprint(p.Roles) != "[editor]" || p.About == nil || p.LacksFactor {
		t.Errorf("with a factor: %+v", p)
	}
}

// A factor that was sealed for another account, or with another store's key, opens nothing; an administrator turns it off.
func TestTOTP_sealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.user("camille@example.org", ""), w.user("other@example.org", "")
	secret, _ := w.withFactor(w.signIn("camille@example.org"))
	moved := core.Operation{Op: core.OperationUpdate, Type: account.UserType, ID: other, Data: map[string]any{"totp": w.stored(id)["totp"]}}
	_, err := w.writer.Write(t.Context(), core.System, []core.Operation{moved}, core.WriteOptions{})
	check(t, err)
	w.pass(time.Minute)
	_, err = w.SignIn(from("192.0.2.1"), core.SignIn{Email: "other@example.org", Password: good, OTP: w.code(secret)})
	wantCode(t, err, core.CodeUnauthenticated, "otp_unreadable")
	_, err = w.try(&core.Principal{ID: "user:m", Kind: "user", Roles: []string{"manager"}}, update(t, other, `{"totp":null}`))
	wantCode(t, err, core.CodeInvalid, "")
	if _, err = w.try(administrator, update(t, other, `{"totp":null}`)); err != nil {
		t.Fatal(err)
	}
	w.signIn("other@example.org")
}

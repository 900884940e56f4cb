package account_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const bad = "wrong horse in the garden"

func (w *world) guess(address, email, password string) error {
	_, err := w.SignIn(from(address), core.SignIn{Email: email, Password: password})
	return err
}

func retryAfter(err error) int {
	e, ok := core.AsError(err)
	if !ok || e.Code != core.CodeRateLimited {
		return 0
	}
	seconds, _ := e.Extra["retryAfter"].(int)
	return seconds
}

// After five failures each costs twice the wait of the one before, up to a quarter of an hour; success forgets them.
func TestThrottle_grows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	for range 5 {
		wantCode(t, w.guess("192.0.2.1", "camille@example.org", bad), core.CodeUnauthenticated, "")
	}
	for _, want := range []int{5, 10, 20, 40, 80, 160, 320, 640, 900, 900} {
		err := w.guess("192.0.2.1", "camille@example.org", good)
		if got := retryAfter(err); got != want {
			t.Fatalf("the wait is %d, %v; want %d", got, err, want)
		}
		w.pass(time.Duration(want) * time.Second)
		wantCode(t, w.guess("192.0.2.1", "camille@example.org", bad), core.CodeUnauthenticated, "")
	}
	w.pass(15 * time.Minute)
	check(t, w.guess("192.0.2.1", "camille@example.org", good))
	wantCode(t, w.guess("192.0.2.1", "camille@example.org", bad), core.CodeUnauthenticated, "")
}

// No spelling of an address or of a network address makes it another one.
func TestThrottle_spellings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, address, email string }{
		{"the same", "192.0.2.1", "camille@example.org"},
		{"case", "192.0.2.1", "CAMILLE@Example.Org"},
		{"spaces", "192.0.2.1", " \tcamille@example.org\u00a0"},
		{"full width", "192.0.2.1", "ｃａｍｉｌｌｅ＠example.org"},
		{"mapped", "::ffff:192.0.2.1", "camille@example.org"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.user("camille@example.org", "")
			for range 5 {
				wantCode(t, w.guess(tc.address, tc.email, bad), core.CodeUnauthenticated, "")
			}
			if err := w.guess("192.0.2.1", "camille@example.org", good); retryAfter(err) == 0 {
				t.Errorf("got %v", err)
			}
			if err := w.guess(tc.address, tc.email, good); retryAfter(err) == 0 {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A network of IPv6 is one caller.
func TestThrottle_network(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		wantCode(t, w.guess(fmt.Sprintf("2001:db8:1:2::%x", i+1), "camille@example.org", bad), core.CodeUnauthenticated, "")
	}
	if err := w.guess("2001:db8:1:2:ffff::1", "camille@example.org", bad); retryAfter(err) == 0 {
		t.Errorf("the same network: %v", err)
	}
	wantCode(t, w.guess("2001:db8:1:3::1", "camille@example.org", bad), core.CodeUnauthenticated, "")
}

// One address on many accounts, and many addresses on one account, whose owner still gets in from where he was before.
func TestThrottle_many(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	check(t, w.guess("198.51.100.1", "camille@example.org", good))
	for i := range 60 {
		wantCode(t, w.guess("192.0.2.1", fmt.Sprintf("user%d@example.org", i), bad), core.CodeUnauthenticated, "")
	}
	if err := w.guess("192.0.2.1", "camille@example.org", good); retryAfter(err) != 900 {
		t.Errorf("one address: %v", err)
	}
	for i := range 50 {
		wantCode(t, w.guess(fmt.Sprintf("203.0.113.%d", i), "camille@example.org", bad), core.CodeUnauthenticated, "")
	}
	if err := w.guess("203.0.113.200", "camille@example.org", good); retryAfter(err) == 0 {
		t.Errorf("many addresses: %v", err)
	}
	check(t, w.guess("198.51.100.1", "camille@example.org", good))
	w.pass(15 * time.Minute)
	check(t, w.guess("203.0.113.200", "camille@example.org", good))
}

// Guesses at the same time are counted before they are looked at.
func TestThrottle_atOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	var wait sync.WaitGroup
	var looked [40]bool
	for i := range looked {
		wait.Go(func() { looked[i] = retryAfter(w.guess("192.0.2.1", "camille@example.org", bad)) == 0 })
	}
	wait.Wait()
	n := 0
	for _, l := range looked {
		if l {
			n++
		}
	}
	if n > 5 {
		t.Errorf("%d guesses were looked at", n)
	}
}

// Whatever else asks for a password or a code counts with signing in.
func TestThrottle_otherDoors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("camille@example.org", "")
	in := w.signIn("camille@example.org")
	for range 5 {
		_, err := w.ChangePassword(from("192.0.2.7"), w.who(in), core.PasswordChange{Current: bad, Next: "another horse in the yard"})
		wantCode(t, err, core.CodeForbidden, "password")
	}
	if err := w.guess("192.0.2.7", "camille@example.org", good); retryAfter(err) == 0 {
		t.Errorf("signing in: %v", err)
	}
	_, err := w.ChangePassword(from("192.0.2.7"), w.who(in), core.PasswordChange{Current: good, Next: "another horse in the yard"})
	if retryAfter(err) == 0 {
		t.Errorf("changing the password: %v", err)
	}
	for range 60 {
		wantCode(t, w.Reset(from("192.0.2.8"), "guess", "another horse in the yard"), core.CodeForbidden, "")
	}
	if err := w.Reset(from("192.0.2.8"), "guess", "another horse in the yard"); retryAfter(err) == 0 {
		t.Errorf("links: %v", err)
	}
}

// Many failures make few lines in the audit, and one that says how many there were.
func TestFailures_told(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 40 {
		_ = w.guess(fmt.Sprintf("203.0.113.%d", i), "camille@example.org", bad)
	}
	check(t, w.Sweep(t.Context()))
	if n := len(w.audit.notes); n != 31 || w.audit.notes[30].Count != 10 || w.audit.notes[30].Event != core.AuditSignInFailed {
		t.Errorf("%d lines, the last %+v", n, w.audit.notes[len(w.audit.notes)-1])
	}
}

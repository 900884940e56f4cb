package account_test

import (
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Who has proved elsewhere who he is signs in, unless the account may not act or asks for more.
func TestSignInUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.user("camille@example.org", "")
	in, err := w.SignInUser(from("192.0.2.1"), id)
	if err != nil || in.User.ID != id || !w.holds(in) {
		t.Fatalf("got %+v, %v", in, err)
	}
	_, err = w.SignInUser(from("192.0.2.1"), w.user("suspended@example.org", `"suspended":true`))
	wantCode(t, err, core.CodeUnauthenticated, "credentials")
	_, err = w.SignInUser(from("192.0.2.1"), "01jd0000000000000000000001")
	wantCode(t, err, core.CodeUnauthenticated, "credentials")
	w.withFactor(in)
	w.pass(time.Minute)
	_, err = w.SignInUser(from("192.0.2.1"), id)
	wantCode(t, err, core.CodeForbidden, "otp_required")
}

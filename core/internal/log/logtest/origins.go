package logtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/palabre-cms/palabre/core"
)

// testForget drops an origin, and a redaction beside it keeps both apart.
func testForget(t *testing.T, l core.Log) {
	commits := Chain(nil, 4)
	for i := range commits[:3] {
		commits[i].Origin = &core.Origin{Address: "2001:db8::7", Agent: "l'été <b>\x00\u2028$where", Request: "r-1"}
	}
	commits[2].Origin = &core.Origin{}
	previous := ""
	for i := range commits {
		commits[i].Seal(previous)
		previous = commits[i].Sum
	}
	mustAppend(t, l, commits)
	if diff := cmp.Diff(commits, readAll(t, l)); diff != "" {
		t.Fatalf("what was read back (-want +got):\n%s", diff)
	}
	for _, at := range []core.Position{2, 2, 3, 4} { // again, one of empty parts, and one that has none
		if err := l.Forget(t.Context(), at); err != nil {
			t.Fatalf("Forget(%d): %v", at, err)
		}
	}
	if err := l.Redact(t.Context(), 2, To(commits[1].Changes...)); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, l)
	commits[1].Forget()
	commits[2].Forget()
	got[1].Digests = nil
	if diff := cmp.Diff(commits, got); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	if err := l.Redact(t.Context(), 1, To(commits[0].Changes...)); err != nil {
		t.Fatal(err)
	}
	if got = readAll(t, l); got[0].Origin == nil || *got[0].Origin != *commits[0].Origin {
		t.Errorf("a redaction has made %+v of the origin", got[0].Origin)
	}
	previous = ""
	for i := range got {
		if err := got[i].Verify(previous); err != nil {
			t.Error(err)
		}
		previous = got[i].Sum
	}
	wantCode(t, "a commit that is not there", l.Forget(t.Context(), 5), core.CodeNotFound)
}

package audit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/audit"
)

// A flood of sign-ins that fail leaves sixty lines a minute, and none of them is lost from the count.
func TestNote_Flood(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now := time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)
	trail, _ := s.trail(func(c *audit.Config) { c.Now = func() time.Time { return now } })
	fail := func(n int) {
		t.Helper()
		for range n {
			if err := trail.Note(core.WithOrigin(t.Context(), here), core.Anonymous, core.AuditEvent{Event: core.AuditSignInFailed}); err != nil {
				t.Fatal(err)
			}
		}
	}
	noted := func() (lines, told int) {
		for _, l := range find(t, trail, core.AuditQuery{Event: core.AuditSignInFailed, Limit: 200}) {
			told += l.Count
			lines++
		}
		return lines, told
	}
	fail(100)
	if lines, told := noted(); lines != 60 || told != 60 {
		t.Errorf("got %d lines that tell of %d, want 60 of 60", lines, told)
	}
	if err := trail.Note(t.Context(), camille, core.AuditEvent{Event: core.AuditSignIn}); err != nil {
		t.Fatal(err)
	}
	if got := find(t, trail, core.AuditQuery{Event: core.AuditSignIn}); len(got) != 1 {
		t.Error("a flood of failures keeps back what is none")
	}
	now = now.Add(time.Minute)
	fail(1)
	if lines, told := noted(); lines != 61 || told != 101 {
		t.Errorf("after a minute: got %d lines that tell of %d, want 61 of 101", lines, told)
	}
	fail(70)
	if err := trail.TellHeld(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lines, told := noted(); lines != 120 || told != 160 {
		t.Errorf("while the flood goes on: got %d lines that tell of %d, want 120 of 160", lines, told)
	}
	now = now.Add(time.Minute)
	for range 2 {
		if err := trail.TellHeld(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if lines, told := noted(); lines != 121 || told != 171 {
		t.Errorf("when nothing follows: got %d lines that tell of %d, want 121 of 171", lines, told)
	}
}

// Who leaves at once is noted all the same.
func TestNote_CallerHasLeft(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	gone, leave := context.WithCancel(core.WithOrigin(t.Context(), here))
	leave()
	if err := trail.Note(gone, core.Anonymous, core.AuditEvent{Event: core.AuditSignInFailed}); err != nil {
		t.Fatal(err)
	}
	got := find(t, trail, core.AuditQuery{})
	if len(got) != 1 || got[0].By != "anonymous" || got[0].Origin == nil || got[0].Count != 1 {
		t.Errorf("got %+v", got)
	}
}

// What is noted is refused when it could not be found again.
func TestNote_Refusals(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	for _, e := range []core.AuditEvent{{Event: "Not An Event"}, {Event: ""}, {Event: "x", Count: -1}, {Event: "x", Detail: map[string]any{"f": func() {}}}} {
		if err := trail.Note(t.Context(), camille, e); err == nil {
			t.Errorf("%s was noted", fmt.Sprint(e))
		}
	}
}

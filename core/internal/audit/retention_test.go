package audit_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
)

// Where old requests came from is forgotten, in the log and in the view, and the log stays sound.
func TestForgetOrigins(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, stop := s.trail()
	s.write(camille, here, create("A"))
	s.write(camille, nil, create("B"))
	second := s.write(camille, here, create("C"))
	find(t, trail, core.AuditQuery{})
	if n, err := trail.ForgetOrigins(t.Context(), time.Now().Add(-time.Hour)); err != nil || n != 0 {
		t.Errorf("nothing is that old: got %d, %v", n, err)
	}
	after := second.Items[0].Entry.UpdatedAt.Add(time.Millisecond)
	if n, err := trail.ForgetOrigins(t.Context(), after); err != nil || n != 2 {
		t.Fatalf("got %d, %v, want 2", n, err)
	}
	if n, err := trail.ForgetOrigins(t.Context(), after); err != nil || n != 0 {
		t.Errorf("a second time: got %d, %v, want 0", n, err)
	}
	for _, l := range find(t, trail, core.AuditQuery{}) {
		if l.Origin != nil {
			t.Errorf("the view still has %+v", l)
		}
	}
	if got := find(t, trail, core.AuditQuery{Event: core.AuditSweep}); len(got) != 1 || got[0].Count != 2 || got[0].By != "system" {
		t.Errorf("the forgetting was noted as %+v", got)
	}
	s.write(camille, here, create("D"))
	if got := find(t, trail, core.AuditQuery{Address: here.Address}); len(got) != 1 {
		t.Errorf("what came later: got %d lines, want 1", len(got))
	}
	if r, err := log.Verify(t.Context(), s.log, nil); err != nil || !r.OK() || r.Forgot != 2 {
		t.Errorf("got %+v, %v, want a sound log with two forgotten origins", r, err)
	}
	if n, err := trail.ForgetOrigins(t.Context(), time.Now().Add(time.Hour)); err != nil || n != 1 {
		t.Fatalf("got %d, %v, want 1", n, err)
	}
	wantGone(t, s.path(), s.path()+"-wal")
	stop()
	s.content.Close()
	s.log.Close()
	wantGone(t, s.path(), s.path()+"-wal", s.dir+"/log.db", s.dir+"/log.db-wal")
}

// wantGone looks into the very bytes of files.
func wantGone(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(here.Address)) {
			t.Errorf("%s still holds the address", path)
		}
	}
}

// What an erasure does to the past reaches the view: told of the position, or by the record of the erasure.
func TestForgotten(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	made := s.write(camille, here, core.Operation{Op: core.OperationCreate, Type: "note", Data: map[string]any{"title": "A"}, Comment: "For Camille Exemple."})
	find(t, trail, core.AuditQuery{})
	must(t, s.log.Forget(t.Context(), 1))
	must(t, trail.Forgotten(t.Context(), 1))
	must(t, trail.Forgotten(t.Context(), 99))
	if got := find(t, trail, core.AuditQuery{}); got[0].Origin != nil || got[0].Comment == "" {
		t.Errorf("after a Forget: got %+v", got[0])
	}

	commits, err := s.log.Read(t.Context(), 1, 1)
	must(t, err)
	erased := commits[0].Changes[0]
	erased.Comment = ""
	must(t, s.log.Redact(t.Context(), 1, logtest.To(erased)))
	record := core.Commit{Position: 2, ID: "01jqg7z1t0000000000000000a", At: commits[0].At, By: "system", Reason: "erasure",
		Changes: []core.Change{{Type: "note", Entry: made.Items[0].ID, Op: core.OpRedact, Action: core.ActionRedact, Meta: made.Items[0].Entry.Meta}}}
	record.Seal(commits[0].Sum)
	if _, err := s.log.Append(t.Context(), []core.Commit{record}); err != nil {
		t.Fatal(err)
	}
	got := find(t, trail, core.AuditQuery{})
	if len(got) != 2 || got[0].Event != "redact" || got[1].Comment != "" || got[1].Event != "create" {
		t.Errorf("after a Redact: got %+v", got)
	}
}

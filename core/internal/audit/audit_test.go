package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/audit"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// Each change of each commit has its line, and each event.
func TestFind_Lines(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	made := s.write(camille, here, create("A"), create("B"))
	a, b := made.Items[0].ID, made.Items[1].ID
	s.write(admin, nil, core.Operation{Op: core.OperationUpdate, Type: "note", ID: a, Data: map[string]any{"title": "C"}, Comment: "A word."})
	s.write(admin, nil, core.Operation{Op: core.OperationPurge, Type: "note", ID: b})
	err := trail.Note(core.WithOrigin(t.Context(), here), camille, core.AuditEvent{Event: core.AuditExport, Type: "note", Count: 2, Detail: map[string]any{"format": "csv", "n": 3}})
	if err != nil {
		t.Fatal(err)
	}
	got := find(t, trail, core.AuditQuery{})
	for i := range got {
		if got[i].At.IsZero() || got[i].At.Location() != time.UTC {
			t.Errorf("line %d: at %s", i, got[i].At)
		}
		got[i].At = time.Time{}
	}
	want := []core.AuditLine{
		{Position: 4, By: "user:camille", Event: "export", Type: "note", Origin: here, Count: 2, Detail: map[string]any{"format": "csv", "n": 3.0}},
		{Position: 3, By: "user:admin", Event: "purge", Type: "note", Entry: b, Rev: 2, Reason: "purge"},
		{Position: 2, By: "user:admin", Event: "update", Type: "note", Entry: a, Rev: 2, Reason: "update", Comment: "A word."},
		{Position: 1, By: "user:camille", Event: "create", Type: "note", Entry: b, Rev: 1, Reason: "create", Origin: here},
		{Position: 1, By: "user:camille", Event: "create", Type: "note", Entry: a, Rev: 1, Reason: "create", Origin: here},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// A change of a role says which by its name.
func TestFind_Role(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	s.write(core.System, nil, core.Operation{Op: core.OperationCreate, Type: "_role", Data: map[string]any{"name": "jury"}})
	got := find(t, trail, core.AuditQuery{Type: "_role"})
	if len(got) != 1 || got[0].Detail["name"] != "jury" || got[0].By != "system" {
		t.Errorf("got %+v", got)
	}
}

func TestFind_Filters(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	there := &core.Origin{Address: "198.51.100.1"}
	first := s.write(camille, here, create("A"))
	s.write(admin, there, create("B"))
	s.write(admin, here, core.Operation{Op: core.OperationUpdate, Type: "note", ID: first.Items[0].ID, Data: map[string]any{"title": "C"}})
	if err := trail.Note(t.Context(), admin, core.AuditEvent{Event: core.AuditSignIn}); err != nil {
		t.Fatal(err)
	}
	second := find(t, trail, core.AuditQuery{Address: "198.51.100.1"})[0].At
	for _, tc := range []struct {
		name string
		q    core.AuditQuery
		want []core.Position
	}{
		{"all", core.AuditQuery{}, []core.Position{4, 3, 2, 1}},
		{"by", core.AuditQuery{By: "user:camille"}, []core.Position{1}},
		{"event", core.AuditQuery{Event: "create"}, []core.Position{2, 1}},
		{"an event that is no write", core.AuditQuery{Event: "sign_in"}, []core.Position{4}},
		{"type", core.AuditQuery{Type: "note"}, []core.Position{3, 2, 1}},
		{"entry", core.AuditQuery{Type: "note", Entry: first.Items[0].ID}, []core.Position{3, 1}},
		{"address", core.AuditQuery{Address: "192.0.2.7"}, []core.Position{3, 1}},
		{"address and by", core.AuditQuery{Address: "192.0.2.7", By: "user:admin"}, []core.Position{3}},
		{"since", core.AuditQuery{Since: second, Type: "note", By: "user:admin", Event: "create"}, []core.Position{2}},
		{"until", core.AuditQuery{Until: second, Address: "198.51.100.1"}, nil},
		{"since the future", core.AuditQuery{Since: time.Now().Add(time.Hour)}, nil},
		{"nothing", core.AuditQuery{By: "' or 1=1 --"}, nil},
		{"limit", core.AuditQuery{Limit: 2}, []core.Position{4, 3}},
		{"a limit below one", core.AuditQuery{Limit: -3}, []core.Position{4}},
		{"before", core.AuditQuery{Before: "3.0"}, []core.Position{2, 1}},
	} {
		var got []core.Position
		for _, l := range find(t, trail, tc.q) {
			got = append(got, l.Position)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	for _, cursor := range []string{"x", "1", "0.0", "-1.0", "1.-1", "1.0.0", "1.0 or 1=1"} {
		if _, err := trail.Find(t.Context(), admin, core.AuditQuery{Before: cursor}); core.CodeOf(err) != core.CodeBadRequest {
			t.Errorf("cursor %q: got %v", cursor, err)
		}
	}
}

// Paging gives every line once, though a page ends in the middle of a commit.
func TestFind_Pages(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	for i := range 3 {
		s.write(admin, nil, create(fmt.Sprint(i)), create(fmt.Sprint(i, "b")), create(fmt.Sprint(i, "c")))
	}
	seen := map[core.EntryID]bool{}
	q := core.AuditQuery{Limit: 2}
	for pages := 1; ; pages++ {
		page, err := trail.Find(t.Context(), admin, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page.Data {
			seen[l.Entry] = true
		}
		if q.Before = page.Next; q.Before == "" {
			if pages != 5 || len(page.Data) != 1 {
				t.Errorf("got %d pages, the last of %d", pages, len(page.Data))
			}
			break
		}
	}
	if len(seen) != 9 {
		t.Errorf("got %d entries, want 9", len(seen))
	}
	if page, err := trail.Find(t.Context(), admin, core.AuditQuery{Limit: 9}); err != nil || page.Next != "" {
		t.Errorf("a full last page: got next %q, %v", page.Next, err)
	}
}

func TestFind_Rights(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	for who, want := range map[*core.Principal]core.Code{admin: "", core.System: "", camille: core.CodeForbidden, core.Anonymous: core.CodeNotFound} {
		if _, err := trail.Find(t.Context(), who, core.AuditQuery{}); core.CodeOf(err) != want {
			t.Errorf("%s: got %v, want %q", who.ID, err, want)
		}
	}
}

// TestReopen has the view go on where it was, or begin anew when it is not what it should be.
func TestReopen(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string){
		"as it was":      func(*testing.T, string) {},
		"gone":           func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"no database":    func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte(strings.Repeat("x", 9000)), 0o600)) },
		"cut short":      func(t *testing.T, path string) { must(t, os.Truncate(path, 3*4096)) },
		"another format": func(t *testing.T, path string) { run(t, path, `update state set value = 99 where name = 'format'`) },
		"other tables":   func(t *testing.T, path string) { run(t, path, `drop table lines; create table lines (x)`) },
		"of another log": func(t *testing.T, path string) {
			run(t, path, `update state set value = 'x' where name = 'commit'; delete from lines`)
		},
		"ahead of it": func(t *testing.T, path string) {
			run(t, path, `update state set value = 99 where name = 'position'; delete from lines`)
		},
		"behind": func(t *testing.T, path string) {
			run(t, path, `delete from lines; update state set value = 0 where name = 'position'`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			trail, stop := s.trail()
			s.write(camille, here, create("A"))
			if got := find(t, trail, core.AuditQuery{}); len(got) != 1 {
				t.Fatalf("got %d lines", len(got))
			}
			stop()
			spoil(t, s.path())
			s.write(admin, nil, create("B"), create("C"))
			trail, _ = s.trail()
			want := []string{"user:admin", "user:admin", "user:camille"}
			var got []string
			for _, l := range find(t, trail, core.AuditQuery{}) {
				got = append(got, l.By)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("lines by (-want +got):\n%s", diff)
			}
		})
	}
}

// A file that is damaged while it is used is made anew, without a restart.
func TestFind_DamagedWhileOpen(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	s.write(camille, here, create("A"))
	find(t, trail, core.AuditQuery{})
	info, err := os.Stat(s.path())
	must(t, err)
	must(t, os.WriteFile(s.path()+"-wal", nil, 0o600))
	must(t, os.WriteFile(s.path(), []byte(strings.Repeat("x", int(info.Size()))), 0o600))
	s.write(admin, nil, create("B"))
	var got []core.AuditLine
	eventually(t, "the trail is whole again", func() bool {
		page, err := trail.Find(t.Context(), admin, core.AuditQuery{})
		if err == nil {
			got = page.Data
		}
		return err == nil && len(got) == 2
	})
	if diff := cmp.Diff([]string{"create", "create"}, events(got)); diff != "" {
		t.Error(diff)
	}
}

// A view that is too far behind says so rather than answering with a part.
func TestFind_Behind(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.write(camille, here, create("A"))
	trail, err := audit.Open(audit.Config{Path: filepath.Join(t.TempDir(), "audit.db"), Log: s.log, Content: s.content, Types: known(), Access: access{}, Patience: time.Millisecond})
	must(t, err)
	defer trail.Close()
	if _, err := trail.Find(t.Context(), admin, core.AuditQuery{}); core.CodeOf(err) != core.CodeUnavailable || !strings.Contains(err.Error(), "0/1") {
		t.Errorf("got %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sqlite.Open(path, sqlite.Options{})
	must(t, err)
	defer db.Close()
	_, err = db.Exec(statements)
	must(t, err)
}

// eventually asks again and again, and fails when the answer stays no.
func eventually(t testing.TB, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(30 * time.Second)
	for !ask() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("this did not happen within 30 s: %s", what)
		}
	}
}

// Writes at once have their lines, each once and in the order of the log, and a question sees all that came before it.
func TestFind_ManyWriters(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	trail, _ := s.trail()
	const writers, each = 4, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				made := s.write(camille, here, create(fmt.Sprint(w, i)), create(fmt.Sprint(w, i, "b")))
				if got := find(t, trail, core.AuditQuery{Entry: made.Items[1].ID}); len(got) != 1 || got[0].Position != made.Position {
					t.Errorf("got %+v of what was written at %d", got, made.Position)
				}
			}
		})
	}
	all.Wait()
	got := find(t, trail, core.AuditQuery{Limit: 200})
	if len(got) != 2*writers*each {
		t.Fatalf("got %d lines, want %d", len(got), 2*writers*each)
	}
	for i, l := range got {
		if want := core.Position(writers*each - i/2); l.Position != want {
			t.Errorf("line %d is of commit %d, want %d", i, l.Position, want)
		}
	}
}

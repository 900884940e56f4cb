package privacy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func (w *world) retention(dryRun bool) *core.RetentionReport {
	w.t.Helper()
	r, err := w.privacy.Retention(w.t.Context(), core.System, dryRun)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func dueLines(r *core.RetentionReport) (lines []string) {
	for _, d := range r.Due {
		lines = append(lines, fmt.Sprint(d.Type, " ", d.Fields, " ", d.Since.Format(time.DateOnly)))
	}
	return lines
}

// TestRetention lets time pass over a meeting, somebody and two accounts: each field goes when its own time is over.
func TestRetention(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("person", true, `{"name": "Zébulonne Imaginaire", "mail": "z@example.org"}`)
	m := w.create("meeting", true, `{"title": "Séance", "day": "2025-03-10", "guests": [{"name": "Zébulonne Imaginaire", "diet": "Sans sel"}]}`)
	w.create("meeting", true, `{"title": "Sans date", "guests": [{"name": "Camille Exemple", "diet": "Sans noix"}]}`)
	w.create("_user", false, `{"name": "Camille Exemple", "email": "camille@example.org"}`)
	old := w.create("_user", false, `{"name": "Zébulonne Imaginaire", "email": "z@example.org", "suspended": true}`)
	for _, step := range []struct {
		now  string
		want []string
	}{
		{"2025-03-16", nil},
		{"2025-03-17", []string{"meeting [guests.diet] 2025-03-17"}},
		{"2026-03-02", []string{"meeting [guests.diet] 2025-03-17", "_user [email name identities] 2026-03-01"}},
		{"2026-04-10", []string{"meeting [guests.name guests.diet] 2025-03-17", "_user [email name identities] 2026-03-01"}},
		{"2028-03-02", []string{"meeting [guests.name guests.diet] 2025-03-17", "person [name mail phone bio pin] 2028-03-01", "_user [email name identities] 2026-03-01"}},
	} {
		w.now, _ = time.Parse(time.DateOnly, step.now)
		w.now = w.now.Add(13 * time.Hour)
		if got := dueLines(w.retention(true)); !slices.Equal(got, step.want) {
			t.Errorf("%s: got %q, want %q", step.now, got, step.want)
		}
	}
	at := w.keeper.Position()
	if r := w.retention(true); w.keeper.Position() != at || r.Erasure != nil || !r.DryRun {
		t.Errorf("a dry run has done something: %+v", r)
	}
	swept := w.retention(false)
	if swept.Erasure == nil || len(swept.Erasure.Entries) != 3 || swept.Erasure.Commits != 3 || swept.Erasure.Position == 0 {
		t.Errorf("swept: %+v", swept.Erasure)
	}
	if files := w.names("Zébulonne", "z@example.org", "Sans sel"); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	if len(w.names("Sans noix")) == 0 || w.stored(e) == nil || w.stored(m) == nil || w.stored(old) == nil {
		t.Error("something was erased that was not due")
	}
	w.now = w.now.AddDate(9, 0, 0)
	if again := w.retention(false); len(again.Due) != 0 || again.Erasure != nil {
		t.Errorf("what names nobody is due again: %q", dueLines(again))
	}
	w.verify()
	if last := w.audit.events[len(w.audit.events)-2]; last.Event != core.AuditSweep && last.Count != 3 || strings.Contains(text(w.audit.events), "ébulonne") {
		t.Errorf("audit: %s", text(w.audit.events))
	}
}

// TestRetention_eachInItsTime sweeps one field of an entry long before the other.
func TestRetention_eachInItsTime(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.create("meeting", true, `{"title": "Séance", "day": "2025-03-10", "guests": [{"name": "Zébulonne Imaginaire", "diet": "Sans sel"}]}`)
	w.now = w.now.AddDate(0, 1, 0)
	w.retention(false)
	if len(w.names("Sans sel")) > 0 || len(w.names("Zébulonne")) == 0 {
		t.Fatal("the first sweep has not taken the diet alone")
	}
	w.now = w.now.AddDate(2, 0, 0)
	if got := dueLines(w.retention(false)); !slices.Equal(got, []string{"meeting [guests.name] 2026-04-10"}) || len(w.names("Zébulonne")) > 0 {
		t.Errorf("then it was due: %q", got)
	}
	if again := w.retention(true); len(again.Due) > 0 {
		t.Errorf("due again: %q", dueLines(again))
	}
}

// TestRetention_interrupted notes a sweep that the store interrupts, and does none that cannot be noted.
func TestRetention_interrupted(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.person()
	w.now = w.now.AddDate(4, 0, 0)
	w.audit.fails = true
	at := w.keeper.Position()
	if _, err := w.privacy.Retention(t.Context(), core.System, false); core.CodeOf(err) != core.CodeUnavailable || w.keeper.Position() != at {
		t.Errorf("one that cannot be noted: %v", err)
	}
	w.audit.fails, w.log.redactions = false, 0
	if _, err := w.privacy.Retention(t.Context(), core.System, false); core.CodeOf(err) != core.CodeUnavailable || len(w.audit.events) != 1 {
		t.Errorf("got %v, audit %s", err, text(w.audit.events))
	}
}

// TestRetention_gone sweeps the past of what was purged: its time runs on.
func TestRetention_gone(t *testing.T) {
	t.Parallel()
	w := open(t)
	user := w.create("_user", false, `{"name": "Camille Exemple", "email": "camille@example.org"}`)
	session := w.create("_session", false, `{"user": {"_ref": "%s", "_type": "_user"}, "address": "192.0.2.77", "agent": "Browser of Zébulonne", "hash": "%s", "expiresAt": "2025-04-01T00:00:00Z"}`, user.ID, strings.Repeat("0", 64))
	met := w.create("meeting", true, `{"title": "Séance", "day": "2025-03-10", "guests": [{"name": "Zébulonne Imaginaire"}]}`)
	for _, e := range []*core.Entry{session, met, w.person()} {
		w.do(core.Operation{Op: core.OperationPurge, Type: e.Type, ID: e.ID})
	}
	for _, step := range []struct {
		now  string
		want []string
	}{
		{"2025-08-31", nil},
		{"2025-09-02", []string{"_session [address agent] 2025-09-01"}},
		{"2026-04-11", []string{"_session [address agent] 2025-09-01", "meeting [guests.name] 2026-04-10"}},
		{"2028-03-02", []string{"_session [address agent] 2025-09-01", "meeting [guests.name] 2026-04-10", "person [name mail phone bio pin] 2028-03-01"}},
	} {
		w.now, _ = time.Parse(time.DateOnly, step.now)
		w.now = w.now.Add(13 * time.Hour)
		got := dueLines(w.retention(true))
		slices.Sort(got)
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: got %q, want %q", step.now, got, step.want)
		}
	}
	w.retention(false)
	if files := w.names(append(traces, "192.0.2.77")...); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	if again := w.retention(true); len(again.Due) > 0 {
		t.Errorf("due again: %q", dueLines(again))
	}
	w.verify()
}

// TestRetention_batches sweeps more entries than one commit takes.
func TestRetention_batches(t *testing.T) {
	t.Parallel()
	w := open(t)
	var ops []core.Operation
	for i := range 520 {
		ops = append(ops, core.Operation{Op: core.OperationCreate, Type: "person", Data: doc(t, `{"name": "Camille Exemple", "mail": "c%d@example.org"}`, i)})
	}
	if _, err := w.content.Write(t.Context(), core.System, ops, core.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.AddDate(4, 0, 0)
	r := w.retention(false)
	if r.Erasure == nil || len(r.Erasure.Entries) != 520 || len(r.Erasure.Refused) != 0 || w.keeper.count != 1 {
		t.Errorf("got %d due, %+v, %d rebuilds", len(r.Due), r.Erasure, w.keeper.count)
	}
	if files := w.names("Camille", "@example.org"); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
	w.verify()
}

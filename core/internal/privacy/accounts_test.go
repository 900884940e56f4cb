package privacy_test

import (
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// session begins a session of an account, from an address and a browser that bear a number.
func (w *world) session(user *core.Entry, number string) *core.Entry {
	w.t.Helper()
	return w.create("_session", false, `{"user": {"_ref": "%s", "_type": "_user"}, "address": "192.0.2.%s", "agent": "Browser %[2]s", "hash": "%s", "expiresAt": "2025-04-01T00:00:00Z"}`,
		user.ID, number, strings.Repeat(number, 64))
}

// An account whose person is erased is nobody's: nobody signs in to it.
func TestErase_account(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("_user", false, `{"name": "Zébulonne Imaginaire", "email": "z@example.org", "password": "hash", "roles": ["reader"]}`)
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "_user", ID: e.ID, Fields: []string{"name"}}}})
	if got := string(w.stored(e).Latest()); strings.Contains(got, "suspended") {
		t.Errorf("without its name it is %s", got)
	}
	other := w.create("_user", false, `{"name": "Camille Exemple", "email": "c@example.org", "roles": ["reader"]}`)
	over, there, kept := w.session(e, "1"), w.session(e, "2"), w.session(other, "3")
	w.do(core.Operation{Op: core.OperationPurge, Type: "_session", ID: over.ID})
	report := w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "_user", ID: e.ID}}})
	if got := string(w.stored(e).Latest()); !strings.Contains(got, `"suspended":true`) || strings.Contains(got, "password") {
		t.Errorf("erased it is %s", got)
	}
	if files := w.names("Browser 1", "Browser 2", "192.0.2.1", "192.0.2.2"); len(files) > 0 || w.stored(there) != nil || len(report.Entries) != 1 {
		t.Errorf("still there: %v, report %+v", files, report)
	}
	over = w.session(other, "4")
	w.do(core.Operation{Op: core.OperationPurge, Type: "_session", ID: over.ID})
	if w.stored(kept) == nil {
		t.Error("somebody else's session is gone")
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "_user", ID: other.ID, Purge: true}}})
	if files := w.names("Browser", "192.0.2."); len(files) > 0 || w.stored(kept) != nil {
		t.Errorf("purged, and still there: %v", files)
	}
	w.verify()
}

package content_test

import (
	"context"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/internal/log"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
)

// moved makes an entry that has been published under another slug: the former one finds it still.
func (n *node) moved() *core.Entry {
	n.t.Helper()
	e := n.createLive("fiche", `{"title": "Camille Exemple"}`)
	return n.do(core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(n.t, `{"title": "C.", "slug": "c"}`), Publish: true}).Entry
}

func erasure(e *core.Entry, draft, published string) core.Operation {
	to := &core.Migrated{}
	if draft != "" {
		to.Draft = core.Doc(draft)
	}
	if published != "" {
		to.Published = core.Doc(published)
	}
	return core.Operation{Op: core.OperationErase, Type: e.Type, ID: e.ID, IfMatch: e.Rev, Migrate: to}
}

// lastChange is the last change in the log.
func (n *node) lastChange() core.Change {
	n.t.Helper()
	commits, err := n.log.Read(context.Background(), n.catalog.Position(), 1)
	if err != nil || len(commits) != 1 {
		n.t.Fatal(commits, err)
	}
	return commits[0].Changes[len(commits[0].Changes)-1]
}

func TestWrite_erase(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.moved()
	if len(e.Slugs) != 1 {
		t.Fatalf("former slugs: %v", e.Slugs)
	}
	hooks := 0
	add(t, &n.hooks.EntryUpdate, "count", func(_ context.Context, _ *core.EntryEvent, _ hook.Next) error { hooks++; return nil })
	r, err := n.write(core.System, erasure(e, "", `{"title":"—","slug":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	got := n.stored(e)
	want(t, got.Published, `{"title": "—", "slug": "x"}`)
	if len(got.Slugs) != 0 || got.Rev != e.Rev+1 || got.Live.Rev != got.Rev || got.Draft != nil || hooks != 0 || r.Items[0].Entry.Rev != got.Rev {
		t.Errorf("erased: %+v, %d hooks", got, hooks)
	}
	if _, _, err := n.catalog.BySlug(context.Background(), "fiche", "camille-exemple", core.StatePublished); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("the former slug still leads to it: %v", err)
	}
}

// TestWrite_eraseStandsAlone erases what is as it should be already: the change holds both documents all the same, since the
// changes before it are going to be rewritten.
func TestWrite_eraseStandsAlone(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.createLive("fiche", `{"title": "A"}`)
	if _, err := n.write(core.System, erasure(e, "", string(e.Published))); err != nil {
		t.Fatal(err)
	}
	ch := n.lastChange()
	want(t, ch.Published, `{"title": "A", "slug": "a", "region": "44"}`)
	if ch.Action != core.ActionErase || !core.IsNull(ch.Draft) {
		t.Errorf("got %+v", ch)
	}
}

func TestWrite_eraseRefuses(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.createLive("fiche", `{"title": "A"}`)
	stale := erasure(e, "", `{"title":"B"}`)
	stale.IfMatch = 7
	for _, tc := range []struct {
		name string
		who  *core.Principal
		op   core.Operation
		want core.Code
	}{
		{"an administrator", admin, erasure(e, "", `{"title":"B"}`), core.CodeForbidden},
		{"an administrator, of the past", admin, core.Operation{Op: core.OperationRedact, Type: "fiche", ID: e.ID}, core.CodeForbidden},
		{"another revision", core.System, stale, core.CodeStale},
		{"other documents than there are", core.System, erasure(e, `{"title":"B"}`, ""), core.CodeStale},
		{"no documents", core.System, core.Operation{Op: core.OperationErase, Type: "fiche", ID: e.ID}, core.CodeInternal},
		{"no entry", core.System, core.Operation{Op: core.OperationErase, Type: "fiche", ID: "00000000000000000000000000", Migrate: &core.Migrated{}}, core.CodeNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) { n.refused(tc.want, tc.who, tc.op) })
	}
}

// TestWrite_redact rewrites the past of an entry, then records it: the state, the revisions and the catalog stay, and the
// log verifies. One that was purged can have its past rewritten as well.
func TestWrite_redact(t *testing.T) {
	t.Parallel()
	n := start(t)
	kept, gone := n.moved(), n.createLive("fiche", `{"title": "Dominique Exemple"}`)
	if _, err := n.write(core.System, erasure(kept, "", `{"title":"—","slug":"x"}`), core.Operation{Op: core.OperationPurge, Type: "fiche", ID: gone.ID}); err != nil {
		t.Fatal(err)
	}
	n.rewrite(func(ch *core.Change) {
		if ch.Action == core.ActionErase {
			return
		}
		if ch.Meta.Slugs = nil; ch.Draft != nil && !core.IsNull(ch.Draft) {
			ch.Draft = core.Doc(`{}`)
		}
		if ch.Published != nil && !core.IsNull(ch.Published) {
			ch.Published = core.Doc(`{}`)
		}
	})
	if report, err := log.Verify(t.Context(), n.log, nil); err != nil || report.OK() {
		t.Errorf("before it is recorded: %+v, %v", report, err)
	}
	before := n.stored(kept)
	if _, err := n.write(core.System, core.Operation{Op: core.OperationRedact, Type: "fiche", ID: kept.ID}, core.Operation{Op: core.OperationRedact, Type: "fiche", ID: gone.ID}); err != nil {
		t.Fatal(err)
	}
	report, err := log.Verify(t.Context(), n.log, nil)
	if err != nil || !report.OK() || report.Entries != 1 || report.Redacted != 3 {
		t.Errorf("after it is recorded: %+v, %v", report, err)
	}
	if after := n.stored(kept); after.Rev != before.Rev || string(after.Published) != string(before.Published) || n.stored(gone) != nil {
		t.Errorf("from %+v to %+v", before, after)
	}
	if n.holds("xemple") {
		t.Error("the log still holds the name")
	}
}

// rewrite has a function change every change of the log.
func (n *node) rewrite(f func(*core.Change)) {
	n.t.Helper()
	commits, err := n.log.Read(context.Background(), 1, 1000)
	if err != nil {
		n.t.Fatal(err)
	}
	for i := range commits {
		for k := range commits[i].Changes {
			f(&commits[i].Changes[k])
		}
		if err := n.log.Redact(context.Background(), commits[i].Position, logtest.To(commits[i].Changes...)); err != nil {
			n.t.Fatal(err)
		}
	}
}

// holds reports whether a text stands in any document of the log, or among former slugs.
func (n *node) holds(text string) (found bool) {
	commits, err := n.log.Read(context.Background(), 1, 1000)
	if err != nil {
		n.t.Fatal(err)
	}
	for i := range commits {
		for _, ch := range commits[i].Changes {
			found = found || strings.Contains(string(ch.Draft)+string(ch.Published)+strings.Join(ch.Meta.Slugs, " "), text)
		}
	}
	return found
}

package content_test

import (
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// A reassignment changes whose an entry is, and nothing else of it.
func TestReassign(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.createLive("fiche", `{"title":"Budget"}`)
	e = n.update(e, `{"title":"Budget 2"}`)
	op := core.Operation{Op: core.OperationReassign, Type: "fiche", ID: e.ID, Owner: "user:heir"}
	n.refused(core.CodeForbidden, admin, op)
	r, err := n.write(core.System, op)
	if err != nil || !r.Items[0].Changed || r.Items[0].Action != core.ActionReassign {
		t.Fatalf("got %+v, %v", r, err)
	}
	got := n.stored(e)
	if got.CreatedBy != "user:heir" || got.Rev != e.Rev+1 || got.UpdatedBy != core.System.ID || got.Status != e.Status {
		t.Errorf("got %+v after %+v", got.Meta, e.Meta)
	}
	if string(got.Draft) != string(e.Draft) || string(got.Published) != string(e.Published) || *got.Live != *e.Live {
		t.Errorf("the documents moved: %s %s", got.Draft, got.Published)
	}
	again, err := n.write(core.System, op)
	if err != nil || again.Items[0].Changed {
		t.Errorf("once more: %+v, %v", again.Items[0], err)
	}
	op.Owner = ""
	n.refused(core.CodeBadRequest, core.System, op)
}

// Fill sets what no caller may, beside what he sends and under his own rights.
func TestFill(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.do(core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title":"A","count":1}`), Fill: doc(t, `{"score":7}`)}).Entry
	want(t, e.Draft, `{"title":"A","slug":"a","region":"44","count":1,"score":7}`)
	n.refused(core.CodeInvalid, admin, core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, `{"score":8}`), Fill: doc(t, `{"score":9}`)})
	n.refused(core.CodeInvalid, admin, core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, `{"score":null}`)})
	n.roles["writer"] = map[core.Action]*core.Scope{core.ActionUpdate: {Read: core.FieldSet{All: true}, Write: core.FieldSet{Only: map[string]bool{"title": true}}}}
	e = n.must(somebody("writer"), core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, `{"title":"B"}`), Fill: doc(t, `{"score":null}`)})
	want(t, e.Draft, `{"title":"B","slug":"a","region":"44","count":1}`)
	n.refused(core.CodeForbidden, somebody("writer"), core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, `{"title":"C"}`), Fill: doc(t, `{"count":2}`)})
}

// must performs one operation as somebody.
func (n *node) must(who *core.Principal, op core.Operation) *core.Entry {
	n.t.Helper()
	r, err := n.write(who, op)
	if err != nil {
		n.t.Fatal(err)
	}
	return r.Items[0].Entry
}

package content_test

import (
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// A commit says where its request came from; what comes from nowhere, as a schedule, says nothing.
func TestWrite_Origin(t *testing.T) {
	t.Parallel()
	n := start(t)
	ctx := core.WithOrigin(t.Context(), &core.Origin{Address: "192.0.2.7", Agent: "curl", Request: "r-1"})
	here, err := n.Write(ctx, admin, []core.Operation{{Op: core.OperationCreate, Type: "partner", Data: doc(t, `{"name": "Ville"}`)}}, core.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	nowhere := n.create("partner", `{"name": "Métropole"}`)
	commits, err := n.log.Read(t.Context(), here.Position, 10)
	if err != nil || len(commits) != 2 || commits[1].Changes[0].Entry != nowhere.ID {
		t.Fatalf("got %+v, %v", commits, err)
	}
	if got := commits[0].Origin; got == nil || *got != (core.Origin{Address: "192.0.2.7", Agent: "curl", Request: "r-1"}) {
		t.Errorf("got %+v", got)
	}
	if c := commits[1]; c.Origin != nil || c.OriginSalt != "" || c.OriginDigest != "" {
		t.Errorf("from nowhere: got %+v", c)
	}
	for i, previous := range []string{n.sumBefore(here.Position), commits[0].Sum} {
		if err := commits[i].Verify(previous); err != nil {
			t.Error(err)
		}
	}
}

// sumBefore is the sum that a commit continues.
func (n *node) sumBefore(at core.Position) string {
	n.t.Helper()
	if at == 1 {
		return ""
	}
	commits, err := n.log.Read(n.t.Context(), at-1, 1)
	if err != nil {
		n.t.Fatal(err)
	}
	return commits[0].Sum
}

// What was noted stays as it is, for the mightiest administrator too.
func TestWrite_AppendOnly(t *testing.T) {
	t.Parallel()
	n := start(t)
	actor := &core.Principal{ID: "user:01j", Kind: "system"}
	for name, data := range map[core.TypeName]string{
		"_audit":   `{"event": "export", "by": "user:01j"}`,
		"_erasure": `{"reason": "A request", "state": "pending"}`,
	} {
		create := core.Operation{Op: core.OperationCreate, Type: name, Data: doc(t, "%s", data)}
		r, err := n.write(actor, create)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		id := r.Items[0].ID
		for what, op := range map[string]core.Operation{
			"create":             create,
			"update":             {Op: core.OperationUpdate, Type: name, ID: id, Data: doc(t, `{}`)},
			"replace":            {Op: core.OperationReplace, Type: name, ID: id, Data: doc(t, "%s", data)},
			"delete":             {Op: core.OperationDelete, Type: name, ID: id},
			"purge":              {Op: core.OperationPurge, Type: name, ID: id},
			"restore":            {Op: core.OperationRestore, Type: name, ID: id},
			"restore a revision": {Op: core.OperationRestore, Type: name, ID: id, Rev: 1},
		} {
			n.refuses(what+" "+string(name)+" as an administrator", admin, op, "append_only")
			if op.Op != core.OperationCreate && op.Op != core.OperationUpsert {
				n.refuses(what+" "+string(name)+" as Palabre in his name", actor, op, "append_only")
			}
		}
		n.refuses("migrate "+string(name), actor, core.Operation{Op: core.OperationUpdate, Type: name, ID: id, Migrate: &core.Migrated{Draft: core.Doc(`{}`)}}, "append_only")
		if _, err := n.write(core.Anonymous, create); err == nil || strings.Contains(err.Error(), string(name)) {
			t.Errorf("a stranger learns of %s: %v", name, err)
		}
		if _, err := n.write(core.System, core.Operation{Op: core.OperationPurge, Type: name, ID: id}); err != nil {
			t.Errorf("retention of %s: %v", name, err)
		}
	}
}

func (n *node) refuses(what string, who *core.Principal, op core.Operation, reason string) {
	n.t.Helper()
	_, err := n.write(who, op)
	if e, ok := core.AsError(err); !ok || e.Code != core.CodeForbidden || e.Reason != reason || e.Texts["fr"] == "" {
		n.t.Errorf("%s: got %v, want a refusal with reason %s", what, err, reason)
	}
}

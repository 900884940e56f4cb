package content_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func TestWrite_publish(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.create("fiche", `{"title": "A"}`)
	live := n.transition(e, "publish")
	want(t, live.Published, `{"title": "A", "slug": "a", "region": "44"}`)
	if live.Rev != 2 || live.Live.Rev != 2 || live.Draft != nil || live.Status != core.StatusPublished {
		t.Errorf("published: %+v", live)
	}
	if again := n.do(core.Operation{Op: core.OperationTransition, Type: "fiche", ID: e.ID, Transition: "publish"}); again.Changed {
		t.Error("publishing what is published changed it")
	}
	n.update(e, `{"slug": "b"}`)
	moved := n.transition(e, "publish")
	if len(moved.Slugs) != 1 || moved.Slugs[0] != "a" || !moved.PublishedAt.Equal(*live.PublishedAt) {
		t.Errorf("published under another slug: %+v", moved.Meta)
	}
	n.update(e, `{"slug": "a"}`)
	if back := n.transition(e, "publish"); len(back.Slugs) != 1 || back.Slugs[0] != "b" {
		t.Errorf("former slugs are %v", back.Slugs)
	}
	n.update(e, `{"title": "Z"}`)
	down := n.transition(e, "unpublish")
	want(t, down.Draft, `{"title": "Z", "slug": "a", "region": "44"}`)
	if down.Published != nil || down.Live != nil || down.PublishedAt == nil || down.Status != core.StatusDraft {
		t.Errorf("unpublished: %+v", down)
	}
	if again := n.do(core.Operation{Op: core.OperationTransition, Type: "fiche", ID: e.ID, Transition: "unpublish"}); again.Changed {
		t.Error("unpublishing what is not published changed it")
	}
}

func TestWrite_review(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.roles["author"] = map[core.Action]*core.Scope{"create": everything, "update": everything, "publish": everything, "submit": everything, "read": everything}
	author := somebody("author")
	step := func(e *core.Entry, name string) core.Operation {
		return core.Operation{Op: core.OperationTransition, Type: "post", ID: e.ID, Transition: name}
	}
	e := n.create("post", `{"title": "A"}`)
	n.refused(core.CodeForbidden, author, step(e, "publish")) // it would skip the review
	n.refused(core.CodeForbidden, author, core.Operation{Op: core.OperationCreate, Type: "post", Data: doc(t, `{"title": "B"}`), Publish: true})
	n.refused(core.CodeForbidden, author, step(e, "approve"))
	conflict := n.refused(core.CodeConflict, admin, step(e, "approve"))
	if conflict.Extra["status"] != "draft" {
		t.Errorf("no way from %v", conflict.Extra)
	}
	if _, err := n.write(author, step(e, "submit")); err != nil {
		t.Fatal(err)
	}
	n.transition(e, "approve")
	if r, err := n.write(author, step(e, "publish")); err != nil || r.Items[0].Entry.Status != core.StatusPublished {
		t.Errorf("an approved post was not published: %v", err)
	}
	if edited := n.update(e, `{"title": "C"}`); edited.Status != core.StatusDraft {
		t.Errorf("an edited post is %s", edited.Status)
	}
	n.createLive("post", `{"title": "D"}`) // an administrator may approve himself
}

func TestWrite_ownWorkflow(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.roles["boss"] = map[core.Action]*core.Scope{"close": everything, "read": everything}
	n.roles["clerk"] = n.roles["boss"]
	e := n.create("call", `{}`)
	step := func(name string) core.Operation {
		return core.Operation{Op: core.OperationTransition, Type: "call", ID: e.ID, Transition: name}
	}
	if got := pointers(n.refused(core.CodeInvalid, admin, step("publish"))); got != "/text required" {
		t.Errorf("published without what the step requires: %q", got)
	}
	create := core.Operation{Op: core.OperationCreate, Type: "call", Data: doc(t, `{"text": ""}`), Publish: true}
	if got := pointers(n.refused(core.CodeInvalid, admin, create)); got != "/text required" {
		t.Errorf("created and published without what the step requires: %q", got)
	}
	n.update(e, `{"text": "x"}`)
	n.transition(e, "publish")
	n.refused(core.CodeForbidden, somebody("clerk"), step("close"))
	if _, err := n.write(somebody("boss"), step("close")); err != nil {
		t.Fatal(err)
	}
	frozen := n.refused(core.CodeConflict, admin, core.Operation{Op: core.OperationUpdate, Type: "call", ID: e.ID, Data: doc(t, `{"text": "y"}`)})
	if frozen.Reason != "frozen" || !strings.Contains(frozen.Message, "Closed") || !strings.Contains(frozen.Texts["fr"], "Clos") {
		t.Errorf("%v", frozen)
	}
	n.transition(e, "reopen")
	n.update(e, `{"text": "y"}`)
}

func TestWrite_ownPublishedState(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.createLive("show", `{"text": "A"}`)
	if edited := n.update(e, `{"text": "B"}`); e.Status != "running" || edited.Status != core.StatusDraft {
		t.Errorf("published it is %s, edited %s", e.Status, edited.Status)
	}
	if back := n.update(e, `{"text": "A"}`); back.Status != "running" || back.Draft != nil {
		t.Errorf("edited back to what is published it is %s", back.Status)
	}
}

func TestWrite_trash(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.createLive("fiche", `{"title": "A", "code": "1"}`)
	gone := n.remove(e)
	if gone.TrashedAt == nil || !gone.TrashedAt.Equal(gone.UpdatedAt) || n.stored(e).Published == nil {
		t.Errorf("in the trash: %+v", gone)
	}
	for _, op := range []core.OperationKind{core.OperationUpdate, core.OperationDelete, core.OperationReplace} {
		n.refused(core.CodeNotFound, admin, core.Operation{Op: op, Type: "fiche", ID: e.ID, Data: doc(t, `{"title": "B"}`)})
	}
	other := n.create("fiche", `{"title": "A", "code": "1"}`)
	taken := n.refused(core.CodeConflict, admin, core.Operation{Op: core.OperationRestore, Type: "fiche", ID: e.ID})
	if got := pointers(taken); got != "/code unique, /slug unique" {
		t.Errorf("restoring over taken values: %q", got)
	}
	n.update(other, `{"code": null, "slug": "other"}`)
	back := n.transition(e, "restore")
	if back.Trashed() || back.Published == nil || back.Rev != 3 {
		t.Errorf("restored: %+v", back)
	}
	n.remove(e)
	if purged := n.do(core.Operation{Op: core.OperationPurge, Type: "fiche", ID: e.ID}); purged.Entry != nil || n.stored(e) != nil {
		t.Error("a purged entry is still there")
	}
}

func TestWrite_deleteReferred(t *testing.T) {
	t.Parallel()
	n := start(t)
	ref := func(e *core.Entry) string {
		return `{"_ref": "` + string(e.ID) + `", "_type": "` + string(e.Type) + `"}`
	}

	t.Run("restrict", func(t *testing.T) {
		p := n.create("partner", `{"name": "P"}`)
		f := n.create("fiche", `{"title": "Uses it", "partner": %s}`, ref(p))
		err := n.refused(core.CodeConflict, admin, core.Operation{Op: core.OperationDelete, Type: "partner", ID: p.ID})
		named, _ := err.Extra["references"].([]map[string]any)
		if len(named) != 1 || named[0]["id"] != string(f.ID) || named[0]["title"] != "Uses it" || named[0]["type"] != "fiche" {
			t.Errorf("named %v", err.Extra)
		}
		n.remove(f)
		n.remove(p)
		gone := n.refused(core.CodeConflict, admin, core.Operation{Op: core.OperationRestore, Type: "fiche", ID: f.ID})
		if got := pointers(gone); got != "/partner x-ref" {
			t.Errorf("restored with its partner gone: %q", got)
		}
	})
	t.Run("restrict, more than one deletion may change", func(t *testing.T) {
		p := n.create("partner", `{"name": "Many"}`)
		var create, remove []core.Operation
		for range 1_100 {
			id := core.NewID(time.Now())
			create = append(create, core.Operation{Op: core.OperationCreate, Type: "fiche", ID: id, Data: doc(t, `{"title": "Many %s", "partner": %s}`, id, ref(p))})
			remove = append(remove, core.Operation{Op: core.OperationDelete, Type: "fiche", ID: id})
		}
		if _, err := n.write(admin, create...); err != nil {
			t.Fatal(err)
		}
		if err := n.refused(core.CodeConflict, admin, core.Operation{Op: core.OperationDelete, Type: "partner", ID: p.ID}); err.Extra["total"] != 1_100 {
			t.Errorf("named %v", err.Extra)
		}
		if _, err := n.write(admin, remove...); err != nil {
			t.Fatal(err)
		}
		n.create("fiche", `{"title": "The one outside the trash", "partner": %s}`, ref(p))
		n.refused(core.CodeConflict, admin, core.Operation{Op: core.OperationDelete, Type: "partner", ID: p.ID})
	})
	t.Run("restrict, published only", func(t *testing.T) {
		p := n.create("partner", `{"name": "Live"}`)
		f := n.createLive("fiche", `{"title": "Live uses it", "partner": %s}`, ref(p))
		n.update(f, `{"partner": null}`)
		n.refused(core.CodeConflict, admin, core.Operation{Op: core.OperationDelete, Type: "partner", ID: p.ID})
		n.remove(f)
		n.remove(p)
		n.refused(core.CodeConflict, admin, core.Operation{Op: core.OperationRestore, Type: "fiche", ID: f.ID})
	})
	t.Run("null", func(t *testing.T) {
		p := n.create("partner", `{"name": "Q"}`)
		f := n.createLive("fiche", `{"title": "N", "sponsor": %s, "sponsors": [%s]}`, ref(p), ref(p))
		n.update(f, `{"title": "N2"}`)
		at := n.catalog.Position()
		n.remove(p)
		got := n.stored(f)
		want(t, got.Draft, `{"title": "N2", "slug": "n", "region": "44", "sponsors": []}`)
		want(t, got.Published, `{"title": "N", "slug": "n", "region": "44", "sponsors": []}`)
		if got.Live.Rev != got.Rev || n.catalog.Position() != at+1 {
			t.Errorf("let go: %+v at %d", got.Meta, n.catalog.Position())
		}
	})
	t.Run("cascade, in a circle", func(t *testing.T) {
		a := n.create("fiche", `{"title": "Root"}`)
		b := n.create("fiche", `{"title": "Leaf", "parent": %s}`, ref(a))
		n.update(a, `{"parent": %s}`, ref(b))
		outside := n.create("fiche", `{"title": "Outside"}`)
		at := n.catalog.Position()
		n.remove(a)
		if !n.stored(a).Trashed() || !n.stored(b).Trashed() || n.stored(outside).Trashed() || n.catalog.Position() != at+1 {
			t.Error("a circle was not deleted as one")
		}
		n.do(core.Operation{Op: core.OperationPurge, Type: "fiche", ID: a.ID})
	})
	t.Run("itself", func(t *testing.T) {
		a := n.create("fiche", `{"title": "Self"}`)
		n.update(a, `{"parent": %s}`, ref(a))
		n.remove(a)
	})
	t.Run("in a batch", func(t *testing.T) {
		p := n.create("partner", `{"name": "R"}`)
		_, err := n.write(admin, core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "S", "partner": %s}`, ref(p))},
			core.Operation{Op: core.OperationDelete, Type: "partner", ID: p.ID})
		if core.CodeOf(err) != core.CodeConflict {
			t.Errorf("deleted what the same batch refers to: %v", err)
		}
	})
}

func TestWrite_restoreRevision(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.createLive("fiche", `{"title": "One"}`)
	n.update(e, `{"title": "Two"}`)
	n.update(e, `{"title": "Three"}`)
	n.transition(e, "publish")
	for rev, title := range map[int64]string{1: "One", 2: "Two", 3: "Three", 4: "Three"} {
		was, err := n.Revision(context.Background(), "fiche", e.ID, rev)
		if err != nil {
			t.Fatal(err)
		}
		want(t, was.Latest(), `{"title": "%s", "slug": "one", "region": "44"}`, title)
		if was.Rev != rev || (rev == 2) != (was.Draft != nil && was.Live.Rev == 1 && was.Meta.Rev == 2) && rev != 3 {
			t.Errorf("revision %d is %+v", rev, was)
		}
	}
	for _, rev := range []int64{0, 5} {
		if _, err := n.Revision(context.Background(), "fiche", e.ID, rev); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("revision %d: %v", rev, err)
		}
	}
	back := n.do(core.Operation{Op: core.OperationRestore, Type: "fiche", ID: e.ID, Rev: 2}).Entry
	want(t, back.Draft, `{"title": "Two", "slug": "one", "region": "44"}`)
	want(t, back.Published, `{"title": "Three", "slug": "one", "region": "44"}`)

	stale := n.refused(core.CodeStale, admin, core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, IfMatch: 1, Data: doc(t, `{"title": "X"}`)})
	if fields, _ := stale.Extra["fields"].([]string); stale.Extra["rev"] != int64(5) || len(fields) != 1 || fields[0] != "title" {
		t.Errorf("a stale edit was told %v", stale.Extra)
	}
}

func TestWrite_upsert(t *testing.T) {
	t.Parallel()
	n := start(t)
	upsert := func(match, text string) core.ResultItem {
		return n.do(core.Operation{Op: core.OperationUpsert, Type: "fiche", Match: match, Data: doc(t, "%s", text)})
	}
	first := upsert("code", `{"title": "A", "code": "7"}`)
	second := upsert("code", `{"code": "7", "region": "11"}`)
	third := upsert("slug", `{"slug": "a", "count": 3}`)
	if !first.Created || second.Created || second.ID != first.ID || third.ID != first.ID || second.Action != core.ActionUpdate {
		t.Errorf("%+v, %+v", first, second)
	}
	want(t, third.Entry.Draft, `{"title": "A", "slug": "a", "code": "7", "region": "11", "count": 3}`)
}

func TestWrite_precondition(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.create("fiche", `{"title": "A"}`)
	must := core.WriteOptions{RequireMatch: true}
	op := core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, `{"title": "B"}`)}
	if _, err := n.Write(context.Background(), admin, []core.Operation{op}, must); core.CodeOf(err) != core.CodePrecondition {
		t.Errorf("without If-Match: %v", err)
	}
	op.IfMatch = 1
	if _, err := n.Write(context.Background(), admin, []core.Operation{op}, must); err != nil {
		t.Error(err)
	}
}

func TestWrite_migrate(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.createLive("fiche", `{"title": "A"}`)
	n.remove(e)
	op := core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Migrate: &core.Migrated{Published: core.Doc(`{"title":"B"}`)}}
	r, err := n.write(core.System, op)
	if err != nil {
		t.Fatal(err)
	}
	got := n.stored(r.Items[0].Entry)
	want(t, got.Published, `{"title": "B"}`)
	if !got.Trashed() || got.Live.Rev != 3 || !got.Live.At.Equal(e.Live.At) || got.Draft != nil {
		t.Errorf("migrated: %+v", got)
	}
}

func TestWrite_options(t *testing.T) {
	t.Parallel()
	n := start(t)
	create := func(text string) core.Operation {
		return core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, "%s", text)}
	}
	dry, err := n.Write(context.Background(), admin, []core.Operation{create(`{"title": "A"}`)}, core.WriteOptions{DryRun: true})
	if err != nil || dry.Items[0].Entry.UpdatedAt.IsZero() || n.catalog.Position() != 0 {
		t.Errorf("a dry run: %+v, %v", dry, err)
	}
	ops := []core.Operation{create(`{"title": "A", "code": "1"}`), create(`{}`), create(`{"title": "B", "code": "1"}`), create(`{"title": "C"}`)}
	r, err := n.Write(context.Background(), admin, ops, core.WriteOptions{Partial: true})
	if err != nil || n.catalog.Position() != 1 {
		t.Fatalf("%v at %d", err, n.catalog.Position())
	}
	for i, code := range []core.Code{"", core.CodeInvalid, core.CodeConflict, ""} {
		if got := core.CodeOf(r.Items[i].Err); got != code {
			t.Errorf("operation %d: %q, want %q", i, got, code)
		}
	}
}

func TestWrite_limits(t *testing.T) {
	t.Parallel()
	n := start(t)
	big := make([]byte, 900_000)
	for i := range big {
		big[i] = 'x'
	}
	var ops []core.Operation
	for range 12 {
		ops = append(ops, core.Operation{Op: core.OperationCreate, Type: "note", Data: map[string]any{"text": string(big)}})
	}
	if _, err := n.write(admin, ops...); core.CodeOf(err) != core.CodeTooLarge {
		t.Errorf("12 × 900 kB in one commit: %v", err)
	}
	r, err := n.Write(context.Background(), admin, ops, core.WriteOptions{Partial: true})
	if err != nil || len(r.Items) != 12 || r.Items[11].Err != nil || n.catalog.Position() < 2 {
		t.Errorf("12 × 900 kB one by one: %v, %d commits", err, n.catalog.Position())
	}
	ops[0].Data["text"] = string(big) + string(big)
	if _, err := n.write(admin, ops[0]); core.CodeOf(err) != core.CodeTooLarge {
		t.Errorf("a document of 1.8 MB: %v", err)
	}
	if _, err := n.write(admin, make([]core.Operation, 10_001)...); core.CodeOf(err) != core.CodeTooLarge {
		t.Errorf("10,001 operations: %v", err)
	}
}

package content_test

import (
	"context"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
)

func TestWrite_create(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.create("fiche", `{"title": "L’école du cœur", "region": null, "address": {}}`)
	want(t, e.Draft, `{"title": "L’école du cœur", "slug": "l-ecole-du-coeur", "region": "44", "address": {"country": "FR"}}`)
	if e.Rev != 1 || e.Status != core.StatusDraft || e.CreatedBy != "user:admin" || e.CreatedAt.IsZero() || e.Published != nil || e.Live != nil {
		t.Errorf("meta is %+v", e.Meta)
	}
	second := n.createLive("fiche", `{"title": "L’école du cœur"}`)
	want(t, second.Published, `{"title": "L’école du cœur", "slug": "l-ecole-du-coeur-2", "region": "44"}`)
	if second.Draft != nil || second.Live.Rev != 1 || !second.Live.At.Equal(second.UpdatedAt) || second.Status != core.StatusPublished {
		t.Errorf("a published entry is %+v", second)
	}
	if got := n.stored(second); got.Rev != 1 || !got.PublishedAt.Equal(second.UpdatedAt) {
		t.Errorf("stored %+v", got)
	}
}

func TestWrite_refuses(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.create("fiche", `{"title": "A", "code": "1"}`)
	n.create("home", `{}`)
	taken := n.create("fiche", `{"title": "B"}`)
	create := func(name core.TypeName, text string) core.Operation {
		return core.Operation{Op: core.OperationCreate, Type: name, Data: doc(t, "%s", text)}
	}
	for _, tc := range []struct {
		name   string
		op     core.Operation
		code   core.Code
		fields string
	}{
		{"unknown type", create("nothing", `{}`), core.CodeNotFound, ""},
		{"unknown operation", core.Operation{Op: "explode", Type: "fiche"}, core.CodeBadRequest, ""},
		{"reserved name", create("fiche", `{"title": "x", "_rev": 3}`), core.CodeInvalid, "/_rev reserved"},
		{"translations whole", create("fiche", `{"title": "x", "_i18n": {}}`), core.CodeInvalid, "/_i18n reserved"},
		{"unknown language", create("fiche", `{"title": "x", "_locale": "xx"}`), core.CodeInvalid, "/_locale locale"},
		{"title missing", create("fiche", `{}`), core.CodeInvalid, "/title required"},
		{"computed", create("fiche", `{"title": "x", "score": 3}`), core.CodeInvalid, "/score readOnly"},
		{"unique value", create("fiche", `{"title": "x", "code": "1"}`), core.CodeConflict, "/code unique"},
		{"slug taken", create("fiche", `{"title": "x", "slug": "a"}`), core.CodeConflict, "/slug unique"},
		{"reference to nothing", create("fiche", `{"title": "x", "partner": {"_ref": "01jd0000000000000000000000", "_type": "partner"}}`), core.CodeInvalid, "/partner x-ref"},
		{"reference to no slug", create("fiche", `{"title": "x", "sponsors": [{"_slug": "none", "_type": "partner"}]}`), core.CodeInvalid, "/sponsors/0 x-ref"},
		{"second singleton", create("home", `{}`), core.CodeConflict, ""},
		{"bad identifier", core.Operation{Op: core.OperationCreate, Type: "fiche", ID: "x", Data: doc(t, `{"title": "x"}`)}, core.CodeInvalid, ""},
		{"identifier taken", core.Operation{Op: core.OperationCreate, Type: "fiche", ID: taken.ID, Data: doc(t, `{"title": "x"}`)}, core.CodeConflict, ""},
		{"absent", core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: "01jd0000000000000000000000"}, core.CodeNotFound, ""},
		{"of another type", core.Operation{Op: core.OperationUpdate, Type: "partner", ID: taken.ID}, core.CodeNotFound, ""},
		{"stale", core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: taken.ID, IfMatch: 7}, core.CodeStale, ""},
		{"unknown transition", core.Operation{Op: core.OperationTransition, Type: "fiche", ID: taken.ID, Transition: "fly"}, core.CodeNotFound, ""},
		{"matched by what is not unique", core.Operation{Op: core.OperationUpsert, Type: "fiche", Match: "region", Data: doc(t, `{"title": "x"}`)}, core.CodeBadRequest, ""},
		{"matched by nothing", core.Operation{Op: core.OperationUpsert, Type: "fiche", Match: "code", Data: doc(t, `{"title": "x"}`)}, core.CodeInvalid, "/code required"},
		{"migrated by a person", core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: taken.ID, Migrate: &core.Migrated{}}, core.CodeForbidden, ""},
		{"a type by hand", create("_type", `{"name": "mine", "schema": {}}`), core.CodeForbidden, ""},
		{"restored from nowhere", core.Operation{Op: core.OperationRestore, Type: "fiche", ID: taken.ID}, core.CodeConflict, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := n.refused(tc.code, admin, tc.op)
			if got := pointers(err); got != tc.fields {
				t.Errorf("fields %q, want %q", got, tc.fields)
			}
			if err.Texts["fr"] == "" && len(err.Fields) == 0 {
				t.Errorf("no French sentence: %v", err)
			}
		})
	}
}

// TestWrite_takenIdentifier makes entries under an identifier that another one has, of its type or not, one after the
// other, in one batch and at once.
func TestWrite_takenIdentifier(t *testing.T) {
	t.Parallel()
	n := start(t)
	under := func(name core.TypeName, id core.EntryID, text string) core.Operation {
		return core.Operation{Op: core.OperationCreate, Type: name, ID: id, Data: doc(t, "%s", text)}
	}
	e := n.create("fiche", `{"title": "Mine"}`)
	n.refused(core.CodeConflict, admin, under("fiche", e.ID, `{"title": "Yours"}`))
	n.refused(core.CodeConflict, admin, under("partner", e.ID, `{"name": "Yours"}`))
	n.remove(e)
	n.refused(core.CodeConflict, admin, under("partner", e.ID, `{"name": "Yours"}`))
	id := core.NewID(time.Now())
	if _, err := n.write(admin, under("fiche", id, `{"title": "A"}`), under("partner", id, `{"name": "B"}`)); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("twice in one batch: %v", err)
	}
	errs := together(8, func(i int) error {
		op := under("fiche", id, `{"title": "A"}`)
		if i%2 == 0 {
			op = under("partner", id, `{"name": "B"}`)
		}
		_, err := n.write(admin, op)
		return err
	})
	if count(errs, "") != 1 || count(errs, core.CodeConflict) != 7 {
		t.Errorf("at once: %v", errs)
	}
}

func TestWrite_update(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.createLive("fiche", `{"title": "A", "code": "1", "address": {"city": "Metz"}, "pin": "1234"}`)
	draft := n.update(e, `{"code": null, "address": {"city": "Nancy"}}`)
	want(t, draft.Draft, `{"title": "A", "slug": "a", "region": "44", "address": {"city": "Nancy", "country": "FR"}, "pin": "1234"}`)
	if draft.Status != core.StatusDraft || draft.Rev != 2 || draft.Live.Rev != 1 || draft.Published == nil {
		t.Errorf("a draft beside the published document is %+v", draft.Meta)
	}
	same := n.do(core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, `{"title": "A"}`)})
	if same.Changed || same.Entry.Rev != 2 {
		t.Errorf("an edit that changes nothing made revision %d", same.Entry.Rev)
	}
	back := n.update(e, `{"code": "1", "address": {"city": "Metz"}}`)
	if back.Draft != nil || back.Status != core.StatusPublished || back.Rev != 3 {
		t.Errorf("edited back to what is published: %+v", back)
	}
	replaced := n.do(core.Operation{Op: core.OperationReplace, Type: "fiche", ID: e.ID, Data: doc(t, `{"title": "B"}`), Publish: true}).Entry
	want(t, replaced.Published, `{"title": "B", "slug": "a", "pin": "1234"}`)
	emptied := n.update(e, `{"slug": null}`)
	want(t, emptied.Draft, `{"title": "B", "slug": "b", "pin": "1234"}`)
}

func TestWrite_locales(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.create("fiche", `{"title": "Titre"}`)
	in := func(op core.OperationKind, l core.Locale, text string) *core.Entry {
		return n.do(core.Operation{Op: op, Type: "fiche", ID: e.ID, Locale: l, Data: doc(t, "%s", text)}).Entry
	}
	want(t, in(core.OperationUpdate, "en", `{"title": "Title", "code": "7"}`).Draft, `{"title": "Titre", "slug": "titre", "region": "44", "code": "7", "_i18n": {"en": {"title": "Title"}}}`)
	want(t, in(core.OperationUpdate, "fr", `{"title": "Titre 2"}`).Draft, `{"title": "Titre 2", "slug": "titre", "region": "44", "code": "7", "_i18n": {"en": {"title": "Title"}}}`)
	want(t, in(core.OperationReplace, "en", `{"title": "Other"}`).Draft, `{"title": "Titre 2", "slug": "titre", "_i18n": {"en": {"title": "Other"}}}`)
	want(t, in(core.OperationUpdate, "en", `{"title": null}`).Draft, `{"title": "Titre 2", "slug": "titre"}`)
	english := n.create("fiche", `{"title": "Only English", "_locale": "en"}`)
	want(t, english.Draft, `{"title": "Only English", "slug": "only-english", "region": "44", "_locale": "en"}`)
	err := n.refused(core.CodeInvalid, admin, core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Locale: "en", Data: doc(t, `{"title": ""}`)})
	if got := pointers(err); got != "/title minLength" {
		t.Errorf("a mistake in a translation is at %q", got)
	}
}

func TestWrite_batch(t *testing.T) {
	t.Parallel()
	n := start(t)
	partner := core.NewID(time.Now())
	ops := []core.Operation{
		{Op: core.OperationCreate, Type: "partner", ID: partner, Data: doc(t, `{"name": "Ville"}`)},
		{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "A", "partner": {"_ref": "%s", "_type": "partner"}, "sponsor": {"_slug": "ville", "_type": "partner"}}`, partner)},
		{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "A"}`)},
		{Op: core.OperationTransition, Type: "partner", ID: partner, Transition: "publish"},
	}
	r, err := n.write(admin, ops...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Position != 1 || n.catalog.Position() != 1 {
		t.Errorf("a batch made %d commits", n.catalog.Position())
	}
	ref := `{"_ref": "` + string(partner) + `", "_type": "partner"}`
	want(t, r.Items[1].Entry.Draft, `{"title": "A", "slug": "a", "region": "44", "partner": %s, "sponsor": %s}`, ref, ref)
	want(t, r.Items[2].Entry.Draft, `{"title": "A", "slug": "a-2", "region": "44"}`)
	if live := n.stored(r.Items[3].Entry); live.Rev != 2 || live.Published == nil || live.CreatedAt.IsZero() {
		t.Errorf("created and published in one batch: %+v", live)
	}

	_, err = n.write(admin, core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "C"}`)},
		core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{}`)})
	e, _ := core.AsError(err)
	if e == nil || e.Code != core.CodeInvalid || e.Extra["operation"] != 1 {
		t.Errorf("the second operation was wrong, and the error is %v, %v", err, e)
	}
	if n.catalog.Position() != 1 {
		t.Error("half a batch was written")
	}
}

// Each operation of a batch sees what those before it did.
func TestWrite_batchBuildsOnItself(t *testing.T) {
	t.Parallel()
	n := start(t)
	p := n.create("partner", `{"name": "P"}`)
	a := n.create("fiche", `{"title": "A", "code": "1", "partner": {"_ref": "%s", "_type": "partner"}}`, p.ID)
	home := n.create("home", `{}`)
	r, err := n.write(admin,
		core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: a.ID, Data: doc(t, `{"code": null, "slug": "z", "partner": null}`)},
		core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "A", "code": "1"}`)},
		core.Operation{Op: core.OperationDelete, Type: "partner", ID: p.ID},
		core.Operation{Op: core.OperationDelete, Type: "home", ID: home.ID},
		core.Operation{Op: core.OperationCreate, Type: "home", Data: doc(t, `{}`)},
		core.Operation{Op: core.OperationUpsert, Type: "fiche", Match: "code", Data: doc(t, `{"code": "1", "region": "11"}`)},
	)
	if err != nil {
		t.Fatal(err)
	}
	if r.Items[5].ID != r.Items[1].ID {
		t.Error("an upsert did not find what the batch had made")
	}
	want(t, n.stored(r.Items[5].Entry).Draft, `{"title": "A", "slug": "a", "code": "1", "region": "11"}`)
}

// What failed among operations that stand alone leaves nothing behind for the others.
func TestWrite_partialTakesBack(t *testing.T) {
	t.Parallel()
	n := start(t)
	parent := n.create("fiche", `{"title": "Parent"}`)
	n.create("fiche", `{"title": "Child", "parent": {"_ref": "%s", "_type": "fiche"}}`, parent.ID)
	n.roles["r"] = map[core.Action]*core.Scope{"delete": everything, "create": everything, "read": everything, "update": everything}
	if err := n.hooks.EntryDelete.Add(hook.Handler[*core.EntryEvent]{Plugin: "test", Name: "keep", Fn: func(ctx context.Context, e *core.EntryEvent, next hook.Next) error {
		if e.Old["title"] == "Child" {
			return refusal{core.Errorf(core.CodeConflict, "Children stay.")}
		}
		return next(ctx)
	}}); err != nil {
		t.Fatal(err)
	}
	r, err := n.Write(context.Background(), somebody("r"), []core.Operation{
		{Op: core.OperationDelete, Type: "fiche", ID: parent.ID},
		{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "Parent"}`)},
		{Op: core.OperationUpdate, Type: "fiche", ID: parent.ID, Data: doc(t, `{"count": 1}`)},
	}, core.WriteOptions{Partial: true})
	if err != nil {
		t.Fatal(err)
	}
	if core.CodeOf(r.Items[0].Err) != core.CodeConflict || n.stored(parent).Trashed() {
		t.Errorf("a refused deletion: %v", r.Items[0].Err)
	}
	want(t, r.Items[1].Entry.Draft, `{"title": "Parent", "slug": "parent-2", "region": "44"}`)
	if r.Items[2].Entry.Rev != 2 {
		t.Errorf("after a refused deletion the revision is %d", r.Items[2].Entry.Rev)
	}
}

package content_test

import (
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func scopeOf(where core.Node, write ...string) *core.Scope {
	s := &core.Scope{Where: where, Read: core.FieldSet{All: true}, Drafts: true, Write: core.FieldSet{Only: map[string]bool{}}}
	for _, path := range write {
		s.Write.Only[path] = true
	}
	if len(write) == 0 {
		s.Write = core.FieldSet{All: true}
	}
	return s
}

func is(field string, op core.Operator, values ...any) core.Node {
	return core.Compare{Path: core.Path{Field: field}, Op: op, Values: values}
}

func TestAccess_rows(t *testing.T) {
	t.Parallel()
	n := start(t)
	mine := scopeOf(is("region", core.OpEq, "44"))
	n.roles["local"] = map[core.Action]*core.Scope{"create": mine, "update": mine, "delete": mine, "read": scopeOf(nil), "publish": mine}
	n.roles["blind"] = map[core.Action]*core.Scope{"update": mine, "read": mine}
	local, blind := somebody("local"), somebody("blind")
	in := n.create("fiche", `{"title": "In"}`)
	out := n.create("fiche", `{"title": "Out", "region": "11"}`)
	update := func(e *core.Entry, text string) core.Operation {
		return core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, "%s", text)}
	}
	if _, err := n.write(local, update(in, `{"title": "In 2"}`)); err != nil {
		t.Error(err)
	}
	n.refused(core.CodeForbidden, local, update(out, `{"title": "x"}`))
	hidden := n.refused(core.CodeNotFound, blind, update(out, `{"title": "x"}`))
	nobody := &core.Entry{ID: core.EntryID(strings.Repeat("0", 26))}
	if absent := n.refused(core.CodeNotFound, blind, update(nobody, `{}`)); strings.ReplaceAll(hidden.Message, string(out.ID), "") != strings.ReplaceAll(absent.Message, string(nobody.ID), "") {
		t.Errorf("hidden: %q, absent: %q", hidden.Message, absent.Message)
	}
	n.refused(core.CodeForbidden, local, update(in, `{"region": "11"}`))
	n.refused(core.CodeForbidden, local, core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "x", "region": "11"}`)})
	n.refused(core.CodeForbidden, local, core.Operation{Op: core.OperationDelete, Type: "fiche", ID: out.ID})
	n.refused(core.CodeForbidden, local, core.Operation{Op: core.OperationTransition, Type: "fiche", ID: out.ID, Transition: "publish"})
	n.refused(core.CodeForbidden, blind, core.Operation{Op: core.OperationDelete, Type: "fiche", ID: in.ID})
	if _, err := n.write(local, core.Operation{Op: core.OperationTransition, Type: "fiche", ID: in.ID, Transition: "publish"}); err != nil {
		t.Error(err)
	}
}

func TestAccess_fields(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.roles["writer"] = map[core.Action]*core.Scope{"create": scopeOf(nil, "title", "region", "address.city"), "update": scopeOf(nil, "title", "address.city"), "read": scopeOf(nil)}
	secretive := scopeOf(nil, "title")
	secretive.Read.Deny = map[string]bool{"code": true, "address": true}
	n.roles["secretive"] = map[core.Action]*core.Scope{"update": secretive, "read": secretive}
	writer := somebody("writer")
	created, err := n.write(writer, core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "A", "address": {"city": "Metz"}}`)})
	if err != nil {
		t.Fatalf("what the system fills in is not the caller's: %v", err)
	}
	e := created.Items[0].Entry
	for _, tc := range []struct{ data, fields string }{
		{`{"title": "B", "address": {"city": "Toul"}}`, ""},
		{`{"region": "11"}`, "/region forbidden"},
		{`{"slug": "x", "code": "1"}`, "/code forbidden, /slug forbidden"},
		{`{"address": {"country": "BE"}}`, "/address/country forbidden"},
		{`{"address": null}`, "/address/country forbidden"},
		{`{"sponsors": []}`, "/sponsors forbidden"},
	} {
		op := core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, "%s", tc.data)}
		if tc.fields == "" {
			if _, err := n.write(writer, op); err != nil {
				t.Errorf("%s: %v", tc.data, err)
			}
		} else if got := pointers(n.refused(core.CodeForbidden, writer, op)); got != tc.fields {
			t.Errorf("%s: %q, want %q", tc.data, got, tc.fields)
		}
	}
	n.update(e, `{"code": "7"}`)
	r, err := n.write(somebody("secretive"), core.Operation{Op: core.OperationReplace, Type: "fiche", ID: e.ID, Data: doc(t, `{"title": "C", "region": "44"}`)})
	if err != nil {
		t.Fatal(err)
	}
	want(t, r.Items[0].Entry.Draft, `{"title": "C", "region": "44", "slug": "a", "code": "7", "address": {"city": "Toul", "country": "FR"}}`)
}

func TestAccess_rowRules(t *testing.T) {
	t.Parallel()
	n := start(t)
	p := n.create("partner", `{"name": "P", "kind": "Association"}`)
	e := n.create("fiche", `{"title": "Élan d'été", "count": 3, "address": {"city": "Metz"}, "sponsors": [{"_ref": "%s", "_type": "partner"}]}`, p.ID)
	via := func(op core.Operator, values ...any) core.Node {
		return core.Compare{Path: core.Path{Via: []string{"sponsors"}, Field: "kind"}, Op: op, Values: values}
	}
	for _, tc := range []struct {
		name string
		node core.Node
		want bool
	}{
		{"eq", is("region", core.OpEq, "44"), true},
		{"eq other", is("region", core.OpEq, "45"), false},
		{"ne", is("region", core.OpNe, "45"), true},
		{"in", is("region", core.OpIn, "1", "44"), true},
		{"in nothing", is("region", core.OpIn), false},
		{"nin", is("region", core.OpNin, "44"), false},
		{"nin nothing", is("region", core.OpNin), true},
		{"no value", is("code", core.OpEq, nil), true},
		{"some value", is("region", core.OpEq, nil), false},
		{"exists", is("code", core.OpExists, false), true},
		{"number", is("count", core.OpGte, int64(3)), true},
		{"number below", is("count", core.OpLt, 3.0), false},
		{"between", is("count", core.OpBetween, int64(1), int64(3)), true},
		{"contains", is("title", core.OpContains, "LAN"), true},
		{"contains, as it is searched for", is("title", core.OpContains, "d\u2019ete"), true},
		{"prefix", is("title", core.OpPrefix, "ela"), true},
		{"order of the dictionary", is("title", core.OpLt, "Elbe"), true},
		{"of another kind", is("title", core.OpLt, int64(3)), false},
		{"in a group", is("address.city", core.OpEq, "Metz"), true},
		{"a reference", is("sponsors", core.OpEq, string(p.ID)), true},
		{"through a reference", via(core.OpEq, "Association"), true},
		{"through a reference, other", via(core.OpEq, "Ville"), false},
		{"status", is("_status", core.OpEq, "draft"), true},
		{"mine", is("_createdBy", core.OpEq, "user:other"), false},
		{"time", is("_createdAt", core.OpLte, e.CreatedAt), true},
		{"and", core.And{is("region", core.OpEq, "44"), is("count", core.OpEq, int64(3))}, true},
		{"and nothing", core.And{}, true},
		{"or", core.Or{is("region", core.OpEq, "1"), is("count", core.OpEq, int64(3))}, true},
		{"or nothing", core.Or{}, false},
		{"not", core.Not{Node: is("region", core.OpEq, "44")}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n.roles["r"] = map[core.Action]*core.Scope{"update": scopeOf(tc.node)}
			_, err := n.write(somebody("r"), core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: map[string]any{}})
			if got := err == nil; got != tc.want {
				t.Errorf("got %v: %v", got, err)
			}
		})
	}
}

func TestAccess_references(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.create("partner", `{"name": "Hidden"}`)
	n.createLive("partner", `{"name": "Shown"}`)
	n.roles["r"] = map[core.Action]*core.Scope{"create": scopeOf(nil), "read": {Read: core.FieldSet{All: true}}} // no drafts
	refer := func(slug string) core.Operation {
		return core.Operation{Op: core.OperationCreate, Type: "fiche", Data: doc(t, `{"title": "A", "partner": {"_slug": "%s"}}`, slug)}
	}
	hidden := n.refused(core.CodeInvalid, somebody("r"), refer("hidden"))
	absent := n.refused(core.CodeInvalid, somebody("r"), refer("absent"))
	if pointers(hidden) != pointers(absent) {
		t.Errorf("a hidden entry (%v) differs from none (%v)", hidden, absent)
	}
	if _, err := n.write(somebody("r"), refer("shown")); err != nil {
		t.Error(err)
	}
}

func TestAccess_scheduledEdit(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.roles["author"] = map[core.Action]*core.Scope{"update": scopeOf(nil), "read": scopeOf(nil)}
	e := n.create("fiche", `{"title": "A"}`)
	later := time.Now().Add(1000 * 1000 * 1000 * 3600)
	n.do(core.Operation{Op: core.OperationTransition, Type: "fiche", ID: e.ID, Transition: "publish", At: &later})
	err := n.refused(core.CodeForbidden, somebody("author"), core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Data: doc(t, `{"title": "unseen"}`)})
	if err.Reason != "scheduled" {
		t.Errorf("%v", err)
	}
	if edited := n.update(e, `{"title": "B"}`); len(edited.Schedule) != 1 {
		t.Error("an edit by a publisher lost the schedule")
	}
}

// What the caller may not read is not brought back from an earlier revision: no value, no list, no translation.
func TestAccess_restoredRevision(t *testing.T) {
	t.Parallel()
	n := start(t)
	partner := n.create("partner", `{"name": "P"}`)
	sponsors := `[{"_ref": "` + string(partner.ID) + `", "_type": "partner"}]`
	e := n.create("fiche", `{"title": "Un", "code": "1", "count": 1, "sponsors": %s}`, sponsors)
	n.do(core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Locale: "en", Data: doc(t, `{"title": "One"}`)})
	n.update(e, `{"title": "Deux", "code": null, "count": 2, "sponsors": []}`)
	n.do(core.Operation{Op: core.OperationUpdate, Type: "fiche", ID: e.ID, Locale: "en", Data: doc(t, `{"title": "Two"}`)})
	for role, tc := range map[string]struct {
		denied []string
		want   string
	}{
		"all":      {nil, `{"title": "Un", "slug": "un", "region": "44", "code": "1", "count": 1, "sponsors": ` + sponsors + `, "_i18n": {"en": {"title": "One"}}}`},
		"no lists": {[]string{"sponsors", "code"}, `{"title": "Un", "slug": "un", "region": "44", "count": 1, "sponsors": [], "_i18n": {"en": {"title": "One"}}}`},
		"no title": {[]string{"title"}, `{"title": "Deux", "slug": "un", "region": "44", "code": "1", "count": 1, "sponsors": ` + sponsors + `, "_i18n": {"en": {"title": "Two"}}}`},
	} {
		scope := scopeOf(nil)
		scope.Read.Deny, scope.Drafts = map[string]bool{}, true
		for _, path := range tc.denied {
			scope.Read.Deny[path] = true
		}
		n.roles[role] = map[core.Action]*core.Scope{"update": scope, "read": scope, "history": scope}
		r, err := n.Write(t.Context(), somebody(role), []core.Operation{{Op: core.OperationRestore, Type: "fiche", ID: e.ID, Rev: 2}}, core.WriteOptions{DryRun: true})
		if err != nil {
			t.Errorf("%s: %v", role, err)
			continue
		}
		want(t, r.Items[0].Entry.Draft, "%s", tc.want)
	}
}

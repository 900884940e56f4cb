package read_test

import (
	"context"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
)

func (w *world) onRead(f func(e *core.ReadEvent)) {
	w.t.Helper()
	err := w.hooks.EntryRead.Add(hook.Handler[*core.ReadEvent]{Plugin: "test", Name: "read", Fn: func(ctx context.Context, e *core.ReadEvent, next hook.Next) error {
		f(e)
		return next(ctx)
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) onPlan(f func(e *core.QueryEvent) error) {
	w.t.Helper()
	err := w.hooks.QueryPlan.Add(hook.Handler[*core.QueryEvent]{Plugin: "test", Name: "plan", Fn: func(ctx context.Context, e *core.QueryEvent, next hook.Next) error {
		if err := f(e); err != nil {
			return err
		}
		return next(ctx)
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestHooks_EntryRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("partner", "p", `{"name":"P","kind":"k"}`)
	w.publish("fiche", "a", `{"title":"A","slug":"a","region":"44","partner":`+reference("partner", "p")+`}`)
	w.publish("fiche", "b", `{"title":"B","region":"44"}`)
	calls := map[core.TypeName]int{}
	w.onRead(func(e *core.ReadEvent) {
		calls[e.Type.Name]++
		for i := range e.Views {
			e.Extra[i]["zeta"], e.Extra[i]["alpha"] = true, "1"
			e.Extra[i]["region"], e.Extra[i]["kind"] = nil, "replaced"
		}
	})
	a := w.list(anonymous, "fiche", "include=partner&total=false")
	system := `"_rev":1,"_status":"published",`
	times := `"_createdAt":"2026-02-01T09:00:00Z","_updatedAt":"2026-02-01T09:00:00Z","_publishedAt":"2026-02-01T09:00:00Z",`
	added := `"alpha":"1","kind":"replaced","zeta":true}`
	wantBody(t, a, `{"data":[
		{"_id":"`+string(id("a"))+`","_type":"fiche",`+system+`"_locale":"fr",`+times+`"title":"A","slug":"a","partner":{"_id":"`+string(id("p"))+`","_type":"partner",`+system+times+`"name":"P",`+added+`,`+added+`,
		{"_id":"`+string(id("b"))+`","_type":"fiche",`+system+`"_locale":"fr",`+times+`"title":"B",`+added+`],"page":{"limit":20,"next":null}}`)
	if calls["fiche"] != 1 || calls["partner"] != 1 {
		t.Errorf("called %v times", calls)
	}
	one, err := w.one(anonymous, "fiche", "b", "fields=title,region")
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, one, `{"_id":"`+string(id("b"))+`","_type":"fiche","title":"B"}`)
}

func TestHooks_QueryPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("partner", "p", `{"name":"P","kind":"secret"}`)
	w.publish("fiche", "a", `{"title":"A","region":"44","partner":`+reference("partner", "p")+`}`)
	w.publish("fiche", "b", `{"title":"B","region":"27","partner":`+reference("partner", "p")+`}`)
	w.onPlan(func(e *core.QueryEvent) error {
		field, value := "region", "44"
		if e.Type.Name == "partner" {
			field, value = "kind", "open"
		}
		e.Narrow = append(e.Narrow, core.Compare{Path: core.Path{Field: field}, Op: core.OpEq, Values: []any{value}})
		return nil
	})
	wantBody(t, w.list(anonymous, "fiche", "fields=title"), `{"data":[{"_id":"`+string(id("a"))+`","_type":"fiche","title":"A"}],"page":{"limit":20,"next":null,"total":1}}`)
	if _, err := w.one(anonymous, "fiche", "b", ""); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("an entry that a plugin leaves out is found by its id: %v", err)
	}
	a, err := w.one(anonymous, "fiche", "a", "fields=partner&include=partner")
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, a, `{"_id":"`+string(id("a"))+`","_type":"fiche","partner":`+reference("partner", "p")+`}`)
	search, err := w.answer(w.Search(t.Context(), anonymous, params("q=x&types=partner")))
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, search, `{"data":[],"page":{"limit":20,"next":null,"total":0}}`)
}

func TestHooks_QueryPlanRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onPlan(func(*core.QueryEvent) error { return core.Errorf(core.CodeForbidden, "Not on Sundays.") })
	_, err := w.answer(w.List(t.Context(), anonymous, "fiche", nil))
	if err == nil {
		t.Error("a refused query was answered")
	}
}

// With plugins that may answer each caller differently, no answer is shared between callers.
func TestHooks_Keys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := &core.Principal{ID: "user:77", Kind: "user"}
	key := func(who *core.Principal) string {
		p, err := w.List(t.Context(), who, "fiche", nil)
		if err != nil {
			t.Fatal(err)
		}
		return p.Key
	}
	if key(anonymous) != key(other) {
		t.Error("equal scopes have two keys")
	}
	w.onRead(func(*core.ReadEvent) {})
	if key(anonymous) == key(other) {
		t.Error("callers share an answer that a plugin takes part in")
	}
}

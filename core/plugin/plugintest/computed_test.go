package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// computes is a plugin with one function, dev.acme.f/f.
func computes(version int, f func(c core.Computing) (any, error)) made {
	return made{manifest: plugin.Manifest{ID: "dev.acme.f", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		plugin.Computes(r, plugin.Computation{Name: "f", Version: version, With: []byte(`{"type":"object"}`),
			Compute: func(_ context.Context, c core.Computing) (any, error) { return f(c) }})
		return nil
	}}
}

// leaf is a type with more properties than a title.
func leaf(properties string) string {
	return `{"title":"Leaf","type":"object","unevaluatedProperties":false,"x-type":{"name":"leaf","public":true,"titleField":"title","slug":{"field":"slug","from":"title"}},
		"properties":{"title":{"type":"string"},"slug":{"type":"string"}` + properties + `}}`
}

const byF = `"x-computed":{"by":"dev.acme.f/f","with":{}}`

func turn(h *plugintest.Host, id string, on bool) {
	h.Do("administrator", "PATCH", "/api/v1/plugins/"+id, plugintest.Doc{"enabled": on}).OK()
}

// draft is an entry as its editors see it.
func draft(h *plugintest.Host, typ string, id core.EntryID, query string) plugintest.Doc {
	return h.Do("administrator", "GET", "/api/v1/content/"+typ+"/"+string(id)+"?state=draft"+query, nil).OK().Body
}

// What is written while a plugin is off is made up for when it is on again, now or after a restart.
func TestComputed_madeUpFor(t *testing.T) {
	t.Parallel()
	h := essays(t)
	h.Create("essay", plugintest.Doc{"title": "x", "text": "two words"}).OK()
	for _, again := range []func(){func() { turn(h, "dev.acme.words", true) }, func() { turn(h, "dev.acme.words", true); h.Restart(vocabulary(1, 1)) }, func() { h.Restart(vocabulary(1, 1)) }} {
		turn(h, "dev.acme.words", false)
		id := h.Create("essay", plugintest.Doc{"title": "x", "text": "and now three"}).OK().Has("words", nil).ID
		if again(); degraded(h) != "" {
			t.Fatal("it is off")
		}
		turn(h, "dev.acme.words", true)
		h.Eventually("it is computed", func() bool { return fmt.Sprint(draft(h, "essay", id, "")["words"]) == "3" })
	}
}

// An entry that a function refuses keeps its value, and keeps no other one from its own.
func TestComputed_refusedAnew(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"refuse", "fail"} {
		t.Run(bad, func(t *testing.T) {
			t.Parallel()
			h := essays(t)
			turn(h, "dev.acme.words", false)
			h.Create("essay", plugintest.Doc{"title": "x", "text": bad}).OK()
			turn(h, "dev.acme.words", true)
			id := h.Create("essay", plugintest.Doc{"title": "z", "text": "two words"}).OK().Has("words", 2).ID
			h.Restart(vocabulary(2, 10))
			h.Eventually("the one after it is computed anew", func() bool { return fmt.Sprint(draft(h, "essay", id, "")["words"]) == "20" })
			if got := degraded(h); got != "" {
				t.Errorf("degraded: %s", got)
			}
		})
	}
}

// Nobody sets a computed field, in a translation either, and who replaces an entry takes none away.
func TestComputed_nobodySetsIt(t *testing.T) {
	t.Parallel()
	h := essays(t)
	id := h.Create("essay", plugintest.Doc{"title": "x", "text": "two words"}).OK().ID
	h.Update("essay", id, plugintest.Doc{"_locale": "en", "text": "one"}).OK()
	for _, on := range []bool{true, false} {
		turn(h, "dev.acme.words", on)
		h.Update("essay", id, plugintest.Doc{"_locale": "en", "words": 99}).Status(422)
		h.Update("essay", id, plugintest.Doc{"words": 99}).Status(422)
		h.Do("administrator", "PUT", "/api/v1/content/essay/"+string(id), plugintest.Doc{"_locale": "en", "title": "t", "text": "one"}).OK()
		if got := draft(h, "essay", id, "&locale=en")["words"]; fmt.Sprint(got) != "1" {
			t.Errorf("the translation has %v words", got)
		}
	}
	tags := plugintest.New(t, computes(1, func(core.Computing) (any, error) { return []string{"a", "b"}, nil }),
		plugintest.Types(leaf(`,"tags":{"type":"array","items":{"type":"string"},`+byF+`}`)))
	id = tags.Create("leaf", plugintest.Doc{"title": "x"}).OK().Has("tags", "[a b]").ID
	tags.Restart()
	tags.Do("administrator", "PUT", "/api/v1/content/leaf/"+string(id), plugintest.Doc{"title": "y"}).OK().Has("tags", "[a b]")
}

// A plugin that has other words than before takes no type away.
func TestVocabulary_narrowed(t *testing.T) {
	t.Parallel()
	h := essays(t)
	id := h.CreateLive("essay", plugintest.Doc{"title": "x", "text": "two words"}).OK().ID
	h.Restart(made{manifest: plugin.Manifest{ID: "dev.acme.words", Version: "2.0.0"}, register: func(r *plugin.Registry) error {
		plugin.Annotations(r, core.Annotation{Name: "x-acme-tone", OnType: true, Value: json.RawMessage(`{"type":"object","required":["ban"]}`)})
		plugin.Computes(r, plugin.Computation{Name: "count", With: []byte(`{"type":"integer"}`), Compute: func(context.Context, core.Computing) (any, error) { return 0, nil }})
		return nil
	}})
	h.Get("/api/v1/content/essay/"+string(id)).OK().Has("words", 2)
	h.Update("essay", id, plugintest.Doc{"title": "damn"}).OK().Has("words", 2)
}

// Everything that changes a document computes, once, and with the slug.
func TestComputed_everyWrite(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	p := computes(1, func(c core.Computing) (any, error) {
		calls.Add(1)
		with := c.With.(map[string]any)
		with[fmt.Sprint(len(with))] = true // its own copy
		return fmt.Sprint(c.Doc["title"], len(with)), nil
	})
	hooks := made{manifest: plugin.Manifest{ID: "dev.acme.h", Version: "1.0.0", Writes: []string{"leaf.title"}}, register: func(r *plugin.Registry) error {
		return errors.Join(plugin.Before(r, plugin.EntryCreate, func(context.Context, *core.EntryEvent) error { return nil }),
			plugin.Before(r, plugin.EntryRestore, func(_ context.Context, e *core.EntryEvent) error { e.New["title"] = "restored"; return nil }))
	}}
	h := plugintest.New(t, p, plugintest.With(hooks), plugintest.Types(leaf(`,"f":{"type":"string",`+byF+`},"link":{"type":"string","x-computed":"\"/x/\" + slug"},
		"has":{"type":"boolean","x-computed":"ref != nil"},"ref":{"x-ref":{"types":["leaf"],"onDelete":"null"}},
		"a":{"x-computed":"(b ?? 0) + 1"},"b":{"x-computed":"a"}`)))
	target := h.Create("leaf", plugintest.Doc{"title": "target"}).OK().ID
	id := h.Create("leaf", plugintest.Doc{"title": "A leaf", "slug": "leaf", "ref": plugintest.Doc{"_ref": target, "_type": "leaf"}}).OK().
		Has("link", "/x/leaf").Has("f", "A leaf1").Has("has", true).ID
	calls.Store(0)
	for range 3 { // no value follows from what it was before
		h.Update("leaf", id, plugintest.Doc{"title": "Another leaf"}).OK().Has("f", "Another leaf1").Has("a", 1).Has("b", 1)
	}
	if got := calls.Load(); got > 3+2 { // what computes anew after a start may still look at the two entries
		t.Errorf("called %d times in three writes", got)
	}
	if got := h.Create("leaf", plugintest.Doc{"title": "Slug of its own"}).OK().Body["link"]; got != "/x/slug-of-its-own" {
		t.Errorf("the link is %v", got)
	}
	h.Do("administrator", "DELETE", "/api/v1/content/leaf/"+string(target), nil).OK()
	if got := draft(h, "leaf", id, "")["has"]; got != false {
		t.Errorf("after what it refers to has gone: %v", got)
	}
	h.Do("administrator", "DELETE", "/api/v1/content/leaf/"+string(id), nil).OK()
	h.Move("leaf", id, "restore").OK().Has("title", "restored").Has("f", "restored1")
}

// A type that loses its computed field while that is computed anew has lost it.
func TestComputed_typeMoves(t *testing.T) {
	t.Parallel()
	without, with := leaf(""), leaf(`,"f":{"type":"string",`+byF+`}`)
	version := func(n int, block <-chan struct{}) made {
		return computes(n, func(core.Computing) (any, error) { <-block; return fmt.Sprint(n), nil })
	}
	open := make(chan struct{})
	close(open)
	h := plugintest.New(t, version(1, open), plugintest.Types(strings.ReplaceAll(without, "leaf", "other")))
	h.Do("administrator", "PUT", "/api/v1/types/leaf", plugintest.Doc{"schema": json.RawMessage(with)}).OK()
	var id core.EntryID
	for range 5 {
		id = h.Create("leaf", plugintest.Doc{"title": "x"}).OK().ID
	}
	block := make(chan struct{})
	begun := make(chan struct{}, 100)
	h.Restart(computes(2, func(core.Computing) (any, error) { begun <- struct{}{}; <-block; return "2", nil }))
	<-begun
	h.Do("administrator", "PUT", "/api/v1/types/leaf", plugintest.Doc{"schema": json.RawMessage(without), "repairs": []any{plugintest.Doc{"kind": "drop", "path": "f"}}}).OK()
	close(block)
	h.Update("leaf", id, plugintest.Doc{"title": "y"}).OK()
	if got := h.Do("administrator", "GET", "/api/v1/content/leaf?state=draft", nil).OK().Text; strings.Contains(got, `"f":`) {
		t.Error(got)
	}
}

// Nothing that a person's data was computed into keeps them, whatever the function says.
func TestComputed_erased(t *testing.T) {
	t.Parallel()
	p := computes(1, func(c core.Computing) (any, error) {
		if name, _ := c.Doc["name"].(string); strings.HasPrefix(name, "Z") {
			return "Hello " + name, nil
		}
		return nil, plugin.Reject("no_name", "A name is needed.")
	})
	for _, on := range []bool{true, false} {
		h := plugintest.New(t, p, plugintest.Types(leaf(`,"name":{"type":"string","x-personal":{"subject":"contact","purpose":"relations","basis":"consent","keep":"P3Y"}},
			"greeting":{"type":"string",`+byF+`},"welcome":{"type":"string","x-computed":"\"Welcome \" + name"}`)))
		id := h.CreateLive("leaf", plugintest.Doc{"title": "x", "name": "Zebulonne"}).OK().Has("greeting", "Hello Zebulonne").Has("welcome", "Welcome Zebulonne").ID
		turn(h, "dev.acme.f", on)
		got := h.Do("administrator", "POST", "/api/v1/privacy/erasures", plugintest.Doc{"entries": []any{plugintest.Doc{"type": "leaf", "id": id}}, "reason": "x"}).OK().Text
		for _, address := range []string{"", "/revisions/1", "/revisions"} {
			got += h.Do("administrator", "GET", "/api/v1/content/leaf/"+string(id)+address, nil).OK().Text
		}
		if strings.Contains(got, "Zebulonne") {
			t.Errorf("on %v: %s", on, got)
		}
	}
}

// A function that gives what does not fit its field has failed; an expression that would is seen when the type is looked at.
func TestComputed_doesNotFit(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, computes(1, func(core.Computing) (any, error) { return "text", nil }), plugintest.Types(leaf(`,"size":{"type":"integer"}`)))
	h.Create("leaf", plugintest.Doc{"title": "x", "size": 7}).OK()
	check := func(field string) *plugintest.Result {
		return h.Do("administrator", "PUT", "/api/v1/types/leaf", plugintest.Doc{"schema": json.RawMessage(leaf(`,"size":{"type":"integer"},` + field))})
	}
	if got := check(`"double":{"type":"integer","maximum":3,"x-computed":"size * 2"}`).Status(409).Text; !strings.Contains(got, "/double") {
		t.Error(got)
	}
	check(`"f":{"type":"integer",` + byF + `}`).Status(409)
	h.Restart(computes(1, func(core.Computing) (any, error) { return nil, nil }))
	check(`"f":{"type":"integer",` + byF + `}`).OK()
	h.Restart(computes(1, func(core.Computing) (any, error) { return "text", nil }))
	if got := h.Create("leaf", plugintest.Doc{"title": "x"}); got.Has("reason", "plugin_invalid_output").Code != 500 || !strings.Contains(got.Text, "dev.acme.f") {
		t.Error(got.Text)
	}
}

// Who may not read a field is not told that another is computed from it.
func TestComputed_hiddenSource(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, computes(1, func(core.Computing) (any, error) { return nil, nil }), plugintest.Types(leaf(`,"margin":{"type":"integer","x-private":true},
		"out":{"type":"number","x-private":false,"x-computed":"margin * 2"}`)))
	if got := h.Get("/api/v1/types/leaf").OK().Text; strings.Contains(got, "margin") || !strings.Contains(got, `"x-computed":true`) {
		t.Error(got)
	}
	if got := h.Do("administrator", "GET", "/api/v1/types/leaf", nil).OK().Text; !strings.Contains(got, `margin * 2`) {
		t.Error(got)
	}
}

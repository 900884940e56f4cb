package read_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const system = `"_rev":1,"_status":"published","_locale":"fr","_createdAt":"2026-02-01T09:00:00Z","_updatedAt":"2026-02-01T09:00:00Z","_publishedAt":"2026-02-01T09:00:00Z"`

func TestOne_WhatEachCallerSees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fiche", "a", `{"title":"Été \"1\"","slug":"ete","region":"44","note":"canary","contact":{"name":"N","email":"canary","phone":"1"},
		"programme":[{"title":"P1","fee":"canary"},{"fee":"canary"},{"title":"P3"}],"partner":{"_ref":"x","_type":"partner"}}`)
	head := `{"_id":"` + string(id("a")) + `","_type":"fiche",`
	for _, tc := range []struct {
		name string
		who  *core.Principal
		raw  string
		want string
	}{
		{"public", anonymous, "", head + system + `,"title":"Été \"1\"","slug":"ete","region":"44","contact":{"name":"N","phone":"1"},
			"programme":[{"title":"P1"},{},{"title":"P3"}],"partner":{"_ref":"x","_type":"partner"}}`},
		{"named fields only", writer, "", head + system + `,"title":"Été \"1\"","note":"canary","contact":{"name":"N"}}`},
		{"everything", staff, "", head + system + `,"title":"Été \"1\"","slug":"ete","region":"44","note":"canary","contact":{"name":"N","email":"canary","phone":"1"},
			"programme":[{"title":"P1","fee":"canary"},{"fee":"canary"},{"title":"P3"}],"partner":{"_ref":"x","_type":"partner"}}`},
		{"fields", anonymous, "fields=title,contact.phone", head[:len(head)-1] + `,"title":"Été \"1\"","contact":{"phone":"1"}}`},
		{"system fields", anonymous, "fields=_rev,_createdAt,slug", head + `"_rev":1,"_createdAt":"2026-02-01T09:00:00Z","slug":"ete"}`},
		{"a group", anonymous, "fields=contact", head[:len(head)-1] + `,"contact":{"name":"N","phone":"1"}}`},
		{"part of a list", anonymous, "fields=programme.title", head[:len(head)-1] + `,"programme":[{"title":"P1"},{},{"title":"P3"}]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := w.one(tc.who, "fiche", "a", tc.raw)
			if err != nil {
				t.Fatal(err)
			}
			wantBody(t, a, tc.want)
			if want := []string{"fiche", "fiche/" + string(id("a"))}; !reflect.DeepEqual(a.Tags, want) || a.Rev != 1 || a.Position != 1 {
				t.Errorf("got tags %v, rev %d, position %d", a.Tags, a.Rev, a.Position)
			}
		})
	}
}

func TestOne_Draft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fiche", "a", `{"title":"old"}`)
	e := w.entry("fiche", "a", `{"title":"new"}`, `{"title":"old"}`)
	e.Rev, e.Status, e.UpdatedAt, e.UpdatedBy = 2, "in_review", clock.Add(time.Hour+5*time.Millisecond), "user:9"
	e.Schedule = []core.Scheduled{{Transition: "publish", To: "published", Effect: core.EffectPublish, At: clock.Add(2 * time.Hour), By: "user:1"}}
	w.m.put(core.ActionUpdate, e)
	a, err := w.one(staff, "fiche", "a", "state=draft")
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, a, `{"_id":"`+string(id("a"))+`","_type":"fiche","_rev":2,"_status":"in_review","_locale":"fr","_createdAt":"2026-02-01T09:00:00Z",
		"_updatedAt":"2026-02-01T10:00:00.005Z","_publishedAt":"2026-02-01T09:00:00Z","_createdBy":"user:1","_updatedBy":"user:9","_published":true,
		"_schedule":[{"transition":"publish","to":"published","at":"2026-02-01T11:00:00Z","by":"user:1"}],"title":"new"}`)
	a, _ = w.one(anonymous, "fiche", "a", "")
	wantBody(t, a, `{"_id":"`+string(id("a"))+`","_type":"fiche",`+system+`,"title":"old"}`)
	_, err = w.one(anonymous, "fiche", "a", "state=draft")
	wantCode(t, err, core.CodeUnauthenticated)
}

func TestOne_Trash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.entry("fiche", "a", `{"title":"x"}`, "")
	at := clock.Add(time.Hour)
	e.TrashedAt = &at
	w.m.put(core.ActionDelete, e)
	a, err := w.one(staff, "fiche", "a", "state=trash&fields=_trashedAt,_publishedAt")
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, a, `{"_id":"`+string(id("a"))+`","_type":"fiche","_publishedAt":null,"_trashedAt":"2026-02-01T10:00:00Z"}`)
}

// What is not there and what may not be seen have one answer.
func TestOne_AbsentAndHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.draft("fiche", "draft", `{"title":"x","slug":"draft"}`)
	w.publish("partner", "s1", `{"name":"S","slug":"south","kind":"south"}`)
	w.publish("minutes", "m", `{"title":"x"}`)
	for _, tc := range []struct {
		name   string
		who    *core.Principal
		typ    core.TypeName
		key    string
		detail string
	}{
		{"a draft by id", anonymous, "fiche", string(id("draft")), "There is no fiche \"" + string(id("draft")) + "\"."},
		{"nothing by id", anonymous, "fiche", string(id("zz")), "There is no fiche \"" + string(id("zz")) + "\"."},
		{"a draft by slug", anonymous, "fiche", "draft-of-mine", `There is no fiche "draft-of-mine".`},
		{"a row of others", north, "partner", string(id("s1")), "There is no partner \"" + string(id("s1")) + "\"."},
		{"a row of others by slug", north, "partner", "south-partner", `There is no partner "south-partner".`},
		{"another type's", anonymous, "fiche", string(id("s1")), "There is no fiche \"" + string(id("s1")) + "\"."},
		{"a type of others", anonymous, "minutes", string(id("m")), `There is no content type "minutes".`},
		{"no such type", anonymous, "nothing", string(id("m")), `There is no content type "nothing".`},
		{"a slug that the caller may not read", writer, "fiche", "any-slug-at-all", `There is no fiche "any-slug-at-all".`},
		{"something long", anonymous, "fiche", strings.Repeat("x", 500), `There is no fiche "` + strings.Repeat("x", 100) + `…".`},
	} {
		_, err := w.one(tc.who, tc.typ, tc.key, "")
		if e, ok := core.AsError(err); !ok || e.Code != core.CodeNotFound || e.Message != tc.detail {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
	if _, err := w.one(north, "partner", "s1", ""); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("got %v", err)
	}
	w.publish("partner", "n1", `{"name":"N","slug":"north","kind":"north"}`)
	if _, err := w.one(north, "partner", "n1", ""); err != nil {
		t.Errorf("his own row: %v", err)
	}
}

func TestOne_BySlug(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.entry("fiche", "a", "", `{"title":"x","slug":"the-new-slug"}`)
	e.Slugs = []string{"the-old-slug"}
	w.m.put(core.ActionPublish, e)
	a, err := w.one(anonymous, "fiche", "the-new-slug", "")
	if err != nil || a.Moved != "" {
		t.Errorf("got %v, %v", a, err)
	}
	a, err = w.one(anonymous, "fiche", "the-old-slug", "")
	if err != nil || a.Moved != "the-new-slug" {
		t.Errorf("got %v, %v", a, err)
	}
	if _, err = w.one(writer, "fiche", "the-new-slug", ""); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("a hidden slug finds the entry: %v", err)
	}
}

func TestOne_Locales(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fiche", "a", `{"title":"Titre","region":"44","_i18n":{"en":{"title":"Title"}}}`)
	w.publish("fiche", "b", `{"title":"English only","_locale":"en"}`)
	w.publish("partner", "p", `{"name":"P"}`)
	for _, tc := range []struct {
		typ             core.TypeName
		entry, raw      string
		locale, content string
	}{
		{"fiche", "a", "", `"_locale":"fr"`, `"title":"Titre","region":"44"}`},
		{"fiche", "a", "locale=fr", `"_locale":"fr"`, `"title":"Titre","region":"44"}`},
		{"fiche", "a", "locale=en", `"_locale":"en"`, `"region":"44","title":"Title"}`},
		{"fiche", "b", "", `"_locale":"en"`, `"title":"English only"}`},
		{"fiche", "b", "locale=fr", `"_locale":"en"`, `"title":"English only"}`},
	} {
		a, err := w.one(anonymous, tc.typ, tc.entry, tc.raw)
		if err != nil {
			t.Fatal(err)
		}
		if body := string(a.Body); !strings.Contains(body, tc.locale+",") || !strings.HasSuffix(body, tc.content) || strings.Contains(body, "_i18n") {
			t.Errorf("%s %s: got %s", tc.entry, tc.raw, body)
		}
	}
	if a, _ := w.one(anonymous, "partner", "p", "locale=en"); strings.Contains(string(a.Body), "_locale") {
		t.Errorf("a type without languages has one: %s", a.Body)
	}
}

func TestOne_Keys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := func(who *core.Principal, name, raw string) string {
		p, err := w.One(t.Context(), who, "fiche", name, params(raw))
		if err != nil {
			t.Fatal(err)
		}
		return p.Key
	}
	if key(anonymous, "a", "fields=title,slug") != key(anonymous, "a", "fields=slug,title") {
		t.Error("equal requests have two keys")
	}
	seen := map[string]bool{key(anonymous, "a", ""): true, key(staff, "a", ""): true, key(anonymous, "b", ""): true, key(anonymous, "a", "fields=title"): true,
		key(anonymous, "a", "locale=en"): true, key(anonymous, "a", "include=partner"): true, key(north, "a", "include=partner"): true}
	if len(seen) != 7 {
		t.Errorf("different requests share a key: %v", seen)
	}
	p, err := w.List(t.Context(), anonymous, "fiche", params(""))
	if err != nil || seen[p.Key] || p.Key == "" {
		t.Errorf("a list has the key of an entry: %q, %v", p.Key, err)
	}
	p, _ = w.One(t.Context(), anonymous, "fiche", "a", params("include=partner.head"))
	if want := []core.TypeName{"fiche", "partner", "person"}; !reflect.DeepEqual(p.Types, want) {
		t.Errorf("got %v, want %v", p.Types, want)
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.entry("fiche", "a", `{"title":"new","note":"canary"}`, `{"title":"old"}`)
	a, err := w.Show(t.Context(), staff, e, url.Values{"publish": {"true"}, "fields": {"title,_published"}})
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, a, `{"_id":"`+string(id("a"))+`","_type":"fiche","_published":true,"title":"new"}`)
	a, err = w.Show(t.Context(), anonymous, e, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, a, `{"_id":"`+string(id("a"))+`","_type":"fiche","_rev":1,"_status":"published"}`)
	at := clock
	e.TrashedAt = &at
	if a, err = w.Show(t.Context(), staff, e, nil); err != nil || !strings.Contains(string(a.Body), `"_trashedAt":"2026-02-01T09:00:00Z"`) {
		t.Errorf("got %s, %v", a.Body, err)
	}
}

func TestOne_RichText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fiche", "a", `{"body":{"type":"doc","v":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"a & b"}]}]}}`)
	w.publish("fiche", "b", `{"body":null}`)
	for _, tc := range []struct{ entry, raw, want string }{
		{"a", "fields=body", `{"type":"doc","v":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"a & b"}]}]}`},
		{"a", "fields=body&richtext=html", `"<p>a &amp; b</p>"`},
		{"a", "fields=body&richtext=text", `"a & b"`},
		{"b", "fields=body&richtext=html", `null`},
	} {
		a, err := w.one(anonymous, "fiche", tc.entry, tc.raw)
		if err != nil {
			t.Fatal(err)
		}
		wantBody(t, a, `{"_id":"`+string(id(tc.entry))+`","_type":"fiche","body":`+tc.want+`}`)
	}
}

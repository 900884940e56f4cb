package main_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// A step is one request of a story, as an administrator. {name} stands for an identifier that an earlier step saved.
type step struct {
	method, path string
	body         any
	header       string
	status       int
	save         string         // the name to save the answer's _id under
	want         map[string]any // members of the answer; nil for absent. A dotted name leads into it
}

type fields = map[string]any

// story is a day in the life of an editor: every kind of write, and what is seen of it.
var story = []step{
	{"POST", "writer?publish=true", fields{"name": "Camille Exemple"}, "", 201, "camille", fields{"slug": "camille-exemple", "_status": "published"}},
	{"POST", "note", fields{"title": "Bonjour", "count": 1, "author": fields{"_slug": "camille-exemple", "_type": "writer"}}, "Idempotency-Key: first", 201, "n", fields{"_rev": 1.0, "_status": "draft", "author._type": "writer"}},
	{"POST", "note", fields{"title": "Bonjour", "count": 1, "author": fields{"_slug": "camille-exemple", "_type": "writer"}}, "Idempotency-Key: first", 201, "again", fields{"_rev": 1.0}},
	{"POST", "note", fields{"title": "Autre chose"}, "Idempotency-Key: first", 422, "", fields{"reason": "key_reused"}},
	{"POST", "note", fields{"count": "un"}, "", 422, "", fields{"errors.0.pointer": "/count"}},
	{"PATCH", "note/{n}", fields{"count": 2, "tags": []string{"a", "b"}}, `If-Match: "1"`, 200, "", fields{"_rev": 2.0, "count": 2.0}},
	{"PATCH", "note/{n}", fields{"count": 3}, `If-Match: "1"`, 412, "", fields{"rev": 2.0}},
	{"PATCH", "note/{n}", fields{"title": "Hello", "_locale": "en"}, "", 200, "", fields{"title": "Hello", "_locale": "en"}},
	{"GET", "note/{n}", nil, "", 404, "", nil},
	{"GET", "note/{n}?state=draft", nil, "", 200, "", fields{"title": "Bonjour", "_rev": 3.0}},
	{"POST", "note/{n}/transitions/publish", nil, "", 200, "", fields{"_status": "published"}},
	{"GET", "note/{n}?locale=en", nil, "", 200, "", fields{"title": "Hello", "_locale": "en", "_rev": 4.0}},
	{"GET", "note?filter[author.name]=Camille+Exemple&facets=tags", nil, "", 200, "", fields{"page.total": 1.0, "facets.tags.0.count": 1.0}},
	{"PATCH", "note/{n}", fields{"slug": "salut", "tags": nil}, "", 200, "", fields{"_status": "draft", "tags": nil}},
	{"GET", "note/bonjour", nil, "", 200, "", fields{"_rev": 4.0, "slug": "bonjour"}},
	{"POST", "note/{n}/transitions/publish", nil, "", 200, "", nil},
	{"GET", "note/bonjour", nil, "", 301, "", nil},
	{"GET", "note/salut", nil, "", 200, "", fields{"title": "Bonjour", "_rev": 6.0}},
	{"DELETE", "writer/{camille}", nil, "", 409, "", fields{"references.0.type": "note"}},
	{"GET", "writer/{camille}/references", nil, "", 200, "", fields{"data.0.field": "author", "page.total": 1.0}},
	{"GET", "writer/{camille}?include=notes", nil, "", 200, "", fields{"notes.0.slug": "salut"}},
	{"GET", "note/{n}/revisions", nil, "", 200, "", fields{"data.0.rev": 6.0, "data.5.action": "create"}},
	{"GET", "note/{n}/revisions/2", nil, "", 200, "", fields{"count": 2.0}},
	{"POST", "note/{n}/revisions/2/restore", nil, "", 200, "", fields{"_rev": 7.0, "slug": "bonjour", "_status": "draft"}},
	{"POST", "note/{n}/transitions/publish", fields{"at": "2999-01-01T00:00:00Z"}, "", 200, "", fields{"_schedule.0.transition": "publish"}},
	{"POST", "note/{n}/transitions/unschedule", nil, "", 200, "", fields{"_schedule.0": nil}},
	{"POST", "note/{n}/transitions/unpublish", nil, "", 200, "", fields{"_published": false}},
	{"DELETE", "note/{n}", nil, "", 204, "", nil},
	{"GET", "note/{n}?state=trash", nil, "", 200, "", fields{"title": "Bonjour"}},
	{"POST", "note/{n}/transitions/restore", nil, "", 200, "", fields{"_status": "draft"}},
	{"PUT", "note/{n}", fields{"title": "Tout neuf"}, "", 200, "", fields{"title": "Tout neuf", "count": nil, "author": nil}},
	{"POST", "/batch", fields{"operations": []any{
		fields{"op": "create", "type": "note", "data": fields{"title": "Un", "code": "X"}},
		fields{"op": "create", "type": "note", "data": fields{"title": "Deux", "code": "X"}}}}, "", 409, "", fields{"operation": 1.0}},
	{"GET", "note?state=draft&filter[code]=X", nil, "", 200, "", fields{"page.total": 0.0}},
	{"POST", "/batch", fields{"operations": []any{
		fields{"op": "create", "type": "note", "data": fields{"title": "Un", "code": "X"}},
		fields{"op": "update", "type": "note", "id": "{n}", "data": fields{"next": fields{"_slug": "un", "_type": "note"}}},
		fields{"op": "delete", "type": "writer", "id": "{camille}"}}}, "", 200, "", fields{"results.2.op": "delete"}},
	{"GET", "note?state=draft&q=neuf&sort=_score", nil, "", 200, "", fields{"page.total": 1.0}},
	{"DELETE", "note/{n}?purge=true", nil, "", 204, "", nil},
	{"GET", "note/{n}?state=draft", nil, "", 404, "", nil},
	{"GET", "/changes?since=0&limit=3", nil, "", 200, "", fields{"last": false}},
}

// The same requests get the same answers on both stores.
func TestStory(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(*testing.T) []string{
		"embedded": func(*testing.T) []string { return nil },
		"mongodb":  func(t *testing.T) []string { return startMongo(t).environment() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			n := start(t, nodeOptions{Dir: dir, Env: env(t)})
			saved := map[string]string{}
			for _, s := range story {
				tell(t, n, s, saved)
			}
			if saved["n"] != saved["again"] {
				t.Errorf("a retry made another entry: %v", saved)
			}
		})
	}
}

func tell(t *testing.T, n *node, s step, saved map[string]string) {
	t.Helper()
	path := s.path
	if !strings.HasPrefix(path, "/") {
		path = "/content/" + path
	}
	var headers []string
	if s.header != "" {
		headers = []string{s.header}
	}
	a, err := n.try(t.Context(), s.method, "/api/v1"+fill(path, saved), filled(s.body, saved), headers...)
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != s.status {
		t.Fatalf("%s %s: %d, want %d\n%s", s.method, path, a.Status, s.status, a.Body)
	}
	if s.save != "" {
		saved[s.save], _ = a.JSON(t)["_id"].(string)
	}
	for name, want := range s.want {
		if got := at(a.JSON(t), name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s: %s is %v, want %v\n%s", s.method, path, name, got, want, a.Body)
		}
	}
	if a.Status < 300 && s.method != http.MethodGet && a.Position() == 0 {
		t.Errorf("%s %s: no Content-Position", s.method, path)
	}
}

func fill(text string, saved map[string]string) string {
	for name, id := range saved {
		text = strings.ReplaceAll(text, "{"+name+"}", id)
	}
	return text
}

func filled(v any, saved map[string]string) any {
	switch v := v.(type) {
	case string:
		return fill(v, saved)
	case fields:
		out := fields{}
		for key, item := range v {
			out[key] = filled(item, saved)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = filled(item, saved)
		}
		return out
	default:
		return v
	}
}

// at leads along a dotted name through objects and arrays; nil where it ends early.
func at(v any, name string) any {
	for _, part := range strings.Split(name, ".") {
		switch c := v.(type) {
		case map[string]any:
			v = c[part]
		case []any:
			i := 0
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(c) {
				return nil
			}
			v = c[i]
		default:
			return nil
		}
	}
	return v
}

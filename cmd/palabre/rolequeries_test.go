package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

// eye is callers who do not see the same fields of papers.
type eye struct {
	name  string
	roles []string
	paper []string
}

var staffOnly = []string{"diet", "pass"}

// eyes is what every role does not see. What a role sees in some rows only is not hidden from it, and cannot be asked about:
// TestRights tells of that.
var eyes = []eye{
	{"administrator", []string{"administrator"}, staffOnly},
	{"coordinator", []string{"coordinator"}, staffOnly},
	{"editor", []string{"editor"}, append([]string{"grade"}, staffOnly...)},
	{"contributor", []string{"contributor"}, append([]string{"grade", "phone"}, staffOnly...)},
	{"east", []string{"east"}, append([]string{"grade", "phone", "rank", "group.salary", "handler"}, staffOnly...)},
	{"outsiders", []string{"stranger", "public", "reader", "jury", "partner"}, append([]string{"grade", "phone", "note", "rank", "group.salary", "handler"}, staffOnly...)},
}

// A field that a role may not see, a field of what it may not see, and every other spelling of one, give in every parameter
// the answer of a server whose types never had it.
func TestHiddenFields_roles(t *testing.T) {
	t.Parallel()
	with := (&eye{}).cast(t)
	for _, e := range eyes {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			without := e.cast(t)
			for i, role := range e.roles {
				for j, q := range e.questions() {
					if i > 0 && j%5 != i%5 { // they see alike: a part of the questions shows it
						continue
					}
					e.compare(t, with, without, role, q)
				}
			}
		})
	}
}

// cast is a server whose types have nothing that the eye does not see, with one paper.
func (e *eye) cast(t *testing.T) *cast {
	t.Helper()
	c := newCast(start(t, nodeOptions{Env: []string{"PALABRE_SCHEMAS=" + e.schemas(t)}}))
	fields := map[string]any{"region": "44", "size": 1, "group": map[string]any{"name": "G"}}
	for _, name := range []string{"diet", "pass", "grade", "phone"} {
		if !slices.Contains(e.paper, name) {
			fields[name] = valueOf(name)
		}
	}
	c.ids["p1"] = c.paper("administrator", "published", fields)
	return c
}

func valueOf(field string) string { return "valueof" + field }

// schemas writes the types as if what the eye does not see had never been thought of.
func (e *eye) schemas(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files, err := os.ReadDir("testdata/system")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile("testdata/system/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if f.Name() == "paper.json" {
			text = e.withoutHidden(t, text)
		}
		if err := os.WriteFile(dir+"/"+f.Name(), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (e *eye) withoutHidden(t *testing.T, schema []byte) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(schema, &m); err != nil {
		t.Fatal(err)
	}
	properties := m["properties"].(map[string]any)
	for _, path := range e.paper {
		of := properties
		if object, member, nested := strings.Cut(path, "."); nested {
			of, path = properties[object].(map[string]any)["properties"].(map[string]any), member
		}
		if of[path] == nil {
			t.Fatalf("paper has no field %s", path)
		}
		delete(of, path)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// spellingsOf are ways to write a field that a parser might take for it.
func spellingsOf(path string) []string {
	all := []string{path, "see." + path, "see.see." + path, "author.papers." + path, "t1." + path, "paper." + path, "data." + path, "_draft." + path, "_i18n.fr." + path, "$" + path, strings.ToUpper(path),
		strings.ToUpper(path[:1]) + path[1:], path + ".", "." + path, path + ".x", path + ".eq", " " + path, path + "\x00", path + "\u200b", "ｄ" + path[1:], strings.Replace(path, "a", "а", 1)}
	slices.Sort(all)
	return slices.Compact(all)
}

// surfaces are the places where a field can be named.
var surfaces = []string{"filter[%s]=canary", "filter[%s][ne]=canary", "filter[%s][lt]=5", "filter[%s][lte]=5", "filter[%s][gt]=5", "filter[%s][gte]=5", "filter[%s][in]=canary,x", "filter[%s][nin]=canary", "filter[%s][contains]=can",
	"filter[%s][prefix]=can", "filter[%s][exists]=true", "filter[%s][between]=a,z", "filter[%s][$gt]=", "sort=%s", "sort=-%s", "sort=title,%s", "facets=%s", "fields=%s", "fields=title,%s", "include=%s", "include=see.%s", "geo=%s&bbox=0,0,9,9",
	"state=draft&filter[%s]=canary", "state=draft&sort=%s", "state=draft&facets=%s", "q=budget&sort=%s", "q=budget&facets=%s"}

// questions puts each spelling of each hidden field into each surface, of the list, of an entry and of a body.
func (e *eye) questions() []string {
	var all []string
	for _, path := range append(slices.Clone(e.paper), "handler.name", "nowhere") {
		if path == "handler.name" && !slices.Contains(e.paper, "handler") {
			continue
		}
		for i, name := range spellingsOf(path) {
			escaped, quoted := url.QueryEscape(name), strings.Trim(string(mustJSON(name)), `"`)
			for j, surface := range surfaces {
				if i < 2 || (i+j)%3 == 0 {
					all = append(all, "GET /api/v1/content/paper?"+fmt.Sprintf(surface, escaped))
				}
			}
			all = append(all, "GET /api/v1/content/paper/{p1}?fields="+escaped, "GET /api/v1/content/paper/{p1}?include="+escaped, "GET /api/v1/content/paper/{p1}?state=draft&fields="+escaped,
				"GET /api/v1/content/writer?filter[papers."+escaped+"]=1", "GET /api/v1/content/organization?filter["+escaped+"]=1")
			for _, body := range []string{`{"filter":{"%s":"canary"}}`, `{"filter":{"or":[{"size":1},{"not":{"%s":{"exists":true}}}]}}`, `{"sort":["%s"]}`, `{"facets":["%s"]}`, `{"fields":["%s"]}`, `{"include":["%s"]}`} {
				all = append(all, "POST /api/v1/content/paper/query "+strings.ReplaceAll(body, "%s", quoted))
			}
		}
	}
	if e.name == "east" || e.name == "outsiders" { // others may set some of what they do not see, and are told of its name
		all = append(all, "GET /api/v1/types/paper", "GET /api/v1/types", "GET /openapi.json")
	}
	return append(all, "GET /api/v1/content/paper/{p1}", "GET /api/v1/content/paper", "GET /browse/paper/{p1}", "GET /api/v1/content/paper/{p1}/revisions/1",
		"GET /api/v1/content/paper?q=valueofdiet", "GET /api/v1/search?q=valueofdie&state=draft", "GET /api/v1/search?q=valueofphone")
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// compare asks the server with the fields and the one without as one role.
func (e *eye) compare(t *testing.T, with, without *cast, role, q string) {
	t.Helper()
	got, want := (world{with.node, with.tokens[role], with.ids}).answers(t, q), (world{without.node, without.tokens[role], without.ids}).answers(t, q)
	if got != want {
		t.Errorf("as %s %q tells of a hidden field:\n%s\n--- without it:\n%s", role, q, got, want)
	}
	for _, path := range e.paper {
		if strings.Contains(got, valueOf(path)) {
			t.Errorf("as %s %q shows %s:\n%s", role, q, path, got)
		}
	}
	if named := strings.Contains(q, "filter[") || strings.Contains(q, "sort="); named && !strings.Contains(q, "%") && strings.HasPrefix(got, fmt.Sprint(http.StatusOK)) {
		t.Errorf("as %s %q is answered", role, q)
	}
}

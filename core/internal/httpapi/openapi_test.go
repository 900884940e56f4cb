package httpapi

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func described2(t *testing.T, s *Server, headers ...string) map[string]any {
	t.Helper()
	rec := call(t, s, "GET", "/openapi.json", "", headers...)
	if rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return decoded(t, rec)
}

func TestOpenAPI_HasEveryRoute(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	paths := described2(t, s)["paths"].(map[string]any)
	params := regexp.MustCompile(`:(\w+)`)
	names := map[string]bool{}
	for _, r := range s.table {
		for _, path := range []string{params.ReplaceAllString(r.path, "{$1}"), params.ReplaceAllString(strings.Replace(r.path, "content/:type", "content/fiche", 1), "{$1}")} {
			item, _ := paths[path].(map[string]any)
			if item[strings.ToLower(r.method)] == nil {
				t.Errorf("%s %s is not described", r.method, path)
			}
		}
		if _, ok := operationDocs[r.name]; !ok || operationDocs[r.name].summary == "" {
			t.Errorf("%s has no line in operationDocs", r.name)
		}
		if names[r.name] {
			t.Errorf("two routes are called %s", r.name)
		}
		names[r.name] = true
	}
	for name := range operationDocs {
		if !names[name] {
			t.Errorf("operationDocs describes %s, which is no route", name)
		}
	}
}

// The structure that OpenAPI 3.1 asks for.
func TestOpenAPI_Structure(t *testing.T) {
	t.Parallel()
	d := described2(t, newServer(t, newWorld()), admin)
	if d["openapi"] != "3.1.0" || d["info"].(map[string]any)["title"] != "Palabre" || d["info"].(map[string]any)["version"] != "1.2.3" {
		t.Errorf("heading: %v %v", d["openapi"], d["info"])
	}
	ids := map[string]bool{}
	for path, item := range d["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if method != "parameters" {
				checkOperation(t, method+" "+path, op.(map[string]any), ids)
			}
		}
		checkPathParameters(t, path, item.(map[string]any))
	}
	checkRefs(t, d, d, "#")
}

func checkOperation(t *testing.T, where string, op map[string]any, ids map[string]bool) {
	t.Helper()
	id, _ := op["operationId"].(string)
	if id == "" || ids[id] {
		t.Errorf("%s: operationId %q is missing or taken", where, id)
	}
	ids[id] = true
	responses := op["responses"].(map[string]any)
	if len(responses) < 2 || responses["default"] == nil {
		t.Errorf("%s: responses %v", where, responses)
	}
	for status, r := range responses {
		if m := r.(map[string]any); m["$ref"] == nil && m["description"] == nil {
			t.Errorf("%s: %s has no description", where, status)
		}
	}
}

func checkPathParameters(t *testing.T, path string, item map[string]any) {
	t.Helper()
	declared := map[string]bool{}
	list, _ := item["parameters"].([]any)
	for _, p := range list {
		m := p.(map[string]any)
		declared[m["name"].(string)] = m["in"] == "path" && m["required"] == true && m["description"] != ""
	}
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
		if !declared[m[1]] {
			t.Errorf("%s: {%s} is not declared", path, m[1])
		}
		delete(declared, m[1])
	}
	if len(declared) > 0 {
		t.Errorf("%s: %v are declared and not in the path", path, declared)
	}
}

// checkRefs follows every reference, and finds no annotation of ours.
func checkRefs(t *testing.T, root, v any, at string) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok && !resolves(root, ref) {
			t.Errorf("%s: %s leads nowhere", at, ref)
		}
		for name, child := range v {
			if strings.HasPrefix(name, "x-") {
				t.Errorf("%s has %s", at, name)
			}
			checkRefs(t, root, child, at+"/"+name)
		}
	case []any:
		for i, child := range v {
			checkRefs(t, root, child, fmt.Sprint(at, "/", i))
		}
	}
}

func resolves(root any, ref string) bool {
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return false
	}
	for name := range strings.SplitSeq(path, "/") {
		m, _ := root.(map[string]any)
		if root = m[name]; root == nil {
			return false
		}
	}
	return true
}

func TestOpenAPI_ShowsWhatTheCallerMaySee(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld())
	for range 2 {
		public := call(t, s, "GET", "/openapi.json", "")
		if body := public.Body.String(); strings.Contains(body, "/content/note") || strings.Contains(body, "secret draft") || strings.Contains(body, "Mulhouse") {
			t.Error("the public sees a hidden type, or content")
		}
		if got := public.Header().Get("Cache-Control"); !strings.HasPrefix(got, "public") {
			t.Errorf("Cache-Control %s", got)
		}
		if body := call(t, s, "GET", "/openapi.json", "", admin).Body.String(); !strings.Contains(body, "/content/note") {
			t.Error("an administrator does not see every type")
		}
	}
	schemas := described2(t, s)["components"].(map[string]any)["schemas"].(map[string]any)
	title := schemas["fiche_write"].(map[string]any)["properties"].(map[string]any)["title"].(map[string]any)
	if fmt.Sprint(title["examples"]) != "[Un titre]" {
		t.Errorf("the schema's example is lost: %v", title)
	}
	read := schemas["fiche"].(map[string]any)["properties"].(map[string]any)
	if read["title"] == nil || read["_rev"] == nil || schemas["fiche_page"] == nil {
		t.Errorf("what is read: %v", read)
	}
}

func TestTranslated(t *testing.T) {
	t.Parallel()
	got := translated(object{"$schema": "x", "x-type": object{}, "$defs": object{"a": object{"$ref": "#"}}, "properties": object{
		"partner": object{"x-ref": object{"types": []any{"partner"}}, "x-label": object{"fr": "Partenaire", "en": "Partner"}},
		"x-odd":   object{"type": "string"},
		"items":   object{"type": "array", "items": object{"oneOf": []any{object{"$ref": "#/$defs/a"}, object{"$ref": "other.json"}}}},
		"const":   object{"const": object{"x-kept": 1}},
	}}, "#/components/schemas/fiche_write")
	want := "map[$defs:map[a:map[$ref:#/components/schemas/fiche_write]] properties:map[" +
		"const:map[const:map[x-kept:1]] " +
		"items:map[items:map[oneOf:[map[$ref:#/components/schemas/fiche_write/$defs/a] map[]]] type:array] " +
		"partner:map[$ref:#/components/schemas/Reference title:Partner] x-odd:map[type:string]]]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

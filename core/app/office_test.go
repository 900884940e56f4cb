package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/app"
)

// paper is a type with a field of each privacy class, references, and a review.
const paper = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Paper","type":"object","required":["title"],"unevaluatedProperties":false,
"x-type":{"name":"paper","titleField":"title","slug":{"field":"slug","from":"title"},"public":true,"workflow":"review"},
"properties":{"title":{"type":"string","minLength":1,"x-search":4},"slug":{"type":"string","x-unique":true},"region":{"type":"string","x-facet":true},"size":{"type":"integer"},
"note":{"type":"string","x-private":true,"x-search":1,"x-facet":true},"phone":{"type":"string","x-private":true,"x-personal":{"subject":"contact","purpose":"editorial","basis":"consent"}},
"see":{"x-ref":{"types":["paper"],"inverse":"seenBy"}},"desk":{"x-ref":{"types":["desk"],"inverse":"papers"}}}}`

// desk is a type for staff.
const desk = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Desk","type":"object","required":["name"],"unevaluatedProperties":false,
"x-type":{"name":"desk","titleField":"name","public":false},"properties":{"name":{"type":"string","x-search":2},"slug":{"type":"string","x-unique":true},"kind":{"type":"string","x-facet":true}}}`

// office is a node with papers, and tokens of several roles.
type office struct {
	t      *testing.T
	app    *app.App
	h      http.Handler
	tokens map[string]string
	ids    map[string]string
}

func newOffice(t *testing.T, roles map[string]string) *office {
	t.Helper()
	c := settings(t)
	for name, schema := range map[string]string{"paper": paper, "desk": desk} {
		if err := os.WriteFile(filepath.Join(c.Schemas, name+".json"), []byte(schema), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := start(t, c)
	o := &office{t: t, app: a, h: a.Handler(), tokens: map[string]string{"administrator": adminToken, "": ""}, ids: map[string]string{}}
	for name, permissions := range roles {
		if name == "public" {
			o.ids[name] = o.role(name)
			o.want(200, "administrator", "PATCH", "/api/v1/content/_role/{public}", `{"permissions":`+permissions+`}`)
			continue
		}
		o.want(201, "administrator", "POST", "/api/v1/content/_role", fmt.Sprintf(`{"name":%q,"permissions":%s}`, name, permissions))
	}
	for _, name := range append(keys(roles), "editor", "contributor", "coordinator", "reader") {
		o.tokens[name] = o.want(201, "administrator", "POST", "/api/v1/content/_token", fmt.Sprintf(`{"name":%q,"role":%q}`, name, name)).body["token"].(string)
	}
	return o
}

// role gives the identifier of a role.
func (o *office) role(name string) string {
	o.t.Helper()
	list, _ := o.want(200, "administrator", "GET", "/api/v1/content/_role?state=draft&filter[name]="+name, "").body["data"].([]any)
	return list[0].(map[string]any)["_id"].(string)
}

func keys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

func (o *office) as(who, method, path, body string) answer {
	o.t.Helper()
	for name, id := range o.ids {
		path, body = strings.ReplaceAll(path, "{"+name+"}", id), strings.ReplaceAll(body, "{"+name+"}", id)
	}
	return request(o.t, o.h, method, path, o.tokens[who], body)
}

func (o *office) want(status int, who, method, path, body string) answer {
	o.t.Helper()
	got := o.as(who, method, path, body)
	if got.status != status {
		o.t.Fatalf("%s %s as %q: %d %v, want %d", method, path, who, got.status, got.body, status)
	}
	return got
}

// write makes a paper under a name.
func (o *office) write(who, name, body, query string) {
	o.t.Helper()
	o.ids[name] = o.want(201, who, "POST", "/api/v1/content/paper"+query, body).body["_id"].(string)
}

// titles are those of a list, sorted.
func titles(a answer) string {
	var out []string
	list, _ := a.body["data"].([]any)
	for _, e := range list {
		title, _ := e.(map[string]any)["title"].(string)
		out = append(out, title)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

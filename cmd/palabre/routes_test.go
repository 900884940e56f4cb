package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestRoutes asks every route of the running server as every caller and compares the statuses with testdata/routes.txt,
// which is the policy, to be read. A route that the file does not have, and one that is gone, fail.
// PALABRE_TEST_GOLDEN=write writes what the server answers into the file: the difference is for a person to review.
func TestRoutes(t *testing.T) {
	t.Parallel()
	c := newCast(start(t, nodeOptions{}))
	routes := routesOf(t, c)
	var table policyTable
	for _, s := range sections(c) {
		for _, q := range s.questions(routes) {
			table.add(s.title, q.label, c.statuses(s, q))
		}
	}
	table.compare(t, "testdata/routes.txt")
	if !t.Failed() {
		unharmed(t, c.node)
	}
}

// apiRoute is one method of one path, as the description of the API has it.
type apiRoute struct {
	method, path string
	body         bool
}

// routesOf reads the routes from the server's own description. Those of single types repeat those of any type: their
// names have the type behind an underscore.
func routesOf(t *testing.T, c *cast) []apiRoute {
	t.Helper()
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(c.must(http.StatusOK, "administrator", "GET", "/openapi.json", nil).Body, &d); err != nil {
		t.Fatal(err)
	}
	var routes []apiRoute
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			var o struct {
				OperationID string
				RequestBody json.RawMessage
			}
			if d.Paths[path][method] == nil || json.Unmarshal(d.Paths[path][method], &o) != nil || strings.Contains(o.OperationID, "_") {
				continue
			}
			routes = append(routes, apiRoute{strings.ToUpper(method), path, o.RequestBody != nil})
		}
	}
	if len(routes) < 30 {
		t.Fatalf("the description has %d routes only: %v", len(routes), routes)
	}
	return routes
}

// section is a part of the policy: the routes asked about one kind of entry. One without a type is the other routes.
type section struct {
	title string
	typ   string
	asset string // a file of the pages
	state string // what reading asks for; "" for the published
	brief bool   // only the plain routes of entries: list, create, read, change, delete
	write func(owner string) map[string]any
	make  func(owner string) string // a fresh entry
}

func (s *section) covers(r apiRoute) bool {
	if s.typ == "" {
		return !strings.Contains(r.path, "{type}")
	}
	plain := r.path == "/api/v1/content/{type}" || r.path == "/api/v1/content/{type}/{id}"
	return strings.Contains(r.path, "{type}") && (plain && r.method != "PUT" || !s.brief)
}

// sections are the entries that the routes are asked about.
func sections(c *cast) []*section {
	region := func(owner string) string {
		return map[string]string{"inside": "44"}[owner] + map[bool]string{true: "11"}[owner != "inside"]
	}
	paper := func(owner string) map[string]any {
		return map[string]any{"title": "Un dossier", "region": region(owner)}
	}
	papers := func(state string) func(string) string {
		return func(owner string) string {
			who := map[bool]string{true: "contributor", false: "editor"}[owner == "own"]
			return c.paper(who, state, map[string]any{"region": region(owner)})
		}
	}
	all := []*section{
		{title: "a paper that is published: a public type, with a review", typ: "paper", write: paper, make: papers("published")},
		{title: "a paper that is a draft", typ: "paper", state: "draft", write: paper, make: papers("draft")},
		c.fixed("a memo that is published: a type for staff", "memo", "?publish=true", false, map[string]any{"title": "Un mémo"}),
		c.fixed("minutes of Comité A, circulated to members", "minutes", "?publish=true", true, map[string]any{"title": "Compte rendu", "committee": "Comité A", "audience": "adherents"}),
		{title: "the partner's organisation", typ: "organization", state: "draft", write: func(string) map[string]any { return map[string]any{"about": "Une page"} },
			make: func(string) string {
				c.as("administrator", "POST", "/api/v1/content/organization/"+c.ids["org"]+"/transitions/restore", nil) // after who may throw it away
				return c.ids["org"]
			}},
	}
	all[4].brief = true
	return append(append(all, systemSections(c)...), &section{title: "everything else", asset: c.assetOf(), make: func(owner string) string { return papers("published")(owner) }})
}

// fixed is a section whose entries are alike whoever asks.
func (c *cast) fixed(title, typ, query string, brief bool, fields map[string]any) *section {
	return &section{title: title, typ: typ, brief: brief, write: func(string) map[string]any { return fields },
		make: func(string) string { return c.create(typ, fields, query) }}
}

// systemSections are the types that rights and accounts are made of.
func systemSections(c *cast) []*section {
	var all []*section
	made := 0
	fresh := func(typ string, fields func(n int) map[string]any) {
		next := func(string) map[string]any { made++; return fields(made) }
		all = append(all, &section{title: typ, typ: typ, brief: true, write: next, make: func(string) string { return c.create(typ, next(""), "") }})
	}
	fresh("_user", func(n int) map[string]any {
		return map[string]any{"email": fmt.Sprintf("camille%d@example.org", n), "name": "Camille Exemple", "roles": []string{"reader"}}
	})
	fresh("_role", func(n int) map[string]any { return map[string]any{"name": fmt.Sprintf("role-%d", n)} })
	fresh("_token", func(int) map[string]any { return map[string]any{"name": "Un jeton", "role": "reader"} })
	fresh("_link", func(int) map[string]any {
		return map[string]any{"type": "paper", "entry": c.linked, "actions": []string{"read"}, "expiresAt": inAMonth()}
	})
	fresh("_comment", func(int) map[string]any { return map[string]any{"type": "paper", "entry": c.linked, "text": "Bien"} })
	for _, typ := range []string{"_session", "_audit", "_erasure", "_type"} { // Palabre itself makes them
		all = append(all, &section{title: typ, typ: typ, brief: true, write: func(string) map[string]any { return map[string]any{"name": "x"} },
			make: func(string) string { return c.anyOf(typ) }})
	}
	return all
}

// anyOf is an entry of a type that nobody can make, or an identifier that nothing has.
func (c *cast) anyOf(typ string) string {
	list, _ := c.as("administrator", "GET", "/api/v1/content/"+typ+"?limit=1", nil).JSON(c.t)["data"].([]any)
	if len(list) == 0 {
		return "01jd0000000000000000000000"
	}
	return list[0].(map[string]any)["_id"].(string)
}

// question is one row: a route with what stands in it.
type question struct {
	label  string
	method string
	path   string // with {id}
	body   func(c *cast, s *section, owner, id string) any
	before string // the transition that an administrator makes first
	about  bool   // it needs an entry
	spends bool   // it changes the entry when it succeeds
}

// turns are the ways of asking a route that has several.
var turns = map[string][]string{
	"DELETE /api/v1/content/{type}/{id}":                  {"", "?purge=true"},
	"POST /api/v1/content/{type}":                         {"", "?publish=true"},
	"POST /api/v1/content/{type}/{id}/transitions/{name}": {"submit", "approve", "reject", "publish", "unpublish", "restore"},
	"GET /api/v1/access/explain":                          {"?action=read&type=paper&id={id}", "?action=read&type=paper&as=editor"},
	"GET /api/v1/search":                                  {"?q=dossier", "?q=dossier&types=memo"},
	"GET /api/v1/changes":                                 {"", "?types=memo"},
	"GET /api/v1/content/{type}/{id}":                     {""},
}

// firstMade are the transitions that must have been made before another can be.
var firstMade = map[string]string{"approve": "submit", "reject": "submit", "restore": "delete"}

// questions are the rows of the routes that the section covers.
func (s *section) questions(routes []apiRoute) []question {
	var all []question
	for _, r := range routes {
		if !s.covers(r) {
			continue
		}
		ways := turns[r.method+" "+r.path]
		if ways == nil || s.brief {
			ways = []string{""}
		}
		for _, way := range ways {
			all = append(all, s.question(r, way))
		}
	}
	return all
}

func (s *section) question(r apiRoute, way string) question {
	path := r.path
	if strings.Contains(path, "{name}") {
		path, way = strings.Replace(path, "{name}", way, 1), ""
	}
	if s.state != "" && r.method == http.MethodGet && strings.HasPrefix(path, "/api/v1/content/") && !strings.Contains(path, "revisions") && !strings.Contains(path, "references") {
		way += map[bool]string{true: "?", false: "&"}[way == ""] + "state=" + s.state
	}
	q := question{label: fmt.Sprintf("%-6s %s%s", r.method, path, way), method: r.method, about: strings.Contains(path+way, "{id}") || r.path == "/api/v1/batch"}
	q.spends = q.about && r.method != http.MethodGet
	q.before = firstMade[path[strings.LastIndexByte(path, '/')+1:]]
	if strings.Contains(path, "/revisions/") {
		q.before = ""
	}
	fill := strings.NewReplacer("{type}", s.typ, "{rev}", "1", "{code}", "not-found", "{file}", s.asset)
	q.path = fill.Replace(path + way)
	if r.body {
		q.body = bodyOf(r)
	}
	return q
}

// bodyOf is what a route is sent. One that is not named here gets an empty object: whoever may not call it is refused
// before anybody reads what he sent.
func bodyOf(r apiRoute) func(c *cast, s *section, owner, id string) any {
	return func(c *cast, s *section, owner, id string) any {
		switch r.path {
		case "/api/v1/content/{type}", "/api/v1/content/{type}/{id}":
			return s.write(owner)
		case "/api/v1/batch":
			return map[string]any{"operations": []any{map[string]any{"op": "update", "type": "paper", "id": id, "data": map[string]any{"title": "Ensemble"}}}}
		case "/api/v1/auth/reset-links":
			return map[string]any{"user": c.ids["user-reader"]}
		case "/api/v1/auth/totp":
			return map[string]any{"password": "not the password", "code": "000000"}
		case "/api/v1/auth/totp/confirm", "/api/v1/auth/totp/recovery":
			return map[string]any{"code": "000000"}
		case "/api/v1/privacy/subjects", "/api/v1/privacy/subjects/export":
			return map[string]any{"text": "camille@example.org"}
		case "/api/v1/privacy/erasures":
			return map[string]any{"entries": []any{map[string]any{"type": "paper", "id": c.linked}}, "reason": "Demande", "dryRun": true}
		case "/api/v1/access/preview":
			return map[string]any{"role": json.RawMessage(eastRole)}
		case "/api/v1/types/{type}", "/api/v1/types/{type}/check":
			schema, err := os.ReadFile("testdata/system/" + s.typ + ".json")
			if err != nil {
				c.t.Fatal(err)
			}
			return map[string]any{"schema": json.RawMessage(schema)}
		}
		return map[string]any{}
	}
}

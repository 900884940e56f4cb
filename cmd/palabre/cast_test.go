package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests of rights share a cast: one caller of each built-in role, one of a role with a rule on rows, and the holder
// of a link.

// roleNames are the built-in roles that somebody has a token of.
var roleNames = []string{"public", "reader", "member", "partner", "committee", "jury", "contributor", "editor", "coordinator", "administrator"}

// callers are all of the cast. "stranger" does not sign in, "east" has a role of its own, "link" holds a link to one paper.
var callers = append(append([]string{"stranger"}, roleNames...), "east", "link")

// eastRole sees and edits the papers of region 44 and reads their notes; of other regions it sees what is published.
const eastRole = `{"name": "east", "permissions": [{"type": "paper", "actions": ["list", "read", "create", "update", "submit", "history"], "where": {"region": {"eq": "44"}},
  "fields": {"read": ["*", "note"], "write": ["title", "note", "region", "see"]}}]}`

// cast is a node and those who call it.
type cast struct {
	*node
	tokens map[string]string
	ids    ids
	linked string // the paper that the link opens
}

// newCast makes the callers' accounts and tokens.
func newCast(n *node) *cast {
	c := &cast{node: n, tokens: map[string]string{"stranger": "", "administrator": adminToken}, ids: ids{}}
	c.ids["org"] = n.create("organization", map[string]any{"name": "Une organisation", "contact": "0601"}, "?publish=true")
	by, _ := n.want(http.StatusOK, "GET", "/api/v1/content/organization/"+c.ids["org"]+"?state=draft", nil).JSON(n.t)["_createdBy"].(string)
	c.ids["token-administrator-of-settings"] = strings.TrimPrefix(by, "token:")
	c.must(http.StatusCreated, "administrator", "POST", "/api/v1/content/_role", json.RawMessage(eastRole))
	for _, typ := range []string{"_role", "_type", "_user"} {
		list, _ := c.must(http.StatusOK, "administrator", "GET", "/api/v1/content/"+typ+"?limit=200", nil).JSON(n.t)["data"].([]any)
		for _, e := range list {
			m := e.(map[string]any)
			c.ids[fmt.Sprint(typ, "-", m["name"])], _ = m["_id"].(string)
		}
	}
	for _, name := range append(slices.Clone(roleNames), "east") {
		c.tokens[name] = c.account(name)
	}
	c.linked = c.idOf(c.must(http.StatusCreated, "editor", "POST", "/api/v1/content/paper", map[string]any{"title": "Confié par un lien", "region": "11", "size": 5}))
	c.ids["linked"] = c.linked
	c.tokens["link"] = c.linkTo(c.linked)
	return c
}

// account makes a user of a role, and a token that is the user's.
func (c *cast) account(role string) string {
	user := map[string]any{"email": role + "@example.org", "name": "Camille Exemple", "roles": []string{role}, "endsAt": "2999-01-01T00:00:00Z"}
	switch role {
	case "partner":
		user["organization"] = ref("organization", c.ids["org"])
	case "committee":
		user["committees"] = []string{"Comité A"}
	}
	id := c.create("_user", user, "")
	c.ids["user-"+role] = id
	made := c.must(http.StatusCreated, "administrator", "POST", "/api/v1/content/_token", map[string]any{"name": role, "role": role, "user": ref("_user", id)}).JSON(c.t)
	c.ids["token-"+role], _ = made["_id"].(string)
	text, _ := made["token"].(string)
	return text
}

// linkTo makes a link that opens a paper to be read, changed in two fields and remarked on.
func (c *cast) linkTo(paper string) string {
	a := c.must(http.StatusCreated, "editor", "POST", "/api/v1/content/_link", map[string]any{"type": "paper", "entry": paper,
		"actions": []string{"read", "comment", "update"}, "fields": []string{"title", "region", "size"}, "expiresAt": inAMonth()})
	if paper == c.linked {
		c.ids["link"] = c.idOf(a)
	}
	text, _ := a.JSON(c.t)["token"].(string)
	return text
}

// inAMonth is an end that a link may have.
func inAMonth() string { return time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339) }

func ref(typ, id string) map[string]any { return map[string]any{"_ref": id, "_type": typ} }

func (c *cast) idOf(a *answer) string {
	id, _ := a.JSON(c.t)["_id"].(string)
	return id
}

// as sends a request as one of the cast.
func (c *cast) as(who, method, path string, body any, headers ...string) *answer {
	c.t.Helper()
	return c.bearing(c.tokens[who], method, path, body, headers...)
}

// bearing sends a request with a token; "" is none.
func (c *cast) bearing(token, method, path string, body any, headers ...string) *answer {
	c.t.Helper()
	if token != "" {
		headers = append([]string{bearer(token)}, headers...)
	}
	a, err := c.send(c.t.Context(), method, path, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// must is as, and insists on a status.
func (c *cast) must(status int, who, method, path string, body any) *answer {
	c.t.Helper()
	a := c.as(who, method, path, body)
	if a.Status != status {
		c.t.Fatalf("%s %s as %s: %d, want %d\n%s", method, path, who, a.Status, status, a.Body)
	}
	return a
}

// paper makes a paper as somebody, and with a state of "published" has an editor publish it.
func (c *cast) paper(who, state string, fields map[string]any) string {
	c.t.Helper()
	all := map[string]any{"title": "Un dossier", "region": "11"}
	maps.Copy(all, fields)
	id := c.idOf(c.must(http.StatusCreated, who, "POST", "/api/v1/content/paper", all))
	if state == "published" {
		c.must(http.StatusOK, "editor", "POST", "/api/v1/content/paper/"+id+"/transitions/publish", nil)
	}
	return id
}

// titlesOf are the titles of a page, in its order.
func titlesOf(t testing.TB, a *answer) string {
	t.Helper()
	var titles []string
	list, _ := a.JSON(t)["data"].([]any)
	for _, e := range list {
		titles = append(titles, fmt.Sprint(e.(map[string]any)["title"]))
	}
	return strings.Join(titles, ", ")
}

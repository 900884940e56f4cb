package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// cacheCounts are the hits and misses of the response cache so far.
func cacheCounts(n *node) (hits, misses int) {
	count := func(name string, text string) int {
		m := regexp.MustCompile(`(?m)^` + name + ` (\d+)`).FindStringSubmatch(text)
		if m == nil {
			n.t.Fatalf("no %s among the figures", name)
		}
		v, _ := strconv.Atoi(m[1])
		return v
	}
	text := string(n.public("GET", "/metrics").Body)
	return count("palabre_cache_hits_total", text), count("palabre_cache_misses_total", text)
}

// member makes an account with committees, and a token of its own.
func (c *cast) member(name, role string, committees ...string) (user, token string) {
	user = c.create("_user", map[string]any{"email": name + "@example.org", "name": "Camille Exemple", "roles": []string{role}, "committees": committees, "endsAt": "2999-01-01T00:00:00Z"}, "")
	made := c.must(http.StatusCreated, "administrator", "POST", "/api/v1/content/_token", map[string]any{"name": name, "role": role, "user": ref("_user", user)}).JSON(c.t)
	token, _ = made["token"].(string)
	return user, token
}

// Those who see the same share answers, and nobody else does.
func TestCaches_sharedByWhatIsSeen(t *testing.T) {
	t.Parallel()
	c := newCast(start(t, nodeOptions{}))
	for _, name := range []string{"A", "B"} {
		c.create("minutes", map[string]any{"title": "Séance de " + name, "committee": "Comité " + name, "audience": "instance"}, "?publish=true")
	}
	c.paper("editor", "published", nil)
	one, other := newToken(c.node, "reader", nil), newToken(c.node, "reader", nil)
	_, a := c.member("a", "committee", "Comité A")
	_, again := c.member("again", "committee", "Comité A")
	_, b := c.member("b", "committee", "Comité B")
	_, both := c.member("both", "committee", "Comité A", "Comité B")
	const papers, minutes = "/api/v1/content/paper?limit=9", "/api/v1/content/minutes?sort=title"
	for _, tc := range []struct {
		who, token, path, titles string
		hit                      bool
	}{
		{"a reader, first", one, papers, "Un dossier", false},
		{"the same reader", one, papers, "Un dossier", true},
		{"another reader", other, papers, "Un dossier", true},
		{"an editor", c.tokens["editor"], papers, "Un dossier", false},
		{"a member of A, first", a, minutes, "Séance de A", false},
		{"another member of A", again, minutes, "Séance de A", true},
		{"a member of B", b, minutes, "Séance de B", false},
		{"a member of both", both, minutes, "Séance de A, Séance de B", false},
		{"a member of A, later", a, minutes, "Séance de A", true},
	} {
		hits, misses := cacheCounts(c.node)
		answer := c.bearing(tc.token, "GET", tc.path, nil)
		newHits, newMisses := cacheCounts(c.node)
		if got := titlesOf(t, answer); got != tc.titles {
			t.Errorf("%s sees %q, want %q", tc.who, got, tc.titles)
		}
		if hit := newHits > hits; hit != tc.hit || hit == (newMisses > misses) {
			t.Errorf("%s: %d hits and %d misses more, want a hit: %v", tc.who, newHits-hits, newMisses-misses, tc.hit)
		}
	}
}

// What was kept for who somebody was is not given to who he is now: whatever changes what he sees, the next answer obeys.
func TestCaches_obeyAtOnce(t *testing.T) {
	t.Parallel()
	c := newCast(start(t, nodeOptions{}))
	for _, name := range []string{"A", "B"} {
		c.create("minutes", map[string]any{"title": "Séance de " + name, "committee": "Comité " + name, "audience": "instance"}, "?publish=true")
	}
	inside := c.paper("editor", "draft", map[string]any{"title": "Dedans", "region": "44", "note": "canary"})
	c.paper("editor", "draft", map[string]any{"title": "Dehors", "region": "11"})
	user, token := c.member("moving", "committee", "Comité A")
	const minutes, papers = "/api/v1/content/minutes?sort=title", "/api/v1/content/paper?state=draft&filter[title][prefix]=De"
	change := func(typ, id string, fields any) {
		c.must(http.StatusOK, "administrator", "PATCH", "/api/v1/content/"+typ+"/"+id, fields)
	}
	east := c.roleID("east")
	for _, step := range []struct {
		what   string
		do     func()
		token  string
		path   string
		status int
		want   string // in the answer
		gone   string
	}{
		{"a committee", func() {}, token, minutes, 200, "Séance de A", "Séance de B"},
		{"another committee", func() { change("_user", user, map[string]any{"committees": []string{"Comité B"}}) }, token, minutes, 200, "Séance de B", "Séance de A"},
		{"no committee", func() { change("_user", user, map[string]any{"committees": nil}) }, token, minutes, 404, "", "Séance"},
		{"a rule", func() {}, c.tokens["east"], papers, 200, "Dedans", "Dehors"},
		{"another rule", func() { change("_role", east, json.RawMessage(strings.ReplaceAll(eastRole, `"44"`, `"11"`))) }, c.tokens["east"], papers, 200, "Dehors", "Dedans"},
		{"the rule again", func() { change("_role", east, json.RawMessage(eastRole)) }, c.tokens["east"], papers, 200, "canary", "Dehors"},
		{"fewer fields", func() {
			change("_role", east, json.RawMessage(strings.ReplaceAll(eastRole, `["*", "note"]`, `["title"]`)))
		}, c.tokens["east"], papers, 200, "Dedans", "canary"},
		{"an entry that leaves its rows", func() {
			change("_role", east, json.RawMessage(eastRole))
			change("paper", inside, map[string]any{"region": "11"})
		}, c.tokens["east"], papers, 200, `"total":0`, "Dedans"},
		{"no permission", func() { change("_role", east, map[string]any{"permissions": []any{}}) }, c.tokens["east"], papers, 403, "", "De"},
		{"another role", func() { change("_user", c.ids["user-east"], map[string]any{"roles": []string{"reader"}}) }, c.tokens["east"], papers, 401, "", "De"},
	} {
		step.do()
		for round := range 3 { // computed, kept, kept by the very words of the request
			a := c.bearing(step.token, "GET", step.path, nil)
			if a.Status != step.status || !strings.Contains(string(a.Body), step.want) || strings.Contains(string(a.Body), step.gone+`"`) || step.gone == "canary" && strings.Contains(string(a.Body), step.gone) {
				t.Errorf("%s, round %d: %d %s", step.what, round, a.Status, a.Body)
			}
		}
	}
}

// roleID finds a role by its name.
func (c *cast) roleID(name string) string {
	c.t.Helper()
	list, _ := c.as("administrator", "GET", "/api/v1/content/_role?filter[name]="+name, nil).JSON(c.t)["data"].([]any)
	if len(list) != 1 {
		c.t.Fatalf("%d roles are called %s", len(list), name)
	}
	return fmt.Sprint(list[0].(map[string]any)["_id"])
}

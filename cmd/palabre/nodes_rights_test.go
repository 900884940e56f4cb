package main_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Two nodes on one store: what is taken away on one is gone on the other within a second.
func TestTwoNodes_rights(t *testing.T) {
	t.Parallel()
	m := startMongo(t)
	a := newCast(start(t, nodeOptions{Env: m.environment()}))
	b := &cast{node: start(t, nodeOptions{Env: m.environment()}), tokens: a.tokens, ids: a.ids}
	paper := a.paper("editor", "draft", map[string]any{"region": "44"})
	link := a.linkTo(paper)
	links, _ := a.as("administrator", "GET", "/api/v1/content/_link?filter[entry]="+paper, nil).JSON(t)["data"].([]any)
	draft := "/api/v1/content/paper/" + paper + "?state=draft"
	revoked := a.want(http.StatusCreated, "POST", "/api/v1/content/_token", map[string]any{"name": "r", "role": "editor"}).JSON(t)
	user, suspended := a.member("suspended", "editor")
	_, ending := a.member("ending", "editor")
	for _, tc := range []struct {
		what   string
		token  string
		path   string
		status int
		take   func() *answer
	}{
		{"a token", revoked["token"].(string), draft, 401, func() *answer {
			return a.want(http.StatusNoContent, "DELETE", "/api/v1/content/_token/"+revoked["_id"].(string), nil)
		}},
		{"a permission", a.tokens["east"], draft, 403, func() *answer {
			return a.want(http.StatusOK, "PATCH", "/api/v1/content/_role/"+a.roleID("east"), map[string]any{"permissions": []any{}})
		}},
		{"an account", suspended, draft, 401, func() *answer {
			return a.want(http.StatusOK, "PATCH", "/api/v1/content/_user/"+user, map[string]any{"suspended": true})
		}},
		{"a link", link, draft, 401, func() *answer {
			return a.want(http.StatusNoContent, "DELETE", "/api/v1/content/_link/"+links[0].(map[string]any)["_id"].(string), nil)
		}},
		{"a role of an account", ending, draft, 401, func() *answer {
			list, _ := a.as("administrator", "GET", "/api/v1/content/_user?filter[email]=ending@example.org", nil).JSON(t)["data"].([]any)
			return a.want(http.StatusOK, "PATCH", "/api/v1/content/_user/"+list[0].(map[string]any)["_id"].(string), map[string]any{"roles": []string{"reader"}})
		}},
	} {
		eventually(t, 10*time.Second, func() error { // the other node has followed so far
			if s := b.bearing(tc.token, "GET", tc.path, nil).Status; s != http.StatusOK {
				return fmt.Errorf("%s before: %d", tc.what, s)
			}
			return nil
		})
		tc.take()
		began := time.Now()
		eventually(t, 10*time.Second, func() error {
			if s := b.bearing(tc.token, "GET", tc.path, nil).Status; s != tc.status {
				return fmt.Errorf("%s still gives %d", tc.what, s)
			}
			return nil
		})
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s: taken away on the other node after %s", tc.what, took)
		}
		if s := a.bearing(tc.token, "GET", tc.path, nil).Status; s != tc.status {
			t.Errorf("%s: %d on the node that took it away", tc.what, s)
		}
	}
}

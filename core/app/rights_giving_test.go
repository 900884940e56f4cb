package app_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// sharer changes the papers of one region, reads those of all, and gives links.
const sharer = `[{"type":"paper","actions":["list","read","drafts"]},
{"type":"paper","actions":["list","read","update"],"where":{"region":"44"}},
{"type":"_link","actions":["list","read","create","update","history"]}]`

// What a link opens is judged as a whole, however it is changed.
func TestRights_linkChanged(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"sharer": sharer})
	o.write("administrator", "own", `{"title":"Own","region":"44"}`, "")
	o.write("administrator", "far", `{"title":"Far","region":"11"}`, "")
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	link := func(who, name, entry, actions string) {
		o.ids[name] = o.want(201, who, "POST", "/api/v1/content/_link", `{"type":"paper","entry":"`+entry+`","actions":`+actions+`,"expiresAt":"`+soon+`"}`).body["_id"].(string)
	}
	link("sharer", "link", "{own}", `["read"]`)
	link("administrator", "narrowed", "{far}", `["read","update"]`)
	o.want(200, "administrator", "PATCH", "/api/v1/content/_link/{narrowed}", `{"actions":["read"]}`)
	for _, tc := range []struct{ name, method, path, body string }{
		{"at once", "PATCH", "/api/v1/content/_link/{link}", `{"entry":"{far}","actions":["update"]}`},
		{"in two steps of one batch", "POST", "/api/v1/batch", `{"operations":[{"op":"update","type":"_link","id":"{link}","data":{"entry":"{far}"}},{"op":"update","type":"_link","id":"{link}","data":{"actions":["update"]}}]}`},
		{"back to what an administrator had opened", "POST", "/api/v1/content/_link/{narrowed}/revisions/1/restore", ""},
	} {
		if got := o.as("sharer", tc.method, tc.path, tc.body); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %v", tc.name, got.status, got.body)
		}
	}
	for _, name := range []string{"link", "narrowed"} {
		got := o.want(200, "administrator", "GET", "/api/v1/content/_link/{"+name+"}?state=draft", "").body
		if got["entry"] == o.ids["far"] && strings.Contains(fmt.Sprint(got["actions"]), "update") {
			t.Errorf("%s opens %v", name, got)
		}
	}
}

// A token does not get a role back that was taken from it.
func TestRights_tokenRestored(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"clerk": `[{"type":"_token","actions":["*"]}]`})
	made := o.want(201, "administrator", "POST", "/api/v1/content/_token", `{"name":"x","role":"administrator"}`).body
	o.ids["token"], o.tokens["token"] = made["_id"].(string), made["token"].(string)
	o.want(200, "administrator", "PATCH", "/api/v1/content/_token/{token}", `{"role":"clerk"}`)
	if got := o.as("clerk", "POST", "/api/v1/content/_token/{token}/revisions/1/restore", ""); got.status != 409 {
		t.Errorf("%d %v, want 409", got.status, got.body)
	}
	o.want(404, "token", "POST", "/api/v1/content/_role", `{"name":"mine","permissions":[{"type":"*","actions":["*"]}]}`)
}

// The rules on rows and fields of a permission hold for tokens and links that are made, too.
func TestRights_secretsWithinRows(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"clerk": `[{"type":"_token","actions":["create"],"where":{"name":{"prefix":"clerk"}},"fields":{"write":["name","role","user"]}},
{"type":"paper","actions":["list","read","drafts"]},{"type":"_link","actions":["create"],"where":{"type":"desk"}}]`})
	o.write("administrator", "open", `{"title":"Open"}`, "?publish=true")
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, tc := range []struct {
		name, path, body string
		status           int
	}{
		{"a token", "_token", `{"name":"clerk of today","role":"clerk"}`, 201},
		{"outside its rows", "_token", `{"name":"other","role":"clerk"}`, 403},
		{"with a field that is not its own", "_token", `{"name":"clerk","role":"clerk","expiresAt":"` + soon + `"}`, 403},
		{"a link outside its rows", "_link", `{"type":"paper","entry":"{open}","actions":["read"],"expiresAt":"` + soon + `"}`, 403},
	} {
		if got := o.as("clerk", "POST", "/api/v1/content/"+tc.path, tc.body); got.status != tc.status {
			t.Errorf("%s: %d %v, want %d", tc.name, got.status, got.body, tc.status)
		}
	}
}

// A token that is given to another user is another caller, whatever the revisions of both add up to.
func TestRights_tokenOfAnother(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"mine": `[{"type":"paper","actions":["list","read","update"],"where":{"region":"$me.name"}}]`})
	user := func(name string) {
		o.ids[name] = o.want(201, "administrator", "POST", "/api/v1/content/_user", fmt.Sprintf(`{"email":"%s@example.org","name":%q,"roles":["mine"]}`, name, name)).body["_id"].(string)
	}
	user("ada")
	user("bob")
	o.want(200, "administrator", "PATCH", "/api/v1/content/_user/{ada}", `{"locale":"fr"}`)
	o.write("administrator", "hers", `{"title":"Hers","region":"ada"}`, "")
	o.write("administrator", "his", `{"title":"His","region":"bob"}`, "")
	made := o.want(201, "administrator", "POST", "/api/v1/content/_token", `{"name":"x","role":"mine","user":{"_ref":"{ada}","_type":"_user"}}`).body
	o.ids["token"], o.tokens["token"] = made["_id"].(string), made["token"].(string)
	list := func() string { return titles(o.want(200, "token", "GET", "/api/v1/content/paper?state=draft", "")) }
	if got := list(); got != "Hers" {
		t.Fatalf("hers: %q", got)
	}
	o.want(200, "administrator", "PATCH", "/api/v1/content/_token/{token}", `{"user":{"_ref":"{bob}","_type":"_user"}}`)
	if got := list(); got != "His" {
		t.Errorf("given to bob, it shows %q", got)
	}
}

// A stream ends when whoever follows it may not follow any more.
func TestRights_streamOfRevoked(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"watcher": `[{"type":"paper","actions":["list","read","drafts"]}]`})
	server := httptest.NewServer(o.h)
	t.Cleanup(server.Close)
	made := o.want(201, "administrator", "POST", "/api/v1/content/_token", `{"name":"x","role":"watcher"}`).body
	o.ids["token"] = made["_id"].(string)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/v1/changes?types=paper", nil)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+made["token"].(string))
	res, err := server.Client().Do(r)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	until := func(text string) bool {
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return true
			}
		}
		return false
	}
	o.write("administrator", "before", `{"title":"Before"}`, "")
	if !until(o.ids["before"]) {
		t.Fatal("the stream does not tell of a draft")
	}
	o.want(204, "administrator", "DELETE", "/api/v1/content/_token/{token}", "")
	o.write("administrator", "after", `{"title":"After"}`, "")
	if until(o.ids["after"]) {
		t.Error("a token that was revoked hears of a draft")
	}
	if ctx.Err() != nil {
		t.Error("the stream of a revoked token stays open")
	}
}

// A link's fields are there; those that its giver is not shown are like those that are not.
func TestRights_linkFields(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"giver": `[{"type":"paper","actions":["list","read","drafts","update"],"fields":{"read":["*","-size"]}},{"type":"_link","actions":["create"]}]`})
	o.write("administrator", "one", `{"title":"One","size":3}`, "")
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	give := func(field string) answer {
		return o.as("giver", "POST", "/api/v1/content/_link", `{"type":"paper","entry":"{one}","actions":["read"],"fields":["title",`+field+`],"expiresAt":"`+soon+`"}`)
	}
	if got := give(`"region"`); got.status != 201 {
		t.Errorf("its own field: %d %v", got.status, got.body)
	}
	for _, field := range []string{`"regoin"`, `"size"`, `"-note"`} {
		got := give(field)
		if errs := fmt.Sprint(got.body["errors"]); got.status != 422 || !strings.Contains(errs, "/fields/1") || strings.Contains(errs, "size") != (field == `"size"`) {
			t.Errorf("%s: %d %v", field, got.status, got.body)
		}
	}
}

// A deletion that entries forbid counts those that the caller is shown.
func TestRights_hiddenReferrers(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"keeper": `[{"type":"desk","actions":["list","read","drafts","delete"]},{"type":"paper","actions":["list","read","drafts"],"where":{"region":"44"}}]`})
	o.ids["desk"] = o.want(201, "administrator", "POST", "/api/v1/content/desk", `{"name":"Desk"}`).body["_id"].(string)
	ref := `"desk":{"_ref":"{desk}","_type":"desk"}}`
	o.write("administrator", "far", `{"title":"Far","region":"11",`+ref, "")
	if got := o.want(409, "keeper", "DELETE", "/api/v1/content/desk/{desk}", "").body; fmt.Sprint(got["total"], got["references"]) != "0 []" {
		t.Errorf("tells of what is hidden: %v", got)
	}
	o.write("administrator", "near", `{"title":"Near","region":"44",`+ref, "")
	if got := o.want(409, "keeper", "DELETE", "/api/v1/content/desk/{desk}", "").body; fmt.Sprint(got["total"]) != "1" {
		t.Errorf("got %v, want the one that is shown", got)
	}
}

// A question about an action that there is not is a mistake, not a right that is missing.
func TestRights_explainNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	got := o.want(400, "administrator", "GET", "/api/v1/access/explain?as=editor&action=raed&type=paper", "").body
	if detail := fmt.Sprint(got["detail"]); got["reason"] != "unknown_action" || !strings.Contains(detail, "“read”") {
		t.Errorf("got %v", got)
	}
	o.want(200, "administrator", "GET", "/api/v1/access/explain?as=editor&action=approve&type=paper", "")
}

// A link is open for a year at most, and says so in the reader's language.
func TestLinks_tooLong(t *testing.T) {
	t.Parallel()
	b := &browser{t: t, h: start(t, settings(t)).Handler()}
	for lang, want := range map[string]string{"en": "A link is open until a moment to come, within a year.", "fr": "Un lien est ouvert jusqu’à un moment à venir, dans l’année."} {
		b.headers = map[string]string{"Authorization": "Bearer " + adminToken, "Accept-Language": lang}
		got := b.want(422, "POST", "/api/v1/content/_link", `{"type":"note","entry":"01j9zq4x8n2v5w7y3k6m1b0c4d","actions":["read"],"expiresAt":"2999-01-01T00:00:00Z"}`).body
		if message := got["errors"].([]any)[0].(map[string]any)["message"]; message != want {
			t.Errorf("%s: got %v, want %s", lang, message, want)
		}
	}
}

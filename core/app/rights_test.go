package app_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/config"
)

const regional = `[{"type":"paper","actions":["list","read","create","update","submit"],"where":{"region":{"eq":"44"}},"fields":{"read":["*","note"],"write":["title","note","region","see"]}}]`

// A rule on rows holds behind every door: lists, counts, facets, searches, includes, inverse lists, references, history,
// changes, writes, batches.
func TestRights_rows(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"east": regional})
	o.write("administrator", "in", `{"title":"Inside","region":"44","note":"canary inside","size":1}`, "")
	o.write("administrator", "out", `{"title":"Outside","region":"11","note":"canary outside","size":2,"see":{"_ref":"{in}","_type":"paper"}}`, "")
	o.write("administrator", "open", `{"title":"Open","region":"11","note":"canary open","size":3}`, "?publish=true")
	o.write("administrator", "near", `{"title":"Near","region":"44","see":{"_ref":"{out}","_type":"paper"}}`, "")
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		want                     string // the titles
		total                    int    // -1 for none
	}{
		{"what is published, of all", "GET", "/api/v1/content/paper", "", 200, "Open", 1},
		{"drafts of its rows", "GET", "/api/v1/content/paper?state=draft", "", 200, "Inside Near", 2},
		{"a filter cannot widen it", "GET", `/api/v1/content/paper?state=draft&filter=` + url.QueryEscape(`{"or":[{"region":"11"},{"size":{"gte":0}}]}`), "", 200, "Inside", 1},
		{"nor can not", "GET", `/api/v1/content/paper?state=draft&filter=` + url.QueryEscape(`{"not":{"region":"44"}}`), "", 200, "", 0},
		{"nor a body", "POST", "/api/v1/content/paper/query", `{"state":"draft","filter":{"region":"11"}}`, 200, "", 0},
		{"a search", "GET", "/api/v1/content/paper?state=draft&q=canary", "", 200, "Inside", 1},
		{"a search across types", "GET", "/api/v1/search?q=canary&state=draft&types=paper", "", 200, "Inside", 1},
		{"one of its rows", "GET", "/api/v1/content/paper/{in}?state=draft", "", 200, "", -1},
		{"one of others", "GET", "/api/v1/content/paper/{out}?state=draft", "", 404, "", -1},
		{"one of others, published", "GET", "/api/v1/content/paper/{open}", "", 200, "", -1},
		{"one of others, published, as a draft", "GET", "/api/v1/content/paper/{open}?state=draft", "", 404, "", -1},
		{"its slug", "GET", "/api/v1/content/paper/outside?state=draft", "", 404, "", -1},
		{"history without the right", "GET", "/api/v1/content/paper/{in}/revisions", "", 403, "", -1},
		{"where one of others is used", "GET", "/api/v1/content/paper/{out}/references", "", 404, "", -1},
		{"a change of one of others", "PATCH", "/api/v1/content/paper/{out}", `{"title":"x"}`, 404, "", -1},
		{"a change of one of others that is published", "PATCH", "/api/v1/content/paper/{open}", `{"title":"x"}`, 403, "", -1},
		{"a change that would leave its rows", "PATCH", "/api/v1/content/paper/{in}", `{"region":"11"}`, 403, "", -1},
		{"a new one outside", "POST", "/api/v1/content/paper", `{"title":"x","region":"11"}`, 403, "", -1},
		{"a new one inside", "POST", "/api/v1/content/paper", `{"title":"New","region":"44"}`, 201, "", -1},
		{"a field that is not its own", "PATCH", "/api/v1/content/paper/{in}", `{"size":9}`, 403, "", -1},
		{"to publish", "POST", "/api/v1/content/paper/{in}/transitions/publish", "", 403, "", -1},
		{"to submit", "POST", "/api/v1/content/paper/{in}/transitions/submit", "", 200, "", -1},
		{"to submit one of others", "POST", "/api/v1/content/paper/{out}/transitions/submit", "", 404, "", -1},
		{"to delete", "DELETE", "/api/v1/content/paper/{in}", "", 403, "", -1},
		{"a type for staff", "GET", "/api/v1/content/desk", "", 404, "", -1},
		{"a batch over both", "POST", "/api/v1/batch", `{"operations":[{"op":"update","type":"paper","id":"{in}","data":{"title":"Both"}},{"op":"update","type":"paper","id":"{out}","data":{"title":"Both"}}]}`, 404, "", -1},
		{"who writes to what it cannot see", "POST", "/api/v1/content/paper", `{"title":"y","region":"44","see":{"_ref":"{out}","_type":"paper"}}`, 422, "", -1},
	} {
		got := o.as("east", tc.method, tc.path, tc.body)
		if got.status != tc.status {
			t.Errorf("%s: %d %v, want %d", tc.name, got.status, got.body, tc.status)
			continue
		}
		if tc.total < 0 {
			continue
		}
		page, _ := got.body["page"].(map[string]any)
		if n, _ := page["total"].(float64); titles(got) != tc.want || int(n) != tc.total {
			t.Errorf("%s: %q of %v, want %q of %d", tc.name, titles(got), page["total"], tc.want, tc.total)
		}
	}
	facets := o.want(200, "east", "GET", "/api/v1/content/paper?state=draft&facets=region&limit=1", "").body["facets"]
	if got := fmt.Sprint(facets); strings.Contains(got, "11") {
		t.Errorf("facets count what cannot be seen: %s", got)
	}
	near := o.want(200, "east", "GET", "/api/v1/content/paper/{near}?state=draft&include=see", "").body["see"].(map[string]any)
	if near["title"] != nil {
		t.Errorf("an include shows %v", near)
	}
	inside := o.want(200, "east", "GET", "/api/v1/content/paper/{in}?state=draft&include=seenBy", "").body["seenBy"]
	if got := fmt.Sprint(inside); got != "[]" {
		t.Errorf("an inverse list shows %v", got)
	}
	if got := o.want(200, "east", "GET", "/api/v1/content/paper/{in}/references", ""); len(got.body["data"].([]any)) != 0 {
		t.Errorf("references show %v", got.body)
	}
	changes := fmt.Sprint(o.want(200, "east", "GET", "/api/v1/changes?types=paper", "").body["data"])
	if strings.Contains(changes, o.ids["out"]) || !strings.Contains(changes, o.ids["in"]) || !strings.Contains(changes, o.ids["open"]) {
		t.Errorf("changes show %s", changes)
	}
	if got := o.want(200, "administrator", "GET", "/api/v1/content/paper/{in}?state=draft", ""); got.body["title"] != "Inside" {
		t.Errorf("the batch that was refused wrote %v", got.body["title"])
	}
}

// A rule on fields holds behind every door, and a field that is hidden is as one that does not exist, whatever its values.
func TestRights_fields(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{
		"titles": `[{"type":"paper","actions":["list","read","history","update","drafts"],"fields":{"read":["title"]}}]`,
		"public": `[]`,
	})
	o.write("administrator", "one", `{"title":"One","region":"44","note":"canary","size":1}`, "?publish=true")
	o.want(200, "administrator", "PATCH", "/api/v1/content/paper/{one}", `{"note":"canary two","title":"Two"}`)
	for _, door := range []string{"?filter[%s]=canary", "?filter[%s][exists]=true", "?sort=%s", "?facets=%s", "?fields=%s", "?include=%s",
		"?filter={\"%s\":\"canary\"}", "/{one}?fields=%s"} {
		var faces []string
		for _, field := range []string{"note", "nope"} {
			got := o.as("titles", "GET", "/api/v1/content/paper"+strings.ReplaceAll(door, "%s", field), "")
			delete(got.body, "requestId")
			faces = append(faces, strings.ReplaceAll(fmt.Sprint(got.status, got.body), field, "FIELD"))
		}
		if faces[0] != faces[1] || !strings.HasPrefix(faces[0], "400") {
			t.Errorf("%s tells a hidden field from an absent one:\n%s\n%s", door, faces[0], faces[1])
		}
	}
	for _, path := range []string{"/api/v1/content/paper", "/api/v1/content/paper?state=draft", "/api/v1/content/paper/{one}", "/api/v1/content/paper/{one}/revisions/1",
		"/api/v1/content/paper/{one}/revisions/2", "/api/v1/content/paper?q=canary&highlight=true", "/api/v1/search?q=canary", "/api/v1/types/paper", "/openapi.json"} {
		if got := fmt.Sprint(o.want(200, "titles", "GET", path, "").body); strings.Contains(got, "canary") || strings.Contains(got, "x-private") {
			t.Errorf("%s shows %s", path, got)
		}
	}
	if got := o.want(200, "titles", "GET", "/api/v1/content/paper?q=canary", ""); got.body["page"].(map[string]any)["total"] != 0.0 {
		t.Errorf("a search finds what is hidden: %v", got.body)
	}
	o.want(403, "titles", "PATCH", "/api/v1/content/paper/{one}", `{"note":"x"}`)
	o.want(200, "titles", "PUT", "/api/v1/content/paper/{one}", `{"title":"Three"}`)
	if got := o.want(200, "administrator", "GET", "/api/v1/content/paper/{one}?state=draft", ""); got.body["note"] != "canary two" || got.body["title"] != "Three" {
		t.Errorf("who replaces an entry loses what he cannot see: %v", got.body)
	}
}

// A contributor works on entries of his own and looks at what others have published.
func TestRights_ownEntries(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.write("contributor", "mine", `{"title":"Mine","note":"my note"}`, "")
	o.write("editor", "theirs", `{"title":"Theirs","note":"their note"}`, "")
	o.write("editor", "open", `{"title":"Open","note":"open note"}`, "?publish=true")
	if got := o.want(200, "contributor", "GET", "/api/v1/content/paper/{mine}?state=draft", ""); got.body["note"] != "my note" {
		t.Errorf("his own entry: %v", got.body)
	}
	o.want(404, "contributor", "GET", "/api/v1/content/paper/{theirs}?state=draft", "")
	o.want(404, "contributor", "PATCH", "/api/v1/content/paper/{theirs}", `{"title":"x"}`)
	o.want(403, "contributor", "PATCH", "/api/v1/content/paper/{open}", `{"title":"x"}`)
	o.want(403, "contributor", "POST", "/api/v1/content/paper/{mine}/transitions/publish", "")
	o.want(403, "contributor", "POST", "/api/v1/content/paper?publish=true", `{"title":"x"}`)
	o.want(200, "contributor", "POST", "/api/v1/content/paper/{mine}/transitions/submit", "")
	o.want(200, "editor", "POST", "/api/v1/content/paper/{mine}/transitions/publish", "")
	list := o.want(200, "contributor", "GET", "/api/v1/content/paper?sort=title", "")
	if got := fmt.Sprint(list.body["data"]); titles(list) != "Mine Open" || strings.Contains(got, "open note") || !strings.Contains(got, "my note") {
		t.Errorf("a page of his own and others: %s", got)
	}
}

// Nobody gives to others what he has not himself.
func TestRights_escalation(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"clerk": `[{"type":"_token","actions":["*"]},{"type":"_role","actions":["*"]},{"type":"_link","actions":["*"]},{"type":"_user","actions":["*"]},{"type":"paper","actions":["list","read"]}]`})
	o.write("administrator", "draft", `{"title":"Draft","note":"canary"}`, "")
	o.write("administrator", "open", `{"title":"Open","note":"canary"}`, "?publish=true")
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	o.ids["role"] = o.role("clerk")
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"a token of its own role", "POST", "/api/v1/content/_token", `{"name":"x","role":"clerk"}`, 201},
		{"an administrator's token", "POST", "/api/v1/content/_token", `{"name":"x","role":"administrator"}`, 403},
		{"in a batch", "POST", "/api/v1/batch", `{"operations":[{"op":"create","type":"_token","data":{"name":"x","role":"administrator"}}]}`, 403},
		{"by upsert", "POST", "/api/v1/batch", `{"operations":[{"op":"upsert","type":"_token","match":"hash","data":{"name":"x","role":"administrator","hash":"` + strings.Repeat("a", 64) + `"}}]}`, 403},
		{"with a hash of its own", "POST", "/api/v1/content/_token", `{"name":"x","role":"clerk","hash":"` + strings.Repeat("a", 64) + `"}`, 422},
		{"a role of its own making", "POST", "/api/v1/content/_role", `{"name":"mine","permissions":[{"type":"*","actions":["*"]}]}`, 403},
		{"more for its own role", "PATCH", "/api/v1/content/_role/{role}", `{"permissions":[{"type":"*","actions":["*"]}]}`, 403},
		{"a link to a draft that it cannot see", "POST", "/api/v1/content/_link", `{"type":"paper","entry":"{draft}","actions":["read"],"expiresAt":"` + soon + `"}`, 404},
		{"a link to change what it cannot change", "POST", "/api/v1/content/_link", `{"type":"paper","entry":"{open}","actions":["update"],"expiresAt":"` + soon + `"}`, 403},
	} {
		if got := o.as("clerk", tc.method, tc.path, tc.body); got.status != tc.status {
			t.Errorf("%s: %d %v, want %d", tc.name, got.status, got.body, tc.status)
		}
	}
	for _, tc := range []struct{ name, method, path, body string }{
		{"the administrator's role is what it is", "PATCH", "/api/v1/content/_role/{administrator}", `{"permissions":[]}`},
		{"a role of Palabre stays", "DELETE", "/api/v1/content/_role/{public}", ""},
		{"and keeps its name", "PATCH", "/api/v1/content/_role/{editor}", `{"name":"writer"}`},
	} {
		for _, name := range []string{"administrator", "public", "editor"} {
			o.ids[name] = o.role(name)
		}
		if got := o.as("administrator", tc.method, tc.path, tc.body); got.status != 409 {
			t.Errorf("%s: %d %v", tc.name, got.status, got.body)
		}
	}
}

// A typing error in a right is told, with what was probably meant: refused where nothing could be right about it, in the
// preview where what is named may come.
func TestRights_typingErrors(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	role := func(permission string) string { return `{"name":"typo","permissions":[` + permission + `]}` }
	for _, tc := range []struct{ name, path, body, pointer, says string }{
		{"a condition", "_role", role(`{"type":"paper","actions":["read"],"where":{"regoin":"44"}}`), "/permissions/0/where", `There is no field "regoin". Did you mean "region"?`},
		{"an account's role", "_user", `{"email":"a@example.org","name":"A","roles":["editor","contributer"],"password":"three long words"}`, "/roles/1", "There is no role “contributer”. Did you mean “contributor”?"},
	} {
		wantProblem(t, tc.name, o.want(422, "administrator", "POST", "/api/v1/content/"+tc.path, tc.body).body["errors"], tc.pointer, tc.says)
	}
	for _, tc := range []struct{ name, permission, pointer, says string }{
		{"a type", `{"type":"papre","actions":["read"]}`, "/permissions/0/type", "There is no type “papre”. Did you mean “paper”?"},
		{"an action", `{"type":"*","actions":["read","pubish"]}`, "/permissions/0/actions/1", "There is no action “pubish”. Did you mean “publish”?"},
		{"an action of the system", `{"type":"*","actions":["migrate"]}`, "/permissions/0/actions/0", "There is no action “migrate”."},
		{"a field", `{"type":"paper","actions":["read"],"fields":{"read":["*","P2","-noet"]}}`, "/permissions/0/fields/read/2", "There is no field “noet”. Did you mean “note”?"},
		{"a field to write", `{"type":"paper","actions":["read"],"fields":{"write":["size","nothing like it"]}}`, "/permissions/0/fields/write/1", "There is no field “nothing like it”."},
	} {
		wantProblem(t, tc.name, o.want(200, "administrator", "POST", "/api/v1/access/preview", `{"role":`+role(tc.permission)+`}`).body["warnings"], tc.pointer, tc.says)
		o.want(201, "administrator", "POST", "/api/v1/content/_role", strings.Replace(role(tc.permission), "typo", strings.ReplaceAll(tc.name, " ", "-"), 1))
	}
	wantProblem(t, "a condition", o.want(200, "administrator", "POST", "/api/v1/access/preview", `{"role":`+role(`{"type":"paper","actions":["read"],"where":{"region":"$you"}}`)+`}`).body["warnings"],
		"/permissions/0/where", "A text that begins with $")
	right := role(`{"type":"paper","actions":["*"],"fields":{"read":["*","P1","-note"],"write":["title"]}},{"type":"@public","actions":["read","drafts"]}`)
	if got := o.want(200, "administrator", "POST", "/api/v1/access/preview", `{"role":`+right+`}`).body["warnings"]; fmt.Sprint(got) != "[]" {
		t.Errorf("a role without a mistake: %v", got)
	}
}

func wantProblem(t *testing.T, name string, problems any, pointer, says string) {
	t.Helper()
	list, _ := problems.([]any)
	if len(list) != 1 {
		t.Errorf("%s: %v", name, problems)
		return
	}
	if p := list[0].(map[string]any); p["pointer"] != pointer || !strings.HasPrefix(p["message"].(string), says) {
		t.Errorf("%s: %v: %v", name, p["pointer"], p["message"])
	}
}

// A narrow link opens one entry, some of its fields, for a time.
func TestRights_link(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.write("editor", "mine", `{"title":"Draft","note":"canary","region":"44"}`, "")
	o.write("editor", "other", `{"title":"Other","note":"canary"}`, "")
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	made := o.want(201, "editor", "POST", "/api/v1/content/_link", `{"name":"Camille Exemple","type":"paper","entry":"{mine}","actions":["read","comment","update"],"fields":["title","region"],"expiresAt":"`+soon+`"}`)
	o.tokens["link"] = made.body["token"].(string)
	token := url.QueryEscape(o.tokens["link"])
	for _, tc := range []struct {
		name, who, method, path, body string
		status                        int
	}{
		{"reading", "link", "GET", "/api/v1/content/paper/{mine}?state=draft", "", 200},
		{"reading as a preview", "", "GET", "/api/v1/content/paper/{mine}?preview=" + token, "", 200},
		{"another entry", "link", "GET", "/api/v1/content/paper/{other}?state=draft", "", 404},
		{"another entry as a preview", "", "GET", "/api/v1/content/paper/{other}?preview=" + token, "", 404},
		{"a wrong token", "", "GET", "/api/v1/content/paper/{mine}?preview=" + token + "x", "", 401},
		{"an API token as a preview", "", "GET", "/api/v1/content/paper/{mine}?preview=" + adminToken, "", 401},
		{"changing a field", "link", "PATCH", "/api/v1/content/paper/{mine}", `{"region":"11"}`, 200},
		{"changing another field", "link", "PATCH", "/api/v1/content/paper/{mine}", `{"size":1}`, 403},
		{"changing another entry", "link", "PATCH", "/api/v1/content/paper/{other}", `{"region":"11"}`, 404},
		{"publishing", "link", "POST", "/api/v1/content/paper/{mine}/transitions/publish", "", 403},
		{"making one", "link", "POST", "/api/v1/content/paper", `{"title":"x"}`, 403},
		{"history", "link", "GET", "/api/v1/content/paper/{mine}/revisions", "", 403},
		{"a remark", "link", "POST", "/api/v1/content/_comment", `{"type":"paper","entry":"{mine}","text":"Bien","author":"Camille Exemple","answer":"accepted"}`, 201},
		{"a remark elsewhere", "link", "POST", "/api/v1/content/_comment", `{"type":"paper","entry":"{other}","text":"Bien"}`, 404},
		{"the remarks", "editor", "GET", "/api/v1/content/_comment?state=draft&filter[entry]={mine}", "", 200},
		{"a link of a link", "link", "POST", "/api/v1/content/_link", `{"type":"paper","entry":"{mine}","actions":["read"],"expiresAt":"` + soon + `"}`, 404},
		{"a link without an end", "editor", "POST", "/api/v1/content/_link", `{"type":"paper","entry":"{mine}","actions":["read"]}`, 422},
		{"a link to a past moment", "editor", "POST", "/api/v1/content/_link", `{"type":"paper","entry":"{mine}","actions":["read"],"expiresAt":"2020-01-01T00:00:00Z"}`, 422},
	} {
		got := o.as(tc.who, tc.method, tc.path, tc.body)
		if got.status != tc.status || strings.Contains(fmt.Sprint(got.body), "canary") {
			t.Errorf("%s: %d %v, want %d", tc.name, got.status, got.body, tc.status)
		}
	}
	preview := o.want(200, "", "GET", "/api/v1/content/paper/{mine}?preview="+token, "")
	if preview.body["title"] != "Draft" || preview.header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("a preview: %v %v", preview.header, preview.body)
	}
	o.ids["link"] = made.body["_id"].(string)
	o.want(204, "editor", "DELETE", "/api/v1/content/_link/{link}", "")
	o.want(401, "link", "GET", "/api/v1/content/paper/{mine}?state=draft", "")
}

// Why, and what if.
func TestRights_explained(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"east": regional})
	o.write("administrator", "in", `{"title":"Inside","region":"44"}`, "")
	o.write("administrator", "out", `{"title":"Outside","region":"11"}`, "")
	for _, tc := range []struct {
		query   string
		allowed bool
		role    string // of the permission that decides
		hides   string
	}{
		{"as=east&action=read&type=paper&id={in}", true, "east", "phone"},
		{"as=east&action=read&type=paper&id={out}", false, "", ""},
		{"as=east&action=update&type=paper&id={in}", true, "east", ""},
		{"as=east&action=publish&type=paper&id={in}", false, "", ""},
		{"as=east&action=read&type=desk", false, "", ""},
		{"as=public&action=read&type=paper", true, "public", "note"},
		{"as=administrator&action=purge&type=paper&id={out}", true, "administrator", ""},
	} {
		got := o.want(200, "administrator", "GET", "/api/v1/access/explain?"+tc.query, "").body
		decides, _ := got["permission"].(map[string]any)
		role, _ := decides["role"].(string)
		if got["allowed"] != tc.allowed || role != tc.role || got["because"] == "" || tc.hides != "" && !strings.Contains(fmt.Sprint(got["hiddenFields"]), tc.hides) {
			t.Errorf("%s: %v", tc.query, got)
		}
	}
	o.want(400, "administrator", "GET", "/api/v1/access/explain?as=east", "")
	o.want(404, "administrator", "GET", "/api/v1/access/explain?as=absent&action=read&type=paper", "")
	o.want(201, "administrator", "POST", "/api/v1/content/_user", `{"email":"Camille.Exemple@example.org","name":"Camille Exemple","roles":["east"]}`)
	o.want(200, "administrator", "GET", "/api/v1/access/explain?action=read&type=paper&as="+url.QueryEscape(" Camille．Exemple@EXAMPLE.org"), "")
	o.want(404, "east", "GET", "/api/v1/access/explain?as=editor&action=read&type=paper", "")
	o.want(200, "east", "GET", "/api/v1/access/explain?action=read&type=paper", "")
	o.want(401, "", "POST", "/api/v1/access/preview", `{"name":"east"}`)
	p := o.want(200, "administrator", "POST", "/api/v1/access/preview", `{"role":{"name":"east","permissions":[{"type":"paper","actions":["list","read","update"],"where":{"region":"11"},"fields":{"read":["*"]}},{"type":"desk","actions":["list","read"]}]}}`).body
	opens, closes := fmt.Sprint(p["opens"]), fmt.Sprint(p["closes"])
	for _, want := range []string{"map[action:update entries:1 of:2 type:paper]", "map[action:list entries:0 of:0 type:desk]"} {
		if !strings.Contains(opens, want) {
			t.Errorf("opens %s, want %s", opens, want)
		}
	}
	for _, want := range []string{"map[action:update entries:1 of:2 type:paper]", "map[action:create entries:1 of:2 type:paper]"} {
		if !strings.Contains(closes, want) {
			t.Errorf("closes %s, want %s", closes, want)
		}
	}
	if fields := fmt.Sprint(p["fields"]); !strings.Contains(fields, "readCloses:[note]") || p["tokens"] != 1.0 {
		t.Errorf("got %v", p)
	}
}

// A stream of changes ends with the right to it.
func TestRights_streams(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	server := httptest.NewServer(o.h)
	defer server.Close()
	token := o.want(201, "administrator", "POST", "/api/v1/content/_token", `{"name":"watcher","role":"editor"}`)
	o.ids["token"] = token.body["_id"].(string)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/changes?types=paper", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+token.body["token"].(string))
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	o.write("administrator", "before", `{"title":"Before"}`, "")
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), o.ids["before"]) {
	}
	if !strings.Contains(lines.Text(), o.ids["before"]) {
		t.Fatalf("the stream ended: %v", lines.Err())
	}
	o.want(204, "administrator", "DELETE", "/api/v1/content/_token/{token}", "")
	o.write("administrator", "after", `{"title":"After"}`, "")
	for lines.Scan() { // until the server ends it
		if strings.Contains(lines.Text(), o.ids["after"]) {
			t.Fatal("a revoked token is still told of changes")
		}
	}
}

// The demo has somebody for each role, and nobody who can sign in.
func TestDemo_users(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data, c.Demo, c.Admin.Token = t.TempDir(), true, adminToken
	a := start(t, c)
	got := request(t, a.Handler(), "GET", "/api/v1/content/_user?limit=100&facets=roles", adminToken, "")
	facets := fmt.Sprint(got.body["facets"])
	for _, role := range []string{"coordinator", "editor", "contributor", "jury", "committee", "partner", "member", "reader"} {
		if !strings.Contains(facets, "map[count:1 value:"+role+"]") {
			t.Errorf("nobody is %s: %s", role, facets)
		}
	}
	if got := request(t, a.Handler(), "POST", "/api/v1/auth/login", "", `{"email":"equipe@example.org","password":""}`); got.status == 200 {
		t.Error("an account without a password can be entered")
	}
}

// A remark says whose it is: whom a link was made for, whose account it is, or what its author writes.
func TestRights_remarksAreSigned(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.write("administrator", "paper", `{"title":"One"}`, "")
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	link := o.want(201, "administrator", "POST", "/api/v1/content/_link", `{"name":"Ville d’Exemple","type":"paper","entry":"{paper}","actions":["comment"],"expiresAt":"`+soon+`"}`)
	o.tokens["link"] = link.body["token"].(string)
	for _, tc := range []struct{ who, author, want string }{
		{"link", "", "Ville d’Exemple"}, {"link", `,"author":"Camille Exemple, maire"`, "Camille Exemple, maire"}, {"editor", "", "<nil>"},
	} {
		made := o.want(201, tc.who, "POST", "/api/v1/content/_comment", `{"type":"paper","entry":"{paper}","text":"Bien."`+tc.author+`}`)
		o.ids["remark"] = made.body["_id"].(string)
		got := o.want(200, "editor", "GET", "/api/v1/content/_comment/{remark}", "").body["author"]
		if fmt.Sprint(got) != tc.want {
			t.Errorf("%s%s: signed %v, want %s", tc.who, tc.author, got, tc.want)
		}
	}
}

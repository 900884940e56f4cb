package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// An explanation tells nobody of an entry that he is not shown, under no action.
func TestRights_explainedIsNoOracle(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"lister": `[{"type":"paper","actions":["list","read","create"],"where":{"region":"44"}}]`})
	o.write("administrator", "hidden", `{"title":"Hidden","region":"44"}`, "")
	o.ids["absent"] = "01jd0000000000000000000000"
	for _, who := range []string{"lister", "contributor", "reader"} {
		for _, action := range []string{"list", "read", "create", "update", "publish", "history"} {
			var faces []string
			for _, id := range []string{"hidden", "absent"} {
				got := o.want(200, who, "GET", "/api/v1/access/explain?type=paper&action="+action+"&id={"+id+"}", "").body
				faces = append(faces, strings.ReplaceAll(fmt.Sprint(got), o.ids[id], "ID"))
			}
			if faces[0] != faces[1] {
				t.Errorf("%s, %s: a hidden entry gives\n%s\nand an absent one\n%s", who, action, faces[0], faces[1])
			}
		}
	}
}

// Rules on what may be given tell nothing of entries outside the caller's rows, and hold for replacing as for changing.
func TestRights_givingIsNoOracle(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.write("editor", "one", `{"title":"One"}`, "?publish=true")
	o.write("editor", "two", `{"title":"Two"}`, "?publish=true")
	o.ids["absent"] = "01jd0000000000000000000000"
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	o.ids["comment"] = o.want(201, "editor", "POST", "/api/v1/content/_comment", `{"type":"paper","entry":"{one}","text":"x"}`).body["_id"].(string)
	o.ids["own"] = o.want(201, "contributor", "POST", "/api/v1/content/_comment", `{"type":"paper","entry":"{one}","text":"x"}`).body["_id"].(string)
	o.ids["link"] = o.want(201, "coordinator", "POST", "/api/v1/content/_link", `{"type":"paper","entry":"{one}","actions":["read"],"expiresAt":"`+soon+`"}`).body["_id"].(string)
	for _, tc := range []struct{ who, typ, id, body string }{
		{"contributor", "_comment", "comment", `{"text":"y"}`},
		{"contributor", "_comment", "comment", `{"entry":"{two}"}`},
		{"contributor", "_comment", "comment", `{"type":"paper","entry":"{one}","text":"y"}`},
		{"editor", "_link", "link", `{"name":"y"}`},
		{"editor", "_link", "link", `{"entry":"{absent}"}`},
		{"editor", "_link", "link", `{"expiresAt":"2001-01-01T00:00:00Z"}`},
	} {
		var faces []string
		for _, id := range []string{tc.id, "absent"} {
			got := o.as(tc.who, "PATCH", "/api/v1/content/"+tc.typ+"/{"+id+"}", tc.body)
			delete(got.body, "requestId")
			faces = append(faces, strings.ReplaceAll(fmt.Sprint(got.status, got.body), o.ids[id], "ID"))
		}
		if faces[0] != faces[1] || !strings.HasPrefix(faces[0], "404") {
			t.Errorf("%s of %s as %s: a hidden one gives\n%s\nand an absent one\n%s", tc.body, tc.typ, tc.who, faces[0], faces[1])
		}
	}
	o.want(200, "contributor", "PUT", "/api/v1/content/_comment/{own}", `{"type":"paper","entry":"{one}","text":"z"}`)
	o.want(422, "contributor", "PUT", "/api/v1/content/_comment/{own}", `{"type":"paper","entry":"{two}","text":"z"}`)
	o.want(422, "contributor", "PATCH", "/api/v1/content/_comment/{own}", `{"entry":"{two}"}`)
}

// A token that a token of an account makes ends with the account too.
func TestRights_tokensOfTokens(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"clerk": `[{"type":"_token","actions":["create"]},{"type":"paper","actions":["list","read","update"]}]`})
	o.ids["user"] = o.want(201, "administrator", "POST", "/api/v1/content/_user", `{"email":"camille@example.org","name":"Camille Exemple","roles":["clerk"]}`).body["_id"].(string)
	o.tokens["first"] = o.want(201, "administrator", "POST", "/api/v1/content/_token", `{"name":"x","role":"clerk","user":{"_ref":"{user}","_type":"_user"}}`).body["token"].(string)
	o.tokens["second"] = o.want(201, "first", "POST", "/api/v1/content/_token", `{"name":"y","role":"clerk"}`).body["token"].(string)
	o.want(200, "second", "GET", "/api/v1/content/paper?state=draft", "")
	o.want(200, "administrator", "PATCH", "/api/v1/content/_user/{user}", `{"suspended":true}`)
	for _, who := range []string{"first", "second"} {
		o.want(401, who, "GET", "/api/v1/content/paper?state=draft", "")
	}
}

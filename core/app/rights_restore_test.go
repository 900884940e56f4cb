package app_test

import (
	"fmt"
	"testing"
)

// The way out of the trash, written as a transition, brings no earlier revision back: neither roles nor anything else.
func TestRights_restoreByName(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.ids["user"] = o.want(201, "administrator", "POST", "/api/v1/content/_user", `{"email":"camille@example.org","name":"Camille Exemple","roles":["editor"]}`).body["_id"].(string)
	o.want(200, "administrator", "PATCH", "/api/v1/content/_user/{user}", `{"roles":[]}`)
	o.want(409, "administrator", "POST", "/api/v1/batch", `{"operations":[{"op":"transition","type":"_user","id":"{user}","name":"restore","rev":1}]}`)
	if got := o.want(200, "administrator", "GET", "/api/v1/content/_user/{user}?state=draft", "").body["roles"]; fmt.Sprint(got) != "[]" {
		t.Errorf("the roles are %v again", got)
	}
}

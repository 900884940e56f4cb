package app_test

import (
	"fmt"
	"testing"
)

// held is an account and a token of a role.
func held(t *testing.T) *office {
	t.Helper()
	o := newOffice(t, map[string]string{"desk": `[{"type":"desk","actions":["*"]}]`})
	o.ids["user"] = o.want(201, "administrator", "POST", "/api/v1/content/_user", `{"email":"camille@example.org","name":"Camille Exemple","roles":["desk","reader"]}`).body["_id"].(string)
	o.ids["role"] = o.role("desk")
	o.want(200, "desk", "GET", "/api/v1/content/desk?state=draft", "")
	return o
}

func (o *office) rolesOf(user string) string {
	return fmt.Sprint(o.want(200, "administrator", "GET", "/api/v1/content/_user/{"+user+"}?state=draft", "").body["roles"])
}

// Whoever had a role that is deleted does not get one of the same name later.
func TestRoles_deleted(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "?purge=true"} {
		o := held(t)
		o.want(204, "administrator", "DELETE", "/api/v1/content/_role/{role}"+query, "")
		if got := o.rolesOf("user"); got != "[reader]" {
			t.Errorf("%q: the account has %s", query, got)
		}
		o.want(201, "administrator", "POST", "/api/v1/content/_role", `{"name":"desk","permissions":[{"type":"*","actions":["*"]}]}`)
		o.want(401, "desk", "GET", "/api/v1/content/desk?state=draft", "")
	}
}

// A role that gets another name keeps its people, at once and in one step.
func TestRoles_renamed(t *testing.T) {
	t.Parallel()
	o := held(t)
	o.want(200, "administrator", "PATCH", "/api/v1/content/_role/{role}", `{"name":"bureau"}`)
	if got := o.rolesOf("user"); got != "[bureau reader]" {
		t.Errorf("the account has %s", got)
	}
	o.want(200, "desk", "GET", "/api/v1/content/desk?state=draft", "")
}

// What is refused takes nothing from anybody.
func TestRoles_deletedInVain(t *testing.T) {
	t.Parallel()
	o := held(t)
	o.want(422, "administrator", "POST", "/api/v1/batch", `{"operations":[{"op":"delete","type":"_role","id":"{role}"},{"op":"create","type":"desk","data":{"nome":"x"}}]}`)
	o.want(400, "administrator", "POST", "/api/v1/batch", `{"partial":true,"operations":[{"op":"delete","type":"_role","id":"{role}"},{"op":"create","type":"desk","data":{"name":"x"}}]}`)
	if got := o.rolesOf("user"); got != "[desk reader]" {
		t.Errorf("the account has %s", got)
	}
	o.want(200, "desk", "GET", "/api/v1/content/desk?state=draft", "")
}

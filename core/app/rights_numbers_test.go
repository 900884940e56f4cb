package app_test

import (
	"fmt"
	"testing"
)

// A preview of a role tells those who may only look at roles nothing of the entries that its condition holds for.
func TestRights_previewIsNoOracle(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{"auditor": `[{"type":"_role","actions":["list","read"]},{"type":"paper","actions":["list","read"]}]`})
	o.write("administrator", "open", `{"title":"Open","note":"canary"}`, "?publish=true")
	for _, who := range []string{"auditor", "coordinator"} {
		var faces []string
		for _, prefix := range []string{"can", "xyz"} {
			got := o.want(200, who, "POST", "/api/v1/access/preview", `{"name":"probe","permissions":[{"type":"paper","actions":["update"],"where":{"note":{"prefix":"`+prefix+`"}}}]}`)
			faces = append(faces, fmt.Sprint(got.body))
		}
		if faces[0] != faces[1] {
			t.Errorf("%s is told\n%s\nand\n%s", who, faces[0], faces[1])
		}
	}
}

// The audit trail does not open to who may see a part of it.
func TestRights_partsOfTheAudit(t *testing.T) {
	t.Parallel()
	o := newOffice(t, map[string]string{
		"rows":   `[{"type":"_audit","actions":["list","read"],"where":{"by":"$me"}}]`,
		"fields": `[{"type":"_audit","actions":["list","read"],"fields":{"read":["event"]}}]`,
		"all":    `[{"type":"_audit","actions":["list","read"]}]`,
	})
	for who, status := range map[string]int{"rows": 403, "fields": 403, "all": 200, "coordinator": 200, "administrator": 200} {
		o.want(status, who, "GET", "/api/v1/audit", "")
	}
}

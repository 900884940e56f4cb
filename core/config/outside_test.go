package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/config"
)

func TestLoad_Outside(t *testing.T) {
	t.Parallel()
	c, err := load(t, `
public_url: https://cms.example.org
smtp: {host: relay.internal, from: "Palabre <palabre@example.org>", user: u, password: pw, tls: implicit, port: 25}
cors.origins: [https://www.example.org, "http://localhost:3000"]
outbound.allow: [10.0.0.0/8, "relay.internal:25", "[::1]:80"]
limits: {auth: 10, anonymous: 0}
oidc:
  issuer: https://id.example.org/realms/a
  client_id: palabre
  client_secret: s
  label: Ministère
  role_claim: realm_access.roles
  role_map: [cms-editors=editor, "cn=admins=administrator"]
  default_roles: [reader]
  create: yes
  require_verified: no
`, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (config.SMTP{Host: "relay.internal", Port: 25, User: "u", Password: "pw", From: "Palabre <palabre@example.org>", TLS: "implicit"}); c.SMTP != want {
		t.Errorf("got %+v", c.SMTP)
	}
	if c.Limits != (config.Limits{Auth: 10}) || len(c.CORS.Origins) != 2 || len(c.Outbound.Allow) != 3 {
		t.Errorf("got %+v, %v, %v", c.Limits, c.CORS, c.Outbound)
	}
	want := []config.Provider{{Name: "oidc", Label: config.Label{"": "Ministère"}, Issuer: "https://id.example.org/realms/a", ClientID: "palabre", ClientSecret: "s", Scopes: []string{"openid", "email", "profile"},
		RoleClaim: "realm_access.roles", RoleMap: map[string]string{"cms-editors": "editor", "cn=admins": "administrator"}, DefaultRoles: []string{"reader"}, Create: true}}
	if got := c.OIDC.Providers(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// providers writes a file of providers and gives the settings that name it.
func providers(t *testing.T, list string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "oidc.yaml")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"PALABRE_OIDC_FILE=" + file, "PALABRE_PUBLIC_URL=https://cms.example.org"}
}

func TestLoad_OIDCFile(t *testing.T) {
	t.Parallel()
	c, err := load(t, "", providers(t, `
- {name: ministry, label: {fr: Ministère, en: Ministry}, issuer: "https://id.example.org", client_id: a, client_secret: s}
- name: town
  issuer: http://127.0.0.1:9000
  client_id: b
  scopes: [openid]
  role_claim: groups
  role_map: {editors: editor}
  require_verified: false
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := c.OIDC.Providers()
	if len(got) != 2 || got[0].Label["fr"] != "Ministère" || !got[0].RequireVerified || len(got[0].Scopes) != 3 || got[1].RequireVerified || len(got[1].Scopes) != 1 || got[1].RoleMap["editors"] != "editor" {
		t.Errorf("got %+v", got)
	}
}

func TestLoad_OutsideWrong(t *testing.T) {
	t.Parallel()
	oidc := func(more ...string) []string {
		return append([]string{"PALABRE_PUBLIC_URL=https://cms.example.org", "PALABRE_OIDC_ISSUER=https://id.example.org", "PALABRE_OIDC_CLIENT_ID=x"}, more...)
	}
	for _, tc := range []struct {
		name string
		env  []string
		want string
	}{
		{"smtp without sender", []string{"PALABRE_SMTP_HOST=h"}, `smtp.from: "" is not an address`},
		{"smtp sender", []string{"PALABRE_SMTP_HOST=h", "PALABRE_SMTP_FROM=nobody"}, "is not an address"},
		{"smtp port", []string{"PALABRE_SMTP_PORT=0"}, "is not a port"},
		{"smtp port in words", []string{"PALABRE_SMTP_PORT=smtp"}, `"smtp" is not a whole number`},
		{"smtp tls", []string{"PALABRE_SMTP_TLS=maybe"}, "is not one of starttls, implicit, none"},
		{"smtp password in the clear", []string{"PALABRE_SMTP_HOST=h", "PALABRE_SMTP_FROM=a@example.org", "PALABRE_SMTP_TLS=none", "PALABRE_SMTP_USER=u"}, "smtp.user: \"u\" sends no password without encryption"},
		{"smtp password alone", []string{"PALABRE_SMTP_PASSWORD=hunter2"}, `smtp.password: "**redacted**" is of no use without smtp.host`},
		{"origin with a path", []string{"PALABRE_CORS_ORIGINS=https://a.example/"}, "is not an origin"},
		{"origin in capitals", []string{"PALABRE_CORS_ORIGINS=https://A.example"}, "is not an origin"},
		{"origin with the usual port", []string{"PALABRE_CORS_ORIGINS=https://a.example:443"}, "is not an origin"},
		{"origin null", []string{"PALABRE_CORS_ORIGINS=null"}, "is not an origin"},
		{"any origin", []string{"PALABRE_CORS_ORIGINS=*"}, "is not an origin"},
		{"origins by pattern", []string{"PALABRE_CORS_ORIGINS=https://*.example.org"}, "is not an origin"},
		{"outbound name", []string{"PALABRE_OUTBOUND_ALLOW=relay"}, "is neither host:port nor a network"},
		{"outbound pattern", []string{"PALABRE_OUTBOUND_ALLOW=*:25"}, "is neither host:port nor a network"},
		{"limit", []string{"PALABRE_LIMITS_AUTH=-1"}, "is not a whole number"},
		{"oidc without client", oidc("PALABRE_OIDC_CLIENT_ID="), `oidc.issuer: "https://id.example.org" needs a client_id (from PALABRE_OIDC_ISSUER)`},
		{"oidc without public_url", oidc()[1:], "needs public_url"},
		{"oidc without encryption", oidc("PALABRE_OIDC_ISSUER=http://id.example.org"), "needs an issuer with https"},
		{"oidc name", oidc("PALABRE_OIDC_NAME=A/b"), "needs a name of small letters"},
		{"oidc everybody an administrator", oidc("PALABRE_OIDC_DEFAULT_ROLES=reader,administrator"), "must not make everybody an administrator"},
		{"oidc claim without map", oidc("PALABRE_OIDC_ROLE_CLAIM=groups"), "needs role_claim and role_map together"},
		{"oidc map", oidc("PALABRE_OIDC_ROLE_MAP=editor"), `holds "editor", which is not value=role`},
		{"oidc role", oidc("PALABRE_OIDC_ROLE_CLAIM=groups", "PALABRE_OIDC_ROLE_MAP=a=B C"), "which is no role"},
		{"oidc file absent", []string{"PALABRE_OIDC_FILE=/none"}, "cannot be read"},
		{"oidc file no list", providers(t, "a: b"), "is not a YAML list of providers"},
		{"oidc file unknown setting", providers(t, "- {name: a, isuer: hunter2}"), "number 1, with a setting that is unknown"},
		{"oidc file twice", providers(t, "- {name: a, issuer: 'https://a.example', client_id: x}\n- {name: a, issuer: 'https://b.example', client_id: x}"), `has a second provider named "a"`},
		{"oidc file incomplete", providers(t, "- {name: a, client_id: x, client_secret: hunter2}"), `has a provider "a" that needs an issuer`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, "", tc.env, nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want one line with %q", err, tc.want)
			}
		})
	}
}

package pluginhost

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/core/plugin"
)

// configured is a plugin with settings.
type configured struct{ settings string }

func (c configured) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.acme.set", Version: "1.0.0", Settings: []byte(c.settings)}
}
func (c configured) Register(*plugin.Registry) error { return nil }

// A secret is a member of the settings, or of an object in them, however deep; anywhere else the plugin is left out, and told where.
func TestSecretsOf(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"properties":{"a":{"writeOnly":true},"b":{"writeOnly":false},"c":{}}}`:                                                                     "map[a:map[]]",
		`{"properties":{"a":{"properties":{"b":{"properties":{"c":{"writeOnly":true}}}}}}}`:                                                          "map[a:map[b:map[c:map[]]]]",
		`{"properties":{"a":{"writeOnly":true,"properties":{"b":{"writeOnly":true}}}}}`:                                                              "map[a:map[]]",
		`{"properties":{"writeOnly":{"type":"boolean"},"a":true}}`:                                                                                   "map[]",
		`{"properties":{"a":{"default":{"writeOnly":true},"const":{"writeOnly":true},"enum":[{"writeOnly":true}],"examples":[{"writeOnly":true}]}}}`: "map[]",
		`{"writeOnly":true}`: "its root",
		`{"properties":{"a":{"items":{"properties":{"b":{"writeOnly":true}}}}}}`:                                              "/properties/a/items/properties/b",
		`{"properties":{"a":{"prefixItems":[{"writeOnly":true}]}}}`:                                                           "/properties/a/prefixItems/0",
		`{"$defs":{"a":{"writeOnly":true}},"properties":{"b":{"$ref":"#/$defs/a"}}}`:                                          "/$defs/a",
		`{"properties":{"a":{"oneOf":[{"properties":{"b":{"writeOnly":true}}}]}}}`:                                            "/properties/a/oneOf/0/properties/b",
		`{"patternProperties":{"^x":{"writeOnly":true}}}`:                                                                     "/patternProperties/^x",
		`{"additionalProperties":{"writeOnly":true}}`:                                                                         "/additionalProperties",
		`{"properties":{"a":{"additionalProperties":{"properties":{"b":{"writeOnly":true}}}}}}`:                               "/properties/a/additionalProperties/properties/b",
		`{"properties":{"a":{"properties":{"b":{"writeOnly":true}}},"c":{"$ref":"#/properties/a"}}}`:                          "/properties/c/$ref to #/properties/a",
		`{"properties":{"a":{"writeOnly":true},"c":{"items":{"$ref":"#/properties/a"}}}}`:                                     "/properties/c/items/$ref to #/properties/a",
		`{"properties":{"a":{"writeOnly":true},"c":{"oneOf":[{"$ref":"#/%70roperties/a"}]}}}`:                                 "/properties/c/oneOf/0/$ref to #/%70roperties/a",
		`{"properties":{"a":{"writeOnly":true},"c":{"$ref":"#"}}}`:                                                            "/properties/c/$ref to #",
		`{"$defs":{"d":{"type":"string"}},"properties":{"a":{"writeOnly":true,"$ref":"#/$defs/d"},"c":{"$ref":"#/$defs/d"}}}`: "map[a:map[]]",
		`{"if":{"properties":{"a":{"writeOnly":true}}}}`:                                                                      "/if/properties/a",
	} {
		h := New(&core.Hooks{}, slog.New(slog.DiscardHandler), configured{schema})
		if len(h.LeftOut()) > 0 {
			if got := h.LeftOut()[0].Err.Error(); !strings.Contains(got, "writeOnly at "+want+":") && !strings.Contains(got, "leads from "+want+",") {
				t.Errorf("%s: got %s, want it to name %s", schema, got, want)
			}
			continue
		}
		text, err := jsondoc.ParseObject(core.Doc(schema))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := secretsOf(text); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, %v, want %s", schema, got, err, want)
		}
	}
}

// What is taken apart comes together again, and what is shown and sent back changes nothing.
func TestSecrets(t *testing.T) {
	t.Parallel()
	s := secrets{"key": nil, "mail": {"password": nil, "more": {"pin": nil}}}
	for settings, want := range map[string][2]string{ // what is kept plainly, and what is shown
		`{}`:                    {`{}`, `{"key":{"set":false}}`},
		`{"key":"x","size":3}`:  {`{"size":3}`, `{"key":{"set":true},"size":3}`},
		`{"mail":{"host":"a"}}`: {`{"mail":{"host":"a"}}`, `{"key":{"set":false},"mail":{"host":"a","password":{"set":false}}}`},
		`{"mail":{"host":"a","more":{"pin":"1"},"password":"x"}}`: {`{"mail":{"host":"a","more":{}}}`,
			`{"key":{"set":false},"mail":{"host":"a","more":{"pin":{"set":true}},"password":{"set":true}}}`},
		`{"key":{"set":"x"},"mail":"none"}`: {`{"mail":"none"}`, `{"key":{"set":true},"mail":"none"}`},
	} {
		doc, err := jsondoc.ParseObject(core.Doc(settings))
		if err != nil {
			t.Fatal(err)
		}
		plain, secret := s.split(doc)
		if got := string(jsondoc.Encode(plain)); got != want[0] {
			t.Errorf("%s: kept plainly is %s", settings, got)
		}
		s.join(plain, secret)
		if got := string(jsondoc.Encode(plain)); got != settings {
			t.Errorf("%s: together again %s", settings, got)
		}
		s.hide(plain)
		if got := string(jsondoc.Encode(plain)); got != want[1] {
			t.Errorf("%s: shown is %s", settings, got)
		}
		if got := string(jsondoc.Encode(jsondoc.Merge(doc, s.meant(plain)))); got != settings {
			t.Errorf("%s: sent back as shown, it becomes %s", settings, got)
		}
	}
	unset, _ := jsondoc.ParseObject(core.Doc(`{"key":{"set":false},"mail":{"password":{"set":false}}}`))
	if got := s.meant(unset); len(got) != 0 {
		t.Errorf("secrets that stay unset change %v", got)
	}
}

// What was sealed is shown and given away by no other schema than one that calls it a secret, and stays until somebody names it.
func TestSecrets_moved(t *testing.T) {
	t.Parallel()
	const sealed = `{"key":"k","mail":{"password":"p"}}`
	for name, tc := range map[string]struct {
		now          secrets
		plain, patch string
		joined, rest string
	}{
		"as before":              {secrets{"key": nil, "mail": {"password": nil}}, `{"mail":{}}`, `{}`, sealed, `{}`},
		"renamed":                {secrets{"code": nil, "mail": {"secret": nil}}, `{"mail":{"host":"a"}}`, `{}`, `{"mail":{"host":"a"}}`, sealed},
		"none any more":          {secrets{}, `{"mail":{"host":"a"}}`, `{"mail":{"host":"b"}}`, `{"mail":{"host":"a"}}`, sealed},
		"moved into an object":   {secrets{"key": {"code": nil}}, `{"key":{}}`, `{}`, `{"key":{}}`, sealed},
		"an object as a whole":   {secrets{"key": nil, "mail": nil}, `{"mail":{"host":"a"}}`, `{}`, `{"key":"k","mail":{"host":"a","password":"p"}}`, `{}`},
		"taken away":             {secrets{}, `{}`, `{"key":null,"mail":{"password":null}}`, `{}`, `{}`},
		"an object taken away":   {secrets{"mail": {"secret": nil}}, `{"mail":{}}`, `{"mail":null}`, `{"mail":{}}`, `{"key":"k"}`},
		"given anew, not sealed": {secrets{"mail": {"password": nil}}, `{"mail":{}}`, `{"key":"x"}`, `{"mail":{"password":"p"}}`, `{}`},
	} {
		var docs [3]map[string]any
		for i, text := range []string{sealed, tc.plain, tc.patch} {
			var err error
			if docs[i], err = jsondoc.ParseObject(core.Doc(text)); err != nil {
				t.Fatal(err)
			}
		}
		tc.now.join(docs[1], docs[0])
		if got := string(jsondoc.Encode(docs[1])); got != tc.joined {
			t.Errorf("%s: joined %s", name, got)
		}
		if got := string(jsondoc.Encode(tc.now.rest(docs[0], docs[2]))); got != tc.rest {
			t.Errorf("%s: the rest is %s", name, got)
		}
	}
}

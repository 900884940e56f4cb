package schema_test

import (
	"os"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
)

// What is read rather than compared is not held in memory to be filtered.
func TestFields_Indexed(t *testing.T) {
	t.Parallel()
	typ := compile(t, `{"title":"Note","x-type":{"titleField":"title"},"properties":{
		"title":{"type":"string","x-search":1},"plain":{"type":"string"},"lead":{"type":"string","x-search":2},"body":{"type":"string","x-search":1},
		"bounded":{"type":"string","x-search":1,"maxLength":300},"long":{"type":"string","maxLength":3000},"held":{"type":"string","x-search":1,"x-index":true},
		"tool":{"type":"string","x-search":1,"x-facet":true},"code":{"type":"string","x-search":1,"x-unique":true},
		"kind":{"type":"string","x-search":1,"enum":["a"]},"mail":{"type":"string","x-search":1,"format":"email"},"off":{"type":"integer","x-index":false}}}`)
	for path, want := range map[string]bool{"title": true, "plain": true, "lead": true, "body": false, "bounded": true, "long": false, "held": true,
		"tool": true, "code": true, "kind": true, "mail": true, "off": false} {
		if f, ok := typ.Field(path); !ok || f.Indexed != want {
			t.Errorf("%s: indexed %v, want %v", path, ok && f.Indexed, want)
		}
	}
}

func TestFields_PathsKindsAndRules(t *testing.T) {
	t.Parallel()
	typ := compile(t, `{"title":"Note","required":["title","home"],"x-type":{"locales":["fr","en"]},"properties":{
		"title":{"type":"string","x-id":"f_title","x-localized":true,"x-search":{"weight":3}},
		"home":{"$ref":"#/$defs/address","x-label":{"fr":"Domicile"},"x-private":true,"x-id":"f_home"},
		"tags":{"type":"array","items":{"enum":["a","b"]},"x-facet":true,"x-enum-labels":{"a":{"fr":"Un A"}}},
		"steps":{"type":"array","items":{"type":"object","required":["on"],"properties":{"on":{"type":"string","format":"date"},"by":{"x-ref":"person"}}}},
		"tree":{"$ref":"#/$defs/node"},
		"until":{"anyOf":[{"type":"string","format":"date-time"},{"type":"null"}]},
		"kind":{"oneOf":[{"const":"x","title":"Le X"},{"const":"y"}]},
		"raw":{"type":"object"},"any":true,
		"text":{"type":"string","maxLength":5000,"x-search":1},"code":{"type":"string","x-index":false},"iban":{"type":"string","writeOnly":true},
		"total":{"type":"number","x-computed":true,"default":1.50},
		"blocks":{"type":"array","items":{"oneOf":[
			{"properties":{"type":{"const":"quote"},"text":{"type":"string"},"size":{"type":"integer"}}},
			{"properties":{"type":{"const":"rich"},"text":{"x-richtext":true},"size":{"type":"integer"}}}]}}},
		"allOf":[{"properties":{"merged":{"type":"integer"}},"required":["merged"]}],
		"if":{"required":["kind"]},"then":{"properties":{"only":{"type":"boolean"}},"required":["only"]},
		"$defs":{"address":{"type":"object","required":["city"],"properties":{"city":{"type":"string","x-id":"f_city"},"point":{"x-geo":"point"}}},
			"node":{"type":"object","properties":{"name":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/node"}}}}}}`)
	for _, want := range []core.Field{
		{Path: "title", ID: "f_title", Kind: core.KindString, Required: true, Localized: true, Search: 3, Indexed: true},
		{Path: "home", ID: "f_home", Kind: core.KindObject, Required: true, Private: true},
		{Path: "home.city", ID: "f_home.f_city", Kind: core.KindString, Required: true, Private: true, Indexed: true},
		{Path: "home.point", ID: "f_home.point", Kind: core.KindGeo, Private: true},
		{Path: "tags", ID: "tags", Kind: core.KindString, Multi: true, Facet: true, Indexed: true},
		{Path: "steps", ID: "steps", Kind: core.KindObject, Multi: true},
		{Path: "steps.on", ID: "steps.on", Kind: core.KindDate, Multi: true, Required: true, Indexed: true},
		{Path: "steps.by", ID: "steps.by", Kind: core.KindRef, Multi: true, Indexed: true},
		{Path: "tree", ID: "tree", Kind: core.KindObject},
		{Path: "tree.name", ID: "tree.name", Kind: core.KindString, Indexed: true},
		{Path: "tree.children", ID: "tree.children", Kind: core.KindObject, Multi: true},
		{Path: "until", ID: "until", Kind: core.KindTime, Indexed: true},
		{Path: "kind", ID: "kind", Kind: core.KindString, Indexed: true},
		{Path: "raw", ID: "raw", Kind: core.KindJSON},
		{Path: "any", ID: "any", Kind: core.KindJSON},
		{Path: "text", ID: "text", Kind: core.KindString, Search: 1},
		{Path: "code", ID: "code", Kind: core.KindString},
		{Path: "iban", ID: "iban", Kind: core.KindString, Secret: true},
		{Path: "total", ID: "total", Kind: core.KindNumber, Computed: true, ReadOnly: true, Indexed: true},
		{Path: "blocks.type", ID: "blocks.type", Kind: core.KindString, Multi: true, Indexed: true},
		{Path: "blocks.text", ID: "blocks.text", Kind: core.KindJSON, Multi: true},
		{Path: "blocks.size", ID: "blocks.size", Kind: core.KindInteger, Multi: true, Indexed: true},
		{Path: "merged", ID: "merged", Kind: core.KindInteger, Required: true, Indexed: true},
		{Path: "only", ID: "only", Kind: core.KindBoolean, Indexed: true},
	} {
		f, ok := typ.Field(want.Path)
		if !ok {
			t.Errorf("%s: absent", want.Path)
			continue
		}
		got := core.Field{Path: f.Path, ID: f.ID, Kind: f.Kind, Multi: f.Multi, Required: f.Required, Localized: f.Localized, Search: f.Search,
			Private: f.Private, Secret: f.Secret, Facet: f.Facet, Indexed: f.Indexed, Computed: f.Computed, ReadOnly: f.ReadOnly}
		if !sameField(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	if _, ok := typ.Field("tree.children.name"); ok {
		t.Error("a cycle is not cut")
	}
	if f, _ := typ.Field("tags"); len(f.Enum) != 2 || f.Enum[0].Label["fr"] != "Un A" {
		t.Errorf("tags: %+v", f.Enum)
	}
	if f, _ := typ.Field("kind"); len(f.Enum) != 2 || f.Enum[0].Label["fr"] != "Le X" {
		t.Errorf("kind: %+v", f.Enum)
	}
	if f, _ := typ.Field("blocks.type"); len(f.Enum) != 2 {
		t.Errorf("blocks.type: %+v", f.Enum)
	}
	if f, _ := typ.Field("total"); string(f.Default) != "1.50" {
		t.Errorf("total: default %s", f.Default)
	}
}

func sameField(a, b core.Field) bool {
	return a.Path == b.Path && a.ID == b.ID && a.Kind == b.Kind && a.Multi == b.Multi && a.Required == b.Required && a.Localized == b.Localized &&
		a.Search == b.Search && a.Private == b.Private && a.Secret == b.Secret && a.Facet == b.Facet && a.Indexed == b.Indexed &&
		a.Computed == b.Computed && a.ReadOnly == b.ReadOnly
}

func TestVisible_HidesWhatMayNotBeRead(t *testing.T) {
	t.Parallel()
	typ := compile(t, `{"title":"Note","required":["title","salary"],"x-type":{"titleField":"title","order":"salary","preview":"https://x.example/{salary}"},
		"properties":{"title":{"type":"string","x-show-if":{"salary":1}},"salary":{"type":"integer","x-private":true,"default":1},
			"key":{"type":"string","x-secret":true},
			"home":{"type":"object","required":["city","door"],"properties":{"city":{"type":"string"},"door":{"type":"string","x-private":true}}}},
		"if":{"properties":{"salary":{"minimum":3}}},"then":{"required":["title"]},"dependentRequired":{"salary":["title"]},"default":{"salary":9}}`)
	doc, err := schema.Visible(typ, &core.FieldSet{All: true, Deny: map[string]bool{"salary": true, "home.door": true}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"title":"Note","required":["title"],"x-type":{"titleField":"title"},"properties":{"title":{"type":"string"},` +
		`"home":{"type":"object","required":["city"],"properties":{"city":{"type":"string"}}},` +
		`"slug":{"pattern":"^[a-z0-9]+(-[a-z0-9]+)*$","type":"string","x-unique":true}},` +
		`"if":{"properties":{}},"then":{"required":["title"]},"dependentRequired":{}}`
	if string(doc) != want {
		t.Errorf("got  %s\nwant %s", doc, want)
	}
	if strings.Contains(string(doc), "salary") || strings.Contains(string(doc), "door") {
		t.Error("a hidden name shows")
	}
}

func TestVisibleTo_ASecretShowsToWhoMaySetIt(t *testing.T) {
	t.Parallel()
	typ := compile(t, `{"title":"Note","properties":{"a":{"type":"string","x-roles":{"write":["editor"]}},"key":{"type":"string","x-secret":true}}}`)
	read, all := &core.FieldSet{All: true, Deny: map[string]bool{"key": true}}, &core.FieldSet{All: true}
	for _, tc := range []struct {
		write *core.FieldSet
		want  string
	}{
		{nil, `{"title":"Note","properties":{"a":{"type":"string","x-roles":{"write":["editor"]}}}}`},
		{all, `{"title":"Note","properties":{"a":{"type":"string","x-roles":{"write":["editor"]}},"key":{"type":"string","x-secret":true}}}`},
	} {
		got, err := schema.VisibleTo(typ, read, tc.write)
		if err != nil || string(got) != tc.want {
			t.Errorf("got %s, %v; want %s", got, err, tc.want)
		}
	}
}

func TestTypeScript_Golden(t *testing.T) {
	t.Parallel()
	got := schema.TypeScript([]*core.Type{compile(t, fiche)})
	const path = "testdata/fiche.golden.ts"
	if os.Getenv("PALABRE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got\n%s\nwant the text of %s; PALABRE_GOLDEN=1 rewrites it", got, path)
	}
}

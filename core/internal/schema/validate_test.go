package schema_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// one makes a type with one field "a" beside its title.
func one(field string) string {
	return `{"title":"Note","type":"object","properties":{"a":` + field + `},"additionalProperties":false,
		"$defs":{"tree":{"type":"object","properties":{"name":{"type":"string","maxLength":3},"inside":{"$ref":"#/$defs/tree"}}}}}`
}

func found(errs []core.FieldError) string {
	lines := make([]string, len(errs))
	for i, e := range errs {
		lines[i] = e.Pointer + " " + e.Keyword
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

const id1 = "01jd0000000000000000000000"

func TestValidate_EveryKeyword(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, field, value, want string }{
		{"text", `{"type":"string"}`, `"x"`, ""},
		{"number for text", `{"type":"string"}`, `3`, "/a type"},
		{"null", `{"type":"string"}`, `null`, "/a type"},
		{"null allowed", `{"type":["string","null"]}`, `null`, ""},
		{"1.0 is whole", `{"type":"integer"}`, `1.0`, ""},
		{"1.5 is not", `{"type":"integer"}`, `1.5`, "/a type"},
		{"too long", `{"type":"string","maxLength":2}`, `"été"`, "/a maxLength"},
		{"empty", `{"type":"string","minLength":1}`, `""`, "/a minLength"},
		{"pattern", `{"type":"string","pattern":"^[a-z]+$"}`, `"A"`, "/a pattern"},
		{"enum", `{"enum":["a","b"]}`, `"c"`, "/a enum"},
		{"const", `{"const":1}`, `1.0`, ""},
		{"const broken", `{"const":1}`, `2`, "/a const"},
		{"minimum", `{"minimum":3}`, `2.9`, "/a minimum"},
		{"exclusiveMaximum", `{"exclusiveMaximum":3}`, `3`, "/a exclusiveMaximum"},
		{"multipleOf", `{"multipleOf":0.01}`, `0.035`, "/a multipleOf"},
		{"multipleOf exactly", `{"multipleOf":0.01}`, `0.07`, ""},
		{"minItems", `{"type":"array","minItems":2}`, `[1]`, "/a minItems"},
		{"maxItems", `{"type":"array","maxItems":1}`, `[1,2]`, "/a maxItems"},
		{"uniqueItems", `{"type":"array","uniqueItems":true}`, `[1,1.0]`, "/a uniqueItems"},
		{"item", `{"type":"array","items":{"type":"string"}}`, `["a",1,"b",null]`, "/a/1 type, /a/3 type"},
		{"prefixItems", `{"type":"array","prefixItems":[{"type":"number"}],"items":false}`, `["x",2]`, "/a/0 type, /a/1 items"},
		{"contains", `{"type":"array","contains":{"const":1}}`, `[2,3]`, "/a contains"},
		{"maxContains", `{"type":"array","contains":{"const":1},"maxContains":1}`, `[1,1]`, "/a maxContains"},
		{"required inside", `{"type":"object","required":["x","y"],"properties":{"x":{},"y":{}}}`, `{}`, "/a/x required, /a/y required"},
		{"additional", `{"type":"object","properties":{"x":{}},"additionalProperties":false}`, `{"x":1,"y":2,"z/~":3}`, "/a/y additionalProperties, /a/z~1~0 additionalProperties"},
		{"list keys are let through", `{"type":"object","properties":{"x":{}},"additionalProperties":false}`, `{"x":1,"_key":"b_1"}`, ""},
		{"propertyNames", `{"type":"object","propertyNames":{"maxLength":2}}`, `{"abc":1}`, "/a/abc propertyNames"},
		{"minProperties", `{"type":"object","minProperties":1}`, `{}`, "/a minProperties"},
		{"patternProperties", `{"type":"object","patternProperties":{"^x/":{"type":"integer"}},"additionalProperties":false}`, `{"x/1":"a","y":1}`, "/a/x~11 type, /a/y additionalProperties"},
		{"not", `{"not":{"const":13}}`, `13`, "/a not"},
		{"dependentRequired", `{"type":"object","properties":{"x":{},"y":{}},"dependentRequired":{"x":["y"]}}`, `{"x":1}`, "/a/y dependentRequired"},
		{"if then", `{"type":"object","properties":{"k":{}},"if":{"properties":{"k":{"const":1}}},"then":{"required":["z"]}}`, `{"k":1}`, "/a/z required"},
		{"unevaluated", `{"type":"object","allOf":[{"properties":{"x":{"type":"integer"}}}],"unevaluatedProperties":false}`, `{"x":1,"y":1}`, "/a/y unevaluatedProperties"},
		{"a broken member is not called unexpected too", `{"type":"object","allOf":[{"properties":{"x":{"type":"integer"},"z":{}}}],"unevaluatedProperties":false}`, `{"x":"1","z":1}`, "/a/x type"},
		{"reference inside the schema", `{"$ref":"#/$defs/tree"}`, `{"inside":{"inside":{"name":"abcd"}}}`, "/a/inside/inside/name maxLength"},
		{"this or nothing", `{"anyOf":[{"type":"string","maxLength":2},{"type":"null"}]}`, `"abc"`, "/a maxLength"},
		{"one of several kinds", `{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `true`, "/a anyOf"},
		{"values with titles", `{"oneOf":[{"const":"a","title":"A"},{"const":"b","title":"B"}]}`, `"c"`, "/a oneOf"},
		{"both of a oneOf", `{"oneOf":[{"type":"integer"},{"minimum":3}]}`, `4`, "/a oneOf"},
		{"false", `false`, `1`, "/a properties"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			typ := compile(t, one(tc.field))
			errs := typ.Validator.Validate(document(t, `{"a":`+tc.value+`}`))
			if got := found(errs); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			for _, e := range errs {
				if e.Texts["fr"] == "" || e.Texts["en"] == "" || strings.Contains(e.Texts["fr"]+e.Texts["en"], "%!") {
					t.Errorf("not said well: %v", e.Texts)
				}
			}
		})
	}
}

func TestValidate_Formats(t *testing.T) {
	t.Parallel()
	for format, values := range map[string]struct{ good, bad string }{
		"date":          {"2024-02-29", "2023-02-29 2024-2-3 24-01-01"},
		"date-time":     {"2026-11-22T09:00:00Z 2026-11-22T09:00:00.123+02:00 1990-12-31T23:59:60Z", "2026-11-22 2026-11-22T25:00:00Z 2026-11-22T09:00:00 1990-12-31T12:59:60Z"},
		"time":          {"09:00:00Z 09:00:00+01:00", "9:00 24:00:00Z 09:00:00"},
		"duration":      {"P3Y P1Y2M3DT4H5M6S PT90M P2W", "P 3Y P1H PT P1YT"},
		"edtf":          {"2019 2019-05 2019-05-03 2019~ 2019-05? 201X 2019/2020 2019-05/.. ../2020 2019-21 -0044", "2019-13 2019-02-30 19 mai2019 2019-05-03-01 / ..."},
		"email":         {"nom@example.org prénom@exemple.fr a+b@c.example", "nom nom@ @x.org a@b@c <a@b.c> a@-b.org a@b..org"},
		"uri":           {"https://example.org/a?b=c#d urn:isbn:0451450523", "/a example.org javascript:alert(1) JavaScript:alert(1) data:text/html,x"},
		"url":           {"https://example.org/ http://a.example", "ftp://a.example https:// mailto:a@b.example"},
		"uri-reference": {"/a/b ../c #d https://a.example", `\\evil javascript:x`},
		"uuid":          {"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810 {6ba7b810-9dad-11d1-80b4-00c04fd430c8}"},
		"hostname":      {"example.org xn--bcher-kva.example", "-a.org a_b.org a..b"},
		"ipv4":          {"192.0.2.1", "192.0.2.256 192.0.2 ::1 010.0.0.1"},
		"ipv6":          {"::1 2001:db8::1", "192.0.2.1 ::1%eth0 12345::"},
		"siren":         {"732829320 356000000", "732829321 73282932 7328293200 73282932a"},
		"siret":         {"73282932000074 35600000049837", "73282932000075 73282932"},
		"tel":           {"+33123456789 0123456789", "abc 0"},
		"color":         {"#0a7c5b #FFF", "red #12345"},
		"locale":        {"fr pt-BR", "french FR"},
		"slug":          {"budget-participatif", "Budget budget--x -a é"},
		"departement":   {"01 2A 974", "1 2C 99999"},
		"commune":       {"75056 2A004", "7505 2C004"},
	} {
		typ := compile(t, one(`{"type":"string","format":"`+format+`"}`))
		for _, v := range strings.Fields(values.good) {
			if errs := typ.Validator.Validate(map[string]any{"a": v}); errs != nil {
				t.Errorf("%s: %q is refused: %v", format, v, errs)
			}
		}
		for _, v := range strings.Fields(values.bad) {
			if errs := typ.Validator.Validate(map[string]any{"a": v}); found(errs) != "/a format" {
				t.Errorf("%s: %q: got %q", format, v, found(errs))
			}
		}
	}
}

func TestValidate_SpecialValues(t *testing.T) {
	t.Parallel()
	const ref, media, rich = `{"x-ref":{"types":["partner","person"]}}`, `{"x-media":{"kinds":["image"],"alt":"required"}}`, `{"x-richtext":true}`
	doc := func(content string) string { return `{"type":"doc","v":1,"content":[` + content + `]}` }
	link := func(href string) string {
		return doc(`{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"` + href + `"}}]}]}`)
	}
	const href = "/a/content/0/content/0/marks/0/attrs/href x-richtext"
	for _, tc := range []struct{ name, field, value, want string }{
		{"reference", ref, `{"_ref":"` + id1 + `","_type":"partner"}`, ""},
		{"reference of another type", ref, `{"_ref":"` + id1 + `","_type":"fiche"}`, "/a/_type x-ref"},
		{"reference without type", ref, `{"_ref":"` + id1 + `"}`, "/a/_type x-ref"},
		{"no identifier", ref, `{"_ref":"x' OR 1=1","_type":"partner"}`, "/a/_ref x-ref"},
		{"a slug that was not resolved", ref, `{"_slug":"a","_type":"partner"}`, "/a x-ref"},
		{"reference and more", ref, `{"_ref":"` + id1 + `","_type":"partner","$where":"1"}`, "/a/$where x-ref"},
		{"text for reference", ref, `"` + id1 + `"`, "/a x-ref"},
		{"medium", media, `{"_media":"` + id1 + `","alt":"Place","focal":{"x":0.5,"y":1}}`, ""},
		{"medium without alt", media, `{"_media":"` + id1 + `"}`, "/a/alt x-media"},
		{"decorative medium", media, `{"_media":"` + id1 + `","decorative":true}`, ""},
		{"focal point outside", media, `{"_media":"` + id1 + `","alt":"x","focal":{"x":2,"y":0}}`, "/a/focal x-media"},
		{"point", `{"x-geo":"point"}`, `{"type":"Point","coordinates":[7.3,47.7]}`, ""},
		{"latitude first", `{"x-geo":"point"}`, `{"type":"Point","coordinates":[47.7,107.3]}`, "/a/coordinates/1 x-geo"},
		{"huge number", `{"x-geo":"point"}`, `{"type":"Point","coordinates":[1e300,0]}`, "/a/coordinates/0 x-geo"},
		{"texts for numbers", `{"x-geo":"point"}`, `{"type":"Point","coordinates":["1","2"]}`, "/a/coordinates/0 x-geo"},
		{"one coordinate", `{"x-geo":"point"}`, `{"type":"Point","coordinates":[1]}`, "/a/coordinates x-geo"},
		{"line for point", `{"x-geo":"point"}`, `{"type":"LineString","coordinates":[[0,0],[1,1]]}`, "/a x-geo"},
		{"short line", `{"x-geo":"line"}`, `{"type":"LineString","coordinates":[[0,0]]}`, "/a/coordinates x-geo"},
		{"area", `{"x-geo":"area"}`, `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}`, ""},
		{"open ring", `{"x-geo":"area"}`, `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}`, "/a/coordinates/0 x-geo"},
		{"empty polygon", `{"x-geo":"area"}`, `{"type":"Polygon","coordinates":[]}`, "/a/coordinates x-geo"},
		{"collection", `{"x-geo":"any"}`, `{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[0,0]}]}`, ""},
		{"collection in collection", `{"x-geo":"any"}`, `{"type":"GeometryCollection","geometries":[{"type":"GeometryCollection","geometries":[]}]}`, "/a/geometries/0 x-geo"},
		{"feature for geometry", `{"x-geo":"any"}`, `{"type":"Feature","geometry":null}`, "/a x-geo"},
		{"foreign member", `{"x-geo":"point"}`, `{"type":"Point","coordinates":[0,0],"crs":{}}`, "/a/crs x-geo"},
		{"too many vertices", `{"x-geo":{"kind":"line","maxVertices":2}}`, `{"type":"LineString","coordinates":[[0,0],[1,1],[2,2]]}`, "/a x-geo"},
		{"territory", `{"type":"string","x-territory":"region"}`, `"44"`, ""},
		{"lost zero", `{"type":"string","x-territory":"departement"}`, `"1"`, "/a x-territory"},
		{"rich text", rich, doc(`{"type":"heading","attrs":{"id":"b_1","level":2},"content":[{"type":"text","text":"T"}]},{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableHeader","content":[{"type":"paragraph"}]}]}]}`), ""},
		{"text for rich text", rich, `"<p>x</p>"`, "/a x-richtext"},
		{"unknown part", rich, doc(`{"type":"script"}`), "/a/content/0/type x-richtext"},
		{"part in the wrong place", rich, doc(`{"type":"listItem"}`), "/a/content/0/type x-richtext"},
		{"level 1", rich, doc(`{"type":"heading","attrs":{"level":1}}`), "/a/content/0/attrs/level x-richtext"},
		{"unknown attribute", rich, doc(`{"type":"paragraph","attrs":{"onclick":"x"}}`), "/a/content/0/attrs/onclick x-richtext"},
		{"unknown member", rich, doc(`{"type":"paragraph","html":"<b>"}`), "/a/content/0/html x-richtext"},
		{"unknown mark", rich, doc(`{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"underline"}]}]}`), "/a/content/0/content/0/marks/0/type x-richtext"},
		{"link", rich, link("https://example.org"), ""},
		{"relative link", rich, link("/a#b"), ""},
		{"mail link", rich, link("mailto:a@b.example"), ""},
		{"script link", rich, link("javascript:alert(1)"), href},
		{"script link in capitals", rich, link("JaVaScRiPt:alert(1)"), href},
		{"script link with a tab", rich, link(`java\tscript:alert(1)`), href},
		{"script link after a blank", rich, link(` javascript:alert(1)`), href},
		{"script link with an entity", rich, link(`javascript&colon;alert(1)`), ""},
		{"data link", rich, link("data:text/html;base64,x"), href},
		{"link to another host by slashes", rich, link("//evil.example"), href},
		{"link with backslashes", rich, link(`\\\\evil.example`), href},
		{"image", rich, doc(`{"type":"image","attrs":{"ref":{"_media":"` + id1 + `"},"alt":"x"}}`), ""},
		{"image from elsewhere", rich, doc(`{"type":"image","attrs":{"src":"https://x.example/a.png"}}`), "/a/content/0/attrs/ref x-richtext, /a/content/0/attrs/src x-richtext"},
		{"part not taken here", `{"x-richtext":{"blocks":["paragraph"]}}`, doc(`{"type":"codeBlock"}`), "/a/content/0/type x-richtext"},
		{"heading not taken here", `{"x-richtext":{"headings":[2]}}`, doc(`{"type":"heading","attrs":{"level":3}}`), "/a/content/0/attrs/level x-richtext"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			typ := compile(t, one(tc.field))
			errs := typ.Validator.Validate(document(t, `{"a":`+tc.value+`}`))
			if got := found(errs); got != tc.want {
				t.Errorf("got %q, want %q\n%v", got, tc.want, errs)
			}
		})
	}
}

func TestValidate_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	typ := compile(t, `{"title":"Note","type":"object","required":["title"],"additionalProperties":false,"properties":{
		"title":{"type":"string","minLength":1,"maxLength":5,"x-label":{"fr":"Titre","en":"Title"}},
		"year":{"type":"integer","minimum":1990,"maximum":2100,"title":"Année"},
		"kind":{"enum":["petition","referendum"],"x-label":{"fr":"Démarche","en":"Practice"}},
		"code":{"type":"string","pattern":"^[0-9]+$","x-error":{"pattern":{"fr":"Seulement des chiffres.","en":"Digits only."}}}}}`)
	for _, tc := range []struct{ doc, fr, en string }{
		{`{}`, "« Titre » est obligatoire ; remplissez ce champ.", "“Title” is required; fill it in."},
		{`{"title":""}`, "« Titre » est vide ; remplissez ce champ.", "“Title” is empty; fill it in."},
		{`{"title":"abcdefg"}`, "« Titre » est trop long : 7 caractères, 5 au plus.", "“Title” is too long: 7 characters, at most 5."},
		{`{"title":"a","year":3}`, "« Année » doit être un nombre entre 1990 et 2100.", "“Année” must be a number between 1990 and 2100."},
		{`{"title":"a","kind":"referendun"}`, "« Démarche » : « referendun » n’est pas une valeur possible ; choisissez parmi petition, referendum. Vouliez-vous dire « referendum » ?", "“Practice”: “referendun” is not a possible value; choose one of petition, referendum. Did you mean “referendum”?"},
		{`{"title":"a","titel":"b"}`, "Le champ « titel » n’existe pas dans ce type ; retirez-le. Vouliez-vous dire « title » ?", "There is no field “titel” in this type; take it out. Did you mean “title”?"},
		{`{"title":"a","code":"x"}`, "Seulement des chiffres.", "Digits only."},
	} {
		errs := typ.Validator.Validate(document(t, tc.doc))
		if len(errs) != 1 || errs[0].Texts["fr"] != tc.fr || errs[0].Texts["en"] != tc.en || errs[0].Message != tc.en {
			t.Errorf("%s:\ngot  %v\nwant %s / %s", tc.doc, errs, tc.fr, tc.en)
		}
	}
}

func TestValidate_BlocksTellOfTheirOwnBranch(t *testing.T) {
	t.Parallel()
	typ := compile(t, `{"title":"Page","properties":{"blocks":{"type":"array","items":{"oneOf":[
		{"type":"object","required":["type","text"],"additionalProperties":false,"properties":{"type":{"const":"quote"},"text":{"type":"string","maxLength":3}}},
		{"type":"object","required":["type","level"],"additionalProperties":false,"properties":{"type":{"const":"heading"},"level":{"type":"integer"}}}]}}},"unevaluatedProperties":false}`)
	for _, tc := range []struct{ blocks, want string }{
		{`[{"type":"quote","text":"abc"},{"type":"heading","level":2}]`, ""},
		{`[{"type":"quote","text":"abcd"}]`, "/blocks/0/text maxLength"},
		{`[{"type":"heading","text":"a"}]`, "/blocks/0/level required, /blocks/0/text additionalProperties"},
		{`[{"type":"qoute"}]`, "/blocks/0/type oneOf"},
		{`[{"text":"a"}]`, "/blocks/0/type oneOf"},
		{`["a"]`, "/blocks/0 type"},
	} {
		got := found(typ.Validator.Validate(document(t, `{"blocks":`+tc.blocks+`}`)))
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.blocks, got, tc.want)
		}
	}
}

func TestValidate_Translations(t *testing.T) {
	t.Parallel()
	typ := compile(t, `{"title":"Note","required":["title"],"unevaluatedProperties":false,"x-type":{"locales":["fr","en"]},"properties":{
		"title":{"type":"string","maxLength":5,"x-localized":true},"region":{"type":"string"},
		"seo":{"type":"object","additionalProperties":false,"properties":{"text":{"type":"string","maxLength":5,"x-localized":true},"index":{"type":"boolean"}}}}}`)
	for _, tc := range []struct{ doc, want string }{
		{`{"title":"a","_locale":"en"}`, ""},
		{`{"title":"a","_locale":"de"}`, "/_locale _locale"},
		{`{"title":"a","_i18n":{"en":{"title":"b","seo":{"text":"c"}}}}`, ""},
		{`{"title":"a","_i18n":{"en":{"title":"too long"}}}`, "/_i18n/en/title maxLength"},
		{`{"title":"too long","_i18n":{"en":{"title":"b"}}}`, "/title maxLength"},
		{`{"title":"a","_i18n":{"en":{"region":"b"}}}`, "/_i18n/en/region x-localized"},
		{`{"title":"a","_i18n":{"en":{"seo":{"index":true}}}}`, "/_i18n/en/seo/index x-localized"},
		{`{"title":"a","_i18n":{"en":{"nothing":"b"}}}`, "/_i18n/en/nothing x-localized"},
		{`{"title":"a","_i18n":{"de":{"title":"b"}}}`, "/_i18n/de _i18n"},
		{`{"title":"a","_i18n":[]}`, "/_i18n _i18n"},
		{`{"_i18n":{"en":{"title":"b"}}}`, "/title required"},
		{`{"title":"a","seo":{"index":1},"_i18n":{"en":{"seo":{"text":3}}}}`, "/_i18n/en/seo/text type, /seo/index type"},
	} {
		if got := found(typ.Validator.Validate(document(t, tc.doc))); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.doc, got, tc.want)
		}
	}
}

func TestValidate_ImplicitSlug(t *testing.T) {
	t.Parallel()
	typ := compile(t, `{"title":"Note","unevaluatedProperties":false,"x-type":{"titleField":"title"},"properties":{"title":{"type":"string"}}}`)
	f, ok := typ.Field("slug")
	if !ok || !f.Unique || typ.SlugField != "slug" || typ.SlugFrom != "title" {
		t.Fatalf("got %+v, slug field %q from %q", f, typ.SlugField, typ.SlugFrom)
	}
	for _, tc := range []struct{ slug, want string }{{"a-b", ""}, {"A b", "/slug pattern"}} {
		if got := found(typ.Validator.Validate(map[string]any{"title": "x", "slug": tc.slug})); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.slug, got, tc.want)
		}
	}
}

// The documents that cost the most a schema within the limits can be made to pay.
func TestValidate_NothingTakesLong(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"$ref":"#/$defs/wide"},`, 40) + `{"$ref":"#/$defs/wide"}`
	wide := strings.Repeat(`{"type":["string","object"],"minLength":1},`, 40) + `true`
	for name, tc := range map[string]struct{ schema, doc string }{
		"wide items":      {`{"title":"x","properties":{"a":{"type":"array","items":{"allOf":[` + many + `]}}},"$defs":{"wide":{"allOf":[` + wide + `]}}}`, list(`"x"`, 40_000)},
		"wide and wrong":  {`{"title":"x","properties":{"a":{"type":"array","items":{"allOf":[` + many + `]}}},"$defs":{"wide":{"allOf":[` + wide + `]}}}`, list(`3`, 40_000)},
		"deep recursion":  {one(`{"$ref":"#/$defs/tree"}`), strings.Repeat(`{"inside":`, 29) + `{"name":"abcd"}` + strings.Repeat(`}`, 29)},
		"equal numbers":   {one(`{"type":"array","uniqueItems":true}`), list(`1e300`, 40_000)},
		"many objects":    {one(`{"type":"array","items":{"type":"object","unevaluatedProperties":false}}`), list(`{"":{}}`, 20_000)},
		"many blocks":     {`{"title":"x","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"type":"array","items":{"oneOf":[{"properties":{"type":{"const":"a"},"b":{"$ref":"#/$defs/b"}},"required":["type"]},{"properties":{"type":{"const":"b"},"b":{"$ref":"#/$defs/b"}},"required":["type"]}]}}}}`, strings.Repeat(`[{"type":"a","b":`, 14) + `[{"type":"z"}]` + strings.Repeat(`}]`, 14)},
		"pattern bombs":   {one(`{"type":"array","items":{"type":"string","pattern":"^(a+b?)+$"}}`), list(`"`+strings.Repeat("a", 100)+`!"`, 5_000)},
		"a long text":     {one(`{"type":"string","pattern":"^([a-z]?){400}$"}`), `"` + strings.Repeat("a", 900_000) + `"`},
		"long texts":      {one(`{"type":"array","items":{"type":"string","pattern":"^([a-z]?){400}$"}}`), list(`"`+strings.Repeat("a", 2_000)+`"`, 400)},
		"long names":      {one(`{"type":"object","patternProperties":{"^([a-z]?){40}$":true}}`), `{"` + strings.Repeat("a", 900_000) + `":1}`},
		"many values":     {one(`{"type":"array","items":{"enum":` + list(`"aaaaaaaaaaaaaaa"`, 10_000) + `}}`), list(`"b"`, 40_000)},
		"large rich text": {one(`{"x-richtext":true}`), `{"type":"doc","content":` + list(`{"type":"script"}`, 20_000) + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			typ := compile(t, tc.schema)
			doc := document(t, `{"a":`+tc.doc+`}`)
			start := time.Now()
			errs := typ.Validator.Validate(doc)
			if took := time.Since(start); took > time.Second { // the budget is 250 ms; the machine may be busy
				t.Errorf("took %v", took)
			}
			t.Logf("%v: %d errors", time.Since(start), len(errs))
		})
	}
}

// The schemas that cost the most to compile.
func TestCompile_NothingTakesLong(t *testing.T) {
	t.Parallel()
	properties := func(n int, field string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `%s"f%d":%s`, strings.Repeat(",", min(i, 1)), i, field)
		}
		return `{"title":"x","properties":{` + b.String() + `}}`
	}
	for name, text := range map[string]string{
		"large patterns":    properties(300, `{"pattern":"`+strings.Repeat("[a-z]{1000}", 30)+`"}`),
		"allowed patterns":  properties(300, `{"pattern":"[a-z]{1000}"}`),
		"large default":     `{"title":"x","properties":{"a":{"default":` + list("1", 15_000) + `,"items":{"allOf":[` + strings.Repeat(`{"anyOf":[{},{}]},`, 100) + `{}]}}}}`,
		"large enum":        `{"title":"x","properties":{"a":{"enum":[` + strings.TrimSuffix(strings.Repeat(`"abcdefgh",`, 19_000), ",") + `]}}}`,
		"deep":              `{"title":"x","properties":{"a":` + strings.Repeat(`{"items":`, 55) + `{}` + strings.Repeat(`}`, 55) + `}}`,
		"too deep":          `{"title":"x","properties":{"a":` + strings.Repeat(`{"items":`, 5_000) + `{}` + strings.Repeat(`}`, 5_000) + `}}`,
		"doubled fields":    doubled(12),
		"recursion by many": `{"title":"x","properties":{"a":{"$ref":"#/$defs/n"}},"$defs":{"n":{"properties":{` + strings.TrimSuffix(strings.Repeat(`"%":{"$ref":"#/$defs/n"},`, 20), ",") + `}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			for i := 0; strings.Contains(text, "%"); i++ {
				text = strings.Replace(text, "%", fmt.Sprint("p", i), 1)
			}
			start := time.Now()
			typ, err := new(schema.Compiler).Compile(context.Background(), []byte(text))
			if typ != nil {
				if _, err := schema.Visible(typ, &core.FieldSet{Only: map[string]bool{"a": true}}); err != nil {
					t.Error(err)
				}
				schema.TypeScript([]*core.Type{typ})
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
			t.Logf("%v: %.200v", time.Since(start), err)
		})
	}
}

// doubled is a schema whose fields double at each level.
func doubled(levels int) string {
	var b strings.Builder
	for i := range levels {
		fmt.Fprintf(&b, `"d%d":{"properties":{"x":{"$ref":"#/$defs/d%d"},"y":{"$ref":"#/$defs/d%d"}}},`, i, i+1, i+1)
	}
	return fmt.Sprintf(`{"title":"x","properties":{"a":{"$ref":"#/$defs/d0"}},"$defs":{%s"d%d":{"type":"string"}}}`, b.String(), levels)
}

func list(item string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

func TestValidate_ManyAtOnce(t *testing.T) {
	t.Parallel()
	typ := compile(t, fiche)
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			for range 50 {
				if errs := typ.Validator.Validate(document(t, ficheDocument())); errs != nil {
					t.Fatal(errs)
				}
			}
		})
	}
}

func TestEncode_KeysInTheOrderOfTheSchema(t *testing.T) {
	t.Parallel()
	typ := compile(t, `{"title":"x","properties":{"z":{"type":"array","items":{"$ref":"#/$defs/item"}},"b":{"type":"object","properties":{"y":{},"a":{}}},"a":{}},"$defs":{"item":{"properties":{"n":{},"m":{}}}}}`)
	doc := document(t, `{"a":1.50,"_locale":"fr","z":[{"m":1,"n":2,"extra":"<é>"}],"b":{"a":1,"y":[]},"aa":null}`)
	const want = `{"z":[{"n":2,"m":1,"extra":"<é>"}],"b":{"y":[],"a":1},"a":1.50,"_locale":"fr","aa":null}`
	if got := string(typ.Validator.Encode(doc)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if back, err := jsondoc.Parse([]byte(want)); err != nil || !jsondoc.Equal(back, any(doc)) {
		t.Errorf("not the same document: %v", err)
	}
}

// Numbers that make the library fall over do not get past the decoder; where a plugin makes one, it is refused all the same.
func TestValidate_NumbersOutOfReach(t *testing.T) {
	t.Parallel()
	typ := compile(t, one(`{"type":"integer","minimum":1,"multipleOf":2}`))
	for _, n := range []json.Number{"1e1000001", "x", ""} {
		if errs := typ.Validator.Validate(map[string]any{"a": n}); errs == nil {
			t.Errorf("%q is let through", n)
		}
	}
	if _, err := new(schema.Compiler).Compile(context.Background(), []byte(one(`{"minimum":1e1000001}`))); core.CodeOf(err) != core.CodeBadRequest {
		t.Errorf("got %v", err)
	}
}

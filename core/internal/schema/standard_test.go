package schema_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/palabre-cms/palabre/core/jsondoc"
)

// What a schema means is what the standard says, whatever is rewritten to make it fast: on made-up documents the
// verdict is that of the plain library.
func TestValidate_AgreesWithTheStandard(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"blocks": `{"title":"x","type":"object","properties":{"a":{"type":"array","items":{"oneOf":[
			{"type":"object","required":["type"],"properties":{"type":{"const":"x"},"b":{"type":"string"}},"unevaluatedProperties":false},
			{"type":"object","required":["type","b"],"properties":{"type":{"const":"y"},"b":{"type":"integer"},"a":{"enum":["x",1,null]}}}]}}},"unevaluatedProperties":false}`,
		"a branch without its mark": `{"title":"x","properties":{"a":{"oneOf":[
			{"properties":{"type":{"const":"x"},"b":{"type":"string"}}},
			{"required":["type"],"properties":{"type":{"const":"y"},"b":{"type":"integer"}}}],"type":"object"}}}`,
		"blocks beside properties": `{"title":"x","required":["type"],"oneOf":[{"required":["type"],"properties":{"type":{"const":"x"},"a":{"type":"integer"}}},{"required":["type"],"properties":{"type":{"const":"y"},"b":{"type":"string","pattern":"^x"}}}],
			"properties":{"type":{"type":"string"}},"unevaluatedProperties":false}`,
		"conditions": `{"title":"x","properties":{"type":{},"a":{}},"if":{"properties":{"type":{"const":"x"}},"required":["type"]},"then":{"required":["b"],"properties":{"b":{"type":"integer","minimum":1}}},"else":{"properties":{"b":{"maxLength":1}}},
			"dependentSchemas":{"a":{"properties":{"c":true}}},"unevaluatedProperties":false}`,
		"merged": `{"title":"x","allOf":[{"$ref":"#/$defs/d"},{"properties":{"b":{"anyOf":[{"type":"string","minLength":1},{"type":"null"}]}}}],"properties":{"c":{"not":{"const":1}}},"unevaluatedProperties":false,
			"$defs":{"d":{"properties":{"a":{"type":["array","string"],"uniqueItems":true,"contains":{"const":"x"},"prefixItems":[{"type":"string"}],"items":{"$ref":"#/$defs/d"}}}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := jsonschema.NewCompiler()
			if err := c.AddResource("mem:///plain.json", strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
			plain, ours := c.MustCompile("mem:///plain.json"), compile(t, text).Validator
			r, valid := rand.New(rand.NewPCG(1, 2)), 0
			for range 1_500 {
				doc := made(r, 0).(map[string]any)
				want := plain.Validate(map[string]any(doc)) == nil
				if want {
					valid++
				}
				if errs := ours.Validate(doc); (errs == nil) != want {
					t.Fatalf("%s: the standard says %v, we say %v", jsondoc.Encode(doc), want, errs)
				}
			}
			if valid < 5 || valid > 1_480 {
				t.Errorf("%d of 1500 documents are valid: they tell nothing", valid)
			}
		})
	}
}

// made makes a small value out of few names and values, so that they often meet the schema's.
func made(r *rand.Rand, depth int) any {
	if depth > 0 && (depth > 3 || r.IntN(3) > 0) {
		return []any{"x", "y", "", "xz", json.Number("1"), json.Number("2.5"), true, nil}[r.IntN(8)]
	}
	if depth > 0 && r.IntN(2) == 0 {
		list := make([]any, r.IntN(3))
		for i := range list {
			list[i] = made(r, depth+1)
		}
		return list
	}
	m := map[string]any{}
	for _, name := range []string{"type", "a", "b", "c"} {
		if r.IntN(3) > 0 {
			m[name] = made(r, depth+1)
		}
	}
	if r.IntN(2) == 0 {
		m["type"] = []any{"x", "y"}[r.IntN(2)]
	}
	return m
}

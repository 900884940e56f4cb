package schema_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/computed"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// bill is a type with one computed field.
func bill(expression string) string {
	return `{"title":"Bill","type":"object","x-type":{"name":"bill","slug":false},"properties":{
		"price":{"type":"number"},"count":{"type":"integer"},"name":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}},
		"from":{"type":"string","format":"date"},"place":{"type":"object","properties":{"city":{"type":"string"}}},"end-date":{"type":"string"},
		"lines":{"type":"array","items":{"type":"object","properties":{"amount":{"type":"number"}}}},
		"out":{"x-computed":` + string(jsondoc.Encode(expression)) + `}}}`
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	const doc = `{"price":0.1,"count":3,"name":"Ada","tags":["b","a"],"from":"2030-01-31","place":{"city":"Metz"},"end-date":"x",
		"lines":[{"amount":0.1},{"amount":0.2},{}]}`
	for _, tc := range []struct{ expression, want string }{
		{`price * count`, `0.3`},
		{`count / 2`, `1.5`},
		{`count + 1`, `4`},
		{`name + ", " + place.city`, `"Ada, Metz"`},
		{`$env["end-date"]`, `"x"`},
		{`join(tags, "; ")`, `"b; a"`},
		{`sum(filter(lines, .amount != nil), .amount)`, `0.3`},
		{`count(lines, (.amount ?? 0) > 0.1)`, `1`},
		{`count > 2 ? "many" : "few"`, `"many"`},
		{`date(from)`, `"2030-01-31T00:00:00Z"`},
		{`let n = count; n * n`, `9`},
		{`tags`, `["b","a"]`},
		{`price / 0`, `null`},       // infinite
		{`name * 2`, `null`},        // of another kind than it takes
		{`place.country`, `null`},   // not there
		{`lines[9].amount`, `null`}, // not there
		{`len(tags) > 1 && !false`, `true`},
	} {
		typ, err := compiler().Compile(context.Background(), []byte(bill(tc.expression)))
		if err != nil {
			t.Errorf("%s: %s", tc.expression, said(err))
			continue
		}
		m, err := jsondoc.ParseObject(core.Doc(doc))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := computed.Fill(context.Background(), typ, "x", m); err != nil {
			t.Errorf("%s: %v", tc.expression, err)
		}
		if got := string(jsondoc.Encode(m["out"])); got != tc.want {
			t.Errorf("%s is %s, want %s", tc.expression, got, tc.want)
		}
	}
}

// No expression takes anybody down, whatever it says.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{`price * count`, `sum(lines, .amount)`, `join(tags, name)`, `let x = 1; x`, `name matches "(a+)+$"`, `tags[1:]`, `"\u{1f}"`,
		`map(lines, #)`, `reduce(tags, #acc + #, "")`, `all(tags, any(tags, # == "a"))`, `1..9999999`, `repeat(name, 99999999)`, `$env`, `name?.x ?? 1`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		typ, err := compiler().Compile(context.Background(), []byte(bill(expression)))
		if err != nil {
			return
		}
		doc := map[string]any{"price": json.Number("1e300"), "count": json.Number("3"), "name": strings.Repeat("a", 1000), "tags": []any{"a", "b"}}
		if _, err := computed.Fill(context.Background(), typ, "x", doc); err != nil {
			t.Fatal(err)
		}
		if _, err := jsondoc.ParseObject(jsondoc.Encode(doc)); err != nil {
			t.Fatalf("%q makes a document that cannot be read: %v", expression, err)
		}
	})
}

func TestVocabulary_Add(t *testing.T) {
	t.Parallel()
	valid := func(string) bool { return true }
	compute := func(context.Context, core.Computing) (any, error) { return nil, nil }
	for name, words := range map[string]core.Vocabulary{
		"an annotation of Palabre's own": {Annotations: []core.Annotation{{Name: "x-item-label"}}},
		"an annotation of nobody":        {Annotations: []core.Annotation{{Name: "x-tone"}}},
		"twice":                          {Annotations: []core.Annotation{{Name: "x-acme-tone"}, {Name: "x-acme-tone"}}},
		"a schema that is none":          {Annotations: []core.Annotation{{Name: "x-acme-tone", Value: json.RawMessage(`{"type":"text"}`)}}},
		"a schema that is not JSON":      {Annotations: []core.Annotation{{Name: "x-acme-tone", Value: json.RawMessage(`{`)}}},
		"a format of Palabre's own":      {Formats: []core.Format{{Name: "email", Valid: valid}}},
		"a format without a function":    {Formats: []core.Format{{Name: "isbn"}}},
		"a format with a space":          {Formats: []core.Format{{Name: "is bn", Valid: valid}}},
		"a computation without a name":   {Computations: []core.Computation{{Compute: compute}}},
		"a computation without function": {Computations: []core.Computation{{Name: "dev.acme/x"}}},
	} {
		v := new(schema.Vocabulary)
		words.Formats = append([]core.Format{{Name: "ean", Valid: valid}}, words.Formats...)
		if err := v.Add(words); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: got %v", name, err)
		}
		c := &schema.Compiler{Words: v}
		if _, err := c.Compile(context.Background(), []byte(strings.Replace(bill("1"), `"x-computed":"1"`, `"format":"ean"`, 1))); err == nil {
			t.Errorf("%s: something of it stays", name)
		}
	}
}

// A lenient compiler passes over what nobody knows, and nothing else.
func TestCompiler_lenient(t *testing.T) {
	t.Parallel()
	c := &schema.Compiler{Lenient: true}
	for member, fits := range map[string]bool{`"format":"isbn"`: true, `"x-acme-tone":{}`: true, `"x-computed":{"by":"dev.acme.words/count"}`: true, `"maxLenght":3`: false} {
		text := fmt.Sprintf(`{"title":"Bill","type":"object","x-type":{"name":"bill"},"properties":{"a":{%s}}}`, member)
		if _, err := c.Compile(context.Background(), []byte(text)); (err == nil) != fits {
			t.Errorf("%s: %v", member, err)
		}
		if _, err := compiler().Compile(context.Background(), []byte(text)); err == nil {
			t.Errorf("%s is taken by one that is not", member)
		}
	}
}

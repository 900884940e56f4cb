package schema_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

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
		{`count * 4e9 * 4e9`, `4.8e+19`}, // nothing wraps around
		{`count(tags, # == name)`, `0`},  // an item against a field
		{`filter(lines, .amount == price)`, `[{"amount":0.1}]`},
		{`upper(place.city) + string(count)`, `"METZ3"`},
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
		doc := map[string]any{"price": json.Number("1e300"), "count": json.Number("3"), "name": strings.Repeat("é", 1000), "tags": []any{"a", "b"}}
		began := time.Now()
		if _, err := computed.Fill(context.Background(), typ, "x", doc); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("%q takes %s", expression, took)
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
	for member, fits := range map[string]bool{`"format":"isbn"`: true, `"x-acme-tone":{}`: true, `"x-computed":{"by":"dev.acme.words/count"}`: true,
		`"x-computed":"sum of the lines"`: true, `"x-computed":"b * 2"`: true, `"x-computed":7`: true, `"type":"string","x-unique":true,"x-computed":"1 +"`: true, `"maxLenght":3`: false} {
		text := fmt.Sprintf(`{"title":"Bill","type":"object","x-type":{"name":"bill"},"properties":{"a":{%s}}}`, member)
		if _, err := c.Compile(context.Background(), []byte(text)); (err == nil) != fits {
			t.Errorf("%s: %v", member, err)
		}
		if _, err := compiler().Compile(context.Background(), []byte(text)); err == nil {
			t.Errorf("%s is taken by one that is not", member)
		}
	}
}

// What multiplies, or takes more than one look at each item, cannot be said.
func TestExpressions_refused(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{`reduce(tags, #acc + #acc, "a")`, `map(tags, name)`, `sortBy(tags, #)`, `groupBy(tags, #)`, `findIndex(tags, # == "a")`,
		`let a = name + name; a + a`, `let b = [1, 1]; [b, b]`, `join(split(name, ""), name)`, `join(tags, name)`, `uniq(tags)`, `count(tags, # in tags)`,
		`count(tags, len(join(tags)) > 0)`, `count(tags, sum(lines, .amount) > 0)`, `count(tags, name + # == "x")`, `count(tags, # contains name)`, `name matches name`,
		`name[:1]`, `keys(place)`, `now()`, `1..9`, `repeat(name, 9)`, `$env`, `[$env, $env]`, `$env[name]`, `date(from).Year()`, `name.trim()`, `#`, `{"a": name}`,
		`tags | filter(# == "a") | map(#)`, `toJSON(place)`} {
		if _, err := compiler().Compile(context.Background(), []byte(bill(expression))); err == nil {
			t.Errorf("%s is taken", expression)
		}
	}
}

// What is computed from what is not public says whether it is.
func TestComputed_private(t *testing.T) {
	t.Parallel()
	for own, fits := range map[string]bool{"": false, `,"x-private":true`: true, `,"x-private":false`: true} {
		text := fmt.Sprintf(`{"title":"Bill","type":"object","x-type":{"name":"bill"},"properties":{"margin":{"type":"number","x-private":true},
			"deep":{"type":"object","properties":{"secret":{"type":"string","x-private":true}}},
			"a":{"x-computed":"margin * 2"%s},"b":{"x-computed":"deep.secret"%s}}}`, own, own)
		if _, err := compiler().Compile(context.Background(), []byte(text)); (err == nil) != fits {
			t.Errorf("%q: %v", own, err)
		}
	}
}

package migrate_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/migrate"
	"github.com/palabre-cms/palabre/core/internal/schema"
)

func compiled(t *testing.T, text []byte) *core.Type {
	t.Helper()
	typ, err := new(schema.Compiler).Compile(context.Background(), text)
	must(t, err)
	return typ
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name          string
		before, after []byte
		want          string
	}{
		{"nothing", note(`"a":` + text), note(`"a":` + text), ""},
		{"added", note(`"a":` + text), note(`"a":`+text+`,"b":`+text, "b"), "added b → string (required)"},
		{"removed", note(`"a":` + text + `,"o":{"type":"object","properties":{"x":` + text + `}}`), note(`"a":` + text), "removed o object → "},
		{"renamed", note(`"a":{"type":"string","x-id":"f"}`), note(`"b":{"type":"string","x-id":"f"}`), "renamed b a → b"},
		{"an object renamed carries its members", note(`"a":{"type":"object","x-id":"f","properties":{"x":` + text + `}}`), note(`"b":{"type":"object","x-id":"f","properties":{"x":` + text + `}}`), "renamed b a → b"},
		{"retyped", note(`"a":` + text), note(`"a":{"type":"integer"}`), "retyped a string → integer"},
		{"one to many", note(`"a":` + text), note(`"a":{"type":"array","items":` + text + `}`), "retyped a string → string[]"},
		{"required", note(`"a":` + text), note(`"a":`+text, "a"), "tightened a (required)"},
		{"bounds", note(`"a":{"type":"string","maxLength":5,"minLength":1}`), note(`"a":{"type":"string","maxLength":9,"minLength":2}`), "loosened a (maxLength); tightened a (minLength)"},
		{"a bound is new", note(`"a":{"type":"integer"}`), note(`"a":{"type":"integer","maximum":9}`), "tightened a (maximum)"},
		{"values", note(`"a":{"enum":["x","y"]},"b":{"enum":["x"]}`), note(`"a":{"enum":["x"]},"b":{"enum":["x","y"]}`), "tightened a (enum); loosened b (enum)"},
		{"inside a definition", []byte(`{"title":"Note","x-type":{"name":"note"},"properties":{"a":{"$ref":"#/$defs/d"}},"$defs":{"d":{"type":"string"}}}`),
			[]byte(`{"title":"Note","x-type":{"name":"note"},"properties":{"a":{"$ref":"#/$defs/d"}},"$defs":{"d":{"type":"string","pattern":"a"}}}`), "tightened a (pattern)"},
		{"an x-id is given", note(`"a":` + text), note(`"a":{"type":"string","x-id":"f"}`), ""},
		{"annotations", note(`"a":` + text), note(`"a":{"type":"string","x-label":"A","x-search":1}`), "annotated a (x-label); annotated a (x-search)"},
		{"of the type itself", note(`"a":` + text), []byte(`{"title":"Note","type":"object","required":[],"x-type":{"name":"note","public":true,"slug":false},"properties":{"a":` + text + `}}`), "loosened  (additionalProperties); annotated  (x-type)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			for _, c := range migrate.Compare(compiled(t, tc.before), compiled(t, tc.after)) {
				line := c.Kind + " " + c.Path
				if c.From+c.To != "" {
					line = strings.ReplaceAll(fmt.Sprintf("%s %s → %s", line, c.From, c.To), "  ", " ")
				}
				if c.Detail != "" {
					line += " (" + c.Detail + ")"
				}
				lines = append(lines, line)
			}
			if got := strings.Join(lines, "; "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

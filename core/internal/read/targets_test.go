package read

import (
	"testing"

	"github.com/palabre-cms/palabre/core"
)

func TestWithoutTargets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, schema, want string }{
		{"no reference", `{"b": 1, "a": [true, null, "secret"]}`, `{"b": 1, "a": [true, null, "secret"]}`},
		{"a name", `{"p": {"x-ref": "secret"}}`, `{"p": {"x-ref": []}}`},
		{"another name", `{"p": {"x-ref": "open"}}`, `{"p": {"x-ref": "open"}}`},
		{"a list", `{"p": {"x-ref": ["open", "secret"], "z": 1}}`, `{"p": {"x-ref": ["open"], "z": 1}}`},
		{"an object", `{"p": {"x-ref": {"types": ["secret", "open"], "inverse": "cases"}}, "q": 1}`, `{"p": {"x-ref": {"types":["open"],"inverse":"cases"}}, "q": 1}`},
		{"an object with one name", `{"p": {"x-ref": {"onDelete": "null", "types": "secret"}}}`, `{"p": {"x-ref": {"onDelete":"null","types":[]}}}`},
		{"several, nested", `{"a": [{"x-ref": "secret"}, {"b": {"x-ref": ["secret"]}}]}`, `{"a": [{"x-ref": []}, {"b": {"x-ref": []}}]}`},
	} {
		got, err := withoutTargets(core.Doc(tc.schema), []core.TypeName{"secret"})
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v; want %s", tc.name, got, err, tc.want)
		}
	}
	if _, err := withoutTargets(core.Doc(`{"x-ref": `), []core.TypeName{"secret"}); err == nil {
		t.Error("half a schema is none")
	}
}

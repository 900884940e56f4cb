package schema_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
)

func personalType(t *testing.T, properties string) (*core.Type, error) {
	t.Helper()
	return new(schema.Compiler).Compile(t.Context(), fmt.Appendf(nil,
		`{"title": "Visit", "type": "object", "x-type": {"name": "visit", "titleField": "title", "slug": false, "public": true}, "properties": {
		"title": {"type": "string"}, "day": {"type": "string", "format": "date"}, "sessions": {"type": "array", "items": {"type": "object", "properties": {"end": {"type": "string", "format": "date-time"}}}}, %s}}`, properties))
}

const rule = `"subject": "visitor", "purpose": "visits", "basis": "contract"`

// TestCompile_personalClasses checks that what is sensitive is private without saying so, with all that lies in it.
func TestCompile_personalClasses(t *testing.T) {
	t.Parallel()
	got, err := personalType(t, `"plain": {"type": "string", "x-personal": {`+rule+`}},
		"p0": {"type": "string", "x-personal": {`+rule+`, "class": "P0"}},
		"p1": {"type": "string", "x-personal": {`+rule+`, "class": "P1"}},
		"p3": {"type": "string", "x-personal": {`+rule+`, "class": "P3"}},
		"health": {"type": "object", "x-personal": {`+rule+`, "class": "P3"}, "properties": {"diet": {"type": "string"}, "note": {"type": "string", "x-personal": {`+rule+`, "class": "P1"}}}},
		"guests": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string", "x-personal": {`+rule+`}}, "need": {"type": "string", "x-personal": {`+rule+`, "class": "P3"}}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path, class string
		private     bool
	}{
		{"title", "", false}, {"plain", "P2", false}, {"p0", "P0", false}, {"p1", "P1", false}, {"p3", "P3", true},
		{"health", "P3", true}, {"health.diet", "P3", true}, {"health.note", "P1", true}, {"guests.name", "P2", false}, {"guests.need", "P3", true},
	} {
		f, ok := got.Field(tc.path)
		if !ok {
			t.Fatalf("%s is no field", tc.path)
		}
		class := ""
		if f.Personal != nil {
			class = f.Personal.Class
		}
		if class != tc.class || f.Private != tc.private {
			t.Errorf("%s: class %q, private %t; want %q, %t", tc.path, class, f.Private, tc.class, tc.private)
		}
	}
	public := &core.Scope{Read: core.FieldSet{All: true}}
	if public.Readable(got, "p3") || public.Readable(got, "health.diet") || public.Readable(got, "guests.need") || !public.Readable(got, "plain") {
		t.Error("the public may read what is sensitive, or not what is not")
	}
}

func TestCompile_personalSince(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ since, wrong string }{
		{"day", ""}, {"/day", ""}, {"sessions.end", ""}, {"/sessions/end", ""}, {"title", "title"}, {"nowhere", "nowhere"},
	} {
		got, err := personalType(t, `"who": {"type": "string", "x-personal": {`+rule+`, "keep": "P13M", "since": "`+tc.since+`"}}`)
		if tc.wrong != "" {
			e, _ := core.AsError(err)
			if e == nil || !slices.ContainsFunc(e.Fields, func(f core.FieldError) bool {
				return f.Keyword == "x-personal" && strings.Contains(f.Message, tc.wrong)
			}) {
				t.Errorf("since %s: got %v, want a refusal", tc.since, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("since %s: %v", tc.since, err)
		}
		if f, _ := got.Field("who"); f.Personal.Since != strings.ReplaceAll(strings.TrimPrefix(tc.since, "/"), "/", ".") {
			t.Errorf("since %s is read as %q", tc.since, f.Personal.Since)
		}
	}
}

package privacy

import (
	"fmt"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const id core.EntryID = "01jn8s7qg0rechm4g9d1jt3bhd"

// TestAnonymise has one field of each kind erased, x, with y as the company that stays.
func TestAnonymise(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, rule, more, x string
		want                string // what x is afterwards, "" for absent
		refused             bool
	}{
		{"not asked for", `"type": "string"`, ``, `"Camille"`, ``, false},
		{"asked for", `"type": "string"`, `"required": ["x"]`, `"Camille"`, `"—"`, false},
		{"two characters at least", `"type": "string", "minLength": 2`, `"required": ["x"]`, `"Camille"`, `"Personne anonymisée"`, false},
		{"ten at most, two at least", `"type": "string", "minLength": 2, "maxLength": 10`, `"required": ["x"]`, `"Camille"`, `"anonyme"`, false},
		{"fifty at least", `"type": "string", "minLength": 50`, `"required": ["x"]`, `"Camille Exemple est née à Nantes, où elle travaille depuis"`, `"` + "——————————————————————————————————————————————————" + `—"`, false},
		{"an address", `"type": "string", "format": "email"`, `"required": ["x"]`, `"camille@example.org"`, `"anonyme-m4g9d1jt3bhd@example.invalid"`, false},
		{"a link", `"type": "string", "format": "uri"`, `"required": ["x"]`, `"https://example.org/camille"`, `"https://example.invalid/anonyme-m4g9d1jt3bhd"`, false},
		{"a number to call", `"type": "string", "format": "tel"`, `"required": ["x"]`, `"0612345678"`, `"+33000000000"`, false},
		{"a unique text", `"type": "string", "x-unique": true`, `"required": ["x"]`, `"Camille"`, `"anonyme-m4g9d1jt3bhd"`, false},
		{"a pattern", `"type": "string", "pattern": "^[0-9]{5}$"`, `"required": ["x"]`, `"44000"`, `"00000"`, false},
		{"a pattern that nothing fits", `"type": "string", "pattern": "^CE-[0-9]{7}-Q$"`, `"required": ["x"]`, `"CE-1234567-Q"`, ``, true},
		{"a vocabulary", `"enum": ["mme", "m"]`, `"required": ["x"]`, `"m"`, `"mme"`, false},
		{"a number", `"type": "integer"`, `"required": ["x"]`, `42`, `0`, false},
		{"a number with a least", `"type": "integer", "minimum": 2018`, `"required": ["x"]`, `2024`, `2018`, false},
		{"yes or no", `"type": "boolean"`, `"required": ["x"]`, `true`, `false`, false},
		{"a date", `"type": "string", "format": "date"`, `"required": ["x"]`, `"1980-05-04"`, `"1900-01-01"`, false},
		{"a moment", `"type": "string", "format": "date-time"`, `"required": ["x"]`, `"1980-05-04T10:00:00Z"`, `"1900-01-01T00:00:00Z"`, false},
		{"a place", `"x-geo": "point"`, `"required": ["x"]`, `{"type": "Point", "coordinates": [2, 48]}`, `{"type": "Point", "coordinates": [0, 0]}`, false},
		{"a rich text", `"x-richtext": true`, `"required": ["x"]`, `{"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Camille"}]}]}`,
			`{"type": "doc", "v": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "—"}]}]}`, false},
		{"a reference", `"x-ref": {"types": ["person"]}`, `"required": ["x"]`, `{"_ref": "01jn8s7qg0rechm4g9d1jt3bhd", "_type": "person"}`, ``, true},
		{"a list", `"type": "array", "items": {"type": "string"}`, ``, `["Camille", "Dominique"]`, ``, false},
		{"a list that must be there", `"type": "array", "items": {"type": "string"}`, `"required": ["x"]`, `["Camille", "Dominique"]`, `[]`, false},
		{"a list of one at least", `"type": "array", "minItems": 1, "items": {"type": "string"}`, `"required": ["x"]`, `["Camille", "Dominique"]`, `["—"]`, false},
		{"a list of two that differ", `"type": "array", "minItems": 2, "uniqueItems": true, "items": {"type": "string", "format": "email"}`, `"required": ["x"]`, `["c@example.org", "d@example.org"]`,
			`["anonyme-m4g9d1jt3bhd-1@example.invalid", "anonyme-m4g9d1jt3bhd-2@example.invalid"]`, false},
		{"a group", `"type": "object", "properties": {"a": {"type": "string"}}`, `"required": ["x"]`, `{"a": "Camille"}`, `{}`, false},
		{"a group with what it asks for", `"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}`, `"required": ["x"]`, `{"a": "Camille", "b": "Exemple"}`, `{"a": "—"}`, false},
		{"groups", `"type": "array", "minItems": 2, "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}`, `"required": ["x"]`,
			`[{"a": "Camille", "b": "Exemple"}, {"a": "Dominique"}]`, `[{"a": "—"}, {"a": "—"}]`, false},
		{"asked for by another field", `"type": "string"`, `"dependentRequired": {"y": ["x"]}`, `"Camille"`, `"—"`, false},
		{"one of two must be there", `"type": "string"`, `"minProperties": 2`, `"Camille"`, `"—"`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			more := ""
			if tc.more != "" {
				more = tc.more + ", "
			}
			typ, err := new(schema.Compiler).Compile(t.Context(), fmt.Appendf(nil, `{"title": "Thing", "type": "object", %s"x-type": {"name": "thing", "titleField": "y", "slug": false},
				"properties": {"y": {"type": "string"}, "x": {%s, "x-personal": {"subject": "s", "purpose": "p", "basis": "consent"}}}}`, more, tc.rule))
			if err != nil {
				t.Fatal(err)
			}
			before, _ := jsondoc.ParseObject([]byte(`{"y": "stays", "x": ` + tc.x + `}`))
			if wrong := typ.Validator.Validate(before); len(wrong) > 0 {
				t.Fatalf("the case itself does not fit: %v", wrong)
			}
			after, replaced, wrong := anonymise(typ, id, before, personal(typ), "")
			if tc.refused {
				if len(wrong) == 0 || after != nil {
					t.Errorf("got %s, want a refusal", jsondoc.Encode(after))
				}
				return
			}
			want := `{"y": "stays"}`
			if tc.want != "" {
				want = `{"y": "stays", "x": ` + tc.want + `}`
			}
			wanted, err := jsondoc.ParseObject([]byte(want))
			if err != nil || !jsondoc.Equal(any(after), any(wanted)) || (len(replaced) > 0) != (tc.want != "") {
				t.Errorf("got %s, replaced %v, wrong %v; want %s", jsondoc.Encode(after), replaced, wrong, want)
			}
			if x, _ := before["x"].(string); x == "—" {
				t.Error("the document before was changed")
			}
		})
	}
}

// TestAnonymise_invalidBefore erases from a document that did not fit its type to begin with.
func TestAnonymise_invalidBefore(t *testing.T) {
	t.Parallel()
	typ, err := new(schema.Compiler).Compile(t.Context(), []byte(`{"title": "Thing", "type": "object", "required": ["y"], "x-type": {"name": "thing", "slug": false},
		"properties": {"y": {"type": "string"}, "x": {"type": "string", "x-personal": {"subject": "s", "purpose": "p", "basis": "consent"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	after, _, wrong := anonymise(typ, id, map[string]any{"x": "Camille"}, personal(typ), "")
	if wrong != nil || len(after) != 0 {
		t.Errorf("got %v, %v", after, wrong)
	}
}

func TestMatcher(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		look, text string
		want       bool
	}{
		{"Zébulonne", "mme ZEBULONNE imaginaire", true},
		{"zebulonne imaginaire", "Zébulonne  Imaginaire", true},
		{"l'oeuvre", "L’Œuvre", true},
		{"camille@example.org", "Camille@Example.org", true},
		{"06 12 34 56 78", "+33 6 12 34 56 78", true},
		{"+33612345678", "06.12.34.56.78", true},
		{"0033612345678", "0612345678", true},
		{"06 12 34 56 78", "0612345679", false},
		{"123456", "1234567", true},
		{"Exemple", "Exemplaire", false},
		{"Jean-Pierre", "Jean\u2011Pierre", true},
	} {
		m, err := newMatcher(tc.look)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.in(tc.text); got != tc.want {
			t.Errorf("%q in %q: got %t", tc.look, tc.text, got)
		}
	}
	for _, wrong := range []string{"", "ab", "  ab ", "é̀", "\xff\xff\xff"} {
		if _, err := newMatcher(wrong); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: got %v, want a refusal", wrong, err)
		}
	}
}

func TestNames_inRemark(t *testing.T) {
	t.Parallel()
	var n names
	n.learn("Camille Exemple-Dupuis")
	n.learn("+33 6 12 34 56 78")
	n.learn("Née à Nantes, elle écrit sur les villes moyennes depuis vingt ans.")
	n.learn("Personne anonymisée")
	n.learn("ab")
	for text, want := range map[string]bool{
		"Camille a rappelé": true, "vu avec mme DUPUIS": true, "tél. 06.12.34.56.78": true, "corrigé": false, "les villes moyennes": false, "à anonymiser": false,
		"personne anonymisée": false, "ab": false, "elle a dit : née à Nantes, elle écrit sur les villes moyennes depuis vingt ans.": true, "": false,
	} {
		if got := n.inRemark(text); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
}

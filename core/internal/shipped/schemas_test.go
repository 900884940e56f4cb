package shipped

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/schemas"
)

var update = flag.Bool("update", false, "write the errors found into the cases of schemas/testdata/invalid")

const testdata = "../../../schemas/testdata"

func compiled(t *testing.T) map[core.TypeName]*core.Type {
	t.Helper()
	all, err := schemas.All()
	if err != nil {
		t.Fatal(err)
	}
	types := map[core.TypeName]*core.Type{}
	for name, text := range all {
		made, err := new(schema.Compiler).Compile(context.Background(), text)
		if err != nil {
			e, _ := core.AsError(err)
			t.Fatalf("%s: %+v", name, e.Fields)
		}
		if string(made.Name) != name {
			t.Errorf("%s.json defines %s", name, made.Name)
		}
		types[made.Name] = made
	}
	return types
}

// goldenCase is one file of testdata.
type goldenCase struct {
	Type   core.TypeName   `json:"type"`
	Doc    json.RawMessage `json:"doc"`
	Errors []goldenError   `json:"errors,omitempty"`
}

type goldenError struct {
	Pointer string `json:"pointer"`
	Keyword string `json:"keyword"`
}

func readCase(t *testing.T, file string) (c goldenCase) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

func errorsOf(t *testing.T, types map[core.TypeName]*core.Type, c goldenCase) (found []goldenError) {
	t.Helper()
	doc, err := jsondoc.DecodeObject(c.Doc, jsondoc.Default)
	if err != nil {
		t.Fatal(err)
	}
	made, ok := types[c.Type]
	if !ok {
		t.Fatalf("there is no type %q", c.Type)
	}
	for _, e := range made.Validator.Validate(doc) {
		found = append(found, goldenError{e.Pointer, e.Keyword})
	}
	return found
}

func TestValidDocuments(t *testing.T) {
	t.Parallel()
	types := compiled(t)
	for _, file := range cases(t, "valid") {
		if found := errorsOf(t, types, readCase(t, file)); len(found) > 0 {
			t.Errorf("%s: %v", filepath.Base(file), found)
		}
	}
}

func TestInvalidDocuments(t *testing.T) {
	t.Parallel()
	types := compiled(t)
	for _, file := range cases(t, "invalid") {
		c := readCase(t, file)
		found := errorsOf(t, types, c)
		if *update {
			write(t, file, c, found)
			continue
		}
		if diff := cmp.Diff(c.Errors, found); diff != "" || len(found) == 0 {
			t.Errorf("%s: %s", filepath.Base(file), diff)
		}
	}
}

func cases(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testdata, kind, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return files
}

func write(t *testing.T, file string, c goldenCase, found []goldenError) {
	t.Helper()
	c.Errors = found
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every field says what it is called in both languages, and keeps its identity through a rename.
func TestFieldsAreDescribed(t *testing.T) {
	t.Parallel()
	for name, x := range compiled(t) {
		groups := map[string]bool{}
		for _, g := range x.Groups {
			groups[g.ID] = g.Label["fr"] != "" && g.Label["en"] != ""
		}
		for _, f := range x.Fields {
			if f.Path == "blocks.type" { // the name of a block
				continue
			}
			if f.Label["fr"] == "" || f.Label["en"] == "" {
				t.Errorf("%s.%s lacks a label in French or English", name, f.Path)
			}
			if !strings.HasPrefix(f.ID, string(name)+"_") {
				t.Errorf("%s.%s has no x-id of its own: %q", name, f.Path, f.ID)
			}
			top := !strings.Contains(f.Path, ".")
			if top && (f.Help["fr"] == "" || f.Help["en"] == "") {
				t.Errorf("%s.%s lacks a help in French or English", name, f.Path)
			}
			if top && !groups[f.Group] {
				t.Errorf("%s.%s stands in the group %q", name, f.Path, f.Group)
			}
			for _, v := range f.Enum {
				if v.Label["fr"] == "" || v.Label["en"] == "" {
					t.Errorf("%s.%s: %v lacks a label", name, f.Path, v.Value)
				}
			}
		}
	}
}

func TestReferencesLead(t *testing.T) {
	t.Parallel()
	types := compiled(t)
	inverse := map[string]string{}
	for name, x := range types {
		for _, f := range x.Refs() {
			for _, target := range f.Ref.Types {
				if types[target] == nil {
					t.Errorf("%s.%s refers to %s, which does not exist", name, f.Path, target)
				}
				if f.Ref.Inverse == "" {
					continue
				}
				key, from := string(target)+"."+f.Ref.Inverse, string(name)+"."+f.Path
				if other, taken := inverse[key]; taken {
					t.Errorf("%s is the inverse of %s and of %s", key, other, from)
				}
				inverse[key] = from
			}
		}
	}
}

// What is personal is never in a public answer, unless it is of a type that the public does not see at all.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	staff := []core.TypeName{"minutes", "person"}
	for name, x := range compiled(t) {
		if x.Public == slices.Contains(staff, name) {
			t.Errorf("%s: public is %v", name, x.Public)
		}
		for _, f := range x.Fields {
			if x.Public && !f.Private && (f.Personal != nil || f.Path == "internalNotes") {
				t.Errorf("%s.%s is shown to the public", name, f.Path)
			}
			if f.Ref != nil && slices.Contains(f.Ref.Types, "person") && x.Public && !f.Private {
				t.Errorf("%s.%s shows the public who a person is", name, f.Path)
			}
			if f.Personal != nil && (f.Personal.Subject == "" || f.Personal.Purpose == "" || f.Personal.Basis == "" || f.Personal.Keep == "") {
				t.Errorf("%s.%s: %+v", name, f.Path, f.Personal)
			}
		}
	}
}

func TestFacets(t *testing.T) {
	t.Parallel()
	types := compiled(t)
	for name, paths := range map[core.TypeName][]string{
		"fiche": {"approaches", "themes", "toolTypes", "carrierType", "populationClass", "schemeStatus", "territory.region", "territory.departement", "origin.type", "mode", "participationLevel", "audiences"},
		"post":  {"rubric", "themes"}, "event": {"kind", "eventStatus", "mode", "access", "venue.region"}, "partner": {"kind", "types", "level"},
		"organization": {"nature", "territory.region"}, "tool": {"softwareLicence", "types", "status"}, "term": {"vocabulary"},
	} {
		for _, path := range paths {
			if f, ok := types[name].Field(path); !ok || !f.Facet || !f.Indexed {
				t.Errorf("%s.%s is no facet", name, path)
			}
		}
	}
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	types := compiled(t)
	for name, want := range map[core.TypeName]string{"fiche": "review", "post": "review", "event": "default", "minutes": "minutes"} {
		if got := types[name].Workflow.Name; got != want {
			t.Errorf("%s has the workflow %s, want %s", name, got, want)
		}
	}
	w := types["minutes"].Workflow
	for _, state := range []core.Status{"approved", "published"} {
		if s, ok := w.State(state); !ok || !s.Frozen {
			t.Errorf("minutes can be edited when %s", state)
		}
	}
	way, allowed, _ := w.Transition("publish", "draft")
	if !allowed || !slices.Contains(way.Needs, core.ActionApprove) || !slices.Contains(way.Requires, "approvedOn") {
		t.Errorf("minutes can be circulated by those who may not approve them: %+v", way)
	}
}

func TestSchemasAreSmall(t *testing.T) {
	t.Parallel()
	all, err := schemas.All()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range all {
		if len(text) > 256<<10 {
			t.Errorf("%s weighs %d bytes", name, len(text))
		}
		if n := strings.Count(string(text), `"x-id"`) + strings.Count(string(text), `"items"`); n > 500 {
			t.Errorf("%s has some %d subschemas", name, n)
		}
	}
}

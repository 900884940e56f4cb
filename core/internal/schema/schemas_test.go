package schema_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
)

func compiler() *schema.Compiler {
	v := new(schema.Vocabulary)
	if err := v.Add(core.Vocabulary{Annotations: []core.Annotation{{Name: "x-calendar-color"}}}); err != nil {
		panic(err)
	}
	return &schema.Compiler{Words: v}
}

func TestCompile_ValidSchemas(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/valid") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			typ, err := compiler().Compile(context.Background(), text)
			if err != nil {
				t.Fatalf("%v\n%s", err, said(err))
			}
			if _, err := schema.Visible(typ, &core.FieldSet{All: true}); err != nil {
				t.Error(err)
			}
		})
	}
}

// An invalid schema says in its file which places are wrong: all of them, and no other.
func TestCompile_InvalidSchemas(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/invalid") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			var tc struct {
				Want   []string
				Schema json.RawMessage
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &tc); err != nil {
				t.Fatal(err)
			}
			typ, err := compiler().Compile(context.Background(), tc.Schema)
			if err == nil || typ != nil || core.CodeOf(err) != core.CodeInvalid {
				t.Fatalf("got %v, %v; want CodeInvalid", typ, err)
			}
			checkPlaces(t, err, tc.Want)
		})
	}
}

func checkPlaces(t *testing.T, err error, want []string) {
	t.Helper()
	e, _ := core.AsError(err)
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Pointer+" "+f.Keyword)
		if f.Texts["fr"] == "" || f.Texts["en"] == "" || f.Texts["fr"] == f.Texts["en"] || strings.Contains(f.Message, "%!") {
			t.Errorf("%s: not said well in both languages: %v", f.Pointer, f.Texts)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), said(err))
	}
}

func said(err error) string {
	e, _ := core.AsError(err)
	var b strings.Builder
	for _, f := range e.Fields {
		b.WriteString(f.Pointer + " " + f.Keyword + ": " + f.Texts["fr"] + " / " + f.Texts["en"] + "\n")
	}
	return b.String()
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(dir + "/*.json")
	if err != nil || len(found) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	return found
}

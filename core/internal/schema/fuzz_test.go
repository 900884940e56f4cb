package schema_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// FuzzCompile wants of any bytes: no panic, no long time, and either a type or CodeInvalid and the like.
func FuzzCompile(f *testing.F) {
	for _, dir := range []string{"testdata/valid", "testdata/invalid", "system"} {
		seeds, _ := filepath.Glob(dir + "/*.json")
		for _, file := range seeds {
			if text, err := os.ReadFile(file); err == nil {
				f.Add(text)
			}
		}
	}
	f.Add([]byte(fiche))
	f.Fuzz(func(t *testing.T, text []byte) {
		start := time.Now()
		typ, err := (&schema.Compiler{}).Compile(context.Background(), text)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		if (typ == nil) == (err == nil) || core.CodeOf(err) == core.CodeInternal {
			t.Errorf("got %v, %v", typ, err)
		}
		if typ != nil {
			typ.Validator.Validate(map[string]any{"title": "x", "a": []any{map[string]any{}}})
			if _, err := schema.Visible(typ, &core.FieldSet{Only: map[string]bool{"title": true}}); err != nil {
				t.Error(err)
			}
			schema.TypeScript([]*core.Type{typ})
		}
	})
}

// FuzzValidate wants of any document: no panic, no long time, well-formed errors, and a faithful encoding.
func FuzzValidate(f *testing.F) {
	typ := compile(f, fiche)
	f.Add([]byte(ficheDocument()))
	f.Add([]byte(`{"location":{"type":"Point","coordinates":[1e308,[]]},"body":{"type":"doc","content":[{"type":"text"}]},"blocks":[1],"_i18n":{"en":{"title":1}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := jsondoc.DecodeObject(text, jsondoc.Default)
		if err != nil {
			return
		}
		start := time.Now()
		for _, e := range typ.Validator.Validate(doc) {
			if e.Texts["fr"] == "" || e.Texts["en"] == "" || e.Pointer != "" && e.Pointer[0] != '/' {
				t.Errorf("%+v", e)
			}
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		back, err := jsondoc.ParseObject(typ.Validator.Encode(doc))
		if err != nil || !jsondoc.Equal(back, doc) {
			t.Errorf("not encoded faithfully: %v", err)
		}
	})
}

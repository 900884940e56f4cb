package schema_test

import (
	"context"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// fiche is the type that the design shows, whole.
const fiche = `{ "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Fiche", "type": "object", "required": ["title", "region"], "unevaluatedProperties": false,
  "x-type": { "name": "fiche", "plural": "fiches", "label": {"fr": "Fiche", "en": "Case study"}, "icon": "map-pin",
              "titleField": "title", "slug": {"field": "slug", "from": "title"}, "geo": "location", "public": true,
              "singleton": false, "locales": ["fr", "en"], "order": "-_publishedAt", "workflow": "review",
              "preview": "https://site.example/fiches/{slug}?preview={token}" },
  "properties": {
    "title":      {"type": "string", "minLength": 1, "maxLength": 200, "x-id": "f_title", "x-label": {"fr": "Titre", "en": "Title"}, "x-search": 4, "x-localized": true},
    "slug":       {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "x-unique": true},
    "region":     {"type": "string", "x-territory": "region", "x-facet": true},
    "population": {"type": "integer", "minimum": 0},
    "location":   {"x-geo": "point"},
    "partner":    {"x-ref": {"types": ["partner"], "onDelete": "restrict", "inverse": "fiches"}},
    "partners":   {"type": "array", "items": {"x-ref": {"types": ["partner"]}}},
    "cover":      {"x-media": {"accept": ["image/*"], "maxBytes": 10000000}},
    "body":       {"x-richtext": true, "x-search": 1},
    "contact":    {"type": "string", "format": "email", "x-private": true, "x-personal": {"subject": "contact", "purpose": "editorial", "basis": "legitimate-interest", "keep": "P3Y"}},
    "blocks":     {"type": "array", "items": {"oneOf": [{"title": "Quote", "type": "object", "properties": {"type": {"const": "quote"}, "text": {"type": "string"}}}]}} } }`

func compile(t testing.TB, text string) *core.Type {
	t.Helper()
	var c schema.Compiler
	typ, err := c.Compile(context.Background(), []byte(text))
	if err != nil {
		e, _ := core.AsError(err)
		for _, f := range e.Fields {
			t.Logf("%s %s: %s", f.Pointer, f.Keyword, f.Message)
		}
		t.Fatalf("Compile: %v", err)
	}
	return typ
}

func document(t testing.TB, text string) map[string]any {
	t.Helper()
	doc, err := jsondoc.DecodeObject([]byte(text), jsondoc.Default)
	if err != nil {
		t.Fatalf("document %s: %v", text, err)
	}
	return doc
}

func TestCompile_TheWholeExample(t *testing.T) {
	t.Parallel()
	typ := compile(t, fiche)
	if typ.Name != "fiche" || typ.Workflow.Name != "review" || typ.SlugFrom != "title" || typ.GeoField != "location" {
		t.Errorf("got %+v", typ)
	}
	want := map[string]core.Kind{"title": core.KindString, "population": core.KindInteger, "location": core.KindGeo, "partner": core.KindRef,
		"partners": core.KindRef, "cover": core.KindMedia, "body": core.KindRichText, "blocks": core.KindObject, "blocks.text": core.KindString}
	for path, kind := range want {
		f, ok := typ.Field(path)
		if !ok || f.Kind != kind {
			t.Errorf("field %s: got %+v, want kind %s", path, f, kind)
		}
	}
	if f, _ := typ.Field("blocks.text"); f == nil || !f.Multi {
		t.Errorf("blocks.text is not multi-valued: %+v", f)
	}
}

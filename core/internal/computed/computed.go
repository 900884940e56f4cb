// Package computed fills the computed fields of documents.
package computed

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Fields are those of a type that an expression or a plugin's function fills.
func Fields(t *core.Type) []*core.Field {
	var fields []*core.Field
	for i := range t.Fields {
		if t.Fields[i].Compute != nil {
			fields = append(fields, &t.Fields[i])
		}
	}
	return fields
}

// Fill brings the computed fields of a document up to date, in the order of the schema, so that one can build on those before
// it; a field that has translations is computed for each. It reports whether any value has moved. With an error the document
// may be half done.
func Fill(ctx context.Context, t *core.Type, id core.EntryID, doc map[string]any) (changed bool, err error) {
	fields := Fields(t)
	for i := range fields {
		if err := ctx.Err(); err != nil {
			return changed, err
		}
		moved, err := fill(ctx, t, fields[i:], id, doc)
		if err != nil {
			return changed, err
		}
		changed = changed || moved
	}
	return changed, nil
}

// fill computes the first of the fields that are still to be.
func fill(ctx context.Context, t *core.Type, fields []*core.Field, id core.EntryID, doc map[string]any) (bool, error) {
	f := fields[0]
	if f.Compute.Ready != nil && !f.Compute.Ready() {
		return false, nil
	}
	own, locale := t.Localize(doc, "")
	value, err := compute(ctx, t, fields, id, own, locale)
	if err != nil {
		return false, err
	}
	changed := put(doc, own, f.Path, value)
	if !f.Localized {
		return changed, nil
	}
	translations, _ := doc[core.DocTranslations].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(translations)) {
		overlay, _ := translations[name].(map[string]any)
		if overlay == nil {
			continue
		}
		translated, err := compute(ctx, t, fields, id, core.Overlay(own, overlay), core.Locale(name))
		if err != nil {
			return changed, err
		}
		if jsondoc.Equal(translated, value) {
			translated = nil // the translation shows that of the document
		}
		changed = put(overlay, own, f.Path, translated) || changed
	}
	return changed, nil
}

// compute calls the function with a copy of a document, without what is secret in it, and without the field itself and those after
// it: no value depends on what it was before.
func compute(ctx context.Context, t *core.Type, fields []*core.Field, id core.EntryID, doc map[string]any, locale core.Locale) (any, error) {
	f, given := fields[0], jsondoc.CloneObject(doc)
	for _, later := range fields {
		jsondoc.Delete(given, later.Path)
	}
	for i := range t.Fields {
		if t.Fields[i].Secret {
			jsondoc.DeleteValues(given, t.Fields[i].Path)
		}
	}
	return f.Compute.Compute(ctx, core.Computing{Type: t.Name, ID: id, Field: f.Path, Locale: locale, Doc: given, With: jsondoc.Clone(f.Compute.With)})
}

// put gives a field of a document or of its translation a value, or with nil none, and reports whether that changes anything. A
// group that whole has not stays away.
func put(doc, whole map[string]any, path string, value any) bool {
	was, had := jsondoc.Lookup(doc, path)
	switch {
	case value == nil && !had, had && jsondoc.Equal(was, value):
		return false
	case value == nil:
		jsondoc.Delete(doc, path)
		return true
	}
	if dot := strings.LastIndexByte(path, '.'); dot > 0 {
		group, _ := jsondoc.Lookup(whole, path[:dot])
		if _, there := group.(map[string]any); !there {
			return false
		}
	}
	jsondoc.Set(doc, path, value)
	return true
}

// Ready reports whether all that fills a type's fields is there and on.
func Ready(t *core.Type) bool {
	for _, f := range Fields(t) {
		if f.Compute.Ready != nil && !f.Compute.Ready() {
			return false
		}
	}
	return true
}

// Erase computes anew what was made from what was erased. Nobody's rules can keep a person in it: what cannot be computed now is
// taken away.
func Erase(ctx context.Context, t *core.Type, id core.EntryID, doc map[string]any) {
	Clear(t, doc)
	if _, err := Fill(ctx, t, id, doc); err != nil {
		Clear(t, doc)
	}
}

// Clear takes the values of the computed fields out of a document, translations included.
func Clear(t *core.Type, doc map[string]any) {
	translations, _ := doc[core.DocTranslations].(map[string]any)
	for _, f := range Fields(t) {
		jsondoc.DeleteValues(doc, f.Path)
		for _, overlay := range translations {
			if overlay, ok := overlay.(map[string]any); ok {
				jsondoc.DeleteValues(overlay, f.Path)
			}
		}
	}
}

package plugin

import (
	"fmt"
	"maps"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// accountTypes are the system types that say who may do what.
var accountTypes = []core.TypeName{"_user", "_role", "_session", "_token", "_link"}

// mayName refuses a handler of account types to a plugin whose manifest does not ask for it.
func (r *Registry) mayName(types []core.TypeName) error {
	for _, name := range types {
		if slices.Contains(accountTypes, name) && !r.Manifest.Capabilities.Accounts {
			return fmt.Errorf("a handler of the type %s needs the capability accounts in the manifest", name)
		}
	}
	return nil
}

// secrets are the paths of a type's secret fields.
func secrets(t *core.Type) []string {
	var paths []string
	for i := range t.Fields {
		if t.Fields[i].Secret {
			paths = append(paths, t.Fields[i].Path)
		}
	}
	return paths
}

// conceal copies a document without what its type keeps secret.
func conceal(t *core.Type, doc map[string]any) map[string]any {
	own := jsondoc.CloneObject(doc)
	for _, path := range secrets(t) {
		for _, side := range sides(own) {
			jsondoc.DeleteValues(side, path)
		}
	}
	return own
}

// sides are a document and its translations.
func sides(doc map[string]any) []map[string]any {
	all := []map[string]any{doc}
	translations, _ := doc[core.DocTranslations].(map[string]any)
	for _, l := range slices.Sorted(maps.Keys(translations)) {
		if overlay, ok := translations[l].(map[string]any); ok {
			all = append(all, overlay)
		}
	}
	return all
}

// reveal gives a document that was handed out without its secrets those of the original back. Lists that hold secrets must have
// stayed as they were: which item a secret belongs to cannot be told otherwise.
func reveal(t *core.Type, own, original map[string]any) error {
	hidden := secrets(t)
	if len(hidden) == 0 {
		return nil
	}
	if err := revealSide(t, hidden, own, original); err != nil {
		return err
	}
	ours, _ := own[core.DocTranslations].(map[string]any)
	theirs, _ := original[core.DocTranslations].(map[string]any)
	for l, was := range theirs {
		was, _ := was.(map[string]any)
		if now, ok := ours[l].(map[string]any); ok { // a translation that was taken away takes its secrets along
			if err := revealSide(t, hidden, now, was); err != nil {
				return err
			}
		}
	}
	return nil
}

// revealSide does so for a document without its translations, or for one of them.
func revealSide(t *core.Type, hidden []string, own, original map[string]any) error {
	for _, path := range hidden {
		if v, there := jsondoc.Lookup(original, path); there {
			if _, set := jsondoc.Lookup(own, path); !set {
				jsondoc.Set(own, path, jsondoc.Clone(v))
			}
			continue
		}
		list, items := listOnTheWay(original, path)
		if list == "" {
			continue
		}
		now, _ := jsondoc.Lookup(own, list)
		was, _ := jsondoc.Lookup(conceal(t, original), list)
		if !jsondoc.Equal(now, was) && !jsondoc.Equal(now, any(items)) {
			return fmt.Errorf("changed %s.%s, a list that holds secrets", t.Name, list)
		}
		jsondoc.Set(own, list, jsondoc.Clone(items))
	}
	return nil
}

// listOnTheWay finds the list that a path leads through in a document; "" for none.
func listOnTheWay(doc map[string]any, path string) (at string, items []any) {
	for i := range path {
		if path[i] != '.' {
			continue
		}
		if v, _ := jsondoc.Lookup(doc, path[:i]); v != nil {
			if items, is := v.([]any); is {
				return path[:i], items
			}
		}
	}
	return "", nil
}

// concealDoc is conceal for a document as it is stored. Of a type that there is not any more nobody knows what was secret: nothing of
// it is shown.
func concealDoc(t *core.Type, doc core.Doc) core.Doc {
	switch {
	case doc == nil || core.IsNull(doc):
		return doc
	case t == nil:
		return nil
	case len(secrets(t)) == 0:
		return doc
	}
	m, err := jsondoc.ParseObject(doc)
	if err != nil {
		return core.NullDoc // never: it was stored
	}
	return jsondoc.Encode(conceal(t, m))
}

// Conceal takes what types keep secret out of the changes of a commit, which must be a copy.
func Conceal(types core.Types, c *core.Commit) {
	for i := range c.Changes {
		t, _ := types.Type(c.Changes[i].Type)
		c.Changes[i].Draft, c.Changes[i].Published = concealDoc(t, c.Changes[i].Draft), concealDoc(t, c.Changes[i].Published)
	}
}

// concealEntry is conceal for an entry's whole state.
func concealEntry(t *core.Type, e *core.Entry) *core.Entry {
	if e == nil {
		return nil
	}
	own := *e
	own.Draft, own.Published = concealDoc(t, e.Draft), concealDoc(t, e.Published)
	return &own
}

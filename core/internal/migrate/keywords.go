package migrate

import (
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// keywordsAt gives the keywords of the field at a path, those of what it refers to and of a list's items included. The
// schema has been compiled, so its references lead somewhere.
func keywordsAt(schema map[string]any, path string) map[string]any {
	f := &finder{root: schema}
	at := schema
	for token := range strings.SplitSeq(path, ".") {
		if at = f.property(at, token, 0); at == nil {
			return nil
		}
	}
	merged := map[string]any{}
	f.merge(merged, at, 0)
	return merged
}

// maxSteps bounds how far references are followed.
const maxSteps = 40

type finder struct{ root map[string]any }

// property finds a property's schema through references, lists and branches.
func (f *finder) property(at map[string]any, name string, steps int) map[string]any {
	if at == nil || steps > maxSteps {
		return nil
	}
	if members, ok := at["properties"].(map[string]any); ok {
		if p, ok := members[name].(map[string]any); ok {
			return p
		}
		if _, ok := members[name].(bool); ok {
			return map[string]any{}
		}
	}
	for _, next := range f.next(at) {
		if p := f.property(next, name, steps+1); p != nil {
			return p
		}
	}
	return nil
}

// next gives the schemas that speak of the same fields.
func (f *finder) next(at map[string]any) []map[string]any {
	var out []map[string]any
	if target := f.target(at["$ref"]); target != nil {
		out = append(out, target)
	}
	for _, key := range []string{"items", "then", "else"} {
		if m, ok := at[key].(map[string]any); ok {
			out = append(out, m)
		}
	}
	for _, key := range []string{"allOf", "oneOf", "anyOf", "prefixItems"} {
		list, _ := at[key].([]any)
		for _, item := range list {
			if m, ok := item.(map[string]any); ok {
				out = append(out, m)
			}
		}
	}
	dependent, _ := at["dependentSchemas"].(map[string]any)
	for _, item := range dependent {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func (f *finder) target(ref any) map[string]any {
	s, ok := ref.(string)
	pointer, err := url.PathUnescape(strings.TrimPrefix(s, "#"))
	if !ok || err != nil {
		return nil
	}
	var at any = f.root
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if token == "" {
			continue
		}
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := at.(type) {
		case map[string]any:
			at = v[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			at = v[i]
		}
	}
	m, _ := at.(map[string]any)
	return m
}

// merge collects keywords, nearest first: a list's own, then its items'.
func (f *finder) merge(into, at map[string]any, steps int) {
	if at == nil || steps > maxSteps {
		return
	}
	own := maps.Clone(at)
	for key := range into {
		delete(own, key)
	}
	maps.Copy(into, own)
	f.merge(into, f.target(at["$ref"]), steps+1)
	if items, ok := at["items"].(map[string]any); ok {
		f.merge(into, items, steps+1)
	}
	list, _ := at["allOf"].([]any)
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			f.merge(into, m, steps+1)
		}
	}
}

package pluginhost

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// secrets are the members of settings that are marked with writeOnly: nil for a secret, or those of an object that has some.
type secrets map[string]secrets

// secretsOf finds the secrets that a schema of settings declares. They stand in objects, reached by properties alone: in a list, a
// definition or a condition it could not be told which value is one, and what is not told would be shown.
func secretsOf(schema map[string]any) (secrets, error) {
	found := secrets{}
	if at := found.collect(schema, ""); at != "" {
		return nil, fmt.Errorf("the schema of its settings has writeOnly at %s: a secret is a member of the settings, or of an object in them, "+
			"not something in a list, a definition, a condition or an alternative", at)
	}
	if at, to := refToSecret(schema, schema, ""); at != "" {
		return nil, fmt.Errorf("the schema of its settings leads from %s to %s, where there is a writeOnly: a secret is declared where it stands", at, to)
	}
	return found, nil
}

// refToSecret finds a $ref in a part of a schema that leads to something with a secret. It looks at whatever may be one.
func refToSecret(schema map[string]any, part any, pointer string) (at, to string) {
	switch part := part.(type) {
	case map[string]any:
		if ref, ok := part["$ref"].(string); ok && holdsSecret(target(schema, ref)) {
			return pointer + "/$ref", ref
		}
		for _, name := range slices.Sorted(maps.Keys(part)) {
			if at, to = refToSecret(schema, part[name], pointer+jsondoc.Pointer(name)); at != "" {
				return at, to
			}
		}
	case []any:
		for i, v := range part {
			if at, to = refToSecret(schema, v, fmt.Sprintf("%s/%d", pointer, i)); at != "" {
				return at, to
			}
		}
	}
	return "", ""
}

// target is what a $ref leads to; nil for nothing, which the schema's compiler refuses, as it does all but pointers.
func target(schema map[string]any, ref string) (v any) {
	pointer, err := url.PathUnescape(strings.TrimPrefix(ref, "#"))
	if err != nil {
		return nil
	}
	v = schema
	for _, token := range strings.Split(pointer, "/")[1:] {
		switch in := v.(type) {
		case map[string]any:
			v = in[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// holdsSecret reports whether a part of a schema is marked with writeOnly, or something in it.
func holdsSecret(part any) bool {
	switch part := part.(type) {
	case map[string]any:
		secret, _ := part["writeOnly"].(bool)
		return secret || slices.ContainsFunc(slices.Collect(maps.Values(part)), holdsSecret)
	case []any:
		return slices.ContainsFunc(part, holdsSecret)
	}
	return false
}

// collect adds the secrets of a schema, and gives the place of one that cannot be kept as one. s is nil where there can be none.
func (s secrets) collect(schema map[string]any, pointer string) string {
	if secret, _ := schema["writeOnly"].(bool); secret {
		return cmp.Or(pointer, "its root")
	}
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		here := pointer + jsondoc.Pointer(keyword)
		var at string
		switch v := schema[keyword].(type) {
		case map[string]any:
			at = s.collectIn(keyword, v, here)
		case []any:
			at = elsewhere(keyword, v, here)
		}
		if at != "" {
			return at
		}
	}
	return ""
}

// collectIn looks at a keyword that holds schemas by name, or one.
func (s secrets) collectIn(keyword string, v map[string]any, pointer string) string {
	switch keyword {
	case "default", "const":
		return ""
	case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
	default:
		return secrets(nil).collect(v, pointer)
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		schema, _ := v[name].(map[string]any)
		if secret, _ := schema["writeOnly"].(bool); secret && keyword == "properties" && s != nil {
			s[name] = nil
			continue
		}
		var below secrets
		if keyword == "properties" && s != nil {
			below = secrets{}
		}
		if at := below.collect(schema, pointer+jsondoc.Pointer(name)); at != "" {
			return at
		}
		if len(below) > 0 {
			s[name] = below
		}
	}
	return ""
}

// elsewhere looks for secrets in a keyword with a list.
func elsewhere(keyword string, list []any, pointer string) string {
	if keyword == "enum" || keyword == "examples" {
		return ""
	}
	for i, v := range list {
		if schema, ok := v.(map[string]any); ok {
			if at := secrets(nil).collect(schema, fmt.Sprintf("%s/%d", pointer, i)); at != "" {
				return at
			}
		}
	}
	return ""
}

// split takes settings apart: what anybody may see who may see settings, and the secrets.
func (s secrets) split(doc map[string]any) (plain, secret map[string]any) {
	plain, secret = map[string]any{}, map[string]any{}
	for name, v := range doc {
		below, known := s[name]
		object, ok := v.(map[string]any)
		switch {
		case !known, below != nil && !ok:
			plain[name] = v
		case below == nil:
			secret[name] = v
		default:
			p, q := below.split(object)
			if plain[name] = p; len(q) > 0 {
				secret[name] = q
			}
		}
	}
	return plain, secret
}

// join puts secrets back into settings, which are the caller's: those that are secrets still. What was sealed as one and is not
// declared as one any more, as after a member was renamed, stays sealed: see rest.
func (s secrets) join(doc, secret map[string]any) {
	for name, v := range secret {
		below, known := s[name]
		object, isObject := doc[name].(map[string]any)
		inner, hasInner := v.(map[string]any)
		switch {
		case !known:
		case below == nil && isObject && hasInner: // all of an object is one by now
			doc[name] = jsondoc.Merge(object, inner)
		case below == nil:
			doc[name] = v
		case isObject && hasInner:
			below.join(object, inner)
		}
	}
}

// rest are the secrets that join leaves out and a change of settings does not name.
func (s secrets) rest(secret, patch map[string]any) map[string]any {
	rest := map[string]any{}
	for name, v := range secret {
		below, known := s[name]
		change, named := patch[name]
		within, nested := change.(map[string]any)
		inner, hasInner := v.(map[string]any)
		switch {
		case known && below == nil, named && !nested:
		case hasInner && (known || named):
			if r := below.rest(inner, within); len(r) > 0 {
				rest[name] = r
			}
		case !named:
			rest[name] = v
		}
	}
	return rest
}

// hide puts in the place of each secret whether it is set. Of an object that is not there nothing is said.
func (s secrets) hide(doc map[string]any) {
	for name, below := range s {
		v, set := doc[name]
		if below == nil {
			doc[name] = map[string]any{"set": set}
		} else if object, ok := v.(map[string]any); ok {
			below.hide(object)
		}
	}
}

// meant is what a change of settings is about: where a secret is sent back as it was shown, it stays as it is.
func (s secrets) meant(patch map[string]any) map[string]any {
	out := maps.Clone(patch)
	for name, v := range patch {
		below, known := s[name]
		object, ok := v.(map[string]any)
		if !known || !ok {
			continue
		}
		if below == nil {
			if _, shown := object["set"].(bool); shown && len(object) == 1 {
				delete(out, name)
			}
			continue
		}
		if out[name] = below.meant(object); len(object) > 0 && len(out[name].(map[string]any)) == 0 {
			delete(out, name)
		}
	}
	return out
}

// checkSecrets refuses a plugin whose secrets could not be kept. A schema that cannot be read at all is another matter.
func (o *one) checkSecrets() error {
	if len(o.Manifest.Settings) == 0 {
		return nil
	}
	text, err := jsondoc.ParseObject(core.Doc(o.Manifest.Settings))
	if err != nil {
		return nil
	}
	if _, err := secretsOf(text); err != nil {
		return fmt.Errorf("plugin %s: %w", o.id(), err)
	}
	return nil
}

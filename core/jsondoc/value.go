package jsondoc

import (
	"encoding/json"
	"math/big"
	"strings"
)

// Clone copies a value so that nothing is shared.
func Clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return CloneObject(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = Clone(v[i])
		}
		return list
	default:
		return v
	}
}

// CloneObject is Clone for an object; nil stays nil.
func CloneObject(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for key, v := range m {
		out[key] = Clone(v)
	}
	return out
}

// Equal compares two values as JSON does: numbers by their value (1 is 1.0), objects without order.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && equalObjects(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && equalArrays(a, b)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && equalNumbers(a, b)
	default:
		return a == b
	}
}

func equalObjects(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for key, v := range a {
		w, ok := b[key]
		if !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

func equalArrays(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, ok := new(big.Rat).SetString(string(a))
	if !ok {
		return false
	}
	y, ok := new(big.Rat).SetString(string(b))
	return ok && x.Cmp(y) == 0
}

// Values gives every value at a dotted path, nulls left out. Arrays on the way and at the end are walked through.
func Values(doc map[string]any, path string) []any {
	return appendValues(nil, doc, path)
}

func appendValues(out []any, v any, path string) []any {
	switch v := v.(type) {
	case nil:
		return out
	case []any:
		for _, item := range v {
			out = appendValues(out, item, path)
		}
		return out
	case map[string]any:
		if path == "" {
			return append(out, v)
		}
		head, rest, _ := strings.Cut(path, ".")
		return appendValues(out, v[head], rest)
	default:
		if path != "" {
			return out
		}
		return append(out, v)
	}
}

// Lookup finds the value at a dotted path through objects.
func Lookup(doc map[string]any, path string) (any, bool) {
	for {
		head, rest, more := strings.Cut(path, ".")
		v, ok := doc[head]
		if !ok || !more {
			return v, ok
		}
		if doc, ok = v.(map[string]any); !ok {
			return nil, false
		}
		path = rest
	}
}

// Text gives the text at a dotted path through objects, "" where there is none.
func Text(doc map[string]any, path string) string {
	v, _ := Lookup(doc, path)
	s, _ := v.(string)
	return s
}

// Texts gives the texts among the values at a dotted path; none at "".
func Texts(doc map[string]any, path string) []string {
	var all []string
	if path == "" {
		return nil
	}
	for _, v := range Values(doc, path) {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// Set puts a value at a dotted path, making the objects on the way and replacing what is no object there.
func Set(doc map[string]any, path string, v any) {
	for {
		head, rest, more := strings.Cut(path, ".")
		if !more {
			doc[head] = v
			return
		}
		next, ok := doc[head].(map[string]any)
		if !ok {
			next = map[string]any{}
			doc[head] = next
		}
		doc, path = next, rest
	}
}

// Delete takes out the member at a dotted path, where there is one.
func Delete(doc map[string]any, path string) {
	for {
		head, rest, more := strings.Cut(path, ".")
		if !more {
			delete(doc, head)
			return
		}
		next, ok := doc[head].(map[string]any)
		if !ok {
			return
		}
		doc, path = next, rest
	}
}

// DeleteValues takes out every value at a dotted path, arrays on the way walked through.
func DeleteValues(doc map[string]any, path string) {
	head, rest, more := strings.Cut(path, ".")
	if !more {
		delete(doc, head)
		return
	}
	deleteBelow(doc[head], rest)
}

func deleteBelow(v any, path string) {
	switch v := v.(type) {
	case map[string]any:
		DeleteValues(v, path)
	case []any:
		for _, item := range v {
			deleteBelow(item, path)
		}
	}
}

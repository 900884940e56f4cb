package schema

import (
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// keyRank is the order of an object's members, and what follows below each.
type keyRank struct {
	names []string
	known map[string]bool
	below map[string]*keyRank
}

// rank builds the orders of a schema. A recursive schema makes a recursive rank.
func (s *source) rank() *keyRank {
	r := &ranker{done: map[*node]*keyRank{}}
	top := r.of(s.root)
	if s.slug != nil && s.slug.parent == nil {
		top.put(s.slug.name, nil)
	}
	return top
}

type ranker struct{ done map[*node]*keyRank }

func (r *ranker) of(n *node) *keyRank {
	if k, ok := r.done[n]; ok {
		return k
	}
	k := &keyRank{known: map[string]bool{}, below: map[string]*keyRank{}}
	r.done[n] = k
	r.collect(n, k, map[*node]bool{})
	return k
}

func (r *ranker) collect(n *node, k *keyRank, seen map[*node]bool) {
	if n == nil || seen[n] {
		return
	}
	seen[n] = true
	for _, p := range n.named["properties"] {
		k.put(p.name, r.of(p))
	}
	r.collect(n.ref, k, seen)
	r.collect(n.one["items"], k, seen)
	for _, key := range []string{"allOf", "oneOf", "anyOf", "prefixItems"} {
		for _, part := range n.list[key] {
			r.collect(part, k, seen)
		}
	}
	for _, key := range []string{"then", "else"} {
		r.collect(n.one[key], k, seen)
	}
	for _, part := range n.named["dependentSchemas"] {
		r.collect(part, k, seen)
	}
}

func (k *keyRank) put(name string, below *keyRank) {
	if !k.known[name] {
		k.known[name] = true
		k.names = append(k.names, name)
	}
	if below != nil && (k.below[name] == nil || len(k.below[name].names) == 0) {
		k.below[name] = below
	}
}

// Encode implements core.Validator.
func (v *validator) Encode(doc map[string]any) core.Doc {
	return appendRanked(make([]byte, 0, 1024), doc, v.order)
}

func appendRanked(b []byte, value any, k *keyRank) []byte {
	if k == nil {
		return jsondoc.Append(b, value)
	}
	switch value := value.(type) {
	case map[string]any:
		return appendMembers(b, value, k)
	case []any:
		b = append(b, '[')
		for i, item := range value {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendRanked(b, item, k)
		}
		return append(b, ']')
	default:
		return jsondoc.Append(b, value)
	}
}

func appendMembers(b []byte, m map[string]any, k *keyRank) []byte {
	b = append(b, '{')
	first, written := true, 0
	for _, name := range k.names {
		if value, ok := m[name]; ok {
			b, first = appendMember(b, name, value, k.below[name], first), false
			written++
		}
	}
	if written < len(m) {
		for _, name := range k.unknown(m) {
			b, first = appendMember(b, name, m[name], nil, first), false
		}
	}
	return append(b, '}')
}

func appendMember(b []byte, name string, value any, below *keyRank, first bool) []byte {
	if !first {
		b = append(b, ',')
	}
	b = append(jsondoc.AppendString(b, name), ':')
	return appendRanked(b, value, below)
}

func (k *keyRank) unknown(m map[string]any) []string {
	var names []string
	for name := range m {
		if !k.known[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

package schema

import (
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Visible gives a type's schema as a caller sees it who may read some of its fields only: what he may not read is
// not there, nor named anywhere. A slug that the type has without saying so is written out.
func Visible(t *core.Type, read *core.FieldSet) (core.Doc, error) {
	return VisibleTo(t, read, nil)
}

// VisibleTo is Visible for a caller who also writes: a secret that he may set is there, though nobody reads it.
func VisibleTo(t *core.Type, read, write *core.FieldSet) (core.Doc, error) {
	s, err := again(t)
	if err != nil {
		return nil, err
	}
	v := &viewer{s: s, t: t, read: read, write: write, shown: map[*node]bool{}, walked: map[seenAt]bool{}, open: map[*node]bool{}}
	v.walk(s.root, "")
	v.hide()
	return v.node(nil, s.root), nil
}

// again parses a compiled type's schema once more.
func again(t *core.Type) (*source, error) {
	s, found, err := parse(t.Schema)
	if err != nil || len(found) > 0 {
		return nil, core.Wrap("schema.again", core.Errorf(core.CodeInternal, "the schema of %s cannot be read again: %w", t.Name, err))
	}
	s.check()
	return s, nil
}

// viewer writes a schema for one caller.
type viewer struct {
	s      *source
	t      *core.Type
	read   *core.FieldSet
	write  *core.FieldSet // nil for a caller who only reads
	shown  map[*node]bool // properties with a path that may be read
	hidden []string       // paths and names that may not
	less   bool           // somebody else sees more: not only secrets are hidden
	walked map[seenAt]bool
	open   map[*node]bool
}

type seenAt struct {
	n    *node
	path string
}

// walk finds which properties lie at a path that may be read. A recursion is walked once.
func (v *viewer) walk(n *node, path string) {
	if n == nil || v.walked[seenAt{n, path}] || v.open[n] {
		return
	}
	v.walked[seenAt{n, path}] = true
	v.open[n] = true
	defer delete(v.open, n)
	for _, p := range n.named["properties"] {
		below := p.name
		if path != "" {
			below = path + "." + p.name
		}
		if v.mayRead(below) {
			v.shown[p] = true
			v.walk(p, below)
		}
	}
	v.walk(n.ref, path)
	for _, parts := range n.list {
		for _, part := range parts {
			v.walk(part, path)
		}
	}
	for _, part := range n.one {
		v.walk(part, path)
	}
	for _, key := range []string{"dependentSchemas", "patternProperties"} {
		for _, part := range n.named[key] {
			v.walk(part, path)
		}
	}
}

// mayRead reports whether a path, or something below it, may be read. Nobody reads a secret; who may set it sees that
// it is there.
func (v *viewer) mayRead(path string) bool {
	if f, ok := v.t.Field(path); ok && f.Secret {
		return v.write != nil && v.write.Has(path)
	}
	if v.read.Has(path) {
		return true
	}
	for only := range v.read.Only {
		if strings.HasPrefix(only, path+".") && v.read.Has(only) {
			return true
		}
	}
	return false
}

// hide notes the names that must not turn up: hidden everywhere, so that a name also used for something open stays.
func (v *viewer) hide() {
	open := map[string]bool{}
	for n := range v.shown {
		open[n.name] = true
	}
	for _, n := range v.s.nodes {
		if n.in == "properties" && !v.shown[n] && !open[n.name] {
			v.hidden = append(v.hidden, n.name)
		}
	}
	for i := range v.t.Fields {
		if path := v.t.Fields[i].Path; !v.mayRead(path) {
			v.hidden = append(v.hidden, path)
			v.less = v.less || !v.t.Fields[i].Secret
		}
	}
}

// node writes one subschema, its keywords in the order in which they were given.
func (v *viewer) node(b []byte, n *node) []byte {
	if n.raw == nil {
		return jsondoc.Append(b, n.always)
	}
	b = append(b, '{')
	first := true
	for _, key := range v.s.keys(n) {
		start := len(b)
		if !first {
			b = append(b, ',')
		}
		b = append(jsondoc.AppendString(b, key), ':')
		written, keep := v.keyword(b, n, key)
		if !keep {
			b = b[:start]
			continue
		}
		b, first = written, false
	}
	return append(b, '}')
}

func (v *viewer) keyword(b []byte, n *node, key string) (out []byte, keep bool) {
	switch keywords[key].shape {
	case shapeSchema:
		return v.node(b, n.one[key]), true
	case shapeSchemaList:
		return v.list(b, n.list[key]), true
	case shapeSchemaMap:
		return v.members(b, n, key), true
	case shapeStrings:
		return jsondoc.Append(b, v.names(n.raw[key])), true
	}
	if len(v.hidden) == 0 {
		return v.verbatim(b, n.pointer+"/"+key, n.raw[key]), true
	}
	return v.narrowed(b, n, key)
}

// narrowed writes a keyword for a caller who does not see everything.
func (v *viewer) narrowed(b []byte, n *node, key string) ([]byte, bool) {
	switch key {
	case "x-roles", "x-permissions", "x-personal", "$comment":
		if v.less {
			return b, false
		}
	case "default", "examples", "const", "enum":
		if _, holds := n.raw["properties"]; holds || n == v.s.root {
			return b, false
		}
	case "x-computed":
		return jsondoc.Append(b, n.raw[key] != false), true // from what is not his to know
	case "x-type":
		return v.typeInfo(b, n), true
	case "dependentRequired":
		return jsondoc.Append(b, v.dependencies(n.raw[key])), true
	}
	if strings.HasPrefix(key, "x-") && v.betrays(n.raw[key]) {
		return b, false
	}
	return v.verbatim(b, n.pointer+"/"+key, n.raw[key]), true
}

// verbatim writes a value, the keys of objects in the order in which they were given.
func (v *viewer) verbatim(b []byte, pointer string, value any) []byte {
	switch value := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, key := range v.s.order[pointer] {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(jsondoc.AppendString(b, key), ':')
			b = v.verbatim(b, pointer+jsondoc.Pointer(key), value[key])
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, item := range value {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.verbatim(b, pointer+"/"+number(i), item)
		}
		return append(b, ']')
	default:
		return jsondoc.Append(b, value)
	}
}

func (v *viewer) list(b []byte, parts []*node) []byte {
	b = append(b, '[')
	for i, part := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.node(b, part)
	}
	return append(b, ']')
}

func (v *viewer) members(b []byte, n *node, key string) []byte {
	b = append(b, '{')
	first := true
	for _, part := range n.named[key] {
		if !v.showsMember(key, part) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(jsondoc.AppendString(b, part.name), ':')
		b = v.node(b, part)
	}
	if key == "properties" && n == v.s.root {
		b = v.implicitSlug(b, n, first)
	}
	return append(b, '}')
}

func (v *viewer) showsMember(key string, part *node) bool {
	switch key {
	case "properties":
		return v.shown[part]
	case "dependentSchemas":
		return !slices.Contains(v.hidden, part.name)
	case "$defs", "definitions":
		return len(v.hidden) == 0 || v.reached(part)
	}
	return true
}

// reached reports whether a definition is used by anything that is shown.
func (v *viewer) reached(n *node) bool {
	for at := range v.walked {
		if at.n == n {
			return true
		}
	}
	return false
}

func (v *viewer) implicitSlug(b []byte, n *node, first bool) []byte {
	name := v.t.SlugField
	if name == "" || n.member(name) != nil || !v.mayRead(name) {
		return b
	}
	if !first {
		b = append(b, ',')
	}
	b = append(jsondoc.AppendString(b, name), ':')
	return jsondoc.Append(b, map[string]any{"type": "string", "pattern": slugPattern, "x-unique": true})
}

// names takes the hidden names out of a list of properties.
func (v *viewer) names(value any) []any {
	list, _ := value.([]any)
	return slices.DeleteFunc(slices.Clone(list), func(item any) bool {
		name, _ := item.(string)
		return slices.Contains(v.hidden, name)
	})
}

func (v *viewer) dependencies(value any) map[string]any {
	m, _ := value.(map[string]any)
	out := map[string]any{}
	for name, list := range m {
		if !slices.Contains(v.hidden, name) {
			out[name] = v.names(list)
		}
	}
	return out
}

// typeInfo writes x-type without the members that name something hidden.
func (v *viewer) typeInfo(b []byte, n *node) []byte {
	m, _ := n.raw["x-type"].(map[string]any)
	b = append(b, '{')
	first := true
	for _, key := range v.s.order[n.pointer+"/x-type"] {
		if v.betrays(m[key]) && key != "name" && key != "plural" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(jsondoc.AppendString(b, key), ':')
		b = v.verbatim(b, n.pointer+"/x-type"+jsondoc.Pointer(key), m[key])
	}
	return append(b, '}')
}

// betrays reports whether a value names something hidden, as "name", "-name", "/name" or "{name}".
func (v *viewer) betrays(value any) bool {
	switch value := value.(type) {
	case string:
		return slices.ContainsFunc(v.hidden, func(name string) bool { return namesIt(value, name) })
	case []any:
		return slices.ContainsFunc(value, v.betrays)
	case map[string]any:
		for key, member := range value {
			if slices.Contains(v.hidden, key) || v.betrays(member) {
				return true
			}
		}
	}
	return false
}

func namesIt(text, name string) bool {
	for key := range strings.SplitSeq(text, ",") {
		key = strings.ReplaceAll(strings.Trim(strings.TrimSpace(key), "-/"), "/", ".")
		if key == name || strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return strings.Contains(text, "{"+name+"}")
}

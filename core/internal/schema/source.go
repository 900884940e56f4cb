package schema

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// sourceLimits bound a schema's text: it nests deeper than a document, for each level of a document takes several.
var sourceLimits = jsondoc.Limits{Bytes: 256 << 10, Depth: 64, Nodes: 20_000, Keys: 1_000, Digits: 40, Exponent: 308}

// maxSubschemas is how many subschemas one type may have.
const maxSubschemas = 500

// source is a schema as it was given, and the tree of its subschemas.
type source struct {
	root      *node
	nodes     []*node
	byPointer map[string]*node
	order     map[string][]string // JSON Pointer of an object → its keys as they were written
	slug      *node               // the implicit slug property, when the type has one
	words     *Vocabulary         // what plugins add
	lenient   bool                // what nobody knows is passed over
	madeFrom  []madeFrom          // the fields with expressions
}

// node is one subschema.
type node struct {
	index   int
	pointer string
	raw     map[string]any // nil for true and false
	always  bool           // of a boolean schema
	parent  *node
	in      string // the keyword of the parent that holds it
	name    string // its name or number there
	one     map[string]*node
	list    map[string][]*node
	named   map[string][]*node // in the order of the text
	ref     *node
	blocks  *blocks // a oneOf whose branches are told apart by a const
	pattern *pattern
	format  *core.Format // a plugin's
	uses    []annotationUse
	ann     annotations
}

// parse reads a schema strictly and builds its tree.
func parse(text []byte) (*source, problems, error) {
	raw, err := jsondoc.DecodeObject(text, sourceLimits)
	if err != nil {
		return nil, nil, core.Wrap("schema.parse", err)
	}
	s := &source{byPointer: map[string]*node{}, order: keyOrder(text)}
	var found problems
	s.root = s.grow(&found, raw, "", nil, "", "")
	if len(s.nodes) > maxSubschemas {
		return nil, problems{tooManySubschemas(len(s.nodes))}, nil
	}
	return s, found, nil
}

func (s *source) grow(found *problems, value any, pointer string, parent *node, in, name string) *node {
	n := &node{index: len(s.nodes), pointer: pointer, parent: parent, in: in, name: name}
	s.nodes = append(s.nodes, n)
	s.byPointer[pointer] = n
	switch v := value.(type) {
	case bool:
		n.always = v
	case map[string]any:
		n.raw = v
		if len(s.nodes) <= maxSubschemas {
			s.growBelow(found, n)
		}
	default:
		found.add(pointer, "schema", sayNotASchema())
		n.always = true
	}
	return n
}

func (s *source) growBelow(found *problems, n *node) {
	for _, key := range s.keys(n) {
		switch k := keywords[key]; k.shape {
		case shapeSchema:
			n.setOne(key, s.grow(found, n.raw[key], n.pointer+"/"+key, n, key, ""))
		case shapeSchemaList:
			s.growList(found, n, key)
		case shapeSchemaMap:
			s.growMap(found, n, key)
		}
	}
}

func (n *node) setOne(key string, child *node) {
	if n.one == nil {
		n.one = map[string]*node{}
	}
	n.one[key] = child
}

func (s *source) growList(found *problems, n *node, key string) {
	items, ok := n.raw[key].([]any)
	if !ok || len(items) == 0 {
		found.add(n.pointer+"/"+key, key, sayShape(key, shapeSchemaList))
		return
	}
	if n.list == nil {
		n.list = map[string][]*node{}
	}
	for i, item := range items {
		number := strconv.Itoa(i)
		n.list[key] = append(n.list[key], s.grow(found, item, n.pointer+"/"+key+"/"+number, n, key, number))
	}
}

func (s *source) growMap(found *problems, n *node, key string) {
	at := n.pointer + "/" + key
	members, ok := n.raw[key].(map[string]any)
	if !ok {
		found.add(at, key, sayShape(key, shapeSchemaMap))
		return
	}
	if n.named == nil {
		n.named = map[string][]*node{}
	}
	for _, name := range s.order[at] {
		n.named[key] = append(n.named[key], s.grow(found, members[name], at+jsondoc.Pointer(name), n, key, name))
	}
}

// keys gives a subschema's keywords in the order of the text.
func (s *source) keys(n *node) []string { return s.order[n.pointer] }

// child finds a named member of a keyword.
func (n *node) child(key, name string) *node {
	for _, c := range n.named[key] {
		if c.name == name {
			return c
		}
	}
	return nil
}

// keyOrder notes the order of every object's keys. The text has been decoded before, so it has no fault.
func keyOrder(text []byte) map[string][]string {
	order := map[string][]string{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	noteOrder(d, "", order)
	return order
}

func noteOrder(d *json.Decoder, pointer string, order map[string][]string) {
	tok, err := d.Token()
	if err != nil {
		return
	}
	switch tok {
	case json.Delim('{'):
		for d.More() {
			tok, _ := d.Token()
			key, _ := tok.(string)
			order[pointer] = append(order[pointer], key)
			noteOrder(d, pointer+jsondoc.Pointer(key), order)
		}
		_, _ = d.Token()
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			noteOrder(d, pointer+"/"+strconv.Itoa(i), order)
		}
		_, _ = d.Token()
	}
}

// lookup finds a keyword's value on a subschema, or on what it refers to or merges: a subschema's own keywords win.
func (n *node) lookup(key string) (any, bool) {
	var value any
	ok := n.overlay(func(m *node) bool {
		v, has := m.raw[key]
		value = v
		return has
	})
	return value, ok
}

// overlay visits a subschema, what it refers to and what it merges, nearest first, until f reports true.
func (n *node) overlay(f func(*node) bool) bool { return n.overlaid(map[*node]bool{}, f) }

func (n *node) overlaid(seen map[*node]bool, f func(*node) bool) bool {
	if n == nil || seen[n] {
		return false
	}
	seen[n] = true
	if f(n) || n.ref.overlaid(seen, f) {
		return true
	}
	for _, part := range n.list["allOf"] {
		if part.overlaid(seen, f) {
			return true
		}
	}
	return false
}

// types gives the JSON types that a subschema allows, nil for any.
func (n *node) types() []string {
	v, _ := n.lookup("type")
	switch t := v.(type) {
	case string:
		return []string{t}
	case []any:
		return stringsIn(t)
	}
	return nil
}

// only reports whether a subschema's values are of one JSON type, null apart.
func (n *node) only(name string) bool {
	found := false
	for _, t := range n.types() {
		switch t {
		case name:
			found = true
		case "null":
		default:
			return false
		}
	}
	return found
}

func stringsIn(list []any) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

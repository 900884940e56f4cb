package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// base is the address of every compiled schema. It leads nowhere.
const base = "mem:///type.json"

// Keywords that the compiled text has and no schema may: they cannot collide with what was given.
const (
	markKey   = "$node"   // the subschema's number, where the extension has something to do
	blocksKey = "$blocks" // a oneOf whose branch is looked up
)

// engine is a schema compiled by the validator library.
type engine struct {
	schema *jsonschema.Schema
	places map[string]*node // JSON Pointer in the compiled text → subschema
	clock  *clock           // nil when nothing is timed
}

// clock stops a validation that takes too long. It is used by one validation at a time.
type clock struct {
	deadline time.Time
	ticks    int
}

// timeUp is what a validation is left with.
type timeUp struct{}

func (c *clock) tick() {
	if c.ticks++; c.ticks%16 == 0 && time.Now().After(c.deadline) {
		panic(timeUp{})
	}
}

// newEngine compiles a checked schema. A timed one stops at a deadline, at some cost for each value.
func newEngine(s *source, timed bool) (*engine, problems, error) {
	e := &engine{places: map[string]*node{}}
	if timed {
		e.clock = &clock{}
	}
	w := &writer{s: s, e: e}
	text := jsondoc.Encode(w.write(s.root, ""))
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	c.AssertFormat = true
	c.LoadURL = refuseToLoad
	c.Formats = engineFormats(s.words)
	c.RegisterExtension("palabre", nil, &extension{s: s, e: e})
	if err := c.AddResource(base, bytes.NewReader(text)); err != nil {
		return nil, nil, core.Wrap("schema.newEngine", err)
	}
	var err error
	if e.schema, err = c.Compile(base); err != nil {
		return nil, e.explainCompile(err), nil
	}
	return e, nil, nil
}

func refuseToLoad(string) (io.ReadCloser, error) {
	return nil, core.Errorf(core.CodeInvalid, "A schema loads nothing from elsewhere.")
}

func engineFormats(words *Vocabulary) map[string]func(any) bool {
	out := make(map[string]func(any) bool, len(formats))
	for name, valid := range formats {
		if valid != nil {
			out[name] = ofTexts(valid)
		}
	}
	for _, name := range words.formatNames() {
		if f := words.format(name); f != nil {
			out[name] = ofTexts(f.Valid)
		}
	}
	return out
}

func ofTexts(valid func(string) bool) func(any) bool {
	return func(v any) bool {
		s, ok := v.(string)
		return !ok || valid(s)
	}
}

// explainCompile is the safety net: what our own checks let pass and the library does not.
func (e *engine) explainCompile(err error) (found problems) {
	var broken *jsonschema.ValidationError
	pointer := ""
	if errors.As(err, &broken) {
		for len(broken.Causes) > 0 {
			broken = broken.Causes[0]
		}
		pointer = unescaped(broken.InstanceLocation)
	}
	found.add(pointer, "schema", say("Le schéma ne respecte pas JSON Schema 2020-12 à cet endroit.", "The schema breaks JSON Schema 2020-12 at this place."))
	return found
}

// writer makes the text that the library compiles: the standard keywords, and marks for the extension.
type writer struct {
	s *source
	e *engine
}

func (w *writer) write(n *node, pointer string) any {
	w.e.places[pointer] = n
	if n.raw == nil {
		return n.always
	}
	out := make(map[string]any, len(n.raw))
	for key, value := range n.raw {
		if rewritten, keep := w.keyword(n, pointer, key, value); keep {
			out[w.name(n, key)] = rewritten
		}
	}
	w.complete(n, pointer, out)
	if n.isSpecial() || n.blocks != nil || n.pattern != nil || w.e.clock != nil {
		out[markKey] = json.Number(strconv.Itoa(n.index))
	}
	return out
}

func (w *writer) name(n *node, key string) string {
	if key == "oneOf" && n.blocks != nil {
		return blocksKey
	}
	return key
}

func (w *writer) keyword(n *node, pointer, key string, value any) (any, bool) {
	switch k := keywords[key]; k.shape {
	case shapeSchema:
		return w.write(n.one[key], pointer+"/"+key), true
	case shapeSchemaList:
		return w.writeList(n.list[key], pointer+"/"+w.name(n, key)), true
	case shapeSchemaMap:
		return w.writeMap(n.named[key], pointer+"/"+key), true
	case shapeReference:
		return "#" + w.refPointer(n.ref), true
	case shapeUnknown, shapeAnnotation, shapeRefused, shapePattern:
		return nil, false
	case shapeFormat:
		return value, n.format != nil || formats[value.(string)] != nil
	default:
		return value, !slices.Contains(silent, key)
	}
}

// silent are the keywords that say nothing to the library.
var silent = []string{"$schema", "$id", "$comment", "title", "description", "default", "examples", "readOnly", "writeOnly", "deprecated",
	"contentEncoding", "contentMediaType"}

// refPointer is where a subschema stands in the compiled text.
func (w *writer) refPointer(n *node) string {
	if n.parent == nil {
		return ""
	}
	p := w.refPointer(n.parent) + "/" + w.name(n.parent, n.in)
	if n.name != "" {
		p += jsondoc.Pointer(n.name)
	}
	return p
}

func (w *writer) writeList(parts []*node, pointer string) []any {
	out := make([]any, len(parts))
	for i, part := range parts {
		out[i] = w.write(part, pointer+"/"+number(i))
	}
	return out
}

func (w *writer) writeMap(parts []*node, pointer string) map[string]any {
	out := make(map[string]any, len(parts))
	for _, part := range parts {
		out[part.name] = w.write(part, pointer+jsondoc.Pointer(part.name))
	}
	return out
}

// complete adds what every schema has without saying so: the slug, and the keys of list items.
func (w *writer) complete(n *node, pointer string, out map[string]any) {
	properties, ok := out["properties"].(map[string]any)
	switch {
	case n == w.s.root && w.s.slug != nil:
		if !ok {
			properties = map[string]any{}
			out["properties"] = properties
		}
		if w.s.slug.parent == nil {
			properties[w.s.slug.name] = w.write(w.s.slug, pointer+"/properties/"+w.s.slug.name)
		}
	case n != w.s.root && ok && properties["_key"] == nil:
		properties["_key"] = map[string]any{"type": "string", "maxLength": json.Number("64")}
	}
}

// extension checks what the standard keywords cannot say.
type extension struct {
	s *source
	e *engine
}

// Compile is called for each subschema.
func (x *extension) Compile(ctx jsonschema.CompilerContext, m map[string]any) (jsonschema.ExtSchema, error) {
	mark, ok := m[markKey].(json.Number)
	if !ok {
		return nil, nil
	}
	index, err := strconv.Atoi(string(mark))
	if err != nil || index >= len(x.s.nodes) {
		return nil, core.Errorf(core.CodeInternal, "a mark in a compiled schema is wrong: %w", err)
	}
	r := &rule{node: x.s.nodes[index], clock: x.e.clock}
	if r.node.blocks == nil {
		return r, nil
	}
	for i := range r.node.blocks.branches {
		branch, err := ctx.Compile(blocksKey+"/"+number(i), true)
		if err != nil {
			return nil, err
		}
		r.branches = append(r.branches, branch)
	}
	return r, nil
}

// rule is the extension's part of one compiled subschema.
type rule struct {
	node     *node
	clock    *clock
	branches []*jsonschema.Schema
}

// Validate reports that something is wrong; explain finds out what.
func (r *rule) Validate(ctx jsonschema.ValidationContext, v any) error {
	if r.clock != nil {
		r.clock.tick()
	}
	if s, ok := v.(string); ok && r.node.pattern != nil && !r.node.pattern.matches(s) {
		return ctx.Error("pattern", "pattern")
	}
	if v != nil && r.node.isSpecial() && len(r.node.special(v, "")) > 0 {
		return ctx.Error(markKey, "special")
	}
	if r.branches == nil {
		return nil
	}
	i, _ := r.node.blocks.branch(v)
	if i < 0 {
		return ctx.Error(blocksKey, "no branch")
	}
	return ctx.Validate(r.branches[i], blocksKey+"/"+number(i), v, "")
}

// judge runs a document through the compiled schema and gives every broken rule.
func (e *engine) judge(doc map[string]any) (found problems, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = recovered(r)
		}
	}()
	err = e.schema.Validate(doc)
	if broken := (*jsonschema.ValidationError)(nil); errors.As(err, &broken) {
		return e.explain(broken, doc), nil
	}
	return nil, err
}

// accepts reports whether the property at the end of a path takes a value. One that a plugin fails at is taken.
func (e *engine) accepts(path []string, value any) (takes bool) {
	defer func() {
		if r := recover(); r != nil {
			takes = true
		}
	}()
	schema := e.schema
	for _, name := range path {
		if schema = schema.Properties[name]; schema == nil {
			return true
		}
	}
	return schema.Validate(value) == nil
}

func recovered(r any) error {
	switch r := r.(type) {
	case timeUp:
		return errTimeUp
	case *core.PluginFault:
		return r
	}
	return core.Errorf(core.CodeInternal, "validation failed: %v", r)
}

var errTimeUp = errors.New("validation took too long")

// place finds the subschema that a location in the compiled text belongs to, and the keyword there.
func (e *engine) place(location string) (n *node, keyword string) {
	_, fragment, _ := strings.Cut(location, "#")
	pointer := unescaped(fragment)
	rest := ""
	for {
		if n, ok := e.places[pointer]; ok {
			return n, rest
		}
		cut := strings.LastIndexByte(pointer, '/')
		if cut < 0 {
			return nil, rest
		}
		if rest != "" {
			rest = "/" + rest
		}
		pointer, rest = pointer[:cut], pointer[cut+1:]+rest
	}
}

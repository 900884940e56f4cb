package schema

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// explainer turns the library's findings about one document into broken rules.
type explainer struct {
	e     *engine
	doc   map[string]any
	found problems
	later problems // members nobody declared: only told when nothing else is wrong with their object
}

func (e *engine) explain(broken *jsonschema.ValidationError, doc map[string]any) problems {
	x := &explainer{e: e, doc: doc}
	x.visit(broken)
	return append(x.found, x.unexpected()...)
}

// unexpected keeps the unknown members. A member that the schema knows was only called unexpected because a
// subschema that declares it failed, which is told already.
func (x *explainer) unexpected() problems {
	var out problems
	for _, p := range x.later {
		if p.Params["known"] == true && len(x.found) > 0 {
			continue
		}
		delete(p.Params, "known")
		out = append(out, p)
	}
	return out
}

func (x *explainer) visit(broken *jsonschema.ValidationError) {
	if len(x.found)+len(x.later) > maxProblems {
		return
	}
	n, keyword := x.e.place(broken.AbsoluteKeywordLocation)
	if n == nil || len(broken.Causes) == 0 {
		x.leaf(n, keyword, broken)
		return
	}
	switch keyword {
	case "anyOf", "oneOf":
		x.choose(n, keyword, broken)
	case "minContains", "contains":
		x.leaf(n, "contains", broken)
	default:
		for _, cause := range broken.Causes {
			x.visit(cause)
		}
	}
}

// choose tells what is wrong with the alternative that fits best.
func (x *explainer) choose(n *node, keyword string, broken *jsonschema.ValidationError) {
	if x.allConstants(n.list[keyword]) {
		x.leaf(n, keyword, broken)
		return
	}
	best, bestScore := -1, 1<<30
	var told problems
	for i, cause := range broken.Causes {
		attempt := &explainer{e: x.e, doc: x.doc}
		attempt.visit(cause)
		if score := attempt.misfit(unescaped(broken.InstanceLocation)); score < bestScore {
			best, bestScore, told = i, score, append(attempt.found, attempt.unexpected()...)
		}
	}
	if best < 0 || bestScore >= wrongKind {
		x.leaf(n, keyword, broken)
		return
	}
	x.found = append(x.found, told...)
}

// wrongKind is the misfit of an alternative that is for another kind of value.
const wrongKind = 1 << 20

func (x *explainer) misfit(pointer string) int {
	score := 0
	for _, p := range x.found {
		score++
		if p.Pointer == pointer && (p.Keyword == "type" || p.Keyword == "const") {
			score += wrongKind
		}
	}
	return score + len(x.later)
}

func (x *explainer) allConstants(parts []*node) bool {
	for _, part := range parts {
		if _, ok := part.lookup("const"); !ok {
			return false
		}
	}
	return len(parts) > 0
}

// leaf tells of one broken keyword.
func (x *explainer) leaf(n *node, keyword string, broken *jsonschema.ValidationError) {
	pointer := unescaped(broken.InstanceLocation)
	head, _, _ := strings.Cut(keyword, "/")
	f := finding{n: n, keyword: head, pointer: pointer, value: valueAt(x.doc, pointer)}
	if n == nil {
		x.found = append(x.found, f.problem(sayDoesNotFit(f.label()), nil))
		return
	}
	if inNames(n) {
		f.keyword = "propertyNames"
	}
	if n.in == "additionalProperties" && n.raw == nil { // the library tells of the object, not of its members
		f.n, f.keyword = n.parent, n.in
	}
	switch f.keyword {
	case "":
		x.refused(f)
	case markKey:
		x.found = append(x.found, n.special(f.value, pointer)...)
	case blocksKey:
		x.found = append(x.found, f.block())
	case "required":
		x.found = append(x.found, f.missing()...)
	case "dependentRequired":
		x.found = append(x.found, f.dependent(keyword))
	case "additionalProperties":
		x.found = append(x.found, f.additional()...)
	default:
		x.found = append(x.found, f.broken())
	}
}

// refused is a value where the schema says false.
func (x *explainer) refused(f finding) {
	f.keyword = f.n.in
	if f.keyword == "unevaluatedProperties" {
		_, name := split(f.pointer)
		known := f.n.parent.declared()
		p := f.problem(sayUnexpected(name, known), map[string]any{"property": name, "known": contains(known, name)})
		x.later = append(x.later, p)
		return
	}
	x.found = append(x.found, f.problem(sayNotAllowed(f.label()), nil))
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

func inNames(n *node) bool {
	for m := n; m != nil; m = m.parent {
		if m.in == "propertyNames" {
			return true
		}
	}
	return false
}

// declared names the members that an object's schema knows, alternatives and conditions included.
func (n *node) declared() []string {
	seen := map[*node]bool{}
	var names []string
	var visit func(*node)
	visit = func(m *node) {
		if m == nil || seen[m] {
			return
		}
		seen[m] = true
		names = append(names, propertyNames(m)...)
		visit(m.ref)
		for _, key := range []string{"allOf", "anyOf", "oneOf"} {
			for _, part := range m.list[key] {
				visit(part)
			}
		}
		for _, key := range []string{"if", "then", "else"} {
			visit(m.one[key])
		}
		for _, part := range m.named["dependentSchemas"] {
			visit(part)
		}
	}
	visit(n)
	return names
}

// finding is one broken keyword at one place of a document.
type finding struct {
	n       *node
	keyword string
	pointer string
	value   any
}

// label is what the form calls the field: its x-label, its title, or its name.
func (f finding) label() core.Text { return labelOf(f.n, f.pointer) }

func labelOf(n *node, pointer string) core.Text {
	if n != nil {
		if t := n.label(); t != nil {
			return t
		}
	}
	_, name := split(pointer)
	if _, err := strconv.Atoi(name); err == nil {
		i, _ := strconv.Atoi(name)
		return say("L’élément %d", "Item %d", i+1)
	}
	if name == "" {
		return say("Le contenu", "The content")
	}
	return core.Text{"fr": "« " + name + " »", "en": "“" + name + "”"}
}

// label finds a subschema's label on itself, on what it refers to, or on the field that it is a condition of.
func (n *node) label() (text core.Text) {
	n.overlay(func(m *node) bool {
		text = m.ownLabel()
		return text != nil
	})
	if text != nil || n.parent == nil {
		return text
	}
	switch n.in {
	case "allOf", "anyOf", "oneOf", "then", "else", "if", "not":
		return n.parent.label()
	}
	return nil
}

func (n *node) ownLabel() core.Text {
	if n.parent == nil {
		return nil
	}
	if n.ann.label != nil {
		return core.Text{"fr": "« " + n.ann.label.In("fr") + " »", "en": "“" + n.ann.label.In("en") + "”"}
	}
	if title, _ := n.raw["title"].(string); title != "" && n.in == "properties" {
		return core.Text{"fr": "« " + title + " »", "en": "“" + title + "”"}
	}
	return nil
}

// problem makes the broken rule, with the schema's own sentence where it has one (x-error).
func (f finding) problem(text core.Text, params map[string]any) core.FieldError {
	if f.n != nil {
		f.n.overlay(func(m *node) bool {
			own, ok := m.ann.errors[f.keyword]
			if ok {
				text = own
			}
			return ok
		})
	}
	p := problem(f.pointer, f.keyword, text, params)
	p.Message = text.In("en")
	return p
}

func (f finding) missing() (found problems) {
	list, _ := f.n.raw["required"].([]any)
	m, _ := f.value.(map[string]any)
	for _, name := range stringsIn(list) {
		if _, has := m[name]; !has {
			found = append(found, f.missingMember(name, nil))
		}
	}
	return found
}

func (f finding) missingMember(name string, params map[string]any) core.FieldError {
	child := finding{n: f.n.member(name), keyword: f.keyword, pointer: f.pointer + jsondoc.Pointer(name)}
	return child.problem(sayRequired(child.label()), params)
}

// member finds the subschema of a property, wherever an object's schema declares it.
func (n *node) member(name string) (found *node) {
	for m := n; m != nil && found == nil; m = m.parent {
		m.overlay(func(o *node) bool {
			found = o.child("properties", name)
			return found != nil
		})
		if m.in == "properties" || m.in == "items" {
			break
		}
	}
	return found
}

// dependent tells of "dependentRequired/a/0": the member that must be there because another is.
func (f finding) dependent(keyword string) core.FieldError {
	parts := strings.Split(keyword, "/")
	rules, _ := f.n.raw["dependentRequired"].(map[string]any)
	if len(parts) == 3 {
		list, _ := rules[parts[1]].([]any)
		if i, err := strconv.Atoi(parts[2]); err == nil && i < len(list) {
			name, _ := list[i].(string)
			return f.missingMember(name, map[string]any{"with": parts[1]})
		}
	}
	return f.problem(sayDoesNotFit(f.label()), nil)
}

func (f finding) additional() (found problems) {
	m, _ := f.value.(map[string]any)
	known := propertyNames(f.n)
	for _, name := range sortedKeys(m) {
		if contains(known, name) || name == "_key" || f.n.matchesPattern(name) {
			continue
		}
		child := finding{n: f.n, keyword: f.keyword, pointer: f.pointer + jsondoc.Pointer(name)}
		found = append(found, child.problem(sayUnexpected(name, known), map[string]any{"property": name}))
	}
	return found
}

func (f finding) block() core.FieldError {
	b := f.n.blocks
	m, ok := f.value.(map[string]any)
	if !ok {
		f.keyword = "type"
		return f.problem(sayType(f.label(), []string{"object"}), nil)
	}
	f.keyword = "oneOf"
	f.pointer += jsondoc.Pointer(b.property)
	have, has := m[b.property]
	if !has {
		return f.problem(say("Dites de quel genre il s’agit (%s) : %s.", "Say which kind this is (%s): %s.", b.property, strings.Join(b.values, ", ")), map[string]any{"allowed": b.values})
	}
	name, _ := have.(string)
	text := say("Le genre « %s » est inconnu ; il y a : %s.", "The kind “%s” is unknown; there are: %s.", short(name), strings.Join(b.values, ", "))
	return f.problem(meant(text, name, b.values), map[string]any{"allowed": b.values})
}

// unescaped turns a location of the library into a JSON Pointer: it escapes names for URLs as well.
func unescaped(location string) string {
	if !strings.Contains(location, "%") {
		return location
	}
	if plain, err := url.PathUnescape(location); err == nil {
		return plain
	}
	return location
}

func split(pointer string) (parent, name string) {
	cut := strings.LastIndexByte(pointer, '/')
	if cut < 0 {
		return "", ""
	}
	return pointer[:cut], strings.NewReplacer("~1", "/", "~0", "~").Replace(pointer[cut+1:])
}

// valueAt finds a value by its JSON Pointer.
func valueAt(doc any, pointer string) any {
	if pointer == "" {
		return doc
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			doc = v[i]
		default:
			return nil
		}
	}
	return doc
}

func asNumber(v any) (json.Number, bool) {
	n, ok := v.(json.Number)
	return n, ok
}

// matchesPattern reports whether one of patternProperties is for a name.
func (n *node) matchesPattern(name string) bool {
	for _, p := range n.named["patternProperties"] {
		if re, err := regexp.Compile(p.name); err == nil && re.MatchString(name) {
			return true
		}
	}
	return false
}

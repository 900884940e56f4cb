package schema

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const (
	draft    = "https://json-schema.org/draft/2020-12/schema"
	maxCount = 1_000_000_000
)

var (
	propertyPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
	defsPattern     = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	typeNamePattern = regexp.MustCompile(`^_?[A-Za-z][A-Za-z0-9_-]{0,63}$`)
	typeNamesJSON   = []string{"string", "integer", "number", "boolean", "object", "array", "null"}
)

// check finds what is wrong with each subschema by itself, resolves references and reads annotations.
func (s *source) check() problems {
	var found problems
	for _, n := range s.nodes {
		s.checkNode(n, &found)
	}
	for _, n := range s.nodes {
		n.blocks = n.findBlocks()
		if n.ann.compute != nil && n.ann.unique && !s.lenient {
			found.add(n.pointer+"/x-unique", "x-unique", say("Un champ calculé ne garantit pas d’être unique.", "A computed field cannot promise to be unique."))
		}
	}
	return found
}

func (s *source) checkNode(n *node, found *problems) {
	for _, key := range s.keys(n) {
		k, known := keywords[key]
		if !known {
			s.checkUnknown(n, key, found)
			continue
		}
		if k.shape == shapeAnnotation {
			s.readAnnotation(n, key, k, found)
			continue
		}
		s.checkShape(n, key, k.shape, found)
	}
	checkNames(n, found)
	checkClosed(n, found)
}

func (s *source) checkUnknown(n *node, key string, found *problems) {
	annotates := strings.HasPrefix(key, "x-")
	if a := s.words.annotation(key); a != nil {
		s.use(n, a, found)
		return
	}
	if annotates && s.lenient {
		return
	}
	text := say("« %s » n’est pas un mot-clé connu.", "“%s” is no known keyword.", key)
	if annotates {
		text = say("L’annotation « %s » est inconnue.", "The annotation “%s” is unknown.", key)
	}
	found.add(n.pointer+jsondoc.Pointer(key), "unknown_keyword", meant(text, key, s.words.annotationNames()))
}

func (s *source) readAnnotation(n *node, key string, k keyword, found *problems) {
	r := &reader{s: s, n: n, name: key, found: found}
	if k.place == placeRoot && n != s.root {
		r.badAt("", sayAtRoot(key))
		return
	}
	if k.place == placeField && n == s.root {
		r.badAt("", sayOnField(key))
		return
	}
	k.read(r, n.raw[key])
}

func (s *source) checkShape(n *node, key string, want shape, found *problems) {
	at := n.pointer + "/" + strings.ReplaceAll(key, "~", "~0")
	switch want {
	case shapeReference:
		s.resolve(n, found)
	case shapeRefused:
		found.add(at, key, sayRefused(key))
	case shapePattern:
		p, fault := newPattern(n.raw[key], maxPatternSize)
		if n.pattern = p; fault != nil {
			found.add(at, key, fault)
		}
	case shapeFormat:
		s.checkFormat(n, at, found)
	default:
		if !fits(n.raw[key], want) {
			found.add(at, key, sayShape(key, want))
		}
	}
	if key == "$schema" {
		checkDraft(n.raw[key], at, found)
	}
	if key == "$id" && n != s.root {
		found.add(at, key, say("$id n’est admis qu’à la racine.", "$id is allowed at the root only."))
	}
}

func checkDraft(v any, at string, found *problems) {
	if s, ok := v.(string); ok && strings.TrimSuffix(s, "#") != draft {
		found.add(at, "$schema", say("Seul JSON Schema 2020-12 est admis : %s", "Only JSON Schema 2020-12 is accepted: %s", draft))
	}
}

// fits reports whether a keyword's value has its shape. Subschemas were looked at while the tree grew.
func fits(v any, want shape) bool {
	switch want {
	case shapeString:
		return isString(v)
	case shapeBool:
		return isBool(v)
	case shapeCount:
		return isWhole(v)
	case shapeNumber:
		_, ok := v.(json.Number)
		return ok
	case shapePositive:
		n, ok := v.(json.Number)
		f, err := n.Float64()
		return ok && err == nil && f > 0
	case shapeList:
		list, ok := v.([]any)
		return ok && len(list) > 0
	case shapeStrings:
		return isStrings(v)
	case shapeStringsMap:
		return isStringsMap(v)
	case shapeTypeNames:
		return isTypeNames(v)
	}
	return true
}

func isString(v any) bool {
	_, ok := v.(string)
	return ok
}

func isWhole(v any) bool {
	n, ok := v.(json.Number)
	i, err := strconv.Atoi(string(n))
	return ok && err == nil && i >= 0 && i <= maxCount
}

func isStrings(v any) bool {
	list, ok := v.([]any)
	return ok && len(stringsIn(list)) == len(list)
}

func isStringsMap(v any) bool {
	m, ok := v.(map[string]any)
	for _, list := range m {
		ok = ok && isStrings(list)
	}
	return ok
}

func isTypeNames(v any) bool {
	if list, ok := v.([]any); ok {
		for _, item := range list {
			if !isTypeNames(item) {
				return false
			}
		}
		return len(list) > 0
	}
	s, ok := v.(string)
	return ok && slices.Contains(typeNamesJSON, s)
}

func (s *source) checkFormat(n *node, at string, found *problems) {
	name, ok := n.raw["format"].(string)
	if !ok {
		found.add(at, "format", sayShape("format", shapeString))
		return
	}
	if n.format = s.words.format(name); n.format == nil && !knownFormat(name) && !s.lenient {
		text := say("Le format « %s » est inconnu.", "The format “%s” is unknown.", name)
		found.add(at, "format", meant(text, name, s.words.formatNames()))
	}
}

// resolve follows a $ref, inside the document only.
func (s *source) resolve(n *node, found *problems) {
	ref, ok := n.raw["$ref"].(string)
	at := n.pointer + "/$ref"
	if !ok || !strings.HasPrefix(ref, "#") {
		found.add(at, "$ref", say("$ref ne sort pas du schéma : écrivez #/$defs/NOM ; pour citer une entrée d’un autre type, x-ref.", "$ref does not leave the schema: write #/$defs/NAME; to refer to an entry of another type, x-ref."))
		return
	}
	pointer, err := url.PathUnescape(strings.TrimPrefix(ref, "#"))
	if target := s.byPointer[pointer]; err == nil && target != nil {
		n.ref = target
		return
	}
	text := say("« %s » ne mène à aucun schéma.", "“%s” leads to no schema.", ref)
	found.add(at, "$ref", meant(text, ref, s.definitions()))
}

func (s *source) definitions() []string {
	var names []string
	for _, n := range s.root.named["$defs"] {
		names = append(names, "#/$defs/"+n.name)
	}
	return names
}

func checkNames(n *node, found *problems) {
	for _, p := range n.named["properties"] {
		if !propertyPattern.MatchString(p.name) && (p.name != "_key" || n.parent == nil) {
			found.add(p.pointer, "properties", say("« %s » ne peut pas être le nom d’un champ : une lettre, puis des lettres, des chiffres, _ et - (64 au plus).", "“%s” cannot be the name of a field: a letter, then letters, digits, _ and - (64 at most).", p.name))
		}
	}
	for _, key := range []string{"$defs", "definitions"} {
		for _, d := range n.named[key] {
			if !defsPattern.MatchString(d.name) {
				found.add(d.pointer, key, say("« %s » ne peut pas être le nom d’une définition.", "“%s” cannot be the name of a definition.", d.name))
			}
		}
	}
	for _, p := range n.named["patternProperties"] {
		if _, fault := newPattern(p.name, maxNameSize); fault != nil {
			found.add(p.pointer, "patternProperties", fault)
		}
	}
	if len(n.named["patternProperties"]) > maxPatternNames {
		found.add(n.pointer+"/patternProperties", "patternProperties", say("Au plus %d modèles de noms.", "At most %d patterns of names.", maxPatternNames))
	}
}

// checkClosed finds required members that a closed object does not allow.
func checkClosed(n *node, found *problems) {
	extra := n.one["additionalProperties"]
	if extra == nil || extra.raw != nil || extra.always || n.ref != nil || len(n.named["patternProperties"]) > 0 {
		return
	}
	required, _ := n.raw["required"].([]any)
	for i, name := range stringsIn(required) {
		if n.child("properties", name) == nil {
			text := say("« %s » est obligatoire mais n’existe pas.", "“%s” is required but does not exist.", name)
			found.add(n.pointer+"/required/"+number(i), "required", meant(text, name, propertyNames(n)))
		}
	}
}

func propertyNames(n *node) []string {
	var names []string
	for _, p := range n.named["properties"] {
		names = append(names, p.name)
	}
	return names
}

func number(i int) string { return strconv.Itoa(i) }

// blocks is a oneOf whose branches are told apart by the value of one property.
type blocks struct {
	property string
	values   []string
	branches []*node
	without  *node // the only branch that may lack the property; nil when none or several may
}

// findBlocks recognises the property that tells the branches of a oneOf apart.
func (n *node) findBlocks() *blocks {
	branches := n.list["oneOf"]
	if len(branches) == 0 {
		return nil
	}
	for _, name := range append([]string{"type"}, branches[0].constants()...) {
		if b := blocksBy(name, branches); b != nil {
			return b
		}
	}
	return nil
}

// constants names the properties that a branch fixes.
func (n *node) constants() []string {
	var names []string
	n.overlay(func(m *node) bool {
		for _, p := range m.named["properties"] {
			if _, ok := p.constant(); ok {
				names = append(names, p.name)
			}
		}
		return false
	})
	return names
}

// constant gives the one text that a property may be.
func (n *node) constant() (string, bool) {
	if v, ok := n.lookup("const"); ok {
		s, isText := v.(string)
		return s, isText
	}
	if v, ok := n.lookup("enum"); ok {
		if list, _ := v.([]any); len(list) == 1 {
			s, isText := list[0].(string)
			return s, isText
		}
	}
	return "", false
}

func blocksBy(name string, branches []*node) *blocks {
	b := &blocks{property: name, branches: branches}
	lacking := 0
	for _, branch := range branches {
		value, ok := branch.fixes(name)
		if !ok || slices.Contains(b.values, value) {
			return nil
		}
		b.values = append(b.values, value)
		if !branch.requires(name) {
			lacking++
			b.without = branch
		}
	}
	if lacking != 1 {
		b.without = nil
	}
	return b
}

func (n *node) fixes(name string) (value string, ok bool) {
	if !n.only("object") && n.types() != nil {
		return "", false
	}
	n.overlay(func(m *node) bool {
		if p := m.child("properties", name); p != nil {
			value, ok = p.constant()
		}
		return ok
	})
	return value, ok
}

func (n *node) requires(name string) bool {
	return n.overlay(func(m *node) bool {
		list, _ := m.raw["required"].([]any)
		return slices.Contains(stringsIn(list), name)
	})
}

// branch finds the branch for a value; nil when there is none.
func (b *blocks) branch(v any) (int, *node) {
	m, _ := v.(map[string]any)
	have, has := m[b.property]
	for i, value := range b.values {
		if have == value || !has && b.branches[i] == b.without {
			return i, b.branches[i]
		}
	}
	return -1, nil
}

func sayNotASchema() core.Text {
	return say("Un schéma est un objet, ou true ou false.", "A schema is an object, or true or false.")
}

func tooManySubschemas(int) core.FieldError {
	return problem("", "cost", say("Le schéma a plus de %d sous-schémas ; simplifiez-le.", "The schema has more than %d subschemas; make it simpler.", maxSubschemas), nil)
}

func sayRefused(key string) core.Text {
	switch key {
	case "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor":
		return say("%s n’est pas admis ; employez $ref avec #/$defs/NOM.", "%s is not accepted; use $ref with #/$defs/NAME.", key)
	case "dependencies":
		return say("%s est d’un ancien JSON Schema ; employez dependentRequired ou dependentSchemas.", "%s is of an older JSON Schema; use dependentRequired or dependentSchemas.", key)
	case "additionalItems":
		return say("%s est d’un ancien JSON Schema ; employez prefixItems et items.", "%s is of an older JSON Schema; use prefixItems and items.", key)
	default:
		return say("%s n’est pas admis dans un type de contenu.", "%s is not accepted in a content type.", key)
	}
}

func sayShape(key string, want shape) core.Text {
	switch want {
	case shapeSchemaList:
		return say("%s est une liste de schémas qui n’est pas vide.", "%s is a list of schemas that is not empty.", key)
	case shapeSchemaMap:
		return say("%s est un objet dont chaque membre est un schéma.", "%s is an object whose members are schemas.", key)
	case shapeString:
		return say("%s est un texte.", "%s is a text.", key)
	case shapeBool:
		return say("%s vaut true ou false.", "%s is true or false.", key)
	case shapeCount:
		return say("%s est un nombre entier à partir de zéro.", "%s is a whole number from zero.", key)
	case shapeNumber:
		return say("%s est un nombre.", "%s is a number.", key)
	case shapePositive:
		return say("%s est un nombre plus grand que zéro.", "%s is a number greater than zero.", key)
	case shapeList:
		return say("%s est une liste qui n’est pas vide.", "%s is a list that is not empty.", key)
	case shapeStrings:
		return say("%s est une liste de noms.", "%s is a list of names.", key)
	case shapeStringsMap:
		return say("%s est un objet dont chaque membre est une liste de noms.", "%s is an object whose members are lists of names.", key)
	case shapeTypeNames:
		return say("%s est l’un de : %s (ou une liste de ceux-ci).", "%s is one of: %s (or a list of them).", key, strings.Join(typeNamesJSON, ", "))
	default:
		return sayNotASchema()
	}
}

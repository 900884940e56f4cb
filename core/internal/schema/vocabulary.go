package schema

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Vocabulary is what plugins add to the words of schemas, ready to compile with. It is filled before the first schema is
// compiled, and never changed after. A nil Vocabulary adds nothing.
type Vocabulary struct {
	annotations  map[string]*annotation
	formats      map[string]*core.Format
	computations map[string]*computation
}

// annotation is an annotation with the judge of what stands behind it; nil takes anything.
type annotation struct {
	core.Annotation
	value core.Validator
}

// computation likewise.
type computation struct {
	core.Computation
	with core.Validator
}

// annotationUse is an annotation on one subschema.
type annotationUse struct {
	*annotation
	rule any
}

var (
	annotationPattern = regexp.MustCompile(`^x(-[a-z][a-z0-9]*){2,}$`)
	formatPattern     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
)

// Add takes in what one plugin brings: all of it, or with an error nothing.
func (v *Vocabulary) Add(words core.Vocabulary) error {
	next := Vocabulary{maps.Clone(v.annotations), maps.Clone(v.formats), maps.Clone(v.computations)}
	for _, a := range words.Annotations {
		value, err := compileValue(a.Name, a.Value)
		if err == nil {
			_, own := keywords[a.Name]
			err = put(&next.annotations, a.Name, &annotation{a, value}, annotationPattern.MatchString(a.Name) && !own,
				"the annotation %q cannot be added: its name begins with x- and the author's name, like x-acme-tone, and is not taken")
		}
		if err != nil {
			return err
		}
	}
	for _, f := range words.Formats {
		if err := put(&next.formats, f.Name, &f, formatPattern.MatchString(f.Name) && !knownFormat(f.Name) && f.Valid != nil,
			"the format %q cannot be added: its name is in lower case, like isbn, and is not taken, and it has a function"); err != nil {
			return err
		}
	}
	for _, c := range words.Computations {
		with, err := compileValue(c.Name, c.With)
		if err == nil {
			err = put(&next.computations, c.Name, &computation{c, with}, c.Name != "" && c.Compute != nil,
				"the computation %q cannot be added: it has a name that is not taken, and a function")
		}
		if err != nil {
			return err
		}
	}
	*v = next
	return nil
}

func put[W any](words *map[string]W, name string, w W, right bool, complaint string) error {
	if _, taken := (*words)[name]; taken || !right {
		return core.Errorf(core.CodeInvalid, complaint, name)
	}
	if *words == nil {
		*words = map[string]W{}
	}
	(*words)[name] = w
	return nil
}

// valueMember is the member of the document that a judged value is put into.
const valueMember = "value"

// compileValue compiles the schema of a value that is no document; nil for none.
func compileValue(name string, schema json.RawMessage) (core.Validator, error) {
	if schema == nil {
		return nil, nil
	}
	value, err := jsondoc.Parse(schema)
	if err != nil {
		return nil, core.Errorf(core.CodeInvalid, "the schema of %s is not JSON: %w", name, err)
	}
	text := jsondoc.Encode(map[string]any{"title": name, "type": "object", "x-type": map[string]any{"name": "judged", "slug": false},
		"properties": map[string]any{valueMember: value}, "required": []any{valueMember}})
	t, err := new(Compiler).Compile(context.Background(), text)
	if err != nil {
		return nil, core.Errorf(core.CodeInvalid, "the schema of %s: %w", name, err)
	}
	return t.Validator, nil
}

// judged adds what is wrong with a value under its pointer.
func judged(v core.Validator, value any, pointer, keyword string, found *problems) {
	if v == nil {
		return
	}
	for _, wrong := range v.Validate(map[string]any{valueMember: value}) {
		found.add(pointer+strings.TrimPrefix(wrong.Pointer, "/"+valueMember), keyword, wrong.Texts)
	}
}

func (v *Vocabulary) annotation(name string) *annotation {
	if v == nil {
		return nil
	}
	return v.annotations[name]
}

func (v *Vocabulary) format(name string) *core.Format {
	if v == nil {
		return nil
	}
	return v.formats[name]
}

func (v *Vocabulary) computation(name string) *computation {
	if v == nil {
		return nil
	}
	return v.computations[name]
}

// annotationNames, formatNames and computationNames list what can be written, for the nearest to a misspelt one.
func (v *Vocabulary) annotationNames() []string {
	if v == nil {
		return keywordNames()
	}
	return slices.AppendSeq(keywordNames(), maps.Keys(v.annotations))
}

func (v *Vocabulary) formatNames() []string {
	if v == nil {
		return formatNames()
	}
	return slices.Sorted(slices.Values(slices.AppendSeq(formatNames(), maps.Keys(v.formats))))
}

func (v *Vocabulary) computationNames() []string {
	if v == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(v.computations))
}

// use reads a plugin's annotation on a subschema.
func (s *source) use(n *node, a *annotation, found *problems) {
	var wrong problems
	at := n.pointer + jsondoc.Pointer(a.Name)
	switch {
	case a.OnType && n != s.root:
		wrong.add(at, a.Name, sayAtRoot(a.Name))
	case !a.OnType && n == s.root:
		wrong.add(at, a.Name, sayOnField(a.Name))
	default:
		judged(a.value, n.raw[a.Name], at, a.Name, &wrong)
	}
	if len(wrong) == 0 {
		n.uses = append(n.uses, annotationUse{a, n.raw[a.Name]})
	} else if !s.lenient { // stored under an earlier version of the plugin: it stands there, and means nothing
		*found = append(*found, wrong...)
	}
}

// checks reports whether values are judged by the annotation.
func (u annotationUse) checks() bool { return u.Check != nil }

// check says what is wrong with a value under a plugin's annotation.
func (u *annotationUse) check(v any) core.Text {
	if u.Check == nil {
		return nil
	}
	return u.Check(u.rule, v)
}

// rules gives the plugins' annotations of a subschema and of what it refers to, by name; nil for none.
func (n *node) rules() (rules map[string]any) {
	n.overlay(func(m *node) bool {
		for _, u := range m.uses {
			if rules == nil {
				rules = map[string]any{}
			}
			if _, said := rules[u.Name]; !said {
				rules[u.Name] = u.rule
			}
		}
		return false
	})
	return rules
}

// readComputed reads how a field is computed: true where a plugin's handlers fill it in, an expression, or which of a plugin's
// functions does it.
func readComputed(r *reader, v any) {
	if r.s.lenient { // stored under an earlier version of Palabre or of a plugin: nobody fills it in, and nothing else changes
		strict := *r
		strict.found = &problems{}
		r = &strict
		defer func() {
			if by := r.n.ann.compute; len(*strict.found) > 0 {
				r.n.ann.computed, r.n.ann.compute = true, nil
				if m, is := v.(map[string]any); is && by != nil && r.n.steps() != nil {
					r.n.ann.compute = absent(jsondoc.Text(m, "by"))
				}
			}
		}()
	}
	switch v := v.(type) {
	case bool:
		r.n.ann.computed = v
	case string:
		r.n.ann.computed = true
		r.expression(v)
	case map[string]any:
		r.n.ann.computed = true
		r.computation(v)
	default:
		r.bad(`x-computed vaut true, une expression, ou {"by": "…", "with": …}.`, `x-computed is true, an expression, or {"by": "…", "with": …}.`)
	}
}

func (r *reader) expression(text string) {
	rule, used, wrong := newExpression(text, propertyNames(r.s.root))
	if wrong != nil {
		r.badAt("", wrong)
	}
	r.standsAlone()
	r.n.ann.compute, r.n.ann.madeFrom = rule, used
}

// standsAlone wants a computed field to be one of its own.
func (r *reader) standsAlone() {
	if r.n.steps() == nil {
		r.badAt("", say("Un champ calculé n’est pas une partie des éléments d’une liste.", "A computed field is no part of the items of a list."))
	}
}

// absent stands for a function whose plugin is not there: what it has computed stays, and is known to have been.
func absent(name string) *core.ComputeRule {
	return &core.ComputeRule{Computation: &core.Computation{Name: name, Ready: func() bool { return false },
		Compute: func(context.Context, core.Computing) (any, error) {
			return nil, core.Errorf(core.CodeUnavailable, "nobody computes %s", name)
		}}}
}

func (r *reader) computation(m map[string]any) {
	name, _ := m["by"].(string)
	c := r.s.words.computation(name)
	if c == nil {
		text := say("Aucune extension ne calcule « %s ».", "No plugin computes “%s”.", short(name))
		r.badAt("/by", meant(text, name, r.s.words.computationNames()))
		r.n.ann.compute = absent(name)
		return
	}
	for member := range m {
		if member != "by" && (member != "with" || c.with == nil) {
			r.badAt(jsondoc.Pointer(member), say("« %s » n’a pas sa place ici ; retirez-le.", "“%s” has no place here; take it out.", short(member)))
		}
	}
	r.standsAlone()
	with, given := m["with"]
	if given || c.with != nil {
		judged(c.with, with, r.n.pointer+"/"+r.name+"/with", r.name, r.found)
	}
	r.n.ann.compute = &core.ComputeRule{Computation: &c.Computation, With: with}
}

// madeFrom is a field with an expression, and the fields that it names.
type madeFrom struct {
	path string
	n    *node
	from []string
}

// maxComputed is how many fields of a type may be computed: each write computes all of them, in every language.
const maxComputed = 20

// checkComputed bounds the computed fields, and wants one that is made from what is private to say whether it is private itself.
func (s *source) checkComputed(fields []core.Field, found *problems) {
	if s.lenient {
		return
	}
	computed := 0
	for i := range fields {
		if fields[i].Compute != nil {
			computed++
		}
	}
	if computed > maxComputed {
		found.add("/properties", "x-computed", say("Un type a au plus %d champs calculés.", "A type has at most %d computed fields.", maxComputed))
	}
	for _, m := range s.madeFrom {
		if _, says := m.n.raw["x-private"]; says {
			continue
		}
		for i := range fields {
			f := &fields[i]
			if f.Private && slices.ContainsFunc(m.from, func(name string) bool { return f.Path == name || strings.HasPrefix(f.Path, name+".") }) {
				found.add(m.n.pointer+"/x-computed", "x-private", say("« %s » n’est pas public : dites si ce qui en est calculé l’est (\"x-private\": true ou false).",
					"“%s” is not public: say whether what is computed from it is (\"x-private\": true or false).", f.Path))
				break
			}
		}
	}
}

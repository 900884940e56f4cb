package schema

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

// Compiler turns JSON Schemas into types. The zero Compiler works; it may be used by many goroutines at once.
type Compiler struct {
	// Words are what plugins add to those known here; nil for nothing.
	Words *Vocabulary
	// Lenient passes over annotations, formats and computations that nobody knows: for types that are stored, whose plugin may have
	// gone from this binary. Their content stays what it is.
	Lenient bool
}

var _ core.Compiler = (*Compiler)(nil)

// Compile implements core.Compiler.
func (c *Compiler) Compile(ctx context.Context, text []byte) (*core.Type, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, found, err := parse(text)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		s.words, s.lenient = c.Words, c.Lenient
		found = s.check()
	}
	if len(found) == 0 {
		found = s.checkRoot()
	}
	if len(found) == 0 {
		found = s.checkCost()
	}
	if len(found) > 0 {
		return nil, refused(found)
	}
	return s.compile(text)
}

// compile makes the type of a checked schema.
func (s *source) compile(text []byte) (*core.Type, error) {
	var found problems
	i := s.info(&found)
	i.heading()
	i.slug()
	i.t.Fields = s.listFields(&found)
	i.fieldsNamed()
	s.checkComputed(i.t.Fields, &found)
	if len(found) > 0 {
		return nil, refused(found)
	}
	e, found, err := newEngine(s, false)
	if err != nil {
		return nil, err
	}
	if found = append(found, s.checkDefaults(e)...); len(found) > 0 {
		return nil, refused(found)
	}
	i.t.Annotations = s.root.rules()
	i.t.Schema = slices.Clone(core.Doc(text))
	i.t.Hash = hash(text)
	i.t.Validator = newValidator(s, e, i.t)
	return core.NewType(*i.t), nil
}

// hash is of the schema's text without its white space: the order of its members counts.
func hash(text []byte) string {
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil { // it was read before
		compact.Write(text)
	}
	sum := sha256.Sum256(compact.Bytes())
	return hex.EncodeToString(sum[:])
}

// checkRoot wants a type to be an object with properties.
func (s *source) checkRoot() (found problems) {
	if t := s.root.types(); t != nil && !slices.Equal(t, []string{"object"}) {
		found.add("/type", "type", say("Un type de contenu est un objet : \"type\": \"object\".", "A content type is an object: \"type\": \"object\"."))
	}
	if len(s.root.properties()) == 0 {
		found.add("/properties", "properties", say("Un type de contenu a au moins un champ dans properties.", "A content type has at least one field in properties."))
	}
	return found
}

// checkDefaults refuses a default that its own field would not accept.
func (s *source) checkDefaults(e *engine) (found problems) {
	for _, n := range s.nodes {
		value, has := n.raw["default"]
		if !has || n.in != "properties" {
			continue
		}
		var l load
		l.add(value)
		if path := n.steps(); path != nil && (l.values*s.width() > lightWork || !e.accepts(path, value)) {
			found.add(n.pointer+"/default", "default", say("La valeur par défaut n’est pas une valeur possible de ce champ.", "The default is not a possible value of this field."))
		}
	}
	return found
}

// steps are the names of the properties that lead from the root to one; nil when there is another way.
func (n *node) steps() []string {
	var names []string
	for m := n; m.parent != nil; m = m.parent {
		if m.in != "properties" {
			return nil
		}
		names = append([]string{m.name}, names...)
	}
	return names
}

func refused(found problems) error {
	return &core.Error{Op: "schema.Compile", Code: core.CodeInvalid, Message: "The schema is not a valid content type.",
		Texts: core.Text{"en": "The schema is not a valid content type.", "fr": "Le schéma n’est pas celui d’un type de contenu."}, Fields: found.sorted()}
}

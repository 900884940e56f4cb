package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Mapping turns the names and values of a foreign file into those of a type. It is a YAML (or JSON) file:
//
//	type: fiche
//	fields:                        # the file's name: the field, or "" to leave it out
//	  Intitulé: title
//	  Code INSEE: commune.code
//	  Remarques: ""
//	values:                        # field: {what the file says: the value}
//	  practice:
//	    Budget Participatif: budget-participatif
//	    BP: budget-participatif
//	defaults:                      # field: the value of a line that has none
//	  region: "44"
//	separators:                    # field: what joins a list in a cell, instead of |
//	  tags: ","
//
// What the file says is compared without regard to case, accents and repeated blanks.
type Mapping struct {
	Type       core.TypeName             `yaml:"type"`
	Fields     map[string]string         `yaml:"fields"`
	Values     map[string]map[string]any `yaml:"values"`
	Defaults   map[string]any            `yaml:"defaults"`
	Separators map[string]string         `yaml:"separators"`

	fields map[string]string
	values map[string]map[string]any
}

// ParseMapping reads a mapping file. An unknown key is an error that names its line.
func ParseMapping(data []byte) (*Mapping, error) {
	m := &Mapping{}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(m); err != nil && !errors.Is(err, io.EOF) {
		return nil, core.Errorf(core.CodeBadRequest, "The mapping cannot be used: %s", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return m, m.prepare()
}

// prepare folds the names, and writes the values as a document would hold them.
func (m *Mapping) prepare() error {
	m.fields = make(map[string]string, len(m.Fields))
	for from, to := range m.Fields {
		m.fields[fold(from)] = to
	}
	m.values = make(map[string]map[string]any, len(m.Values))
	for field, values := range m.Values {
		m.values[field] = make(map[string]any, len(values))
		for from, to := range values {
			v, err := documentValue(to)
			if err != nil {
				return err
			}
			m.values[field][fold(from)] = v
		}
	}
	for field, v := range m.Defaults {
		v, err := documentValue(v)
		if err != nil {
			return err
		}
		m.Defaults[field] = v
	}
	return nil
}

func documentValue(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, core.Errorf(core.CodeBadRequest, "The mapping holds a value that no document can: %v.", v)
	}
	return jsondoc.Parse(text)
}

// field gives the field that a name of the file stands for; false when it is left out.
func (m *Mapping) field(name string) (string, bool) {
	if m == nil {
		return name, true
	}
	to, ok := m.fields[fold(name)]
	if !ok {
		return name, true
	}
	return to, to != ""
}

func (m *Mapping) separator(field string) string {
	if m != nil && m.Separators[field] != "" {
		return m.Separators[field]
	}
	return listSeparator
}

// apply maps the values of a document and fills in what it lacks.
func (m *Mapping) apply(doc map[string]any) {
	if m == nil {
		return
	}
	for field, aliases := range m.values {
		if v, ok := jsondoc.Lookup(doc, field); ok {
			jsondoc.Set(doc, field, replace(v, aliases))
		}
	}
	for field, v := range m.Defaults {
		if have, ok := jsondoc.Lookup(doc, field); !ok || have == nil {
			jsondoc.Set(doc, field, jsondoc.Clone(v))
		}
	}
}

// replace gives the value that an alias stands for, inside lists too.
func replace(v any, aliases map[string]any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = replace(item, aliases)
		}
		return out
	case string, json.Number, bool:
		if to, ok := aliases[fold(fmt.Sprint(v))]; ok {
			return jsondoc.Clone(to)
		}
	}
	return v
}

// rename moves a document's top-level members to the fields that the mapping names.
func (m *Mapping) rename(doc map[string]any) map[string]any {
	if m == nil || len(m.fields) == 0 {
		return doc
	}
	out := make(map[string]any, len(doc))
	for name, v := range doc {
		if to, keep := m.field(name); keep {
			jsondoc.Set(out, to, v)
		}
	}
	return out
}

// fold writes text as it is compared: lower case, without accents, single blanks.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

package core

import (
	"context"
	"encoding/json"
)

// Vocabulary is what plugins add to the words of schemas.
type Vocabulary struct {
	Annotations  []Annotation
	Formats      []Format
	Computations []Computation
}

// Annotation is a name beginning with "x-" that schemas may hold. Types carry its values: see Field.Annotations.
type Annotation struct {
	Name   string // "x-acme-tone"; none that Palabre itself has
	OnType bool   // it stands at the root of a schema; otherwise on a field
	// Value is the JSON Schema of what stands behind the name; nil takes anything.
	Value json.RawMessage
	// Check judges the values of a field that is so annotated: nil, or a sentence on what is wrong. rule is what stands behind the
	// name; numbers are json.Number. It may be nil, and is asked for every value of every document: it has to be quick.
	Check func(rule, value any) Text
}

// Format is a value of the keyword "format".
type Format struct {
	Name  string // "isbn"; none that Palabre itself has
	Wants Text   // what a value must be, to end the sentence "“Field” must be …": "an ISBN, like 978-2-1234-5680-3"
	Valid func(text string) bool
}

// Computation fills fields: a schema names it with "x-computed": {"by": NAME, "with": …}.
type Computation struct {
	Name    string // "dev.acme.words/reading-time"
	Version int    // with another one, what was computed before is computed anew
	// With is the JSON Schema of what a field gives along; nil for nothing.
	With json.RawMessage
	// Ready reports whether the plugin is on: while it is not, fields stay as they are. nil is always.
	Ready func() bool
	// Compute gives the field's value, nil for none. It depends on nothing but its input.
	Compute func(ctx context.Context, c Computing) (value any, err error)
}

// Computing is what a computed field is made from.
type Computing struct {
	Type   TypeName
	ID     EntryID
	Field  string         // its path
	Locale Locale         // the language of Doc
	Doc    map[string]any // a copy, without the field itself
	With   any            // as the schema has it
}

// ComputeRule says how a field is computed.
type ComputeRule struct {
	*Computation
	With any
}

// PluginFault is what code of a plugin panics with when it fails in the middle of something that knows no errors, as the
// judgement of a value: whoever called catches it there.
type PluginFault struct {
	Plugin, Where string
	Err           error
}

func (f *PluginFault) Error() string {
	return "plugin " + f.Plugin + ": " + f.Where + ": " + f.Err.Error()
}

func (f *PluginFault) Unwrap() error { return f.Err }

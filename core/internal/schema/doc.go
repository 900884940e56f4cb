// Package schema turns JSON Schemas (draft 2020-12) into content types: it reads them strictly, checks their
// annotations, compiles them, and validates documents.
//
// # A schema's way
//
//	source.go       strict decoding, the order of members, the tree of subschemas
//	keywords.go     the keywords and annotations that are known, and the shape of each
//	check.go        what is wrong with a tree: shapes, places, references, patterns, names
//	cost.go         what a tree can cost at validation: doubled references and branching recursion are refused
//	typeinfo.go     x-type, and what follows from it
//	workflow.go     x-type.workflow
//	fields.go       the flat list of addressable fields
//	engine.go       the one place that knows github.com/santhosh-tekuri/jsonschema: the compiled validator
//	special.go      the shapes of x-geo, x-ref, x-media values
//	richtext.go     the shape of x-richtext values
//	formats.go      the formats that are asserted
//	validate.go     core.Validator: whole documents and their translations
//	explain.go      from the engine's findings to one sentence per broken rule
//	messages.go     the sentences, in French and English
//	encode.go       documents as text, keys in the schema's order
//	visible.go      a schema with what a caller may not read taken out
//	typescript.go   types as TypeScript
//
// # Promises
//
// Nothing is ever loaded: a $ref stays inside its document. A schema that could make validation explode is refused when
// it is compiled; a document that takes longer than the budget is refused when it is validated. A wrong annotation
// is an error with a pointer, never silence.
package schema

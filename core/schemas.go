package core

import "context"

// Compiler turns a JSON Schema into a Type.
type Compiler interface {
	// Compile refuses a wrong annotation, an unsafe reference or a schema over its cost budget with CodeInvalid and a pointer
	// to each place.
	Compile(ctx context.Context, schema []byte) (*Type, error)
}

// SchemaChanges reviews and applies changes of content types.
type SchemaChanges interface {
	// Check runs a proposed schema over every stored entry and changes nothing.
	Check(ctx context.Context, who *Principal, name TypeName, schema []byte, repairs []Repair) (*Review, error)
	// Apply reviews and then migrates every entry and the type itself, in a series of commits that a restart resumes.
	// CodeConflict, with the Review as Extra "review", where breakage is left that no repair covers.
	Apply(ctx context.Context, who *Principal, name TypeName, schema []byte, repairs []Repair) (*Review, error)
}

// Review is what a schema change would do.
type Review struct {
	Type     TypeName      `json:"type"`
	New      bool          `json:"new"`     // there is no such type yet
	Same     bool          `json:"same"`    // nothing differs
	Changes  []FieldChange `json:"changes"` // by the schema alone
	Entries  int           `json:"entries"` // how many were looked at, trash included
	Breaking int           `json:"breaking"`
	Failures []Failure     `json:"failures"` // the first ones
	Repairs  []Repair      `json:"repairs"`  // proposed: take, change or leave each
	Inverse  []Repair      `json:"inverse,omitempty"`
}

// FieldChange is one difference between two versions of a type.
type FieldChange struct {
	Kind   string `json:"kind"` // added, removed, renamed, retyped, tightened, loosened, annotated
	Path   string `json:"path"`
	From   string `json:"from,omitempty"` // renamed: the old path; retyped: the old kind
	To     string `json:"to,omitempty"`
	Detail string `json:"detail,omitempty"` // the keyword that moved
}

// Failure is an entry that breaks under the proposed schema.
type Failure struct {
	ID     EntryID      `json:"id"`
	In     State        `json:"in"`
	Errors []FieldError `json:"errors"`
}

// Repair is what to do about a breaking change.
type Repair struct {
	Kind  string `json:"kind"` // fill, rename, convert, drop
	Path  string `json:"path"`
	To    string `json:"to,omitempty"`    // rename: the new path; convert: the new kind
	Value any    `json:"value,omitempty"` // fill: the value
	Count int    `json:"count,omitempty"` // in a Review: how many entries it helps
}

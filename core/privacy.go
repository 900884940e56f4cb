package core

import (
	"context"
	"time"
)

// Privacy looks after personal data (x-personal): the register of processing, what is kept about somebody, erasure and
// retention. Every method but Register and Resume leaves a line in the audit. Rights are those on the system type
// _erasure: read for the register and a search, export for an export, create for an erasure or a sweep.
type Privacy interface {
	// Register lists the processing of personal data that the content types declare.
	Register(ctx context.Context, who *Principal) ([]Processing, error)
	// Find looks for somebody in the personal fields of all types, drafts, published and trash, past revisions included.
	Find(ctx context.Context, who *Principal, q SubjectQuery) (*SubjectReport, error)
	// Export gives everything that Find finds, whole, as one JSON document.
	Export(ctx context.Context, who *Principal, q SubjectQuery) (Doc, error)
	// Erase takes personal data out of entries, of their past, of the catalog and of the mirror. DryRun tells what would be
	// done. An erasure that was interrupted goes on at the next start.
	Erase(ctx context.Context, who *Principal, r Erasure) (*ErasureReport, error)
	// Retention finds what has been kept for longer than its x-personal.keep and, unless dryRun, erases it.
	Retention(ctx context.Context, who *Principal, dryRun bool) (*RetentionReport, error)
	// Resume finishes the erasures that were interrupted.
	Resume(ctx context.Context) error
}

// Processing is one line of the register: a purpose for which fields of a type hold data of a kind of people.
type Processing struct {
	Type    TypeName `json:"type"`
	Label   Text     `json:"label"` // of the type
	Subject string   `json:"subject"`
	Purpose string   `json:"purpose"`
	Basis   string   `json:"basis"`
	Keep    string   `json:"keep,omitempty"` // ISO 8601 duration
	Class   string   `json:"class"`
	Fields  []string `json:"fields"`
	Labels  []Text   `json:"labels"`  // of the fields
	Entries int      `json:"entries"` // that hold any of it
}

// SubjectQuery says whom to look for.
type SubjectQuery struct {
	Text  string     // a name, an address, a number: compared without regard to case and accents
	Types []TypeName // nil for all
}

// SubjectReport is what is kept about somebody.
type SubjectReport struct {
	Found    []SubjectEntry `json:"found"`
	Mentions []SubjectEntry `json:"mentions"`       // in fields that are not declared personal: to be looked at by a person
	More     bool           `json:"more,omitempty"` // there are more than are listed: look for something longer
}

// SubjectEntry is an entry that holds data of a subject.
type SubjectEntry struct {
	Type   TypeName `json:"type"`
	ID     EntryID  `json:"id"`
	Title  string   `json:"title"`
	Fields []string `json:"fields"`
	In     []string `json:"in"` // "draft", "published", "trash", "history"
	// Past says where earlier versions mention the subject, oldest first: what an editor changes now does not change those.
	Past     []PastPlace `json:"past,omitempty"`
	MorePast bool        `json:"morePast,omitempty"` // there are more such places than are listed
}

// PastPlace is a place in the history of an entry.
type PastPlace struct {
	Rev      int64    `json:"rev"`      // the version
	Position Position `json:"position"` // of the commit that holds it
	Pointer  string   `json:"pointer"`  // into the version's document; "/_comment" is the remark that came with it, "/_slugs" its former addresses
}

// Erasure says what to erase.
type Erasure struct {
	Entries []ErasureEntry `json:"entries"`
	Reason  string         `json:"reason"`
	DryRun  bool           `json:"dryRun,omitempty"`
}

// ErasureEntry is an entry to erase personal data of.
type ErasureEntry struct {
	Type TypeName `json:"type"`
	ID   EntryID  `json:"id"`
	// Fields to erase, of the entry and of its past; nil for all that are declared personal. "_comment" are the remarks that
	// came with its changes.
	Fields []string `json:"fields,omitempty"`
	// Purge takes the whole entry away instead, with its past.
	Purge bool `json:"purge,omitempty"`
	// Past takes the fields out of earlier versions only: what stands now, and has been put right, stays.
	Past bool `json:"past,omitempty"`
}

// ErasureReport is what an erasure did, or would do. It holds no personal data.
type ErasureReport struct {
	ID       EntryID         `json:"_id,omitempty"` // of the entry of _erasure that records it
	DryRun   bool            `json:"dryRun"`
	Entries  []ErasureEntry  `json:"entries"`
	Replaced []ReplacedField `json:"replaced"` // what must have a value and got one that names nobody
	Refused  []Failure       `json:"refused"`  // entries that would not fit their type without it, and were left
	Commits  int             `json:"commits"`  // of the past, that were rewritten
	Position Position        `json:"position,omitempty"`
}

// ReplacedField is a field that could not be left empty.
type ReplacedField struct {
	Type  TypeName `json:"type"`
	ID    EntryID  `json:"id"`
	Field string   `json:"field"`
}

// RetentionReport is what was kept for too long.
type RetentionReport struct {
	DryRun  bool           `json:"dryRun"`
	At      time.Time      `json:"at"`
	Due     []RetentionDue `json:"due"`
	Erasure *ErasureReport `json:"erasure,omitempty"` // nil for a dry run, and where nothing was due
}

// RetentionDue is one entry whose time is over.
type RetentionDue struct {
	Type   TypeName  `json:"type"`
	ID     EntryID   `json:"id"`
	Fields []string  `json:"fields"`
	Since  time.Time `json:"since"` // when the time was over
}

package core

import (
	"context"
	"time"
)

// Content is the write path: the only way in which an entry changes.
type Content interface {
	// Write performs operations. Without Partial they are one commit, all or nothing, and the error says which
	// operation failed (Extra "operation": its index). With Partial each stands alone: Result.Items carries its error.
	Write(ctx context.Context, who *Principal, ops []Operation, o WriteOptions) (*Result, error)
	// Revision gives an entry as it was at a revision.
	Revision(ctx context.Context, name TypeName, id EntryID, rev int64) (*Entry, error)
	// Ready reports whether writes work: nil, or CodeUnavailable.
	Ready() error
}

// OperationKind is what an operation does.
type OperationKind string

const (
	OperationCreate     OperationKind = "create"
	OperationUpdate     OperationKind = "update"  // a JSON Merge Patch (RFC 7396) on the latest document
	OperationReplace    OperationKind = "replace" // the whole latest document
	OperationTransition OperationKind = "transition"
	OperationDelete     OperationKind = "delete" // to the trash
	OperationPurge      OperationKind = "purge"
	OperationRestore    OperationKind = "restore" // out of the trash, or, with Rev, the document of that revision becomes the draft
	OperationUpsert     OperationKind = "upsert"  // update the entry whose Match field has Data's value, else create
	// OperationErase puts Migrate's documents, slugs and all, in the place of those that hold personal data; OperationRedact
	// records that the entry's past was rewritten; OperationReassign makes the entry Owner's. Only the system may.
	OperationErase    OperationKind = "erase"
	OperationRedact   OperationKind = "redact"
	OperationReassign OperationKind = "reassign"
)

// Operation is one wanted change.
type Operation struct {
	Op         OperationKind
	Type       TypeName
	ID         EntryID        // of the entry; for create, "" makes one
	IfMatch    int64          // the revision that the entry must have; 0 for any
	Data       map[string]any // fields; numbers are json.Number
	Locale     Locale         // the language that Data's localised fields are in; "" is the entry's own
	Publish    bool           // create, update, replace, upsert: publish in the same step
	Transition string
	At         *time.Time // transition: schedule it
	Rev        int64      // restore: from which revision
	Match      string     // upsert: a unique field
	Comment    string
	// Migrate puts Draft and Published as they are, for schema changes. Only the system may.
	Migrate *Migrated
	Owner   string // reassign: the ID of the principal who is to be its author
	// Fill is laid over Data, as a merge patch: fields that callers do not set themselves, as the hash of a token. Whoever
	// makes operations of requests leaves it empty.
	Fill map[string]any
}

// Action is the intent that the operation's change records, and the right that it needs; of an upsert those of the update
// that it is where there is such an entry.
func (op *Operation) Action() Action {
	switch {
	case op.Op == OperationErase:
		return ActionErase
	case op.Op == OperationRedact:
		return ActionRedact
	case op.Migrate != nil:
		return ActionMigrate
	}
	switch op.Op {
	case OperationCreate:
		return ActionCreate
	case OperationTransition:
		if op.At != nil || op.Transition == Unschedule {
			return ActionSchedule // nothing has moved yet
		}
		return Action(op.Transition)
	case OperationDelete:
		return ActionDelete
	case OperationPurge:
		return ActionPurge
	case OperationRestore:
		return ActionRestore
	case OperationReassign:
		return ActionReassign
	default:
		return ActionUpdate
	}
}

// Migrated is a rewritten pair of documents.
type Migrated struct {
	// For is the Hash of the type that the documents were made for: with it, they are stale where the type has moved, or where
	// something has become due that made other documents of the entry. "" takes them as they are.
	For              string
	Draft, Published Doc
	Slugs            []string // OperationErase: the former slugs that may go on finding the entry
}

// WriteOptions go with a Write.
type WriteOptions struct {
	Reason  string // of the commit; by default the first operation's action
	Key     *Key   // the request's idempotency key: a second Write with it gives the first one's Result, Replayed
	Partial bool
	DryRun  bool // everything but the commit
	// RequireMatch refuses changes without IfMatch (CodePrecondition), as for callers with a session.
	RequireMatch bool
}

// Result is what a Write did.
type Result struct {
	Position Position // of the commit; with Partial, of the last one
	Replayed bool     // an earlier request with this key did it
	Items    []ResultItem
}

// ResultItem is what became of one operation.
type ResultItem struct {
	Entry   *Entry // the state after it; nil when purged or failed
	Type    TypeName
	ID      EntryID
	Action  Action
	Created bool
	Changed bool // false when nothing differed and so nothing was written
	// Warnings are what plugins find odd about the document and no reason to refuse it.
	Warnings []FieldError
	Err      error
}

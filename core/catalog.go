package core

import (
	"context"
	"time"
)

// Catalog is the view of the log that answers everything: entries by id, slug and unique value, queries, facets,
// search. It is a pure function of the commits applied and the time. Its methods may be called at once; each read
// sees one position.
type Catalog interface {
	// Position is how far the catalog has folded the log.
	Position() Position
	// Sum is the sum of the commit at Position: what the next commit chains to.
	Sum() string
	// Apply folds the next commits, in order: all of the call becomes visible at once. Commits at or before Position are
	// passed over, a gap is an error. The types that they define are looked up in Types, which must already know them.
	Apply(ctx context.Context, commits []Commit) error
	// Wait returns when Position has reached at least p, or ctx's error.
	Wait(ctx context.Context, p Position) error
	// Version rises whenever an answer about the type may have changed, by a commit or by time passing. "" is any type.
	Version(name TypeName) uint64
	// NextDue gives the next moment at which an entry of the types changes by itself; zero for never. No types means all.
	NextDue(types ...TypeName) time.Time

	// Entry gives an entry's whole state, whatever it is, trash included; CodeNotFound when it does not exist.
	Entry(ctx context.Context, name TypeName, id EntryID) (*Entry, error)
	// ByID gives one entry in a state, CodeNotFound when it is not there in it.
	ByID(ctx context.Context, name TypeName, id EntryID, s State) (*View, error)
	// BySlug finds an entry in a state by its slug, or by a former one: then former is true.
	BySlug(ctx context.Context, name TypeName, slug string, s State) (v *View, former bool, err error)
	// Unique finds the entry (not in the trash; draft or published) that has a value in a field; "" when none has.
	Unique(ctx context.Context, name TypeName, field, value string) (EntryID, error)
	// References lists where an entry is referred to, in drafts, published documents and trash, by type and id, at most limit.
	References(ctx context.Context, id EntryID, limit int) (refs []Reference, total int, err error)
	// Referrers pages through the entries of a type that refer to an entry by a field: the inverse list.
	Referrers(ctx context.Context, q Query, field string, to EntryID) (*Page, error)
	// Query answers a query.
	Query(ctx context.Context, q Query) (*Page, error)
	// Search answers queries on several types as one ranked list, best first; Sort and After are not used.
	Search(ctx context.Context, queries []Query, limit, offset int) (*Page, error)
	// Each calls f with every entry of a type in the order of identifiers, after an identifier, trash included; f's error stops it.
	Each(ctx context.Context, name TypeName, after EntryID, f func(*Entry) error) error
	// Revisions lists an entry's revisions, newest first, before a revision (0 for the newest).
	Revisions(ctx context.Context, id EntryID, before int64, limit int) ([]Revision, error)
	// Key finds the commit that was made under an Idempotency-Key not longer than 24 hours ago.
	Key(ctx context.Context, hash string) (key Key, at Position, found bool)
}

// Planner is a Catalog that knows what is scheduled without looking at every entry.
type Planner interface {
	// Planned calls f with every entry outside the trash that has a Schedule, as the log has it: what is due and not yet
	// recorded is among them. f's error stops it.
	Planned(ctx context.Context, f func(*Entry) error) error
}

// Placer is a Catalog that gives places out of its columns.
type Placer interface {
	// Places gives where the entries are that a query finds, by a geo field; Sort, Limit and After are not used.
	Places(ctx context.Context, q Query, field string) (*Places, error)
	// Touched gives where entries of a type were changed, came or went since a count that it gave before: the places before
	// and after. ok is false when it does not know any more. What changes by time alone is not among them: see Places.Until.
	Touched(name TypeName, field string, since uint64) (boxes []BBox, now uint64, ok bool)
}

// PublicClock is a Catalog that tells what the public will see change from what only editors will.
type PublicClock interface {
	// NextPublicDue gives the next moment at which what is published of the types changes by itself; zero for never. A plan
	// that changes nothing in public (a submission, the expiry of what was never published) does not move it.
	NextPublicDue(types ...TypeName) time.Time
}

// CatalogKeeper looks after the catalog of a node that serves. One of its operations runs at a time: CodeConflict otherwise.
type CatalogKeeper interface {
	// Rebuild makes the catalog anew from the log and puts it in the place of the one that answers meanwhile, which stays
	// as it is when anything fails or ctx ends.
	Rebuild(ctx context.Context) (*Rebuilt, error)
	// Verify compares the catalog with one that is made anew from the log.
	Verify(ctx context.Context) (*Verified, error)
}

// Rebuilt is the catalog that a rebuild has made.
type Rebuilt struct {
	Position Position `json:"position"` // where it stands
	Entries  int      `json:"entries"`  // of all types, trash included
	TookMs   int64    `json:"tookMs"`
}

// Verified is what a comparison of the catalog with the log has found.
type Verified struct {
	Position    Position `json:"position"`    // at which they were compared
	Differences []string `json:"differences"` // a sentence for each, at most a hundred; empty, not nil, when they are equal
}

// Reference is one place where an entry is referred to.
type Reference struct {
	Type  TypeName `json:"type"`
	ID    EntryID  `json:"id"`
	Field string   `json:"field"`
	In    []State  `json:"in"` // StateDraft, StatePublished or StateTrash
}

// Revision is one line of an entry's history; the document stands in the log at Position.
type Revision struct {
	Rev       int64     `json:"rev"`
	Position  Position  `json:"-"`
	At        time.Time `json:"at"`
	By        string    `json:"by"`
	Action    Action    `json:"action"`
	Status    Status    `json:"status"`
	Published bool      `json:"published"` // whether this change published its document
	Comment   string    `json:"comment,omitempty"`
}

package core

import (
	"context"
	"net/url"
	"time"
)

// Queries turns what a caller asked into a Query. It is where every name in a request is checked: a field that the
// caller may not read gives exactly the error of one that does not exist.
type Queries interface {
	// Parse reads URL parameters (API.md, "Query parameters"). CodeBadRequest names the wrong one and the nearest right one.
	Parse(ctx context.Context, who *Principal, t *Type, params url.Values) (*Asked, error)
	// ParseOne reads the parameters that go with a single entry: fields, include, locale, state and richtext. The Scope is
	// that of reading, not of listing.
	ParseOne(ctx context.Context, who *Principal, t *Type, params url.Values) (*Asked, error)
	// ParseBody reads the same from a decoded JSON body.
	ParseBody(ctx context.Context, who *Principal, t *Type, body map[string]any) (*Asked, error)
	// ParseSearch reads the parameters of a search across types (q, types, limit, after, locale, state, highlight) and makes
	// a query for each type that the caller may list.
	ParseSearch(ctx context.Context, who *Principal, params url.Values) (*AskedAll, error)
	// ParsePage reads the parameters of a list that is not one of entries: limit and after.
	ParsePage(params url.Values) (limit int, after string, err error)
	// ParseWhere reads a filter tree alone, as in a role's "where" or a --filter flag.
	ParseWhere(ctx context.Context, who *Principal, t *Type, tree any) (Node, error)
	// Cursor signs the place after an entry for the query that it belongs to.
	Cursor(a *Asked, c *Cursor) string
	// After checks a cursor that Cursor made for a query which asks for the same entries in the same order.
	After(a *Asked, cursor string) (*Cursor, error)
}

// Asked is a Query and the shape of the answer that the caller wants.
type Asked struct {
	Query
	Scope     *Scope
	Fields    []string  // nil for all; top-level names and dotted paths
	Include   []Include // references to embed
	RichText  string    // how rich text is delivered: "" as it is stored, "html" or "text"
	Canonical string    // equal for requests that ask the same
	// Reach is the other types that the request sees through references, in filters, order, facets and includes. The type
	// itself is among them when its own entries are in an inverse list.
	Reach []Reached
}

// AskedAll is a search across types. The Asked itself holds what is common to all; its Type is "".
type AskedAll struct {
	Asked
	Queries []*Asked // one for each type
	Offset  int      // how many results came before
}

// Reached is a type at the other end of a reference, with what the caller may do there.
type Reached struct {
	Type  *Type
	Scope *Scope
	Order []SortKey // of its entries in an inverse list; nil when none is included
}

// Include embeds what a reference field refers to, or the inverse list of the entries that refer to this one (x-ref.inverse),
// and what the embedded entries refer to in turn.
type Include struct {
	Field string // or the name of the list
	Next  []Include
}

// Reader is the read path: it puts the caller's rights, the query, the catalog, the hooks and the shape of an answer
// together. Each method checks the request at once and gives a Pending whose Answer may come out of a cache.
type Reader interface {
	List(ctx context.Context, who *Principal, name TypeName, params url.Values) (*Pending, error)
	Query(ctx context.Context, who *Principal, name TypeName, body map[string]any) (*Pending, error)
	One(ctx context.Context, who *Principal, name TypeName, idOrSlug string, params url.Values) (*Pending, error)
	Search(ctx context.Context, who *Principal, params url.Values) (*Pending, error)
	References(ctx context.Context, who *Principal, name TypeName, id EntryID, params url.Values) (*Pending, error)
	Revisions(ctx context.Context, who *Principal, name TypeName, id EntryID, params url.Values) (*Pending, error)
	// Revision shows one revision, or with diff > 0 the RFC 6902 patch that leads from revision diff to it.
	Revision(ctx context.Context, who *Principal, name TypeName, id EntryID, rev, diff int64) (*Pending, error)
	// Show renders an entry as its writer sees it after a write.
	Show(ctx context.Context, who *Principal, e *Entry, params url.Values) (*Answer, error)
	// Changes gives the page of changes after a position that the caller may see.
	Changes(ctx context.Context, who *Principal, since Position, types []TypeName, limit int) (*ChangePage, error)
	// Schema gives a type's JSON Schema as the caller may see it.
	Schema(ctx context.Context, who *Principal, name TypeName) (Doc, error)
	// Visible lists the types that the caller may list.
	Visible(ctx context.Context, who *Principal) ([]*Type, error)
}

// Pending is a checked request.
type Pending struct {
	Key    string     // equal keys get equal answers while the versions of Types stand; "" must not be cached
	Types  []TypeName // what the answer is made from
	Answer func(ctx context.Context) (*Answer, error)
}

// Answer is the body of a response, JSON, and what a cache must know of it.
type Answer struct {
	Body     []byte
	Rev      int64     // of a single entry
	Until    time.Time // the moment at which the answer changes by itself; zero for never
	Tags     []string  // cache tags: the types, and "type/id" of every entry in it
	Moved    string    // the slug that the entry has now, when it was asked for by a former one
	Position Position
}

// ChangePage is a page of the changes feed.
type ChangePage struct {
	Data []ChangeLine `json:"data"`
	Next Position     `json:"next"` // ask since this position next
	Last bool         `json:"last"` // whether Next is the end of the log
}

// ChangeLine is one change as a follower sees it: without a document, which it may fetch.
type ChangeLine struct {
	Position  Position  `json:"position"`
	Type      TypeName  `json:"type"`
	ID        EntryID   `json:"id"`
	Rev       int64     `json:"rev"`
	Operation Action    `json:"operation"` // for the public: publish, update, unpublish
	At        time.Time `json:"at"`
}

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

// Answer is the body of a response, and what a cache must know of it.
type Answer struct {
	Body     []byte
	Kind     string    // its media type; "" is JSON
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

// Mapper is a Reader that answers with places rather than pages: what a map layer is drawn from.
type Mapper interface {
	// Places checks a request for the entries of a type that have a place. params are those of a list; geo names the field
	// that the place is in, else it is the type's own. Facets and includes are refused.
	Places(ctx context.Context, who *Principal, name TypeName, params url.Values) (*Placed, error)
}

// Placed is a checked request for places. Its functions may be called any number of times; each sees one position, and what
// they are given of each other's answers is looked at anew under the caller's rights.
type Placed struct {
	Key   string     // equal keys get equal answers while the versions of Types stand; "" must not be cached
	Types []TypeName // what the answers are made from
	Type  *Type
	Field *Field // the place
	Asked *Asked
	// Find gives all places of the request, those that touch the box alone where there is one.
	Find func(ctx context.Context, in *BBox) (*Places, error)
	// Page gives the entries of a page as the list of the same request has them, with its cursor.
	Page func(ctx context.Context) (p *Page, next string, err error)
	// Show renders entries as the list of the same request does; nil for one that is not, or no longer, to be seen.
	Show func(ctx context.Context, ids []EntryID) ([]Doc, error)
	// Due gives the next moment at which an entry of Types changes by itself, as things stand; zero for never.
	Due func() time.Time
	// Touched gives where entries of the type were changed, came or went since a count that it gave before; see Placer.
	Touched func(since uint64) (boxes []BBox, now uint64, ok bool)
	// Tally counts the values of a field over the entries of the request. CodeBadRequest for a field that is not the
	// caller's to ask about.
	Tally func(ctx context.Context, field string) ([]FacetValue, error)
}

// Places are where entries are.
type Places struct {
	All      []Place
	Total    int // entries that the request finds, those without a place included
	Position Position
	Until    time.Time // the moment at which the answer changes by itself; zero for never
}

// Place is where one entry is: degrees of WGS 84, of what is no point the middle of its bounds.
type Place struct {
	ID       EntryID
	Lon, Lat float64
	Bounds   *BBox // nil for a point
}

// Touches reports whether a place touches a box; west > east crosses the antimeridian.
func (p Place) Touches(b BBox) bool {
	own := BBox{West: p.Lon, South: p.Lat, East: p.Lon, North: p.Lat}
	if p.Bounds != nil {
		own = *p.Bounds
	}
	if b.West > b.East {
		return p.Touches(BBox{West: b.West, South: b.South, East: 180, North: b.North}) || p.Touches(BBox{West: -180, South: b.South, East: b.East, North: b.North})
	}
	return own.West <= b.East && own.East >= b.West && own.South <= b.North && own.North >= b.South
}

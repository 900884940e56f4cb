package core

import "time"

// Query asks a type for a page of its entries. Its parts are checked when it is made (package query): a field
// that the caller may not read never gets into one.
type Query struct {
	Type      TypeName
	State     State
	Locale    Locale    // the language that localised fields are filtered, sorted and shown in; "" is each entry's own
	Where     Node      // nil for all
	Text      string    // full-text search; "" for none
	Highlight bool      // with Text: fill View.Highlights
	Private   bool      // with Text: search the private fields too
	Searched  []string  // with Text: search these fields and no others; nil for all (with Private: the private ones too)
	Visible   Node      // with Text: the entries that the caller may see at all, so that no other moves a rank; nil for all
	Sort      []SortKey // never empty: the type's order, or the caller's; the catalog breaks ties by _id
	Limit     int       // 1 to 200; 0 counts and facets only
	After     *Cursor
	Total     bool
	Facets    []Path
	Geo       *GeoFilter
	Only      []EntryID // when set, no other entries (a reference list); order is still by Sort
}

// Path leads from an entry to a value: through zero or more reference fields to a field of the last entry.
// partner.kind is Path{Via: ["partner"], Field: "kind"}; commune.code, inside one document, is Path{Field: "commune.code"}.
// Field may be a system field: _id, _status, _rev, _createdAt, _updatedAt, _publishedAt, _createdBy, _updatedBy.
type Path struct {
	Via   []string
	Field string
	// Steps, when not nil, has one Step for each Via: what the reference may lead to. An entry outside it is not seen
	// through the reference, as if it did not exist.
	Steps []Step
}

// Step is what one reference on a Path may lead to, for a caller who may not see everything: entries of the types that
// are keys here, and of those only the ones for which the node holds (nil for all).
type Step map[TypeName]Node

// String gives the path as it is written in a query.
func (p Path) String() string {
	s := ""
	for _, v := range p.Via {
		s += v + "."
	}
	return s + p.Field
}

// SystemFields are the fields that every entry has, with their kinds.
var SystemFields = map[string]Kind{
	"_id": KindString, "_type": KindString, "_rev": KindInteger, "_status": KindString, "_createdAt": KindTime, "_updatedAt": KindTime,
	"_publishedAt": KindTime, "_createdBy": KindString, "_updatedBy": KindString,
}

// SortKey orders by one path. Entries without a value come last in both directions. A multi-valued field sorts by its
// least value ascending and its greatest descending. _score is the relevance.
type SortKey struct {
	Path Path
	Desc bool
}

// Node is a condition on an entry: And, Or, Not or Compare.
type Node interface{ node() }

// And holds when all hold; an empty And holds.
type And []Node

// Or holds when any holds; an empty Or does not.
type Or []Node

// Not holds when its node does not.
type Not struct{ Node Node }

// Compare holds when a value at the path does as the operator says; on a multi-valued field, when any value does
// (ne and nin: when none is).
type Compare struct {
	Path   Path
	Op     Operator
	Values []any // string, int64, float64, bool, time.Time or nil, of the field's kind
}

func (And) node()     {}
func (Or) node()      {}
func (Not) node()     {}
func (Compare) node() {}

// Operator compares a field with values.
type Operator string

// The operators of the query language. Strings are compared exactly by eq, ne, in and nin; without regard to
// case and accents by contains and prefix; in French dictionary order by lt, lte, gt, gte, between and sorting.
const (
	OpEq       Operator = "eq" // eq nil: no value
	OpNe       Operator = "ne"
	OpLt       Operator = "lt"
	OpLte      Operator = "lte"
	OpGt       Operator = "gt"
	OpGte      Operator = "gte"
	OpIn       Operator = "in"  // an empty list matches nothing
	OpNin      Operator = "nin" // an empty list matches everything
	OpContains Operator = "contains"
	OpPrefix   Operator = "prefix"
	OpExists   Operator = "exists"  // one bool
	OpBetween  Operator = "between" // two values, both ends included
)

// Cursor is the place after an entry in an order: the sort values of that entry and its number. It is made by the
// catalog, and signed and bound to its query by whoever hands it out.
type Cursor struct {
	Values []any `json:"v"` // one for each sort key, nil for none
	ID     EntryID
}

// GeoFilter restricts by place. Field is a KindGeo field (a point, or the bounds of anything else).
type GeoFilter struct {
	Field     string
	BBox      *BBox
	Near      *Near
	Territory *Territory
}

// BBox is west, south, east, north in degrees of WGS 84; west > east crosses the antimeridian (RFC 7946, 5.2).
type BBox struct{ West, South, East, North float64 }

// Near is a circle: degrees and metres, along the great circle.
type Near struct{ Lat, Lon, Metres float64 }

// Territory is a place by its code, of a level ("region", "departement", "epci", "commune") or, with "", of any.
type Territory struct{ Level, Code string }

// Page is the answer to a Query.
type Page struct {
	Views    []View
	Next     *Cursor // nil on the last page
	Total    int     // -1 when not asked for
	Facets   map[string][]FacetValue
	Position Position  // what the answer was made from
	Until    time.Time // the moment at which it changes by itself; zero for never
}

// FacetValue is a value of a facet with the number of matching entries that have it.
type FacetValue struct {
	Value any `json:"value"`
	Count int `json:"count"`
}

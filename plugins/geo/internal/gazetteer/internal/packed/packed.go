// Package packed is the format in which the gazetteer is shipped: what the generator writes and the gazetteer reads.
//
// Two gzip files. Numbers are variable-length integers (encoding/binary), signed ones relative to the one before them, so
// that near values take one or two bytes.
//
//	territories.gz  "palabre territories 1\n", how many rows each level has, then column by column: code, name, kind
//	                and postal codes as lines of text, after their length in bytes; EPCI, département, région, chief
//	                town, SIREN, population, longitude and latitude as numbers
//	outlines.gz     "palabre outlines 1\n", how many outlines there are, then each one: level, code, its polygons, their
//	                rings, their points
//
// The last three columns stand in a gzip member of their own that is stored as it is: compression would win a tenth, and
// take a fifth of the time of loading to undo.
//
// The same content gives the same bytes, whenever and wherever it is packed with the same version of Go.
package packed

// Scale is how many units of a coordinate make a degree: five decimals, about a metre.
const Scale = 1e5

// None is the place of a row that there is not.
const None = -1

// The levels, in the order in which their rows stand.
const (
	Communes = iota
	EPCI
	Departements
	Regions
	Levels
)

// A Table holds every territory. The rows of a level follow each other, sorted by code.
type Table struct {
	Counts [Levels]int // how many rows each level has
	Rows   []Row
}

// A Row is one territory. Other territories are named by their place in the table, or None.
type Row struct {
	Code, Name string
	Kind       string // of an EPCI: CC, CA, CU, METRO, MET69
	Postal     string // codes separated by spaces
	Population int32
	SIREN      int32 // 0: none is known
	Lon, Lat   int32 // in 1/Scale degrees; both 0: no centre is known, since no territory lies there

	EPCI, Departement, Region, Chief int32
}

// Level gives the places of the rows of a level: from the first to before the second.
func (t *Table) Level(level int) (from, to int) {
	for _, n := range t.Counts[:level] {
		from += n
	}
	return from, from + t.Counts[level]
}

// A Point is a longitude and a latitude, in 1/Scale degrees.
type Point [2]int32

// An Outline is the shape of a territory. The first ring of a polygon is its outer one and runs counterclockwise, the
// others are holes and run clockwise. The point that closes a ring is left out.
type Outline struct {
	Level    int
	Code     string
	Polygons [][][]Point
}

const (
	territoriesMagic = "palabre territories 1\n"
	outlinesMagic    = "palabre outlines 1\n"
)

// The columns of a table, in the order of the file. Those that are dense do not get smaller by compression.
var (
	texts = []func(*Row) *string{
		func(r *Row) *string { return &r.Code },
		func(r *Row) *string { return &r.Name },
		func(r *Row) *string { return &r.Kind },
		func(r *Row) *string { return &r.Postal },
	}
	numbers = []func(*Row) *int32{
		func(r *Row) *int32 { return &r.EPCI },
		func(r *Row) *int32 { return &r.Departement },
		func(r *Row) *int32 { return &r.Region },
		func(r *Row) *int32 { return &r.Chief },
		func(r *Row) *int32 { return &r.SIREN },
	}
	dense = []func(*Row) *int32{
		func(r *Row) *int32 { return &r.Population },
		func(r *Row) *int32 { return &r.Lon },
		func(r *Row) *int32 { return &r.Lat },
	}
)

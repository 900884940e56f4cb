package gazetteer

import (
	"fmt"
	"math"
	"sync"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

// A Geometry is a GeoJSON MultiPolygon (RFC 7946): outer rings run counterclockwise, holes clockwise, rings are closed,
// and positions are longitude and latitude with five decimals at most.
type Geometry struct {
	Type        string           `json:"type"`
	Coordinates [][][][2]float64 `json:"coordinates"`
}

// A Shape is a territory's outline.
type Shape struct {
	Ref
	Geometry Geometry
}

// Outline gives the outline of a territory. There are outlines of the 96 départements and 13 régions of metropolitan
// France; of communes, EPCI and overseas territories there are none: draw a point at their centre.
func (g *Gazetteer) Outline(level Level, code string) (Geometry, bool) {
	i, ok := g.place(level, code)
	if !ok || g.outlines[i] == nil {
		return Geometry{}, false
	}
	return g.outlines[i].geometry(), true
}

// Outlines gives the outlines of all territories of a level that have one, by code.
func (g *Gazetteer) Outlines(level Level) []Shape {
	var shapes []Shape
	from, to := g.level(level)
	for i := from; i < to; i++ {
		if o := g.outlines[i]; o != nil {
			shapes = append(shapes, Shape{Ref{level, g.rows[i].Code}, o.geometry()})
		}
	}
	return shapes
}

// Contains tells whether a point lies within the outline of a territory. Nothing is known of a territory without one. The
// outlines are simplified: within a kilometre or two of a border the answer may be wrong, and islands that are left out
// count as discs of 2 km around the centres of their communes.
func (g *Gazetteer) Contains(level Level, code string, lon, lat float64) (inside, known bool) {
	i, ok := g.place(level, code)
	if !ok || g.outlines[i] == nil {
		return false, false
	}
	return g.outlines[i].contains(lon, lat) || g.onIsland(i, lon, lat), true
}

// shape takes in the outlines and what is measured on them.
func (g *Gazetteer) shape(shapes []packed.Outline) error {
	g.outlines = make(map[int32]*outline, len(shapes))
	for _, shape := range shapes {
		i, ok := g.place(levels[shape.Level], shape.Code)
		if !ok {
			return fmt.Errorf("gazetteer: there is an outline of %s %s, which is no territory: run go generate", levels[shape.Level], shape.Code)
		}
		g.outlines[i] = newOutline(shape.Polygons)
	}
	g.measure()
	g.offshore = sync.OnceValue(g.findOffshore)
	g.members = sync.OnceValue(g.findMembers)
	return nil
}

// An outline is a shape and the box around it: west, south, east, north.
type outline struct {
	polygons [][][]packed.Point
	box      [4]float64
}

func newOutline(polygons [][][]packed.Point) *outline {
	o := &outline{polygons: polygons, box: [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}}
	for a := range o.edges {
		lon, lat := degrees(a[0]), degrees(a[1])
		o.box = [4]float64{min(o.box[0], lon), min(o.box[1], lat), max(o.box[2], lon), max(o.box[3], lat)}
	}
	return o
}

// edges yields the edges of all rings, from point to point.
func (o *outline) edges(yield func(a, b packed.Point) bool) {
	for _, polygon := range o.polygons {
		for _, ring := range polygon {
			before := ring[len(ring)-1]
			for _, p := range ring {
				if !yield(before, p) {
					return
				}
				before = p
			}
		}
	}
}

// contains counts the edges east of the point: an odd number means inside, holes included in the count.
func (o *outline) contains(lon, lat float64) bool {
	if !(lon >= o.box[0] && lat >= o.box[1] && lon <= o.box[2] && lat <= o.box[3]) {
		return false
	}
	inside, x, y := false, lon*packed.Scale, lat*packed.Scale
	for _, polygon := range o.polygons {
		for _, ring := range polygon {
			inside = inside != oddEast(ring, x, y)
		}
	}
	return inside
}

// oddEast tells whether an odd number of the edges of a ring lies east of a point. Most edges do not even reach its
// latitude, which is why they are compared in the units that they are kept in.
func oddEast(ring []packed.Point, x, y float64) bool {
	odd, a := false, ring[len(ring)-1]
	for _, b := range ring {
		if ay, by := float64(a[1]), float64(b[1]); (ay > y) != (by > y) {
			ax, bx := float64(a[0]), float64(b[0])
			odd = odd != (x < ax+(y-ay)*(bx-ax)/(by-ay))
		}
		a = b
	}
	return odd
}

func (o *outline) geometry() Geometry {
	coordinates := make([][][][2]float64, len(o.polygons))
	for i, polygon := range o.polygons {
		coordinates[i] = make([][][2]float64, len(polygon))
		for j, ring := range polygon {
			coordinates[i][j] = closed(ring)
		}
	}
	return Geometry{Type: "MultiPolygon", Coordinates: coordinates}
}

func closed(ring []packed.Point) [][2]float64 {
	positions := make([][2]float64, 0, len(ring)+1)
	for _, p := range ring {
		positions = append(positions, [2]float64{degrees(p[0]), degrees(p[1])})
	}
	return append(positions, positions[0])
}

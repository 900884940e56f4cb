package gazetteer

import (
	"math"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

const (
	earthRadius = 6_371_008.8 // metres, the mean radius of WGS 84
	leastRadius = 2_000       // metres, of a commune
)

// overseasAreas are the areas in km² of the départements that have no outline, rounded from what INSEE publishes.
var overseasAreas = map[string]float64{"971": 1_628, "972": 1_128, "973": 83_534, "974": 2_504, "976": 374}

// Distance tells how far a point lies from a territory, in metres: 0 in it. It is meant for warnings, "this point lies
// 43 km from Mulhouse", and errs on the side of nearness.
//
// A commune is taken for a disc around its centre, as large as the mean commune of its département (the area within the
// outline, or as published overseas, by the number of communes) and of 2 km at least; where the centre lies at sea,
// because islands belong to the commune, the disc reaches 2 km inland. A commune without a centre is taken for its whole
// département. Any other territory without an outline is the discs of its communes; with one, it is what Contains says.
//
// It is not ok for a point that is not on Earth, an unknown territory, or one of which neither an outline nor a centre is
// known, as in overseas collectivities.
func (g *Gazetteer) Distance(level Level, code string, lon, lat float64) (metres float64, ok bool) {
	i, ok := g.place(level, code)
	if !ok || !(math.Abs(lon) <= 180 && math.Abs(lat) <= 90) {
		return 0, false
	}
	if level == Commune {
		if located(&g.rows[i]) {
			return g.toDisc(i, lon, lat), true
		}
		i = g.rows[i].Departement
	}
	if g.outlines[i] != nil {
		return g.toOutline(i, lon, lat), true
	}
	return g.toDiscs(i, lon, lat)
}

func (g *Gazetteer) toOutline(i int32, lon, lat float64) float64 {
	metres := g.outlines[i].distance(lon, lat)
	for commune := range g.offshore() {
		if g.inside(commune, i) {
			metres = min(metres, max(0, g.toCentre(commune, lon, lat)-leastRadius))
		}
	}
	return metres
}

func (g *Gazetteer) toDisc(commune int32, lon, lat float64) float64 {
	return max(0, g.toCentre(commune, lon, lat)-g.radius(commune))
}

func (g *Gazetteer) toCentre(commune int32, lon, lat float64) float64 {
	row := &g.rows[commune]
	return haversine(lon, lat, degrees(row.Lon), degrees(row.Lat))
}

func (g *Gazetteer) toDiscs(i int32, lon, lat float64) (metres float64, ok bool) {
	for _, c := range g.members()[i] {
		if d := g.toDisc(c, lon, lat); !ok || d < metres {
			metres, ok = d, true
		}
	}
	return metres, ok
}

// findMembers puts the communes together that toDiscs looks at.
func (g *Gazetteer) findMembers() map[int32][]int32 {
	members := map[int32][]int32{}
	_, communes := g.level(Commune)
	for c := range communes {
		row := &g.rows[c]
		if !located(row) {
			continue
		}
		for _, parent := range []int32{row.EPCI, row.Departement, row.Region} {
			if parent != packed.None && g.outlines[parent] == nil {
				members[parent] = append(members[parent], c)
			}
		}
	}
	return members
}

func (g *Gazetteer) radius(commune int32) float64 {
	radius := max(leastRadius, g.radii[g.rows[commune].Departement])
	if metres, ok := g.offshore()[commune]; ok {
		return max(radius, metres+leastRadius)
	}
	return radius
}

// onIsland tells whether a point lies near a commune of a territory that its outline has left out.
func (g *Gazetteer) onIsland(i int32, lon, lat float64) bool {
	for commune := range g.offshore() {
		if g.inside(commune, i) && g.toCentre(commune, lon, lat) <= leastRadius {
			return true
		}
	}
	return false
}

// findOffshore finds the communes whose centre lies outside the outline of their département: small islands, and coasts
// and borders that were simplified.
func (g *Gazetteer) findOffshore() map[int32]float64 {
	offshore := map[int32]float64{}
	_, communes := g.level(Commune)
	for i := range communes {
		row := &g.rows[i]
		lon, lat, o := degrees(row.Lon), degrees(row.Lat), g.outlines[row.Departement]
		if o != nil && located(row) && !o.contains(lon, lat) {
			offshore[i] = o.distance(lon, lat)
		}
	}
	return offshore
}

// measure computes how large a mean commune of each département is.
func (g *Gazetteer) measure() {
	from, to := g.level(Departement)
	communes := make([]float64, to-from)
	_, last := g.level(Commune)
	for i := range g.rows[:last] {
		communes[g.rows[i].Departement-from]++
	}
	g.radii = make(map[int32]float64, len(communes))
	for i := from; i < to; i++ {
		area := overseasAreas[g.rows[i].Code] * 1e6
		if o := g.outlines[i]; o != nil {
			area = o.area()
		}
		g.radii[i] = math.Sqrt(area / communes[i-from] / math.Pi)
	}
}

// area is in square metres. Holes count against it, since they run the other way round.
func (o *outline) area() float64 {
	sum := 0.0
	for a, b := range o.edges {
		sum += radians(degrees(a[0])-degrees(b[0])) * (math.Sin(radians(degrees(a[1]))) + math.Sin(radians(degrees(b[1]))))
	}
	return earthRadius * earthRadius * sum / 2
}

func (o *outline) distance(lon, lat float64) float64 {
	if o.contains(lon, lat) {
		return 0
	}
	least := math.Inf(1)
	for a, b := range o.edges {
		nearLon, nearLat := nearest(lon, lat, a, b)
		least = min(least, haversine(lon, lat, nearLon, nearLat))
	}
	return least
}

// nearest gives the point of an edge that is nearest to a point, on a plane that touches the Earth there: exact enough
// near by, and far away an edge is short compared with the distance.
func nearest(lon, lat float64, a, b packed.Point) (nearLon, nearLat float64) {
	shrink := math.Cos(radians(lat))
	x, y := (degrees(a[0])-lon)*shrink, degrees(a[1])-lat
	dx, dy := (degrees(b[0])-degrees(a[0]))*shrink, degrees(b[1])-degrees(a[1])
	along := 0.0
	if square := dx*dx + dy*dy; square > 0 {
		along = min(1, max(0, -(x*dx+y*dy)/square))
	}
	return degrees(a[0]) + along*(degrees(b[0])-degrees(a[0])), degrees(a[1]) + along*(degrees(b[1])-degrees(a[1]))
}

// haversine is the distance between two points on a sphere.
func haversine(lon1, lat1, lon2, lat2 float64) float64 {
	s, t := math.Sin(radians(lat2-lat1)/2), math.Sin(radians(lon2-lon1)/2)
	h := s*s + math.Cos(radians(lat1))*math.Cos(radians(lat2))*t*t
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }

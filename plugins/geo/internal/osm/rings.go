package osm

// joinRings puts ways together, end to end, into closed rings of nodes; false when an end stays loose. Where more than two
// ways meet, each time that a path comes back to a node where it has been a ring is cut off, so that rings touch
// themselves nowhere.
func joinRings(ways [][]int64) (rings [][]int64, closed bool) {
	j := joiner{ends: map[int64][]int{}, used: make([]bool, len(ways)), ways: ways}
	for i, way := range ways {
		first, last := way[0], way[len(way)-1]
		j.ends[first], j.ends[last] = append(j.ends[first], i), append(j.ends[last], i)
	}
	for i := range ways {
		if !j.used[i] && !j.follow(i) {
			return nil, false
		}
	}
	return j.rings, true
}

type joiner struct {
	ways  [][]int64
	ends  map[int64][]int // node → the ways that end there
	used  []bool
	rings [][]int64
}

// follow starts at a way and goes on until nothing is left of the path; false where no way goes on.
func (j *joiner) follow(i int) bool {
	path := []int64{j.ways[i][0]}
	been := map[int64]int{path[0]: 0} // node between ways → where in the path
	for {
		path = j.append(path, i)
		end := path[len(path)-1]
		if at, ok := been[end]; ok {
			j.cutRing(path[at:], been)
			path = path[:at+1]
		}
		been[end] = len(path) - 1
		if len(path) == 1 {
			return true
		}
		if i = j.free(end); i < 0 {
			return false
		}
	}
}

// append lengthens a path by a way that begins or ends where the path ends.
func (j *joiner) append(path []int64, i int) []int64 {
	way := j.ways[i]
	j.used[i] = true
	if way[0] == path[len(path)-1] {
		return append(path, way[1:]...)
	}
	for k := len(way) - 2; k >= 0; k-- {
		path = append(path, way[k])
	}
	return path
}

func (j *joiner) cutRing(nodes []int64, been map[int64]int) {
	for _, id := range nodes {
		delete(been, id)
	}
	if len(nodes) > 3 {
		j.rings = append(j.rings, append([]int64(nil), nodes...))
	}
}

// free gives an unused way at a node, or -1. Used ones are dropped as they are met.
func (j *joiner) free(node int64) int {
	for len(j.ends[node]) > 0 {
		i := j.ends[node][0]
		j.ends[node] = j.ends[node][1:]
		if !j.used[i] {
			return i
		}
	}
	return -1
}

// box is the extent of a path.
type box struct{ min, max place }

func boxOf(path []place) box {
	b := box{path[0], path[0]}
	for _, p := range path {
		b.min = place{min(b.min.lon, p.lon), min(b.min.lat, p.lat)}
		b.max = place{max(b.max.lon, p.lon), max(b.max.lat, p.lat)}
	}
	return b
}

func (b box) holds(c box) bool {
	return b.min.lon <= c.min.lon && b.min.lat <= c.min.lat && b.max.lon >= c.max.lon && b.max.lat >= c.max.lat
}

// contains tells whether one closed path lies in another that it may touch but does not cross. The first of its corners
// that is not on the other's line decides; when all are, the middle of a side does.
func contains(outer, inner []place) bool {
	for _, p := range inner {
		if where := locate(outer, float64(p.lon), float64(p.lat)); where != onLine {
			return where == inside
		}
	}
	for i := 1; i < len(inner); i++ {
		a, b := inner[i-1], inner[i]
		if where := locate(outer, (float64(a.lon)+float64(b.lon))/2, (float64(a.lat)+float64(b.lat))/2); where != onLine {
			return where == inside
		}
	}
	return false
}

type position int

const (
	outside position = iota
	inside
	onLine
)

// locate counts how often a ray to the east meets the path.
func locate(path []place, x, y float64) position {
	in := false
	for i := 1; i < len(path); i++ {
		x1, y1, x2, y2 := float64(path[i-1].lon)-x, float64(path[i-1].lat)-y, float64(path[i].lon)-x, float64(path[i].lat)-y
		side := x1*y2 - x2*y1
		if side == 0 && x1*x2+y1*y2 <= 0 {
			return onLine
		}
		if (y1 > 0) != (y2 > 0) && (side > 0) == (y2 > y1) {
			in = !in
		}
	}
	if in {
		return inside
	}
	return outside
}

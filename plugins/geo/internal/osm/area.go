package osm

import (
	"cmp"
	"slices"

	"github.com/paulmach/orb"

	"github.com/palabre-cms/palabre/core"
)

// maxRings bounds the work of putting rings into each other, which grows with the square of their number.
const maxRings = 10_000

// area is a chosen relation of type multipolygon or boundary.
type area struct {
	id   int64
	ways []int64
	tags map[string]string
}

// ring is a closed path, and how deep it lies in others: at even depths it bounds land, at odd ones a hole.
type ring struct {
	path   []place
	size   float64
	bounds box
	within *ring // the smallest ring around it
	depth  int
}

// assemble puts the ways of an area together into polygons with holes, or tells why that fails.
func (e *extraction) assemble(a area) (orb.Geometry, core.Text) {
	lines, ok := e.linesOf(a)
	if !ok {
		return nil, lacksWays
	}
	closed, ok := joinRings(lines)
	if !ok || len(closed) == 0 {
		return nil, openRing
	}
	if len(closed) > maxRings {
		return nil, tooIntricate
	}
	rings, ok := e.ringsOf(closed)
	if !ok {
		return nil, lacksNodes
	}
	nest(rings)
	return polygons(rings)
}

// linesOf gives the nodes of the ways of an area, each way once.
func (e *extraction) linesOf(a area) ([][]int64, bool) {
	ways := slices.Clone(a.ways)
	slices.Sort(ways)
	var lines [][]int64
	for _, id := range slices.Compact(ways) {
		nodes, ok := e.members[id]
		if !ok {
			return nil, false
		}
		if len(nodes) > 1 {
			lines = append(lines, nodes)
		}
	}
	return lines, true
}

func (e *extraction) ringsOf(closed [][]int64) ([]*ring, bool) {
	var rings []*ring
	for _, nodes := range closed {
		path, ok := e.path(nodes)
		if !ok {
			return nil, false
		}
		if size := doubleArea(path); size != 0 {
			rings = append(rings, &ring{path: path, size: max(size, -size), bounds: boxOf(path)})
		}
	}
	return rings, true
}

// nest finds for each ring the smallest one around it. The larger come first, so what lies around a ring is known when its
// turn comes, and the last one that contains it is the smallest.
func nest(rings []*ring) {
	slices.SortStableFunc(rings, func(a, b *ring) int { return cmp.Compare(b.size, a.size) })
	for i, inner := range rings {
		for _, outer := range slices.Backward(rings[:i]) {
			if outer.bounds.holds(inner.bounds) && contains(outer.path, inner.path) {
				inner.within, inner.depth = outer, outer.depth+1
				break
			}
		}
	}
}

// polygons makes one of each ring at an even depth, with the holes right inside it.
func polygons(rings []*ring) (orb.Geometry, core.Text) {
	var all orb.MultiPolygon
	index := map[*ring]int{}
	for _, r := range rings {
		if r.depth%2 == 0 {
			index[r] = len(all)
			all = append(all, orb.Polygon{wind(r.path, orb.CCW)})
			continue
		}
		i := index[r.within]
		all[i] = append(all[i], wind(r.path, orb.CW))
	}
	switch len(all) {
	case 0:
		return nil, noExtent
	case 1:
		return all[0], nil
	}
	return all, nil
}

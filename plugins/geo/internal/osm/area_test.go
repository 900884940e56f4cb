package osm_test

import (
	"testing"

	"github.com/paulmach/orb"
)

// grid has a node at each whole kilometre-ish point: number 100·y + x at x, y hundredths of a degree.
func grid(n int64) []node {
	var nodes []node
	for y := range n {
		for x := range n {
			nodes = append(nodes, node{id: 100*y + x + 1, lon: float64(x) / 100, lat: float64(y) / 100})
		}
	}
	return nodes
}

func at(x, y int64) int64 { return 100*y + x + 1 }

// square is a closed way around x, y to x+size, y+size.
func square(id, x, y, size int64) way {
	return way{id, []int64{at(x, y), at(x+size, y), at(x+size, y+size), at(x, y+size), at(x, y)}, nil}
}

func ringOf(x, y, size float64) orb.Ring {
	x, y, size = x/100, y/100, size/100
	return orb.Ring{{x, y}, {x + size, y}, {x + size, y + size}, {x, y + size}, {x, y}}
}

func TestRead_areas(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		ways    []way
		holes   []int // rings of each polygon beside the outer one
		areas   float64
		skipped string
	}{
		{name: "one ring", ways: []way{square(1, 0, 0, 4)}, holes: []int{0}, areas: 16},
		{name: "a hole", ways: []way{square(1, 0, 0, 4), square(2, 1, 1, 2)}, holes: []int{1}, areas: 12},
		{name: "an island in the hole", ways: []way{square(1, 0, 0, 9), square(2, 1, 1, 7), square(3, 3, 3, 2)}, holes: []int{1, 0}, areas: 81 - 49 + 4},
		{name: "two parts, each with a hole", ways: []way{square(1, 0, 0, 4), square(2, 1, 1, 2), square(3, 5, 5, 4), square(4, 6, 6, 1)}, holes: []int{1, 1}, areas: 12 + 15},
		{name: "parts that touch at a corner", ways: []way{square(1, 0, 0, 4), square(2, 4, 4, 4)}, holes: []int{0, 0}, areas: 32},
		{name: "a hole that touches the outline", ways: []way{square(1, 0, 0, 4), {2, []int64{at(0, 0), at(2, 1), at(1, 2), at(0, 0)}, nil}}, holes: []int{1}, areas: 16 - 1.5},
		{name: "a ring in pieces of any direction", ways: []way{
			{1, []int64{at(0, 0), at(4, 0)}, nil}, {2, []int64{at(0, 4), at(4, 4), at(4, 0)}, nil}, {3, []int64{at(0, 4), at(0, 0)}, nil}},
			holes: []int{0}, areas: 16},
		{name: "pieces of two rings that meet in a node", ways: []way{
			{1, []int64{at(4, 4), at(0, 4), at(0, 0)}, nil}, {2, []int64{at(4, 4), at(8, 4), at(8, 8)}, nil},
			{3, []int64{at(0, 0), at(4, 0), at(4, 4)}, nil}, {4, []int64{at(8, 8), at(4, 8), at(4, 4)}, nil}},
			holes: []int{0, 0}, areas: 32},
		{name: "a path that comes through a node twice", ways: []way{
			{1, []int64{at(0, 0), at(4, 0), at(4, 4)}, nil}, {2, []int64{at(4, 4), at(8, 4), at(8, 8)}, nil},
			{3, []int64{at(8, 8), at(4, 8), at(4, 4)}, nil}, {4, []int64{at(4, 4), at(0, 4), at(0, 0)}, nil}},
			holes: []int{0, 0}, areas: 32},
		{name: "rings that meet in two nodes and a third one", ways: []way{
			{1, []int64{at(2, 0), at(0, 1), at(2, 2)}, nil}, {2, []int64{at(2, 2), at(3, 4), at(2, 6)}, nil},
			{3, []int64{at(2, 6), at(1, 4), at(2, 2)}, nil}, {4, []int64{at(2, 2), at(4, 3), at(4, 5), at(2, 6)}, nil},
			{5, []int64{at(2, 6), at(0, 4), at(2, 2)}, nil}, {6, []int64{at(2, 2), at(4, 1), at(2, 0)}, nil}},
			holes: []int{1, 0}, areas: 10 - 4 + 4},
		{name: "a way listed twice", ways: []way{square(1, 0, 0, 4), square(1, 0, 0, 4)}, holes: []int{0}, areas: 16},
		{name: "a loose end", ways: []way{{1, []int64{at(0, 0), at(4, 0), at(4, 4)}, nil}}, skipped: "its outline is not closed"},
		{name: "no ways", skipped: "its outline is not closed"},
		{name: "a missing node", ways: []way{{1, []int64{at(0, 0), 9999, at(4, 4), at(0, 0)}, nil}}, skipped: "the extract lacks some of its nodes"},
		{name: "a ring without extent", ways: []way{{1, []int64{at(0, 0), at(1, 0), at(2, 0), at(0, 0)}, nil}}, skipped: "it has no extent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := relation{id: 5, tags: []string{"type", "multipolygon", "natural", "water"}}
			for _, w := range tc.ways {
				r.ways = append(r.ways, w.id)
			}
			all, report := mustRead(t, file{nodes: grid(10), ways: tc.ways, relations: []relation{r}}, "natural=water")
			if tc.skipped != "" {
				if len(all) != 0 || report.Left() != 1 || report.Skipped[0].Reason["en"] != tc.skipped {
					t.Fatalf("got %v, %+v", all, report)
				}
				return
			}
			checkArea(t, all["relation/5"].Geometry, tc.holes, tc.areas)
		})
	}
}

func checkArea(t *testing.T, geometry orb.Geometry, holes []int, want float64) {
	t.Helper()
	parts, ok := geometry.(orb.MultiPolygon)
	if p, one := geometry.(orb.Polygon); one {
		parts, ok = orb.MultiPolygon{p}, true
	}
	if !ok || len(parts) != len(holes) {
		t.Fatalf("got %v", geometry)
	}
	var total float64
	for i, p := range parts {
		if len(p)-1 != holes[i] {
			t.Errorf("part %d: got %v", i, p)
		}
		total += signedArea(t, p)
	}
	if got := total * 1e4; got < want-1e-6 || got > want+1e-6 {
		t.Errorf("got an area of %v, want %v: %v", got, want, geometry)
	}
}

// signedArea sums rings as they run: holes count negative only when they run clockwise, as RFC 7946 wants.
func signedArea(t *testing.T, p orb.Polygon) float64 {
	t.Helper()
	var sum float64
	for i, r := range p {
		if !r.Closed() || len(r) < 4 || r.Orientation() != map[bool]orb.Orientation{true: orb.CCW, false: orb.CW}[i == 0] {
			t.Errorf("ring %d: %v", i, r)
		}
		for k := 1; k < len(r); k++ {
			sum += (r[k-1][0]*r[k][1] - r[k][0]*r[k-1][1]) / 2
		}
	}
	return sum
}

func TestRead_polygonWithHole(t *testing.T) {
	t.Parallel()
	f := file{nodes: grid(6), ways: []way{square(1, 1, 1, 2), square(2, 0, 0, 4)}, relations: []relation{{7, []int64{1, 2}, []string{"type", "boundary", "boundary", "administrative"}}}}
	all, _ := mustRead(t, f, "boundary=administrative")
	hole := ringOf(1, 1, 2)
	hole.Reverse()
	check(t, all, map[string]orb.Geometry{"relation/7": orb.Polygon{ringOf(0, 0, 4), hole}})
}

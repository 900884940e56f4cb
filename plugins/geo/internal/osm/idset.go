package osm

import "slices"

// idSet collects numbers, most of them several times, in little more memory than the different ones need.
type idSet struct {
	ids    []int64
	sorted int // how many at the front are in order, each once
}

// add takes more numbers.
func (s *idSet) add(ids ...int64) {
	s.ids = append(s.ids, ids...)
	if len(s.ids) > 2*s.sorted+1<<16 {
		s.settle()
	}
}

// settle puts the numbers in order, each once, and returns them.
func (s *idSet) settle() []int64 {
	if s.sorted != len(s.ids) {
		slices.Sort(s.ids)
		s.ids = slices.Compact(s.ids)
		s.sorted = len(s.ids)
	}
	return s.ids
}

// span is the range of the numbers of one kind in a block.
type span struct{ min, max int64 }

// spread is a span that widens with each number.
type spread struct {
	span
	any bool
}

func (s *spread) widen(id int64) {
	if !s.any {
		s.span, s.any = span{id, id}, true
	}
	s.min, s.max = min(s.min, id), max(s.max, id)
}

// meets tells whether one of the numbers, which are in order, lies in the span.
func (s spread) meets(ids []int64) bool {
	i, _ := slices.BinarySearch(ids, s.min)
	return s.any && i < len(ids) && ids[i] <= s.max
}

// places are the positions of the nodes in use.
type places struct {
	ids []int64 // in order
	at  []place
}

func newPlaces(ids []int64) places {
	p := places{ids: ids, at: make([]place, len(ids))}
	for i := range p.at {
		p.at[i] = nowhere
	}
	return p
}

// of gives the position of a node, or nowhere.
func (p places) of(id int64) place {
	if i, ok := slices.BinarySearch(p.ids, id); ok {
		return p.at[i]
	}
	return nowhere
}

// cursor looks numbers up that mostly come in order, as they do in a block.
type cursor struct {
	ids []int64
	at  int
}

func (c *cursor) find(id int64) (int, bool) {
	for near := 0; near < 8 && c.at < len(c.ids) && c.ids[c.at] < id; near++ {
		c.at++
	}
	if c.at > 0 && c.ids[c.at-1] >= id || c.at < len(c.ids) && c.ids[c.at] < id {
		c.at, _ = slices.BinarySearch(c.ids, id)
	}
	return c.at, c.at < len(c.ids) && c.ids[c.at] == id
}

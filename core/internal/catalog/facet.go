package catalog

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/palabre-cms/palabre/core"
)

// facetCache keeps the facets of a shelf without any filter until something changes.
type facetCache struct {
	mu    sync.Mutex
	known map[facetName][]core.FacetValue
}

type facetName struct {
	path   string
	state  core.State
	locale core.Locale
}

func (f *facetCache) drop() {
	if len(f.known) > 0 {
		f.known = nil
	}
}

// of gives the facet without a filter, counting it only when it is not known.
func (f *facetCache) of(name facetName, count func() []core.FacetValue) []core.FacetValue {
	f.mu.Lock()
	defer f.mu.Unlock()
	values, ok := f.known[name]
	if !ok {
		values = count()
		if f.known == nil {
			f.known = map[facetName][]core.FacetValue{}
		}
		f.known[name] = values
	}
	return slices.Clone(values)
}

// facet counts the values at a path in a set of slots: each entry once for each of its distinct values. all says
// that the set is everything that is seen.
func (r reading) facet(s *shelf, path core.Path, in bitset, all bool) ([]core.FacetValue, error) {
	if len(path.Via) > 0 {
		return r.facetThrough(s, path, in)
	}
	c, err := r.column(s, path.Field)
	if err != nil {
		return nil, err
	}
	if c.points != nil || c.kind == core.KindJSON {
		return nil, core.Errorf(core.CodeBadRequest, "The field %s cannot be a facet.", path.Field)
	}
	if !all {
		return c.count(in), nil
	}
	name := facetName{path.Field, r.state, s.table.layout.locale(r.locale)}
	return s.facets.of(name, func() []core.FacetValue { return c.count(in) }), nil
}

const widestTally = 1 << 16 // of values that are no codes

// count gives the values of a column in a set of slots, most frequent first.
func (c *column) count(in bitset) []core.FacetValue {
	base, n := uint64(0), 0
	if c.dict != nil {
		n = len(c.dict.values)
	} else {
		least, greatest := c.cells.extent(in)
		if least > greatest {
			return []core.FacetValue{}
		}
		if greatest-least >= widestTally {
			return c.countWide(in)
		}
		base, n = least, int(greatest-least)+1
	}
	counts := make([]uint32, n)
	c.cells.tally(in, counts, base)
	values := []core.FacetValue{}
	for i, n := range counts {
		if n > 0 {
			values = append(values, core.FacetValue{Value: c.value(base + uint64(i)), Count: int(n)})
		}
	}
	return ranked(values)
}

func (c *column) countWide(in bitset) []core.FacetValue {
	counts := map[uint64]int{}
	var buf []uint64
	in.each(func(slot uint32) {
		buf = c.cells.append(buf[:0], slot)
		for _, k := range buf {
			counts[k]++
		}
	})
	values := make([]core.FacetValue, 0, len(counts))
	for k, n := range counts {
		values = append(values, core.FacetValue{Value: c.value(k), Count: n})
	}
	return ranked(values)
}

// ranked sorts by count, the greatest first, and by value.
func ranked(values []core.FacetValue) []core.FacetValue {
	slices.SortFunc(values, func(a, b core.FacetValue) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), compareValues(a.Value, b.Value))
	})
	return values
}

// compareValues orders two values of one kind.
func compareValues(a, b any) int {
	switch a := a.(type) {
	case string:
		b, _ := b.(string)
		return strings.Compare(a, b)
	case int64:
		b, _ := b.(int64)
		return cmp.Compare(a, b)
	case float64:
		b, _ := b.(float64)
		return cmp.Compare(a, b)
	case bool:
		if b, _ := b.(bool); a != b {
			if a {
				return 1
			}
			return -1
		}
	}
	return 0
}

// valueOf is a value at the end of a path.
type valueOf struct {
	column *column
	key    uint64
}

// facetThrough counts the values at the end of references.
func (r reading) facetThrough(s *shelf, path core.Path, in bitset) ([]core.FacetValue, error) {
	j, err := r.join(s, path)
	if err != nil {
		return nil, err
	}
	if refs, ok := j.direct(s); ok {
		return j.values(j.countDirect(s, refs, in)), nil
	}
	counts := map[valueOf]int{}
	var own []valueOf
	var buf []uint64
	visit := func(c *column, end uint32) {
		buf = c.cells.append(buf[:0], end)
		for _, k := range buf {
			if v := (valueOf{c, k}); !j.counted(own, v) {
				own = append(own, v)
			}
		}
	}
	in.each(func(slot uint32) {
		own = own[:0]
		j.each(s, slot, visit)
		for _, v := range own {
			counts[v]++
		}
	})
	return j.values(counts), nil
}

// countDirect counts the entries referred to, and then their values.
func (j *join) countDirect(s *shelf, refs *single[uint32], in bitset) map[valueOf]int {
	numbers := make([]uint32, len(j.m.places))
	refs.tally(in, numbers, 0)
	counts := map[valueOf]int{}
	for number, n := range numbers {
		t := j.m.shelfOf(uint32(number))
		if n == 0 || t == nil {
			continue
		}
		if at, ok := j.m.slot(t, uint32(number), j.state); ok && j.hops[0].targets[t].has(at) {
			for _, k := range j.ends[t].cells.append(nil, at) {
				counts[valueOf{j.ends[t], k}] += int(n)
			}
		}
	}
	return counts
}

// counted reports whether a value is in a list, be it of another type's column.
func (j *join) counted(own []valueOf, v valueOf) bool {
	for _, have := range own {
		if have == v || (have.column != v.column && have.column.value(have.key) == v.column.value(v.key)) {
			return true
		}
	}
	return false
}

// values adds up what the columns of several types count for one value.
func (j *join) values(counts map[valueOf]int) []core.FacetValue {
	sums := map[any]int{}
	for v, n := range counts {
		sums[v.column.value(v.key)] += n
	}
	values := make([]core.FacetValue, 0, len(sums))
	for v, n := range sums {
		values = append(values, core.FacetValue{Value: v, Count: n})
	}
	return ranked(values)
}

package catalog

import (
	"fmt"
	"math"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// answer is a query under way: everything of its page but the documents.
type answer struct {
	reading
	q      core.Query
	shelf  *shelf
	found  bitset
	all    bool // nothing restricts what is seen
	scores []float64
	// fewRows is how many are put in order without an order that is kept.
	fewRows int
}

// find gives the slots that the query asks for.
func (a *answer) find() error {
	found, err := a.where(a.shelf, a.q.Where)
	if err != nil {
		return err
	}
	a.found, a.all = found, a.q.Where == nil && a.scores == nil && a.q.Geo == nil && a.q.Only == nil
	if a.scores != nil {
		a.onlyScored()
	}
	if a.q.Only != nil {
		found.and(a.only(a.q.Only))
	}
	if a.q.Geo != nil {
		return a.geo(a.q.Geo)
	}
	return nil
}

func (a *answer) onlyScored() {
	a.found.each(func(slot uint32) {
		if int(slot) >= len(a.scores) || a.scores[slot] == 0 {
			a.found.clear(slot)
		}
	})
}

func (a *answer) only(ids []core.EntryID) bitset {
	slots := newBitset(a.shelf.slots())
	for _, id := range ids {
		s, number, ok := a.m.find(a.shelf.name, id)
		if !ok {
			continue
		}
		if slot, ok := a.m.slot(s, number, a.state); ok {
			slots.set(slot)
		}
	}
	return slots
}

// geo narrows by place.
func (a *answer) geo(g *core.GeoFilter) error {
	if g.Territory != nil {
		a.found.and(a.territory(*g.Territory))
	}
	if g.BBox == nil && g.Near == nil {
		return nil
	}
	p, err := a.points(g.Field)
	if err != nil {
		return err
	}
	if g.BBox != nil {
		slots := newBitset(a.shelf.slots())
		p.inside(slots, *g.BBox)
		a.found.and(slots)
	}
	if g.Near != nil {
		slots := newBitset(a.shelf.slots())
		p.near(slots, *g.Near)
		a.found.and(slots)
	}
	return nil
}

func (a *answer) points(field string) (*points, error) {
	c, err := a.column(a.shelf, field)
	if err != nil {
		return nil, err
	}
	if c.points == nil {
		return nil, core.Errorf(core.CodeBadRequest, "The field %s of %s is no place.", field, a.shelf.name)
	}
	return c.points, nil
}

// territory gives the slots with a territory code that is the wanted one or, of a commune, lies in the wanted département.
func (a *answer) territory(t core.Territory) bitset {
	slots := newBitset(a.shelf.slots())
	for _, c := range a.shelf.table.columns[systemColumns:] {
		if c.field.Territory == "" || c.locale != "" || c.kind != core.KindString {
			continue
		}
		level := c.field.Territory
		if t.Level == "" || level == t.Level || level == "any" {
			c.equal(slots, []any{t.Code})
		}
		if t.Level == "departement" && (level == "commune" || level == "any") {
			c.cells.scanSet(slots, c.communesOf(t.Code))
		}
	}
	return slots
}

// communesOf gives the codes of a column that are communes of a département: five characters that begin with its code.
func (c *column) communesOf(departement string) bitset {
	found := newBitset(len(c.dict.values))
	if wide := strings.HasPrefix(departement, "97") || strings.HasPrefix(departement, "98"); wide != (len(departement) == 3) || (!wide && len(departement) != 2) {
		return found
	}
	for code, v := range c.dict.values {
		if len(v) == 5 && strings.HasPrefix(v, departement) {
			found.set(uint32(code))
		}
	}
	return found
}

// keys gives the order that the query wants, made total by the identifier, and a name for it.
func (a *answer) keys() (sortKeys, string, error) {
	var keys sortKeys
	name := string(a.state)
	for _, k := range a.q.Sort {
		key, err := a.key(k)
		if err != nil {
			return nil, "", err
		}
		keys = append(keys, key)
		name += fmt.Sprintf(",%s %s %t", k.Path, a.shelf.table.layout.locale(a.locale), k.Desc)
	}
	return append(keys, columnKey(a.shelf.table.columns[columnID], false)), name, nil
}

func (a *answer) key(k core.SortKey) (sortKey, error) {
	switch {
	case k.Path.Field == "_score" && len(k.Path.Via) == 0:
		return a.scoreKey(k.Desc), nil
	case k.Path.Field == "_distance" && len(k.Path.Via) == 0:
		return a.distanceKey(k.Desc)
	case len(k.Path.Via) > 0:
		j, err := a.join(a.shelf, k.Path)
		if err != nil {
			return sortKey{}, err
		}
		return j.sortKey(a.shelf, k.Desc), nil
	}
	c, err := a.column(a.shelf, k.Path.Field)
	if err != nil {
		return sortKey{}, err
	}
	if c.points != nil {
		return sortKey{}, core.Errorf(core.CodeBadRequest, "The field %s is a place and has no order; sort by _distance.", k.Path.Field)
	}
	return columnKey(c, k.Desc), nil
}

func (a *answer) scoreKey(desc bool) sortKey {
	score := func(slot uint32) float64 {
		if int(slot) < len(a.scores) {
			return a.scores[slot]
		}
		return 0
	}
	return floatSortKey(score, desc)
}

func (a *answer) distanceKey(desc bool) (sortKey, error) {
	if a.q.Geo == nil || a.q.Geo.Near == nil {
		return sortKey{}, core.Errorf(core.CodeBadRequest, "Sorting by _distance needs near=lat,lon,metres.")
	}
	p, err := a.points(a.q.Geo.Field)
	if err != nil {
		return sortKey{}, err
	}
	return floatSortKey(p.from(*a.q.Geo.Near), desc), nil
}

// floatSortKey orders by a number that is worked out for each query; NaN is none.
func floatSortKey(of func(slot uint32) float64, desc bool) sortKey {
	turn := sortKey{desc: desc}
	key := func(f float64) uint64 {
		if math.IsNaN(f) {
			return none
		}
		return turn.turned(floatKey(f))
	}
	return sortKey{
		at: func(slot uint32) uint64 { return key(of(slot)) },
		value: func(slot uint32) any {
			if f := of(slot); !math.IsNaN(f) {
				return f
			}
			return nil
		},
		bound: func(v any) uint64 { f, _ := number(v); return key(f) },
	}
}

// page gives the slots of the page, and the place after it when there are more.
func (a *answer) page() ([]uint32, *core.Cursor, error) {
	if a.q.Limit <= 0 {
		return nil, nil, nil
	}
	keys, name, err := a.keys()
	if err != nil {
		return nil, nil, err
	}
	place, err := keys.place(a.q.After)
	if err != nil {
		return nil, nil, err
	}
	slots := a.take(keys, name, place, a.q.Limit+1)
	if len(slots) <= a.q.Limit {
		return slots, nil, nil
	}
	slots = slots[:a.q.Limit]
	return slots, keys.cursor(slots[len(slots)-1]), nil
}

// take puts few rows in order one by one, and many by an order that is made for all and kept.
func (a *answer) take(keys sortKeys, name string, place []uint64, most int) []uint32 {
	if !keys.fixed() || a.found.count() <= a.fewRows {
		return keys.first(a.found, place, most)
	}
	slots := make([]uint32, 0, most)
	a.shelf.orders.get(a.shelf, name, keys).walk(keys, a.found, place, func(slot uint32) bool {
		slots = append(slots, slot)
		return len(slots) < most
	})
	return slots
}

// counted gives the facets that the query asks for.
func (a *answer) counted() (map[string][]core.FacetValue, error) {
	if len(a.q.Facets) == 0 {
		return nil, nil
	}
	facets := make(map[string][]core.FacetValue, len(a.q.Facets))
	for _, path := range a.q.Facets {
		values, err := a.facet(a.shelf, path, a.found, a.all)
		if err != nil {
			return nil, err
		}
		facets[path.String()] = values
	}
	return facets, nil
}

// finish adds to a view what only the query knows.
func (a *answer) finish(v *core.View, slot uint32) {
	if int(slot) < len(a.scores) {
		v.Score = a.scores[slot]
	}
	if a.q.Geo == nil || a.q.Geo.Near == nil {
		return
	}
	if p, err := a.points(a.q.Geo.Field); err == nil {
		v.Distance = p.distance(slot, *a.q.Geo.Near)
	}
}

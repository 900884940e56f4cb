package catalog

import (
	"github.com/palabre-cms/palabre/core"
)

// mediaType is the type of the entries that media fields refer to.
const mediaType core.TypeName = "_media"

// targets gives, by shelf, the entries that a reference may lead to: those that are seen, and of those the ones that
// the step lets through.
func (r reading) targets(c *column, path core.Path) (map[*shelf]bitset, error) {
	found := map[*shelf]bitset{}
	for _, s := range r.ends(c) {
		if path.Steps == nil {
			found[s] = s.seen(r.beyond().state)
			continue
		}
		node, allowed := path.Steps[0][s.name]
		if !allowed {
			continue
		}
		slots, err := r.beyond().where(s, node)
		if err != nil {
			return nil, err
		}
		found[s] = slots
	}
	return found, nil
}

// ends gives the types of entries that a reference field may name, as far as there are entries.
func (r reading) ends(c *column) []*shelf {
	if c.kind == core.KindMedia {
		return r.named(mediaType)
	}
	if c.field == nil || c.field.Ref == nil || len(c.field.Ref.Types) == 0 {
		return r.m.shelves
	}
	return r.named(c.field.Ref.Types...)
}

func (r reading) named(names ...core.TypeName) (shelves []*shelf) {
	for _, name := range names {
		if s, ok := r.m.byName[name]; ok {
			shelves = append(shelves, s)
		}
	}
	return shelves
}

// rest gives a path without its first reference.
func rest(path core.Path) core.Path {
	next := core.Path{Via: path.Via[1:], Field: path.Field}
	if path.Steps != nil {
		next.Steps = path.Steps[1:]
	}
	return next
}

// via gives the column of a path's first reference.
func (r reading) via(s *shelf, path core.Path) (*column, error) {
	c, err := r.column(s, path.Via[0])
	if err != nil {
		return nil, err
	}
	if !c.referring() {
		return nil, core.Errorf(core.CodeBadRequest, "The field %s of %s is no reference.", path.Via[0], s.name)
	}
	return c, nil
}

// through gives the slots whose reference leads to an entry in what f finds.
func (r reading) through(s *shelf, path core.Path, f func(t *shelf, rest core.Path) (bitset, error)) (bitset, error) {
	c, err := r.via(s, path)
	if err != nil {
		return nil, err
	}
	targets, err := r.targets(c, path)
	if err != nil {
		return nil, err
	}
	numbers := newBitset(len(r.m.places))
	for t, allowed := range targets {
		found, err := f(t, rest(path))
		if err != nil {
			return nil, err
		}
		found = found.sized(t.slots())
		found.and(allowed)
		found.each(func(slot uint32) { numbers.set(t.number(slot)) })
	}
	slots := newBitset(s.slots())
	c.cells.scanSet(slots, numbers)
	return slots, nil
}

// join follows a path from slots of one shelf to the values at its end. It is for one query, and one goroutine.
type join struct {
	m     *memory
	state core.State // beyond the references
	hops  []hop
	ends  map[*shelf]*column
}

// hop is one reference of a path: its column in each type that it starts from, and where it may lead.
type hop struct {
	columns map[*shelf]*column
	targets map[*shelf]bitset
	buf     []uint64
}

func (r reading) join(s *shelf, path core.Path) (*join, error) {
	j := &join{m: r.m, state: r.beyond().state, ends: map[*shelf]*column{}}
	from := []*shelf{s}
	for ; len(path.Via) > 0; path = rest(path) {
		h := hop{columns: map[*shelf]*column{}, targets: map[*shelf]bitset{}}
		for _, s := range from {
			if err := r.hop(&h, s, path); err != nil {
				return nil, err
			}
		}
		from = from[:0:0]
		for s := range h.targets {
			from = append(from, s)
		}
		j.hops, r = append(j.hops, h), r.beyond()
	}
	for _, s := range from {
		c, err := r.column(s, path.Field)
		if err != nil {
			return nil, err
		}
		if c.points != nil {
			return nil, core.Errorf(core.CodeBadRequest, "The field %s is a place and has no order.", c.path)
		}
		j.ends[s] = c
	}
	return j, nil
}

func (r reading) hop(h *hop, s *shelf, path core.Path) error {
	c, err := r.via(s, path)
	if err != nil {
		return err
	}
	targets, err := r.targets(c, path)
	if err != nil {
		return err
	}
	h.columns[s] = c
	for t, allowed := range targets {
		h.targets[t] = allowed
	}
	return nil
}

// each calls f with every end of the path from a slot.
func (j *join) each(s *shelf, slot uint32, f func(c *column, slot uint32)) { j.follow(0, s, slot, f) }

func (j *join) follow(depth int, s *shelf, slot uint32, f func(c *column, slot uint32)) {
	if depth == len(j.hops) {
		f(j.ends[s], slot)
		return
	}
	h := &j.hops[depth]
	start := len(h.buf)
	h.buf = h.columns[s].cells.append(h.buf, slot)
	for _, number := range h.buf[start:] {
		t := j.m.shelfOf(uint32(number))
		if t == nil {
			continue
		}
		if at, ok := j.m.slot(t, uint32(number), j.state); ok && h.targets[t].has(at) {
			j.follow(depth+1, t, at, f)
		}
	}
	h.buf = h.buf[:start]
}

// labels gives for each end of the path the labels of its values, so that values of different types compare.
func (j *join) labels() map[*column][]uint64 {
	dicts := map[*dictionary]bool{}
	for _, c := range j.ends {
		dicts[c.dict] = true
	}
	labels := map[*column][]uint64{}
	for _, c := range j.ends {
		if c.dict != nil && len(dicts) == 1 {
			labels[c] = c.dict.labels()
		}
	}
	if len(dicts) > 1 {
		j.mergeLabels(labels)
	}
	return labels
}

// mergeLabels ranks the values of several dictionaries as one.
func (j *join) mergeLabels(labels map[*column][]uint64) {
	union := newDictionary(false)
	for _, c := range j.ends {
		if c.dict != nil {
			for _, v := range c.dict.values {
				union.codeOf(v)
			}
		}
	}
	ranks := union.labels()
	for _, c := range j.ends {
		if c.dict == nil {
			continue
		}
		labels[c] = make([]uint64, len(c.dict.values))
		for code, v := range c.dict.values {
			at, _ := union.find(v)
			labels[c][code] = ranks[at]
		}
	}
}

// direct gives the reference column of a path that leads from each slot to at most one entry, whose end is then worked out
// only once for all slots that refer to it.
func (j *join) direct(s *shelf) (*single[uint32], bool) {
	if len(j.hops) != 1 {
		return nil, false
	}
	refs, ok := j.hops[0].columns[s].cells.(*single[uint32])
	return refs, ok
}

// bestEnd finds the value by which a slot is ordered among those at the ends of a path.
type bestEnd struct {
	join   *join
	shelf  *shelf
	desc   bool
	labels map[*column][]uint64
	visit  func(c *column, end uint32)
	refs   *single[uint32] // of a direct path
	memo   []uint64        // by entry number referred to: the key found, 0 for not yet
	key    uint64
	column *column
	value  uint64
}

// of gives the key of a slot.
func (b *bestEnd) of(slot uint32) uint64 {
	if b.refs == nil {
		return b.look(slot)
	}
	number := b.refs.best(slot, nil, false)
	if number >= uint64(len(b.memo)) {
		return none
	}
	if b.memo[number] == 0 {
		b.memo[number] = b.look(slot)
	}
	return b.memo[number]
}

// look follows the path, and leaves behind what it found.
func (b *bestEnd) look(slot uint32) uint64 {
	b.key, b.column = none, nil
	b.join.each(b.shelf, slot, b.visit)
	return b.key
}

func (b *bestEnd) consider(c *column, end uint32) {
	k := sortKey{column: c, labels: b.labels[c], desc: b.desc}
	value := c.cells.best(end, k.labels, b.desc)
	if key := k.directed(value); key < b.key {
		b.key, b.column, b.value = key, c, value
	}
}

// sortKey orders by the ends of the path.
func (j *join) sortKey(s *shelf, desc bool) sortKey {
	b := &bestEnd{join: j, shelf: s, desc: desc, labels: j.labels()}
	b.visit = b.consider
	if refs, ok := j.direct(s); ok {
		b.refs, b.memo = refs, make([]uint64, len(j.m.places))
	}
	return sortKey{
		at: b.of,
		value: func(slot uint32) any {
			if b.look(slot) == none {
				return nil
			}
			return b.column.value(b.value)
		},
		bound: func(v any) uint64 { return j.bound(v, desc, b.labels) },
	}
}

// bound gives the key of a value in a cursor.
func (j *join) bound(v any, desc bool, labels map[*column][]uint64) uint64 {
	best := uint64(0)
	for _, c := range j.ends {
		k := sortKey{column: c, desc: desc}
		if c.dict == nil {
			key, _ := k.from(v)
			return key
		}
		// The label of the value or, when it is gone, the place after the last one before it.
		for code, have := range c.dict.values {
			switch text := textOf(v); {
			case have == text:
				return k.turned(labels[c][code])
			case c.dict.less(have, text):
				best = max(best, labels[c][code])
			}
		}
	}
	return (&sortKey{desc: desc}).turned(best + 1)
}

package catalog

import (
	"cmp"
	"slices"
	"sort"
	"sync"

	"github.com/palabre-cms/palabre/core"
)

// sortKey orders slots by one path. Its keys rise in the wanted direction, and none comes last in both.
type sortKey struct {
	column *column
	labels []uint64 // of a coded column
	desc   bool
	at     func(slot uint32) uint64 // instead of a column: what is worked out for each query
	value  func(slot uint32) any    // with at: the value that goes into a cursor
	bound  func(v any) uint64       // with at: the key of a cursor's value
}

func columnKey(c *column, desc bool) sortKey {
	k := sortKey{column: c, desc: desc}
	if c.dict != nil {
		k.labels = c.dict.labels()
	}
	return k
}

func (k *sortKey) key(slot uint32) uint64 {
	if k.at != nil {
		return k.at(slot)
	}
	return k.directed(k.column.cells.best(slot, k.labels, k.desc))
}

// directed turns a value of the column into a key.
func (k *sortKey) directed(value uint64) uint64 {
	if value == none {
		return none
	}
	if k.labels != nil {
		value = k.labels[value]
	}
	if k.desc {
		return ^value
	}
	return value
}

// cursor gives the value of a slot as a Cursor has it, nil for none.
func (k *sortKey) cursor(slot uint32) any {
	if k.value != nil {
		return k.value(slot)
	}
	value := k.column.cells.best(slot, k.labels, k.desc)
	if value == none {
		return nil
	}
	return k.column.value(value)
}

// from gives the key of a cursor's value.
func (k *sortKey) from(v any) (uint64, bool) {
	switch {
	case v == nil:
		return none, true
	case k.bound != nil:
		return k.bound(v), true
	case k.column.dict != nil:
		text, ok := v.(string)
		return k.turned(k.column.dict.label(text)), ok
	}
	key, ok := k.column.key(v, roundDown)
	return k.turned(key), ok
}

func (k *sortKey) turned(key uint64) uint64 {
	if k.desc {
		return ^key
	}
	return key
}

// sortKeys is a total order of slots: its last key is the identifier.
type sortKeys []sortKey

func (ks sortKeys) compare(a, b uint32) int {
	for i := range ks {
		if c := cmp.Compare(ks[i].key(a), ks[i].key(b)); c != 0 {
			return c
		}
	}
	return 0
}

// after reports whether a slot comes after a place.
func (ks sortKeys) after(slot uint32, place []uint64) bool {
	for i := range ks {
		if c := cmp.Compare(ks[i].key(slot), place[i]); c != 0 {
			return c > 0
		}
	}
	return false
}

// place gives the keys of a cursor, nil for the beginning.
func (ks sortKeys) place(after *core.Cursor) ([]uint64, error) {
	if after == nil {
		return nil, nil
	}
	place := make([]uint64, len(ks))
	values := append(slices.Clone(after.Values), string(after.ID))
	if len(values) != len(ks) {
		return nil, errCursor
	}
	for i := range ks {
		key, ok := ks[i].from(values[i])
		if !ok {
			return nil, errCursor
		}
		place[i] = key
	}
	return place, nil
}

// cursor gives the place of a slot.
func (ks sortKeys) cursor(slot uint32) *core.Cursor {
	last := len(ks) - 1
	c := &core.Cursor{Values: make([]any, last), ID: core.EntryID(ks[last].cursor(slot).(string))}
	for i := range c.Values {
		c.Values[i] = ks[i].cursor(slot)
	}
	return c
}

// fixed reports whether the order depends on the shelf alone, so that it can be kept.
func (ks sortKeys) fixed() bool {
	for i := range ks {
		if ks[i].at != nil {
			return false
		}
	}
	return true
}

// order is a permutation of a shelf's slots. It is not sorted again at each write: what was written since stands, sorted, in
// a tail, which a walk merges in and which now and then is merged into the base.
type order struct {
	base    []uint32
	stale   bitset   // slots whose place in base is no longer theirs
	tail    []uint32 // slots that are not in base, or stale there
	touched []uint32 // slots written since the tail was made
	used    uint64   // for throwing away the order that was used longest ago
}

// orders are the permutations of a shelf's slots, made when first asked for, and brought up to date by the first reader
// that asks after a write: since readers do not overlap with the writer, nobody walks an order while it changes.
type orders struct {
	mu    sync.Mutex
	known map[string]*order
	clock uint64
}

const (
	mostOrders = 32
	longTail   = 1024
)

// touch says that a slot's values or its entry changed.
func (o *orders) touch(slot uint32) {
	for name, known := range o.known {
		if len(known.touched) > len(known.base)/2+longTail {
			delete(o.known, name) // nobody asked for it in a long while
			continue
		}
		known.touched = append(known.touched, slot)
	}
}

// drop forgets all orders.
func (o *orders) drop() { o.known = nil }

// get gives the order of a name, up to date.
func (o *orders) get(s *shelf, name string, keys sortKeys) *order {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := o.known[name]
	if known == nil {
		known = o.add(name)
		known.sort(s, keys)
	}
	known.settle(s, keys)
	o.clock++
	known.used = o.clock
	return known
}

func (o *orders) add(name string) *order {
	if o.known == nil {
		o.known = map[string]*order{}
	}
	if len(o.known) >= mostOrders {
		oldest, least := "", none
		for name, k := range o.known {
			if k.used < least {
				oldest, least = name, k.used
			}
		}
		delete(o.known, oldest)
	}
	o.known[name] = &order{}
	return o.known[name]
}

// sort makes the base anew.
func (o *order) sort(s *shelf, keys sortKeys) {
	type keyed struct {
		key  uint64
		slot uint32
	}
	list := make([]keyed, 0, s.slots())
	for slot := range uint32(s.slots()) {
		if s.rows[slot] != 0 {
			list = append(list, keyed{keys[0].key(slot), slot})
		}
	}
	rest := keys[1:]
	slices.SortFunc(list, func(a, b keyed) int {
		if c := cmp.Compare(a.key, b.key); c != 0 {
			return c
		}
		return rest.compare(a.slot, b.slot)
	})
	o.base = make([]uint32, len(list))
	for i, k := range list {
		o.base[i] = k.slot
	}
	o.stale, o.tail, o.touched = nil, nil, nil
}

// settle moves the touched slots to their places.
func (o *order) settle(s *shelf, keys sortKeys) {
	if len(o.touched) == 0 {
		return
	}
	if len(o.touched) > len(o.base)/4+longTail {
		o.sort(s, keys)
		return
	}
	slices.Sort(o.touched)
	touched := slices.Compact(o.touched)
	for _, slot := range touched {
		o.stale.set(slot)
	}
	o.tail = slices.DeleteFunc(o.tail, func(slot uint32) bool { _, found := slices.BinarySearch(touched, slot); return found })
	fresh := slices.DeleteFunc(touched, func(slot uint32) bool { return s.rows[slot] == 0 })
	slices.SortFunc(fresh, keys.compare)
	o.tail = merge(make([]uint32, 0, len(o.tail)+len(fresh)), o.tail, fresh, keys)
	o.touched = o.touched[:0]
	if len(o.tail) > longTail {
		o.flatten(keys)
	}
}

// flatten merges the tail into the base.
func (o *order) flatten(keys sortKeys) {
	sound := slices.DeleteFunc(o.base, o.stale.has)
	o.base = merge(make([]uint32, 0, len(sound)+len(o.tail)), sound, o.tail, keys)
	o.stale, o.tail = nil, nil
}

// merge appends two sorted lists to out, as one. The second is short: its places are searched for.
func merge(out, long, short []uint32, keys sortKeys) []uint32 {
	for _, slot := range short {
		n := sort.Search(len(long), func(i int) bool { return keys.compare(long[i], slot) > 0 })
		out = append(append(out, long[:n]...), slot)
		long = long[n:]
	}
	return append(out, long...)
}

// start gives the index in base of the first slot after a place.
func (o *order) start(keys sortKeys, place []uint64) int {
	low, high := 0, len(o.base)
	for low < high {
		middle := (low + high) / 2
		probe := middle
		for probe < high && o.stale.has(o.base[probe]) {
			probe++ // a stale slot says nothing about its place
		}
		switch {
		case probe == high:
			high = middle
		case keys.after(o.base[probe], place):
			high = middle
		default:
			low = probe + 1
		}
	}
	return low
}

// walk calls f with the slots of a set in order, after a place (nil for all), until f returns false.
func (o *order) walk(keys sortKeys, in bitset, place []uint64, f func(slot uint32) bool) {
	i, j := 0, 0
	if place != nil {
		i = o.start(keys, place)
		j = sort.Search(len(o.tail), func(k int) bool { return keys.after(o.tail[k], place) })
	}
	for {
		for i < len(o.base) && (!in.has(o.base[i]) || o.stale.has(o.base[i])) {
			i++
		}
		for j < len(o.tail) && !in.has(o.tail[j]) {
			j++
		}
		var slot uint32
		switch {
		case i == len(o.base) && j == len(o.tail):
			return
		case j == len(o.tail) || (i < len(o.base) && keys.compare(o.base[i], o.tail[j]) < 0):
			slot = o.base[i]
			i++
		default:
			slot = o.tail[j]
			j++
		}
		if !f(slot) {
			return
		}
	}
}

// first gives the first slots of a set after a place, without any order made before.
func (ks sortKeys) first(in bitset, place []uint64, most int) []uint32 {
	best := make([]uint32, 0, most)
	keys := make([]uint64, 0, most)
	in.each(func(slot uint32) {
		key := ks[0].key(slot)
		if len(best) == most && key > keys[most-1] {
			return
		}
		if place != nil && !ks.after(slot, place) {
			return
		}
		at := sort.Search(len(best), func(i int) bool {
			return keys[i] > key || (keys[i] == key && ks[1:].compare(best[i], slot) > 0)
		})
		if at == most {
			return
		}
		if len(best) == most {
			best, keys = best[:most-1], keys[:most-1]
		}
		best, keys = slices.Insert(best, at, slot), slices.Insert(keys, at, key)
	})
	return best
}

package catalog

import (
	"math/bits"
	"slices"
)

// none is the key of an absent value. It comes after every key, so that entries without a value come last.
const none = ^uint64(0)

// Keys of values: between them everything that is a value, in the order of the values.
const (
	leastKey    = uint64(1)
	greatestKey = none - 1
)

// cells are the values of one column by slot, as keys (see spec.key): ordered numbers, dictionary codes or entry numbers.
// put is for the one writer; everything else may be called by many readers.
type cells interface {
	// put sets a slot's values, none of them for no value.
	put(slot uint32, keys []uint64)
	// append adds a slot's values to buf.
	append(buf []uint64, slot uint32) []uint64
	// reserve makes room for n slots.
	reserve(n int)
	// best gives the least value of a slot, or the greatest, by label where there are labels; none when it has no value.
	best(slot uint32, labels []uint64, greatest bool) uint64
	// scan adds to out the slots with a value between low and high, both included.
	scan(out bitset, low, high uint64)
	// scanSet adds to out the slots with a value in a set.
	scanSet(out bitset, set bitset)
	// scanLabels adds to out the slots with a value whose label is between low and high, both included.
	scanLabels(out bitset, labels []uint64, low, high uint64)
	// tally counts the slots of in by value: counts[v-base]. A slot's values are distinct.
	tally(in bitset, counts []uint32, base uint64)
	// extent gives the least and the greatest value in the slots of a set; least > greatest when there is none.
	extent(in bitset) (least, greatest uint64)
}

// single is a column with at most one value for each slot. T's greatest number stands for none.
type single[T uint32 | uint64] struct{ keys []T }

func (s *single[T]) put(slot uint32, keys []uint64) {
	for int(slot) >= len(s.keys) {
		s.keys = append(s.keys, ^T(0))
	}
	s.keys[slot] = ^T(0)
	if len(keys) > 0 {
		s.keys[slot] = T(keys[0])
	}
}

func (s *single[T]) append(buf []uint64, slot uint32) []uint64 {
	if int(slot) >= len(s.keys) || s.keys[slot] == ^T(0) {
		return buf
	}
	return append(buf, uint64(s.keys[slot]))
}

func (s *single[T]) reserve(n int) { s.keys = slices.Grow(s.keys, max(0, n-len(s.keys))) }

func (s *single[T]) best(slot uint32, _ []uint64, _ bool) uint64 {
	if int(slot) >= len(s.keys) || s.keys[slot] == ^T(0) {
		return none
	}
	return uint64(s.keys[slot])
}

// scan compares without branches, since whether a row matches cannot be predicted.
func (s *single[T]) scan(out bitset, low, high uint64) {
	high = min(high, uint64(^T(0))-1)
	if low > high {
		return
	}
	width := high - low
	for w := range out[:min(len(out), words(len(s.keys)))] {
		chunk := s.keys[w<<6 : min(w<<6+64, len(s.keys))]
		var word uint64
		for i, k := range chunk {
			_, outside := bits.Sub64(width, uint64(k)-low, 0)
			word |= (1 - outside) << (i & 63)
		}
		out[w] |= word
	}
}

func (s *single[T]) scanSet(out bitset, set bitset) {
	for w := range out[:min(len(out), words(len(s.keys)))] {
		chunk := s.keys[w<<6 : min(w<<6+64, len(s.keys))]
		var word uint64
		for i, k := range chunk {
			if at := uint64(k) >> 6; at < uint64(len(set)) {
				word |= set[at] >> (k & 63) & 1 << (i & 63)
			}
		}
		out[w] |= word
	}
}

func (s *single[T]) scanLabels(out bitset, labels []uint64, low, high uint64) {
	if low > high {
		return
	}
	width := high - low
	for w := range out[:min(len(out), words(len(s.keys)))] {
		chunk := s.keys[w<<6 : min(w<<6+64, len(s.keys))]
		var word uint64
		for i, k := range chunk {
			if uint64(k) < uint64(len(labels)) {
				_, outside := bits.Sub64(width, labels[k]-low, 0)
				word |= (1 - outside) << (i & 63)
			}
		}
		out[w] |= word
	}
}

func (s *single[T]) tally(in bitset, counts []uint32, base uint64) {
	for w, word := range in[:min(len(in), words(len(s.keys)))] {
		for ; word != 0; word &= word - 1 {
			i := w<<6 + bits.TrailingZeros64(word)
			if i >= len(s.keys) {
				return
			}
			if k := uint64(s.keys[i]) - base; k < uint64(len(counts)) {
				counts[k]++
			}
		}
	}
}

func (s *single[T]) extent(in bitset) (least, greatest uint64) {
	least = none
	in.each(func(i uint32) {
		if int(i) < len(s.keys) && s.keys[i] != ^T(0) {
			least, greatest = min(least, uint64(s.keys[i])), max(greatest, uint64(s.keys[i]))
		}
	})
	return least, greatest
}

// multi is a column with any number of values for each slot: a span of a pool.
type multi[T uint32 | uint64] struct {
	spans []span
	pool  []T
	waste int // of the pool: values that no span holds any more
}

type span struct{ at, n uint32 }

func (m *multi[T]) put(slot uint32, keys []uint64) {
	for int(slot) >= len(m.spans) {
		m.spans = append(m.spans, span{})
	}
	m.waste += int(m.spans[slot].n)
	m.spans[slot] = span{at: uint32(len(m.pool)), n: uint32(len(keys))}
	for _, k := range keys {
		m.pool = append(m.pool, T(k))
	}
	if m.waste > 4096 && m.waste > len(m.pool)/2 {
		m.compact()
	}
}

// compact copies what is in use to a new pool.
func (m *multi[T]) compact() {
	pool := make([]T, 0, len(m.pool)-m.waste)
	for slot, s := range m.spans {
		m.spans[slot].at = uint32(len(pool))
		pool = append(pool, m.pool[s.at:s.at+s.n]...)
	}
	m.pool, m.waste = pool, 0
}

func (m *multi[T]) at(slot uint32) []T {
	if int(slot) >= len(m.spans) {
		return nil
	}
	s := m.spans[slot]
	return m.pool[s.at : s.at+s.n]
}

func (m *multi[T]) append(buf []uint64, slot uint32) []uint64 {
	for _, k := range m.at(slot) {
		buf = append(buf, uint64(k))
	}
	return buf
}

func (m *multi[T]) reserve(n int) { m.spans = slices.Grow(m.spans, max(0, n-len(m.spans))) }

func (m *multi[T]) best(slot uint32, labels []uint64, greatest bool) uint64 {
	found, rank := none, none
	for _, k := range m.at(slot) {
		r := uint64(k)
		if labels != nil {
			r = labels[k]
		}
		if greatest {
			r = ^r
		}
		if r < rank {
			found, rank = uint64(k), r
		}
	}
	return found
}

// any adds to out the slots with a value for which f holds.
func (m *multi[T]) any(out bitset, f func(k T) bool) {
	for slot, s := range m.spans[:min(len(m.spans), len(out)<<6)] {
		for _, k := range m.pool[s.at : s.at+s.n] {
			if f(k) {
				out[slot>>6] |= 1 << (slot & 63)
				break
			}
		}
	}
}

func (m *multi[T]) scan(out bitset, low, high uint64) {
	m.any(out, func(k T) bool { return uint64(k) >= low && uint64(k) <= high })
}

func (m *multi[T]) scanSet(out bitset, set bitset) {
	m.any(out, func(k T) bool { return uint64(k)>>6 < uint64(len(set)) && set[k>>6]>>(k&63)&1 == 1 })
}

func (m *multi[T]) scanLabels(out bitset, labels []uint64, low, high uint64) {
	m.any(out, func(k T) bool { return uint64(k) < uint64(len(labels)) && labels[k] >= low && labels[k] <= high })
}

func (m *multi[T]) tally(in bitset, counts []uint32, base uint64) {
	for w, word := range in[:min(len(in), words(len(m.spans)))] {
		for ; word != 0; word &= word - 1 {
			slot := w<<6 + bits.TrailingZeros64(word)
			if slot >= len(m.spans) {
				return
			}
			s := m.spans[slot]
			for _, k := range m.pool[s.at : s.at+s.n] {
				if i := uint64(k) - base; i < uint64(len(counts)) {
					counts[i]++
				}
			}
		}
	}
}

func (m *multi[T]) extent(in bitset) (least, greatest uint64) {
	least = none
	in.each(func(slot uint32) {
		for _, k := range m.at(slot) {
			least, greatest = min(least, uint64(k)), max(greatest, uint64(k))
		}
	})
	return least, greatest
}

var (
	_ cells = (*single[uint32])(nil)
	_ cells = (*single[uint64])(nil)
	_ cells = (*multi[uint32])(nil)
	_ cells = (*multi[uint64])(nil)
)

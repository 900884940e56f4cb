package catalog

import "math/bits"

// bitset is a set of small numbers: slots, dictionary codes, entry numbers. Numbers beyond its end are not in it.
type bitset []uint64

// words gives how many words hold n bits.
func words(n int) int { return (n + 63) / 64 }

func newBitset(n int) bitset { return make(bitset, words(n)) }

func (b bitset) has(i uint32) bool {
	w := int(i >> 6)
	return w < len(b) && b[w]>>(i&63)&1 == 1
}

// set puts i in, growing the set when it must.
func (b *bitset) set(i uint32) {
	for w := int(i >> 6); w >= len(*b); {
		*b = append(*b, 0)
	}
	(*b)[i>>6] |= 1 << (i & 63)
}

func (b bitset) clear(i uint32) {
	if w := int(i >> 6); w < len(b) {
		b[w] &^= 1 << (i & 63)
	}
}

// put sets or clears i.
func (b *bitset) put(i uint32, in bool) {
	if in {
		b.set(i)
		return
	}
	b.clear(i)
}

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// and keeps what is in other too.
func (b bitset) and(other bitset) {
	n := min(len(b), len(other))
	for i := range b[:n] {
		b[i] &= other[i]
	}
	clear(b[n:])
}

// or adds what is in other, as far as b reaches.
func (b bitset) or(other bitset) {
	for i := range b[:min(len(b), len(other))] {
		b[i] |= other[i]
	}
}

// without takes out what is in other.
func (b bitset) without(other bitset) {
	for i := range b[:min(len(b), len(other))] {
		b[i] &^= other[i]
	}
}

// each calls f with every member, rising.
func (b bitset) each(f func(i uint32)) {
	for w, word := range b {
		for ; word != 0; word &= word - 1 {
			f(uint32(w<<6 + bits.TrailingZeros64(word)))
		}
	}
}

// sized gives a copy of b that holds exactly n bits.
func (b bitset) sized(n int) bitset {
	c := newBitset(n)
	copy(c, b)
	return c
}

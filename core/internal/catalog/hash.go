package catalog

import "hash/maphash"

// hashes finds the codes of a dictionary's values: an open hash table whose cells hold the value's hash above and its
// code + 1 below. It takes a third of what a map of strings does.
type hashes struct {
	seed  maphash.Seed
	cells []uint64 // a power of two of them
	used  int
}

func newHashes() hashes { return hashes{seed: maphash.MakeSeed(), cells: make([]uint64, 8)} }

func (h *hashes) of(value []byte) uint32 { return uint32(maphash.Bytes(h.seed, value)) }

func (h *hashes) first(hash uint32) int { return int(hash) & (len(h.cells) - 1) }

func (h *hashes) next(at int) int { return (at + 1) & (len(h.cells) - 1) }

func (h *hashes) code(at int) uint32 { return uint32(h.cells[at]) - 1 }

// put fills the place that a search ended at.
func (h *hashes) put(at int, hash, code uint32) {
	if h.cells[at] == 0 {
		h.used++
	}
	h.cells[at] = uint64(hash)<<32 | uint64(code+1)
	if h.used > len(h.cells)*2/3 {
		h.resize(len(h.cells) * 2)
	}
}

// resize makes room for n cells, a power of two.
func (h *hashes) resize(n int) {
	old := h.cells
	h.cells = make([]uint64, n)
	for _, cell := range old {
		if cell == 0 {
			continue
		}
		at := h.first(uint32(cell >> 32))
		for h.cells[at] != 0 {
			at = h.next(at)
		}
		h.cells[at] = cell
	}
}

// reserve makes room for n values.
func (h *hashes) reserve(n int) {
	size := len(h.cells)
	for size*2/3 < n {
		size *= 2
	}
	if size > len(h.cells) {
		h.resize(size)
	}
}

package basemap

import (
	"encoding/binary"
	"errors"
	"sort"
)

// entry is one line of a directory: the data of run tiles in a row, or, when run is zero, the leaf directory that goes on
// from its number. Offsets count from the beginning of the section of tiles or of leaves.
type entry struct {
	id, offset  uint64
	length, run uint32
}

var errDirectory = errors.New("a directory of it is broken")

// parseDirectory reads a directory. Its entries are in order and do not overlap.
func parseDirectory(b []byte) ([]entry, error) {
	r := &varints{rest: b}
	n := r.next()
	if r.failed || n > uint64(len(b))/4 { // an entry takes four bytes at least
		return nil, errDirectory
	}
	entries := make([]entry, n)
	r.ids(entries)
	for i := range entries {
		entries[i].run = r.next32()
	}
	for i := range entries {
		entries[i].length = r.next32()
	}
	r.offsets(entries)
	if r.failed || len(r.rest) > 0 || !orderly(entries) {
		return nil, errDirectory
	}
	return entries, nil
}

func (r *varints) ids(entries []entry) {
	last := uint64(0)
	for i := range entries {
		last += r.next()
		entries[i].id = last
	}
}

// offsets reads where the data lie: zero stands for right behind the entry before.
func (r *varints) offsets(entries []entry) {
	for i := range entries {
		switch v := r.next(); {
		case v > 0:
			entries[i].offset = v - 1
		case i > 0:
			entries[i].offset = entries[i-1].offset + uint64(entries[i-1].length)
		default:
			r.failed = true
		}
	}
}

// orderly tells whether every entry has data and begins where the ones before have ended.
func orderly(entries []entry) bool {
	free := uint64(0)
	for _, e := range entries {
		if e.length == 0 || e.id < free || e.id >= firstID(maxZoom+1) {
			return false
		}
		free = e.id + max(uint64(e.run), 1)
	}
	return true
}

// varints reads numbers one after the other, and remembers that one was not there.
type varints struct {
	rest   []byte
	failed bool
}

func (r *varints) next() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *varints) next32() uint32 {
	v := r.next()
	if v > 1<<32-1 {
		r.failed = true
	}
	return uint32(v)
}

// appendDirectory writes a directory as parseDirectory reads it.
func appendDirectory(b []byte, entries []entry) []byte {
	b = binary.AppendUvarint(b, uint64(len(entries)))
	last := uint64(0)
	for _, e := range entries {
		b, last = binary.AppendUvarint(b, e.id-last), e.id
	}
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.run))
	}
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.length))
	}
	for i, e := range entries {
		v := e.offset + 1
		if i > 0 && e.offset == entries[i-1].offset+uint64(entries[i-1].length) {
			v = 0
		}
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// findEntry gives the entry that tells of a tile: that of its data or of the leaf directory where to look on.
func findEntry(entries []entry, id uint64) (entry, bool) {
	i := sort.Search(len(entries), func(i int) bool { return entries[i].id > id }) - 1
	if i < 0 {
		return entry{}, false
	}
	e := entries[i]
	return e, e.run == 0 || id < e.id+uint64(e.run)
}

package catalog

import (
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// noSlot is the slot of a document that is not there.
const noSlot = ^uint32(0)

// shelf is the entries of one type in memory. Each document version that readers may see has a slot, by which its
// values stand in the columns; an entry has one, or two while a draft stands beside what is published. Slots are used again.
type shelf struct {
	name      core.TypeName
	index     uint32 // in memory.shelves
	table     *table
	rows      []int64 // by slot: the row of the document
	free      []uint32
	visible   [3]bitset           // by slot: published, latest, trash
	former    map[string][]uint32 // former slugs: entry numbers
	slugs     map[uint32][]string // entries that have some
	orders    orders
	facets    facetCache
	matches   matchCache
	plans     plans
	due       time.Time // when plans change something next
	publicDue time.Time // when they change something that is published
	entries   int       // how many there are, trash included

	hash     string // of the type that the columns are of; "" for none
	saved    string // of the type that the values in the file are of
	searched string // of the type that the text index is of
}

// unsaved is the version of a type of which the file knows nothing yet.
const unsaved = "unsaved"

// The indexes of shelf.visible.
const (
	seenPublished = iota
	seenLatest
	seenTrash
)

func newShelf(name core.TypeName, index uint32, t *core.Type, ids *dictionary) *shelf {
	s := &shelf{name: name, index: index, saved: unsaved, former: map[string][]uint32{}, slugs: map[uint32][]string{}}
	s.table = newTable(newLayout(t), ids, nil)
	s.hash = hashOf(t)
	return s
}

func hashOf(t *core.Type) string {
	if t == nil {
		return ""
	}
	return t.Hash
}

// seen gives the slots that readers of a state may see.
func (s *shelf) seen(state core.State) bitset {
	switch state {
	case core.StatePublished:
		return s.visible[seenPublished]
	case core.StateTrash:
		return s.visible[seenTrash]
	}
	return s.visible[seenLatest]
}

// slots is how many slots there are, free ones included.
func (s *shelf) slots() int { return len(s.rows) }

// number gives the entry that a slot belongs to.
func (s *shelf) number(slot uint32) uint32 {
	return s.table.columns[columnID].cells.(*single[uint32]).keys[slot]
}

// column finds the column of a path for readers of a state and a language.
func (s *shelf) column(path string, state core.State, locale core.Locale) (*column, bool) {
	i, ok := s.table.layout.column(path, state, s.table.layout.locale(locale))
	if !ok {
		return nil, false
	}
	return s.table.columns[i], true
}

// reserve makes room for n slots.
func (s *shelf) reserve(n int) {
	s.rows = slices.Grow(s.rows, n)
	for _, c := range s.table.columns {
		if c.cells != nil {
			c.cells.reserve(n)
		}
	}
}

// take gives a slot that holds a document's values.
func (s *shelf) take(row int64, extracted []byte) (slot uint32, sound bool) {
	if n := len(s.free); n > 0 {
		slot = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		slot = uint32(len(s.rows))
		s.rows = append(s.rows, 0)
	}
	s.rows[slot] = row
	return slot, s.table.fill(slot, extracted)
}

// drop frees a slot.
func (s *shelf) drop(slot uint32) {
	s.table.empty(slot)
	s.rows[slot] = 0
	for i := range s.visible {
		s.visible[i].clear(slot)
	}
	s.free = append(s.free, slot)
	s.orders.touch(slot)
}

// stamp sets the columns of the system for a slot that shows the record's latest document, its published one, or both.
func (s *shelf) stamp(slot uint32, r *record, latest, public bool) {
	m := &r.meta
	s.table.touch(slot)
	s.set(columnID, slot, uint64(r.number))
	s.setText(columnType, slot, string(r.typ))
	s.setTime(columnCreatedAt, slot, &m.CreatedAt)
	s.setText(columnCreatedBy, slot, m.CreatedBy)
	s.setTime(columnPublishedAt, slot, m.PublishedAt)
	s.setTime(columnTrashedAt, slot, m.TrashedAt)
	s.stampLatest(slot, m, latest)
	s.stampPublic(slot, m.Live, public && m.Live != nil)
	s.visible[seenLatest].put(slot, latest && !r.trashed())
	s.visible[seenTrash].put(slot, latest && r.trashed())
	s.visible[seenPublished].put(slot, public && m.Live != nil && !r.trashed())
	s.orders.touch(slot)
}

func (s *shelf) stampLatest(slot uint32, m *core.Meta, shown bool) {
	if !shown {
		s.clear(slot, columnRev, columnStatus, columnUpdatedAt, columnUpdatedBy)
		return
	}
	s.set(columnRev, slot, intKey(m.Rev))
	s.setText(columnStatus, slot, string(m.Status))
	s.setTime(columnUpdatedAt, slot, &m.UpdatedAt)
	s.setText(columnUpdatedBy, slot, m.UpdatedBy)
}

func (s *shelf) stampPublic(slot uint32, live *core.Live, shown bool) {
	if !shown {
		s.clear(slot, columnPublicRev, columnPublicStatus, columnPublicUpdatedAt)
		return
	}
	s.set(columnPublicRev, slot, intKey(live.Rev))
	s.setText(columnPublicStatus, slot, string(core.StatusPublished))
	s.setTime(columnPublicUpdatedAt, slot, &live.At)
}

func (s *shelf) clear(slot uint32, columns ...int) {
	for _, c := range columns {
		s.table.columns[c].cells.put(slot, nil)
	}
}

func (s *shelf) set(column int, slot uint32, key uint64) {
	s.table.keys = append(s.table.keys[:0], key)
	s.table.columns[column].cells.put(slot, s.table.keys)
}

func (s *shelf) setText(column int, slot uint32, text string) {
	c := s.table.columns[column]
	if text == "" {
		c.cells.put(slot, nil)
		return
	}
	if c.lastText != text { // it nearly always is the one before
		c.lastText, c.lastCode = text, c.dict.codeOf(text)
	}
	s.set(column, slot, uint64(c.lastCode))
}

func (s *shelf) setTime(column int, slot uint32, t *time.Time) {
	if t == nil || t.IsZero() {
		s.table.columns[column].cells.put(slot, nil)
		return
	}
	s.set(column, slot, timeKey(*t))
}

// rememberSlugs keeps which former slugs find an entry.
func (s *shelf) rememberSlugs(number uint32, slugs []string) {
	if slices.Equal(s.slugs[number], slugs) {
		return
	}
	for _, slug := range s.slugs[number] {
		s.former[slug] = slices.DeleteFunc(s.former[slug], func(n uint32) bool { return n == number })
		if len(s.former[slug]) == 0 {
			delete(s.former, slug)
		}
	}
	delete(s.slugs, number)
	if len(slugs) == 0 {
		return
	}
	s.slugs[number] = slugs
	for _, slug := range slugs {
		s.former[slug] = append(s.former[slug], number)
	}
}

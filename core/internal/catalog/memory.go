package catalog

import (
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// memory is what the catalog holds of all entries without their documents. Changes are made by one goroutine, under
// the Catalog's lock; its methods that read may be called by many under the read lock.
type memory struct {
	ids      *dictionary // entry number → identifier
	places   []place     // by entry number
	shelves  []*shelf
	byName   map[core.TypeName]*shelf
	asOf     time.Time // up to when plans were carried out
	position core.Position
	sum      string
}

// place is where an entry stands: its type and its slots there.
type place struct {
	shelf          uint32 // index in memory.shelves + 1; 0 when there is no such entry
	latest, public uint32
}

func newMemory() *memory {
	m := &memory{ids: newDictionary(true), byName: map[core.TypeName]*shelf{}}
	m.setID(0, "")
	return m
}

// reserve makes room for n entries.
func (m *memory) reserve(n int) {
	m.ids.values = slices.Grow(m.ids.values, n)
	m.places = slices.Grow(m.places, n)
	m.ids.hashes.reserve(n)
}

// setID says which number an identifier has.
func (m *memory) setID(number uint32, id core.EntryID) {
	m.ids.set(number, string(id))
	for int(number) >= len(m.places) {
		m.places = append(m.places, place{latest: noSlot, public: noSlot})
	}
}

// shelf gives the entries of a type, with a new shelf when there were none.
func (m *memory) shelf(name core.TypeName, types core.Types) *shelf {
	if s, ok := m.byName[name]; ok {
		return s
	}
	t, _ := types.Type(name)
	s := newShelf(name, uint32(len(m.shelves)), t, m.ids)
	m.shelves = append(m.shelves, s)
	m.byName[name] = s
	return s
}

// find gives the place of an entry of a type.
func (m *memory) find(name core.TypeName, id core.EntryID) (*shelf, uint32, bool) {
	number, ok := m.ids.find(string(id))
	if !ok {
		return nil, 0, false
	}
	s := m.shelfOf(number)
	if s == nil || s.name != name {
		return nil, 0, false
	}
	return s, number, true
}

func (m *memory) shelfOf(number uint32) *shelf {
	if int(number) >= len(m.places) || m.places[number].shelf == 0 {
		return nil
	}
	return m.shelves[m.places[number].shelf-1]
}

// slot gives where an entry stands for readers of a state, if it does.
func (m *memory) slot(s *shelf, number uint32, state core.State) (uint32, bool) {
	slot := m.places[number].latest
	if state == core.StatePublished {
		slot = m.places[number].public
	}
	return slot, slot != noSlot && s.seen(state).has(slot)
}

// raw gives an entry's rows as the log has them, whatever is due.
func (m *memory) raw(number uint32) (draft, public int64) {
	s := m.shelfOf(number)
	if s == nil {
		return 0, 0
	}
	if r, ok := s.plans.records[number]; ok {
		return r.draft, r.public
	}
	p := m.places[number]
	if p.public != noSlot {
		public = s.rows[p.public]
	}
	if p.latest != noSlot && p.latest != p.public {
		draft = s.rows[p.latest]
	}
	return draft, public
}

// put makes an entry stand as a record of the log says, as of m.asOf. extracted gives the values of rows that have no
// slot yet. It reports whether those could be read.
func (m *memory) put(r *record, types core.Types, extracted func(row int64) []byte) bool {
	m.setID(r.number, r.id)
	if r.typ == "" {
		m.remove(r.number)
		return true
	}
	s := m.shelf(r.typ, types)
	if was := m.shelfOf(r.number); was != nil && was != s {
		m.remove(r.number)
	}
	s.plans.set(r)
	return m.settle(s, r.at(m.asOf), extracted)
}

// settle puts a record into the columns.
func (m *memory) settle(s *shelf, r *record, extracted func(row int64) []byte) bool {
	old := m.places[r.number]
	if old.shelf == 0 {
		s.entries++
	}
	next, sound := place{shelf: s.index + 1, latest: noSlot, public: noSlot}, true
	held := func(row int64) (slot uint32) {
		switch {
		case row == 0:
			return noSlot
		case old.latest != noSlot && s.rows[old.latest] == row:
			return old.latest
		case old.public != noSlot && s.rows[old.public] == row:
			return old.public
		}
		slot, ok := s.take(row, extracted(row))
		sound = sound && ok
		return slot
	}
	next.public = held(r.public)
	next.latest = next.public
	if r.draft != 0 {
		next.latest = held(r.draft)
	}
	m.free(s, old, next)
	m.places[r.number] = next
	s.stampBoth(next, r)
	s.rememberSlugs(r.number, r.meta.Slugs)
	s.facets.drop()
	s.matches.drop()
	return sound
}

func (s *shelf) stampBoth(p place, r *record) {
	if p.latest == p.public {
		s.stamp(p.latest, r, true, true)
		return
	}
	if p.latest != noSlot {
		s.stamp(p.latest, r, true, false)
	}
	if p.public != noSlot {
		s.stamp(p.public, r, false, true)
	}
}

// free drops the old slots that are not among the next ones.
func (m *memory) free(s *shelf, old, next place) {
	for i, slot := range [...]uint32{old.latest, old.public} {
		if slot == noSlot || slot == next.latest || slot == next.public || (i == 1 && slot == old.latest) {
			continue
		}
		s.drop(slot)
	}
}

// remove takes an entry out.
func (m *memory) remove(number uint32) {
	s := m.shelfOf(number)
	if s == nil {
		return
	}
	delete(s.plans.records, number)
	gone := place{latest: noSlot, public: noSlot}
	m.free(s, m.places[number], gone)
	m.places[number] = gone
	s.rememberSlugs(number, nil)
	s.facets.drop()
	s.matches.drop()
	s.entries--
}

// view shows what stands in a slot to readers of a state, without its document.
func (m *memory) view(s *shelf, slot uint32, state core.State) core.View {
	number := s.number(slot)
	columns := s.table.columns
	v := core.View{Type: s.name, ID: core.EntryID(m.ids.values[number]), Public: m.places[number].public != noSlot}
	v.CreatedAt = columns[columnCreatedAt].time(slot)
	v.CreatedBy = columns[columnCreatedBy].text(slot)
	v.PublishedAt = columns[columnPublishedAt].time(slot)
	if state == core.StatePublished {
		v.Rev = keyInt(columns[columnPublicRev].first(slot))
		v.Status = core.StatusPublished
		v.UpdatedAt = columns[columnPublicUpdatedAt].time(slot)
		return v
	}
	v.Rev = keyInt(columns[columnRev].first(slot))
	v.Status = core.Status(columns[columnStatus].text(slot))
	v.UpdatedAt = columns[columnUpdatedAt].time(slot)
	v.UpdatedBy = columns[columnUpdatedBy].text(slot)
	v.TrashedAt = columns[columnTrashedAt].time(slot)
	if r, ok := s.plans.records[number]; ok {
		v.Schedule = r.at(m.asOf).meta.Schedule
	}
	return v
}

func (c *column) time(slot uint32) time.Time {
	key := c.first(slot)
	if key == none {
		return time.Time{}
	}
	return keyTime(key)
}

func (c *column) text(slot uint32) string {
	key := c.first(slot)
	if key == none {
		return ""
	}
	return c.dict.values[key]
}

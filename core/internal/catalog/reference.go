package catalog

import (
	"cmp"
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

// References lists where an entry is referred to.
func (c *Catalog) References(_ context.Context, id core.EntryID, limit int) (refs []core.Reference, total int, err error) {
	err = c.look(func(m *memory) error {
		if number, ok := m.ids.find(string(id)); ok {
			refs = m.references(number)
		}
		return nil
	})
	total = len(refs)
	return refs[:min(max(limit, 0), total)], total, err
}

// references scans every reference column for an entry: 32-bit numbers, some 20 µs for 100,000 entries.
func (m *memory) references(number uint32) []core.Reference {
	refs := []core.Reference{}
	for _, s := range m.shelves {
		for _, c := range s.table.columns[systemColumns:] {
			if c.referring() && c.locale == "" {
				refs = append(refs, m.referrers(s, c.path, number)...)
			}
		}
	}
	slices.SortFunc(refs, func(a, b core.Reference) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Field, b.Field))
	})
	return refs
}

// referrers gives the entries of a shelf that refer to an entry by a field, in any language.
func (m *memory) referrers(s *shelf, field string, number uint32) []core.Reference {
	slots := newBitset(s.slots())
	for _, c := range s.table.columns[systemColumns:] {
		if c.path == field && c.referring() {
			c.cells.scan(slots, uint64(number), uint64(number))
		}
	}
	in := map[uint32][]core.State{}
	slots.each(func(slot uint32) {
		for _, state := range m.statesOf(s, slot) {
			if from := s.number(slot); !contains(in[from], state) {
				in[from] = append(in[from], state)
			}
		}
	})
	refs := make([]core.Reference, 0, len(in))
	for from, states := range in {
		slices.Sort(states)
		refs = append(refs, core.Reference{Type: s.name, ID: core.EntryID(m.ids.values[from]), Field: field, In: states})
	}
	return refs
}

// statesOf says what a slot is: an entry in the trash has nothing but trash, also where it was published, since a restored
// entry has its documents again.
func (m *memory) statesOf(s *shelf, slot uint32) []core.State {
	p := m.places[s.number(slot)]
	switch {
	case s.rows[slot] == 0:
		return nil
	case p.latest != noSlot && s.visible[seenTrash].has(p.latest):
		return []core.State{core.StateTrash}
	case slot == p.public:
		return []core.State{core.StatePublished}
	}
	return []core.State{core.StateDraft}
}

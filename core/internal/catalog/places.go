package catalog

import (
	"context"

	"github.com/palabre-cms/palabre/core"
)

var _ core.Placer = (*Catalog)(nil)

// Places implements core.Placer: it looks at columns alone, at no document.
func (c *Catalog) Places(ctx context.Context, q core.Query, field string) (out *core.Places, err error) {
	err = c.lookMatching(ctx, []core.Query{q}, func(m *memory, found []match) error {
		out = &core.Places{Position: m.position, Until: m.until(q)}
		a, err := c.newAnswer(m, q, found)
		if a == nil || err != nil {
			return err
		}
		p, err := a.points(field)
		if err != nil {
			return err
		}
		out.Total = a.found.count()
		out.All = a.placesIn(p)
		return nil
	})
	return out, err
}

func (a *answer) placesIn(p *points) []core.Place {
	all := make([]core.Place, 0, a.found.count())
	a.found.each(func(slot uint32) {
		lon, lat, ok := p.at(slot)
		if !ok {
			return
		}
		place := core.Place{ID: core.EntryID(a.m.ids.values[a.shelf.number(slot)]), Lon: lon, Lat: lat}
		if box, ok := p.boxes[slot]; ok {
			place.Bounds = &box
		}
		all = append(all, place)
	})
	return all
}

// Touched implements core.Placer.
func (c *Catalog) Touched(name core.TypeName, field string, since uint64) (boxes []core.BBox, now uint64, ok bool) {
	_ = c.look(func(m *memory) error {
		s, there := m.byName[name]
		if !there {
			return nil
		}
		col, err := (reading{m: m}).column(s, field)
		if err != nil || col.points == nil {
			return nil
		}
		now = col.points.touched.count
		boxes, ok = col.points.touched.since(since)
		return nil
	})
	return boxes, now, ok
}

package catalog

import (
	"github.com/palabre-cms/palabre/core"
)

// column is the values of one path of a type, by slot.
type column struct {
	spec
	cells    cells       // nil for places
	dict     *dictionary // of coded columns
	points   *points     // of places
	postings *postings   // where finding a value must not scan
	lastText string      // what the writer put in last, and its code
	lastCode uint32
}

// table is the columns of a type under one layout.
type table struct {
	layout  *layout
	columns []*column
	keys    []uint64 // the writer's scratch
}

// newTable makes empty columns, but takes over those of the system when given.
func newTable(l *layout, ids *dictionary, system []*column) *table {
	t := &table{layout: l}
	for i := range l.specs {
		if i < len(system) && i < systemColumns {
			t.columns = append(t.columns, system[i])
			continue
		}
		t.columns = append(t.columns, t.newColumn(&l.specs[i], ids))
	}
	return t
}

func (t *table) newColumn(s *spec, ids *dictionary) *column {
	c := &column{spec: *s}
	switch {
	case s.kind == core.KindGeo:
		c.points = &points{}
		return c
	case s.referring():
		c.dict = ids
	case s.kind == core.KindString && s.locale != "":
		c.dict, c.postings = t.columns[s.of].dict, t.columns[s.of].postings
	case s.kind == core.KindString:
		c.dict = newDictionary(false)
		if s.index {
			c.postings = &postings{}
		}
	}
	c.cells = newCells(s)
	return c
}

func newCells(s *spec) cells {
	switch {
	case s.multi && s.narrow():
		return &multi[uint32]{}
	case s.multi:
		return &multi[uint64]{}
	case s.narrow():
		return &single[uint32]{}
	}
	return &single[uint64]{}
}

// fill puts the values that extract wrote into a slot, and reports whether they could be read.
func (t *table) fill(slot uint32, extracted []byte) bool {
	v := values{text: extracted}
	for _, c := range t.columns[systemColumns:] {
		n := v.uvarint()
		if c.locale != "" && n == 0 {
			c.put(slot, t.columns[c.of].cells.append(t.keys[:0], slot))
			continue
		}
		if c.points != nil {
			c.points.put(slot, v.box(n))
			continue
		}
		t.keys = t.keys[:0]
		for ; n > 1 && !v.bad; n-- {
			t.keys = append(t.keys, c.read(&v))
		}
		c.put(slot, t.keys)
	}
	return !v.bad && len(v.text) == 0
}

// read gives the key of the next value, which it adds to the dictionary when it is new.
func (c *column) read(v *values) uint64 {
	switch {
	case c.kind == core.KindString:
		return uint64(c.dict.code(v.bytes(int(v.uvarint()))))
	case c.referring():
		return v.uvarint()
	}
	return v.uint64()
}

// put sets a slot's values and keeps the postings true.
func (c *column) put(slot uint32, keys []uint64) {
	if c.postings != nil {
		for _, k := range c.cells.append(nil, slot) {
			c.postings.remove(uint32(k), slot)
		}
		for _, k := range keys {
			c.postings.add(uint32(k), slot)
		}
	}
	c.cells.put(slot, keys)
}

// empty takes all values out of a slot, the system's too.
func (t *table) empty(slot uint32) {
	for _, c := range t.columns {
		if c.points != nil {
			c.points.put(slot, nil)
			continue
		}
		c.put(slot, nil)
	}
}

// first gives the least key in a slot, or none.
func (c *column) first(slot uint32) uint64 { return c.cells.best(slot, nil, false) }

// value gives back what a key of this column stands for, as JSON has it.
func (c *column) value(key uint64) any {
	if c.dict != nil {
		return c.dict.values[key]
	}
	return c.spec.value(key)
}

// postings finds the slots that hold a code. Nearly every code has one.
type postings struct {
	one  []uint32 // by code: slot + 1
	more map[uint32][]uint32
}

// add may be called again for the same pair, once for each language.
func (p *postings) add(code, slot uint32) {
	for int(code) >= len(p.one) {
		p.one = append(p.one, 0)
	}
	if p.one[code] == 0 {
		p.one[code] = slot + 1
		return
	}
	if p.more == nil {
		p.more = map[uint32][]uint32{}
	}
	p.more[code] = append(p.more[code], slot)
}

func (p *postings) remove(code, slot uint32) {
	if int(code) >= len(p.one) {
		return
	}
	list := p.more[code]
	if p.one[code] == slot+1 {
		p.one[code] = 0
		if len(list) > 0 {
			p.one[code] = list[len(list)-1] + 1
			p.trim(code, list[:len(list)-1])
		}
		return
	}
	for i, s := range list {
		if s == slot {
			list[i] = list[len(list)-1]
			p.trim(code, list[:len(list)-1])
			return
		}
	}
}

func (p *postings) trim(code uint32, list []uint32) {
	if len(list) == 0 {
		delete(p.more, code)
		return
	}
	p.more[code] = list
}

// each calls f with every slot that holds a code, until f returns false. A slot may come twice.
func (p *postings) each(code uint32, f func(slot uint32) bool) {
	if int(code) >= len(p.one) || p.one[code] == 0 || !f(p.one[code]-1) {
		return
	}
	for _, slot := range p.more[code] {
		if !f(slot) {
			return
		}
	}
}

package osm

// members are the members of a relation: their numbers, kinds and roles side by side.
type members struct {
	ids   deltas
	kinds packed
}

// The kinds of member, as the format numbers them.
const (
	memberNode uint64 = iota
	memberWay
	memberRelation
)

// next gives the next member; false at the end.
func (m *members) next() (id int64, kind uint64, ok bool) {
	id, ok = m.ids.next()
	kind, also := m.kinds.next()
	return id, kind, ok && also
}

// whole tells, at the end, whether there was one kind for each number.
func (m *members) whole() bool { return len(m.ids.rest) == 0 && len(m.kinds) == 0 }

func (b *block) visitNode(data []byte, v visitor) error {
	var id, lat, lon int64
	var keys, values packed
	err := walk(data, func(f field) error {
		switch f.num {
		case 1:
			id = zigzag(f.varint)
		case 2:
			keys = f.bytes
		case 3:
			values = f.bytes
		case 8:
			lat = zigzag(f.varint)
		case 9:
			lon = zigzag(f.varint)
		}
		return nil
	})
	if err == nil {
		err = b.pairUp(keys, values)
	}
	if err != nil {
		return err
	}
	return v.node(id, b.place(lon, lat), b.tags)
}

// dense is a run of nodes as lists of differences; their tags are one list, with a zero after those of each node.
type dense struct {
	ids, lats, lons deltas
	tags            packed
}

func (b *block) visitDense(data []byte, v visitor) error {
	var d dense
	err := walk(data, func(f field) error {
		switch f.num {
		case 1:
			d.ids.rest = f.bytes
		case 8:
			d.lats.rest = f.bytes
		case 9:
			d.lons.rest = f.bytes
		case 10:
			d.tags = f.bytes
		}
		return nil
	})
	if err != nil {
		return err
	}
	if v.tagless {
		d.tags = nil
	}
	return b.eachDense(d, v)
}

func (b *block) eachDense(d dense, v visitor) error {
	for {
		id, more := d.ids.next()
		lat, also := d.lats.next()
		lon, too := d.lons.next()
		if !more || !also || !too {
			break
		}
		if err := b.denseTags(&d.tags); err != nil {
			return err
		}
		if err := v.node(id, b.place(lon, lat), b.tags); err != nil {
			return err
		}
	}
	if len(d.ids.rest) > 0 || len(d.lats.rest) > 0 || len(d.lons.rest) > 0 {
		return errLists
	}
	return nil
}

func (b *block) denseTags(list *packed) error {
	b.tags = b.tags[:0]
	for len(*list) > 0 {
		key, ok := list.next()
		if !ok {
			return errWire
		}
		if key == 0 {
			return nil
		}
		value, ok := list.next()
		if !ok {
			return errLists
		}
		if err := b.addTag(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (b *block) visitWay(data []byte, v visitor) error {
	var id int64
	var keys, values packed
	var nodes deltas
	err := walk(data, func(f field) error {
		switch f.num {
		case 1:
			id = int64(f.varint)
		case 2:
			keys = f.bytes
		case 3:
			values = f.bytes
		case 8:
			nodes.rest = f.bytes
		}
		return nil
	})
	if err == nil {
		err = b.pairUp(keys, values)
	}
	if err != nil {
		return err
	}
	return v.way(id, nodes, b.tags)
}

func (b *block) visitRelation(data []byte, v visitor) error {
	var id int64
	var keys, values packed
	var m members
	err := walk(data, func(f field) error {
		switch f.num {
		case 1:
			id = int64(f.varint)
		case 2:
			keys = f.bytes
		case 3:
			values = f.bytes
		case 9:
			m.ids.rest = f.bytes
		case 10:
			m.kinds = f.bytes
		}
		return nil
	})
	if err == nil {
		err = b.pairUp(keys, values)
	}
	if err != nil {
		return err
	}
	return v.relation(id, m, b.tags)
}

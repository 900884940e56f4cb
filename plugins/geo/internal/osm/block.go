package osm

import (
	"errors"
	"math"

	"github.com/paulmach/orb"
	"google.golang.org/protobuf/encoding/protowire"
)

// place is a position in units of 1e-7 degree, as exact as OpenStreetMap is.
type place struct{ lon, lat int32 }

// nowhere is the place of a node that lies outside the world or is not in the file.
var nowhere = place{math.MinInt32, math.MinInt32}

func (p place) point() orb.Point { return orb.Point{float64(p.lon) / 1e7, float64(p.lat) / 1e7} }

// tag is a key and its value, as they lie in the block.
type tag struct{ key, value []byte }

// A visitor is called for each element of a block; kinds without a function are passed over. The slices that it is given
// are used again for the next element.
type visitor struct {
	node     func(id int64, at place, tags []tag) error
	way      func(id int64, nodes deltas, tags []tag) error
	relation func(id int64, members members, tags []tag) error
	tagless  bool // nodes are wanted without their tags
}

// block is a PrimitiveBlock: some thousand elements and the strings that they share.
type block struct {
	texts                [][]byte
	groups               [][]byte
	granularity          int64
	lonOffset, latOffset int64
	tags                 []tag
}

var (
	errString = errors.New("a tag refers to a string that is not there")
	errLists  = errors.New("the lists of an element differ in length")
	errHuge   = errors.New("a block has more strings than any block needs")
)

func readBlock(data []byte) (*block, error) {
	b := &block{granularity: 100}
	err := walk(data, func(f field) error {
		switch f.num {
		case 1:
			return b.readTexts(f.bytes)
		case 2:
			b.groups = append(b.groups, f.bytes)
		case 17:
			b.granularity = int64(int32(f.varint))
		case 19:
			b.latOffset = int64(f.varint)
		case 20:
			b.lonOffset = int64(f.varint)
		}
		return nil
	})
	return b, err
}

func (b *block) readTexts(data []byte) error {
	return walk(data, func(f field) error {
		if f.num == 1 {
			b.texts = append(b.texts, f.bytes)
		}
		if len(b.texts) > maxStrings {
			return errHuge
		}
		return nil
	})
}

// visit shows the elements of the block in their order.
func (b *block) visit(v visitor) error {
	for _, group := range b.groups {
		if err := walk(group, func(f field) error { return b.visitGroup(f, v) }); err != nil {
			return err
		}
	}
	return nil
}

func (b *block) visitGroup(f field, v visitor) error {
	switch {
	case f.num == 1 && v.node != nil:
		return b.visitNode(f.bytes, v)
	case f.num == 2 && v.node != nil:
		return b.visitDense(f.bytes, v)
	case f.num == 3 && v.way != nil:
		return b.visitWay(f.bytes, v)
	case f.num == 4 && v.relation != nil:
		return b.visitRelation(f.bytes, v)
	}
	return nil
}

// place turns the numbers of a node into its position.
func (b *block) place(lon, lat int64) place {
	x, okX := b.degrees(b.lonOffset, lon, 180)
	y, okY := b.degrees(b.latOffset, lat, 90)
	if !okX || !okY {
		return nowhere
	}
	return place{x, y}
}

func (b *block) degrees(offset, units int64, most float64) (int32, bool) {
	nano := float64(offset) + float64(b.granularity)*float64(units)
	if !(math.Abs(nano) <= most*1e9) {
		return 0, false
	}
	return int32(math.Round(nano / 100)), true
}

// pairUp sets the block's tags from the numbers of their keys and values.
func (b *block) pairUp(keys, values packed) error {
	b.tags = b.tags[:0]
	for {
		k, more := keys.next()
		v, also := values.next()
		if !more || !also {
			break
		}
		if err := b.addTag(k, v); err != nil {
			return err
		}
	}
	if len(keys) > 0 || len(values) > 0 {
		return errLists
	}
	return nil
}

func (b *block) addTag(key, value uint64) error {
	if key >= uint64(len(b.texts)) || value >= uint64(len(b.texts)) {
		return errString
	}
	if len(b.tags) >= maxStrings {
		return errHuge
	}
	b.tags = append(b.tags, tag{b.texts[key], b.texts[value]})
	return nil
}

func zigzag(v uint64) int64 { return protowire.DecodeZigZag(v) }

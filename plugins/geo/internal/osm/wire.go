package osm

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

var errWire = errors.New("its protocol buffer is broken")

// field is one field of a message: a number or the bytes of a string, a message or a packed list.
type field struct {
	num    protowire.Number
	varint uint64
	bytes  []byte
}

// walk visits the fields of a message in their order. Fixed-width fields and groups, which the format does not use, are
// passed over.
func walk(message []byte, visit func(field) error) error {
	for len(message) > 0 {
		f, n := next(message)
		if n < 0 {
			return errWire
		}
		message = message[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// next reads the first field, and tells how long it is; a negative length is an error.
func next(message []byte) (field, int) {
	num, kind, head := protowire.ConsumeTag(message)
	if head < 0 {
		return field{}, head
	}
	f, n := field{num: num}, 0
	switch kind {
	case protowire.VarintType:
		f.varint, n = protowire.ConsumeVarint(message[head:])
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(message[head:])
	default:
		n = protowire.ConsumeFieldValue(num, kind, message[head:])
	}
	if n < 0 {
		return field{}, n
	}
	return f, head + n
}

// packed is a list of varints. At its end it is empty; broken, it is not.
type packed []byte

func (p *packed) next() (uint64, bool) {
	v, n := protowire.ConsumeVarint(*p)
	if n < 0 {
		return 0, false
	}
	*p = (*p)[n:]
	return v, true
}

// deltas is a packed list of which each number is the difference from the one before.
type deltas struct {
	rest packed
	last int64
}

func (d *deltas) next() (int64, bool) {
	v, ok := d.rest.next()
	d.last += protowire.DecodeZigZag(v)
	return d.last, ok
}

// all reads a list to its end.
func (d deltas) all() ([]int64, error) {
	var list []int64
	for {
		v, ok := d.next()
		if !ok {
			break
		}
		list = append(list, v)
	}
	if len(d.rest) > 0 {
		return nil, errWire
	}
	return list, nil
}

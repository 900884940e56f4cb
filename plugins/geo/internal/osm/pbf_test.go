package osm_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// The functions here write extracts by hand, so that a test says in a line what its file holds.

type node struct {
	id       int64
	lon, lat float64
	tags     []string // key, value, …
}

type way struct {
	id    int64
	nodes []int64
	tags  []string
}

type relation struct {
	id   int64
	ways []int64
	tags []string
}

// file is an extract: its features (required, then optional) and its elements, one block for each kind.
type file struct {
	required, optional []string
	nodes              []node
	plain              bool // nodes one by one rather than dense
	ways               []way
	relations          []relation
	raw                bool // blobs without compression
}

func (f file) bytes() []byte {
	if f.required == nil {
		f.required = []string{"OsmSchema-V0.6", "DenseNodes"}
	}
	var header []byte
	for _, name := range f.required {
		header = appendText(header, 4, name)
	}
	for _, name := range f.optional {
		header = appendText(header, 5, name)
	}
	header = appendNumber(header, 32, 1700000000)
	all := blob("OSMHeader", f.pack(header))
	for _, group := range [][]byte{f.nodeGroup(), f.wayGroup(), f.relationGroup()} {
		all = append(all, blob("OSMData", f.pack(group))...)
	}
	return all
}

// pack is the content of a blob.
func (f file) pack(data []byte) []byte {
	if f.raw {
		return appendBytes(nil, 1, data)
	}
	return appendBytes(nil, 3, deflate(data))
}

func deflate(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

// blob frames the content of a blob.
func blob(kind string, content []byte) []byte {
	header := appendNumber(appendText(nil, 1, kind), 3, uint64(len(content)))
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(header)))
	return slices.Concat(frame, header, content)
}

// texts is the string table of a block.
type texts []string

func (t *texts) index(s string) uint64 {
	i := slices.Index(*t, s)
	if i < 0 {
		i, *t = len(*t), append(*t, s)
	}
	return uint64(i)
}

// block joins the string table and one group.
func (t *texts) block(group []byte) []byte {
	var table []byte
	for _, s := range *t {
		table = appendText(table, 1, s)
	}
	return appendBytes(appendBytes(nil, 1, table), 2, group)
}

func (t *texts) tags(message []byte, tags []string) []byte {
	var keys, values []byte
	for i := 0; i < len(tags); i += 2 {
		keys = protowire.AppendVarint(keys, t.index(tags[i]))
		values = protowire.AppendVarint(values, t.index(tags[i+1]))
	}
	return appendBytes(appendBytes(message, 2, keys), 3, values)
}

func (f file) nodeGroup() []byte {
	t := texts{""}
	if f.plain {
		var group []byte
		for _, n := range f.nodes {
			message := appendNumber(nil, 1, protowire.EncodeZigZag(n.id))
			message = t.tags(message, n.tags)
			message = appendNumber(message, 8, protowire.EncodeZigZag(units(n.lat)))
			group = appendBytes(group, 1, appendNumber(message, 9, protowire.EncodeZigZag(units(n.lon))))
		}
		return t.block(group)
	}
	return t.block(appendBytes(nil, 2, f.dense(&t)))
}

func (f file) dense(t *texts) []byte {
	var ids, lats, lons []int64
	var tags []byte
	for _, n := range f.nodes {
		ids, lats, lons = append(ids, n.id), append(lats, units(n.lat)), append(lons, units(n.lon))
		for _, word := range n.tags {
			tags = protowire.AppendVarint(tags, t.index(word))
		}
		tags = append(tags, 0)
	}
	message := appendBytes(nil, 1, packDeltas(ids))
	message = appendBytes(message, 8, packDeltas(lats))
	return appendBytes(appendBytes(message, 9, packDeltas(lons)), 10, tags)
}

func (f file) wayGroup() []byte {
	t, group := texts{""}, []byte(nil)
	for _, w := range f.ways {
		message := t.tags(appendNumber(nil, 1, uint64(w.id)), w.tags)
		group = appendBytes(group, 3, appendBytes(message, 8, packDeltas(w.nodes)))
	}
	return t.block(group)
}

func (f file) relationGroup() []byte {
	t, group := texts{""}, []byte(nil)
	for _, r := range f.relations {
		message := t.tags(appendNumber(nil, 1, uint64(r.id)), r.tags)
		message = appendBytes(message, 8, make([]byte, len(r.ways)))
		message = appendBytes(message, 9, packDeltas(r.ways))
		group = appendBytes(group, 4, appendBytes(message, 10, bytes.Repeat([]byte{1}, len(r.ways))))
	}
	return t.block(group)
}

func units(degrees float64) int64 {
	if degrees < 0 {
		return int64(degrees*1e7 - 0.5)
	}
	return int64(degrees*1e7 + 0.5)
}

func packDeltas(numbers []int64) []byte {
	var b []byte
	last := int64(0)
	for _, n := range numbers {
		b, last = protowire.AppendVarint(b, protowire.EncodeZigZag(n-last)), n
	}
	return b
}

func appendNumber(b []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendText(b []byte, num protowire.Number, v string) []byte {
	return appendBytes(b, num, []byte(v))
}

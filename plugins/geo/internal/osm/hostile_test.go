package osm_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/plugins/geo/internal/osm"
)

func small() file {
	return file{
		nodes:     append(grid(4), node{999, 1, 1, []string{"name", "x"}}),
		ways:      []way{square(1, 0, 0, 3), {2, []int64{1, 2}, []string{"name", "x"}}},
		relations: []relation{{3, []int64{1}, []string{"name", "x", "type", "multipolygon"}}},
	}
}

func TestRead_refuses(t *testing.T) {
	t.Parallel()
	good := small().bytes()
	head := blob("OSMHeader", appendBytes(nil, 1, nil))
	for _, tc := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "no OpenStreetMap extract"},
		{"another file", []byte("<?xml version='1.0'?><osm></osm>"), "osmium cat FILE -o NEW.osm.pbf"},
		{"data without a header", blob("OSMData", nil), "no OpenStreetMap extract"},
		{"cut within a length", append(bytes.Clone(good), 0, 0), "ends in the middle"},
		{"cut within a blob", good[:len(good)-3], "ends in the middle"},
		{"cut within a blob's header", append(bytes.Clone(good), 0, 0, 0, 20, 10), "ends in the middle"},
		{"a blob larger than the format allows", blobOfSize(33 << 20), "larger than the format allows"},
		{"a blob of negative size", blobOfSize(1<<64 - 1), "larger than the format allows"},
		{"a blob that inflates without end", append(bytes.Clone(head), blob("OSMData", appendBytes(nil, 3, deflate(make([]byte, 33<<20))))...), "inflates to more"},
		{"zlib that is none", append(bytes.Clone(head), blob("OSMData", appendBytes(nil, 3, []byte("no zlib")))...), "zlib"},
		{"lz4", append(bytes.Clone(head), blob("OSMData", appendBytes(nil, 6, []byte("x")))...), "compressed otherwise than by zlib"},
		{"a block that is no message", append(bytes.Clone(head), blob("OSMData", appendBytes(nil, 1, []byte{0xff}))...), "protocol buffer is broken"},
		{"history", file{required: []string{"OsmSchema-V0.6", "HistoricalInformation"}}.bytes(), "history of every element"},
		{"an unknown feature", file{required: []string{"Teleportation"}}.bytes(), `knows "Teleportation"`},
		{"places on ways", file{optional: []string{"LocationsOnWays"}}.bytes(), "LocationsOnWays"},
		{"a tag without a string", withBlock(head, appendBytes(nil, 3, appendBytes(appendBytes(nil, 2, []byte{9}), 3, []byte{9}))), "a string that is not there"},
		{"keys without values", withBlock(head, appendBytes(nil, 3, appendBytes(nil, 2, []byte{0, 0}))), "differ in length"},
		{"members without kinds", withBlock(head, appendBytes(nil, 4, relationWithoutKinds())), "differ in length"},
		{"more strings than any block needs", append(bytes.Clone(head), blob("OSMData", appendBytes(nil, 3, deflate(appendBytes(nil, 1, bytes.Repeat([]byte{10, 0}, 2<<20)))))...), "more strings"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t, tc.data, osm.Options{Filter: mustFilter(t, "name")})
			e, ok := core.AsError(err)
			if !ok || e.Code != core.CodeInvalid || !strings.Contains(e.Message, tc.want) || e.Texts["fr"] == "" {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// relationWithoutKinds is a multipolygon, by the strings of withBlock, that lists members but not of what kind.
func relationWithoutKinds() []byte {
	return appendBytes(appendBytes(appendBytes(nil, 2, []byte{1, 3}), 3, []byte{2, 1}), 9, packDeltas([]int64{1, 2}))
}

func blobOfSize(n uint64) []byte {
	header := appendNumber(appendText(nil, 1, "OSMHeader"), 3, n)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(header))), header...)
}

func withBlock(head, group []byte) []byte {
	t := texts{"", "type", "multipolygon", "name"}
	return append(bytes.Clone(head), blob("OSMData", appendBytes(nil, 1, t.block(group)))...)
}

func TestRead_tooMuch(t *testing.T) {
	t.Parallel()
	_, _, err := read(t, small().bytes(), osm.Options{Filter: mustFilter(t, "name"), MaxNodes: 2})
	if e, ok := core.AsError(err); !ok || !strings.Contains(e.Message, "more than 2 nodes. Ask for less") {
		t.Errorf("got %v", err)
	}
	if _, _, err := read(t, small().bytes(), osm.Options{Filter: mustFilter(t, "name"), MaxNodes: 5}); err != nil {
		t.Error(err)
	}
}

// A real extract, cut anywhere within a blob, is refused in words before anything is made of it.
func TestRead_cutAnywhere(t *testing.T) {
	t.Parallel()
	data := monaco(t)
	for n := 0; n < len(data); n += 7919 {
		all, _, err := read(t, data[:n], osm.Options{Filter: mustFilter(t, "name")})
		if e, ok := core.AsError(err); !ok || e.Code != core.CodeInvalid || len(all) > 0 {
			t.Errorf("cut at %d: got %d features, %v", n, len(all), err)
		}
	}
}

// Neither a broken file nor broken blocks in a whole one do harm: they are read or refused in words.
func FuzzRead(f *testing.F) {
	f.Add(small().bytes(), false)
	f.Add(small().bytes()[:100], false)
	t := texts{"", "name", "x"}
	f.Add(t.block(appendBytes(nil, 3, t.tags(appendBytes(nil, 8, packDeltas([]int64{1, 2, 3, 1})), []string{"name", "x"}))), true)
	dense := file{nodes: small().nodes}
	f.Add(dense.nodeGroup(), true)
	f.Add(small().relationGroup(), true)
	f.Add(protowire.AppendVarint(nil, 1<<63), true)
	filter := mustFilter(f, "name")
	head := blob("OSMHeader", appendBytes(nil, 1, nil))
	f.Fuzz(func(t *testing.T, data []byte, inside bool) {
		if inside {
			data = append(bytes.Clone(head), blob("OSMData", appendBytes(nil, 1, data))...)
		}
		_, err := osm.Read(t.Context(), bytes.NewReader(data), int64(len(data)), osm.Options{Filter: filter, MaxNodes: 1000}, func(osm.Feature) error { return nil })
		if e, ok := core.AsError(err); err != nil && (!ok || e.Code != core.CodeInvalid) {
			t.Errorf("got %v", err)
		}
	})
}

package basemap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Sizes that the specification sets.
const (
	headerSize = 127
	frontSize  = 16 << 10 // the header and the root directory lie within it
)

// section is where a part of an archive lies.
type section struct{ offset, length uint64 }

// header is the beginning of an archive.
type header struct {
	root, metadata, leaves, tiles section
	addressed, entries, contents  uint64
	clustered                     bool
	internal, encoding            byte // compression of directories and of tiles
	kind                          byte // of tiles
	minZoom, maxZoom, centerZoom  byte
	west, south, east, north      int32 // units of 1e-7 degree
	centerLon, centerLat          int32
}

// formats are the kinds of tiles, as archives number them.
var formats = map[byte]Format{1: FormatMVT, 2: FormatPNG, 3: FormatJPEG, 4: FormatWebP, 5: FormatAVIF, 6: FormatMLT}

// encodings are the compressions, as archives number them; nothing said counts as none.
var encodings = map[byte]string{0: "", 1: "", 2: "gzip", 3: "br", 4: "zstd"}

const (
	compressionNone = 1
	compressionGzip = 2
)

var magic = []byte("PMTiles")

func parseHeader(b []byte, size int64) (header, error) {
	if len(b) < headerSize || !bytes.HasPrefix(b, magic) {
		return header{}, errors.New("it does not begin as a PMTiles archive does")
	}
	if b[7] != 3 {
		return header{}, fmt.Errorf("it is of version %d, and version 3 is read; convert it with: pmtiles convert OLD NEW.pmtiles", b[7])
	}
	h := readHeader(b)
	return h, h.check(size)
}

func readHeader(b []byte) header {
	u64 := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	i32 := func(at int) int32 { return int32(binary.LittleEndian.Uint32(b[at:])) }
	return header{
		root: section{u64(8), u64(16)}, metadata: section{u64(24), u64(32)}, leaves: section{u64(40), u64(48)}, tiles: section{u64(56), u64(64)},
		addressed: u64(72), entries: u64(80), contents: u64(88), clustered: b[96] == 1, internal: b[97], encoding: b[98], kind: b[99],
		minZoom: b[100], maxZoom: b[101], west: i32(102), south: i32(106), east: i32(110), north: i32(114),
		centerZoom: b[118], centerLon: i32(119), centerLat: i32(123),
	}
}

func (h header) bytes() []byte {
	b := append(bytes.Clone(magic), 3)
	for _, v := range []uint64{h.root.offset, h.root.length, h.metadata.offset, h.metadata.length, h.leaves.offset, h.leaves.length,
		h.tiles.offset, h.tiles.length, h.addressed, h.entries, h.contents} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	clustered := byte(0)
	if h.clustered {
		clustered = 1
	}
	b = append(b, clustered, h.internal, h.encoding, h.kind, h.minZoom, h.maxZoom)
	for _, v := range []int32{h.west, h.south, h.east, h.north} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	b = append(b, h.centerZoom)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.centerLon))
	return binary.LittleEndian.AppendUint32(b, uint32(h.centerLat))
}

// check compares what the header says with the size of the archive, so that later reads need only look within sections.
func (h header) check(size int64) error {
	for name, s := range map[string]section{"root directory": h.root, "metadata": h.metadata, "leaf directories": h.leaves, "tiles": h.tiles} {
		if !s.within(uint64(size)) {
			return fmt.Errorf("its %s should lie at bytes %d to %d, and it has %d; it was cut short", name, s.offset, s.offset+s.length, size)
		}
	}
	if h.root.length == 0 || !h.root.within(frontSize) {
		return fmt.Errorf("its root directory does not lie within the first %d bytes", frontSize)
	}
	if _, ok := formats[h.kind]; !ok {
		return fmt.Errorf("its tiles are of an unknown kind (%d)", h.kind)
	}
	for _, c := range []byte{h.internal, h.encoding} {
		if _, ok := encodings[c]; !ok {
			return fmt.Errorf("it is compressed in an unknown way (%d)", c)
		}
	}
	if h.minZoom > h.maxZoom || h.maxZoom > maxZoom {
		return fmt.Errorf("its zooms run from %d to %d", h.minZoom, h.maxZoom)
	}
	return nil
}

// within tells whether a section ends before a size; no sum of its numbers overflows.
func (s section) within(size uint64) bool { return s.offset <= size && s.length <= size-s.offset }

// bounds are in degrees; the whole world when the header names no region of it.
func (h header) bounds() [4]float64 {
	b := [4]float64{degrees(h.west), degrees(h.south), degrees(h.east), degrees(h.north)}
	if b[0] < -180 || b[1] < -90 || b[2] > 180 || b[3] > 90 || b[0] >= b[2] || b[1] >= b[3] {
		return world
	}
	return b
}

// world is what Web Mercator shows.
var world = [4]float64{-180, -85.0511287, 180, 85.0511287}

// center is where to begin; the middle of the bounds when the header names no place within them.
func (h header) center() [3]float64 {
	b, lon, lat := h.bounds(), degrees(h.centerLon), degrees(h.centerLat)
	zoom := float64(min(max(h.centerZoom, h.minZoom), h.maxZoom))
	if lon < b[0] || lon > b[2] || lat < b[1] || lat > b[3] {
		lon, lat = (b[0]+b[2])/2, (b[1]+b[3])/2
	}
	return [3]float64{lon, lat, zoom}
}

func degrees(e7 int32) float64 { return float64(e7) / 1e7 }

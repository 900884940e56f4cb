package basemap_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

var zoom6 = 6

var overlay = basemap.Info{
	Name: "Mairies", Description: "Les mairies", Format: basemap.FormatMVT, Attribution: `© <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a>`,
	MaxZoom: 6, Bounds: [4]float64{-5, 41, 10, 51.5}, Center: [3]float64{2.5, 46, 4},
	VectorLayers: []basemap.VectorLayer{{ID: "townhalls", MinZoom: new(int), MaxZoom: &zoom6, Fields: map[string]string{"name": "String"}}},
}

func write(tb testing.TB, tiles iter.Seq2[basemap.ArchiveTile, error], o basemap.WriteOptions) ([]byte, error) {
	tb.Helper()
	var b bytes.Buffer
	o.TempDir = tb.TempDir()
	err := basemap.WriteArchive(&b, tiles, overlay, o)
	if left, _ := os.ReadDir(o.TempDir); len(left) > 0 {
		tb.Errorf("%s is left behind", left[0].Name())
	}
	return b.Bytes(), err
}

// numbered gives the tiles with numbers from..to, each with what data says of it.
func numbered(from, to uint64, data func(id uint64) string) iter.Seq2[basemap.ArchiveTile, error] {
	return func(yield func(basemap.ArchiveTile, error) bool) {
		for id := from; id < to; id++ {
			z, x, y := basemap.TileAt(id)
			if !yield(basemap.ArchiveTile{Z: z, X: x, Y: y, Data: []byte(data(id))}, nil) {
				return
			}
		}
	}
}

func vectorArchive(tb testing.TB, n uint64) []byte {
	tb.Helper()
	data, err := write(tb, numbered(0, n, func(id uint64) string { return fmt.Sprintf("tile %d", id) }), basemap.WriteOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestWriteArchive(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{1, 5, 5461, 60000} { // the last has leaf directories
		a := mustOpen(t, vectorArchive(t, n))
		for id := uint64(0); id < n; id += max(n/997, 1) {
			z, x, y := basemap.TileAt(id)
			tile, err := a.Tile(t.Context(), z, x, y)
			if err != nil || string(tile.Data) != fmt.Sprintf("tile %d", id) || tile.ContentType != "application/vnd.mapbox-vector-tile" {
				t.Fatalf("%d of %d: got %q, %v", id, n, tile.Data, err)
			}
		}
		z, x, y := basemap.TileAt(n)
		if _, err := a.Tile(t.Context(), z, x, y); !errors.Is(err, basemap.ErrNoTile) {
			t.Errorf("got %v", err)
		}
	}
}

// A few thousand entries that compress badly do not fit into the root directory either.
func TestWriteArchive_largeRoot(t *testing.T) {
	t.Parallel()
	tiles := numbered(0, 14000, func(id uint64) string {
		random := id * 0x9e3779b97f4a7c15 >> 40
		if random%3 == 0 {
			return ""
		}
		return fmt.Sprint(id, strings.Repeat("x", int(random%9973)))
	})
	data, err := write(t, tiles, basemap.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if leaves := binary.LittleEndian.Uint64(data[leafLength:]); leaves == 0 {
		t.Error("it has no leaf directories")
	}
	found, a := 0, mustOpen(t, data)
	for tile := range tiles {
		if got, err := a.Tile(t.Context(), tile.Z, tile.X, tile.Y); err == nil && bytes.Equal(got.Data, tile.Data) {
			found++
		} else if len(tile.Data) > 0 {
			t.Fatalf("%d/%d/%d: %v", tile.Z, tile.X, tile.Y, err)
		}
	}
	if found < 9000 {
		t.Errorf("found %d tiles", found)
	}
}

func TestWriteArchive_info(t *testing.T) {
	t.Parallel()
	data, err := write(t, numbered(1, 5461, func(uint64) string { return "x" }), basemap.WriteOptions{Encoding: "gzip"})
	if err != nil {
		t.Fatal(err)
	}
	want := overlay
	want.MinZoom = 1
	a := mustOpen(t, data)
	if got := a.Info(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if tile, err := a.Tile(t.Context(), 3, 1, 1); err != nil || tile.Encoding != "gzip" {
		t.Errorf("got %q, %v", tile.Encoding, err)
	}
}

// What is the same is stored once, and neighbours of the same data are one entry.
func TestWriteArchive_once(t *testing.T) {
	t.Parallel()
	data, err := write(t, numbered(0, 5461, func(id uint64) string {
		switch {
		case id == 7:
			return "island"
		case id == 9:
			return "" // left out
		}
		return strings.Repeat("sea", 1000)
	}), basemap.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	count := func(at int) uint64 { return binary.LittleEndian.Uint64(data[at:]) }
	if addressed, entries, contents, size := count(72), count(80), count(88), count(tileLength); addressed != 5460 || entries != 4 || contents != 2 || size != 3006 {
		t.Errorf("got %d tiles, %d entries, %d contents, %d bytes", addressed, entries, contents, size)
	}
	a := mustOpen(t, data)
	for id, want := range map[uint64]int{6: 3000, 7: 6, 8: 3000, 5460: 3000} {
		z, x, y := basemap.TileAt(id)
		if tile, err := a.Tile(t.Context(), z, x, y); err != nil || len(tile.Data) != want {
			t.Errorf("%d: got %d bytes, %v", id, len(tile.Data), err)
		}
	}
	z, x, y := basemap.TileAt(9)
	if _, err := a.Tile(t.Context(), z, x, y); !errors.Is(err, basemap.ErrNoTile) {
		t.Errorf("got %v", err)
	}
}

func TestWriteArchive_refuses(t *testing.T) {
	t.Parallel()
	full := errors.New("the layer is gone")
	one := func(tiles ...basemap.ArchiveTile) iter.Seq2[basemap.ArchiveTile, error] {
		return func(yield func(basemap.ArchiveTile, error) bool) {
			for _, tile := range tiles {
				if !yield(tile, nil) {
					return
				}
			}
		}
	}
	some := []byte("x")
	if _, err := write(t, one(), basemap.WriteOptions{}); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("no tiles: got %v", err)
	}
	if _, err := write(t, one(basemap.ArchiveTile{Z: 1, Data: some}, basemap.ArchiveTile{Z: 0, Data: some}), basemap.WriteOptions{}); err == nil || !strings.Contains(err.Error(), "out of the order") {
		t.Errorf("out of order: got %v", err)
	}
	if _, err := write(t, one(basemap.ArchiveTile{Z: 1, X: 2, Data: some}), basemap.WriteOptions{}); core.CodeOf(err) != core.CodeBadRequest {
		t.Errorf("no tile of the world: got %v", err)
	}
	if _, err := write(t, one(basemap.ArchiveTile{Data: some}), basemap.WriteOptions{Encoding: "zip"}); err == nil {
		t.Error("an unknown encoding is written")
	}
	if _, err := write(t, func(yield func(basemap.ArchiveTile, error) bool) { yield(basemap.ArchiveTile{}, full) }, basemap.WriteOptions{}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

// loop is an archive whose leaf directory leads to itself.
func loop() []byte {
	directory := []byte{1, 0, 0, 5, 1} // one entry: number 0, no run, 5 bytes, offset 0
	b := make([]byte, 127)
	copy(b, "PMTiles\x03")
	for at, v := range map[int]uint64{8: 127, 16: 5, 24: 127, 40: 132, 48: 5, 56: 137} {
		binary.LittleEndian.PutUint64(b[at:], v)
	}
	b[internalAt], b[encodingAt], b[kindAt], b[maxZoomAt] = 1, 1, 1, 3
	return append(append(b, directory...), directory...)
}

func TestArchive_loop(t *testing.T) {
	t.Parallel()
	_, err := mustOpen(t, loop()).Tile(t.Context(), 0, 0, 0)
	if e, ok := core.AsError(err); !ok || e.Code != core.CodeUnavailable || !strings.Contains(e.Err.Error(), "without end") {
		t.Errorf("got %v", err)
	}
}

// A directory that promises more entries than it has bytes for is refused before room is made for them.
func TestOpenArchive_promises(t *testing.T) {
	t.Parallel()
	b := loop()
	copy(b[127:], "\xff\xff\xff\xff\x7f")
	if _, err := open(t, b); err == nil || !strings.Contains(err.Error(), "a directory of it is broken") {
		t.Errorf("got %v", err)
	}
}

func TestTileID(t *testing.T) {
	t.Parallel()
	for id, want := range map[uint64][3]int{0: {0, 0, 0}, 1: {1, 0, 0}, 2: {1, 0, 1}, 3: {1, 1, 1}, 4: {1, 1, 0}, 5: {2, 0, 0}, 19078479: {12, 3423, 1763}} {
		z, x, y := basemap.TileAt(id)
		if got := [3]int{z, x, y}; got != want || basemap.TileID(z, x, y) != id {
			t.Errorf("%d: got %v and %d, want %v", id, got, basemap.TileID(z, x, y), want)
		}
	}
	last := 1<<30 - 1
	for _, x := range []int{0, last / 3, last} {
		id := basemap.TileID(30, x, last-x)
		if z, gotX, gotY := basemap.TileAt(id); z != 30 || gotX != x || gotY != last-x {
			t.Errorf("got %d/%d/%d", z, gotX, gotY)
		}
	}
}

func TestTilesWithin(t *testing.T) {
	t.Parallel()
	var got [][3]int
	next := uint64(0)
	for at := range basemap.TilesWithin([4]float64{7.2, 47.7, 7.4, 47.8}, 0, 9) {
		if id := basemap.TileID(at[0], at[1], at[2]); id < next {
			t.Errorf("%v comes too late", at)
		} else {
			next = id + 1
		}
		got = append(got, at)
	}
	want := [][3]int{{0, 0, 0}, {1, 1, 0}, {2, 2, 1}, {3, 4, 2}, {4, 8, 5}, {5, 16, 11}, {6, 33, 22}, {7, 66, 44}, {8, 133, 89}, {9, 266, 178}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	n := 0
	for range basemap.TilesWithin([4]float64{-180, -85, 180, 85}, 0, 6) {
		n++
	}
	if n != 5461 {
		t.Errorf("got %d tiles of the world", n)
	}
}

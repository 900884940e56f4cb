package basemap_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image/png"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

const toner = "testdata/stamen-toner-z3.raster.pmtiles"

func tonerBytes(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile(toner)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func open(tb testing.TB, data []byte) (*basemap.Archive, error) {
	tb.Helper()
	return basemap.OpenArchive(tb.Context(), basemap.FileRanges(bytes.NewReader(data)), int64(len(data)))
}

func mustOpen(tb testing.TB, data []byte) *basemap.Archive {
	tb.Helper()
	a, err := open(tb, data)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func TestArchive_toner(t *testing.T) {
	t.Parallel()
	a := mustOpen(t, tonerBytes(t))
	want := basemap.Info{
		Format: basemap.FormatPNG, TileSize: 256, MinZoom: 0, MaxZoom: 3,
		Bounds: [4]float64{-180, -85, 180, 85}, Center: [3]float64{0, 0, 0}, Attribution: basemap.OSMAttribution,
	}
	if got := a.Info(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for z := range 4 {
		for x := range 1 << z {
			for y := range 1 << z {
				checkPNG(t, a, z, x, y)
			}
		}
	}
}

func checkPNG(t *testing.T, a *basemap.Archive, z, x, y int) {
	t.Helper()
	tile, err := a.Tile(t.Context(), z, x, y)
	if err != nil {
		t.Fatalf("%d/%d/%d: %v", z, x, y, err)
	}
	picture, err := png.Decode(bytes.NewReader(tile.Data))
	if err != nil || picture.Bounds().Dx() != a.Info().TileSize {
		t.Errorf("%d/%d/%d: %v", z, x, y, err)
	}
	if tile.ContentType != "image/png" || tile.Encoding != "" || len(tile.ETag) != 18 || !tile.Expires.IsZero() {
		t.Errorf("%d/%d/%d: got %q, %q, %q, %v", z, x, y, tile.ContentType, tile.Encoding, tile.ETag, tile.Expires)
	}
}

func TestArchive_Tile_refuses(t *testing.T) {
	t.Parallel()
	a := mustOpen(t, tonerBytes(t))
	for _, tc := range []struct {
		z, x, y int
		want    core.Code
	}{
		{4, 0, 0, core.CodeNotFound}, {30, 1 << 29, 0, core.CodeNotFound}, {3, 8, 0, core.CodeBadRequest}, {3, 0, 8, core.CodeBadRequest},
		{3, -1, 0, core.CodeBadRequest}, {-1, 0, 0, core.CodeBadRequest}, {31, 0, 0, core.CodeBadRequest}, {64, 0, 0, core.CodeBadRequest},
	} {
		_, err := a.Tile(t.Context(), tc.z, tc.x, tc.y)
		if core.CodeOf(err) != tc.want || tc.want == core.CodeNotFound && !errors.Is(err, basemap.ErrNoTile) {
			t.Errorf("%+v: got %v", tc, err)
		}
	}
}

// The offsets of what the tests break.
const (
	rootOffset, rootLength, metaLength, leafLength, tileOffset, tileLength = 8, 16, 32, 48, 56, 64
	internalAt, encodingAt, kindAt, minZoomAt, maxZoomAt                   = 97, 98, 99, 100, 101
)

func TestOpenArchive_refuses(t *testing.T) {
	t.Parallel()
	number := func(at int, v uint64) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint64(b[at:], v); return b }
	}
	octet := func(at int, v byte) func([]byte) []byte { return func(b []byte) []byte { b[at] = v; return b } }
	for _, tc := range []struct {
		name   string
		breaks func([]byte) []byte
		want   string
	}{
		{"nothing", func(b []byte) []byte { return nil }, "too short"},
		{"another file", func(b []byte) []byte { return bytes.Repeat([]byte("x"), 500) }, "does not begin as"},
		{"version 2", octet(7, 2), "of version 2, and version 3 is read; convert it"},
		{"cut in the tiles", func(b []byte) []byte { return b[:len(b)-1] }, "its tiles should lie at"},
		{"cut in the directory", func(b []byte) []byte { return b[:200] }, "cut short"},
		{"numbers that overflow", number(tileOffset, 1<<64-1), "cut short"},
		{"a length that overflows", number(tileLength, 1<<64-1), "cut short"},
		{"no root", number(rootLength, 0), "does not lie within the first"},
		{"a root too far behind", number(rootOffset, 20000), "does not lie within the first"},
		{"a root that is no gzip", number(rootOffset, 130), "a directory of it is broken"},
		{"metadata that are none", number(metaLength-8, 130), "its metadata"},
		{"an unknown kind of tiles", octet(kindAt, 9), "unknown kind (9)"},
		{"an unknown compression", octet(internalAt, 9), "unknown way (9)"},
		{"an unknown encoding", octet(encodingAt, 9), "unknown way (9)"},
		{"zooms the wrong way round", octet(minZoomAt, 5), "zooms run from 5 to 3"},
		{"zooms without end", octet(maxZoomAt, 200), "zooms run from 0 to 200"},
		{"tiles outside of their section", number(tileLength, 10), "points outside"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, tc.breaks(tonerBytes(t)))
			e, ok := core.AsError(err)
			if !ok || e.Code != core.CodeInvalid || !strings.Contains(e.Message, tc.want) || e.Texts["fr"] == "" {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// A file that breaks while it is served is the server's trouble, not the visitor's.
func TestArchive_breaksLater(t *testing.T) {
	t.Parallel()
	data := tonerBytes(t)
	r := &failing{Ranges: basemap.FileRanges(bytes.NewReader(data))}
	a, err := basemap.OpenArchive(t.Context(), r, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]func([]byte, error) ([]byte, error){
		"an error": func([]byte, error) ([]byte, error) { return nil, errors.New("the disk is gone") },
		"too few":  func(b []byte, err error) ([]byte, error) { return b[:1], err },
	} {
		r.broken = broken
		if _, err := a.Tile(t.Context(), 3, 1, 1); core.CodeOf(err) != core.CodeUnavailable {
			t.Errorf("%s: got %v", name, err)
		}
	}
	r.broken = nil
	checkPNG(t, a, 3, 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.broken = func([]byte, error) ([]byte, error) { return nil, ctx.Err() }
	if _, err := a.Tile(ctx, 3, 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type failing struct {
	basemap.Ranges
	broken func([]byte, error) ([]byte, error)
}

func (f *failing) ReadRange(ctx context.Context, offset, length int64) ([]byte, error) {
	b, err := f.Ranges.ReadRange(ctx, offset, length)
	if f.broken != nil {
		return f.broken(b, err)
	}
	return b, err
}

// Whatever the bytes are, an archive is opened or refused in words, and so is each of its tiles.
func FuzzArchive(f *testing.F) {
	f.Add(tonerBytes(f)[:400])
	f.Add(vectorArchive(f, 40))
	f.Add(loop())
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := open(t, data)
		if err != nil {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Errorf("got %v", err)
			}
			return
		}
		for _, at := range [][3]int{{0, 0, 0}, {1, 1, 1}, {5, 3, 20}, {14, 8000, 6000}} {
			tile, err := a.Tile(t.Context(), at[0], at[1], at[2])
			if c := core.CodeOf(err); err != nil && c != core.CodeNotFound && c != core.CodeUnavailable {
				t.Errorf("got %v", err)
			}
			_, _ = tile.Plain()
		}
	})
}

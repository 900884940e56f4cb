// Package interop holds the archives of basemap against go-pmtiles, which its authors keep beside the specification. It
// stands apart, and has nothing but a test, because that library takes long to build.
package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"testing"

	"github.com/protomaps/go-pmtiles/pmtiles"

	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

// theirs is an archive as go-pmtiles serves it.
func theirs(t *testing.T, file string) func(z, x, y int, ending string) (int, []byte) {
	t.Helper()
	folder, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	server, err := pmtiles.NewServer("file://"+filepath.ToSlash(folder), "", log.New(io.Discard, "", 0), 64, "")
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	name := filepath.Base(file[:len(file)-len(filepath.Ext(file))])
	return func(z, x, y int, ending string) (int, []byte) {
		status, _, data := server.Get(context.Background(), fmt.Sprintf("/%s/%d/%d/%d.%s", name, z, x, y, ending))
		return status, data
	}
}

func ours(t *testing.T, file string) *basemap.Archive {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	stat, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, err := basemap.OpenArchive(t.Context(), basemap.FileRanges(f), stat.Size())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// compare reads the tiles of zooms 0..zoom in both ways.
func compare(t *testing.T, file string, zoom int, ending string) (tiles int) {
	t.Helper()
	get, archive := theirs(t, file), ours(t, file)
	for at := range basemap.TilesWithin([4]float64{-180, -85, 180, 85}, 0, zoom) {
		status, want := get(at[0], at[1], at[2], ending)
		got, err := archive.Tile(t.Context(), at[0], at[1], at[2])
		if (err == nil) != (status == 200) || !bytes.Equal(got.Data, want) {
			t.Fatalf("%v: got %d bytes, %v, want %d bytes, %d", at, len(got.Data), err, len(want), status)
		}
		if err == nil {
			tiles++
		}
	}
	return tiles
}

func TestReader(t *testing.T) {
	t.Parallel()
	if n := compare(t, "../testdata/stamen-toner-z3.raster.pmtiles", 3, "png"); n != 85 {
		t.Errorf("compared %d tiles", n)
	}
}

// written makes an archive of all tiles with a number below n, every third of which has the same data and every seventh
// none.
func written(t *testing.T, n uint64) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "layer.pmtiles")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	tiles := func(yield func(basemap.ArchiveTile, error) bool) {
		for id := range n {
			z, x, y := basemap.TileAt(id)
			if !yield(basemap.ArchiveTile{Z: z, X: x, Y: y, Data: content(id)}, nil) {
				return
			}
		}
	}
	info := basemap.Info{Name: "Layer", Format: basemap.FormatMVT, VectorLayers: []basemap.VectorLayer{{ID: "layer", Fields: map[string]string{}}}}
	if err := basemap.WriteArchive(f, tiles, info, basemap.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func content(id uint64) []byte {
	switch {
	case id%7 == 6:
		return nil
	case id%3 == 0:
		return []byte("the same")
	}
	return fmt.Appendf(nil, "tile %d of its own", id)
}

func TestWriter(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{1, 100, 90000} { // the last has leaf directories
		file := written(t, n)
		if err := pmtiles.Verify(log.New(io.Discard, "", 0), file); err != nil {
			t.Errorf("%d tiles: %v", n, err)
		}
		zoom, _, _ := basemap.TileAt(n - 1)
		if got := compare(t, file, min(zoom, 7), "mvt"); uint64(got) < n*6/7/5 {
			t.Errorf("%d tiles: compared %d", n, got)
		}
	}
}

func TestTileID(t *testing.T) {
	t.Parallel()
	for id := uint64(0); id < 1<<40; id += 1 + id/97 {
		z, x, y := basemap.TileAt(id)
		theirZ, theirX, theirY := pmtiles.IDToZxy(id)
		if z != int(theirZ) || x != int(theirX) || y != int(theirY) || basemap.TileID(z, x, y) != pmtiles.ZxyToID(theirZ, theirX, theirY) {
			t.Fatalf("%d: got %d/%d/%d, want %d/%d/%d", id, z, x, y, theirZ, theirX, theirY)
		}
	}
}

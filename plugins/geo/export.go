package geo

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/maptile"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

// maxExportZoom bounds an archive: each zoom has up to four times the tiles of the one before.
const maxExportZoom = 16

// exportLayer writes a layer's public tiles into an archive.
func (g *geo) exportLayer(ctx context.Context, c *plugin.CommandCall) error {
	deepest := number(c.Flag("zoom"))
	if deepest < 0 || deepest > maxExportZoom {
		return core.Errorf(core.CodeBadRequest, "--zoom is a whole number from 0 to %d.", maxExportZoom)
	}
	of := &geo{settings: g.settings}
	of.running.Store(&node{Host: c.Host})
	l, err := of.layer(ctx, core.Anonymous, c.Args[0])
	if err != nil {
		return err
	}
	p, err := of.places(ctx, core.Anonymous, l, url.Values{})
	if err != nil {
		return err
	}
	found, err := p.Find(ctx, nil)
	if err != nil {
		return err
	}
	if len(found.All) == 0 {
		return core.Errorf(core.CodeNotFound, "Nothing is published on the layer %s: no archive was made.", l.name)
	}
	info := archiveInfo(l, p, found.All, deepest)
	n := 0
	if err := intoFile(c.Args[1], func(f *os.File) error {
		return basemap.WriteArchive(f, drawnTiles(ctx, l, p, found.All, deepest, &n), info, basemap.WriteOptions{Encoding: "gzip", TempDir: filepath.Dir(c.Args[1])})
	}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%s has %d tiles of %d places, zooms 0 to %d.\n", c.Args[1], n, len(found.All), deepest)
	return err
}

func archiveInfo(l *layer, p *core.Placed, places []core.Place, deepest int) basemap.Info {
	var e extent
	for _, place := range places {
		e.add(place.Lon, place.Lat)
	}
	box, _ := e.box()
	return basemap.Info{Name: l.label.In("en"), Format: basemap.FormatMVT, MaxZoom: deepest, Bounds: box, Center: [3]float64{(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 5},
		VectorLayers: []basemap.VectorLayer{{ID: l.name, Fields: l.describe(p)}}}
}

// drawnTiles gives the tiles that have something on them, in the order of an archive.
func drawnTiles(ctx context.Context, l *layer, p *core.Placed, places []core.Place, deepest int, n *int) iter.Seq2[basemap.ArchiveTile, error] {
	return func(yield func(basemap.ArchiveTile, error) bool) {
		for z := 0; z <= deepest; z++ {
			for _, at := range occupied(places, z) {
				answer, err := drawTile(ctx, l, p, at)
				var data []byte
				if err == nil && len(answer.Body) > 0 {
					data, err = packed(answer.Body)
					*n++
				}
				if !yield(basemap.ArchiveTile{Z: at.z, X: at.x, Y: at.y, Data: data}, err) {
					return
				}
			}
		}
	}
}

// occupied are the tiles of a zoom that places touch.
func occupied(places []core.Place, z int) []coordinates {
	seen := map[uint64]bool{}
	for _, place := range places {
		b := core.BBox{West: place.Lon, South: place.Lat, East: place.Lon, North: place.Lat}
		if place.Bounds != nil {
			b = *place.Bounds
		}
		from, to := tileOver(b.West, b.North, z), tileOver(b.East, b.South, z)
		for x := from.x; x <= to.x; x++ {
			for y := from.y; y <= to.y; y++ {
				seen[basemap.TileID(z, x, y)] = true
			}
		}
	}
	ids := make([]uint64, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	all := make([]coordinates, len(ids))
	for i, id := range ids {
		all[i].z, all[i].x, all[i].y = basemap.TileAt(id)
	}
	return all
}

func tileOver(lon, lat float64, z int) coordinates {
	t := maptile.At(orb.Point{math.Max(-180, math.Min(179.999999, lon)), lat}, maptile.Zoom(z))
	return coordinates{z, int(t.X), int(t.Y)}
}

func packed(body []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(body)
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

// intoFile writes a file that appears whole or not at all.
func intoFile(path string, write func(f *os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".archive-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

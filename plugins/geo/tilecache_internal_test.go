package geo

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// A kept tile is drawn anew when something within it is touched, when time has come, when another type that it looks into
// moved, and when nobody knows any more; and not otherwise.
func TestTileCache_stands(t *testing.T) {
	t.Parallel()
	now, version := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), uint64(1)
	c := newTileCache(1<<20, func() time.Time { return now }, func(core.TypeName) uint64 { return version })
	var touched []core.BBox
	var due time.Time
	forgotten := false
	p := &core.Placed{Type: core.NewType(core.Type{Name: "site"}), Types: []core.TypeName{"site", "other"}, Due: func() time.Time { return due },
		Touched: func(since uint64) ([]core.BBox, uint64, bool) {
			if forgotten && since < uint64(len(touched)) {
				return nil, uint64(len(touched)), false
			}
			return touched[min(int(since), len(touched)):], uint64(len(touched)), true
		}}
	drawn := 0
	draws := func() int {
		before := drawn
		_, err := c.answer(t.Context(), "key", p, coordinates{8, 132, 88}, func(context.Context) (*core.Answer, error) {
			drawn++
			return &core.Answer{Body: []byte("tile")}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return drawn - before
	}
	point := func(lon, lat float64) core.BBox { return core.BBox{West: lon, South: lat, East: lon, North: lat} }
	for _, tc := range []struct {
		name   string
		happen func()
		want   int
	}{
		{"the first time", func() {}, 1},
		{"nothing happened", func() {}, 0},
		{"somewhere else", func() { touched = append(touched, point(-4, 48)) }, 0},
		{"within it", func() { touched = append(touched, point(6.2, 48.9)) }, 1},
		{"and that was it", func() {}, 0},
		{"another type moved", func() { version++ }, 1},
		{"something was planned", func() { due = now.Add(time.Hour) }, 1},
		{"its time has not come", func() { now = now.Add(time.Minute) }, 0},
		{"its time has come", func() { now = now.Add(time.Hour) }, 1},
		{"and it is recorded", func() { due = time.Time{} }, 1},
		{"the type is another one", func() { p.Type = core.NewType(core.Type{Name: "site"}) }, 1},
		{"too much happened", func() { touched, forgotten = append(touched, point(-4, 48)), true }, 1},
	} {
		tc.happen()
		if got := draws(); got != tc.want {
			t.Errorf("%s: drawn %d times, want %d", tc.name, got, tc.want)
		}
	}
}

// The cache keeps to its size: what was asked for longest ago goes.
func TestTileCache_size(t *testing.T) {
	t.Parallel()
	c := newTileCache(10*(perTile+100), time.Now, func(core.TypeName) uint64 { return 1 })
	p := &core.Placed{Type: core.NewType(core.Type{Name: "site"}), Due: func() time.Time { return time.Time{} }, Touched: func(uint64) ([]core.BBox, uint64, bool) { return nil, 0, true }}
	for i := range 100 {
		_, err := c.answer(t.Context(), string(rune('a'+i)), p, coordinates{}, func(context.Context) (*core.Answer, error) { return &core.Answer{Body: make([]byte, 90)}, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := len(c.tiles); n > 10 || n < 5 || c.bytes > c.most || c.used.Len() != n {
		t.Errorf("%d tiles of %d bytes in all are kept", n, c.bytes)
	}
}

// The table of northings is as good as the logarithm, at the zooms that it is for.
func TestCoarseNorthing(t *testing.T) {
	t.Parallel()
	worst := 0.0
	for lat := -85.0; lat < 85; lat += 0.00137 {
		worst = max(worst, math.Abs(coarseNorthing(lat)-northing(lat)))
	}
	if units := worst * extentOf * (1 << coarseZoom); units > 0.05 {
		t.Errorf("off by %f units", units)
	}
	for _, lat := range []float64{-90, -89.5, 89.5, 90} {
		if coarseNorthing(lat) != northing(lat) {
			t.Errorf("%f: %f, want %f", lat, coarseNorthing(lat), northing(lat))
		}
	}
}

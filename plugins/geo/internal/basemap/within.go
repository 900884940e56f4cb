package basemap

import (
	"iter"
	"math"
)

// TilesWithin gives the tiles of zooms from..to that meet bounds (west, south, east, north in degrees), in the order of
// TileID: what WriteArchive wants them in.
func TilesWithin(bounds [4]float64, from, to int) iter.Seq[[3]int] {
	return func(yield func([3]int) bool) {
		for z := max(from, 0); z <= min(to, maxZoom); z++ {
			d := descent{bounds: bounds, zoom: z, yield: yield}
			if !d.visit(0, 0) {
				return
			}
		}
	}
}

// descent goes down from the one tile of zoom 0 to those of a zoom. The four tiles within the tile at place i of its zoom
// stand at places 4i to 4i+3 of the next.
type descent struct {
	bounds [4]float64
	zoom   int
	yield  func([3]int) bool
}

func (d *descent) visit(z int, place uint64) bool {
	_, x, y := TileAt(firstID(z) + place)
	if !d.meets(z, x, y) {
		return true
	}
	if z == d.zoom {
		return d.yield([3]int{z, x, y})
	}
	for i := range uint64(4) {
		if !d.visit(z+1, 4*place+i) {
			return false
		}
	}
	return true
}

func (d *descent) meets(z, x, y int) bool {
	west, north := corner(z, x, y)
	east, south := corner(z, x+1, y+1)
	return west <= d.bounds[2] && east >= d.bounds[0] && south <= d.bounds[3] && north >= d.bounds[1]
}

// corner is the north-west corner of a tile, in degrees.
func corner(z, x, y int) (lon, lat float64) {
	n := float64(int64(1) << z)
	return float64(x)/n*360 - 180, math.Atan(math.Sinh(math.Pi*(1-2*float64(y)/n))) * 180 / math.Pi
}

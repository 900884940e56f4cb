package basemap

import "math/bits"

// TileID numbers the tiles of all zooms along a Hilbert curve, zoom after zoom: the order in which WriteArchive takes
// them. The numbers must be those of a tile (0 ≤ x, y < 2^z).
func TileID(z, x, y int) uint64 {
	id := firstID(z)
	for s := z - 1; s >= 0; s-- {
		rx, ry := x>>s&1, y>>s&1
		id += uint64((3*rx)^ry) << (2 * s)
		x, y = turn(1<<s, x&(1<<s-1), y&(1<<s-1), rx, ry)
	}
	return id
}

// TileAt is the tile with a number.
func TileAt(id uint64) (z, x, y int) {
	z = (bits.Len64(3*id+1) - 1) / 2
	rest := id - firstID(z)
	for s := range z {
		rx := int(rest>>1) & 1
		ry := int(rest)&1 ^ rx
		x, y = turn(1<<s, x, y, rx, ry)
		x, y = x+rx<<s, y+ry<<s
		rest >>= 2
	}
	return z, x, y
}

// firstID is the number of a zoom's first tile: how many tiles the zooms before it have.
func firstID(z int) uint64 { return (1<<(2*z) - 1) / 3 }

// turn turns a quarter of the curve, of side n, as its place among the four quarters demands.
func turn(n, x, y, rx, ry int) (int, int) {
	if ry != 0 {
		return x, y
	}
	if rx != 0 {
		x, y = n-1-x, n-1-y
	}
	return y, x
}

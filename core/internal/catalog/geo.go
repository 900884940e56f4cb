package catalog

import (
	"math"
	"sync"

	"github.com/palabre-cms/palabre/core"
)

// points are the places of one field by slot: a point, or for anything else its bounds.
type points struct {
	lon, lat single[uint64]       // keys of degrees; of bounds, the middle
	boxes    map[uint32]core.BBox // only of what is no point
	unit     unit
	touched  trail
}

// trail is the last places that were changed, so that a map knows which of its tiles still stand.
type trail struct {
	boxes []core.BBox // a ring: the n-th is at n modulo its length
	count uint64      // how many there were
}

// trailLength is how many places are remembered. A map that looks less often draws its tiles anew.
const trailLength = 4096

func (t *trail) add(box core.BBox) {
	if len(t.boxes) < trailLength {
		t.boxes = append(t.boxes, box)
	} else {
		t.boxes[t.count%trailLength] = box
	}
	t.count++
}

// since gives the places after the first n.
func (t *trail) since(n uint64) ([]core.BBox, bool) {
	if n > t.count || t.count-n > uint64(len(t.boxes)) {
		return nil, false
	}
	out := make([]core.BBox, 0, t.count-n)
	for i := n; i < t.count; i++ {
		out = append(out, t.boxes[i%trailLength])
	}
	return out, true
}

// unit is the points on the unit sphere, made when first asked for: distances without trigonometry.
type unit struct {
	mu    sync.Mutex
	stale []uint32 // slots set since
	at    [][3]float64
}

// at gives the place of a slot.
func (p *points) at(slot uint32) (lon, lat float64, ok bool) {
	key := p.lon.best(slot, nil, false)
	if key == none {
		return 0, 0, false
	}
	return keyFloat(key), keyFloat(p.lat.keys[slot]), true
}

// box reads what appendGeo wrote, nil for no place.
func (v *values) box(tag uint64) *core.BBox {
	switch tag {
	case 2:
		lon, lat := v.float(), v.float()
		return &core.BBox{West: lon, South: lat, East: lon, North: lat}
	case 3:
		return &core.BBox{West: v.float(), South: v.float(), East: v.float(), North: v.float()}
	}
	return nil
}

func (p *points) put(slot uint32, box *core.BBox) {
	p.trace(slot)
	delete(p.boxes, slot)
	if p.unit.at != nil {
		p.unit.stale = append(p.unit.stale, slot)
	}
	if box == nil {
		p.lon.put(slot, nil)
		p.lat.put(slot, nil)
		return
	}
	p.lon.put(slot, []uint64{floatKey((box.West + box.East) / 2)})
	p.lat.put(slot, []uint64{floatKey((box.South + box.North) / 2)})
	if box.West != box.East || box.South != box.North {
		if p.boxes == nil {
			p.boxes = map[uint32]core.BBox{}
		}
		p.boxes[slot] = *box
	}
}

// trace notes where a slot is: what is told of it changes, or it comes or goes.
func (p *points) trace(slot uint32) {
	lon, lat, ok := p.at(slot)
	if !ok {
		return
	}
	box, isBox := p.boxes[slot]
	if !isBox {
		box = core.BBox{West: lon, South: lat, East: lon, North: lat}
	}
	p.touched.add(box)
}

// touch notes that a slot is seen differently from now on.
func (t *table) touch(slot uint32) {
	for _, c := range t.columns {
		if c.points != nil {
			c.points.trace(slot)
		}
	}
}

// present adds to out the slots that have a place.
func (p *points) present(out bitset) { p.lon.scan(out, leastKey, greatestKey) }

// inside adds to out the slots whose place touches a box.
func (p *points) inside(out bitset, box core.BBox) {
	if box.West > box.East {
		p.inside(out, core.BBox{West: box.West, South: box.South, East: 180, North: box.North})
		p.inside(out, core.BBox{West: -180, South: box.South, East: box.East, North: box.North})
		return
	}
	found, level := make(bitset, len(out)), make(bitset, len(out))
	p.lon.scan(found, floatKey(box.West), floatKey(box.East))
	p.lat.scan(level, floatKey(box.South), floatKey(box.North))
	found.and(level)
	for slot, b := range p.boxes {
		touches := b.West <= box.East && b.East >= box.West && b.South <= box.North && b.North >= box.South
		if touches && int(slot) < len(out)<<6 {
			found.set(slot)
		}
	}
	out.or(found)
}

const earthRadius = 6_371_008.8 // metres: the mean radius (IUGG)

// near adds to out the slots whose place is within a circle.
func (p *points) near(out bitset, n core.Near) {
	from, limit := onSphere(n.Lon, n.Lat), chord(n.Metres)
	units := p.units()
	band := make(bitset, len(out)) // of latitude: the circle touches no other
	height := n.Metres/earthRadius*180/math.Pi + 1e-6
	p.lat.scan(band, floatKey(n.Lat-height), floatKey(n.Lat+height))
	band.each(func(slot uint32) {
		if squared(from, units[slot]) <= limit {
			out.set(slot)
		}
	})
	for slot := range p.boxes {
		if int(slot) < len(out)<<6 {
			out.put(slot, p.squared(slot, n, from, units) <= limit)
		}
	}
}

// from gives the squares of the straight lines from a point to slots' places: 0 inside of bounds, NaN without a place.
func (p *points) from(n core.Near) func(slot uint32) float64 {
	from, units := onSphere(n.Lon, n.Lat), p.units()
	return func(slot uint32) float64 { return p.squared(slot, n, from, units) }
}

// distance gives the metres from a point to a slot's place.
func (p *points) distance(slot uint32, n core.Near) float64 { return metres(p.from(n)(slot)) }

// squared gives the square of the straight line from a point to a slot's place.
func (p *points) squared(slot uint32, n core.Near, from [3]float64, units [][3]float64) float64 {
	if int(slot) >= len(units) {
		return math.NaN()
	}
	if b, ok := p.boxes[slot]; ok {
		return squared(from, onSphere(min(max(n.Lon, b.West), b.East), min(max(n.Lat, b.South), b.North)))
	}
	return squared(from, units[slot])
}

// units gives the places on the unit sphere, brought up to date.
func (p *points) units() [][3]float64 {
	u := &p.unit
	u.mu.Lock()
	defer u.mu.Unlock()
	for slot := len(u.at); slot < len(p.lon.keys); slot++ {
		u.at = append(u.at, p.onSphere(uint32(slot)))
	}
	for _, slot := range u.stale {
		u.at[slot] = p.onSphere(slot)
	}
	u.stale = nil
	return u.at
}

func (p *points) onSphere(slot uint32) [3]float64 {
	lon, lat, ok := p.at(slot)
	if !ok {
		return [3]float64{math.NaN(), math.NaN(), math.NaN()}
	}
	return onSphere(lon, lat)
}

func onSphere(lon, lat float64) [3]float64 {
	sinLat, cosLat := math.Sincos(lat * math.Pi / 180)
	sinLon, cosLon := math.Sincos(lon * math.Pi / 180)
	return [3]float64{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// squared gives the square of the straight line between two points of the sphere: it is exact for small distances too.
func squared(a, b [3]float64) float64 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return x*x + y*y + z*z
}

// metres gives the length of the arc over a straight line.
func metres(squared float64) float64 {
	return 2 * earthRadius * math.Asin(min(1, math.Sqrt(squared)/2))
}

// chord gives the square of the straight line under an arc.
func chord(metres float64) float64 {
	if metres >= math.Pi*earthRadius {
		return 5 // farther than any two points
	}
	c := 2 * math.Sin(metres/(2*earthRadius))
	return c * c
}

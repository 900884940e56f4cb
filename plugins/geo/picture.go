package geo

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/maptile"
	"github.com/paulmach/orb/simplify"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
	"github.com/palabre-cms/palabre/plugins/geo/web"
)

// picture draws what the map shows at first: the land, and the points and clusters that the tiles have. It comes with the page,
// long before the map is ready, and stays where there is no map. Nil where the map does not begin with the whole country.
func (m *mapPage) picture(ctx context.Context, l *layer) (*web.Picture, error) {
	if m.data.State.Within != "" || m.data.Start != (web.Position{}) {
		return nil, nil
	}
	all, err := m.gazetteer()
	if err != nil {
		return nil, err
	}
	land := landOf(all)
	p := &web.Picture{Land: land.departements, Borders: land.regions}
	if m.data.State.View != "" {
		return p, nil
	}
	placed, err := m.places(ctx, m.who, l, m.data.State.Asked())
	if err != nil {
		return nil, err
	}
	found, err := placed.Find(ctx, nil)
	if err != nil {
		return nil, err
	}
	near := around(found.All, int(web.Metropole.Zoom), l.clusterBelow)
	p.Near, p.Far = near.marks(), near.farther(l.clusterBelow).marks()
	return p, nil
}

// field is the points around the middle of the picture in the cells of the tiles of a zoom, so that they are grouped as there.
type field struct {
	zoom   int
	middle maptile.Tile
	cell   int // units of a tile
	groups map[[2]int]*group
}

func newField(zoom, below int) *field {
	f := &field{zoom: zoom, middle: maptile.At(orb.Point{web.Metropole.Lon, web.Metropole.Lat}, maptile.Zoom(zoom)), cell: cellUnits, groups: map[[2]int]*group{}}
	if zoom >= below {
		f.cell = stackUnits
	}
	return f
}

func around(places []core.Place, zoom, below int) *field {
	f := newField(zoom, below)
	project := projector(f.middle)
	for i := range places {
		if places[i].Bounds != nil {
			continue // no point
		}
		if x, y, _ := project(places[i].Lon, places[i].Lat); math.Abs(x) < 2*extentOf && math.Abs(y) < 2*extentOf {
			f.at(x, y).add(x, y)
		}
	}
	return f
}

func (f *field) at(x, y float64) *group {
	key := [2]int{int(math.Floor(x / float64(f.cell))), int(math.Floor(y / float64(f.cell)))}
	g := f.groups[key]
	if g == nil {
		g = &group{}
		f.groups[key] = g
	}
	return g
}

// farther is the field of the zoom below, whose cells hold four of these.
func (f *field) farther(below int) *field {
	out := newField(f.zoom-1, below)
	left, top := float64(int(f.middle.X)-2*int(out.middle.X))*extentOf, float64(int(f.middle.Y)-2*int(out.middle.Y))*extentOf
	for key, g := range f.groups {
		n := float64(g.count)
		middleX, middleY := (float64(key[0])+0.5)*float64(f.cell), (float64(key[1])+0.5)*float64(f.cell)
		to := out.at((middleX+left)/2, (middleY+top)/2)
		to.count += g.count
		to.x, to.y = to.x+(g.x+n*left)/2, to.y+(g.y+n*top)/2
	}
	return out
}

// marks are the groups where they are in the picture, from north to south.
func (f *field) marks() []web.Mark {
	unit := worldOf(web.Metropole.Zoom) / float64(int(extentOf)<<f.zoom) // of the picture, in one of a tile
	left, top := inPicture(float64(f.middle.X)/float64(int(1)<<f.zoom), float64(f.middle.Y)/float64(int(1)<<f.zoom))
	var marks []web.Mark
	for _, g := range f.groups {
		n := float64(g.count)
		at := web.Mark{X: int(math.Round(g.x/n*unit + left)), Y: int(math.Round(g.y/n*unit + top)), Count: g.count}
		if max(at.X, -at.X, at.Y, -at.Y) < pictureReach {
			marks = append(marks, at)
		}
	}
	slices.SortFunc(marks, func(a, b web.Mark) int { return cmp.Or(a.Y-b.Y, a.X-b.X) })
	return marks
}

// pictureReach is how far from its middle a picture is drawn: a large screen shows more than the square that is sure to be seen.
const pictureReach = 2 * web.PictureSize

// worldOf is how wide the world is at a zoom, in units of the picture. MapLibre's tiles are 512 pixels wide.
func worldOf(zoom float64) float64 { return 512 * math.Exp2(zoom) * web.PictureUnits }

// inPicture gives where a place in the world's square, 0 to 1 from west to east and from north to south, lies in the picture.
func inPicture(x, y float64) (float64, float64) {
	world := worldOf(web.Metropole.Zoom)
	return (x - (web.Metropole.Lon+180)/360) * world, (y - northing(web.Metropole.Lat)) * world
}

// land is the country as paths of SVG.
type land struct{ departements, regions string }

var landOnce struct {
	sync.Once
	land
}

func landOf(all *gazetteer.Gazetteer) land {
	landOnce.Do(func() {
		landOnce.land = land{pathOf(all.Outlines(gazetteer.Departement)), pathOf(all.Outlines(gazetteer.Region))}
	})
	return landOnce.land
}

// pathOf draws shapes in whole units, each position relative to the one before.
func pathOf(shapes []gazetteer.Shape) string {
	var path strings.Builder
	for _, s := range shapes {
		for _, polygon := range s.Geometry.Coordinates {
			for _, ring := range polygon {
				drawRing(&path, ring)
			}
		}
	}
	return path.String()
}

func drawRing(path *strings.Builder, ring [][2]float64) {
	drawn := make(orb.LineString, len(ring))
	for i, at := range ring {
		drawn[i][0], drawn[i][1] = inPicture((at[0]+180)/360, northing(at[1]))
	}
	drawn = simplify.DouglasPeucker(1.6).LineString(drawn)
	if len(drawn) < 4 {
		return // smaller than can be seen
	}
	var x, y int
	for i, at := range drawn[:len(drawn)-1] {
		nextX, nextY := int(math.Round(at[0])), int(math.Round(at[1]))
		switch {
		case i == 0:
			path.WriteByte('M')
			path.WriteString(strconv.Itoa(nextX) + " " + strconv.Itoa(nextY) + "l")
		case nextX != x || nextY != y:
			path.WriteString(relative(nextX-x, i > 1) + relative(nextY-y, true))
		}
		x, y = nextX, nextY
	}
	path.WriteByte('z')
}

// relative writes a number of a path; a minus sets it apart from the one before, else a space.
func relative(n int, apart bool) string {
	if n < 0 || !apart {
		return strconv.Itoa(n)
	}
	return " " + strconv.Itoa(n)
}

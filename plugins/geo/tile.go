package geo

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"sync"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"
	"github.com/paulmach/orb/simplify"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const (
	tileKind = "application/vnd.mapbox-vector-tile"
	extentOf = 4096 // units across a tile
	buffer   = 64   // units around it, of what is no point: lines and areas go on behind the edge
)

// readTile gives a tile of a layer.
func (g *geo) readTile(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	at, err := tileAt(q, ".mvt")
	if err != nil {
		return nil, err
	}
	l, o, err := g.anyLayer(ctx, q.Who, q.Value("layer"))
	if err != nil {
		return nil, err
	}
	if o != nil {
		s, err := readSelection(q.Query)
		return o.tile(at, s), err
	}
	p, err := g.places(ctx, q.Who, l, q.Query)
	if err != nil {
		return nil, err
	}
	key := keyed(p.Key, "tile "+l.name+" "+strconv.Itoa(l.clusterBelow)+" "+strconv.Itoa(at.z)+"/"+strconv.Itoa(at.x)+"/"+strconv.Itoa(at.y))
	return &core.Pending{Key: key, Types: p.Types, Answer: func(ctx context.Context) (*core.Answer, error) {
		return g.tiles.answer(ctx, key, p, at, func(ctx context.Context) (*core.Answer, error) { return drawTile(ctx, l, p, at) })
	}}, nil
}

// drawTile makes a tile: points in groups, everything else as it is.
func drawTile(ctx context.Context, l *layer, p *core.Placed, at coordinates) (*core.Answer, error) {
	tile := maptile.New(uint32(at.x), uint32(at.y), maptile.Zoom(at.z))
	around := surroundings(tile)
	places, err := p.Find(ctx, &around)
	if err != nil {
		return nil, err
	}
	body, err := draw(l.name, places.All, tile, l.clusterBelow, func(ids []core.EntryID) ([]*shown, error) { return showEntries(ctx, p, ids) })
	return &core.Answer{Body: body, Kind: tileKind, Until: places.Until, Position: places.Position, Tags: tagsOf(p)}, err
}

// shown is what a tile tells of one thing; nil for what is not to be seen any more. A point's geometry is not looked at.
type shown struct {
	geometry   func() (orb.Geometry, error)
	properties geojson.Properties
}

// showEntries gives entries as lists show them.
func showEntries(ctx context.Context, p *core.Placed, ids []core.EntryID) ([]*shown, error) {
	docs, err := p.Show(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*shown, len(docs))
	for i, doc := range docs {
		f, ok := split(doc, p.Field.Path)
		if !ok {
			continue
		}
		out[i] = &shown{properties: attributes(doc, p.Field.Path), geometry: func() (orb.Geometry, error) {
			var g geojson.Geometry
			if err := json.Unmarshal(f.geometry, &g); err != nil {
				return nil, core.Wrap("geo.showEntries", err)
			}
			return g.Geometry(), nil
		}}
	}
	return out, nil
}

// draw makes a tile of what is at places; nothing at all is an empty tile.
func draw(name string, places []core.Place, tile maptile.Tile, below int, show func(ids []core.EntryID) ([]*shown, error)) ([]byte, error) {
	groups, shapes := grouped(places, tile, below)
	features, err := drawGroups(groups, show)
	if err != nil {
		return nil, err
	}
	drawn, err := drawShapes(tile, shapes, show)
	if err != nil {
		return nil, err
	}
	if features = append(features, drawn...); len(features) == 0 {
		return []byte{}, nil
	}
	body, err := mvt.Marshal(mvt.Layers{{Name: name, Version: 2, Extent: extentOf, Features: features}})
	return body, core.Wrap("geo.draw", err)
}

// surroundings is what a tile shows in degrees, with some room for what reaches into it.
func surroundings(tile maptile.Tile) core.BBox {
	b := tile.Bound(float64(buffer) / extentOf)
	return core.BBox{West: math.Max(b.Min[0], -180), South: b.Min[1], East: math.Min(b.Max[0], 180), North: b.Max[1]}
}

// cellUnits is how wide a cell is in which points are one cluster; above the zoom of clusters, only those that nobody could
// tell apart are.
const (
	cellUnits  = extentOf / 8
	stackUnits = 8
)

// group is points of a tile that are shown as one.
type group struct {
	id     core.EntryID // of the first
	count  int
	x, y   float64 // sums of what is in it, in units of the tile
	bounds extent  // in units of the tile
}

// grouped puts the points of a tile into cells of a grid, and leaves what is no point. A point belongs to one tile of a zoom
// alone, so that the counts of a zoom add up to what the list finds.
func grouped(places []core.Place, tile maptile.Tile, below int) (groups []*group, shapes []core.Place) {
	cell := cellUnits
	if int(tile.Z) >= below {
		cell = stackUnits
	}
	cells := newCells(cell)
	project := projector(tile)
	for i := range places {
		place := &places[i]
		if place.Bounds != nil {
			shapes = append(shapes, *place)
			continue
		}
		x, y, inside := project(place.Lon, place.Lat)
		if !inside {
			continue
		}
		c := cells.at(int(x)/cell, int(y)/cell)
		if *c == nil {
			*c = &group{id: place.ID}
			groups = append(groups, *c)
		}
		(*c).add(x, y)
	}
	return groups, shapes
}

// cells finds groups by their place in the grid: of a coarse grid in an array, of a fine one, where there are few, in a map.
type cells struct {
	coarse [8 * 8]*group
	fine   map[[2]int]**group
}

func newCells(width int) *cells {
	if width == cellUnits {
		return &cells{}
	}
	return &cells{fine: map[[2]int]**group{}}
}

func (c *cells) at(x, y int) **group {
	if c.fine == nil {
		return &c.coarse[y*8+x]
	}
	g := c.fine[[2]int{x, y}]
	if g == nil {
		g = new(*group)
		c.fine[[2]int{x, y}] = g
	}
	return g
}

func (g *group) add(x, y float64) {
	g.count++
	g.x, g.y = g.x+x, g.y+y
	g.bounds.add(x, y)
}

// projector gives the place of degrees in units of a tile (Web Mercator, EPSG:3857). A point on an edge belongs to the tile
// that begins there; those beyond the ends of the world's square are drawn at its ends.
func projector(tile maptile.Tile) func(lon, lat float64) (x, y float64, inside bool) {
	size := float64(int(1) << tile.Z)
	last := size*extentOf - 1
	left, top := float64(tile.X)*extentOf, float64(tile.Y)*extentOf
	mercator := northing
	if tile.Z <= coarseZoom {
		mercator = coarseNorthing
	}
	return func(lon, lat float64) (float64, float64, bool) {
		worldX, worldY := (lon+180)/360*size*extentOf, mercator(lat)*size*extentOf
		x, y := min(max(worldX, 0), last)-left, min(max(worldY, 0), last)-top
		return x, y, x >= 0 && x < extentOf && y >= 0 && y < extentOf
	}
}

// northing is where a latitude is in the world's square, 0 at its north and 1 at its south.
func northing(lat float64) float64 {
	sin := math.Sin(lat * math.Pi / 180)
	sin = math.Max(-0.9999, math.Min(0.9999, sin))
	return 0.5 - math.Log((1+sin)/(1-sin))/(4*math.Pi)
}

// coarseZoom is the deepest zoom at which a table of northings serves: between its lines the error stays below a twentieth of
// a unit there. At these zooms a tile may have very many points, and a logarithm for each is most of its time.
const coarseZoom = 11

const (
	northings   = 1 << 16
	steepestLat = 89.19 // where the sine reaches what northing takes it for
)

var northingTable = sync.OnceValue(func() *[northings + 1]float64 {
	var t [northings + 1]float64
	for i := range t {
		t[i] = northing(steepestLat * (2*float64(i)/northings - 1))
	}
	return &t
})

func coarseNorthing(lat float64) float64 {
	at := (lat/steepestLat + 1) / 2 * northings
	i := int(at)
	if at < 0 || i >= northings {
		return northing(lat)
	}
	t := northingTable()
	return t[i] + (t[i+1]-t[i])*(at-float64(i))
}

// drawGroups makes features of clusters and of points that stand alone, in the order of their cells, which is that of the
// entries.
func drawGroups(groups []*group, show func([]core.EntryID) ([]*shown, error)) ([]*geojson.Feature, error) {
	var alone []core.EntryID
	for _, c := range groups {
		if c.count == 1 {
			alone = append(alone, c.id)
		}
	}
	things, err := show(alone)
	if err != nil {
		return nil, err
	}
	features, next := make([]*geojson.Feature, 0, len(groups)), 0
	for _, c := range groups {
		point := orb.Point{math.Round(c.x / float64(c.count)), math.Round(c.y / float64(c.count))}
		if c.count > 1 {
			features = append(features, cluster(c, point))
			continue
		}
		thing := things[next]
		if next++; thing != nil {
			features = append(features, &geojson.Feature{Type: "Feature", Geometry: point, Properties: thing.properties})
		}
	}
	return features, nil
}

// cluster is a feature for several points: how many, and by how many zooms one must go in until they part.
func cluster(c *group, at orb.Point) *geojson.Feature {
	properties := geojson.Properties{"cluster": true, "point_count": c.count, "point_count_abbreviated": abbreviated(c.count)}
	spread := math.Max(c.bounds.east-c.bounds.west, c.bounds.north-c.bounds.south)
	if spread < 1 {
		properties["stacked"] = true // at one place: going in does not part them
	} else {
		properties["expansion"] = min(int(math.Ceil(math.Log2(cellUnits/spread)))+1, 8)
	}
	return &geojson.Feature{Type: "Feature", Geometry: at, Properties: properties}
}

// abbreviated writes a number as it fits into a circle: 999, 1.2k, 35k.
func abbreviated(n int) string {
	switch {
	case n < 1000:
		return strconv.Itoa(n)
	case n < 10_000:
		return strconv.FormatFloat(math.Floor(float64(n)/100)/10, 'f', -1, 64) + "k"
	default:
		return strconv.Itoa(n/1000) + "k"
	}
}

// attributes are what a feature tells of an entry: its fields, those of objects by their paths; lists as text.
func attributes(doc core.Doc, geometry string) geojson.Properties {
	out := geojson.Properties{}
	addAttributes(out, "", doc, geometry)
	return out
}

func addAttributes(out geojson.Properties, prefix string, object []byte, geometry string) {
	for name, v := range jsondoc.Members(object) {
		path := prefix + name
		if path == geometry || len(v) == 0 {
			continue
		}
		switch v[0] {
		case '{':
			addAttributes(out, path+".", v, geometry)
		case '[':
			out[path] = listText(v)
		case 'n':
		default:
			var value any
			if json.Unmarshal(v, &value) == nil {
				out[path] = value
			}
		}
	}
}

// listText writes a list of texts or numbers with commas; vector tiles have no lists.
func listText(v []byte) string {
	var text []byte
	for e := range jsondoc.Elements(v) {
		if len(text) > 0 {
			text = append(text, ',')
		}
		var s string
		if json.Unmarshal(e, &s) == nil {
			text = append(text, s...)
		} else if len(e) > 0 && e[0] != '{' && e[0] != '[' {
			text = append(text, e...)
		}
	}
	return string(text)
}

// drawShapes makes features of what is no point: cut to the tile and simplified to what can be seen.
func drawShapes(tile maptile.Tile, shapes []core.Place, show func([]core.EntryID) ([]*shown, error)) ([]*geojson.Feature, error) {
	if len(shapes) == 0 {
		return nil, nil
	}
	ids := make([]core.EntryID, len(shapes))
	for i := range shapes {
		ids[i] = shapes[i].ID
	}
	things, err := show(ids)
	if err != nil {
		return nil, err
	}
	around := orb.Bound{Min: orb.Point{-buffer, -buffer}, Max: orb.Point{extentOf + buffer, extentOf + buffer}}
	var features []*geojson.Feature
	for _, thing := range things {
		if thing == nil {
			continue
		}
		g, err := thing.geometry()
		if err != nil {
			return nil, err
		}
		if drawn := drawShape(g, tile, around); drawn != nil {
			features = append(features, &geojson.Feature{Type: "Feature", Geometry: drawn, Properties: thing.properties})
		}
	}
	return features, nil
}

func drawShape(g orb.Geometry, tile maptile.Tile, around orb.Bound) orb.Geometry {
	if g == nil {
		return nil
	}
	if members, ok := g.(orb.Collection); ok { // a tile has no collections: the first member that is drawn stands for it
		for _, m := range members {
			if drawn := drawShape(m, tile, around); drawn != nil {
				return drawn
			}
		}
		return nil
	}
	layer := mvt.Layers{{Version: 2, Extent: extentOf, Features: []*geojson.Feature{geojson.NewFeature(orb.Clone(g))}}}
	layer.ProjectToTile(tile)
	drawn := clip.Geometry(around, layer[0].Features[0].Geometry)
	if drawn == nil {
		return nil
	}
	return simplify.DouglasPeucker(1).Simplify(drawn)
}

package geo

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// geoJSONKind is the media type of RFC 7946.
const geoJSONKind = "application/geo+json"

// mostFeatures is how many features an answer has; page.next leads to those that follow.
const mostFeatures = 20_000

// many is from how many features on answers are made two at a time: whoever asks at once for much waits, and the memory that it
// takes is bounded.
const (
	many       = 2_000
	manyAtOnce = 2
)

// onward begins the cursors of whole layers, which go by the identifiers of features; those of lists go by their order.
const onward = "feature:"

// readLayer gives a layer as a FeatureCollection: all of it, as far as mostFeatures go, or with limit, after or sort a page of it, as
// a list.
func (g *geo) readLayer(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	name, ok := strings.CutSuffix(q.Value("layer"), ".geojson")
	if !ok {
		return nil, core.Refuse(core.CodeNotFound, "", "A layer is read as {layer}.geojson, or by its tiles.", "Une couche se lit par {couche}.geojson, ou par ses tuiles.")
	}
	l, o, err := g.anyLayer(ctx, q.Who, name)
	if err != nil {
		return nil, err
	}
	params := cloned(q.Query)
	after, following := strings.CutPrefix(params.Get("after"), onward)
	if following = following && !params.Has("limit") && !params.Has("sort"); following {
		params.Del("after")
	}
	if o != nil {
		s, err := readSelection(params)
		return o.geoJSON(s, after, g.most), err
	}
	p, err := g.places(ctx, q.Who, l, params)
	if err != nil {
		return nil, err
	}
	paged := params.Has("limit") || params.Has("after") || params.Has("sort")
	return &core.Pending{Key: keyed(p.Key, "geojson "+l.name+" "+strconv.FormatBool(paged)+" "+after), Types: p.Types, Answer: func(ctx context.Context) (*core.Answer, error) {
		if paged {
			return pageOf(ctx, p)
		}
		return g.wholeOf(ctx, p, core.EntryID(after))
	}}, nil
}

// keyed makes an answer's key of that of its places; none where those must not be kept.
func keyed(key, what string) string {
	if key == "" {
		return ""
	}
	return key + "\n" + what
}

// wholeOf gives all places after one, "" for the first.
func (g *geo) wholeOf(ctx context.Context, p *core.Placed, after core.EntryID) (*core.Answer, error) {
	places, err := p.Find(ctx, nil)
	if err != nil {
		return nil, err
	}
	ids := make([]core.EntryID, len(places.All))
	for i := range places.All {
		ids[i] = places.All[i].ID
	}
	ids, page := part(ids, after, g.most)
	if len(ids) > many {
		select {
		case g.much <- struct{}{}:
			defer func() { <-g.much }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c := newCollection(p, false)
	for some := range slices.Chunk(ids, showAtOnce) {
		docs, err := p.Show(ctx, some)
		if err != nil {
			return nil, err
		}
		if err := c.add(docs, len(ids)); err != nil {
			return nil, err
		}
	}
	body, err := c.end(page)
	return &core.Answer{Body: body, Kind: geoJSONKind, Until: places.Until, Position: places.Position, Tags: tagsOf(p)}, err
}

// showAtOnce is how many entries are read at a time: they go into the answer, and need not all be held beside it.
const showAtOnce = 1_000

// part cuts out what follows an identifier, and says where it goes on; nil where everything is in one answer.
func part(ids []core.EntryID, after core.EntryID, most int) ([]core.EntryID, map[string]any) {
	if after == "" && len(ids) <= most {
		return ids, nil
	}
	slices.Sort(ids)
	total := len(ids)
	from, found := slices.BinarySearch(ids, after)
	if found {
		from++
	}
	members := map[string]any{"limit": most, "next": nil, "total": total}
	if ids = ids[from:]; len(ids) > most {
		ids = ids[:most]
		members["next"] = onward + string(ids[most-1])
	}
	return ids, map[string]any{"page": members}
}

func pageOf(ctx context.Context, p *core.Placed) (*core.Answer, error) {
	page, next, err := p.Page(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]core.EntryID, len(page.Views))
	for i := range page.Views {
		ids[i] = page.Views[i].ID
	}
	docs, err := p.Show(ctx, ids)
	if err != nil {
		return nil, err
	}
	members := map[string]any{"limit": p.Asked.Limit, "next": nil}
	if next != "" {
		members["next"] = next
	}
	if page.Total >= 0 {
		members["total"] = page.Total
	}
	c := newCollection(p, true)
	if err := c.add(docs, len(docs)); err != nil {
		return nil, err
	}
	body, err := c.end(map[string]any{"page": members})
	return &core.Answer{Body: body, Kind: geoJSONKind, Until: page.Until, Position: page.Position, Tags: tagsOf(p)}, err
}

func tagsOf(p *core.Placed) []string {
	tags := make([]string, len(p.Types))
	for i, t := range p.Types {
		tags[i] = string(t)
	}
	return tags
}

// collection writes a FeatureCollection of entries as lists show them, with its bounding box. An entry that is not to be seen
// any more is left out, and so is one without a place, but for a page's, which are those of the list (RFC 7946, 3.2: unlocated).
type collection struct {
	p      *core.Placed
	paged  bool
	b      []byte
	bounds extent
	any    bool
}

func newCollection(p *core.Placed, paged bool) *collection {
	return &collection{p: p, paged: paged, b: []byte(`{"type":"FeatureCollection","features":[`)}
}

// add writes entries; all is how many there will be about.
func (c *collection) add(docs []core.Doc, all int) error {
	if !c.any && len(docs) > 0 {
		c.b = slices.Grow(c.b, c.sizeOf(docs)/len(docs)*all+256)
	}
	for _, d := range docs {
		f, ok := split(d, c.p.Field.Path)
		if d == nil || !ok && !c.paged {
			continue
		}
		geometry := []byte("null")
		if ok {
			var err error
			if geometry, err = straightened(f.geometry, &c.bounds); err != nil {
				return err
			}
		}
		if c.any {
			c.b = append(c.b, ',')
		}
		c.any = true
		c.b = append(append(append(c.b, `{"type":"Feature","id":`...), f.id...), `,"geometry":`...)
		c.b = append(append(append(c.b, geometry...), `,"properties":{`...), f.properties...)
		c.b = append(c.b, `}}`...)
	}
	return nil
}

func (c *collection) sizeOf(docs []core.Doc) (size int) {
	for _, d := range docs {
		size += len(d) + 96
	}
	return size
}

// end gives the whole, with more members.
func (c *collection) end(foreign map[string]any) ([]byte, error) {
	b := append(c.b, ']')
	if box, ok := c.bounds.box(); ok {
		b = append(b, `,"bbox":[`...)
		for i, v := range box {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(b, v, 'f', -1, 64)
		}
		b = append(b, ']')
	}
	if len(foreign) == 0 {
		return append(b, '}'), nil
	}
	more, err := json.Marshal(foreign)
	if err != nil {
		return nil, core.Wrap("geo.collection", err)
	}
	return append(append(b, ','), more[1:]...), nil
}

// feature is an entry taken apart: all JSON.
type feature struct{ id, geometry, properties []byte }

// split takes the geometry out of an entry. The entry has a place: ok is false for one that is gone, or whose place is not
// shown.
func split(d core.Doc, path string) (f feature, ok bool) {
	if d == nil {
		return f, false
	}
	top, rest, deep := strings.Cut(path, ".")
	f.properties = make([]byte, 0, len(d))
	for name, v := range jsondoc.Members(d) {
		switch {
		case name == "_id":
			f.id = v
		case name == top && !deep:
			f.geometry = v
			continue
		case name == top:
			f.geometry = inside(v, rest)
		}
		if len(f.properties) > 0 {
			f.properties = append(f.properties, ',')
		}
		f.properties = append(append(jsondoc.AppendString(f.properties, name), ':'), v...)
	}
	return f, len(f.geometry) > 0 && f.geometry[0] == '{'
}

func inside(v []byte, path string) []byte {
	name, rest, deep := strings.Cut(path, ".")
	if len(v) == 0 || v[0] != '{' {
		return nil
	}
	for member, value := range jsondoc.Members(v) {
		if member != name {
			continue
		}
		if deep {
			return inside(value, rest)
		}
		return value
	}
	return nil
}

// straightened gives a geometry with its rings the right way round (RFC 7946, 3.1.6), and adds it to the bounds. What is no
// polygon is given as it is.
func straightened(text []byte, bounds *extent) ([]byte, error) {
	if lon, lat, ok := pointIn(text); ok {
		bounds.add(lon, lat)
		return text, nil
	}
	var g geojson.Geometry
	if err := json.Unmarshal(text, &g); err != nil {
		return nil, core.Wrap("geo.straightened", err)
	}
	geometry := g.Geometry()
	if geometry == nil {
		return []byte("null"), nil
	}
	b := geometry.Bound()
	if !b.IsEmpty() {
		bounds.add(b.Min[0], b.Min[1])
		bounds.add(b.Max[0], b.Max[1])
	}
	if !rewound(geometry) {
		return text, nil
	}
	out, err := json.Marshal(geojson.NewGeometry(geometry))
	return out, core.Wrap("geo.straightened", err)
}

// rewound turns rings that are the wrong way round, and reports whether there were any.
func rewound(g orb.Geometry) (turned bool) {
	switch g := g.(type) {
	case orb.Polygon:
		for i, ring := range g {
			want := orb.CCW
			if i > 0 {
				want = orb.CW
			}
			if ring.Orientation() != want {
				ring.Reverse()
				turned = true
			}
		}
	case orb.MultiPolygon:
		for _, p := range g {
			turned = rewound(p) || turned
		}
	case orb.Collection:
		for _, member := range g {
			turned = rewound(member) || turned
		}
	}
	return turned
}

// pointIn reads a point without the detour of a decoder: nearly all places are one.
func pointIn(text []byte) (lon, lat float64, ok bool) {
	isPoint := false
	for name, v := range jsondoc.Members(text) {
		switch name {
		case "type":
			isPoint = string(v) == `"Point"`
		case "coordinates":
			lon, lat, ok = position(v)
		}
	}
	return lon, lat, ok && isPoint
}

func position(v []byte) (lon, lat float64, ok bool) {
	var numbers [2]float64
	n := 0
	for e := range jsondoc.Elements(v) {
		if n == 2 {
			break // a height
		}
		f, err := strconv.ParseFloat(string(e), 64)
		if err != nil {
			return 0, 0, false
		}
		numbers[n] = f
		n++
	}
	return numbers[0], numbers[1], n == 2
}

// extent grows with what is added to it.
type extent struct {
	west, south, east, north float64
	any                      bool
}

func (e *extent) add(lon, lat float64) {
	if !e.any {
		*e = extent{lon, lat, lon, lat, true}
		return
	}
	e.west, e.south = math.Min(e.west, lon), math.Min(e.south, lat)
	e.east, e.north = math.Max(e.east, lon), math.Max(e.north, lat)
}

// box is the bounding box in the order of RFC 7946, section 5.
func (e *extent) box() ([4]float64, bool) {
	return [4]float64{e.west, e.south, e.east, e.north}, e.any
}

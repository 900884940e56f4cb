package geo

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"

	"github.com/palabre-cms/palabre/core"
)

// overlayFor is how long an answer is kept before it is asked whether the file is another one.
const overlayFor = 10 * time.Second

// An overlay is a layer that was taken out of OpenStreetMap: a file of the plugin's directory, gzipped GeoJSON with one feature
// a line after a line about the whole. It is the same for everybody.
type overlay struct {
	name     string
	about    overlayAbout
	stamp    string // of the file, so that another one gets other answers
	features []*geojson.Feature
	places   []core.Place
	numbers  map[core.EntryID]int
	now      func() time.Time
}

// overlayAbout is the first line of an overlay's file.
type overlayAbout struct {
	Layer       string    `json:"layer"`
	Filter      string    `json:"filter"`
	Attribution string    `json:"attribution"`
	Timestamp   time.Time `json:"timestamp,omitzero"` // up to when the extract follows OpenStreetMap
}

// osmCredit is what a map of OpenStreetMap's data must show (https://www.openstreetmap.org/copyright).
const osmCredit = `<a href="https://www.openstreetmap.org/copyright">© OpenStreetMap contributors</a>`

const overlaySuffix = ".geojson.gz"

// overlays are those of a directory. A file that was put there, replaced or taken away is noticed within seconds.
type overlays struct {
	dir    string
	now    func() time.Time
	mu     sync.Mutex
	loaded map[string]*overlay
}

func newOverlays(dir string, now func() time.Time) *overlays {
	return &overlays{dir: filepath.Join(dir, "layers"), now: now, loaded: map[string]*overlay{}}
}

func (o *overlays) names() []string {
	var names []string
	for _, path := range filesIn(o.dir, overlaySuffix) {
		names = append(names, strings.TrimSuffix(filepath.Base(path), overlaySuffix))
	}
	return names
}

// get gives an overlay; nil for one that is not there.
func (o *overlays) get(name string) (*overlay, error) {
	if !layerName.MatchString(name) {
		return nil, nil
	}
	path := filepath.Join(o.dir, name+overlaySuffix)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, core.Wrap("geo.overlay", err)
	}
	stamp := fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
	o.mu.Lock()
	defer o.mu.Unlock()
	if have := o.loaded[name]; have != nil && have.stamp == stamp {
		return have, nil
	}
	loaded, err := readOverlay(path)
	if err != nil {
		return nil, core.Wrap("geo.overlay", fmt.Errorf("%s: %w", path, err))
	}
	loaded.name, loaded.stamp, loaded.now = name, stamp, o.now
	o.loaded[name] = loaded
	return loaded, nil
}

// maxFeatureLine bounds one feature of a file.
const maxFeatureLine = 16 << 20

func readOverlay(path string) (o *overlay, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(make([]byte, 64<<10), maxFeatureLine)
	o = &overlay{numbers: map[core.EntryID]int{}}
	for lines.Scan() {
		if o.about.Layer == "" {
			if err := json.Unmarshal(lines.Bytes(), &o.about); err != nil {
				return nil, err
			}
			continue
		}
		feature, err := geojson.UnmarshalFeature(lines.Bytes())
		if err != nil {
			return nil, err
		}
		o.add(feature)
	}
	return o, lines.Err()
}

func (o *overlay) add(f *geojson.Feature) {
	id := core.EntryID(fmt.Sprint(f.ID))
	b := f.Geometry.Bound()
	place := core.Place{ID: id, Lon: (b.Min[0] + b.Max[0]) / 2, Lat: (b.Min[1] + b.Max[1]) / 2}
	if _, isPoint := f.Geometry.(orb.Point); !isPoint {
		place.Bounds = &core.BBox{West: b.Min[0], South: b.Min[1], East: b.Max[0], North: b.Max[1]}
	}
	o.numbers[id] = len(o.features)
	o.features, o.places = append(o.features, f), append(o.places, place)
}

// writeOverlay writes a file that readOverlay reads. It appears whole or not at all.
func writeOverlay(path string, about overlayAbout, each func(emit func(*geojson.Feature) error) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".overlay-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	z := gzip.NewWriter(f)
	lines := json.NewEncoder(z)
	err = lines.Encode(about)
	if err == nil {
		err = each(func(feature *geojson.Feature) error { return lines.Encode(feature) })
	}
	if err = errors.Join(err, z.Close(), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// selection is what is asked of an overlay: a box, and tags.
type selection struct {
	box  *core.BBox
	tags map[string]string
}

func readSelection(params url.Values) (s selection, err error) {
	s.tags = map[string]string{}
	for name, values := range params {
		tag, isTag := strings.CutPrefix(name, "filter[")
		switch {
		case isTag && strings.HasSuffix(tag, "]"):
			s.tags[strings.TrimSuffix(tag, "]")] = values[0]
		case name == "bbox":
			if s.box, err = boxOf(values[0]); err != nil {
				return s, err
			}
		default:
			return s, core.Refuse(core.CodeBadRequest, "unknown_parameter", "A layer of OpenStreetMap knows bbox and filter[tag]=value, not %q.",
				"Une couche d’OpenStreetMap connaît bbox et filter[attribut]=valeur, pas « %s ».", clipped(name))
		}
	}
	return s, nil
}

func boxOf(text string) (*core.BBox, error) {
	lon, lat, ok := position([]byte("[" + text + "]"))
	parts := strings.Split(text, ",")
	if !ok || len(parts) != 4 {
		return nil, badBox()
	}
	east, north, ok := position([]byte("[" + strings.Join(parts[2:], ",") + "]"))
	if !ok {
		return nil, badBox()
	}
	return &core.BBox{West: lon, South: lat, East: east, North: north}, nil
}

func badBox() error {
	return core.Refuse(core.CodeBadRequest, "bad_bbox", "bbox is west,south,east,north in degrees: bbox=7.0,47.5,7.9,48.3.", "bbox s’écrit ouest,sud,est,nord en degrés : bbox=7.0,47.5,7.9,48.3.")
}

// find gives the places that a selection asks for, within a box.
func (o *overlay) find(s selection, within *core.BBox) []core.Place {
	var found []core.Place
	for i, place := range o.places {
		if within != nil && !place.Touches(*within) || s.box != nil && !place.Touches(*s.box) || !o.has(i, s.tags) {
			continue
		}
		found = append(found, place)
	}
	return found
}

func (o *overlay) has(i int, tags map[string]string) bool {
	for name, want := range tags {
		if have, _ := o.features[i].Properties[name].(string); have != want {
			return false
		}
	}
	return true
}

func (o *overlay) show(ids []core.EntryID) ([]*shown, error) {
	out := make([]*shown, len(ids))
	for i, id := range ids {
		f := o.features[o.numbers[id]]
		out[i] = &shown{properties: withID(f), geometry: func() (orb.Geometry, error) { return orb.Clone(f.Geometry), nil }}
	}
	return out, nil
}

// describe says what the tiles tell of each feature: its tags.
func (o *overlay) describe() map[string]string {
	fields := clusterFields()
	for _, f := range o.features {
		for tag := range f.Properties {
			fields[tag] = "String"
		}
	}
	return fields
}

func withID(f *geojson.Feature) geojson.Properties {
	p := f.Properties.Clone()
	p["_id"] = f.ID
	return p
}

func (o *overlay) tile(at coordinates, s selection) *core.Pending {
	key := fmt.Sprintf("overlay %s %s %d/%d/%d %v", o.name, o.stamp, at.z, at.x, at.y, s.key())
	return &core.Pending{Key: key, Answer: func(context.Context) (*core.Answer, error) {
		tile := maptile.New(uint32(at.x), uint32(at.y), maptile.Zoom(at.z))
		around := surroundings(tile)
		body, err := draw(o.name, o.find(s, &around), tile, clusterBelow, o.show)
		return &core.Answer{Body: body, Kind: tileKind, Until: o.now().Add(overlayFor)}, err
	}}
}

func (s selection) key() string {
	var parts []string
	for name, v := range s.tags {
		parts = append(parts, fmt.Sprintf("%q=%q", name, v))
	}
	slices.Sort(parts)
	if s.box != nil {
		parts = append(parts, fmt.Sprint(*s.box))
	}
	return strings.Join(parts, " ")
}

// geoJSON gives what a selection asks for after a feature, "" for the first.
func (o *overlay) geoJSON(s selection, after string, most int) *core.Pending {
	return &core.Pending{Key: fmt.Sprintf("overlay %s %s geojson %s %q", o.name, o.stamp, s.key(), after), Answer: func(context.Context) (*core.Answer, error) {
		c := geojson.NewFeatureCollection()
		var bounds extent
		found := o.find(s, nil)
		ids := make([]core.EntryID, len(found))
		for i := range found {
			ids[i] = found[i].ID
		}
		ids, page := part(ids, core.EntryID(after), most)
		for _, id := range ids {
			f := o.features[o.numbers[id]]
			b := f.Geometry.Bound()
			bounds.add(b.Min[0], b.Min[1])
			bounds.add(b.Max[0], b.Max[1])
			c.Append(f)
		}
		if box, ok := bounds.box(); ok {
			c.BBox = box[:]
		}
		c.ExtraMembers = geojson.Properties{"attribution": o.about.Attribution}
		maps.Copy(c.ExtraMembers, page)
		body, err := c.MarshalJSON()
		return &core.Answer{Body: body, Kind: geoJSONKind, Until: o.now().Add(overlayFor)}, core.Wrap("geo.geoJSON", err)
	}}
}

package query

import (
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// halfway round the Earth: no circle is larger.
const maxMetres = 20_040_000

// levels are those of a territory's code; without one a code means any of them.
var levels = []string{"region", "departement", "epci", "commune"}

// place reads bbox, near, within and geo.
func (r *request) place(w *wish, a *core.Asked) error {
	p := &w.place
	field, err := r.geoField(p)
	if err != nil || p.bbox == nil && p.near == nil && p.within == "" {
		return err
	}
	g := &core.GeoFilter{Field: field}
	if g.BBox, err = bbox(p.bbox); err != nil {
		return err
	}
	if g.Near, err = near(p.near); err != nil {
		return err
	}
	if g.Territory, err = territory(p.within); err != nil {
		return err
	}
	if g.Territory != nil {
		g.Territory.Fields = r.own.territories()
	}
	a.Geo = g
	return nil
}

// territories gives the fields with a territory's code that the caller may read, nil when those are all.
func (v *view) territories() []string {
	seen, all := []string{}, true
	for i := range v.t.Fields {
		f := &v.t.Fields[i]
		switch {
		case f.Territory == "":
		case v.readable(f.Path):
			seen = append(seen, f.Path)
		default:
			all = false
		}
	}
	if all {
		return nil
	}
	return seen
}

// geoField is the field that geo names, else the type's own.
func (r *request) geoField(p *place) (string, error) {
	if p.field != "" {
		f, ok := r.own.field(p.field)
		if !ok {
			return "", unknown("field", p.field, r.own.names())
		}
		if f.Kind != core.KindGeo {
			return "", refuse("not_a_place", "%s is not a place.", quote(p.field))
		}
		return f.Path, nil
	}
	if p.bbox == nil && p.near == nil && p.within == "" {
		return "", nil
	}
	if f, ok := r.own.field(r.own.t.GeoField); ok {
		return f.Path, nil
	}
	return "", refuse("not_a_place", "%s has no place of its own; name a field with geo=.", string(r.own.t.Name))
}

func bbox(n []float64) (*core.BBox, error) {
	if n == nil {
		return nil, nil
	}
	if len(n) != 4 || !longitude(n[0]) || !latitude(n[1]) || !longitude(n[2]) || !latitude(n[3]) || n[1] > n[3] {
		return nil, errNumbers("bbox")
	}
	return &core.BBox{West: n[0], South: n[1], East: n[2], North: n[3]}, nil
}

func near(n []float64) (*core.Near, error) {
	if n == nil {
		return nil, nil
	}
	if len(n) != 3 || !latitude(n[0]) || !longitude(n[1]) || n[2] <= 0 || n[2] > maxMetres {
		return nil, errNumbers("near")
	}
	return &core.Near{Lat: n[0], Lon: n[1], Metres: n[2]}, nil
}

func latitude(f float64) bool  { return f >= -90 && f <= 90 }
func longitude(f float64) bool { return f >= -180 && f <= 180 }

// territory reads a code, or level:code: 75 is a département and a région.
func territory(s string) (*core.Territory, error) {
	if s == "" {
		return nil, nil
	}
	level, code, ok := strings.Cut(s, ":")
	if !ok {
		level, code = "", s
	}
	if ok && !known(level) {
		return nil, refuse("bad_within", "within is a territory's code, or level:code with the level one of: %s.", strings.Join(levels, ", "))
	}
	if !isCode(code) {
		return nil, refuse("bad_within", "%s is no territory's code.", quote(code))
	}
	return &core.Territory{Level: level, Code: code}, nil
}

func known(level string) bool {
	for _, l := range levels {
		if l == level {
			return true
		}
	}
	return false
}

func isCode(s string) bool {
	if s == "" || len(s) > 20 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

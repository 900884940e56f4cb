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
	if g.Territory != nil && r.own.hidesTerritory() {
		a.Where = simplify(core.And{both(a.Where, r.own.inside(*g.Territory))})
		g.Territory = nil
	}
	if *g != (core.GeoFilter{Field: field}) {
		a.Geo = g
	}
	return nil
}

// hidesTerritory reports whether the type has a territory's code that the caller may not read. Then the places to look
// at are written out, since a match in a hidden one would tell of it.
func (v *view) hidesTerritory() bool {
	for i := range v.t.Fields {
		if f := &v.t.Fields[i]; f.Territory != "" && !v.readable(f.Path) {
			return true
		}
	}
	return false
}

// inside is the territory as a condition on the codes that the caller may read: the code itself and, in a département,
// those of its communes.
func (v *view) inside(t core.Territory) core.Node {
	places := core.Or{}
	for i := range v.t.Fields {
		f := &v.t.Fields[i]
		if f.Territory == "" || !v.readable(f.Path) {
			continue
		}
		if t.Level == "" || t.Level == f.Territory || f.Territory == "any" {
			places = append(places, core.Compare{Path: core.Path{Field: f.Path}, Op: core.OpEq, Values: []any{t.Code}})
		}
		if t.Level == "departement" && f.Territory == "commune" {
			places = append(places, core.Compare{Path: core.Path{Field: f.Path}, Op: core.OpPrefix, Values: []any{t.Code}})
		}
	}
	return places
}

// geoField is the field that geo names, else the type's own.
func (r *request) geoField(p *place) (string, error) {
	if p.field != "" {
		f, ok := r.own.field(p.field)
		if !ok {
			return "", unknown("field", p.field, r.own.names())
		}
		if f.Kind != core.KindGeo {
			return "", refuse("not_a_place", "%s is not a place.", "%s n’est pas un lieu.", quote(p.field))
		}
		return f.Path, nil
	}
	if p.bbox == nil && p.near == nil && p.within == "" {
		return "", nil
	}
	if f, ok := r.own.field(r.own.t.GeoField); ok {
		return f.Path, nil
	}
	return "", refuse("not_a_place", "%s has no place of its own; name a field with geo=.",
		"%s n’a pas de lieu propre ; nommez un champ par geo=.", string(r.own.t.Name))
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
		return nil, refuse("bad_within", "within is a territory's code, or level:code with the level one of: %s.",
			"within est le code d’un territoire, ou niveau:code, le niveau étant l’un de : %s.", strings.Join(levels, ", "))
	}
	if !isCode(code) {
		return nil, refuse("bad_within", "%s is no territory's code.", "%s n’est le code d’aucun territoire.", quote(code))
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

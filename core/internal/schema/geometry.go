package schema

import (
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// maxVertices is how many positions one geometry may have when its field does not say.
const maxVertices = 10_000

// geometryKinds are the GeoJSON geometries (RFC 7946) of each kind of x-geo, and how deep their coordinates nest:
// 0 is one position, 1 a list of them.
var geometryKinds = map[string][]string{
	"point": {"Point"},
	"line":  {"LineString", "MultiLineString"},
	"area":  {"Polygon", "MultiPolygon"},
	"any":   {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"},
}

var geometryDepth = map[string]int{"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}

// geometryWalk checks one geometry.
type geometryWalk struct {
	found    problems
	vertices int
	limit    int
}

func checkGeometry(kind string, limit int, v any, pointer string) problems {
	if limit <= 0 || limit > maxVertices {
		limit = maxVertices
	}
	w := &geometryWalk{limit: limit}
	w.geometry(v, pointer, geometryKinds[kind])
	if w.vertices > w.limit {
		w.add(pointer, say("La géométrie a plus de %d points ; simplifiez-la.", "The geometry has more than %d points; simplify it.", w.limit))
	}
	return w.found
}

func (w *geometryWalk) add(pointer string, text core.Text) { w.found.add(pointer, "x-geo", text) }

func (w *geometryWalk) geometry(v any, pointer string, allowed []string) {
	m, ok := v.(map[string]any)
	kind, _ := m["type"].(string)
	if !ok || !slices.Contains(allowed, kind) {
		w.add(pointer, say(`Il faut une géométrie GeoJSON (%s), comme {"type": "Point", "coordinates": [longitude, latitude]}.`, `A GeoJSON geometry (%s) is expected, like {"type": "Point", "coordinates": [longitude, latitude]}.`, strings.Join(allowed, ", ")))
		return
	}
	for name := range m {
		if name != "type" && name != "bbox" && (name != "coordinates") != (kind == "GeometryCollection" && name == "geometries") {
			w.add(pointer+jsondoc.Pointer(name), say("« %s » n’a pas sa place dans une géométrie.", "“%s” has no place in a geometry.", short(name)))
		}
	}
	w.shape(kind, m, pointer)
}

func (w *geometryWalk) shape(kind string, m map[string]any, pointer string) {
	if kind != "GeometryCollection" {
		w.nested(kind, m["coordinates"], pointer+"/coordinates", geometryDepth[kind])
		return
	}
	list, ok := m["geometries"].([]any)
	if !ok {
		w.add(pointer+"/geometries", say("geometries est une liste.", "geometries is a list."))
	}
	for i, item := range list {
		w.geometry(item, pointer+"/geometries/"+number(i), geometryKinds["any"][:6])
	}
}

func (w *geometryWalk) nested(kind string, v any, pointer string, depth int) {
	if w.vertices > w.limit || len(w.found) > maxProblems {
		return
	}
	if depth == 0 {
		w.position(v, pointer)
		return
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		w.add(pointer, say("Il manque des coordonnées ici.", "Coordinates are missing here."))
		return
	}
	if depth == 1 {
		w.length(kind, list, pointer)
	}
	for i, item := range list {
		w.nested(kind, item, pointer+"/"+number(i), depth-1)
	}
}

// length checks lines and rings: at least two positions, at least four and closed.
func (w *geometryWalk) length(kind string, list []any, pointer string) {
	switch kind {
	case "LineString", "MultiLineString":
		if len(list) < 2 {
			w.add(pointer, say("Une ligne a au moins deux points.", "A line has at least two points."))
		}
	case "Polygon", "MultiPolygon":
		if len(list) < 4 || !jsondoc.Equal(list[0], list[len(list)-1]) {
			w.add(pointer, say("Un contour a au moins quatre points, et le dernier est le premier.", "A ring has at least four points, and the last is the first."))
		}
	}
}

func (w *geometryWalk) position(v any, pointer string) {
	w.vertices++
	list, ok := v.([]any)
	if !ok || len(list) < 2 || len(list) > 3 {
		w.add(pointer, say("Une position est [longitude, latitude].", "A position is [longitude, latitude]."))
		return
	}
	for i, bound := range []float64{180, 90, 1e7}[:len(list)] {
		f, ok := finite(list[i])
		if !ok || f < -bound || f > bound {
			w.add(pointer+"/"+number(i), sayCoordinate(i))
			return
		}
	}
}

func sayCoordinate(i int) core.Text {
	switch i {
	case 0:
		return say("La longitude va de -180 à 180 (elle vient en premier).", "The longitude goes from -180 to 180 (it comes first).")
	case 1:
		return say("La latitude va de -90 à 90 (elle vient en second).", "The latitude goes from -90 to 90 (it comes second).")
	default:
		return say("L’altitude est un nombre de mètres.", "The altitude is a number of metres.")
	}
}

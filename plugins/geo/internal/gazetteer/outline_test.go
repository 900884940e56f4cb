package gazetteer_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

func TestOutline(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, tc := range []struct {
		level gazetteer.Level
		code  string
		ok    bool
	}{
		{gazetteer.Departement, "44", true},
		{gazetteer.Region, "44", true},
		{gazetteer.Departement, "2A", true},
		{gazetteer.Departement, "974", false}, // overseas
		{gazetteer.Region, "04", false},
		{gazetteer.Commune, "44109", false},
		{gazetteer.EPCI, "244400404", false},
		{gazetteer.Departement, "00", false},
	} {
		got, ok := g.Outline(tc.level, tc.code)
		if ok != tc.ok || ok != (got.Type == "MultiPolygon") || ok != (len(got.Coordinates) > 0) {
			t.Errorf("%s %s: got %v, a %q of %d polygons", tc.level, tc.code, ok, got.Type, len(got.Coordinates))
		}
	}
}

func TestOutline_JSON(t *testing.T) {
	t.Parallel()
	outline, _ := load(t).Outline(gazetteer.Departement, "75")
	text, err := json.Marshal(outline)
	if err != nil || !strings.HasPrefix(string(text), `{"type":"MultiPolygon","coordinates":[[[[2.`) {
		t.Errorf("got %.80s, %v", text, err)
	}
}

// TestOutlines holds every outline to RFC 7946: closed rings, the outer ones counterclockwise and holes clockwise, no
// point twice in a row, five decimals.
func TestOutlines(t *testing.T) {
	t.Parallel()
	g := load(t)
	for level, count := range map[gazetteer.Level]int{gazetteer.Departement: 96, gazetteer.Region: 13, gazetteer.Commune: 0, gazetteer.EPCI: 0, "canton": 0} {
		shapes := g.Outlines(level)
		if len(shapes) != count {
			t.Errorf("%s: got %d outlines, want %d", level, len(shapes), count)
		}
		for _, shape := range shapes {
			for _, polygon := range shape.Geometry.Coordinates {
				for i, ring := range polygon {
					checkRing(t, shape.Ref, ring, i == 0)
				}
			}
		}
	}
}

func checkRing(t *testing.T, of gazetteer.Ref, ring [][2]float64, outer bool) {
	t.Helper()
	if len(ring) < 4 || ring[0] != ring[len(ring)-1] {
		t.Fatalf("%v: a ring of %d positions, or open", of, len(ring))
	}
	area := 0.0
	for i, p := range ring[1:] {
		before := ring[i]
		area += before[0]*p[1] - p[0]*before[1]
		if p == before {
			t.Errorf("%v: %v comes twice", of, p)
		}
		for _, c := range p {
			if scaled := c * 1e5; math.Abs(scaled-math.Round(scaled)) > 1e-6 {
				t.Errorf("%v: %v has more than five decimals", of, c)
			}
		}
	}
	if (area > 0) != outer {
		t.Errorf("%v: a ring runs the wrong way", of)
	}
}

func TestContains(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, tc := range []struct {
		name          string
		level         gazetteer.Level
		code          string
		lon, lat      float64
		inside, known bool
	}{
		{"Nantes in Loire-Atlantique", gazetteer.Departement, "44", -1.5536, 47.2173, true, true},
		{"Nantes in Pays de la Loire", gazetteer.Region, "52", -1.5536, 47.2173, true, true},
		{"Nantes in Grand Est", gazetteer.Region, "44", -1.5536, 47.2173, false, true},
		{"Paris in Seine-et-Marne", gazetteer.Departement, "77", 2.3522, 48.8566, false, true},
		{"the enclave of Valréas in Vaucluse", gazetteer.Departement, "84", 4.991, 44.385, true, true},
		{"the enclave of Valréas in Drôme", gazetteer.Departement, "26", 4.991, 44.385, false, true},
		{"Île de Sein, which the outline leaves out", gazetteer.Departement, "29", -4.8503, 48.0367, true, true},
		{"the sea", gazetteer.Departement, "29", -6, 48, false, true},
		{"no point", gazetteer.Departement, "29", math.NaN(), 48, false, true},
		{"beyond everything", gazetteer.Departement, "29", math.Inf(1), math.Inf(-1), false, true},
		{"La Réunion", gazetteer.Departement, "974", 55.4469, -20.9424, false, false},
		{"a commune", gazetteer.Commune, "44109", -1.5536, 47.2173, false, false},
		{"nothing", gazetteer.Region, "00", -1.5536, 47.2173, false, false},
	} {
		inside, known := g.Contains(tc.level, tc.code, tc.lon, tc.lat)
		if inside != tc.inside || known != tc.known {
			t.Errorf("%s: got %v, %v", tc.name, inside, known)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, tc := range []struct {
		name     string
		level    gazetteer.Level
		code     string
		lon, lat float64
		from, to float64 // kilometres
	}{
		{"the centre of Mulhouse", gazetteer.Commune, "68224", 7.32561, 47.75267, 0, 0},
		{"a suburb within the disc", gazetteer.Commune, "68224", 7.34, 47.76, 0, 0},
		{"Colmar from Mulhouse", gazetteer.Commune, "68224", 7.3585, 48.0794, 33, 37},
		{"Cachan that was put in Montreuil", gazetteer.Commune, "94016", 2.429, 48.865, 8, 11},
		{"Allonnes (72) that was put in Haute-Savoie", gazetteer.Commune, "72003", 6.129, 45.899, 490, 520},
		{"Granville, whose centre is at sea", gazetteer.Commune, "50218", -1.597, 48.838, 0, 0},
		{"a commune that has no centre: its département", gazetteer.Commune, "15031", 2.87, 45.11, 0, 0},
		{"far from a commune that has no centre", gazetteer.Commune, "15031", 2.3522, 48.8566, 350, 420},
		{"a commune overseas", gazetteer.Commune, "97411", 55.4469, -20.9424, 0, 0},
		{"an EPCI", gazetteer.EPCI, "244400404", -1.5536, 47.2173, 0, 0},
		{"Angers from an EPCI", gazetteer.EPCI, "244400404", -0.5628, 47.4776, 55, 70},
		{"in a département", gazetteer.Departement, "68", 7.3585, 48.0794, 0, 0},
		{"near a département", gazetteer.Departement, "68", 7.7521, 48.5734, 40, 50},
		{"on an island of a département", gazetteer.Departement, "56", -2.8805, 47.3428, 0, 0},
		{"a région overseas, without outline", gazetteer.Region, "04", 55.53, -21.1, 0, 6},
		{"the other side of the Earth", gazetteer.Region, "53", 176, -40, 18_000, 20_100},
		{"across the date line", gazetteer.Region, "53", -176.2, -13.3, 15_000, 18_000},
	} {
		metres, ok := g.Distance(tc.level, tc.code, tc.lon, tc.lat)
		if !ok || metres < tc.from*1000 || metres > tc.to*1000 {
			t.Errorf("%s: got %.1f km, %v, want %g to %g", tc.name, metres/1000, ok, tc.from, tc.to)
		}
	}
}

// A point is in a territory with an outline if, and only if, it is at no distance from it.
func TestDistance_AgreesWithContains(t *testing.T) {
	t.Parallel()
	g := load(t)
	for lon := -5.5; lon < 9.5; lon += 0.43 {
		for lat := 41.3; lat < 51.2; lat += 0.37 {
			for _, shape := range []string{"29", "2A", "56", "67", "77"} {
				inside, _ := g.Contains(gazetteer.Departement, shape, lon, lat)
				metres, ok := g.Distance(gazetteer.Departement, shape, lon, lat)
				if !ok || inside != (metres == 0) {
					t.Errorf("%s from %.2f, %.2f: inside is %v, distance %.0f", shape, lon, lat, inside, metres)
				}
			}
		}
	}
}

func TestDistance_Unknown(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, tc := range []struct {
		name     string
		level    gazetteer.Level
		code     string
		lon, lat float64
	}{
		{"no territory", gazetteer.Commune, "00000", 2, 48},
		{"no level", "", "75", 2, 48},
		{"no centre anywhere", gazetteer.Commune, "98818", 166.45, -22.27},
		{"no centre below", gazetteer.Region, "987", -149.5, -17.5},
		{"no latitude", gazetteer.Commune, "75056", 2, 91},
		{"no longitude", gazetteer.Commune, "75056", -181, 48},
		{"no number", gazetteer.Departement, "75", math.NaN(), 48},
	} {
		if metres, ok := g.Distance(tc.level, tc.code, tc.lon, tc.lat); ok || metres != 0 {
			t.Errorf("%s: got %g, %v", tc.name, metres, ok)
		}
	}
}

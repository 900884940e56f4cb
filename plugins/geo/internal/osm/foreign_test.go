package osm_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
	library "github.com/paulmach/osm"
	"github.com/paulmach/osm/osmgeojson"
	"github.com/paulmach/osm/osmpbf"

	"github.com/palabre-cms/palabre/plugins/geo/internal/osm"
)

// foreign reads an extract with the readers of github.com/paulmach/osm.
func foreign(t *testing.T, data []byte) *library.OSM {
	t.Helper()
	s := osmpbf.New(t.Context(), bytes.NewReader(data), 1)
	defer func() { _ = s.Close() }()
	all := &library.OSM{}
	for s.Scan() {
		all.Append(s.Object())
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return all
}

// What is read of a real extract is what another reader reads of it: the same elements at the same places.
func TestRead_agrees(t *testing.T) {
	t.Parallel()
	data := monaco(t)
	theirs := foreign(t, data)
	for _, expression := range []string{"name", "building", "highway=primary,residential", "amenity and name!=Spar", "type=multipolygon"} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			filter := mustFilter(t, expression)
			ours, report, err := read(t, data, osm.Options{Filter: filter, Workers: 3})
			if err != nil {
				t.Fatal(err)
			}
			want := expected(theirs, filter)
			for id, tags := range want {
				if f, ok := ours[id]; ok && fmt.Sprint(f.Tags) != fmt.Sprint(tags) {
					t.Errorf("%s: got %v, want %v", id, f.Tags, tags)
				}
			}
			if len(ours)+report.Left() != len(want) || report.Features() != len(ours) {
				t.Errorf("got %d and %d left out, want %d", len(ours), report.Left(), len(want))
			}
		})
	}
}

func expected(all *library.OSM, filter osm.Filter) map[string]map[string]string {
	want := map[string]map[string]string{}
	for _, e := range all.Elements() {
		if tags := e.TagMap(); filter.Match(tags) {
			want[fmt.Sprint(e.FeatureID())] = tags
		}
	}
	return want
}

// The form of everything is what osmgeojson makes of it, rings and holes included; only the holes that it takes for a way
// from a relation without tags of its own are left aside.
func TestRead_agreesOnForm(t *testing.T) {
	t.Parallel()
	data := monaco(t)
	theirs := foreign(t, data)
	borrowed := outerWays(theirs)
	collection, err := osmgeojson.Convert(theirs, osmgeojson.NoMeta(true), osmgeojson.NoRelationMembership(true))
	if err != nil {
		t.Fatal(err)
	}
	for expression, least := range map[string]int{"building": 950, "highway": 1480, "type=multipolygon": 8, "boundary": 24} {
		ours, _, err := read(t, data, osm.Options{Filter: mustFilter(t, expression)})
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		for _, f := range collection.Features {
			if mine, ok := ours[fmt.Sprint(f.ID)]; ok && !borrowed[mine.ID] {
				compare(t, mine, f.Geometry)
				compared++
			}
		}
		if compared < least {
			t.Errorf("%s: compared %d of %d", expression, compared, len(ours))
		}
	}
}

// outerWays are the outlines of the relations that have only a type.
func outerWays(all *library.OSM) map[string]bool {
	ways := map[string]bool{}
	for _, r := range all.Relations {
		for _, m := range r.Members {
			if r.Polygon() && m.Type == library.TypeWay && m.Role == "outer" {
				ways[fmt.Sprintf("way/%d", m.Ref)] = len(r.Tags) == 1 || ways[fmt.Sprintf("way/%d", m.Ref)]
			}
		}
	}
	return ways
}

func compare(t *testing.T, mine osm.Feature, theirs orb.Geometry) {
	t.Helper()
	if got, want := mine.Geometry.GeoJSONType(), theirs.GeoJSONType(); got != want {
		t.Errorf("%s: got a %s, want a %s", mine.ID, got, want)
	}
	got, want := planar.Area(mine.Geometry), planar.Area(theirs)
	if math.Abs(got-want) > 1e-12 || !near(mine.Geometry.Bound(), theirs.Bound()) {
		t.Errorf("%s: got %v in %v, want %v in %v", mine.ID, got, mine.Geometry.Bound(), want, theirs.Bound())
	}
}

// near allows for the last digit of a float.
func near(a, b orb.Bound) bool {
	return planar.Distance(a.Min, b.Min) < 1e-9 && planar.Distance(a.Max, b.Max) < 1e-9
}

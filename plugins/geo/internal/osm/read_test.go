package osm_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"github.com/palabre-cms/palabre/plugins/geo/internal/osm"
)

func mustFilter(tb testing.TB, expressions ...string) osm.Filter {
	tb.Helper()
	f, err := osm.ParseFilter(expressions...)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// read gives the features of an extract in memory.
func read(tb testing.TB, data []byte, o osm.Options) (map[string]osm.Feature, osm.Report, error) {
	tb.Helper()
	all := map[string]osm.Feature{}
	report, err := osm.Read(tb.Context(), bytes.NewReader(data), int64(len(data)), o, func(f osm.Feature) error {
		if _, twice := all[f.ID]; twice {
			tb.Errorf("%s is handed out twice", f.ID)
		}
		all[f.ID] = f
		return nil
	})
	return all, report, err
}

func mustRead(tb testing.TB, f file, expressions ...string) (map[string]osm.Feature, osm.Report) {
	tb.Helper()
	all, report, err := read(tb, f.bytes(), osm.Options{Filter: mustFilter(tb, expressions...)})
	if err != nil {
		tb.Fatal(err)
	}
	return all, report
}

func monaco(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile("testdata/monaco.osm.pbf")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestRead_monaco(t *testing.T) {
	t.Parallel()
	all, report, err := read(t, monaco(t), osm.Options{Filter: mustFilter(t, "amenity=townhall")})
	if err != nil {
		t.Fatal(err)
	}
	hall, ok := all["node/280487439"]
	if !ok || len(all) != 1 || hall.Tags["amenity"] != "townhall" || !orb.Equal(hall.Geometry, orb.Point{7.423728, 43.730791}) {
		t.Errorf("got %+v", all)
	}
	if report.Points != 1 || report.Features() != 1 || report.Left() != 0 || report.Bounds != hall.Geometry.Bound() {
		t.Errorf("got %+v", report)
	}
	if want := time.Date(2014, 10, 31, 21, 22, 2, 0, time.UTC); !report.Timestamp.Equal(want) {
		t.Errorf("got %v, want %v", report.Timestamp, want)
	}
	if want := (orb.Bound{Min: orb.Point{7.409205, 43.72335}, Max: orb.Point{7.448637, 43.75169}}); report.Extent == nil || *report.Extent != want {
		t.Errorf("got %v, want %v", report.Extent, want)
	}
}

func TestRead_kinds(t *testing.T) {
	t.Parallel()
	f := file{
		nodes: []node{
			{1, 7, 47, nil}, {2, 7.1, 47, nil}, {3, 7.1, 47.1, nil}, {4, 7, 47.1, []string{"amenity", "townhall", "name", "Mairie"}}, {5, -7.5, -47.25, []string{"amenity", "library"}},
		},
		ways: []way{
			{10, []int64{1, 2, 3, 4, 1}, []string{"amenity", "townhall"}},
			{11, []int64{1, 4, 3, 2, 1}, []string{"amenity", "townhall", "area", "yes"}},
			{12, []int64{1, 2, 3, 4, 1}, []string{"amenity", "townhall", "area", "no"}},
			{13, []int64{1, 2, 3}, []string{"amenity", "townhall"}},
			{14, []int64{1, 2, 3, 1}, []string{"highway", "service"}},
			{15, []int64{1, 2, 99, 1}, []string{"amenity", "townhall"}},
			{16, []int64{1, 2, 1, 2, 1}, []string{"amenity", "townhall"}},
			{17, []int64{1, 1}, []string{"amenity", "townhall"}},
		},
	}
	square := orb.Polygon{{{7, 47}, {7.1, 47}, {7.1, 47.1}, {7, 47.1}, {7, 47}}}
	want := map[string]orb.Geometry{
		"node/4": orb.Point{7, 47.1},
		"way/10": square,
		"way/11": square, // drawn clockwise, handed out anticlockwise
		"way/12": orb.LineString(square[0]),
		"way/13": orb.LineString{{7, 47}, {7.1, 47}, {7.1, 47.1}},
	}
	for _, plain := range []bool{false, true} {
		for _, raw := range []bool{false, true} {
			f.plain, f.raw = plain, raw
			all, report := mustRead(t, f, "amenity=townhall")
			check(t, all, want)
			if report.Points != 1 || report.Lines != 2 || report.Areas != 2 || report.Left() != 3 {
				t.Errorf("got %+v", report)
			}
			if want := (orb.Bound{Min: orb.Point{7, 47}, Max: orb.Point{7.1, 47.1}}); report.Bounds != want {
				t.Errorf("got %v", report.Bounds)
			}
		}
	}
	all, _ := mustRead(t, f, "amenity=library", "wheelchair!=no")
	check(t, all, map[string]orb.Geometry{"node/5": orb.Point{-7.5, -47.25}})
}

// Files mostly are in the order of numbers; one that is not is read as well.
func TestRead_anyOrder(t *testing.T) {
	t.Parallel()
	f := file{
		nodes:     grid(10),
		ways:      []way{square(9, 1, 1, 2), {5, []int64{at(3, 3), at(9, 9)}, []string{"name", "x"}}, square(1, 0, 0, 4)},
		relations: []relation{{7, []int64{1, 9}, []string{"type", "multipolygon", "name", "y"}}, {3, []int64{9}, []string{"type", "boundary", "name", "z"}}},
	}
	sorted, _ := mustRead(t, f, "name")
	slices.Reverse(f.nodes)
	f.nodes[3], f.nodes[90] = f.nodes[90], f.nodes[3]
	slices.Reverse(f.ways)
	got, report := mustRead(t, f, "name")
	if !reflect.DeepEqual(got, sorted) || len(got) != 3 || report.Left() != 0 {
		t.Errorf("got %v, want %v", got, sorted)
	}
}

func check(t *testing.T, all map[string]osm.Feature, want map[string]orb.Geometry) {
	t.Helper()
	for id, geometry := range want {
		if !orb.Equal(all[id].Geometry, geometry) {
			t.Errorf("%s: got %v, want %v", id, all[id].Geometry, geometry)
		}
	}
	for id := range all {
		if want[id] == nil {
			t.Errorf("%s should not be there", id)
		}
	}
}

func TestRead_skipped(t *testing.T) {
	t.Parallel()
	f := file{
		nodes: []node{{1, 7, 47, nil}, {2, 400, 47, []string{"name", "far"}}},
		ways:  []way{{10, []int64{1, 2}, []string{"name", "x"}}, {11, []int64{1}, []string{"name", "x"}}},
		relations: []relation{
			{20, []int64{10}, []string{"name", "x", "type", "route"}},
			{21, []int64{77}, []string{"name", "x", "type", "multipolygon"}},
			{22, []int64{10}, []string{"name", "x", "type", "boundary"}},
		},
	}
	all, report := mustRead(t, f, "name")
	if len(all) != 0 || report.Left() != 6 {
		t.Errorf("got %v, %+v", all, report)
	}
	got := map[string][]string{}
	for _, s := range report.Skipped {
		if s.Reason["fr"] == "" || s.Count != len(s.Examples) {
			t.Errorf("got %+v", s)
		}
		got[s.Reason["en"]] = s.Examples
	}
	want := map[string][]string{
		"its place is outside the world":        {"node/2"},
		`a relation of type "route" is no area`: {"relation/20"},
		"the extract lacks some of its nodes":   {"way/10"},
		"it has no extent":                      {"way/11"},
		"the extract lacks some of its ways":    {"relation/21"},
		"its outline is not closed":             {"relation/22"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestRead_progress(t *testing.T) {
	t.Parallel()
	var steps []osm.Progress
	data := monaco(t)
	_, _, err := read(t, data, osm.Options{Filter: mustFilter(t, "boundary"), Progress: func(p osm.Progress) { steps = append(steps, p) }})
	if err != nil || len(steps) == 0 {
		t.Fatal(err)
	}
	last := osm.Progress{}
	ended := map[int]bool{}
	for _, p := range steps {
		if p.Step < last.Step || p.Step == last.Step && p.Read <= last.Read || p.Read > p.Total || p.Total > int64(len(data)) {
			t.Errorf("%+v after %+v", p, last)
		}
		ended[p.Step], last = p.Read == p.Total, p
	}
	if !reflect.DeepEqual(ended, map[int]bool{1: true, 2: true, 3: true, 4: true}) {
		t.Errorf("got %v", ended)
	}
}

func TestRead_stops(t *testing.T) {
	t.Parallel()
	data := monaco(t)
	full := errors.New("the disk is full")
	_, err := osm.Read(t.Context(), bytes.NewReader(data), int64(len(data)), osm.Options{Filter: mustFilter(t, "building")}, func(osm.Feature) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = osm.Read(ctx, bytes.NewReader(data), int64(len(data)), osm.Options{Filter: mustFilter(t, "building")}, func(osm.Feature) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// slowReader lets the first block of a file through and holds the others until it is released.
type slowReader struct {
	*bytes.Reader
	reading atomic.Int32
	release chan struct{}
}

func (r *slowReader) ReadAt(b []byte, at int64) (int, error) {
	r.reading.Add(1)
	defer r.reading.Add(-1)
	if at > 1000 && len(b) > 1000 {
		<-r.release
	}
	return r.Reader.ReadAt(b, at)
}

// A file may be closed as soon as Read has returned.
func TestRead_leavesNothingRunning(t *testing.T) {
	t.Parallel()
	data := monaco(t)
	r := &slowReader{Reader: bytes.NewReader(data), release: make(chan struct{})}
	full := errors.New("the disk is full")
	_, err := osm.Read(t.Context(), r, int64(len(data)), osm.Options{Filter: mustFilter(t, "name"), Workers: 4}, func(osm.Feature) error {
		go close(r.release) // which would come too late if Read did not wait
		return full
	})
	if !errors.Is(err, full) || r.reading.Load() != 0 {
		t.Errorf("got %v, and %d reads still run", err, r.reading.Load())
	}
}

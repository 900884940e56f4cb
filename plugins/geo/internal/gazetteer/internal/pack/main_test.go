package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

const (
	communes = `code,nom,departement,region,siren,epci,population,lat,lon,codes_postaux
2A004,Ajaccio,2A,94,212000046,242010056,76320,41.92274,8.70583,20000 20090
01004,"Ambérieu, en-Bugey",01,84,,,,,,01500
`
	epci = `code,nom,type,population
242010056,CA du Pays Ajaccien,CA,90000
`
	departements = `code,nom,region,chef_lieu
2A,Corse-du-Sud,94,2A004
01,Ain,84,01004
`
	regions = `code,nom,chef_lieu
84,Auvergne-Rhône-Alpes,01004
94,Corse,2A004
`
	// A polygon wound the wrong way with a hole that is too, a point that falls on its neighbour, and an island that
	// rounding makes flat.
	departementShapes = `{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"code":"2A"},"geometry":{"type":"MultiPolygon","coordinates":[
 [[[0,0],[0,1],[0.000001,1],[1,1],[1,0],[0,0]],[[0.2,0.2],[0.4,0.2],[0.4,0.4],[0.2,0.2]]],
 [[[5,5],[5.000001,5],[5,5.000001],[5,5]]]]}},
{"type":"Feature","properties":{"code":"01"},"geometry":{"type":"Polygon","coordinates":[[[2,2],[3,2],[3,3],[2,2]]]}}]}`
	regionShapes = `{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"code":"94"},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]}`
)

// sourceFolder writes a source; changes replaces the content of some files.
func sourceFolder(t *testing.T, changes map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"communes.csv.gz": communes, "epci.csv.gz": epci, "departements.csv": departements, "regions.csv": regions,
		"departements.geojson.gz": departementShapes, "regions.geojson.gz": regionShapes,
	}
	for name, content := range files {
		if change, ok := changes[name]; ok {
			content = change
		}
		if err := os.WriteFile(filepath.Join(dir, name), compressed(t, name, content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func compressed(t *testing.T, name, content string) []byte {
	t.Helper()
	if !strings.HasSuffix(name, ".gz") {
		return []byte(content)
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPack_Territories(t *testing.T) {
	t.Parallel()
	target := t.TempDir()
	if err := pack(sourceFolder(t, nil), target); err != nil {
		t.Fatal(err)
	}
	got, err := packed.DecodeTable(read(t, target, "territories.gz"))
	if err != nil {
		t.Fatal(err)
	}
	const none = packed.None
	want := &packed.Table{Counts: [packed.Levels]int{2, 1, 2, 2}, Rows: []packed.Row{
		{Code: "01004", Name: "Ambérieu, en-Bugey", Postal: "01500", EPCI: none, Departement: 3, Region: 5, Chief: none},
		{Code: "2A004", Name: "Ajaccio", Postal: "20000 20090", Population: 76_320, SIREN: 212_000_046, Lon: 870_583, Lat: 4_192_274, EPCI: 2, Departement: 4, Region: 6, Chief: none},
		{Code: "242010056", Name: "CA du Pays Ajaccien", Kind: "CA", Population: 90_000, EPCI: none, Departement: none, Region: none, Chief: none},
		{Code: "01", Name: "Ain", EPCI: none, Departement: none, Region: 5, Chief: 0},
		{Code: "2A", Name: "Corse-du-Sud", EPCI: none, Departement: none, Region: 6, Chief: 1},
		{Code: "84", Name: "Auvergne-Rhône-Alpes", EPCI: none, Departement: none, Region: none, Chief: 0},
		{Code: "94", Name: "Corse", EPCI: none, Departement: none, Region: none, Chief: 1},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestPack_Outlines(t *testing.T) {
	t.Parallel()
	target := t.TempDir()
	if err := pack(sourceFolder(t, nil), target); err != nil {
		t.Fatal(err)
	}
	got, err := packed.DecodeOutlines(read(t, target, "outlines.gz"))
	if err != nil {
		t.Fatal(err)
	}
	want := []packed.Outline{
		{Level: packed.Departements, Code: "01", Polygons: [][][]packed.Point{{{{200_000, 200_000}, {300_000, 200_000}, {300_000, 300_000}}}}},
		{Level: packed.Departements, Code: "2A", Polygons: [][][]packed.Point{{
			{{100_000, 0}, {100_000, 100_000}, {0, 100_000}, {0, 0}},
			{{40_000, 40_000}, {40_000, 20_000}, {20_000, 20_000}},
		}}},
		{Level: packed.Regions, Code: "94", Polygons: [][][]packed.Point{{{{0, 0}, {100_000, 0}, {100_000, 100_000}}}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// The same source gives the same bytes, so that packing again shows as a difference only what has changed.
func TestPack_Repeats(t *testing.T) {
	t.Parallel()
	source, one, two := sourceFolder(t, nil), t.TempDir(), t.TempDir()
	for _, target := range []string{one, two} {
		if err := pack(source, target); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"territories.gz", "outlines.gz"} {
		if !bytes.Equal(read(t, one, name), read(t, two, name)) {
			t.Errorf("%s differs the second time", name)
		}
	}
}

func TestPack_BadSources(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, file, from, to, want string }{
		{"a département that is not listed", "communes.csv.gz", ",01,84", ",02,84", "01004 Ambérieu, en-Bugey: its code 02 is not in departements.csv"},
		{"a commune without a département", "communes.csv.gz", ",01,84", ",,84", "01004 Ambérieu, en-Bugey: it has no département or no région"},
		{"an EPCI that is not listed", "communes.csv.gz", "242010056", "242010057", "its code 242010057 is not in epci.csv.gz"},
		{"a chief town that is not listed", "regions.csv", "2A004", "2A005", "its code 2A005 is not in communes.csv.gz"},
		{"a population that is no number", "communes.csv.gz", "76320", "76 320", "76 320"},
		{"a centre that is none", "communes.csv.gz", "41.92274", "north", "north"},
		{"a code that is listed twice", "epci.csv.gz", "242010056,", "242010056,CA,CA,1\n242010056,", "242010056 is listed twice"},
		{"an empty list", "epci.csv.gz", epci, "code,nom,type,population\n", "holds nothing"},
		{"a column too many", "regions.csv", "2A004", "2A004,x", "regions.csv"},
		{"a point for an outline", "regions.geojson.gz", `"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]`, `"Point","coordinates":[0,0]`, "the outline of 94"},
		{"an outline of nothing", "regions.geojson.gz", "[[0,0],[1,0],[1,1],[0,0]]", "[[0,0],[1,0],[0,0]]", "the outline of 94"},
		{"no GeoJSON", "regions.geojson.gz", "{", "", "regions.geojson.gz"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sources := map[string]string{"communes.csv.gz": communes, "epci.csv.gz": epci, "regions.csv": regions, "regions.geojson.gz": regionShapes}
			changed := strings.Replace(sources[tc.file], tc.from, tc.to, 1)
			err := pack(sourceFolder(t, map[string]string{tc.file: changed}), t.TempDir())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if err := pack(t.TempDir(), t.TempDir()); err == nil {
		t.Error("an empty folder is packed")
	}
}

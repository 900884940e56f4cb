package packed_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

func table() *packed.Table {
	return &packed.Table{
		Counts: [packed.Levels]int{2, 1, 1, 1},
		Rows: []packed.Row{
			{Code: "01001", Name: "L'Un", Postal: "01400 01401", Population: 860, SIREN: 210_100_012, Lon: 493_060, Lat: 4_615_170, EPCI: 2, Departement: 3, Region: 4, Chief: packed.None},
			{Code: "01002", Name: "Île", Lon: -5_500_000, EPCI: packed.None, Departement: 3, Region: 4, Chief: packed.None},
			{Code: "200000172", Name: "CC du Tout", Kind: "CC", EPCI: packed.None, Departement: packed.None, Region: packed.None, Chief: packed.None},
			{Code: "01", Name: "Tout", EPCI: packed.None, Departement: packed.None, Region: 4, Chief: 0},
			{Code: "84", Name: "Tout", EPCI: packed.None, Departement: packed.None, Region: packed.None, Chief: 0},
		},
	}
}

func outlines() []packed.Outline {
	square := []packed.Point{{0, 0}, {100, 0}, {100, 100}, {0, 100}}
	hole := []packed.Point{{20, 20}, {20, 40}, {40, 40}}
	return []packed.Outline{
		{Level: packed.Departements, Code: "01", Polygons: [][][]packed.Point{{square, hole}, {{{-7, 5}, {-6, 5}, {-6, 6}}}}},
		{Level: packed.Regions, Code: "84", Polygons: [][][]packed.Point{{square}}},
	}
}

func TestTable_RoundTrip(t *testing.T) {
	t.Parallel()
	shipped, err := packed.DecodeTable(shippedFile(t, "territories.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*packed.Table{"small": table(), "shipped": shipped} {
		file, err := packed.EncodeTable(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := packed.DecodeTable(file); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: another table comes back, or %v", name, err)
		}
	}
}

func TestOutlines_RoundTrip(t *testing.T) {
	t.Parallel()
	shipped, err := packed.DecodeOutlines(shippedFile(t, "outlines.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]packed.Outline{"small": outlines(), "shipped": shipped} {
		file, err := packed.EncodeOutlines(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := packed.DecodeOutlines(file); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: other outlines come back, or %v", name, err)
		}
	}
}

func shippedFile(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "..", "data", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTable_Level(t *testing.T) {
	t.Parallel()
	for level, want := range [packed.Levels][2]int{{0, 2}, {2, 3}, {3, 4}, {4, 5}} {
		if from, to := table().Level(level); from != want[0] || to != want[1] {
			t.Errorf("level %d: got %d to %d, want %v", level, from, to, want)
		}
	}
}

// A file that is cut anywhere, or goes on, is refused and breaks nothing.
func TestDecode_Damaged(t *testing.T) {
	t.Parallel()
	territories, errTable := packed.EncodeTable(table())
	shapes, errOutlines := packed.EncodeOutlines(outlines())
	if errTable != nil || errOutlines != nil {
		t.Fatal(errTable, errOutlines)
	}
	for name, file := range map[string][]byte{"territories": territories, "outlines": shapes} {
		content := unzipped(t, file)
		for n := range content {
			if decodes(name, zipped(t, content[:n])) {
				t.Errorf("%s: cut after %d of %d bytes, it is read all the same", name, n, len(content))
			}
		}
		if decodes(name, zipped(t, append(content, 0))) {
			t.Errorf("%s: a byte more is not noticed", name)
		}
		if decodes(name, file[:len(file)-1]) || decodes(name, content) || decodes(name, nil) {
			t.Errorf("%s: what is no gzip stream is read", name)
		}
	}
}

// A row that names another one beyond the table would break whoever follows it.
func TestDecodeTable_PlacesBeyond(t *testing.T) {
	t.Parallel()
	bad := table()
	bad.Rows[0].EPCI = 5
	file, err := packed.EncodeTable(bad)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := packed.DecodeTable(file); err == nil {
		t.Error("row 5 of 5 is accepted")
	}
}

func decodes(name string, file []byte) bool {
	if name == "outlines" {
		_, err := packed.DecodeOutlines(file)
		return err == nil
	}
	_, err := packed.DecodeTable(file)
	return err == nil
}

func FuzzDecode(f *testing.F) {
	for _, content := range []string{"", "palabre territories 1\n\x01\x00\x00\x00", "palabre outlines 1\n\x01\x02x\n\x01\x01\x03\x01\x01\x01\x01\x01\x01"} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		decodes("territories", zipped(t, content))
		decodes("outlines", zipped(t, content))
	})
}

func zipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unzipped(t *testing.T, file []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

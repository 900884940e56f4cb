package osm_test

import (
	"bytes"
	"testing"

	"github.com/palabre-cms/palabre/plugins/geo/internal/osm"
)

func BenchmarkRead(b *testing.B) {
	data := monaco(b)
	filter := mustFilter(b, "building")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := osm.Read(b.Context(), bytes.NewReader(data), int64(len(data)), osm.Options{Filter: filter}, func(osm.Feature) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

package geo_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/maptile"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/geo"
)

// many is how many located entries the figures are for.
const many = 50_000

// crowded is a node with many entries all over France, denser around some places as people are.
func crowded(b *testing.B) *plugintest.Host {
	b.Helper()
	h := newSites(b)
	random := rand.New(rand.NewPCG(1, 2))
	var centres []orb.Point
	for range 200 {
		centres = append(centres, orb.Point{-4 + random.Float64()*11, 43 + random.Float64()*7.5})
	}
	operations := make([]any, 0, 500)
	for i := range many {
		c := centres[int(math.Pow(random.Float64(), 3)*200)]
		operations = append(operations, plugintest.Doc{"op": "create", "type": "site", "publish": true, "data": plugintest.Doc{"title": fmt.Sprint("Budget participatif ", i),
			"kind": string(rune('a' + i%7)), "location": point(c[0]+random.NormFloat64()*0.3, c[1]+random.NormFloat64()*0.2)}})
		if len(operations) == cap(operations) {
			h.Do("administrator", "POST", "/api/v1/batch", plugintest.Doc{"operations": operations}).OK()
			operations = operations[:0]
		}
	}
	return h
}

// BenchmarkTile measures tiles through the whole server: drawn for the first time at each zoom, drawn again after a commit
// that does not touch them, and out of the response cache.
func BenchmarkTile(b *testing.B) {
	h := crowded(b)
	lyon := orb.Point{4.84, 45.76}
	n := 0
	for _, z := range []maptile.Zoom{0, 4, 6, 8, 10, 12, 14, 16} {
		at := maptile.At(lyon, z)
		b.Run(fmt.Sprintf("cold/z%02d", z), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				n++ // a filter that nobody has asked for before
				began := time.Now()
				h.Get(fmt.Sprintf("/geo/layers/site/%d/%d/%d.mvt?filter[title][ne]=%d", z, at.X, at.Y, n)).OK()
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
		})
	}
	at := maptile.At(lyon, 6)
	path := fmt.Sprintf("/geo/layers/site/6/%d/%d.mvt", at.X, at.Y)
	b.Run("kept", func(b *testing.B) {
		for b.Loop() {
			h.Get(path).OK()
		}
	})
	b.Run("json", func(b *testing.B) {
		for b.Loop() {
			h.Get("/api/v1/content/site?limit=20").OK()
		}
	})
	b.Run("page", func(b *testing.B) {
		for b.Loop() {
			h.Get("/map").OK()
		}
	})
	b.Run("geojson", func(b *testing.B) {
		for b.Loop() {
			n++
			unread(h, fmt.Sprintf("/geo/layers/site.geojson?filter[title][ne]=%d", n))
		}
	})
	b.Run("geojson-at-once", func(b *testing.B) {
		for b.Loop() {
			b.ReportMetric(most(func() {
				var callers sync.WaitGroup
				for range 8 {
					n++
					path := fmt.Sprintf("/geo/layers/site.geojson?filter[title][ne]=%d", n)
					callers.Go(func() { unread(h, path) })
				}
				callers.Wait()
			}), "peak-MB")
		}
	})
}

// unread asks for an answer as somebody who does not look at it: a test's own reading would cost more than the answer.
func unread(h *plugintest.Host, path string) {
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	h.Handler().ServeHTTP(nowhere{http.Header{}}, r)
}

type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header            { return n.header }
func (n nowhere) Write(text []byte) (int, error) { return len(text), nil }
func (n nowhere) WriteHeader(int)                {}

// most is by how many megabytes the heap grows at most while something runs, garbage included.
func most(run func()) float64 {
	runtime.GC()
	heap := func() float64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / 1e6
	}
	before, peak, done := heap(), 0.0, make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			peak = max(peak, heap())
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	})
	run()
	close(done)
	watch.Wait()
	return peak - before
}

// BenchmarkWrite measures creates with the plugin and without: one by one, by eight clients, and a hundred in a batch. Each entry has a
// point, and the codes of all that it lies in; those that are filled have the commune's code alone, and more to write with the plugin.
func BenchmarkWrite(b *testing.B) {
	h := plugintest.New(b, geo.New(), plugintest.Types(townHall))
	communes := []struct {
		commune, epci, departement, region string
		lon, lat                           float64
	}{{"68224", "200066009", "68", "44", 7.33, 47.75}, {"57463", "200039865", "57", "44", 6.18, 49.12}, {"75056", "200054781", "75", "11", 2.35, 48.86}, {"29019", "242900314", "29", "53", -4.49, 48.39},
		{"35238", "243500139", "35", "53", -1.68, 48.11}}
	serial := new(atomic.Int64)
	hall := func(filled bool) plugintest.Doc {
		n := serial.Add(1)
		c := communes[n%int64(len(communes))]
		territory := plugintest.Doc{"commune": c.commune}
		if !filled {
			territory = plugintest.Doc{"commune": c.commune, "epci": c.epci, "departement": c.departement, "region": c.region}
		}
		return plugintest.Doc{"title": fmt.Sprint("Mairie ", n), "location": point(c.lon, c.lat), "territory": territory}
	}
	for round := range 5 {
		for _, on := range []bool{false, true} {
			h.Do("administrator", "PATCH", "/api/v1/plugins/"+geo.ID, plugintest.Doc{"enabled": on}).OK()
			name := map[bool]string{false: "without", true: "with"}[on]
			b.Run(fmt.Sprintf("one-by-one/%s-%d", name, round), func(b *testing.B) {
				b.SetParallelism(4) // times two processors
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						h.CreateLive("hall", hall(false)).OK()
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			})
			for _, filled := range []bool{false, true} {
				b.Run(fmt.Sprintf("batch%s/%s-%d", map[bool]string{true: "-filled"}[filled], name, round), func(b *testing.B) {
					for b.Loop() {
						operations := make([]any, 100)
						for i := range operations {
							operations[i] = plugintest.Doc{"op": "create", "type": "hall", "publish": true, "data": hall(filled)}
						}
						h.Do("administrator", "POST", "/api/v1/batch", plugintest.Doc{"operations": operations}).OK()
					}
					b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "entries/s")
				})
			}
		}
	}
}

package geo_test

import (
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/geo"
)

// Settings change while people look at maps: who has begun to read a base map reads to the end, and nobody meets half a state.
// The race detector sees the rest.
func TestSettings_changeWhileRead(t *testing.T) {
	t.Parallel()
	h := newSites(t, plugintest.File("base/toner.pmtiles", testFile(t, "internal/basemap/testdata/stamen-toner-z3.raster.pmtiles")))
	h.CreateLive("site", plugintest.Doc{"title": "Metz", "location": point(6.1757, 49.1193)}).OK()
	importRestaurants(t, h, "food")
	const rounds = 12
	var readers sync.WaitGroup
	done := make(chan struct{})
	for reader, path := range []string{"/geo/base/toner/2/1/1.png", "/geo/base/toner/tilejson.json", "/geo/bases", "/geo/style.json", "/geo/layers", "/geo/layers/food.geojson", "/geo/layers/food/1/1/0.mvt", "/geo/layers/site/1/1/0.mvt", "/map"} {
		readers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
				r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:443", reader, n>>8&255, n&255) // nobody asks too often
				h.Handler().ServeHTTP(w, r)
				if w.Code != 200 && w.Code != 404 && w.Code != 503 { // 404 while the plugin is off, as any address of it
					t.Errorf("%s: %d %s", path, w.Code, w.Body)
				}
			}
		})
	}
	for i := range rounds {
		h.Do("administrator", "PATCH", "/api/v1/plugins/"+geo.ID, plugintest.Doc{"settings": plugintest.Doc{"attribution": fmt.Sprint("Observatoire ", i)}}).OK()
	}
	close(done)
	readers.Wait()
	h.Get("/geo/base/toner/2/1/1.png").OK()
}

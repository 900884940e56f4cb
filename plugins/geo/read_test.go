package geo_test

import (
	"context"
	"errors"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// reader is another plugin that takes part in what is shown: it renames, and hides what is closed.
type reader struct{}

func (reader) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.acme.reader", Version: "1.0.0"}
}

func (reader) Register(r *plugin.Registry) error {
	return errors.Join(
		plugin.OnRead(r, func(_ context.Context, e *core.ReadEvent) error {
			for i := range e.Extra {
				e.Extra[i]["title"] = "renamed"
			}
			return nil
		}, plugin.OnTypes("site")),
		plugin.OnQuery(r, func(_ context.Context, e *core.QueryEvent) error {
			e.Narrow = append(e.Narrow, core.Not{Node: core.Compare{Path: core.Path{Field: "kind"}, Op: core.OpEq, Values: []any{"closed"}}})
			return nil
		}, plugin.OnTypes("site")))
}

// What other plugins do to entries as they are shown holds on maps too.
func TestReadHooks(t *testing.T) {
	t.Parallel()
	h := newSites(t, plugintest.With(reader{}))
	for _, kind := range []string{"open", "closed"} {
		h.CreateLive("site", plugintest.Doc{"title": "A", "kind": kind, "location": point(2.35, 48.85)}).OK()
	}
	features := collection(t, h, "/geo/layers/site.geojson").Features
	if len(features) != 1 || features[0].Properties["title"] != "renamed" {
		t.Errorf("GeoJSON: %v", features)
	}
	drawn := tile(t, h, "site", 15, 16597, 11274, "")
	if len(drawn) != 1 || drawn[0].Properties["title"] != "renamed" {
		t.Errorf("in tiles: %v", drawn)
	}
}

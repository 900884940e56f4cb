package geo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/paulmach/orb/geojson"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/geo/internal/osm"
)

func (g *geo) registerCommands(r *plugin.Registry) error {
	plugin.Commands(r, plugin.Command{Group: "geo", Use: "import FILE", Short: "Make a map layer of an OpenStreetMap extract (.osm.pbf)", Files: true, Run: importOverlay,
		Example: "  palabre geo import alsace.osm.pbf --layer townhalls --filter amenity=townhall",
		Long: `Make a map layer of what a filter chooses in an OpenStreetMap extract. It is served at /geo/layers/LAYER.geojson and as
tiles, like the layers of content; a server that runs here has it at once.

A filter is a condition on tags, or several that all hold: amenity=townhall, amenity=townhall,library, highway, name!=X,
"amenity=townhall and name". Extracts of regions are published by Geofabrik and others; the data are © OpenStreetMap
contributors, under the ODbL, and every map that shows them says so.`,
		Flags: []plugin.Flag{{Name: "layer", Usage: "the layer's name: a letter, then letters, digits, - and _"}, {Name: "filter", Usage: "what to take, as amenity=townhall; given several times, all must hold"}}},
		plugin.Command{Group: "geo", Use: "export LAYER FILE", Short: "Write a layer's public tiles into a PMTiles archive", Run: g.exportLayer, Example: "  palabre geo export fiche fiches.pmtiles --zoom 12",
			Long:  "Write what the public sees of a layer into a PMTiles archive (https://docs.protomaps.com/pmtiles/), which any web server\ncan serve without Palabre. Zooms beyond --zoom are drawn from its tiles. It reads the store: with the embedded one, stop the server first.",
			Flags: []plugin.Flag{{Name: "zoom", Default: "12", Usage: "the deepest zoom, 0 to 16"}}},
		plugin.Command{Group: "geo", Use: "layers", Short: "List the layers that were made of OpenStreetMap extracts", Files: true, Run: listOverlays},
		plugin.Command{Group: "geo", Use: "remove LAYER", Short: "Take away a layer that was made of an OpenStreetMap extract", Files: true, Run: removeOverlay, Example: "  palabre geo remove townhalls"})
	return nil
}

func overlayFile(dir, layer string) string { return filepath.Join(dir, "layers", layer+overlaySuffix) }

func importOverlay(ctx context.Context, c *plugin.CommandCall) (err error) {
	layer := c.Flag("layer")
	if !layerName.MatchString(layer) {
		return core.Errorf(core.CodeBadRequest, "Name the layer: --layer townhalls (a letter, then letters, digits, - and _).")
	}
	if len(c.Flags["filter"]) == 0 {
		return core.Errorf(core.CodeBadRequest, "Say what to take of the extract: --filter amenity=townhall. Several hold together; --filter building takes whatever has the tag.")
	}
	filter, err := osm.ParseFilter(c.Flags["filter"]...)
	if err != nil {
		return err
	}
	f, err := os.Open(c.Args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	report, err := extract(ctx, c, f, info.Size(), layer, filter)
	if err != nil {
		return err
	}
	return told(c, layer, &report)
}

// extract reads the extract twice over: its report, which has the time that it is of, is complete only at the end, and stands
// at the beginning of the layer's file.
func extract(ctx context.Context, c *plugin.CommandCall, f *os.File, size int64, layer string, filter osm.Filter) (osm.Report, error) {
	var features []*geojson.Feature
	last := -1
	report, err := osm.Read(ctx, f, size, osm.Options{Filter: filter, Progress: func(p osm.Progress) {
		if percent := int(100 * p.Read / max(p.Total, 1)); percent/10 != last/10 {
			last = percent
			fmt.Fprintf(c.Err, "step %d of %d: %d %%\n", p.Step, p.Steps, percent)
		}
	}}, func(x osm.Feature) error {
		feature := geojson.NewFeature(x.Geometry)
		feature.ID = x.ID
		for name, v := range x.Tags {
			feature.Properties[name] = v
		}
		features = append(features, feature)
		return nil
	})
	if err != nil {
		return report, err
	}
	if len(features) == 0 {
		return report, core.Errorf(core.CodeNotFound, "The filter %s chooses nothing in this extract: no layer was made.", filter)
	}
	about := overlayAbout{Layer: layer, Filter: filter.String(), Attribution: osmCredit, Timestamp: report.Timestamp}
	return report, writeOverlay(overlayFile(c.Dir, layer), about, func(emit func(*geojson.Feature) error) error {
		for _, feature := range features {
			if err := emit(feature); err != nil {
				return err
			}
		}
		return nil
	})
}

func told(c *plugin.CommandCall, layer string, r *osm.Report) error {
	fmt.Fprintf(c.Out, "The layer %s has %s, %s and %s.\n", layer, counted(r.Points, "point"), counted(r.Lines, "line"), counted(r.Areas, "area"))
	for _, skip := range r.Skipped {
		fmt.Fprintf(c.Out, "Left out: %d, %s (%s)\n", skip.Count, skip.Reason["en"], strings.Join(skip.Examples, ", "))
	}
	_, err := fmt.Fprintf(c.Out, "It is served at /geo/layers/%s.geojson, unless content has a layer of that name. © OpenStreetMap contributors.\n", layer)
	return err
}

// counted gives "1 point", "2 points".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func listOverlays(_ context.Context, c *plugin.CommandCall) error {
	all := newOverlays(c.Dir, time.Now)
	names := all.names()
	if len(names) == 0 {
		fmt.Fprintln(c.Out, "There are none; palabre geo import makes one.")
	}
	for _, name := range names {
		o, err := all.get(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "%-20s %6d features  %s\n", name, len(o.features), o.about.Filter)
	}
	return nil
}

func removeOverlay(_ context.Context, c *plugin.CommandCall) error {
	if !layerName.MatchString(c.Args[0]) {
		return core.Errorf(core.CodeBadRequest, "%q is no layer's name.", c.Args[0])
	}
	err := os.Remove(overlayFile(c.Dir, c.Args[0]))
	if errors.Is(err, os.ErrNotExist) {
		return core.Errorf(core.CodeNotFound, "There is no layer %q; palabre geo layers lists those that there are.", c.Args[0])
	}
	return err
}

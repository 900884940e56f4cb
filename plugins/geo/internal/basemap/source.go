package basemap

import (
	"context"
	"fmt"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Source serves the tiles of one base map. It may be used by several goroutines at once.
type Source interface {
	// Tile gives one tile: ErrNoTile where the source has none, an error of core.CodeBadRequest for numbers that name no
	// tile, core.CodeUnavailable when the source cannot be read now. The data belong to the source; nobody changes them.
	Tile(ctx context.Context, z, x, y int) (Tile, error)
	// Info describes the source. It never changes.
	Info() Info
}

// Tile is one tile as it goes to a browser.
type Tile struct {
	Data        []byte
	ContentType string
	Encoding    string    // the Content-Encoding: "", "gzip", "br" or "zstd"
	ETag        string    // strong, with its quotes
	Expires     time.Time // until when it may be kept; zero when the source does not say
	Stale       bool      // it is past that, and the source cannot be asked now
}

// Info describes a source.
type Info struct {
	Name, Description string
	Format            Format
	TileSize          int // of raster tiles, in pixels; zero for vector tiles
	MinZoom, MaxZoom  int
	Bounds            [4]float64 // west, south, east, north in degrees
	Center            [3]float64 // longitude, latitude, zoom
	Attribution       string     // HTML, text and links only; never empty
	VectorLayers      []VectorLayer
}

// VectorLayer describes one layer of vector tiles, as TileJSON does.
type VectorLayer struct {
	ID          string            `json:"id"`
	Description string            `json:"description,omitempty"`
	MinZoom     *int              `json:"minzoom,omitempty"`
	MaxZoom     *int              `json:"maxzoom,omitempty"`
	Fields      map[string]string `json:"fields"`
}

// Format is what tiles are, named by the ending of their address.
type Format string

// The formats that archives and servers have.
const (
	FormatMVT  Format = "mvt" // Mapbox Vector Tile
	FormatMLT  Format = "mlt" // MapLibre Tile
	FormatPNG  Format = "png"
	FormatJPEG Format = "jpg"
	FormatWebP Format = "webp"
	FormatAVIF Format = "avif"
)

var contentTypes = map[Format]string{
	FormatMVT: "application/vnd.mapbox-vector-tile", FormatMLT: "application/vnd.maplibre-vector-tile",
	FormatPNG: "image/png", FormatJPEG: "image/jpeg", FormatWebP: "image/webp", FormatAVIF: "image/avif",
}

// ContentType is the media type of the format, "" for an unknown one.
func (f Format) ContentType() string { return contentTypes[f] }

// Vector tells whether the tiles are drawn by the browser.
func (f Format) Vector() bool { return f == FormatMVT || f == FormatMLT }

// OSMAttribution is what a map of OpenStreetMap's data must show.
const OSMAttribution = `© <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a> contributors`

// ErrNoTile says that a source has no such tile.
var ErrNoTile error = &core.Error{Code: core.CodeNotFound, Message: "There is no such tile.",
	Texts: core.Text{"en": "There is no such tile.", "fr": "Il n’y a pas de telle tuile."}}

// maxZoom is the deepest zoom whose tiles are numbered; some 4 cm a tile.
const maxZoom = 30

// checkTile refuses numbers that name no tile of the world.
func checkTile(z, x, y int) error {
	if z >= 0 && z <= maxZoom && x >= 0 && y >= 0 && x < 1<<z && y < 1<<z {
		return nil
	}
	en := fmt.Sprintf("There is no tile %d/%d/%d: zooms run from 0 to %d, and at zoom z numbers run from 0 to 2^z - 1.", z, x, y, maxZoom)
	fr := fmt.Sprintf("Il n’y a pas de tuile %d/%d/%d : les zooms vont de 0 à %d et, au zoom z, les numéros de 0 à 2^z - 1.", z, x, y, maxZoom)
	return &core.Error{Code: core.CodeBadRequest, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

func invalid(cause error, en, fr string) error {
	return &core.Error{Code: core.CodeInvalid, Message: en, Texts: core.Text{"en": en, "fr": fr}, Err: cause}
}

func unavailable(cause error, en, fr string) error {
	return &core.Error{Code: core.CodeUnavailable, Message: en, Texts: core.Text{"en": en, "fr": fr}, Err: cause}
}

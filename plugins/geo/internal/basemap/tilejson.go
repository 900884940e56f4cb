package basemap

import "encoding/json"

// tileJSON is a TileJSON 3.0 document (https://github.com/mapbox/tilejson-spec/tree/master/3.0.0), with the size of raster
// tiles, which MapLibre reads there too.
type tileJSON struct {
	TileJSON     string        `json:"tilejson"`
	Name         string        `json:"name,omitempty"`
	Description  string        `json:"description,omitempty"`
	Attribution  string        `json:"attribution"`
	Scheme       string        `json:"scheme"`
	Tiles        []string      `json:"tiles"`
	MinZoom      int           `json:"minzoom"`
	MaxZoom      int           `json:"maxzoom"`
	Bounds       [4]float64    `json:"bounds"`
	Center       [3]float64    `json:"center"`
	TileSize     int           `json:"tileSize,omitempty"`
	VectorLayers []VectorLayer `json:"vector_layers,omitzero"` // vector tiles have the list, be it empty
}

// TileJSON describes a source whose tiles are served at an address with {z}, {x} and {y} in it.
func TileJSON(info Info, tilesURL string) ([]byte, error) {
	layers := info.VectorLayers
	if layers == nil && info.Format.Vector() {
		layers = []VectorLayer{}
	}
	return json.Marshal(tileJSON{
		TileJSON: "3.0.0", Name: info.Name, Description: info.Description, Attribution: info.Attribution, Scheme: "xyz",
		Tiles: []string{tilesURL}, MinZoom: info.MinZoom, MaxZoom: info.MaxZoom, Bounds: info.Bounds, Center: info.Center,
		TileSize: info.TileSize, VectorLayers: layers,
	})
}

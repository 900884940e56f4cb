package basemap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// metadata is what is used of an archive's JSON. Values of other types than these are passed over.
type metadata struct {
	Name, Description, Attribution text
	VectorLayers                   []layerMetadata `json:"vector_layers"`
}

type layerMetadata struct {
	ID, Description  text
	MinZoom, MaxZoom zoom
	Fields           map[string]text
}

// text is a string; anything else reads as none.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
	}
	return nil
}

// zoom is a small number; anything else reads as none.
type zoom struct{ level *int }

func (z *zoom) UnmarshalJSON(b []byte) error {
	var n int
	if json.Unmarshal(b, &n) == nil && n >= 0 && n <= maxZoom && !bytes.Equal(b, []byte("null")) {
		z.level = &n
	}
	return nil
}

func (a *Archive) metadata(ctx context.Context) (metadata, error) {
	var m metadata
	if a.header.metadata.length == 0 {
		return m, nil
	}
	if a.header.metadata.length > maxMetadata {
		return m, errors.New("its metadata are larger than is allowed")
	}
	b, err := a.bytes(ctx, a.header.metadata)
	if err != nil {
		return m, err
	}
	plain, err := inflate(b, encodings[a.header.internal], maxMetadata)
	if err == nil {
		err = json.Unmarshal(plain, &m)
	}
	if err != nil {
		return m, fmt.Errorf("its metadata: %w", err)
	}
	return m, nil
}

func (a *Archive) describe(m metadata) Info {
	info := Info{
		Name: string(m.Name), Description: string(m.Description), Format: formats[a.header.kind],
		MinZoom: int(a.header.minZoom), MaxZoom: int(a.header.maxZoom), Bounds: a.header.bounds(), Center: a.header.center(),
		Attribution: SafeAttribution(string(m.Attribution)),
	}
	if !info.Format.Vector() {
		return info
	}
	for _, l := range m.VectorLayers {
		info.VectorLayers = append(info.VectorLayers, l.layer())
	}
	return info
}

func (m layerMetadata) layer() VectorLayer {
	l := VectorLayer{ID: string(m.ID), Description: string(m.Description), MinZoom: m.MinZoom.level, MaxZoom: m.MaxZoom.level, Fields: map[string]string{}}
	for name, kind := range m.Fields {
		l.Fields[name] = string(kind)
	}
	return l
}

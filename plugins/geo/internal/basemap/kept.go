package basemap

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/cespare/xxhash/v2"
)

// meta is what is known of a kept tile. Its file holds it as a line of JSON, with the picture behind.
type meta struct {
	freshUntil
	Type      string `json:"type,omitempty"`
	Validator string `json:"etag,omitempty"`     // what the server calls this version
	Modified  string `json:"modified,omitempty"` // since when it has it
	Missing   bool   `json:"missing,omitempty"`  // the server has no such tile
	Sum       uint64 `json:"sum"`                // of the picture, so that half a file is known for one
}

// keptTile is a tile as it is kept.
type keptTile struct {
	meta
	body []byte
}

func newKept(m meta, body []byte) keptTile {
	m.Sum = xxhash.Sum64(body)
	return keptTile{m, body}
}

func (k keptTile) conditional() bool { return k.Validator != "" || k.Modified != "" }

// refreshed takes over the names that an answer has for this version.
func (k keptTile) refreshed(h http.Header) keptTile {
	if tag := h.Get("ETag"); tag != "" {
		k.Validator = tag
	}
	if modified := h.Get("Last-Modified"); modified != "" {
		k.Modified = modified
	}
	return k
}

func (k keptTile) tile() (Tile, error) {
	if k.Missing {
		return Tile{}, ErrNoTile
	}
	return Tile{Data: k.body, ContentType: k.Type, ETag: etag(k.Sum), Expires: k.Expires}, nil
}

func parseKept(b []byte) (keptTile, bool) {
	line, body, ok := bytes.Cut(b, []byte("\n"))
	k := keptTile{body: body}
	return k, ok && json.Unmarshal(line, &k.meta) == nil && k.Sum == xxhash.Sum64(body)
}

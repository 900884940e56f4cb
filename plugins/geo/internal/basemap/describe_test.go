package basemap_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/palabre-cms/palabre/plugins/geo/internal/basemap"
)

// attributed writes an archive with an attribution and reads back what is shown.
func attributed(t *testing.T, attribution string) string {
	t.Helper()
	var b strings.Builder
	info := overlay
	info.Attribution = attribution
	err := basemap.WriteArchive(&b, numbered(0, 1, func(uint64) string { return "x" }), info, basemap.WriteOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, []byte(b.String())).Info().Attribution
}

// An attribution goes into the page as it is, so nothing but text and links comes out of a file.
func TestAttribution(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, given, want string }{
		{"none", "", basemap.OSMAttribution},
		{"only tags", "<b></b> <script></script>", basemap.OSMAttribution},
		{"text", "© IGN & OSM", "© IGN &amp; OSM"},
		{"entities", "&copy; OSM", "© OSM"},
		{"a link", `<a target="_blank" href='https://example.org/a?b=1&amp;c=2'>Exemple</a>`, `<a href="https://example.org/a?b=1&amp;c=2">Exemple</a>`},
		{"a link that runs", `<a href="javascript:alert(1)">x</a>`, "x"},
		{"a handler", `<a href="https://example.org" onclick="x()">x</a>`, `<a href="https://example.org">x</a>`},
		{"a script", `a<script>alert(1)</script>`, "aalert(1)"},
		{"an image", `a<img src=x onerror=alert(1)>`, "a"},
		{"an open tag", `a<img src=x onerror=alert(1) `, "a"},
		{"an open link", `<a href="https://example.org">x`, `<a href="https://example.org">x</a>`},
		{"a tag within entities", `&lt;script&gt;`, "&lt;script&gt;"},
		{"a quote in an address", `<a href="https://example.org/&quot;onclick=x">x</a>`, `<a href="https://example.org/&#34;onclick=x">x</a>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := attributed(t, tc.given); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestTileJSON(t *testing.T) {
	t.Parallel()
	raster, err := basemap.TileJSON(mustOpen(t, tonerBytes(t)).Info(), "https://example.org/geo/base/osm/{z}/{x}/{y}.png")
	want := `{"tilejson":"3.0.0","attribution":"© \u003ca href=\"https://www.openstreetmap.org/copyright\"\u003eOpenStreetMap\u003c/a\u003e contributors","scheme":"xyz",` +
		`"tiles":["https://example.org/geo/base/osm/{z}/{x}/{y}.png"],"minzoom":0,"maxzoom":3,"bounds":[-180,-85,180,85],"center":[0,0,0],"tileSize":256}`
	if err != nil || string(raster) != want {
		t.Errorf("got %s, %v", raster, err)
	}
	vector, err := basemap.TileJSON(overlay, "x")
	if err != nil || !strings.Contains(string(vector), `"vector_layers":[{"id":"townhalls","minzoom":0,"maxzoom":6,"fields":{"name":"String"}}]`) {
		t.Errorf("got %s, %v", vector, err)
	}
	if empty, err := basemap.TileJSON(basemap.Info{Format: basemap.FormatMVT}, "x"); err != nil || !strings.Contains(string(empty), `"vector_layers":[]`) {
		t.Errorf("got %s, %v", empty, err)
	}
}

func TestTile_Plain(t *testing.T) {
	t.Parallel()
	for encoding, writer := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"br":   func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	} {
		for size, fits := range map[int]bool{4: true, 40 << 20: false} {
			var b bytes.Buffer
			w := writer(&b)
			_, err := w.Write(make([]byte, size))
			if err = errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
			plain, err := basemap.Tile{Data: b.Bytes(), Encoding: encoding}.Plain()
			if (err == nil) != fits || fits && len(plain) != size {
				t.Errorf("%s of %d bytes: got %d, %v", encoding, size, len(plain), err)
			}
		}
	}
	if plain, err := (basemap.Tile{Data: []byte("x")}).Plain(); err != nil || string(plain) != "x" {
		t.Errorf("got %q, %v", plain, err)
	}
}

func TestInfo_tileSize(t *testing.T) {
	t.Parallel()
	webp := func(form, rest string) string {
		return "RIFF\x00\x00\x00\x00WEBP" + form + "\x00\x00\x00\x00" + rest + strings.Repeat("\x00", 20)
	}
	for name, tc := range map[string]struct {
		data string
		want int
	}{
		"lossy":        {webp("VP8 ", "\x00\x00\x00\x9d\x01\x2a\x00\x02\x00\x02"), 512},
		"lossless":     {webp("VP8L", "\x2f\xff\xc1\x7f\x00"), 512},
		"with alpha":   {webp("VP8X", "\x00\x00\x00\x00\xff\x01\x00\xff\x01\x00"), 512},
		"another form": {webp("VP8?", ""), 256},
		"no picture":   {"x", 256},
		"too small":    {webp("VP8X", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 256},
	} {
		var b bytes.Buffer
		err := basemap.WriteArchive(&b, numbered(0, 1, func(uint64) string { return tc.data }), basemap.Info{Format: basemap.FormatWebP}, basemap.WriteOptions{TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if got := mustOpen(t, b.Bytes()).Info().TileSize; got != tc.want {
			t.Errorf("%s: got %d, want %d", name, got, tc.want)
		}
	}
}

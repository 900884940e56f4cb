package geo

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"

	"github.com/palabre-cms/palabre/core"
)

// sendText answers with a text, packed where the caller takes that. kept, where it is not nil, keeps what is packed under a name.
func sendText(w http.ResponseWriter, q *core.RouteRequest, body []byte, kept *sync.Map, name string) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	for _, coding := range codings {
		if !accepts(q.Header, coding.name) {
			continue
		}
		h.Set("Content-Encoding", coding.name)
		body = coding.packed(body, kept, name)
		break
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a caller who does not listen any more is told nothing
}

// coding is a content coding. What is kept is packed harder than what is sent once.
type coding struct {
	name string
	pack func(body []byte, hard bool) []byte
}

// codings are ours, the preferred one first.
var codings = []coding{{"br", brotliPack}, {"gzip", gzipPack}}

func (c coding) packed(body []byte, kept *sync.Map, name string) []byte {
	if kept == nil {
		return c.pack(body, false)
	}
	once, _ := kept.LoadOrStore(c.name+" "+name, sync.OnceValue(func() []byte { return c.pack(body, true) }))
	pack, _ := once.(func() []byte)
	return pack()
}

func brotliPack(body []byte, hard bool) []byte {
	var out bytes.Buffer
	level := 4
	if hard {
		level = 9 // two levels more save a tenth, and take twenty times as long
	}
	w := brotli.NewWriterLevel(&out, level)
	_, _ = w.Write(body) // a Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

func gzipPack(body []byte, hard bool) []byte {
	var out bytes.Buffer
	level := gzip.BestSpeed
	if hard {
		level = gzip.BestCompression
	}
	w, _ := gzip.NewWriterLevel(&out, level) // a level that exists
	_, _ = w.Write(body)                     // a Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// accepts reports whether a caller names a content coding, and does not refuse it.
func accepts(h http.Header, coding string) bool {
	for member := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, q, _ := strings.Cut(member, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		_, value, _ := strings.Cut(q, "=")
		weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		return err != nil || weight > 0
	}
	return false
}

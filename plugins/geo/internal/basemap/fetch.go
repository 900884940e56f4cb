package basemap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxProxied is more than any tile of a raster server has, inflated.
const maxProxied = 2 << 20

// fetch sends one request, on condition that the tile has changed when an old one is kept. With an error it tells how long
// the server wants to be left alone.
func (p *Proxy) fetch(ctx context.Context, address string, kept keptTile) (keptTile, time.Duration, error) {
	request, err := p.request(ctx, address, kept)
	if err != nil {
		return keptTile{}, 0, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return keptTile{}, 0, withoutAddress(err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := p.read(response, kept)
	if err != nil {
		return keptTile{}, retryAfter(response.Header, p.o.Now()), withoutAddress(err)
	}
	return got, 0, nil
}

func (p *Proxy) request(ctx context.Context, address string, kept keptTile) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, withoutAddress(err)
	}
	header := map[string]string{
		"User-Agent": p.o.UserAgent, "Referer": p.o.Referer, "Accept": "image/*",
		"If-None-Match": kept.Validator, "If-Modified-Since": kept.Modified,
	}
	for name, value := range header {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	return request, nil
}

// withoutAddress takes from an error the address, which may hold a key.
func withoutAddress(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// read makes of an answer what is kept.
func (p *Proxy) read(r *http.Response, kept keptTile) (keptTile, error) {
	f := freshness(r.Header, p.o.Now())
	switch {
	case r.StatusCode == http.StatusNotModified && kept.conditional():
		kept.freshUntil = f
		return kept.refreshed(r.Header), nil
	case r.StatusCode == http.StatusNotFound || r.StatusCode == http.StatusGone:
		return newKept(meta{freshUntil: f, Missing: true}, nil), nil
	case r.StatusCode != http.StatusOK:
		return keptTile{}, fmt.Errorf("it answers %d", r.StatusCode)
	}
	body, kind, err := picture(r)
	if err != nil {
		return keptTile{}, err
	}
	return newKept(meta{freshUntil: f, Type: kind}, body).refreshed(r.Header), nil
}

// picture reads a body that is one by its header and by its bytes.
func picture(r *http.Response) ([]byte, string, error) {
	if declared, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !strings.HasPrefix(declared, "image/") {
		return nil, "", fmt.Errorf("it sends %q instead of an image", r.Header.Get("Content-Type"))
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, "", fmt.Errorf("it sends %s, which nobody asked for", encoding)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxProxied+1))
	if err != nil {
		return nil, "", err
	}
	if len(body) > maxProxied {
		return nil, "", fmt.Errorf("it sends more than %d bytes", maxProxied)
	}
	kind := sniff(body)
	if kind == "" {
		return nil, "", errors.New("it sends what is no PNG, JPEG, WebP, AVIF or GIF image")
	}
	return body, kind, nil
}

// sniff tells the type of a picture by its bytes. SVG, which can run scripts, is none.
func sniff(body []byte) string {
	if len(body) > 12 && bytes.Equal(body[4:12], []byte("ftypavif")) {
		return FormatAVIF.ContentType()
	}
	switch kind := http.DetectContentType(body); kind {
	case "image/png", "image/jpeg", "image/webp", "image/gif":
		return kind
	}
	return ""
}

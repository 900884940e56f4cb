package basemap

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	_ "image/jpeg" // to know the size of tiles
	_ "image/png"

	"github.com/palabre-cms/palabre/core"
)

// tileSize looks at the first tile of an archive of images, since no part of an archive says how large they are: 256
// pixels when its form does not tell.
func (a *Archive) tileSize(ctx context.Context) (int, error) {
	if a.info.Format.Vector() || len(a.root) == 0 {
		return 0, nil
	}
	t, err := a.first(ctx)
	if err != nil || t == nil {
		return usualTileSize, err
	}
	plain, err := inflate(t, encodings[a.header.encoding], maxTile)
	if err != nil {
		return 0, fmt.Errorf("its first tile: %w", err)
	}
	if w := widthOf(plain); w >= 64 && w <= 4096 {
		return w, nil
	}
	return usualTileSize, nil
}

// widthOf is the width of a picture, or 0.
func widthOf(data []byte) int {
	if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		return c.Width
	}
	return webpWidth(data)
}

// webpWidth reads the head of a WebP picture of any of its three forms (RFC 9649), which the standard library does not.
func webpWidth(data []byte) int {
	if len(data) < 30 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WEBP" {
		return 0
	}
	switch string(data[12:16]) {
	case "VP8X":
		return 1 + int(data[24]) + int(data[25])<<8 + int(data[26])<<16
	case "VP8L":
		return 1 + int(binary.LittleEndian.Uint16(data[21:])&0x3fff)
	case "VP8 ":
		return int(binary.LittleEndian.Uint16(data[26:]) & 0x3fff)
	}
	return 0
}

const usualTileSize = 256

// first reads the first tile that the directories tell of; nil when there is none.
func (a *Archive) first(ctx context.Context) ([]byte, error) {
	data, err := a.read(ctx, a.root[0].id)
	if e, ok := core.AsError(err); ok && e.Code == core.CodeNotFound {
		return nil, nil
	}
	return data, err
}

package basemap

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

var errInflates = errors.New("it inflates to more than is allowed")

// Plain gives the data of the tile without its encoding, for a client that does not accept it.
func (t Tile) Plain() ([]byte, error) {
	const most = 32 << 20
	return inflate(t.Data, t.Encoding, most)
}

// inflate undoes an encoding, up to a limit.
func inflate(data []byte, encoding string, limit int64) ([]byte, error) {
	r, closing, err := inflater(data, encoding)
	if err != nil {
		return nil, err
	}
	defer closing()
	plain, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(plain)) > limit {
		return nil, errInflates
	}
	return plain, nil
}

func inflater(data []byte, encoding string) (io.Reader, func(), error) {
	r := bytes.NewReader(data)
	switch encoding {
	case "":
		return r, func() {}, nil
	case "gzip":
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	case "br":
		return brotli.NewReader(r), func() {}, nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return nil, nil, fmt.Errorf("encoding %q is not known", encoding)
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one of gzip's own
	_, _ = z.Write(data)                                  // a bytes.Buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

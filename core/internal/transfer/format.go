package transfer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"path/filepath"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// Format is how entries are written down.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
)

// ParseFormat reads a format's name; "" stays open.
func ParseFormat(s string) (Format, error) {
	switch strings.ToLower(s) {
	case "":
		return "", nil
	case "jsonl", "ndjson", "jsonlines":
		return JSONLines, nil
	case "csv", "tsv":
		return CSV, nil
	}
	return "", core.Errorf(core.CodeBadRequest, "There is no format %q: use jsonl or csv.", s)
}

// FormatOf tells the format by a file's name, "" when it does not say.
func FormatOf(name string) Format {
	switch strings.ToLower(filepath.Ext(strings.TrimSuffix(name, ".gz"))) {
	case ".jsonl", ".ndjson":
		return JSONLines
	case ".csv", ".tsv":
		return CSV
	}
	return ""
}

var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	gzipMagic     = []byte{0x1f, 0x8b}
)

// open takes off compression and a byte order mark, and finds out the format where it is not said.
func open(r io.Reader, f Format) (*bufio.Reader, Format, error) {
	in := bufio.NewReaderSize(r, 256<<10)
	if head, _ := in.Peek(len(gzipMagic)); bytes.Equal(head, gzipMagic) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, "", core.Errorf(core.CodeBadRequest, "The input is not whole gzip: %w", err)
		}
		in = bufio.NewReaderSize(z, 256<<10)
	}
	if head, _ := in.Peek(len(byteOrderMark)); bytes.Equal(head, byteOrderMark) {
		if _, err := in.Discard(len(byteOrderMark)); err != nil {
			return nil, "", err
		}
	}
	if f == "" {
		f = sniff(in)
	}
	return in, f, nil
}

// sniff takes input that begins like an object for JSON Lines, anything else for CSV.
func sniff(in *bufio.Reader) Format {
	head, _ := in.Peek(512)
	if trimmed := bytes.TrimLeft(head, " \t\r\n"); bytes.HasPrefix(trimmed, []byte("{")) {
		return JSONLines
	}
	return CSV
}

package core

import (
	"context"
	"io"
	"net/url"
)

// Exporter gives out all entries of a type that a caller may export (ActionExport), as a file.
type Exporter interface {
	// Export checks a request. params are those of a list but for what pages, counts and embeds, and "format": jsonl, which is
	// the default, or csv.
	Export(ctx context.Context, who *Principal, name TypeName, params url.Values) (*Export, error)
}

// Export is a file that is about to be written.
type Export struct {
	Name  string // of the file: "fiche.csv"
	Kind  string // its media type
	Total int    // entries in it, as far as is known before
	// Write notes the export in the audit and then writes the file. When it fails before the first byte nothing was given out.
	Write func(ctx context.Context, out io.Writer) error
}

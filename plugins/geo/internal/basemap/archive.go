package basemap

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"

	"github.com/palabre-cms/palabre/core"
)

// What an archive may make the server hold at once; real ones stay far below.
const (
	maxPacked    = 1 << 20  // a directory as it is stored
	maxDirectory = 4 << 20  // and unpacked
	maxMetadata  = 8 << 20  // unpacked
	maxTile      = 16 << 20 // as it is stored
	maxDepth     = 4        // directories on the way to a tile; writers use two
)

// Ranges is where an archive lies: a file, or an object of a bucket.
type Ranges interface {
	// ReadRange gives exactly the bytes asked for, or an error. It may be called by several goroutines at once.
	ReadRange(ctx context.Context, offset, length int64) ([]byte, error)
}

// FileRanges reads an archive on the disk. The file stays open, and is the caller's to close. Whoever replaces an archive
// puts the new file in its place by renaming, and opens it: one that is written over while it is open gives nonsense.
func FileRanges(r io.ReaderAt) Ranges { return fileRanges{r} }

type fileRanges struct{ r io.ReaderAt }

func (f fileRanges) ReadRange(_ context.Context, offset, length int64) ([]byte, error) {
	b := make([]byte, length)
	if n, err := f.r.ReadAt(b, offset); n < len(b) {
		return nil, err
	}
	return b, nil
}

// Archive is a PMTiles archive.
type Archive struct {
	ranges Ranges
	header header
	info   Info
	root   []entry
	leaves *leafCache
}

var _ Source = (*Archive)(nil)

// OpenArchive reads the header, the root directory and the metadata of an archive of the given size. Its error says in
// words what is wrong with the file.
func OpenArchive(ctx context.Context, r Ranges, size int64) (*Archive, error) {
	a := &Archive{ranges: r, leaves: newLeafCache()}
	if err := a.open(ctx, size); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		en := fmt.Sprintf("The map archive cannot be read: %v.", err)
		fr := fmt.Sprintf("L’archive de la carte est illisible (en anglais : %v).", err)
		return nil, invalid(err, en, fr)
	}
	return a, nil
}

func (a *Archive) open(ctx context.Context, size int64) error {
	if size < headerSize {
		return errors.New("it is too short to be a PMTiles archive")
	}
	front, err := a.ranges.ReadRange(ctx, 0, headerSize)
	if err != nil {
		return err
	}
	if a.header, err = parseHeader(front, size); err != nil {
		return err
	}
	if a.root, err = a.directory(ctx, a.header.root); err != nil {
		return err
	}
	meta, err := a.metadata(ctx)
	if err != nil {
		return err
	}
	a.info = a.describe(meta)
	a.info.TileSize, err = a.tileSize(ctx)
	return err
}

// Info describes the archive.
func (a *Archive) Info() Info { return a.info }

// Tile reads one tile. A file that turns out to be broken is an error of core.CodeUnavailable, its cause for the log.
func (a *Archive) Tile(ctx context.Context, z, x, y int) (Tile, error) {
	if err := checkTile(z, x, y); err != nil {
		return Tile{}, err
	}
	if z < a.info.MinZoom || z > a.info.MaxZoom {
		return Tile{}, ErrNoTile
	}
	data, err := a.read(ctx, TileID(z, x, y))
	if err == nil {
		return a.tile(data), nil
	}
	if _, ours := core.AsError(err); ours || ctx.Err() != nil {
		return Tile{}, err
	}
	return Tile{}, unavailable(err, "The map archive cannot be read.", "L’archive de la carte est illisible.")
}

func (a *Archive) tile(data []byte) Tile {
	return Tile{Data: data, ContentType: a.info.Format.ContentType(), Encoding: encodings[a.header.encoding], ETag: etag(xxhash.Sum64(data))}
}

func etag(sum uint64) string { return fmt.Sprintf(`"%016x"`, sum) }

// read follows the directories to the data of a tile.
func (a *Archive) read(ctx context.Context, id uint64) ([]byte, error) {
	entries := a.root
	for range maxDepth {
		e, ok := findEntry(entries, id)
		if !ok {
			return nil, ErrNoTile
		}
		if e.run > 0 {
			return a.within(ctx, a.header.tiles, e, maxTile)
		}
		var err error
		if entries, err = a.leaf(ctx, e); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("its directories lead to each other without end")
}

func (a *Archive) leaf(ctx context.Context, e entry) ([]entry, error) {
	if entries, ok := a.leaves.get(e.offset); ok {
		return entries, nil
	}
	s, err := sub(a.header.leaves, e, maxPacked)
	if err != nil {
		return nil, err
	}
	entries, err := a.directory(ctx, s)
	if err == nil {
		a.leaves.put(e.offset, entries)
	}
	return entries, err
}

func (a *Archive) within(ctx context.Context, whole section, e entry, limit uint32) ([]byte, error) {
	s, err := sub(whole, e, limit)
	if err != nil {
		return nil, err
	}
	return a.bytes(ctx, s)
}

// sub is the part of a section that an entry speaks of.
func sub(whole section, e entry, limit uint32) (section, error) {
	part := section{e.offset, uint64(e.length)}
	if !part.within(whole.length) {
		return section{}, errors.New("an entry points outside of it")
	}
	if e.length > limit {
		return section{}, fmt.Errorf("an entry of %d bytes is larger than the %d allowed", e.length, limit)
	}
	return section{whole.offset + e.offset, part.length}, nil
}

// bytes reads a section, which has been compared with the size of the archive and with a limit.
func (a *Archive) bytes(ctx context.Context, s section) ([]byte, error) {
	b, err := a.ranges.ReadRange(ctx, int64(s.offset), int64(s.length))
	if err != nil {
		return nil, fmt.Errorf("reading %d bytes at %d: %w", s.length, s.offset, err)
	}
	if uint64(len(b)) != s.length {
		return nil, fmt.Errorf("it gave %d bytes at %d, and %d were asked for", len(b), s.offset, s.length)
	}
	return b, nil
}

func (a *Archive) directory(ctx context.Context, s section) ([]entry, error) {
	b, err := a.bytes(ctx, s)
	if err != nil {
		return nil, err
	}
	plain, err := inflate(b, encodings[a.header.internal], maxDirectory)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDirectory, err)
	}
	return parseDirectory(plain)
}

package basemap

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
)

// ArchiveTile is one tile on its way into an archive. One without data is left out.
type ArchiveTile struct {
	Z, X, Y int
	Data    []byte
}

// WriteOptions say how an archive is written.
type WriteOptions struct {
	Encoding string // of the tiles' data as they are given: "", "gzip", "br" or "zstd"
	TempDir  string // for the tiles until their directories are known; the system's when empty
}

// WriteArchive writes a PMTiles archive of tiles that come in the order of TileID. Each different tile is stored once;
// directories and metadata are compressed by gzip. Of info all is written but the zooms, which are those of the tiles. An
// error among the tiles ends the writing and is returned as it is; what w has got by then is no archive.
func WriteArchive(w io.Writer, tiles iter.Seq2[ArchiveTile, error], info Info, o WriteOptions) (err error) {
	spool, err := os.CreateTemp(o.TempDir, "tiles-*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close(), os.Remove(spool.Name())) }()
	c := &collector{spool: bufio.NewWriter(spool), seen: map[contentKey]entry{}}
	if err := c.collect(tiles); err != nil {
		return err
	}
	front, err := c.front(info, o)
	if err != nil {
		return err
	}
	if _, err := w.Write(front); err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(w, spool)
	return err
}

// maxSeen bounds the memory for finding tiles again that were stored already.
const maxSeen = 1 << 20

type contentKey [16]byte

// collector puts the data of tiles one behind the other and makes the entries that tell where they lie.
type collector struct {
	spool            *bufio.Writer
	size             uint64
	seen             map[contentKey]entry // where the same data lie already
	entries          []entry
	next             uint64 // the least number that the next tile may have
	addressed        uint64
	contents         uint64
	minZoom, maxZoom int
}

func (c *collector) collect(tiles iter.Seq2[ArchiveTile, error]) error {
	for t, err := range tiles {
		if err == nil && len(t.Data) > 0 {
			err = c.add(t)
		}
		if err != nil {
			return err
		}
	}
	if len(c.entries) == 0 {
		return invalid(nil, "There are no tiles to write.", "Il n’y a aucune tuile à écrire.")
	}
	return c.spool.Flush()
}

func (c *collector) add(t ArchiveTile) error {
	if err := checkTile(t.Z, t.X, t.Y); err != nil {
		return err
	}
	id := TileID(t.Z, t.X, t.Y)
	if id < c.next {
		return fmt.Errorf("tile %d/%d/%d comes out of the order of TileID", t.Z, t.X, t.Y)
	}
	if len(t.Data) > maxTile {
		return fmt.Errorf("tile %d/%d/%d has %d bytes, and %d are read", t.Z, t.X, t.Y, len(t.Data), maxTile)
	}
	if c.addressed++; c.addressed == 1 {
		c.minZoom = t.Z
	}
	c.maxZoom, c.next = t.Z, id+1
	return c.enter(id, t.Data)
}

// enter stores data unless the same are there, and lengthens the run of the last entry where it can.
func (c *collector) enter(id uint64, data []byte) error {
	e, err := c.store(data)
	if err != nil {
		return err
	}
	if n := len(c.entries); n > 0 {
		last := &c.entries[n-1]
		if last.id+uint64(last.run) == id && last.offset == e.offset && last.run < math.MaxUint32 {
			last.run++
			return nil
		}
	}
	c.entries = append(c.entries, entry{id: id, offset: e.offset, length: e.length, run: 1})
	return nil
}

func (c *collector) store(data []byte) (entry, error) {
	sum := sha256.Sum256(data)
	key := contentKey(sum[:16])
	if e, ok := c.seen[key]; ok {
		return e, nil
	}
	e := entry{offset: c.size, length: uint32(len(data))}
	if len(c.seen) < maxSeen {
		c.seen[key] = e
	}
	c.size += uint64(len(data))
	c.contents++
	_, err := c.spool.Write(data)
	return e, err
}

// front is all that stands before the tiles: header, root directory, metadata, leaf directories.
func (c *collector) front(info Info, o WriteOptions) ([]byte, error) {
	h, err := c.header(info, o)
	if err != nil {
		return nil, err
	}
	meta, err := metadataOf(info)
	if err != nil {
		return nil, err
	}
	root, leaves := buildDirectories(c.entries)
	h.root = section{headerSize, uint64(len(root))}
	h.metadata = section{h.root.offset + h.root.length, uint64(len(meta))}
	h.leaves = section{h.metadata.offset + h.metadata.length, uint64(len(leaves))}
	h.tiles = section{h.leaves.offset + h.leaves.length, c.size}
	return append(append(append(h.bytes(), root...), meta...), leaves...), nil
}

func (c *collector) header(info Info, o WriteOptions) (header, error) {
	kind, ok := keyOf(formats, info.Format)
	if !ok {
		return header{}, fmt.Errorf("an archive holds no tiles of format %q", info.Format)
	}
	encoding, ok := keyOf(encodings, o.Encoding)
	if !ok {
		return header{}, fmt.Errorf("an archive holds no tiles of encoding %q", o.Encoding)
	}
	b := info.Bounds
	if b == [4]float64{} {
		b = world
	}
	return header{
		addressed: c.addressed, entries: uint64(len(c.entries)), contents: c.contents, clustered: true,
		internal: compressionGzip, encoding: max(encoding, compressionNone), kind: kind, minZoom: byte(c.minZoom), maxZoom: byte(c.maxZoom),
		west: e7(b[0]), south: e7(b[1]), east: e7(b[2]), north: e7(b[3]),
		centerLon: e7(info.Center[0]), centerLat: e7(info.Center[1]), centerZoom: byte(min(max(int(info.Center[2]), c.minZoom), c.maxZoom)),
	}, nil
}

// keyOf finds the number of a format or encoding; of several the greatest, which is the one that says something.
func keyOf[V comparable](table map[byte]V, value V) (key byte, found bool) {
	for k, v := range table {
		if v == value {
			key, found = max(key, k), true
		}
	}
	return key, found
}

func e7(degrees float64) int32 {
	return int32(math.Round(min(max(degrees, -180), 180) * 1e7))
}

func metadataOf(info Info) ([]byte, error) {
	m := struct {
		Name         string        `json:"name,omitempty"`
		Description  string        `json:"description,omitempty"`
		Attribution  string        `json:"attribution,omitempty"`
		Type         string        `json:"type"`
		VectorLayers []VectorLayer `json:"vector_layers,omitempty"`
	}{info.Name, info.Description, info.Attribution, "overlay", info.VectorLayers}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return gzipped(b), nil
}

// buildDirectories makes one directory of few entries, and of many a root that leads to leaves, large enough for the root
// to find room behind the header.
func buildDirectories(entries []entry) (root, leaves []byte) {
	const room, few = frontSize - headerSize, 16 << 10
	if len(entries) < few {
		if root = gzipped(appendDirectory(nil, entries)); len(root) <= room {
			return root, nil
		}
	}
	for size := max(4096, len(entries)/4096); ; size += size / 4 {
		if root, leaves = splitDirectory(entries, size); len(root) <= room {
			return root, leaves
		}
	}
}

func splitDirectory(entries []entry, size int) (root, leaves []byte) {
	var top []entry
	for from := 0; from < len(entries); from += size {
		part := gzipped(appendDirectory(nil, entries[from:min(from+size, len(entries))]))
		top = append(top, entry{id: entries[from].id, offset: uint64(len(leaves)), length: uint32(len(part))})
		leaves = append(leaves, part...)
	}
	return gzipped(appendDirectory(nil, top)), leaves
}

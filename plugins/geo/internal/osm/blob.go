package osm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"

	"github.com/palabre-cms/palabre/core"
)

// The limits that the format sets (https://wiki.openstreetmap.org/wiki/PBF_Format), and two of our own against files made
// to exhaust memory: a planet has one and a half million blobs, a block some thousand strings.
const (
	maxBlobHeader = 64 << 10
	maxBlob       = 32 << 20
	maxFrames     = 4 << 20
	maxStrings    = 1 << 20
)

// frame is where one blob lies, and what the first step has seen in it.
type frame struct {
	header bool  // an OSMHeader rather than OSMData
	offset int64 // of the blob itself
	size   int64
	seen   contents
}

// listFrames finds the blobs of a file by their headers alone, so that a file that was cut short is known before anything
// is made of it.
func listFrames(r io.ReaderAt, size int64) ([]frame, error) {
	var frames []frame
	for at := int64(0); at < size; {
		f, err := frameAt(r, at, size)
		if err != nil {
			return nil, unreadable(at, err)
		}
		if f.offset > 0 {
			frames = append(frames, f.frame)
		}
		if at = f.end; len(frames) > maxFrames {
			return nil, unreadable(at, errors.New("it has too many blobs"))
		}
	}
	if len(frames) == 0 || !frames[0].header {
		return nil, notExtract()
	}
	return frames, nil
}

// found is a frame, with an offset of zero for one of a kind that readers pass over, and where the next begins.
type found struct {
	frame
	end int64
}

func frameAt(r io.ReaderAt, at, size int64) (found, error) {
	var length [4]byte
	if _, err := r.ReadAt(length[:], at); err != nil {
		return found{}, cut(err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n == 0 || n > maxBlobHeader {
		return found{}, notExtract()
	}
	header := make([]byte, n)
	if _, err := r.ReadAt(header, at+4); err != nil {
		return found{}, cut(err)
	}
	f, err := readFrame(header, at+4+int64(n))
	if err == nil && f.end > size {
		err = cut(io.EOF)
	}
	return f, err
}

func readFrame(header []byte, offset int64) (found, error) {
	var kind string
	var size uint64
	err := walk(header, func(f field) error {
		switch f.num {
		case 1:
			kind = string(f.bytes)
		case 3:
			size = f.varint
		}
		return nil
	})
	if err != nil || kind == "" {
		return found{}, notExtract()
	}
	if size > maxBlob {
		return found{}, fmt.Errorf("a blob of %d bytes is larger than the format allows", size)
	}
	f := found{end: offset + int64(size)}
	if kind == "OSMHeader" || kind == "OSMData" {
		f.frame = frame{header: kind == "OSMHeader", offset: offset, size: int64(size)}
	}
	return f, nil
}

// buffers are what one worker reads blobs into, over and over.
type buffers struct {
	blob  []byte
	plain bytes.Buffer
}

// load reads and inflates a blob. What it returns is good until the next call.
func (b *buffers) load(r io.ReaderAt, f frame) ([]byte, error) {
	if int64(cap(b.blob)) < f.size {
		b.blob = make([]byte, f.size)
	}
	b.blob = b.blob[:f.size]
	if _, err := r.ReadAt(b.blob, f.offset); err != nil {
		return nil, unreadable(f.offset, cut(err))
	}
	plain, err := b.inflate()
	if err != nil {
		return nil, unreadable(f.offset, err)
	}
	return plain, nil
}

func (b *buffers) inflate() ([]byte, error) {
	var raw, deflated []byte
	var other bool
	err := walk(b.blob, func(f field) error {
		switch f.num {
		case 1:
			raw = f.bytes
		case 3:
			deflated = f.bytes
		case 4, 5, 6, 7:
			other = true
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case other:
		return nil, errors.New("it is compressed otherwise than by zlib; rewrite it with osmium cat FILE -o NEW.osm.pbf")
	case deflated != nil:
		return b.unzip(deflated)
	}
	return raw, nil
}

func (b *buffers) unzip(deflated []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(deflated))
	if err != nil {
		return nil, fmt.Errorf("zlib: %w", err)
	}
	b.plain.Reset()
	n, err := b.plain.ReadFrom(io.LimitReader(z, maxBlob+1))
	if err != nil {
		return nil, fmt.Errorf("zlib: %w", err)
	}
	if n > maxBlob {
		return nil, fmt.Errorf("a blob inflates to more than the %d bytes that the format allows", maxBlob)
	}
	return b.plain.Bytes(), nil
}

// cut words the end of a file that comes too early; a read that failed otherwise stays what it is.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends in the middle")
	}
	return err
}

func notExtract() error {
	return refuse("The file is no OpenStreetMap extract (.osm.pbf). Other forms of extract are converted by: osmium cat FILE -o NEW.osm.pbf",
		"Le fichier n’est pas un extrait OpenStreetMap (.osm.pbf). Les autres formes se convertissent par : osmium cat FICHIER -o NOUVEAU.osm.pbf")
}

func unreadable(at int64, cause error) error {
	if e, ok := core.AsError(cause); ok {
		return e
	}
	en := fmt.Sprintf("The extract cannot be read at byte %d: %v. Download it again, or check it with osmium fileinfo -e.", at, cause)
	fr := fmt.Sprintf("L’extrait est illisible à l’octet %d : %v. Téléchargez-le à nouveau, ou vérifiez-le par osmium fileinfo -e.", at, cause)
	return &core.Error{Code: core.CodeInvalid, Message: en, Texts: core.Text{"en": en, "fr": fr}, Err: cause}
}

package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"

	"github.com/palabre-cms/palabre/core"
)

// The seal is a frame that zstd tools pass over (RFC 8878, section 3.1.2): its magic number, the length of what
// follows, a mark of our own and the SHA-256 of all bytes before the frame.
const (
	skippable = 0x184D2A5A
	mark      = "palabre\x01"
	sealSize  = 8 + len(mark) + sha256.Size
)

var zstdMagic = []byte{0x28, 0xB5, 0x2F, 0xFD}

func seal(sum hash.Hash) []byte {
	b := binary.LittleEndian.AppendUint32(nil, skippable)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(mark)+sha256.Size))
	return sum.Sum(append(b, mark...))
}

// checkSeal reads the whole file and refuses it unless its seal is right. It gives the length of what the seal covers.
func checkSeal(r io.ReadSeeker) (int64, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, unreadable(err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 0, unreadable(err)
	}
	begin := make([]byte, len(zstdMagic))
	if _, err := io.ReadFull(r, begin); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err == nil && !bytes.Equal(begin, zstdMagic) {
		return 0, refuse("it is not a Palabre backup")
	} else if err != nil {
		return 0, unreadable(err)
	}
	covered := size - int64(sealSize)
	if covered < int64(len(begin)) {
		return 0, refuse("it is cut short")
	}
	sum := sha256.New()
	sum.Write(begin)
	if _, err := io.CopyN(sum, r, covered-int64(len(begin))); err != nil {
		return 0, unreadable(err)
	}
	found := make([]byte, sealSize)
	if _, err := io.ReadFull(r, found); err != nil {
		return 0, unreadable(err)
	}
	want := seal(sum)
	switch head := len(want) - sha256.Size; {
	case bytes.Equal(found, want):
		return covered, nil
	case bytes.Equal(found[:head], want[:head]):
		return 0, refuse("it is damaged: its bytes are not those that were written")
	default:
		return 0, refuse("it is cut short, damaged at its end, or not a Palabre backup")
	}
}

func refuse(why string) error {
	return core.Errorf(core.CodeInvalid, "this file cannot be restored: %s; nothing was changed", why)
}

func unreadable(err error) error {
	return core.Errorf(core.CodeUnavailable, "the backup cannot be read: look at the disk it lies on: %w", err)
}

package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/palabre-cms/palabre/core"
)

// maxLine is more than any commit or key can take as text.
const maxLine = 8 * core.MaxCommitBytes

// reader gives the lines of a file that Write made, and checks them as it goes.
type reader struct {
	zstd    *zstd.Decoder
	buffer  *bufio.Reader
	hash    hash.Hash // of the lines so far
	Summary           // from the heading; Keys counts those read
	commits core.Position
	sum     string
	ended   bool
}

// newReader begins at the start of the file, of which covered bytes are compressed data, and reads the heading.
func newReader(r io.ReadSeeker, covered int64) (*reader, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, unreadable(err)
	}
	z, err := zstd.NewReader(io.LimitReader(r, covered), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, refuse("it cannot be unpacked")
	}
	rd := &reader{zstd: z, buffer: bufio.NewReaderSize(z, 1<<20), hash: sha256.New()}
	if err := rd.heading(); err != nil {
		rd.close()
		return nil, err
	}
	return rd, nil
}

func (r *reader) close() { r.zstd.Close() }

func (r *reader) heading() error {
	text, err := r.text()
	if err != nil {
		return err
	}
	var kind struct {
		Palabre string `json:"palabre"`
		Format  int    `json:"format"`
	}
	if json.Unmarshal(text, &kind) != nil || kind.Palabre != "backup" || kind.Format < 1 {
		return refuse("it is not a Palabre backup")
	}
	if kind.Format > Format {
		return refuse(fmt.Sprintf("it has format %d, made by a newer Palabre than this one, which reads up to %d", kind.Format, Format))
	}
	h, err := parse(text)
	if err != nil || h.At == nil {
		return refuse("its heading cannot be read")
	}
	r.Summary = Summary{At: *h.At, Position: h.Position, Sum: h.Sum}
	r.hash.Write(text)
	return nil
}

// next gives the next key or commit, or io.EOF after a trailer that is right.
func (r *reader) next() (*line, error) {
	if r.ended {
		return nil, io.EOF
	}
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	l, err := parse(text)
	if err != nil {
		return nil, refuse("a line in it cannot be read: " + err.Error())
	}
	switch {
	case l.End != nil:
		return nil, r.end(l.End)
	case l.Key != nil:
		r.Keys++
	case l.Commit != nil:
		if err := r.commit(l.Commit); err != nil {
			return nil, err
		}
	default:
		return nil, refuse("it has a line of an unknown kind")
	}
	r.hash.Write(text)
	return l, nil
}

func (r *reader) commit(l *commitLine) error {
	c := l.commit()
	if err := follows([]core.Commit{c}, r.commits, r.sum); err != nil {
		return refuse(err.Error())
	}
	r.commits, r.sum = c.Position, c.Sum
	return nil
}

// end compares the trailer with what was read, and makes sure that nothing follows.
func (r *reader) end(e *endLine) error {
	r.ended = true
	switch {
	case e.Commits != r.commits || e.Commits != r.Position || e.Keys != r.Keys || r.sum != r.Sum:
		return refuse("it does not hold as many commits and keys as it says")
	case e.SHA256 != hex.EncodeToString(r.hash.Sum(nil)):
		return refuse("its lines are not those that were written")
	}
	if _, err := r.buffer.ReadByte(); !errors.Is(err, io.EOF) {
		return refuse("something follows its end")
	}
	return io.EOF
}

// text reads a line, its line break included.
func (r *reader) text() ([]byte, error) {
	var text []byte
	for {
		part, err := r.buffer.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return text, nil
		case errors.Is(err, io.EOF):
			return nil, refuse("it is cut short")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, refuse("it cannot be unpacked")
		case len(text) > maxLine:
			return nil, refuse("a line in it is too long")
		}
	}
}

func parse(text []byte) (*line, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var l line
	return &l, d.Decode(&l)
}

// follows checks that commits continue a log that ends at a position with a sum.
func follows(commits []core.Commit, last core.Position, sum string) error {
	if len(commits) == 0 {
		return fmt.Errorf("commit %d is missing", last+1)
	}
	for i := range commits {
		c := &commits[i]
		if c.Position != last+1 {
			return fmt.Errorf("commit %d is missing: %d comes in its place", last+1, c.Position)
		}
		if err := c.Verify(sum); err != nil {
			return err
		}
		last, sum = c.Position, c.Sum
	}
	return nil
}

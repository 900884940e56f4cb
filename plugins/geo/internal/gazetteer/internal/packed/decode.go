package packed

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DecodeTable reads territories.gz. The texts of the rows share one string per column.
func DecodeTable(file []byte) (*Table, error) {
	r, err := open(file, territoriesMagic)
	if err != nil {
		return nil, fmt.Errorf("read the territories: %w", err)
	}
	t := &Table{}
	total := 0
	for level := range t.Counts {
		t.Counts[level] = r.count()
		total += t.Counts[level]
	}
	t.Rows = make([]Row, min(total, len(r.rest)))
	for _, column := range texts {
		r.lines(t.Rows, column)
	}
	for _, column := range slices.Concat(numbers, dense) {
		r.numbers(t.Rows, column)
	}
	if err := r.done(); err != nil {
		return nil, fmt.Errorf("read the territories: %w", err)
	}
	return t, t.check()
}

// check finds the places that lead out of the table.
func (t *Table) check() error {
	for i := range t.Rows {
		for _, place := range []int32{t.Rows[i].EPCI, t.Rows[i].Departement, t.Rows[i].Region, t.Rows[i].Chief} {
			if place < None || int(place) >= len(t.Rows) {
				return fmt.Errorf("read the territories: row %d names row %d of %d", i, place, len(t.Rows))
			}
		}
	}
	return nil
}

// DecodeOutlines reads outlines.gz.
func DecodeOutlines(file []byte) ([]Outline, error) {
	r, err := open(file, outlinesMagic)
	if err != nil {
		return nil, fmt.Errorf("read the outlines: %w", err)
	}
	outlines := make([]Outline, r.count())
	for i := range outlines {
		outlines[i] = Outline{Level: r.level(), Code: r.line(), Polygons: make([][][]Point, r.count())}
		for j := range outlines[i].Polygons {
			outlines[i].Polygons[j] = r.polygon()
		}
	}
	if err := r.done(); err != nil {
		return nil, fmt.Errorf("read the outlines: %w", err)
	}
	return outlines, nil
}

// errShort tells that a file has ended before what it announced.
var errShort = errors.New("the file is cut short or is no packed file: run go generate in the gazetteer")

// usualRatio is how many times its size a file is not larger than unpacked, so that the buffer need not grow.
const usualRatio = 3

// A reader takes a file apart. After its first error it yields nothing more, and done tells which one it was.
type reader struct {
	rest []byte
	err  error
}

func open(file []byte, magic string) (*reader, error) {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	content := bytes.NewBuffer(make([]byte, 0, usualRatio*len(file)))
	if _, err := content.ReadFrom(z); err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(content.Bytes(), []byte(magic))
	if !ok {
		return nil, fmt.Errorf("the file does not begin with %q: run go generate in the gazetteer", magic)
	}
	return &reader{rest: rest}, nil
}

func (r *reader) fail() {
	r.rest, r.err = nil, errShort
}

// count reads how many there are of something that takes a byte at least, so that no file can ask for more memory than
// it has bytes.
func (r *reader) count() int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > uint64(len(r.rest)-size) {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return int(n)
}

func (r *reader) level() int {
	level := r.count()
	if level >= Levels {
		r.fail()
	}
	return level
}

func (r *reader) number(before int32) int32 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return int32(int64(before) + n)
}

func (r *reader) numbers(rows []Row, column func(*Row) *int32) {
	rest, value := r.rest, int64(0)
	for i := range rows {
		n, size := binary.Varint(rest)
		if size <= 0 {
			r.fail()
			return
		}
		rest, value = rest[size:], value+n
		*column(&rows[i]) = int32(value)
	}
	r.rest = rest
}

func (r *reader) line() string {
	line, rest, ok := bytes.Cut(r.rest, []byte{'\n'})
	if !ok {
		r.fail()
		return ""
	}
	r.rest = rest
	return string(line)
}

// lines reads a line for each row. They are parts of one string, which costs one allocation instead of thousands.
func (r *reader) lines(rows []Row, column func(*Row) *string) {
	size := r.count()
	text := string(r.rest[:size])
	r.rest = r.rest[size:]
	for i := range rows {
		line, rest, ok := strings.Cut(text, "\n")
		if !ok {
			r.fail()
			return
		}
		*column(&rows[i]), text = line, rest
	}
}

func (r *reader) polygon() [][]Point {
	rings := make([][]Point, r.count())
	for i := range rings {
		rings[i] = make([]Point, r.count())
		before := Point{}
		for j := range rings[i] {
			before = Point{r.number(before[0]), r.number(before[1])}
			rings[i][j] = before
		}
	}
	return rings
}

func (r *reader) done() error {
	if r.err == nil && len(r.rest) > 0 {
		return fmt.Errorf("%d bytes are left over: run go generate in the gazetteer", len(r.rest))
	}
	return r.err
}

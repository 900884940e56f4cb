package transfer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// record is one entry as it was read: a line of JSON, or the cells of a row. err says that it could not be.
type record struct {
	line  int
	json  []byte
	cells []string
	err   error
}

// source gives the records of an input; io.EOF ends it. Any other error of next ends the import.
type source interface {
	next() (record, error)
}

// jsonLines reads one object a line. A line that is too long is one bad record, however long it is.
type jsonLines struct {
	in   *bufio.Reader
	line int
}

func (s *jsonLines) next() (record, error) {
	for {
		line, tooLong, err := s.read()
		if err != nil {
			return record{}, err
		}
		s.line++
		if tooLong {
			return record{line: s.line, err: core.Errorf(core.CodeTooLarge, "The line is longer than %d bytes.", jsondoc.Default.Bytes)}, nil
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return record{line: s.line, json: line}, nil
		}
	}
}

// read gives one line in memory of its own, without what goes over the limit.
func (s *jsonLines) read() (line []byte, tooLong bool, err error) {
	for {
		part, err := s.in.ReadSlice('\n')
		if len(line)+len(part) > jsondoc.Default.Bytes+1 {
			tooLong = true
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(line) > 0 || tooLong):
			return line, tooLong, nil
		default:
			return line, tooLong, err
		}
	}
}

// rows reads CSV after its heading.
type rows struct {
	csv    *csv.Reader
	header []string
}

func newRows(in *bufio.Reader) (*rows, error) {
	r := csv.NewReader(in)
	r.Comma = separator(in)
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, core.Errorf(core.CodeBadRequest, "The first line must name the fields: %s.", why(err))
	}
	return &rows{csv: r, header: header}, nil
}

// separator is the one of ; , and tab that the first line has most of.
func separator(in *bufio.Reader) rune {
	head, _ := in.Peek(64 << 10)
	head, _, _ = bytes.Cut(head, []byte("\n"))
	best, most := ',', bytes.Count(head, []byte(","))
	for _, c := range ";\t" {
		if n := bytes.Count(head, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

func (s *rows) next() (record, error) {
	cells, err := s.csv.Read()
	if errors.Is(err, io.EOF) {
		return record{}, err
	}
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return record{line: parse.StartLine, err: core.Errorf(core.CodeBadRequest, "The row cannot be read: %s.", why(err))}, nil
	}
	if err != nil {
		return record{}, err
	}
	line, _ := s.csv.FieldPos(0)
	rec := record{line: line, cells: cells}
	if len(cells) > len(s.header) {
		rec.err = core.Errorf(core.CodeBadRequest, "The row has %d cells, the first line %d.", len(cells), len(s.header))
	}
	return rec, nil
}

func why(err error) string {
	var parse *csv.ParseError
	switch {
	case errors.As(err, &parse):
		return parse.Err.Error()
	case errors.Is(err, io.EOF):
		return "the input is empty"
	}
	return err.Error()
}

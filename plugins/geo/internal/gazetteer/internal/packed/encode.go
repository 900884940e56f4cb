package packed

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
)

// EncodeTable gives the content of territories.gz.
func EncodeTable(t *Table) ([]byte, error) {
	out := []byte(territoriesMagic)
	for _, n := range t.Counts {
		out = binary.AppendUvarint(out, uint64(n))
	}
	for _, column := range texts {
		var lines []byte
		for i := range t.Rows {
			lines = append(append(lines, *column(&t.Rows[i])...), '\n')
		}
		out = append(binary.AppendUvarint(out, uint64(len(lines))), lines...)
	}
	head, err := compress(appendColumns(out, t, numbers), gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	tail, err := compress(appendColumns(nil, t, dense), gzip.NoCompression)
	return append(head, tail...), err
}

func appendColumns(out []byte, t *Table, columns []func(*Row) *int32) []byte {
	for _, column := range columns {
		before := int32(0)
		for i := range t.Rows {
			out, before = appendNumber(out, *column(&t.Rows[i]), before)
		}
	}
	return out
}

// EncodeOutlines gives the content of outlines.gz.
func EncodeOutlines(outlines []Outline) ([]byte, error) {
	out := binary.AppendUvarint([]byte(outlinesMagic), uint64(len(outlines)))
	for _, o := range outlines {
		out = binary.AppendUvarint(out, uint64(o.Level))
		out = append(append(out, o.Code...), '\n')
		out = binary.AppendUvarint(out, uint64(len(o.Polygons)))
		for _, polygon := range o.Polygons {
			out = binary.AppendUvarint(out, uint64(len(polygon)))
			for _, ring := range polygon {
				out = appendRing(out, ring)
			}
		}
	}
	return compress(out, gzip.BestCompression)
}

func appendRing(out []byte, ring []Point) []byte {
	out = binary.AppendUvarint(out, uint64(len(ring)))
	before := Point{}
	for _, p := range ring {
		out, before[0] = appendNumber(out, p[0], before[0])
		out, before[1] = appendNumber(out, p[1], before[1])
	}
	return out
}

func appendNumber(out []byte, n, before int32) (longer []byte, last int32) {
	return binary.AppendVarint(out, int64(n)-int64(before)), n
}

func compress(content []byte, level int) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

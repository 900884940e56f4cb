package catalog

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// numbering gives entries their numbers, for references to what may not exist yet.
type numbering interface {
	number(id core.EntryID) uint32
}

// extract writes the values of a document's columns, compactly: what the columns are filled from, now and at the next start.
// For each column of a field it holds the number of values + 1 and the values; 0 stands for those of the column in
// the document's own language.
func (l *layout) extract(doc core.Doc, ids numbering) []byte {
	own := l.decode(doc)
	x := extraction{layout: l, ids: ids, own: own, starts: make([]span, len(l.specs))}
	if own[core.DocTranslations] != nil || own[core.DocLocale] != nil {
		x.locales = map[core.Locale]map[string]any{}
	}
	for i := systemColumns; i < len(l.specs); i++ {
		x.column(i)
	}
	return x.out
}

// decode parses the members that columns are made from, and passes over the others.
func (l *layout) decode(doc core.Doc) map[string]any {
	m := make(map[string]any, len(l.tops))
	for name, raw := range jsondoc.Members(doc) {
		if !l.tops[name] && name != core.DocLocale && name != core.DocTranslations {
			continue
		}
		if v, err := jsondoc.Parse(raw); err == nil {
			m[strings.Clone(name)] = v
		}
	}
	return m
}

type extraction struct {
	layout  *layout
	ids     numbering
	own     map[string]any
	locales map[core.Locale]map[string]any // nil when the document has one language, the type's first
	out     []byte
	starts  []span // by column, where its values stand in out
	piece   []byte
}

func (x *extraction) column(i int) {
	s := &x.layout.specs[i]
	doc := x.own
	if s.locale != "" {
		if x.locales == nil {
			x.out = append(x.out, 0)
			return
		}
		doc = x.localized(s.locale)
	}
	at := len(x.out)
	x.values(s, jsondoc.Values(doc, s.path))
	x.starts[i] = span{uint32(at), uint32(len(x.out) - at)}
	if s.locale != "" && bytes.Equal(x.out[at:], x.written(s.of)) {
		x.out = append(x.out[:at], 0)
	}
}

func (x *extraction) written(i int) []byte {
	s := x.starts[i]
	return x.out[s.at : s.at+s.n]
}

func (x *extraction) localized(locale core.Locale) map[string]any {
	if doc, ok := x.locales[locale]; ok {
		return doc
	}
	doc, _ := x.layout.typ.Localize(x.own, locale)
	x.locales[locale] = doc
	return doc
}

// values writes the distinct values of a column; of a column that is not multi, the first.
func (x *extraction) values(s *spec, values []any) {
	if s.kind == core.KindGeo {
		x.out = appendGeo(x.out, values)
		return
	}
	x.piece = x.piece[:0]
	var pieces [][]byte
	for _, v := range values {
		from := len(x.piece)
		if !x.value(s, v) || containsPiece(pieces, x.piece[from:]) {
			x.piece = x.piece[:from]
			continue
		}
		pieces = append(pieces, x.piece[from:len(x.piece):len(x.piece)])
		if !s.multi {
			break
		}
	}
	x.out = binary.AppendUvarint(x.out, uint64(len(pieces))+1)
	for _, p := range pieces {
		x.out = append(x.out, p...)
	}
}

func containsPiece(pieces [][]byte, piece []byte) bool {
	for _, p := range pieces {
		if bytes.Equal(p, piece) {
			return true
		}
	}
	return false
}

// value writes one value to piece and reports whether it is one that the column holds.
func (x *extraction) value(s *spec, v any) bool {
	switch {
	case s.kind == core.KindString:
		text, ok := v.(string)
		x.piece = binary.AppendUvarint(x.piece, uint64(len(text)))
		x.piece = append(x.piece, text...)
		return ok
	case s.referring():
		id, ok := referred(v)
		if ok {
			x.piece = binary.AppendUvarint(x.piece, uint64(x.ids.number(id)))
		}
		return ok
	}
	key, ok := s.key(v, roundDown)
	x.piece = binary.LittleEndian.AppendUint64(x.piece, key)
	return ok
}

// referred gives the entry that a reference or a media value names.
func referred(v any) (core.EntryID, bool) {
	m, _ := v.(map[string]any)
	for _, member := range [...]string{"_ref", "_media"} {
		if id, ok := m[member].(string); ok && id != "" {
			return core.EntryID(id), true
		}
	}
	return "", false
}

// appendGeo writes the bounds of all geometries: a point where they are one.
func appendGeo(out []byte, values []any) []byte {
	box, ok := bounds(values)
	if !ok {
		return append(out, 1)
	}
	if box.West == box.East && box.South == box.North {
		return appendFloats(append(out, 2), box.West, box.South)
	}
	return appendFloats(append(out, 3), box.West, box.South, box.East, box.North)
}

func appendFloats(out []byte, floats ...float64) []byte {
	for _, f := range floats {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(f))
	}
	return out
}

// bounds gives the box around GeoJSON geometries.
func bounds(geometries []any) (core.BBox, bool) {
	box := core.BBox{West: math.Inf(1), South: math.Inf(1), East: math.Inf(-1), North: math.Inf(-1)}
	for _, g := range geometries {
		extend(&box, g)
	}
	return box, box.West <= box.East
}

func extend(box *core.BBox, g any) {
	switch g := g.(type) {
	case map[string]any:
		extend(box, g["coordinates"])
		extend(box, g["geometries"])
	case []any:
		if lon, lat, ok := position(g); ok {
			box.West, box.East = min(box.West, lon), max(box.East, lon)
			box.South, box.North = min(box.South, lat), max(box.North, lat)
			return
		}
		for _, item := range g {
			extend(box, item)
		}
	}
}

func position(c []any) (lon, lat float64, ok bool) {
	if len(c) < 2 {
		return 0, 0, false
	}
	x, isX := c[0].(json.Number)
	y, isY := c[1].(json.Number)
	if !isX || !isY {
		return 0, 0, false
	}
	lon, errX := x.Float64()
	lat, errY := y.Float64()
	return lon, lat, errX == nil && errY == nil
}

// values reads what extract wrote. After the text ends early, everything is absent and bad is set.
type values struct {
	text []byte
	bad  bool
}

func (v *values) uvarint() uint64 {
	n, size := binary.Uvarint(v.text)
	if size <= 0 {
		v.bad, v.text = true, nil
		return 0
	}
	v.text = v.text[size:]
	return n
}

func (v *values) bytes(n int) []byte {
	if n < 0 || n > len(v.text) {
		v.bad, v.text = true, nil
		return nil
	}
	b := v.text[:n]
	v.text = v.text[n:]
	return b
}

func (v *values) uint64() uint64 {
	b := v.bytes(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func (v *values) float() float64 { return math.Float64frombits(v.uint64()) }

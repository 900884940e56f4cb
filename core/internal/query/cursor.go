package query

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const signatureBytes = 16

// Cursor implements core.Queries. The text holds the place itself, readable by its holder: it is made of values in the
// answer that it came with.
func (q *Queries) Cursor(a *core.Asked, c *core.Cursor) string {
	if c == nil {
		return ""
	}
	place := encodeCursor(c)
	first, _, _ := strings.Cut(a.Canonical, "\n")
	return base64.RawURLEncoding.EncodeToString(append(q.sign(first, place), place...))
}

// After implements core.Queries.
func (q *Queries) After(a *core.Asked, cursor string) (*core.Cursor, error) {
	first, _, _ := strings.Cut(a.Canonical, "\n")
	return q.open(first, cursor)
}

func (q *Queries) open(first, cursor string) (*core.Cursor, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < signatureBytes || !hmac.Equal(raw[:signatureBytes], q.sign(first, raw[signatureBytes:])) {
		return nil, errCursor()
	}
	c, ok := decodeCursor(raw[signatureBytes:])
	if !ok {
		return nil, errCursor()
	}
	return c, nil
}

func errCursor() error {
	return refuse("bad_cursor", "The cursor in after does not belong to this query. Take page.next of an answer to the same filter, q, sort, state and locale, or leave after out.",
		"Le curseur donné dans after n’appartient pas à cette requête. Prenez page.next d’une réponse aux mêmes filter, q, sort, state et locale, ou omettez after.")
}

func (q *Queries) sign(first string, place []byte) []byte {
	mac := hmac.New(sha256.New, q.key)
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(first)))
	mac.Write([]byte("palabre cursor 1\n"))
	mac.Write(size[:])
	mac.Write([]byte(first))
	mac.Write(place)
	return mac.Sum(nil)[:signatureBytes]
}

// encodeCursor writes the entry and then each value: a letter for its type, and its bytes.
func encodeCursor(c *core.Cursor) []byte {
	b := appendBytes(nil, string(c.ID))
	for _, v := range c.Values {
		switch v := v.(type) {
		case string:
			b = appendBytes(append(b, 's'), v)
		case []byte:
			b = appendBytes(append(b, 'y'), string(v))
		case bool:
			b = append(b, map[bool]byte{false: 'f', true: 't'}[v])
		case int64:
			b = binary.AppendVarint(append(b, 'i'), v)
		case int:
			b = binary.AppendVarint(append(b, 'i'), int64(v))
		case float64:
			b = binary.BigEndian.AppendUint64(append(b, 'd'), math.Float64bits(v))
		case time.Time:
			b = binary.AppendVarint(append(b, 'a'), v.Unix())
			b = binary.AppendUvarint(b, uint64(v.Nanosecond()))
		default:
			b = append(b, 'n')
		}
	}
	return b
}

func appendBytes(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func decodeCursor(b []byte) (*core.Cursor, bool) {
	d := decoder{b: b, ok: true}
	c := &core.Cursor{ID: core.EntryID(d.bytes())}
	for d.ok && len(d.b) > 0 {
		c.Values = append(c.Values, d.value())
	}
	return c, d.ok
}

// decoder reads what encodeCursor wrote; ok turns false at the first thing that is not so.
type decoder struct {
	b  []byte
	ok bool
}

func (d *decoder) value() any {
	kind := d.b[0]
	d.b = d.b[1:]
	switch kind {
	case 's':
		return string(d.bytes())
	case 'y':
		return d.bytes()
	case 'f', 't':
		return kind == 't'
	case 'i':
		return d.varint()
	case 'd':
		return math.Float64frombits(d.uint64())
	case 'a':
		return time.Unix(d.varint(), int64(d.uvarint()%1e9)).UTC()
	case 'n':
		return nil
	}
	d.ok = false
	return nil
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.ok = false
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) uint64() uint64 {
	if len(d.b) < 8 {
		d.ok = false
		return 0
	}
	v := binary.BigEndian.Uint64(d.b)
	d.b = d.b[8:]
	return v
}

func (d *decoder) skip(n int) {
	if n <= 0 {
		d.ok = false
		return
	}
	d.b = d.b[n:]
}

package log

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

// EncodeChanges writes changes as a JSON array. Documents go in verbatim: encoding/json would compact and escape
// them, and a commit's sum is over the very bytes.
func EncodeChanges(changes []core.Change) ([]byte, error) {
	size := 2
	for i := range changes {
		size += 512 + len(changes[i].Draft) + len(changes[i].Published)
	}
	b := append(make([]byte, 0, size), '[')
	for i := range changes {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendChange(b, &changes[i]); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// DecodeChanges reads what EncodeChanges wrote: an array of objects without white space between their members.
func DecodeChanges(data []byte) ([]core.Change, error) {
	if len(data) < 2 || data[0] != '[' {
		return nil, errSyntax
	}
	if string(data) == "[]" {
		return nil, nil
	}
	var changes []core.Change
	for i := 0; ; {
		c, end, err := decodeChange(data, i+1)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
		switch i = end; {
		case i == len(data)-1 && data[i] == ']':
			return changes, nil
		case i >= len(data) || data[i] != ',':
			return nil, errSyntax
		}
	}
}

var errSyntax = errors.New("its changes are not the JSON that was written")

// decodeChange takes the documents out of the object that begins at i and decodes the rest, which is small. It gives
// the index after the object.
func decodeChange(data []byte, i int) (c core.Change, end int, err error) {
	if i >= len(data) || data[i] != '{' {
		return c, 0, errSyntax
	}
	rest := make([]byte, 0, 512)
	for data[i] != '}' {
		begin := memberValue(data, i+1)
		if begin < 0 {
			return c, 0, errSyntax
		}
		end := valueEnd(data, begin, 0)
		if end < 0 || end >= len(data) || data[end] != ',' && data[end] != '}' {
			return c, 0, errSyntax
		}
		switch string(data[i+1 : begin]) {
		case `"draft":`:
			c.Draft = bytes.Clone(data[begin:end])
		case `"published":`:
			c.Published = bytes.Clone(data[begin:end])
		default:
			rest = append(append(rest, ','), data[i+1:end]...)
		}
		i = end
	}
	if len(rest) == 0 {
		return c, 0, errSyntax
	}
	rest[0] = '{'
	var h heading
	if err := json.Unmarshal(append(rest, '}'), &h); err != nil {
		return c, 0, err
	}
	c.Type, c.Entry, c.Op, c.Action, c.Comment, c.Meta, c.Salt = h.Type, h.Entry, h.Op, h.Action, h.Comment, h.Meta, h.Salt
	return c, i + 1, nil
}

// heading is a change without its documents.
type heading struct {
	Type    core.TypeName `json:"type"`
	Entry   core.EntryID  `json:"entry"`
	Op      core.Op       `json:"op"`
	Action  core.Action   `json:"action,omitempty"`
	Comment string        `json:"comment,omitempty"`
	Meta    core.Meta     `json:"meta"`
	Salt    string        `json:"salt,omitempty"`
}

func appendChange(b []byte, c *core.Change) ([]byte, error) {
	for _, s := range [...]string{string(c.Type), string(c.Entry), string(c.Action), c.Comment, c.Salt} {
		if !utf8.ValidString(s) {
			return nil, core.Errorf(core.CodeInternal, "the change of entry %.40q has a text that is not UTF-8", c.Entry)
		}
	}
	b = append(b, encode(heading{c.Type, c.Entry, c.Op, c.Action, c.Comment, c.Meta, c.Salt})...)
	b = b[:len(b)-1] // the closing brace
	b, err := appendDoc(b, c, `,"draft":`, c.Draft)
	if err != nil {
		return nil, err
	}
	if b, err = appendDoc(b, c, `,"published":`, c.Published); err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

func appendDoc(b []byte, c *core.Change, member string, doc core.Doc) ([]byte, error) {
	if doc == nil {
		return b, nil
	}
	if !whole(doc) {
		return nil, core.Errorf(core.CodeInternal, "the document of entry %s is not JSON text", c.Entry)
	}
	return append(append(b, member...), doc...), nil
}

// whole reports whether a document comes back byte for byte: JSON in UTF-8 with nothing around it. One that does not
// would make its commit unreadable, or its sum wrong, for ever.
func whole(doc core.Doc) bool { return wholeValue(doc) && utf8.Valid(doc) }

// encode writes plain values, which cannot fail, without escaping HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("log: %T cannot be encoded: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

package jsondoc

import (
	"bytes"
	"encoding/json"
	"iter"
	"unsafe"
)

// Members walks the members of one object in trusted, compact JSON text (as Encode writes it), in the text's order,
// without decoding the values. Keys and values share doc's memory, which must not change while they are in use.
// Text that is no compact object gives fewer members, never a panic.
func Members(doc []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		if len(doc) < 2 || doc[0] != '{' {
			return
		}
		for i := 1; i < len(doc) && doc[i] == '"'; {
			keyEnd := stringEnd(doc, i)
			if keyEnd-i < 2 || keyEnd >= len(doc) || doc[keyEnd] != ':' {
				return
			}
			end := valueEnd(doc, keyEnd+1)
			if !yield(key(doc[i:keyEnd]), doc[keyEnd+1:end]) {
				return
			}
			i = end + 1
		}
	}
}

func key(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return unsafe.String(unsafe.SliceData(inner), len(inner))
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return ""
	}
	return s
}

// stringEnd gives the index after the closing quote of the string that begins at i. It looks for quotes, not at each
// byte: texts are long and escapes are rare.
func stringEnd(b []byte, i int) int {
	for i++; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		quote := i + n
		slashes := 0
		for quote-1-slashes >= i && b[quote-1-slashes] == '\\' {
			slashes++
		}
		i = quote + 1
		if slashes%2 == 0 {
			return i
		}
	}
}

// valueEnd gives the index after the value that begins at i.
func valueEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = stringEnd(b, i); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(b)
}

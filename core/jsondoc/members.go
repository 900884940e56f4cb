package jsondoc

import (
	"encoding/json"
	"iter"
)

// Members walks the members of one object in trusted, compact JSON text (as Encode writes it), in the text's order,
// without decoding the values. A key without escapes shares doc's memory only until the next step: keep a copy.
// Text that is no compact object gives fewer members, never a panic.
func Members(doc []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		if len(doc) < 2 || doc[0] != '{' {
			return
		}
		for i := 1; i < len(doc) && doc[i] == '"'; {
			keyEnd := stringEnd(doc, i)
			if keyEnd >= len(doc) || doc[keyEnd] != ':' {
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
	for _, c := range inner {
		if c == '\\' {
			var s string
			if json.Unmarshal(quoted, &s) != nil {
				return ""
			}
			return s
		}
	}
	return string(inner)
}

// stringEnd gives the index after the closing quote of the string that begins at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
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

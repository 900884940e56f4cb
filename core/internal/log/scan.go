package log

// This scanner checks JSON text (RFC 8259) and finds where values end, without making anything of them. Every document
// passes it on the way into the log and again on the way out: it is several times faster than encoding/json, which
// looks at each byte through a state machine, and reading a log is mostly this.

// maxDepth keeps hostile text from using up the stack; encoding/json has the same limit.
const maxDepth = 10000

// wholeValue reports whether b is one JSON value with nothing around it.
func wholeValue(b []byte) bool {
	return valueEnd(b, 0, 0) == len(b) && len(b) > 0
}

// valueEnd gives the index after the value that begins at i, or -1 when there is none.
func valueEnd(b []byte, i, depth int) int {
	if i >= len(b) || depth > maxDepth {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		return stringEnd(b, i)
	case c == '{':
		return objectEnd(b, i, depth)
	case c == '[':
		return arrayEnd(b, i, depth)
	case c == '-' || '0' <= c && c <= '9':
		return numberEnd(b, i)
	default:
		return wordEnd(b, i)
	}
}

func objectEnd(b []byte, i, depth int) int {
	if i = space(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1
	}
	for ; ; i = space(b, i+1) {
		if i = memberValue(b, i); i < 0 {
			return -1
		}
		if i = valueEnd(b, i, depth+1); i < 0 {
			return -1
		}
		if i = space(b, i); i < len(b) && b[i] == '}' {
			return i + 1
		}
		if i >= len(b) || b[i] != ',' {
			return -1
		}
	}
}

// memberValue gives the index where the value begins of the member whose key begins at i, or -1.
func memberValue(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	if i = stringEnd(b, i); i < 0 {
		return -1
	}
	if i = space(b, i); i >= len(b) || b[i] != ':' {
		return -1
	}
	return space(b, i+1)
}

func arrayEnd(b []byte, i, depth int) int {
	if i = space(b, i+1); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for ; ; i = space(b, i+1) {
		if i = valueEnd(b, i, depth+1); i < 0 {
			return -1
		}
		if i = space(b, i); i < len(b) && b[i] == ']' {
			return i + 1
		}
		if i >= len(b) || b[i] != ',' {
			return -1
		}
	}
}

func stringEnd(b []byte, i int) int {
	for i++; i < len(b); {
		switch c := b[i]; {
		case c >= 0x20 && c != '"' && c != '\\': // which stand for themselves
			i++
		case c == '"':
			return i + 1
		case c == '\\':
			if i = escapeEnd(b, i); i < 0 {
				return -1
			}
		default:
			return -1
		}
	}
	return -1
}

func escapeEnd(b []byte, i int) int {
	if i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if i+6 > len(b) {
			return -1
		}
		for _, c := range b[i+2 : i+6] {
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
				return -1
			}
		}
		return i + 6
	}
	return -1
}

func numberEnd(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch begin := i; {
	case i < len(b) && b[i] == '0':
		i++
	default:
		if i = digits(b, i); i == begin {
			return -1
		}
	}
	if i < len(b) && b[i] == '.' {
		begin := i + 1
		if i = digits(b, begin); i == begin {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		begin := i
		if i = digits(b, begin); i == begin {
			return -1
		}
	}
	return i
}

func digits(b []byte, i int) int {
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i
}

func wordEnd(b []byte, i int) int {
	for _, word := range [...]string{"null", "true", "false"} {
		if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
			return i + len(word)
		}
	}
	return -1
}

// space gives the index of the first byte from i on that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

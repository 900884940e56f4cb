package catalog

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold gives a text without regard to case and accents: what contains and prefix compare.
func fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		writeFolded(&b, r)
	}
	return b.String()
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func writeFolded(b *strings.Builder, r rune) {
	switch {
	case r < utf8.RuneSelf && (r < 'A' || r > 'Z'):
		b.WriteByte(byte(r))
	case unicode.Is(unicode.Mn, r):
	case r == 'œ', r == 'Œ':
		b.WriteString("oe")
	case r == 'æ', r == 'Æ':
		b.WriteString("ae")
	case r == 'ß', r == 'ẞ':
		b.WriteString("ss")
	case r == '’', r == 'ʼ':
		b.WriteByte('\'')
	default:
		b.WriteRune(unicode.ToLower(r))
	}
}

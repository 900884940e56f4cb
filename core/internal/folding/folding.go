// Package folding writes text as it is compared: without regard to case and accents. What is searched, what slugs are made
// of, what a right's condition looks for and what an erasure knows again are folded by it alone, so that none of them takes
// for another text what the rest takes for the same.
package folding

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold gives a text in small letters without accents, its ligatures and the letters of Latin alphabets that do not come
// apart by themselves spelled out, typographic apostrophes and hyphens as those of a keyboard.
func Fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		write(&b, r)
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

func write(b *strings.Builder, r rune) {
	if unicode.Is(unicode.Mn, r) {
		return
	}
	r = unicode.ToLower(r)
	if r >= utf8.RuneSelf {
		if spelled := spelledOut(r); spelled != "" {
			b.WriteString(spelled)
			return
		}
	}
	b.WriteRune(r)
}

// spelledOut gives what is written on a keyboard for a character that does not come apart by itself; "" for any other.
func spelledOut(r rune) string {
	switch r {
	case 'œ':
		return "oe"
	case 'æ':
		return "ae"
	case 'ß':
		return "ss"
	case 'ø':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'þ':
		return "th"
	case 'ı':
		return "i"
	case '’', 'ʼ':
		return "'"
	case '\u2010', '\u2011':
		return "-"
	}
	return ""
}

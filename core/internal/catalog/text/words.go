package text

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"
)

// maxWordBytes cuts off what nobody searches for.
const maxWordBytes = 96

// span is one word of a text: the bytes from start to end stand for forms. Most words have one form; inclusive
// writing has two.
type span struct {
	start, end int
	first      *word
	second     *word // nil, or the other form
}

// scan cuts text into words and calls f with each.
func (a *analyser) scan(text string, f func(span)) {
	for i := 0; i < len(text); {
		r, size := runeAt(text, i)
		if !isWordRune(r) {
			i += size
			continue
		}
		s := a.word(text, i)
		if s.first != nil {
			f(s)
		}
		i = s.end
	}
}

// word reads the word that begins at i.
func (a *analyser) word(text string, i int) span {
	s := span{start: i}
	a.lower = a.lower[:0]
	for i < len(text) {
		r, size := runeAt(text, i)
		if isWordRune(r) {
			a.add(r)
			i += size
			continue
		}
		next, ok := a.joint(text, i, r, size)
		if !ok {
			break
		}
		if next < 0 { // an elided article: the word begins after it
			i += size
			s.start, a.lower = i, a.lower[:0]
			continue
		}
		if isApostrophe(r) {
			i = next
			continue
		}
		return a.inclusive(text, s, next)
	}
	s.end, s.first = i, a.lookup(a.lower)
	return s
}

func (a *analyser) add(r rune) {
	if len(a.lower) < maxWordBytes {
		a.lower = utf8.AppendRune(a.lower, unicode.ToLower(r))
	}
}

// joint looks at a sign between letters. It gives where reading goes on, -1 when what was read is an elided article,
// and false when the word ends before the sign.
func (a *analyser) joint(text string, i int, r rune, size int) (next int, ok bool) {
	after, _ := runeAt(text, i+size)
	switch {
	case isApostrophe(r) && unicode.IsLetter(after):
		if slices.Contains(elided, string(a.lower)) {
			return -1, true
		}
		return i + size, !isPossessive(text[i+size:])
	case isInclusiveDot(r) && unicode.IsLetter(after):
		return i, true
	case (r == '.' || r == '(') && unicode.IsLower(after):
		return i, inclusiveEnd(text[i:]) > 0
	}
	return 0, false
}

// isPossessive reports whether the text after an apostrophe is an English s that ends there.
func isPossessive(rest string) bool {
	if rest[0] != 's' && rest[0] != 'S' {
		return false
	}
	r, _ := runeAt(rest, 1)
	return !isWordRune(r)
}

// inclusive finishes a word at whose place at an inclusive ending begins: "citoyen" before "·ne·s".
func (a *analyser) inclusive(text string, s span, at int) span {
	base := slices.Clone(a.lower)
	s.first = a.lookup(base)
	end, suffix := readEndings(text, at)
	s.end = end
	if other := otherForm(string(base), suffix); other != "" {
		s.second = a.lookup([]byte(other))
	}
	if s.second == s.first {
		s.second = nil
	}
	return s
}

// readEndings reads "·ne·s" or "(e)s" and gives where it ends and its first ending.
func readEndings(text string, i int) (end int, first string) {
	if text[i] == '.' || text[i] == '(' {
		end = i + inclusiveEnd(text[i:])
		return end, endingAt(text[i+1:])
	}
	for i < len(text) {
		r, size := runeAt(text, i)
		after, _ := runeAt(text, i+size)
		if !isInclusiveDot(r) || !unicode.IsLetter(after) {
			break
		}
		letters := lettersAt(text[i+size:])
		if first == "" {
			first = letters
		}
		i += size + len(letters)
	}
	return i, first
}

func lettersAt(text string) string {
	for i, r := range text {
		if !unicode.IsLetter(r) {
			return text[:i]
		}
	}
	return text
}

// The endings that a full stop or a bracket may join to a word without being a new word.
var endings = []string{"e", "es", "ne", "nes", "le", "les", "te", "tes", "se", "ses", "rice", "rices", "trice", "trices",
	"euse", "euses", "ère", "ères", "ve", "ves", "s", "x"}

func endingAt(text string) string {
	letters := lettersAt(text)
	if slices.Contains(endings, letters) {
		return letters
	}
	return ""
}

// inclusiveEnd gives the length of an inclusive ending written with full stops or a bracket, 0 when it is none.
func inclusiveEnd(text string) int {
	ending := endingAt(text[1:])
	if ending == "" {
		return 0
	}
	end := 1 + len(ending)
	if text[0] == '(' {
		if end >= len(text) || text[end] != ')' {
			return 0
		}
		return end + 1 + len(lettersAt(text[end+1:]))
	}
	if end+1 < len(text) && text[end] == '.' {
		if more := endingAt(text[end+1:]); more != "" {
			return end + 1 + len(more)
		}
	}
	return end
}

// otherForm makes the second form of an inclusive word: citoyen and ne give citoyenne, acteur and rice actrice.
func otherForm(base, suffix string) string {
	suffix = string(bytes.TrimSuffix([]byte(suffix), []byte("s")))
	for _, rule := range [...]struct{ suffix, ending, by string }{
		{"rice", "eur", "rice"}, {"trice", "teur", "trice"}, {"euse", "eur", "euse"}, {"ère", "er", "ère"}, {"ve", "f", "ve"},
	} {
		if suffix == rule.suffix && len(base) > len(rule.ending) && base[len(base)-len(rule.ending):] == rule.ending {
			return base[:len(base)-len(rule.ending)] + rule.by
		}
	}
	switch suffix {
	case "", "x":
		return ""
	}
	return base + suffix
}

// elided are the words that lose their vowel before another.
var elided = []string{"l", "d", "j", "m", "t", "s", "c", "n", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu"}

func runeAt(text string, i int) (rune, int) {
	if i >= len(text) {
		return -1, 1
	}
	if c := text[i]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(text[i:])
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

func isApostrophe(r rune) bool {
	switch r {
	case '\'', '’', 'ʼ', '‘', '´', '`', '＇':
		return true
	}
	return false
}

func isInclusiveDot(r rune) bool {
	switch r {
	case '·', '‧', '•', '⋅', '∙', '・':
		return true
	}
	return false
}

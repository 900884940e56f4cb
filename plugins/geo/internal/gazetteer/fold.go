package gazetteer

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold writes a name in the letters that names are compared in: small, without accents and ligatures, words separated
// by one space whatever stood between them, "st" and "ste" in full.
func fold(name string) string { return string(appendFolded(nil, name, false)) }

// appendFolded folds a name to the end of out. The last word of an open name may be the beginning of a longer one, so
// that it is not taken for an abbreviation.
func appendFolded(out []byte, name string, open bool) []byte {
	begin, word, latin := len(out), len(out), foldedLatin()
	for _, r := range name {
		folded := foldRune(latin, r)
		if folded != " " {
			out = append(out, folded...)
			continue
		}
		if len(out) > word {
			out = append(inFull(out, word), ' ')
			word = len(out)
		}
	}
	if len(out) > word && !open {
		return inFull(out, word)
	}
	if len(out) > begin && len(out) == word {
		return out[:len(out)-1] // the space after the last word
	}
	return out
}

// inFull writes the last word in full if it is an abbreviation.
func inFull(out []byte, word int) []byte {
	switch string(out[word:]) {
	case "st":
		return append(out[:word], "saint"...)
	case "ste":
		return append(out[:word], "sainte"...)
	}
	return out
}

// foldRune gives the letters that stand for one, "" for an accent by itself, and " " for what separates words.
func foldRune(latin *latinTable, r rune) string {
	if int(r) < len(latin) {
		return latin[r]
	}
	return slowFold(r)
}

// A latinTable holds the folds of the letters that French names are written in.
type latinTable [0x180]string

var foldedLatin = sync.OnceValue(func() *latinTable {
	table := &latinTable{}
	for r := range table {
		table[r] = slowFold(rune(r))
	}
	return table
})

func slowFold(r rune) string {
	switch unicode.ToLower(r) {
	case 'œ':
		return "oe"
	case 'æ':
		return "ae"
	}
	if unicode.Is(unicode.Mn, r) {
		return ""
	}
	var letters strings.Builder
	for _, part := range norm.NFKD.String(string(r)) {
		if unicode.IsLetter(part) || unicode.IsDigit(part) {
			letters.WriteRune(unicode.ToLower(part))
		}
	}
	if letters.Len() == 0 {
		return " "
	}
	return letters.String()
}

// article tells whether a folded word is one of those that people leave out, or lez, which some write for les.
func article(word string) bool {
	switch word {
	case "l", "le", "la", "les", "lez", "d", "de", "du", "des":
		return true
	}
	return false
}

// appendBare appends a folded name without its articles. A name of nothing else keeps them.
func appendBare(out []byte, folded string) []byte {
	begin := len(out)
	for word := range strings.SplitSeq(folded, " ") {
		if article(word) {
			continue
		}
		if len(out) > begin {
			out = append(out, ' ')
		}
		out = append(out, word...)
	}
	if len(out) == begin {
		return append(out, folded...)
	}
	return out
}

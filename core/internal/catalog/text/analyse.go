package text

import (
	"strings"
	"unicode"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/analysis/lang/fr"
	"golang.org/x/text/unicode/norm"
)

// word is everything that is known of one written word.
type word struct {
	folded    string // lower case, no accents
	inFrench  string // the stem in each language; "" for a function word
	inEnglish string
}

// terms calls f with each term that stands for the word in a field of a language.
func (w *word) terms(l language, f func(term string)) {
	switch l {
	case french:
		emit(w.inFrench, f)
	case english:
		emit(w.inEnglish, f)
	case unknown:
		emit(w.inFrench, f)
		if w.inFrench != "" && w.folded != w.inFrench {
			f(w.folded)
		}
	default:
		f(w.folded)
	}
}

func emit(term string, f func(string)) {
	if term != "" {
		f(term)
	}
}

// functional reports whether a language does not index the word.
func (w *word) functional() bool { return w.inFrench == "" || w.inEnglish == "" }

// maxKnown bounds the memory of an analyser's words.
const maxKnown = 1 << 14

// analyser turns text into words. It remembers those that it has met, since stemming is slow and languages
// repeat themselves. It serves one goroutine.
type analyser struct {
	known map[string]*word
	lower []byte
}

func newAnalyser() *analyser { return &analyser{known: make(map[string]*word)} }

// lookup gives the word written in lower case.
func (a *analyser) lookup(lower []byte) *word {
	if w, ok := a.known[string(lower)]; ok {
		return w
	}
	if len(a.known) >= maxKnown {
		clear(a.known)
	}
	w := newWord(string(lower))
	a.known[string(lower)] = w
	return w
}

// newWord analyses one word; nil when nothing is left of it.
func newWord(lower string) *word {
	w := &word{folded: fold(lower)}
	if w.folded == "" {
		return nil
	}
	if !frenchStops[lower] {
		w.inFrench = stem(frenchStemmer, w.folded)
	}
	if !englishStops[lower] {
		w.inEnglish = stem(englishStemmer, w.folded)
	}
	return w
}

// The stemmers hold no state.
var (
	frenchStemmer  analysis.TokenFilter = fr.NewFrenchLightStemmerFilter()
	englishStemmer analysis.TokenFilter = en.NewEnglishStemmerFilter()
)

// stem stems a folded word: accents were taken off before, so that they make no difference to what is found.
func stem(filter analysis.TokenFilter, folded string) string {
	out := filter.Filter(analysis.TokenStream{{Term: []byte(folded)}})
	if len(out) == 0 || len(out[0].Term) == 0 {
		return folded
	}
	return string(out[0].Term)
}

// fold takes off accents from a word in lower case and writes ligatures out.
func fold(lower string) string {
	if isASCII(lower) {
		return lower
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(lower) {
		switch r {
		case 'œ':
			b.WriteString("oe")
		case 'æ':
			b.WriteString("ae")
		case 'ß':
			b.WriteString("ss")
		case 'ø':
			b.WriteByte('o')
		case 'ł':
			b.WriteByte('l')
		case 'đ', 'ð':
			b.WriteByte('d')
		default:
			if !unicode.Is(unicode.Mn, r) {
				b.WriteRune(unicode.ToLower(r))
			}
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

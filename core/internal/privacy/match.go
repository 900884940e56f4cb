package privacy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/folding"
)

// The length of what may be looked for, in characters.
const (
	shortestText = 3
	longestText  = 200
)

// matcher knows a subject when it reads of one.
type matcher struct {
	folded string
	words  []string // of the text, where it has several
	slug   string
	figure string // of a telephone number
}

func newMatcher(text string) (*matcher, error) {
	folded := fold(text)
	if n := utf8.RuneCountInString(folded); n < shortestText || n > longestText || !utf8.ValidString(text) {
		return nil, core.Refuse(core.CodeInvalid, "", "Look for 3 to 200 characters: a name, an e-mail address or a telephone number.",
			"Cherchez de 3 à 200 caractères : un nom, une adresse électronique ou un numéro de téléphone.")
	}
	m := &matcher{folded: folded, figure: telephone(text), slug: slugOf(text)}
	if words := strings.Fields(folded); len(words) > 1 && m.figure == "" {
		m.words = words
	}
	return m, nil
}

// in reports whether a text holds what is looked for.
func (m *matcher) in(text string) bool {
	if strings.Contains(fold(text), m.folded) {
		return true
	}
	return m.figure != "" && (telephone(text) == m.figure || len(m.figure) == telling && dialled(text, m.figure))
}

// inSlug reports whether an address holds what is looked for.
func (m *matcher) inSlug(slug string) bool {
	return m.in(slug) || m.slug != "" && strings.Contains("-"+slug+"-", "-"+m.slug+"-")
}

// across reports whether each word that is looked for is a word of one of the texts, and none of them has all: a first name
// here, a last name there.
func (m *matcher) across(texts []string) bool {
	if m.words == nil {
		return false
	}
	for _, word := range m.words {
		if !hasWord(texts, word) {
			return false
		}
	}
	return true
}

func hasWord(texts []string, word string) bool {
	for _, text := range texts {
		for _, w := range strings.FieldsFunc(fold(text), partsWords) {
			if w == word {
				return true
			}
		}
	}
	return false
}

// partsWords reports whether a character stands between words.
func partsWords(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '\'' && r != '@' && r != '.'
}

// How many figures a telephone number has at least, and how many of the last ones tell it from others.
const (
	least   = 6
	telling = 9
)

// telephone gives the figures that tell a telephone number from others, however it is written, inland or from abroad; "" for
// what is no number.
func telephone(s string) string {
	figures, rest := dial(folding.Fold(s))
	if rest != "" || len(figures) < least {
		return ""
	}
	return figures[max(0, len(figures)-telling):]
}

// dialled reports whether a text holds a telephone number among its words.
func dialled(text, figure string) bool {
	for text = folding.Fold(text); text != ""; {
		figures, rest := dial(text)
		if strings.Contains(figures, figure) {
			return true
		}
		text = rest[min(1, len(rest)):]
	}
	return false
}

// dial gives the figures at the beginning of a text, with what may part them, and the rest of it.
func dial(s string) (figures, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			b.WriteByte(c)
		case strings.IndexByte(" +-.()/", c) < 0:
			return b.String(), s[i:]
		}
	}
	return b.String(), ""
}

// fold gives a text without regard to case, accents and the width of spaces.
func fold(s string) string { return strings.Join(strings.Fields(folding.Fold(s)), " ") }

// slugOf writes a text as a slug would: small letters and figures, parted by dashes.
func slugOf(text string) string {
	words := strings.FieldsFunc(fold(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

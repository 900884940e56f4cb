package privacy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

// names are the values that an erasure takes away, to be known again where they stand in a slug, in a remark, or in a field
// that the type has no more. The zero names are none.
type names struct {
	folded  map[string]bool
	slugs   map[string]bool
	words   map[string]bool // of what is short enough to be a name
	figures map[string]bool // of telephone numbers
}

// The least length of a value that is known again: less would hit what has nothing to do with it. What has more words than a
// name is no name.
const (
	leastFolded = 4
	leastSlug   = 6
	mostWords   = 5
)

// add takes in what fields hold in the documents of a change.
func (n *names) add(ch *core.Change, fields []string) error {
	docs, err := changed(ch)
	for _, doc := range docs {
		eachText(doc, func(w words) {
			if !w.name && coveredBy(fields, w.path) {
				n.learn(w.text)
			}
		})
	}
	return err
}

func (n *names) learn(text string) {
	if placeholder(text) {
		return
	}
	if n.folded == nil {
		n.folded, n.slugs, n.words, n.figures = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	folded := fold(text)
	if utf8.RuneCountInString(folded) >= leastFolded {
		n.folded[folded] = true
	}
	if s := slugOf(text); len(s) >= leastSlug && strings.Contains(s, "-") {
		n.slugs[s] = true
	}
	if words := strings.FieldsFunc(folded, partsRemark); len(words) <= mostWords {
		for _, w := range words {
			n.words[w] = n.words[w] || tells(w)
		}
	}
	if f := telephone(text); f != "" {
		n.figures[f] = true
	}
}

// tells reports whether a word may be a name by itself: four characters, or three letters that part no names.
func tells(word string) bool {
	const particles = " aux ben bin del den der des les the une van von "
	n := utf8.RuneCountInString(word)
	return n >= leastFolded || n == leastFolded-1 && !strings.ContainsFunc(word, unicode.IsDigit) && !strings.Contains(particles, " "+word+" ")
}

// partsRemark reports whether a character stands between words; a name in two parts is two words.
func partsRemark(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// placeholder reports whether a text is one that an earlier erasure has left.
func placeholder(text string) bool {
	return text == "Personne anonymisée" || strings.HasPrefix(text, "anonyme") || strings.Contains(text, "example.invalid")
}

// inText reports whether a text holds a value.
func (n *names) inText(text string) bool {
	folded := fold(text)
	for f := range n.folded {
		if strings.Contains(folded, f) {
			return true
		}
	}
	return false
}

// inRemark reports whether a remark names what is erased, be it by a first name alone or a number written otherwise. Better
// one remark too many is gone.
func (n *names) inRemark(text string) bool {
	if n.inText(text) || slices.ContainsFunc(strings.FieldsFunc(fold(text), partsRemark), func(w string) bool { return n.words[w] }) {
		return true
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	for f := range n.figures {
		if strings.Contains(digits, f) {
			return true
		}
	}
	return false
}

// inSlug reports whether a slug holds the words of a value of several words.
func (n *names) inSlug(slug string) bool {
	for s := range n.slugs {
		if strings.Contains("-"+slug+"-", "-"+s+"-") {
			return true
		}
	}
	return false
}

// clean leaves out the slugs that hold a value.
func (n *names) clean(slugs []string) []string {
	kept := slices.DeleteFunc(slices.Clone(slugs), n.inSlug)
	if len(kept) == 0 {
		return nil
	}
	return kept
}

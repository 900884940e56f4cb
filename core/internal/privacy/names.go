package privacy

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

// names are the values that an erasure takes away, to be known again where they stand in a slug, in a remark, or in a field
// that the type has no more. The zero names are none.
type names struct {
	folded map[string]bool
	slugs  map[string]bool
}

// The least length of a value that is known again: less would hit what has nothing to do with it.
const (
	leastFolded = 4
	leastSlug   = 6
)

// add takes in what fields hold in the documents of a change.
func (n *names) add(ch *core.Change, fields []string) error {
	docs, err := changed(ch)
	for _, doc := range docs {
		eachText(doc, func(path, text string) {
			if coveredBy(fields, path) {
				n.learn(text)
			}
		})
	}
	return err
}

func (n *names) learn(text string) {
	if n.folded == nil {
		n.folded, n.slugs = map[string]bool{}, map[string]bool{}
	}
	if f := fold(text); utf8.RuneCountInString(f) >= leastFolded && !placeholder(text) {
		n.folded[f] = true
	}
	if s := slugOf(text); len(s) >= leastSlug && strings.Contains(s, "-") && !placeholder(text) {
		n.slugs[s] = true
	}
}

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

package privacy

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// words is a text, or a number, of a document: the path of the field that has it, and the steps that lead there, which stay
// as they are only while the function that is given them runs. The name of a member counts as one too: in what a type leaves
// open, it may say anything.
type words struct {
	path, text string
	steps      []string
	name       bool
}

// eachText calls f with every text and number of a document and of its translations. A rich text is one text: its marks do
// not part words.
func eachText(doc map[string]any, f func(w words)) {
	for name, v := range doc {
		if name != core.DocTranslations && name != core.DocLocale {
			eachTextIn(v, name, []string{name}, f)
		}
	}
	translations, _ := doc[core.DocTranslations].(map[string]any)
	for locale, overlay := range translations {
		if in, ok := overlay.(map[string]any); ok {
			for name, v := range in {
				eachTextIn(v, name, []string{core.DocTranslations, locale, name}, f)
			}
		}
	}
}

func eachTextIn(v any, path string, steps []string, f func(w words)) {
	switch v := v.(type) {
	case string:
		f(words{path: path, text: v, steps: steps})
	case json.Number:
		f(words{path: path, text: v.String(), steps: steps})
	case []any:
		for i, item := range v {
			eachTextIn(item, path, append(steps, strconv.Itoa(i)), f)
		}
	case map[string]any:
		if v["type"] == "doc" {
			var r rich
			r.read(v)
			f(words{path: path, text: r.text(), steps: steps})
			return
		}
		for name, inner := range v {
			if !strings.HasPrefix(name, "_") { // references and media name entries, not people
				inside := append(steps, name)
				f(words{path: path, text: name, steps: inside, name: true})
				eachTextIn(inner, path+"."+name, inside, f)
			}
		}
	}
}

// rich is what a rich text says: its words, blocks parted by spaces, and what stands beside them, as an address behind a link
// or the name under a quotation.
type rich struct {
	words  strings.Builder
	beside []string
}

func (r *rich) text() string { return r.words.String() + strings.Join(r.beside, " ") }

func (r *rich) read(node map[string]any) {
	r.collect(node["attrs"])
	marks, _ := node["marks"].([]any)
	for _, mark := range marks {
		if m, ok := mark.(map[string]any); ok {
			r.collect(m["attrs"])
		}
	}
	if text, ok := node["text"].(string); ok {
		r.words.WriteString(text)
		return
	}
	content, _ := node["content"].([]any)
	for _, child := range content {
		if n, ok := child.(map[string]any); ok {
			r.read(n)
		}
	}
	r.words.WriteByte(' ')
}

// collect takes the texts of attributes.
func (r *rich) collect(attrs any) {
	eachTextIn(attrs, "", nil, func(w words) {
		if !w.name {
			r.beside = append(r.beside, w.text)
		}
	})
}

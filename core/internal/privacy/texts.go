package privacy

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// words is a text, or a number, of a document: the path of the field that has it, and the steps that lead there, which stay
// as they are only while the function that is given them runs.
type words struct {
	path, text string
	steps      []string
}

func (w *words) pointer() string { return jsondoc.Pointer(w.steps...) }

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
		f(words{path, v, steps})
	case json.Number:
		f(words{path, v.String(), steps})
	case []any:
		for i, item := range v {
			eachTextIn(item, path, append(steps, strconv.Itoa(i)), f)
		}
	case map[string]any:
		if v["type"] == "doc" {
			var b strings.Builder
			writeRich(&b, v)
			f(words{path, b.String(), steps})
			return
		}
		for name, inner := range v {
			if !strings.HasPrefix(name, "_") { // references and media name entries, not people
				eachTextIn(inner, path+"."+name, append(steps, name), f)
			}
		}
	}
}

// writeRich writes the words of a rich text, its blocks parted by spaces.
func writeRich(b *strings.Builder, node map[string]any) {
	if text, ok := node["text"].(string); ok {
		b.WriteString(text)
		return
	}
	content, _ := node["content"].([]any)
	for _, child := range content {
		if n, ok := child.(map[string]any); ok {
			writeRich(b, n)
		}
	}
	if node["type"] != "text" {
		b.WriteByte(' ')
	}
	attrs, _ := node["attrs"].(map[string]any)
	for _, v := range attrs { // an address behind a link, the name under a quotation
		if text, ok := v.(string); ok {
			b.WriteString(text + " ")
		}
	}
}

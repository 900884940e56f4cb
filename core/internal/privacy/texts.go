package privacy

import (
	"encoding/json"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// eachText calls f with every text and number of a document and of its translations, and with the field's path. A rich text
// is one text: its marks do not part words.
func eachText(doc map[string]any, f func(path, text string)) {
	for name, v := range doc {
		if name != core.DocTranslations && name != core.DocLocale {
			eachTextIn(name, v, f)
		}
	}
	translations, _ := doc[core.DocTranslations].(map[string]any)
	for _, overlay := range translations {
		if in, ok := overlay.(map[string]any); ok {
			for name, v := range in {
				eachTextIn(name, v, f)
			}
		}
	}
}

func eachTextIn(path string, v any, f func(path, text string)) {
	switch v := v.(type) {
	case string:
		f(path, v)
	case json.Number:
		f(path, v.String())
	case []any:
		for _, item := range v {
			eachTextIn(path, item, f)
		}
	case map[string]any:
		if v["type"] == "doc" {
			var b strings.Builder
			writeRich(&b, v)
			f(path, b.String())
			return
		}
		for name, inner := range v {
			if !strings.HasPrefix(name, "_") { // references and media name entries, not people
				eachTextIn(path+"."+name, inner, f)
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

package httpapi

import (
	"html/template"
	"net/url"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// richHTML writes the tree of a rich text as HTML. Every piece of text is escaped and every element is one of ours: what
// is not known shows its text only.
func richHTML(doc map[string]any, p page) template.HTML {
	w := richWriter{page: p}
	w.nodes(doc["content"], 0)
	return template.HTML(w.out.String())
}

type richWriter struct {
	out  strings.Builder
	page page
}

// maxRichDepth ends the walk through a tree that no editor makes.
const maxRichDepth = 40

// elements are the blocks that become one element around their content.
var elements = map[string]string{"paragraph": "p", "bulletList": "ul", "orderedList": "ol", "listItem": "li", "blockquote": "blockquote",
	"table": "table", "tableRow": "tr", "tableHeader": "th", "tableCell": "td", "codeBlock": "pre", "callout": "aside"}

// markElements are the marks that become one element.
var markElements = map[string]string{"bold": "strong", "strong": "strong", "italic": "em", "em": "em", "superscript": "sup", "subscript": "sub", "code": "code"}

func (w *richWriter) nodes(v any, depth int) {
	list, _ := v.([]any)
	for _, item := range list {
		if n, ok := item.(map[string]any); ok && depth < maxRichDepth {
			w.node(n, depth)
		}
	}
}

func (w *richWriter) node(n map[string]any, depth int) {
	kind := textOf(n["type"])
	attrs, _ := n["attrs"].(map[string]any)
	switch kind {
	case "text":
		w.text(n)
	case "hardBreak":
		w.out.WriteString("<br>")
	case "horizontalRule":
		w.out.WriteString("<hr>")
	case "heading":
		w.wrap(headingElement(textOf(attrs["level"])), n, depth)
	case "image":
		w.wrap("p", map[string]any{"content": []any{map[string]any{"type": "text", "text": either(textOf(attrs["caption"]), textOf(attrs["alt"]))}}}, depth)
	default:
		w.wrap(elements[kind], n, depth)
	}
}

// headingElement goes one level down: the page's own heading is the first.
func headingElement(level string) string {
	switch level {
	case "3":
		return "h3"
	case "4", "5", "6":
		return "h4"
	}
	return "h2"
}

func (w *richWriter) wrap(element string, n map[string]any, depth int) {
	if element != "" {
		w.out.WriteString("<" + element + ">")
	}
	w.nodes(n["content"], depth+1)
	if element != "" {
		w.out.WriteString("</" + element + ">")
	}
}

func (w *richWriter) text(n map[string]any) {
	var after []string
	marks, _ := n["marks"].([]any)
	for _, item := range marks {
		mark, _ := item.(map[string]any)
		if opening, closing := w.mark(mark); opening != "" {
			w.out.WriteString(opening)
			after = append(after, closing)
		}
	}
	w.out.WriteString(template.HTMLEscapeString(textOf(n["text"])))
	for i := len(after) - 1; i >= 0; i-- {
		w.out.WriteString(after[i])
	}
}

func (w *richWriter) mark(m map[string]any) (opening, closing string) {
	kind := textOf(m["type"])
	if e := markElements[kind]; e != "" {
		return "<" + e + ">", "</" + e + ">"
	}
	attrs, _ := m["attrs"].(map[string]any)
	if kind == "link" {
		if to := w.target(attrs); to != "" {
			return `<a href="` + template.HTMLEscapeString(to) + `" rel="noopener nofollow">`, "</a>"
		}
	}
	return "", ""
}

// target gives where a link leads: an entry here, a web address, a mail address; anything else leads nowhere.
func (w *richWriter) target(attrs map[string]any) string {
	if ref, ok := attrs["ref"].(map[string]any); ok {
		name, id := either(textOf(ref["_type"]), textOf(ref["type"])), either(textOf(ref["_ref"]), textOf(ref["id"]))
		return w.page.Link(browsePath(core.TypeName(name), id))
	}
	href := strings.TrimSpace(textOf(attrs["href"]))
	u, err := url.Parse(href)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "http", "https", "mailto", "tel":
		return u.String()
	case "":
		if strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "//") && !strings.Contains(href, "\\") || strings.HasPrefix(href, "#") {
			return u.String()
		}
	}
	return ""
}

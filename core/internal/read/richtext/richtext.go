// Package richtext writes stored rich text, a JSON tree, as HTML or as plain text.
//
// The tree is {"type": "doc", "v": 1, "content": [block…]}; a block is {"type", "attrs", "content"}, a text {"type":
// "text", "text", "marks"}. The HTML holds the elements that are known here and no others, no style and no script; every
// text and attribute is escaped, and an address is written only when it is relative or begins with http:, https:,
// mailto: or tel:. What is not known gives its content and nothing of its own. Media and references within the content
// have no address of their own: they are written with data-media, data-ref and data-type, for the website to resolve.
package richtext

import (
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
)

// maxDepth bounds the walk; a stored document is no deeper.
const maxDepth = 64

// node is a part of the tree.
type node map[string]any

func (n node) kind() string    { return text(n["type"]) }
func (n node) attrs() node     { return object(n["attrs"]) }
func (n node) children() []any { return list(n["content"]) }

func object(v any) node {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// whole gives a small whole number, or 0.
func whole(v any) int {
	n, _ := v.(json.Number)
	i, err := strconv.Atoi(string(n))
	if err != nil || i < 0 || i > 1000 {
		return 0
	}
	return i
}

// HTML writes a tree as HTML.
func HTML(tree any) string {
	var w htmlWriter
	w.node(tree, 0)
	return w.String()
}

type htmlWriter struct{ strings.Builder }

// plain are the blocks that are one element without attributes.
var plain = map[string]string{"paragraph": "p", "bulletList": "ul", "listItem": "li", "tableRow": "tr"}

func (w *htmlWriter) node(v any, depth int) {
	n := object(v)
	if n == nil || depth > maxDepth {
		return
	}
	if name := plain[n.kind()]; name != "" {
		w.element(name, "", n, depth)
		return
	}
	switch n.kind() {
	case "text":
		w.text(n)
	case "heading":
		w.heading(n, depth)
	case "orderedList":
		w.element("ol", number("start", n.attrs()["start"]), n, depth)
	case "blockquote":
		w.quote(n, depth)
	case "table":
		w.table(n, depth)
	case "tableHeader":
		w.element("th", cell(n)+scope(n), n, depth)
	case "tableCell":
		w.element("td", cell(n), n, depth)
	case "callout":
		w.callout(n, depth)
	case "codeBlock":
		w.WriteString("<pre>")
		w.element("code", attribute("data-language", n.attrs()["language"]), n, depth)
		w.WriteString("</pre>")
	default:
		w.leaf(n, depth)
	}
}

// leaf writes what holds no blocks, and the content of what is not known.
func (w *htmlWriter) leaf(n node, depth int) {
	switch n.kind() {
	case "horizontalRule":
		w.WriteString("<hr>")
	case "hardBreak":
		w.WriteString("<br>")
	case "image":
		w.image(n)
	case "embed":
		w.embed(n)
	case "footnote":
		w.footnote(n, depth)
	default:
		w.inside(n, depth)
	}
}

func (w *htmlWriter) element(name, attributes string, n node, depth int) {
	w.WriteString("<" + name + attributes + ">")
	w.inside(n, depth)
	w.WriteString("</" + name + ">")
}

func (w *htmlWriter) inside(n node, depth int) {
	for _, child := range n.children() {
		w.node(child, depth+1)
	}
}

// heading keeps to 2 to 4: level 1 is the title of the page.
func (w *htmlWriter) heading(n node, depth int) {
	level := min(max(whole(n.attrs()["level"]), 2), 4)
	w.element("h"+strconv.Itoa(level), attribute("id", n.attrs()["id"]), n, depth)
}

func (w *htmlWriter) quote(n node, depth int) {
	w.WriteString("<blockquote>")
	w.inside(n, depth)
	for _, name := range []string{"attribution", "cite"} {
		if s := text(n.attrs()[name]); s != "" {
			w.WriteString("<footer>" + html.EscapeString(s) + "</footer>")
			break
		}
	}
	w.WriteString("</blockquote>")
}

func (w *htmlWriter) table(n node, depth int) {
	w.WriteString("<table>")
	if s := text(n.attrs()["caption"]); s != "" {
		w.WriteString("<caption>" + html.EscapeString(s) + "</caption>")
	}
	w.inside(n, depth)
	w.WriteString("</table>")
}

func cell(n node) string {
	return number("colspan", n.attrs()["colspan"]) + number("rowspan", n.attrs()["rowspan"])
}

func scope(n node) string {
	if text(n.attrs()["scope"]) == "row" {
		return ` scope="row"`
	}
	return ` scope="col"`
}

func (w *htmlWriter) callout(n node, depth int) {
	w.WriteString("<aside" + attribute("data-tone", n.attrs()["tone"]) + ">")
	if s := text(n.attrs()["title"]); s != "" {
		w.WriteString("<p><strong>" + html.EscapeString(s) + "</strong></p>")
	}
	w.inside(n, depth)
	w.WriteString("</aside>")
}

func (w *htmlWriter) image(n node) {
	a := n.attrs()
	alt := text(a["alt"])
	if decorative, _ := a["decorative"].(bool); decorative {
		alt = ""
	}
	w.WriteString("<figure><img" + media(a["ref"]) + ` alt="` + html.EscapeString(alt) + `">`)
	w.caption(a)
	w.WriteString("</figure>")
}

func (w *htmlWriter) caption(a node) {
	if s := text(a["caption"]); s != "" {
		w.WriteString("<figcaption>" + html.EscapeString(s) + "</figcaption>")
	}
}

func (w *htmlWriter) embed(n node) {
	a := n.attrs()
	w.WriteString("<figure" + attribute("data-embed", a["kind"]) + reference(a["ref"]) + ">")
	if address, ok := safe(a["url"]); ok {
		w.WriteString(`<a href="` + html.EscapeString(address) + `">` + html.EscapeString(address) + "</a>")
	}
	w.caption(a)
	w.WriteString("</figure>")
}

// footnote stands where it is called: the website may collect them.
func (w *htmlWriter) footnote(n node, depth int) {
	w.WriteString(`<small role="note">`)
	w.WriteString(html.EscapeString(text(n.attrs()["note"])))
	w.inside(n, depth)
	w.WriteString("</small>")
}

var markElements = map[string]string{"bold": "strong", "italic": "em", "superscript": "sup", "subscript": "sub", "code": "code"}

// text writes the marks around the words, the first outside.
func (w *htmlWriter) text(n node) {
	var after []string
	for _, m := range list(n["marks"]) {
		open, name := mark(object(m))
		if name == "" {
			continue
		}
		w.WriteString(open)
		after = append(after, "</"+name+">")
	}
	w.WriteString(html.EscapeString(text(n["text"])))
	for i := len(after) - 1; i >= 0; i-- {
		w.WriteString(after[i])
	}
}

func mark(m node) (open, name string) {
	if name = markElements[m.kind()]; name != "" {
		return "<" + name + ">", name
	}
	a := m.attrs()
	switch m.kind() {
	case "lang":
		return "<span" + attribute("lang", a["lang"]) + ">", "span"
	case "link":
		if address, ok := safe(a["href"]); ok {
			return `<a href="` + html.EscapeString(address) + `"` + attribute("title", a["title"]) + attribute("hreflang", a["hreflang"]) + ">", "a"
		}
		if ref := reference(a["ref"]); ref != "" {
			return "<a" + ref + ">", "a"
		}
	}
	return "", ""
}

func attribute(name string, v any) string {
	if s := text(v); s != "" {
		return " " + name + `="` + html.EscapeString(s) + `"`
	}
	return ""
}

func number(name string, v any) string {
	if n := whole(v); n > 1 {
		return " " + name + `="` + strconv.Itoa(n) + `"`
	}
	return ""
}

func media(v any) string { return attribute("data-media", object(v)["_media"]) }

func reference(v any) string {
	m := object(v)
	if text(m["_ref"]) == "" {
		return media(v)
	}
	return attribute("data-ref", m["_ref"]) + attribute("data-type", m["_type"])
}

// safe lets an address through that a browser may follow.
func safe(v any) (string, bool) {
	s := text(v)
	u, err := url.Parse(s)
	if s == "" || err != nil || strings.ContainsAny(s, "\x00\t\r\n") {
		return "", false
	}
	switch strings.ToLower(u.Scheme) {
	case "", "http", "https", "mailto", "tel":
		return s, true
	}
	return "", false
}

// Text writes a tree as plain text: blocks apart by an empty line, the items of a list by a line.
func Text(tree any) string {
	var w textWriter
	w.node(tree, 0)
	return strings.TrimSpace(w.String())
}

type textWriter struct{ strings.Builder }

// ends is what comes after a block.
var ends = map[string]string{"paragraph": "\n\n", "heading": "\n\n", "codeBlock": "\n\n", "bulletList": "\n", "orderedList": "\n", "table": "\n",
	"tableRow": "\n", "hardBreak": "\n"}

func (w *textWriter) node(v any, depth int) {
	n := object(v)
	if n == nil || depth > maxDepth {
		return
	}
	a := n.attrs()
	switch n.kind() {
	case "text":
		w.WriteString(text(n["text"]))
	case "image", "embed":
		w.line(a["caption"])
	case "footnote":
		w.WriteString(" (" + text(a["note"]))
		w.inside(n, depth)
		w.WriteString(")")
	case "listItem", "tableCell", "tableHeader":
		w.tight(n, depth)
	case "callout":
		w.line(a["title"])
		w.inside(n, depth)
	case "blockquote":
		w.inside(n, depth)
		w.line(a["attribution"])
	default:
		w.inside(n, depth)
	}
	w.WriteString(ends[n.kind()])
}

func (w *textWriter) line(v any) {
	if s := text(v); s != "" {
		w.WriteString(s + "\n\n")
	}
}

// tight writes blocks that share a line with their neighbours, or have one of their own.
func (w *textWriter) tight(n node, depth int) {
	var inner textWriter
	inner.inside(n, depth)
	before, after := "- ", "\n"
	if n.kind() != "listItem" {
		before, after = "", "\t"
	}
	w.WriteString(before + strings.TrimSpace(inner.String()) + after)
}

func (w *textWriter) inside(n node, depth int) {
	for _, child := range n.children() {
		w.node(child, depth+1)
	}
}

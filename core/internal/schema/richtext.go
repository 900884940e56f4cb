package schema

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// richRule narrows what a rich text may hold; nil lists allow all that is known.
type richRule struct {
	blocks, marks []string
	headings      []int
}

// richNode is what is known of one kind of node.
type richNode struct {
	inside []string // the kinds of nodes that it may hold; nil for none
	attrs  map[string]func(any) bool
	needs  []string // attributes that must be there
	root   bool     // may stand at the top of the document
}

var richBlocks = []string{"paragraph", "heading", "bulletList", "orderedList", "blockquote", "table", "horizontalRule", "image", "embed",
	"callout", "codeBlock"}

var richInline = []string{"text", "hardBreak", "footnote"}

// richNodes are the nodes of a rich text, version 1.
var richNodes = map[string]richNode{
	"doc":            {inside: richBlocks},
	"paragraph":      {root: true, inside: richInline},
	"heading":        {root: true, inside: richInline, needs: []string{"level"}, attrs: map[string]func(any) bool{"level": isHeading}},
	"bulletList":     {root: true, inside: []string{"listItem"}},
	"orderedList":    {root: true, inside: []string{"listItem"}, attrs: map[string]func(any) bool{"start": isCount}},
	"listItem":       {inside: richBlocks},
	"blockquote":     {root: true, inside: richBlocks, attrs: map[string]func(any) bool{"cite": isShort, "attribution": isShort, "quote": isRefValue}},
	"table":          {root: true, inside: []string{"tableRow"}, attrs: map[string]func(any) bool{"caption": isShort}},
	"tableRow":       {inside: []string{"tableHeader", "tableCell"}},
	"tableHeader":    {inside: richBlocks, attrs: cellAttrs},
	"tableCell":      {inside: richBlocks, attrs: cellAttrs},
	"horizontalRule": {root: true},
	"image": {root: true, needs: []string{"ref"}, attrs: map[string]func(any) bool{"ref": isMediaRef, "alt": isShort, "caption": isShort,
		"credit": isShort, "decorative": isBool, "align": isShort}},
	"embed": {root: true, needs: []string{"kind"}, attrs: map[string]func(any) bool{"kind": isName, "data": isObject, "ref": isRefValue,
		"caption": isShort, "url": isLink}},
	"callout":   {root: true, inside: richBlocks, attrs: map[string]func(any) bool{"tone": isName, "title": isShort}},
	"codeBlock": {root: true, inside: []string{"text"}, attrs: map[string]func(any) bool{"language": isName}},
	"text":      {},
	"hardBreak": {},
	"footnote":  {inside: richInline, attrs: map[string]func(any) bool{"note": isShort, "number": isCount}},
}

var cellAttrs = map[string]func(any) bool{"colspan": isCount, "rowspan": isCount, "scope": isName, "align": isName, "colwidth": isAny}

// richMarks are the marks of a text, with their attributes.
var richMarks = map[string]map[string]func(any) bool{
	"bold": nil, "italic": nil, "superscript": nil, "subscript": nil, "code": nil,
	"link": {"href": isLink, "ref": isRefValue, "title": isShort, "hreflang": isName, "rel": isName, "target": isName},
	"lang": {"lang": isLocale},
}

func readRichText(r *reader, v any) {
	switch v := v.(type) {
	case bool:
		if v {
			r.n.ann.rich = &richRule{}
		}
	case map[string]any:
		r.object(v, "blocks", "marks", "headings")
		r.n.ann.rich = &richRule{blocks: r.subset("/blocks", v["blocks"], richBlocks), marks: r.subset("/marks", v["marks"], markNames()),
			headings: r.headings(v["headings"])}
	default:
		r.bad("x-richtext vaut true, ou un objet qui limite blocks, marks et headings.", "x-richtext is true, or an object that narrows blocks, marks and headings.")
	}
}

func markNames() []string {
	names := make([]string, 0, len(richMarks))
	for name := range richMarks {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (r *reader) subset(below string, v any, known []string) []string {
	if v == nil {
		return nil
	}
	words := r.words(below, v)
	for _, w := range words {
		if !slices.Contains(known, w) {
			text := say("« %s » est inconnu ; il y a : %s.", "“%s” is unknown; there are: %s.", w, strings.Join(known, ", "))
			r.badAt(below, meant(text, w, known))
		}
	}
	return append([]string{}, words...)
}

func (r *reader) headings(v any) []int {
	if v == nil {
		return nil
	}
	list, _ := v.([]any)
	levels := make([]int, 0, len(list))
	for _, item := range list {
		if !isHeading(item) {
			r.badAt("/headings", say("Les niveaux de titre vont de 2 à 4.", "Heading levels go from 2 to 4."))
			return nil
		}
		level, _ := item.(json.Number).Int64()
		levels = append(levels, int(level))
	}
	return levels
}

// richWalk checks one value of a rich-text field.
type richWalk struct {
	rule  *richRule
	found problems
	nodes int
}

// maxRichNodes bounds one rich text.
const maxRichNodes = 20_000

// check gives every place at which a value is no rich text of the rule.
func (rule *richRule) check(v any, pointer string) problems {
	w := &richWalk{rule: rule}
	doc, ok := v.(map[string]any)
	if !ok || doc["type"] != "doc" {
		w.add(pointer, say(`Un texte mis en forme commence par {"type": "doc", "v": 1, "content": […]}.`, `A rich text begins with {"type": "doc", "v": 1, "content": […]}.`))
		return w.found
	}
	if version, has := doc["v"]; has && version != json.Number("1") {
		w.add(pointer+"/v", say("Seule la version 1 des textes mis en forme est connue.", "Only version 1 of rich texts is known."))
	}
	w.node(doc, pointer, []string{"doc"})
	return w.found
}

func (w *richWalk) add(pointer string, text core.Text) { w.found.add(pointer, "x-richtext", text) }

func (w *richWalk) node(v any, pointer string, allowed []string) {
	if w.nodes++; w.nodes > maxRichNodes || len(w.found) > maxProblems {
		if w.nodes == maxRichNodes+1 {
			w.add(pointer, say("Le texte est trop long : %d éléments au plus.", "The text is too long: %d parts at most.", maxRichNodes))
		}
		return
	}
	m, kind := w.kind(v, pointer, allowed)
	if m == nil {
		return
	}
	w.members(m, kind, pointer)
	w.attrs(m["attrs"], kind, richNodes[kind], pointer)
	if kind == "text" {
		w.text(m, pointer)
		return
	}
	w.content(m, kind, pointer)
}

// kind gives the node's kind, or nil when it may not stand here.
func (w *richWalk) kind(v any, pointer string, allowed []string) (map[string]any, string) {
	m, ok := v.(map[string]any)
	kind, named := m["type"].(string)
	if !ok || !named {
		w.add(pointer, say(`Chaque élément est un objet avec "type".`, `Each part is an object with "type".`))
		return nil, ""
	}
	if _, known := richNodes[kind]; !known {
		text := say("L’élément « %s » est inconnu.", "The part “%s” is unknown.", kind)
		w.add(pointer+"/type", meant(text, kind, allowed))
		return nil, ""
	}
	if !slices.Contains(allowed, kind) {
		w.add(pointer+"/type", say("« %s » ne peut pas se trouver ici ; possibles : %s.", "“%s” cannot stand here; possible: %s.", kind, strings.Join(allowed, ", ")))
		return nil, ""
	}
	if richNodes[kind].root && w.rule.blocks != nil && !slices.Contains(w.rule.blocks, kind) {
		w.add(pointer+"/type", say("Ce champ n’admet pas « %s » ; possibles : %s.", "This field does not take “%s”; possible: %s.", kind, strings.Join(w.rule.blocks, ", ")))
		return nil, ""
	}
	return m, kind
}

func (w *richWalk) members(m map[string]any, kind, pointer string) {
	for name := range m {
		switch {
		case name == "type", name == "attrs", name == "v" && kind == "doc", name == "content" && kind != "text":
		case (name == "text" || name == "marks") && kind == "text":
		case name == "marks" && (kind == "hardBreak" || kind == "footnote"):
		default:
			w.add(pointer+jsondoc.Pointer(name), say("« %s » n’a pas sa place dans « %s » ; retirez-le.", "“%s” has no place in “%s”; take it out.", name, kind))
		}
	}
}

func (w *richWalk) attrs(v any, kind string, known richNode, pointer string) {
	attrs, ok := v.(map[string]any)
	if v != nil && !ok {
		w.add(pointer+"/attrs", say("attrs est un objet.", "attrs is an object."))
		return
	}
	for _, name := range known.needs {
		if attrs[name] == nil {
			w.add(pointer+"/attrs"+jsondoc.Pointer(name), say("« %s » a besoin de « %s ».", "“%s” needs “%s”.", kind, name))
		}
	}
	w.attrValues(attrs, kind, known.attrs, pointer+"/attrs")
	if kind == "heading" && attrs != nil {
		w.heading(attrs["level"], pointer+"/attrs/level")
	}
}

func (w *richWalk) attrValues(attrs map[string]any, kind string, known map[string]func(any) bool, pointer string) {
	for name, value := range attrs {
		if name == "id" && isName(value) || value == nil {
			continue
		}
		check, has := known[name]
		if !has {
			w.add(pointer+jsondoc.Pointer(name), say("« %s » n’a pas d’attribut « %s ».", "“%s” has no attribute “%s”.", kind, name))
			continue
		}
		if !check(value) {
			w.add(pointer+jsondoc.Pointer(name), sayAttr(name))
		}
	}
}

func sayAttr(name string) core.Text {
	switch name {
	case "href", "url":
		return say("L’adresse doit être relative, ou commencer par http:, https:, mailto: ou tel:.", "The address must be relative, or begin with http:, https:, mailto: or tel:.")
	case "level":
		return say("Les niveaux de titre vont de 2 à 4.", "Heading levels go from 2 to 4.")
	default:
		return say("La valeur de « %s » ne convient pas.", "The value of “%s” does not fit.", name)
	}
}

func (w *richWalk) heading(level any, pointer string) {
	if w.rule.headings == nil || !isHeading(level) {
		return
	}
	n, _ := level.(json.Number).Int64()
	if !slices.Contains(w.rule.headings, int(n)) {
		w.add(pointer, say("Ce champ n’admet pas les titres de niveau %d.", "This field does not take headings of level %d.", n))
	}
}

func (w *richWalk) text(m map[string]any, pointer string) {
	if _, ok := m["text"].(string); !ok {
		w.add(pointer+"/text", say("Un élément « text » contient un texte.", "A “text” part holds a text."))
	}
	w.marks(m["marks"], pointer+"/marks")
}

func (w *richWalk) marks(v any, pointer string) {
	list, ok := v.([]any)
	if v != nil && !ok {
		w.add(pointer, say("marks est une liste.", "marks is a list."))
	}
	for i, item := range list {
		w.mark(item, pointer+"/"+number(i))
	}
}

func (w *richWalk) mark(v any, pointer string) {
	m, _ := v.(map[string]any)
	kind, _ := m["type"].(string)
	known, ok := richMarks[kind]
	if !ok {
		w.add(pointer+"/type", meant(say("La mise en forme « %s » est inconnue.", "The mark “%s” is unknown.", kind), kind, markNames()))
		return
	}
	if w.rule.marks != nil && !slices.Contains(w.rule.marks, kind) {
		w.add(pointer+"/type", say("Ce champ n’admet pas la mise en forme « %s ».", "This field does not take the mark “%s”.", kind))
		return
	}
	attrs, _ := m["attrs"].(map[string]any)
	w.attrValues(attrs, kind, known, pointer+"/attrs")
	if kind == "link" && attrs["href"] == nil && attrs["ref"] == nil {
		w.add(pointer+"/attrs", say("Un lien a une adresse (href) ou une référence (ref).", "A link has an address (href) or a reference (ref)."))
	}
}

func (w *richWalk) content(m map[string]any, kind, pointer string) {
	v, has := m["content"]
	list, ok := v.([]any)
	if has && !ok {
		w.add(pointer+"/content", say("content est une liste.", "content is a list."))
		return
	}
	inside := richNodes[kind].inside
	if len(list) > 0 && inside == nil {
		w.add(pointer+"/content", say("« %s » ne contient rien.", "“%s” holds nothing.", kind))
		return
	}
	for i, item := range list {
		w.node(item, pointer+"/content/"+number(i), inside)
	}
	w.marks(m["marks"], pointer+"/marks")
}

func isAny(any) bool { return true }

func isBool(v any) bool {
	_, ok := v.(bool)
	return ok
}

func isObject(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

func isShort(v any) bool {
	s, ok := v.(string)
	return ok && len(s) <= 4000
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_ -]{1,64}$`)

func isName(v any) bool {
	s, ok := v.(string)
	return ok && namePattern.MatchString(s)
}

func isLocale(v any) bool {
	s, ok := v.(string)
	return ok && localePattern.MatchString(s)
}

func isCount(v any) bool {
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	i, err := n.Int64()
	return err == nil && i >= 0 && i <= 10_000
}

func isHeading(v any) bool {
	return v == json.Number("2") || v == json.Number("3") || v == json.Number("4")
}

// isRefValue accepts a reference to an entry: {"_ref": id, "_type": type}, or the older spelling {"id", "type"}.
func isRefValue(v any) bool {
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	id, _ := firstOf(m, "_ref", "id").(string)
	kind, _ := firstOf(m, "_type", "type").(string)
	return core.ValidID(id) && typeNamePattern.MatchString(kind) && len(m) == 2
}

// isMediaRef accepts a reference to a medium: {"_media": id}, or a reference to its entry.
func isMediaRef(v any) bool {
	m, ok := v.(map[string]any)
	id, named := m["_media"].(string)
	return ok && named && core.ValidID(id) && len(m) == 1 || isRefValue(v)
}

func firstOf(m map[string]any, names ...string) any {
	for _, name := range names {
		if v, ok := m[name]; ok {
			return v
		}
	}
	return nil
}

// isLink accepts the addresses that a click may safely follow: relative ones, and four schemes.
func isLink(v any) bool {
	s, ok := v.(string)
	if !ok || s == "" || len(s) > 2000 || strings.ContainsFunc(s, isUnsafeInLink) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Host != ""
	case "mailto", "tel":
		return u.Opaque != ""
	case "":
		return !strings.HasPrefix(s, "//") && !strings.Contains(strings.SplitN(s, "/", 2)[0], ":")
	}
	return false
}

// isUnsafeInLink finds what browsers drop or turn before they read a scheme.
func isUnsafeInLink(r rune) bool {
	return r <= ' ' || r == 0x7f || r == '\\' || r == '\u00a0' || r == '\ufeff' || r >= 0x2028 && r <= 0x2029
}

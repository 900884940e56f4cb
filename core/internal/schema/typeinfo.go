package schema

import (
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

var typeMembers = []string{"name", "plural", "label", "pluralLabel", "description", "icon", "titleField", "slug", "geo", "public", "singleton",
	"locales", "fallback", "order", "workflow", "preview", "requireMatch", "keepRevisions", "heir", "group", "color"}

// info reads x-type into a core.Type, step by step: what needs no fields first, what names fields after them.
type info struct {
	reader
	m map[string]any
	t *core.Type
}

func (s *source) info(found *problems) *info {
	i := &info{reader: reader{s: s, n: s.root, name: "x-type", found: found}, t: &core.Type{}}
	i.m, _ = s.root.raw["x-type"].(map[string]any)
	i.knownMembers("", i.m, typeMembers)
	return i
}

// heading reads what a type is called and how it behaves.
func (i *info) heading() {
	i.names()
	i.t.Icon, i.t.Preview = i.optionalWord("icon"), i.optionalWord("preview")
	i.t.Public, i.t.Singleton, i.t.MatchAlways = i.flag("public"), i.flag("singleton"), i.flag("requireMatch")
	i.t.KeepRevs, i.t.Heir = i.keepRevisions(), i.optionalWord("heir")
	i.locales()
	i.t.Workflow = i.workflow()
	i.t.Groups = i.groups()
	i.previewOfAdmin()
}

func (i *info) names() {
	title, _ := i.s.root.raw["title"].(string)
	name := i.optionalWord("name")
	if name == "" {
		name = camel(title)
	}
	if !typeNamePattern.MatchString(name) {
		i.badAt("/name", say("Donnez un nom au type : une lettre, puis des lettres, des chiffres, _ et - (64 au plus).", "Give the type a name: a letter, then letters, digits, _ and - (64 at most)."))
	}
	i.t.Name, i.t.Plural = core.TypeName(name), i.optionalWord("plural")
	if i.t.Plural == "" {
		i.t.Plural = name + "s"
	}
	i.t.Label = i.optionalText("label", title, name)
	i.t.PluralLabel = i.optionalText("pluralLabel", "", "")
	if i.t.PluralLabel == nil {
		i.t.PluralLabel = i.t.Label
	}
	description, _ := i.s.root.raw["description"].(string)
	i.t.Description = i.optionalText("description", description, "")
	if i.t.Description == nil {
		i.t.Description = i.s.root.ann.help
	}
}

// camel makes a name of a title: "Étude de cas" is "etudeDeCas".
func camel(title string) string {
	var b strings.Builder
	up := false
	for _, r := range norm.NFD.String(title) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9' && b.Len() > 0:
			word := string(r)
			if b.Len() == 0 {
				word = strings.ToLower(word)
			} else if up {
				word = strings.ToUpper(word)
			}
			b.WriteString(word)
			up = false
		case r < 0x300 || r > 0x36f:
			up = true
		}
	}
	return b.String()
}

func (i *info) optionalWord(name string) string {
	v, has := i.m[name]
	if !has || v == nil {
		return ""
	}
	s, ok := v.(string)
	if !ok || s == "" {
		i.badAt("/"+name, say("%s est un texte qui n’est pas vide.", "%s is a text that is not empty.", name))
	}
	return s
}

func (i *info) optionalText(name string, instead ...string) core.Text {
	if v, has := i.m[name]; has {
		return i.text("/"+name, v)
	}
	for _, s := range instead {
		if s != "" {
			return core.Text{"fr": s}
		}
	}
	return nil
}

func (i *info) flag(name string) bool {
	v, has := i.m[name]
	b, ok := v.(bool)
	if has && !ok {
		i.badAt("/"+name, say("%s vaut true ou false.", "%s is true or false.", name))
	}
	return b
}

func (i *info) keepRevisions() int {
	v, has := i.m["keepRevisions"]
	if !has {
		return 0
	}
	if !isWhole(v) {
		i.badAt("/keepRevisions", say("keepRevisions est un nombre entier ; 0 garde tout.", "keepRevisions is a whole number; 0 keeps all."))
		return 0
	}
	n, _ := v.(json.Number).Int64()
	return int(n)
}

func (i *info) locales() {
	if v, has := i.m["locales"]; has {
		for _, l := range i.words("/locales", v) {
			i.locale(l)
		}
	} else if i.s.localized() {
		i.t.Locales = []core.Locale{"fr", "en"}
	}
	i.fallback()
}

func (i *info) locale(l string) {
	switch {
	case !localePattern.MatchString(l):
		i.badAt("/locales", say("« %s » n’est pas une langue, comme fr ou pt-BR.", "“%s” is no language, like fr or pt-BR.", l))
	case i.t.HasLocale(core.Locale(l)):
		i.badAt("/locales", say("La langue « %s » y est deux fois.", "The language “%s” is there twice.", l))
	default:
		i.t.Locales = append(i.t.Locales, core.Locale(l))
	}
}

// localized reports whether any field is written in several languages.
func (s *source) localized() bool {
	return slices.ContainsFunc(s.nodes, func(n *node) bool { return n.ann.localized })
}

func (i *info) fallback() {
	v, has := i.m["fallback"]
	if !has {
		return
	}
	m, ok := v.(map[string]any)
	if !ok {
		i.badAt("/fallback", say(`fallback dit où chercher ensuite : {"en": ["fr"]}.`, `fallback says where to look next: {"en": ["fr"]}.`))
		return
	}
	i.t.Fallback = map[core.Locale][]core.Locale{}
	for _, from := range sortedKeys(m) {
		for _, to := range i.words("/fallback"+jsondoc.Pointer(from), m[from]) {
			if !i.t.HasLocale(core.Locale(to)) {
				i.badAt("/fallback"+jsondoc.Pointer(from), say("La langue « %s » n’est pas dans locales.", "The language “%s” is not in locales.", to))
			}
			i.t.Fallback[core.Locale(from)] = append(i.t.Fallback[core.Locale(from)], core.Locale(to))
		}
	}
}

func (i *info) groups() []core.Group {
	list, _ := i.n.raw["x-groups"].([]any)
	groups := make([]core.Group, 0, len(list))
	for _, item := range list {
		m, _ := item.(map[string]any)
		id, _ := m["id"].(string)
		label, ok := textOf(firstOf(m, "label", "title"))
		if !ok {
			label = core.Text{"fr": id}
		}
		groups = append(groups, core.Group{ID: id, Label: label})
	}
	return groups
}

// previewOfAdmin takes the preview's address from x-preview, where the admin's annotations have it.
func (i *info) previewOfAdmin() {
	m, _ := i.n.raw["x-preview"].(map[string]any)
	if address, ok := m["url"].(string); ok && i.t.Preview == "" {
		i.t.Preview = address
	}
	if !webAddress(i.t.Preview) {
		i.badAt("/preview", say("L’aperçu est une adresse http(s), ou un chemin de ce site qui commence par /.", "The preview is an http(s) address, or a path of this site that begins with /."))
	}
}

// webAddress reports whether a browser may be led to an address: one that is code would run as its reader.
func webAddress(s string) bool {
	for _, scheme := range []string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			return rest != ""
		}
	}
	return s == "" || s[0] == '/' && !strings.HasPrefix(s, "//") && !strings.Contains(s, "\\")
}

// slug decides on the slug before the fields are listed: it may have to be made.
func (i *info) slug() {
	if i.t.TitleField = i.optionalWord("titleField"); i.t.TitleField == "" {
		i.guessTitle()
	}
	declared, says := i.m["slug"]
	switch v := declared.(type) {
	case bool:
		if v {
			i.useSlug("slug", "")
		}
		return
	case string:
		i.useSlug(v, "")
		return
	case map[string]any:
		i.slugOf(v)
		return
	}
	if says && declared != nil {
		i.badAt("/slug", say(`slug s’écrit {"field": "slug", "from": "title"}, ou false.`, `slug is written {"field": "slug", "from": "title"}, or false.`))
		return
	}
	i.slugUnsaid()
}

// slugUnsaid follows x-slug on a field, and makes a slug for a type that says what its title is.
func (i *info) slugUnsaid() {
	for _, p := range i.n.named["properties"] {
		if p.ann.slug {
			i.useSlug(p.name, p.ann.slugFrom)
			return
		}
	}
	if _, says := i.m["titleField"]; says {
		i.useSlug("slug", "")
	}
}

func (i *info) slugOf(m map[string]any) {
	i.knownMembers("/slug", m, []string{"field", "from"})
	field, from := "slug", ""
	for name, to := range map[string]*string{"field": &field, "from": &from} {
		if v, has := m[name]; has {
			word, ok := v.(string)
			if !ok || word == "" {
				i.badAt("/slug/"+name, say("%s est le nom d’un champ.", "%s is the name of a field.", name))
			}
			*to = word
		}
	}
	i.useSlug(field, from)
}

func (i *info) useSlug(field, from string) {
	if !propertyPattern.MatchString(field) {
		i.badAt("/slug", say("« %s » ne peut pas être le nom d’un champ.", "“%s” cannot be the name of a field.", field))
		return
	}
	if from == "" {
		from = i.t.TitleField
	}
	i.t.SlugField, i.t.SlugFrom = field, from
	if i.s.slug = i.n.member(field); i.s.slug == nil {
		i.s.slug = i.s.implicitSlug(field)
	}
	if slug := i.s.slug; slug.pattern == nil && slug.raw["enum"] == nil && slug.raw["format"] == nil {
		slug.pattern, _ = newPattern(slugPattern, maxPatternSize)
	}
}

// implicitSlug makes the property that the schema did not declare.
func (s *source) implicitSlug(name string) *node {
	raw := map[string]any{"type": "string", "pattern": slugPattern, "maxLength": json.Number("200")}
	n := &node{index: len(s.nodes), pointer: "/properties/" + name, raw: raw, in: "properties", name: name}
	n.ann.unique = true
	n.ann.label = core.Text{"fr": "Adresse (slug)", "en": "Slug"}
	s.nodes = append(s.nodes, n)
	return n
}

// guessTitle finds what an entry is called in a type that does not say.
func (i *info) guessTitle() {
	for _, name := range []string{"title", "name", "label"} {
		if p := i.n.member(name); p != nil && p.only("string") {
			i.t.TitleField = name
			return
		}
	}
}

// fieldsNamed checks what x-type says about fields, once they are known.
func (i *info) fieldsNamed() {
	i.wantField("/titleField", i.t.TitleField, "string", isTitle)
	i.wantField("/slug", i.t.SlugField, "string", isSlugField)
	i.wantField("/slug/from", i.t.SlugFrom, "string", isTitle)
	i.geo()
	i.t.Order = i.order()
	i.requirements()
	i.retention()
}

func isTitle(f *core.Field) bool { return f.Kind == core.KindString && !f.Multi }

func isSlugField(f *core.Field) bool { return isTitle(f) && !strings.Contains(f.Path, ".") }

func isGeoField(f *core.Field) bool { return f.Kind == core.KindGeo }

func (i *info) wantField(below, path, kind string, fits func(*core.Field) bool) {
	if path == "" {
		return
	}
	f, ok := i.field(path)
	if !ok {
		i.badAt(below, meant(say("Le champ « %s » n’existe pas.", "There is no field “%s”.", path), path, i.paths()))
		return
	}
	if !fits(f) {
		i.badAt(below, say("« %s » ne convient pas ici : il faut un seul champ, de sorte « %s ».", "“%s” does not fit here: one field of the kind “%s” is needed.", path, kind))
	}
}

func (i *info) field(path string) (*core.Field, bool) {
	for k := range i.t.Fields {
		if i.t.Fields[k].Path == path {
			return &i.t.Fields[k], true
		}
	}
	return nil, false
}

func (i *info) paths() []string {
	paths := make([]string, len(i.t.Fields))
	for k := range i.t.Fields {
		paths[k] = i.t.Fields[k].Path
	}
	return paths
}

func (i *info) geo() {
	if i.t.GeoField = i.optionalWord("geo"); i.t.GeoField != "" {
		i.wantField("/geo", i.t.GeoField, "geo", isGeoField)
		return
	}
	for k := range i.t.Fields {
		if isGeoField(&i.t.Fields[k]) {
			i.t.GeoField = i.t.Fields[k].Path
			return
		}
	}
}

// order reads "-_publishedAt,title", or a list of such keys.
func (i *info) order() []core.SortKey {
	v, has := i.m["order"]
	if !has {
		return i.usualOrder()
	}
	var keys []string
	switch v := v.(type) {
	case string:
		keys = strings.Split(v, ",")
	case []any:
		keys = i.words("/order", v)
	default:
		i.badAt("/order", say("order s’écrit « -_publishedAt,title ».", "order is written “-_publishedAt,title”."))
	}
	var order []core.SortKey
	for _, key := range keys {
		order = append(order, i.sortKey(strings.TrimSpace(key)))
	}
	return order
}

func (i *info) usualOrder() []core.SortKey {
	field := "_updatedAt"
	if i.t.Public {
		field = "_publishedAt"
	}
	return []core.SortKey{{Path: core.Path{Field: field}, Desc: true}}
}

func (i *info) sortKey(key string) core.SortKey {
	name, desc := strings.CutPrefix(key, "-")
	if _, system := core.SystemFields[name]; system {
		return core.SortKey{Path: core.Path{Field: name}, Desc: desc}
	}
	if f, ok := i.field(name); ok {
		if !f.Indexed {
			i.badAt("/order", say("On ne peut pas trier par « %s ».", "Entries cannot be sorted by “%s”.", name))
		}
		return core.SortKey{Path: core.Path{Field: name}, Desc: desc}
	}
	if via, field, ok := i.throughRef(name); ok {
		return core.SortKey{Path: core.Path{Via: []string{via}, Field: field}, Desc: desc}
	}
	i.badAt("/order", meant(say("Le champ « %s » n’existe pas.", "There is no field “%s”.", name), name, i.paths()))
	return core.SortKey{Path: core.Path{Field: "_id"}}
}

// throughRef splits a path that leads through a reference: what lies behind it is known when it is asked for.
func (i *info) throughRef(path string) (via, field string, ok bool) {
	for k := range i.t.Fields {
		f := &i.t.Fields[k]
		if rest, below := strings.CutPrefix(path, f.Path+"."); below && f.Kind == core.KindRef {
			return f.Path, rest, true
		}
	}
	return "", "", false
}

// requirements checks the fields that transitions want filled in.
func (i *info) requirements() {
	for _, t := range i.t.Workflow.Transitions {
		for _, path := range t.Requires {
			i.wantField("/workflow/transitions", path, "any", func(*core.Field) bool { return true })
		}
	}
}

// retention checks the fields from which x-personal counts how long something is kept.
func (i *info) retention() {
	for k := range i.t.Fields {
		f := &i.t.Fields[k]
		if f.Personal == nil || f.Personal.Since == "" {
			continue
		}
		if at, ok := i.field(f.Personal.Since); !ok || at.Kind != core.KindDate && at.Kind != core.KindTime {
			i.found.add(jsondoc.Pointer(strings.Split(f.Path, ".")...), "x-personal",
				say("since nomme un champ de date de ce type ; « %s » n’en est pas un.", "since names a field of this type that holds a date; “%s” does not.", f.Personal.Since))
		}
	}
}

package schema

import (
	"encoding/json"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// annotations is what the x- keywords of one subschema say, read.
type annotations struct {
	id, group, widget     string
	label, help           core.Text
	ref                   *core.RefRule
	media                 *core.MediaRule
	altRequired           bool
	geo                   string
	maxVertices           int
	territory             string
	unique, facet         bool
	index                 *bool
	search                float64
	localized             bool
	private, secret       bool
	readRoles, writeRoles []string
	personal              *core.PersonalRule
	computed              bool
	compute               *core.ComputeRule
	madeFrom              []string // the fields that the expression names
	rich                  *richRule
	enumLabels            map[string]core.Text
	errors                map[string]core.Text
	slugFrom              string
	slug                  bool
}

// reader reads one annotation of one subschema.
type reader struct {
	s     *source
	n     *node
	name  string
	found *problems
}

func (r *reader) bad(fr, en string) { r.badAt("", core.Text{"fr": fr, "en": en}) }

func (r *reader) badAt(below string, text core.Text) {
	r.found.add(r.n.pointer+"/"+r.name+below, r.name, text)
}

func readAny(*reader, any) {}

func readObject(r *reader, v any) {
	if _, ok := v.(map[string]any); !ok {
		r.badAt("", say("%s doit être un objet, comme {…}.", "%s must be an object, like {…}.", r.name))
	}
}

func readSwitch(r *reader, v any) { r.boolean(v) }

func readTextOnly(r *reader, v any) { r.text("", v) }

func readNumber(r *reader, v any) { r.number(v) }

func readWord(r *reader, v any) { r.word(v) }

func readWidth(r *reader, v any) {
	if f, ok := r.number(v); ok && (f < 1 || f > 12 || f != float64(int(f))) {
		r.bad("x-width est un nombre entier de colonnes, de 1 à 12.", "x-width is a whole number of columns, from 1 to 12.")
	}
}

func (r *reader) boolean(v any) bool {
	b, ok := v.(bool)
	if !ok {
		r.badAt("", say("%s vaut true ou false.", "%s is true or false.", r.name))
	}
	return b
}

func (r *reader) number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		r.badAt("", say("%s est un nombre.", "%s is a number.", r.name))
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

func (r *reader) word(v any) string {
	s, ok := v.(string)
	if !ok || s == "" {
		r.badAt("", say("%s est un texte qui n’est pas vide.", "%s is a text that is not empty.", r.name))
	}
	return s
}

var localePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// text reads a sentence: a plain text is French, an object gives one per language.
func (r *reader) text(below string, v any) core.Text {
	switch v := v.(type) {
	case string:
		if v != "" {
			return core.Text{"fr": v}
		}
	case map[string]any:
		if t, ok := textOf(v); ok {
			return t
		}
	}
	r.badAt(below, say(`Il faut un texte par langue, comme {"fr": "Titre", "en": "Title"}.`, `One text for each language is expected, like {"fr": "Titre", "en": "Title"}.`))
	return nil
}

func textOf(v any) (core.Text, bool) {
	switch v := v.(type) {
	case string:
		return core.Text{"fr": v}, v != ""
	case map[string]any:
		t := core.Text{}
		for l, s := range v {
			word, ok := s.(string)
			if !ok || word == "" || !localePattern.MatchString(l) {
				return nil, false
			}
			t[core.Locale(l)] = word
		}
		return t, len(t) > 0
	}
	return nil, false
}

// words reads a list of texts that are not empty.
func (r *reader) words(below string, v any) []string {
	list, ok := v.([]any)
	words := stringsIn(list)
	if !ok || len(words) != len(list) || slices.Contains(words, "") {
		r.badAt(below, say("Il faut une liste de textes, comme [\"a\", \"b\"].", "A list of texts is expected, like [\"a\", \"b\"]."))
		return nil
	}
	return words
}

// object reads an object whose members all have known names.
func (r *reader) object(v any, known ...string) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		readObject(r, v)
		return nil
	}
	r.knownMembers("", m, known)
	return m
}

func (r *reader) knownMembers(below string, m map[string]any, known []string) {
	for _, name := range sortedKeys(m) {
		if !slices.Contains(known, name) {
			text := say("%s ne connaît pas « %s ».", "%s has no member “%s”.", r.name, name)
			r.badAt(below+jsondoc.Pointer(name), meant(text, name, known))
		}
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func readID(r *reader, v any) {
	id := r.word(v)
	if id != "" && !idPattern.MatchString(id) {
		r.bad("x-id est fait de lettres, de chiffres, de tirets et de _ (64 au plus).", "x-id is made of letters, digits, hyphens and _ (64 at most).")
		return
	}
	r.n.ann.id = id
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func readLabel(r *reader, v any) { r.n.ann.label = r.text("", v) }

func readHelp(r *reader, v any) { r.n.ann.help = r.text("", v) }

func readGroup(r *reader, v any) { r.n.ann.group = r.word(v) }

func readWidget(r *reader, v any) {
	if m, ok := v.(map[string]any); ok {
		r.object(m, "id", "options")
		v = m["id"]
	}
	r.n.ann.widget = r.word(v)
}

// readGroups reads the headings of forms, declared at the root.
func readGroups(r *reader, v any) {
	list, ok := v.([]any)
	if !ok {
		r.bad(`x-groups est une liste, comme [{"id": "seo", "label": "Référencement"}].`, `x-groups is a list, like [{"id": "seo", "label": "Search engines"}].`)
		return
	}
	for i, item := range list {
		r.readGroupOf(jsondoc.Pointer(number(i)), item)
	}
}

func (r *reader) readGroupOf(below string, item any) {
	m, ok := item.(map[string]any)
	if !ok {
		r.badAt(below, say("Un groupe est un objet avec id et label.", "A group is an object with id and label."))
		return
	}
	r.knownMembers(below, m, []string{"id", "label", "title", "help", "tab", "collapsed", "icon", "order"})
	if id, ok := m["id"].(string); !ok || !idPattern.MatchString(id) {
		r.badAt(below+"/id", say("Un groupe a un id fait de lettres, de chiffres et de tirets.", "A group has an id made of letters, digits and hyphens."))
	}
}

func readRef(r *reader, v any) {
	rule := &core.RefRule{}
	switch v := v.(type) {
	case string:
		rule.Types = []core.TypeName{core.TypeName(v)}
	case []any:
		rule.Types = typeNames(r.words("", v))
	case map[string]any:
		r.object(v, "types", "onDelete", "inverse", "min", "max", "filter", "label", "preview", "create")
		rule.Types = r.refTypes(v["types"])
		rule.OnDelete = r.choice("/onDelete", v["onDelete"], "restrict", "null", "cascade")
		rule.Inverse = r.inverse(v["inverse"])
	default:
		readObject(r, v)
		return
	}
	r.n.ann.ref = rule
	r.checkRefTypes(rule.Types)
}

func (r *reader) refTypes(v any) []core.TypeName {
	if name, ok := v.(string); ok {
		return []core.TypeName{core.TypeName(name)}
	}
	if v == nil {
		return nil
	}
	return typeNames(r.words("/types", v))
}

func (r *reader) checkRefTypes(types []core.TypeName) {
	if len(types) == 0 {
		r.badAt("/types", say(`x-ref nomme au moins un type : {"types": ["partner"]}.`, `x-ref names at least one type: {"types": ["partner"]}.`))
	}
	for _, name := range types {
		if !typeNamePattern.MatchString(string(name)) {
			r.badAt("/types", say("« %s » ne peut pas être le nom d’un type.", "“%s” cannot be the name of a type.", name))
		}
	}
}

func typeNames(words []string) []core.TypeName {
	out := make([]core.TypeName, len(words))
	for i, w := range words {
		out[i] = core.TypeName(w)
	}
	return out
}

// choice reads one word out of several; absent is "".
func (r *reader) choice(below string, v any, allowed ...string) string {
	if v == nil {
		return ""
	}
	if s, ok := v.(string); ok && slices.Contains(allowed, s) {
		return s
	}
	r.badAt(below, say("Valeurs possibles : %s.", "Possible values: %s.", strings.Join(allowed, ", ")))
	return ""
}

func (r *reader) inverse(v any) string {
	if v == nil {
		return ""
	}
	name, ok := v.(string)
	if !ok || !propertyPattern.MatchString(name) {
		r.badAt("/inverse", say("inverse est le nom d’une liste, comme « fiches ».", "inverse is the name of a list, like “fiches”."))
		return ""
	}
	return name
}

func readMedia(r *reader, v any) {
	rule := &core.MediaRule{}
	if b, ok := v.(bool); ok && b {
		r.n.ann.media = rule
		return
	}
	m := r.object(v, "accept", "mime", "kinds", "maxBytes", "ratios", "minWidth", "minHeight", "alt", "label")
	if m == nil {
		return
	}
	for _, name := range []string{"accept", "mime"} {
		if m[name] != nil {
			rule.Accept = append(rule.Accept, r.mimeTypes("/"+name, m[name])...)
		}
	}
	rule.Accept = append(rule.Accept, r.mediaKinds(m["kinds"])...)
	rule.MaxBytes = r.maxBytes(m["maxBytes"])
	r.n.ann.media, r.n.ann.altRequired = rule, r.choice("/alt", altWord(m["alt"]), "required", "optional", "none") == "required"
}

func altWord(v any) any {
	if v == true {
		return "required"
	}
	return v
}

var mimePattern = regexp.MustCompile(`^[a-z]+/(\*|[a-z0-9.+-]+)$`)

func (r *reader) mimeTypes(below string, v any) []string {
	words := r.words(below, v)
	for _, w := range words {
		if !mimePattern.MatchString(w) {
			r.badAt(below, say("« %s » n’est pas un type de fichier, comme image/* ou application/pdf.", "“%s” is no kind of file, like image/* or application/pdf.", w))
		}
	}
	return words
}

func (r *reader) mediaKinds(v any) []string {
	if v == nil {
		return nil
	}
	var accept []string
	for _, kind := range r.words("/kinds", v) {
		switch kind {
		case "image", "video", "audio":
			accept = append(accept, kind+"/*")
		case "document":
			accept = append(accept, "application/*", "text/*")
		default:
			r.badAt("/kinds", say("Valeurs possibles : %s.", "Possible values: %s.", "image, video, audio, document"))
		}
	}
	return accept
}

func (r *reader) maxBytes(v any) int64 {
	if v == nil {
		return 0
	}
	if n, ok := v.(json.Number); ok {
		if size, err := n.Int64(); err == nil && size > 0 {
			return size
		}
	}
	r.badAt("/maxBytes", say("maxBytes est un nombre d’octets, plus grand que zéro.", "maxBytes is a number of bytes, greater than zero."))
	return 0
}

func readGeo(r *reader, v any) {
	kind := v
	if m, ok := v.(map[string]any); ok {
		r.object(m, "kind", "geocode", "bounds", "zoom", "maxVertices", "address")
		kind = m["kind"]
		if n, ok := m["maxVertices"].(json.Number); ok {
			limit, _ := n.Int64()
			r.n.ann.maxVertices = int(limit)
		}
	}
	if kind == "polygon" {
		kind = "area"
	}
	if kind == true || kind == nil {
		kind = "any"
	}
	r.n.ann.geo = r.choice("", kind, "point", "line", "area", "any")
}

func readTerritory(r *reader, v any) {
	if v == true {
		v = "any"
	}
	if m, ok := v.(map[string]any); ok {
		r.object(m, "level")
		v = m["level"]
	}
	r.n.ann.territory = r.choice("", v, "any", "region", "departement", "epci", "commune")
}

func readUnique(r *reader, v any) { r.n.ann.unique = r.boolean(v) }

func readIndex(r *reader, v any) {
	b := r.boolean(v)
	r.n.ann.index = &b
}

func readFacet(r *reader, v any) { r.n.ann.facet = r.boolean(v) }

func readSearch(r *reader, v any) {
	if m, ok := v.(map[string]any); ok {
		r.object(m, "weight")
		v = m["weight"]
	}
	switch v {
	case true:
		r.n.ann.search = 1
		return
	case false:
		return
	}
	weight, ok := r.number(v)
	if ok && (weight < 0 || weight > 100) {
		r.bad("x-search est un poids entre 0 et 100.", "x-search is a weight between 0 and 100.")
		return
	}
	r.n.ann.search = weight
}

func readLocalized(r *reader, v any) { r.n.ann.localized = r.boolean(v) }

func readPrivate(r *reader, v any) { r.n.ann.private = r.boolean(v) }

func readSecret(r *reader, v any) { r.n.ann.secret = r.boolean(v) }

func readRoles(r *reader, v any) {
	if _, ok := v.([]any); ok {
		roles := r.words("", v)
		r.n.ann.readRoles, r.n.ann.writeRoles = roles, roles
		return
	}
	r.roleLists(v, "read", "write")
}

func readPermissions(r *reader, v any) { r.roleLists(v, "view", "edit") }

func (r *reader) roleLists(v any, read, write string) {
	m := r.object(v, read, write)
	if list, ok := m[read]; ok {
		r.n.ann.readRoles = r.words("/"+read, list)
	}
	if list, ok := m[write]; ok {
		r.n.ann.writeRoles = r.words("/"+write, list)
	}
}

var legalBases = []string{"consent", "contract", "legal-obligation", "vital-interest", "vital-interests", "public-task", "public-interest",
	"legitimate-interest", "legitimate-interests"}

func readPersonal(r *reader, v any) {
	m := r.object(v, "subject", "purpose", "basis", "keep", "since", "class")
	if m == nil {
		return
	}
	rule := &core.PersonalRule{Subject: r.member(m, "subject"), Purpose: r.member(m, "purpose"), Class: "P2"}
	rule.Basis = r.choice("/basis", orEmpty(m["basis"]), legalBases...)
	if class := r.choice("/class", m["class"], core.PersonalClasses...); class != "" {
		rule.Class = class
	}
	if keep, ok := m["keep"]; ok {
		rule.Keep, _ = keep.(string)
		if _, err := core.ParsePeriod(rule.Keep); err != nil {
			r.badAt("/keep", say("keep est une durée ISO 8601, comme P3Y.", "keep is an ISO 8601 duration, like P3Y."))
		}
	}
	if _, says := m["since"]; says {
		rule.Since = strings.ReplaceAll(strings.TrimPrefix(r.member(m, "since"), "/"), "/", ".")
	}
	r.n.ann.personal = rule
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

func (r *reader) member(m map[string]any, name string) string {
	s, ok := m[name].(string)
	if !ok || s == "" {
		r.badAt("/"+name, say("%s dit aussi %s, en un mot.", "%s says %s too, in a word.", r.name, name))
	}
	return s
}

func readEnumLabels(r *reader, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		readObject(r, v)
		return
	}
	r.n.ann.enumLabels = r.texts(m)
}

func readErrors(r *reader, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		readObject(r, v)
		return
	}
	r.n.ann.errors = r.texts(m)
}

func (r *reader) texts(m map[string]any) map[string]core.Text {
	out := make(map[string]core.Text, len(m))
	for _, key := range sortedKeys(m) {
		out[key] = r.text(jsondoc.Pointer(key), m[key])
	}
	return out
}

// readTranslations reads the texts of the schema itself, by their keyword.
func readTranslations(r *reader, v any) {
	m := r.object(v, "title", "description", "placeholder", "help")
	if r.n.ann.label == nil && m["title"] != nil {
		r.n.ann.label = r.text("/title", m["title"])
	}
	if r.n.ann.help == nil && m["description"] != nil {
		r.n.ann.help = r.text("/description", m["description"])
	}
}

func readSlug(r *reader, v any) {
	m := r.object(v, "from", "unique", "prefixUrl")
	from, _ := m["from"].(string)
	r.n.ann.slug, r.n.ann.slugFrom = true, strings.ReplaceAll(strings.TrimPrefix(from, "/"), "/", ".")
}

package schema

import (
	"encoding/json"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const (
	maxFields   = 1_000
	maxNesting  = 12   // levels of objects that fields are listed in
	longText    = 2000 // from this maxLength on a text is searched, not filtered
	bodyWeight  = 1    // so is an unbounded text of at most this x-search
	schemaError = "schema"
)

// fielder lists the addressable fields of a schema.
type fielder struct {
	s      *source
	found  *problems
	fields []core.Field
	at     map[string]int
	open   map[*node]bool
}

// inherited is what a field takes from the objects and arrays that it is in.
type inherited struct {
	path, id              string
	depth                 int
	multi, localized      bool
	private, secret       bool
	unindexed, computed   bool
	group                 string
	readRoles, writeRoles []string
	personal              *core.PersonalRule
}

// listFields flattens a schema. Everything that depends on the kind of a field is checked on the way.
func (s *source) listFields(found *problems) []core.Field {
	f := &fielder{s: s, found: found, at: map[string]int{}, open: map[*node]bool{}}
	f.members(s.root, inherited{})
	if s.slug != nil && s.slug.parent == nil {
		f.add(member{n: s.slug}, inherited{})
	}
	if len(f.fields) >= maxFields {
		found.add("", "fields", say("Le type a plus de %d champs ; simplifiez-le.", "The type has more than %d fields; make it simpler.", maxFields))
	}
	f.distinctIDs()
	return f.fields
}

func (f *fielder) distinctIDs() {
	seen := map[string]string{}
	for _, field := range f.fields {
		if other, taken := seen[field.ID]; taken {
			f.found.add("", "x-id", say("Les champs « %s » et « %s » ont le même x-id.", "The fields “%s” and “%s” have the same x-id.", other, field.Path))
		}
		seen[field.ID] = field.Path
	}
}

// member is one property of an object.
type member struct {
	n        *node
	required bool
}

// properties gives an object's members: its own, those of what it refers to and merges, then those of its
// alternatives and conditions, which are never required.
func (n *node) properties() []member {
	var out []member
	seen := map[*node]bool{}
	var collect func(m *node, certain bool)
	collect = func(m *node, certain bool) {
		if m == nil || seen[m] {
			return
		}
		seen[m] = true
		list, _ := m.raw["required"].([]any)
		required := stringsIn(list)
		for _, p := range m.named["properties"] {
			out = append(out, member{p, certain && slices.Contains(required, p.name)})
		}
		collect(m.ref, certain)
		for _, part := range m.list["allOf"] {
			collect(part, certain)
		}
		for _, part := range m.conditional() {
			collect(part, false)
		}
	}
	collect(n, true)
	return out
}

// conditional gives the subschemas that apply to some values only.
func (n *node) conditional() []*node {
	parts := slices.Concat(n.list["oneOf"], n.list["anyOf"], n.named["dependentSchemas"])
	for _, key := range []string{"then", "else"} {
		if part := n.one[key]; part != nil {
			parts = append(parts, part)
		}
	}
	return parts
}

func (f *fielder) members(n *node, in inherited) {
	if in.depth > maxNesting || len(f.fields) >= maxFields {
		return
	}
	opened := f.enter(n)
	if opened == nil {
		return
	}
	for _, m := range n.properties() {
		if m.n.name != "_key" && len(f.fields) < maxFields {
			f.add(m, in)
		}
	}
	for _, o := range opened {
		delete(f.open, o)
	}
}

// enter notes the subschemas of an object as being listed; nil when one already is: a cycle ends there.
func (f *fielder) enter(n *node) []*node {
	parts := []*node{}
	cycle := n.overlay(func(m *node) bool {
		if f.open[m] {
			return true
		}
		parts = append(parts, m)
		return false
	})
	if cycle {
		return nil
	}
	for _, p := range parts {
		f.open[p] = true
	}
	return parts
}

// add lists one property and what is below it.
func (f *fielder) add(m member, in inherited) {
	path := m.n.name
	if in.path != "" {
		path = in.path + "." + path
	}
	v := f.value(m.n, in)
	field := f.field(m, path, v, in)
	f.checkField(m.n, &field, v, in)
	f.put(field)
	if field.Kind == core.KindObject {
		f.members(v.item, below(in, &field, v))
	}
}

// value is what a property holds, lists taken off.
type value struct {
	item  *node
	notes annotations
	kind  core.Kind
	multi bool
	inner bool // an annotation of the items says that they are localised
}

func (f *fielder) value(n *node, in inherited) value {
	n = n.unwrapped()
	v := value{item: n, notes: n.notes(), multi: in.multi}
	for steps := 0; v.item.isArray() && !v.item.hasShape(); steps++ {
		v.multi = true
		item := v.item.itemSchema()
		if item == nil || steps > maxNesting {
			v.kind = core.KindJSON
			return v
		}
		v.item = item.unwrapped()
		notes := v.item.notes()
		v.inner = v.inner || notes.localized
		v.notes.fill(&notes)
	}
	v.kind = v.item.kind()
	return v
}

// unwrapped looks through "this or nothing": an anyOf or oneOf with null as its other branch.
func (n *node) unwrapped() *node {
	for _, key := range []string{"anyOf", "oneOf"} {
		parts := n.list[key]
		if len(parts) != 2 || n.types() != nil {
			continue
		}
		for i, part := range parts {
			if t := part.types(); len(t) == 1 && t[0] == "null" {
				return parts[1-i].unwrapped()
			}
		}
	}
	return n
}

func (n *node) isArray() bool {
	if n.types() == nil {
		_, items := n.lookup("items")
		_, prefix := n.lookup("prefixItems")
		return items || prefix
	}
	return n.only("array")
}

// hasShape reports whether an annotation, not the JSON type, says what the value is.
func (n *node) hasShape() bool {
	return n.overlay(func(m *node) bool { return m.isSpecial() && m.ann.territory == "" })
}

func (n *node) itemSchema() (item *node) {
	n.overlay(func(m *node) bool {
		if item = m.one["items"]; item != nil && item.raw != nil {
			return true
		}
		if parts := m.list["prefixItems"]; len(parts) > 0 {
			item = parts[0]
		}
		return item != nil && item.raw != nil
	})
	if item != nil && item.raw == nil {
		return nil
	}
	return item
}

// notes merges the annotations of a subschema with those of what it refers to: the nearest wins.
func (n *node) notes() annotations {
	var merged annotations
	n.overlay(func(m *node) bool {
		merged.fill(&m.ann)
		return false
	})
	return merged
}

// fill takes over what is not said yet.
func (a *annotations) fill(b *annotations) {
	first(&a.id, b.id)
	first(&a.group, b.group)
	first(&a.widget, b.widget)
	first(&a.geo, b.geo)
	first(&a.territory, b.territory)
	first(&a.search, b.search)
	first(&a.index, b.index)
	first(&a.ref, b.ref)
	first(&a.media, b.media)
	first(&a.personal, b.personal)
	first(&a.rich, b.rich)
	first(&a.compute, b.compute)
	if a.madeFrom == nil {
		a.madeFrom = b.madeFrom
	}
	for _, flag := range [][2]*bool{{&a.unique, &b.unique}, {&a.facet, &b.facet}, {&a.localized, &b.localized}, {&a.private, &b.private},
		{&a.secret, &b.secret}, {&a.computed, &b.computed}} {
		*flag[0] = *flag[0] || *flag[1]
	}
	if a.label == nil {
		a.label = b.label
	}
	if a.help == nil {
		a.help = b.help
	}
	if a.enumLabels == nil {
		a.enumLabels = b.enumLabels
	}
	if a.readRoles == nil {
		a.readRoles = b.readRoles
	}
	if a.writeRoles == nil {
		a.writeRoles = b.writeRoles
	}
}

func first[T comparable](to *T, from T) {
	var zero T
	if *to == zero {
		*to = from
	}
}

// kind says what one value of a subschema is.
func (n *node) kind() core.Kind {
	a := n.notes()
	switch {
	case a.ref != nil:
		return core.KindRef
	case a.media != nil:
		return core.KindMedia
	case a.geo != "":
		return core.KindGeo
	case a.rich != nil:
		return core.KindRichText
	}
	types := n.types()
	types = slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == "null" })
	switch {
	case len(types) == 0:
		return n.untypedKind(a)
	case len(types) == 1:
		return n.kindOf(types[0])
	case len(types) == 2 && slices.Contains(types, "integer") && slices.Contains(types, "number"):
		return core.KindNumber
	}
	return core.KindJSON
}

func (n *node) untypedKind(a annotations) core.Kind {
	if values := n.enum(a); len(values) > 0 {
		return kindOfValues(values)
	}
	if _, formatted := n.lookup("format"); formatted || a.territory != "" {
		return n.kindOf("string")
	}
	if len(n.properties()) > 0 {
		return core.KindObject
	}
	for _, key := range []string{"minLength", "maxLength", "pattern"} {
		if _, has := n.lookup(key); has {
			return core.KindString
		}
	}
	for _, key := range []string{"minimum", "maximum", "multipleOf"} {
		if _, has := n.lookup(key); has {
			return core.KindNumber
		}
	}
	return core.KindJSON
}

func (n *node) kindOf(jsonType string) core.Kind {
	switch jsonType {
	case "string":
		format, _ := n.lookup("format")
		switch format {
		case "date-time":
			return core.KindTime
		case "date":
			return core.KindDate
		}
		return core.KindString
	case "integer":
		return core.KindInteger
	case "number":
		return core.KindNumber
	case "boolean":
		return core.KindBoolean
	case "object":
		if len(n.properties()) > 0 {
			return core.KindObject
		}
	}
	return core.KindJSON
}

func kindOfValues(values []core.EnumValue) core.Kind {
	var kind core.Kind
	for _, v := range values {
		of := kindOfValue(v.Value)
		switch {
		case v.Value == nil, of == kind:
		case kind == "":
			kind = of
		case kind == core.KindInteger && of == core.KindNumber:
			kind = of
		case kind == core.KindNumber && of == core.KindInteger:
		default:
			return core.KindJSON
		}
	}
	if kind == "" {
		return core.KindJSON
	}
	return kind
}

func kindOfValue(v any) core.Kind {
	switch v := v.(type) {
	case string:
		return core.KindString
	case bool:
		return core.KindBoolean
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return core.KindInteger
		}
		return core.KindNumber
	}
	return core.KindJSON
}

// enum lists the values that a subschema allows: enum, const, or a oneOf of consts with titles.
func (n *node) enum(a annotations) []core.EnumValue {
	var values []core.EnumValue
	if list, ok := n.lookup("enum"); ok {
		items, _ := list.([]any)
		for _, v := range items {
			values = append(values, core.EnumValue{Value: v, Label: a.enumLabels[shownKey(v)]})
		}
		return values
	}
	if v, ok := n.lookup("const"); ok {
		return []core.EnumValue{{Value: v, Label: a.enumLabels[shownKey(v)]}}
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		if values = n.enumOf(key, a); values != nil {
			return values
		}
	}
	return nil
}

func (n *node) enumOf(key string, a annotations) []core.EnumValue {
	var values []core.EnumValue
	for _, part := range n.list[key] {
		v, ok := part.raw["const"]
		if !ok {
			return nil
		}
		label := a.enumLabels[shownKey(v)]
		if label == nil {
			label = part.ann.label
		}
		if title, _ := part.raw["title"].(string); label == nil && title != "" {
			label = core.Text{"fr": title}
		}
		values = append(values, core.EnumValue{Value: v, Label: label})
	}
	return values
}

func shownKey(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(jsondoc.Encode(v))
}

func (f *fielder) field(m member, path string, v value, in inherited) core.Field {
	a := &v.notes
	field := core.Field{Path: path, ID: path, Kind: v.kind, Multi: v.multi, Required: m.required, Label: f.labelOf(m.n, a), Help: helpOf(m.n, a),
		Group: a.group, Widget: a.widget, Ref: a.ref, Media: a.media, Geo: a.geo, Territory: a.territory, Unique: a.unique, Facet: a.facet,
		Search: a.search, Localized: a.localized || in.localized, Private: a.private || in.private, Secret: a.secret || in.secret || m.n.flag("writeOnly"),
		ReadRoles: a.readRoles, WriteRoles: a.writeRoles, Personal: a.personal, Computed: a.computed || in.computed,
		Compute: a.compute, Annotations: m.n.rules()}
	if v.kind != core.KindObject && v.kind != core.KindJSON {
		field.Enum = v.item.enum(*a)
	}
	if a.madeFrom != nil {
		f.s.madeFrom = append(f.s.madeFrom, madeFrom{path, m.n, a.madeFrom})
	}
	field.ReadOnly = field.Computed || m.n.flag("readOnly")
	if value, ok := m.n.lookup("default"); ok {
		field.Default = jsondoc.Encode(value)
	}
	f.inherit(&field, a, in)
	field.Private = field.Private || field.Personal.Sensitive()
	field.Unique = field.Unique || m.n == f.s.slug && m.n != nil
	field.Indexed = f.indexed(&field, v) && !in.unindexed && !field.Secret
	return field
}

// indexed says whether a field may be filtered and sorted: as x-index says, else every scalar and reference but long texts.
// The title is always.
func (f *fielder) indexed(field *core.Field, v value) bool {
	if v.notes.index != nil {
		return *v.notes.index
	}
	if !isScalar(v.kind) && v.kind != core.KindRef {
		return false
	}
	return v.kind != core.KindString || field.Unique || field.Facet || field.Path == f.title() || !v.long()
}

// title is the field that the schema names as its title.
func (f *fielder) title() string {
	about, _ := f.s.root.raw["x-type"].(map[string]any)
	title, _ := about["titleField"].(string)
	return title
}

func (f *fielder) inherit(field *core.Field, a *annotations, in inherited) {
	switch {
	case a.id != "" && in.id == "":
		field.ID = a.id
	case a.id != "":
		field.ID = in.id + "." + a.id
	case in.id != "":
		field.ID = in.id + field.Path[len(in.path):]
	}
	if field.Group == "" {
		field.Group = in.group
	}
	if field.ReadRoles == nil {
		field.ReadRoles = in.readRoles
	}
	if field.WriteRoles == nil {
		field.WriteRoles = in.writeRoles
	}
	if field.Personal == nil {
		field.Personal = in.personal
	}
}

func below(in inherited, field *core.Field, v value) inherited {
	return inherited{path: field.Path, id: field.ID, depth: in.depth + 1, multi: v.multi, localized: field.Localized, private: field.Private,
		secret: field.Secret, unindexed: in.unindexed || v.notes.index != nil && !*v.notes.index, computed: field.Computed, group: field.Group,
		readRoles: field.ReadRoles, writeRoles: field.WriteRoles, personal: field.Personal}
}

func (f *fielder) labelOf(n *node, a *annotations) core.Text {
	if a.label != nil {
		return a.label
	}
	if title, ok := n.lookup("title"); ok {
		if s, _ := title.(string); s != "" {
			return core.Text{"fr": s}
		}
	}
	return core.Text{"fr": n.name}
}

func helpOf(n *node, a *annotations) core.Text {
	if a.help != nil {
		return a.help
	}
	if description, _ := n.raw["description"].(string); description != "" {
		return core.Text{"fr": description}
	}
	return nil
}

func (n *node) flag(key string) bool {
	v, _ := n.lookup(key)
	return v == true
}

// long reports whether a text is one to read rather than a value: by its widget or format, by the length that it may have,
// or, where nothing bounds it, by being searched with the weight of a body.
func (v value) long() bool {
	switch v.notes.widget {
	case "textarea", "markdown", "html", "code":
		return true
	}
	if format, _ := v.item.lookup("format"); format == "markdown" || format == "html" || format == "textarea" {
		return true
	}
	if _, has := v.item.lookup("contentMediaType"); has {
		return true
	}
	limit, bounded := v.item.lookup("maxLength")
	if !bounded {
		return v.notes.search > 0 && v.notes.search <= bodyWeight && !v.shaped()
	}
	n, ok := asNumber(limit)
	size, err := n.Int64()
	return ok && err == nil && size > longText
}

// shaped reports whether a text has a form that keeps it short.
func (v value) shaped() bool {
	for _, keyword := range []string{"enum", "const", "format", "pattern"} {
		if _, has := v.item.lookup(keyword); has {
			return true
		}
	}
	return false
}

// put lists a field, or merges it with the one that another branch has at its path.
func (f *fielder) put(field core.Field) {
	i, has := f.at[field.Path]
	if !has {
		f.at[field.Path] = len(f.fields)
		f.fields = append(f.fields, field)
		return
	}
	have := &f.fields[i]
	have.Required = have.Required && field.Required
	have.Search = max(have.Search, field.Search)
	have.Private, have.Secret = have.Private || field.Private, have.Secret || field.Secret
	if have.Personal == nil {
		have.Personal = field.Personal
	}
	have.Multi = have.Multi || field.Multi
	for _, v := range field.Enum {
		if len(have.Enum) > 0 && !slices.ContainsFunc(have.Enum, func(w core.EnumValue) bool { return jsondoc.Equal(v.Value, w.Value) }) {
			have.Enum = append(have.Enum, v)
		}
	}
	if len(field.Enum) == 0 {
		have.Enum = nil
	}
	if have.Kind != field.Kind {
		f.mixed(have)
	}
}

// mixed is a path that holds one kind here and another there.
func (f *fielder) mixed(field *core.Field) {
	field.Kind, field.Indexed, field.Facet, field.Unique, field.Search, field.Enum = core.KindJSON, false, false, false, 0, nil
}

// checkField checks what only makes sense on some kinds of fields.
func (f *fielder) checkField(n *node, field *core.Field, v value, in inherited) {
	a := &v.notes
	bad := func(name string, text core.Text) { f.found.add(n.pointer+"/"+name, name, text) }
	if a.localized && in.multi || v.inner {
		bad("x-localized", say("x-localized ne vaut pas dans une liste : mettez-le sur la liste entière.", "x-localized does not work inside a list: put it on the whole list."))
	}
	if a.unique && (!isScalar(field.Kind) || field.Kind == core.KindBoolean || field.Multi) {
		bad("x-unique", say("x-unique ne vaut que pour un seul texte, nombre ou date.", "x-unique is for a single text, number or date only."))
	}
	if a.facet && !isScalar(field.Kind) && field.Kind != core.KindRef {
		bad("x-facet", say("x-facet ne vaut que pour des textes, nombres, dates et références.", "x-facet is for texts, numbers, dates and references only."))
	}
	if a.search > 0 && field.Kind != core.KindString && field.Kind != core.KindRichText {
		bad("x-search", say("x-search ne vaut que pour des textes.", "x-search is for texts only."))
	}
	if a.index != nil && *a.index && !isScalar(field.Kind) && field.Kind != core.KindRef {
		bad("x-index", say("x-index ne vaut que pour des textes, nombres, dates et références.", "x-index is for texts, numbers, dates and references only."))
	}
	if a.territory != "" && field.Kind != core.KindString {
		bad("x-territory", say("x-territory ne vaut que pour des textes : les codes ont des zéros de tête.", "x-territory is for texts only: codes have leading zeros."))
	}
	f.checkShape(v, bad)
	f.checkLabels(field, a, bad)
	f.checkGroup(a, bad)
}

// checkShape refuses a JSON type that a special value never has.
func (f *fielder) checkShape(v value, bad func(string, core.Text)) {
	a := &v.notes
	for name, has := range map[string]bool{"x-ref": a.ref != nil, "x-media": a.media != nil, "x-geo": a.geo != "", "x-richtext": a.rich != nil} {
		if types := v.item.types(); has && types != nil && !slices.Contains(types, "object") {
			bad(name, say("La valeur de %s est un objet : ôtez « type », ou mettez « object ».", "The value of %s is an object: take “type” out, or make it “object”.", name))
		}
	}
	count := 0
	for _, has := range []bool{a.ref != nil, a.media != nil, a.geo != "", a.rich != nil} {
		if has {
			count++
		}
	}
	if count > 1 {
		bad("x-ref", say("Un champ est une référence, un média, une géométrie ou un texte mis en forme : un seul des quatre.", "A field is a reference, a medium, a geometry or a rich text: one of the four."))
	}
}

func (f *fielder) checkLabels(field *core.Field, a *annotations, bad func(string, core.Text)) {
	for key := range a.enumLabels {
		if len(field.Enum) > 0 && !slices.ContainsFunc(field.Enum, func(v core.EnumValue) bool { return shownKey(v.Value) == key }) {
			bad("x-enum-labels", say("« %s » n’est pas une valeur de enum.", "“%s” is no value of enum.", key))
		}
	}
}

func (f *fielder) checkGroup(a *annotations, bad func(string, core.Text)) {
	list, declared := f.s.root.raw["x-groups"].([]any)
	if a.group == "" || !declared {
		return
	}
	var ids []string
	for _, item := range list {
		m, _ := item.(map[string]any)
		id, _ := m["id"].(string)
		ids = append(ids, id)
	}
	if !slices.Contains(ids, a.group) {
		bad("x-group", meant(say("Le groupe « %s » n’est pas dans x-groups.", "The group “%s” is not in x-groups.", a.group), a.group, ids))
	}
}

func isScalar(k core.Kind) bool {
	switch k {
	case core.KindString, core.KindInteger, core.KindNumber, core.KindBoolean, core.KindTime, core.KindDate:
		return true
	}
	return false
}

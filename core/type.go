package core

import (
	"encoding/json"
	"sort"
	"strings"
)

// Kind says what values a field holds and so how it may be asked for.
type Kind string

const (
	KindString   Kind = "string"
	KindInteger  Kind = "integer"
	KindNumber   Kind = "number"
	KindBoolean  Kind = "boolean"
	KindTime     Kind = "time" // format date-time: compared as instants
	KindDate     Kind = "date" // format date
	KindRef      Kind = "ref"  // {"_ref": id, "_type": type}; filtered by the id, or through it by a dotted path
	KindMedia    Kind = "media"
	KindGeo      Kind = "geo"      // a GeoJSON geometry
	KindRichText Kind = "richtext" // searched, never filtered
	KindObject   Kind = "object"   // a group: filtered by its members only
	KindJSON     Kind = "json"     // anything else: stored, shown, exists and nothing more
)

// Type is a compiled content type. It is immutable: a schema change makes a new one.
type Type struct {
	Name        TypeName
	Plural      string
	Label       Text
	PluralLabel Text
	Description Text
	Icon        string
	Schema      Doc    // the JSON Schema as given
	Hash        string // of Schema: equal hashes are equal types
	TitleField  string
	SlugField   string // "" when the type has no slugs
	SlugFrom    string // the field that an absent slug is made from
	GeoField    string // what bbox, near and within mean when geo= is not given
	Preview     string // URL template of the website's preview
	Public      bool   // anonymous callers may read what is published
	Singleton   bool   // at most one entry
	Locales     []Locale
	Fallback    map[Locale][]Locale // per locale what to try next; the entry's own language always comes last
	Order       []SortKey           // the order of lists that do not say one
	Workflow    Workflow
	MatchAlways bool   // every write must carry If-Match
	KeepRevs    int    // how many revisions `log compact` keeps; 0 keeps all
	Heir        string // the role whose oldest account gets the drafts of an account that ended; "" leaves them
	Groups      []Group
	Fields      []Field        // every addressable path, parents before members, in the schema's order
	Annotations map[string]any // those that plugins have brought, by name, as the schema's root has them
	Validator   Validator
	byPath      map[string]int
}

// Group is a heading under which forms put fields.
type Group struct {
	ID    string `json:"id"`
	Label Text   `json:"label"`
}

// Validator checks and writes documents of one type. It may be used by many goroutines at once.
type Validator interface {
	// Validate gives every broken rule of a whole document (numbers as json.Number), in French and English.
	// The "_i18n" overlays are checked as the documents that they make.
	Validate(doc map[string]any) []FieldError
	// Encode writes a document compactly, its keys in the type's order and unknown ones after, sorted.
	Encode(doc map[string]any) Doc
}

// What a Validator says of a whole document that it could not judge: it takes longer than there is, or a plugin failed at it, whose
// ID and place are the Params "plugin" and "hook".
const (
	KeywordBudget       = "budget"
	KeywordPluginFailed = "plugin_failed"
)

// Field is one addressable path of a type. A path names object members joined by dots; arrays add nothing to it:
// "programme.title" is the title of each item of the array programme.
type Field struct {
	Path       string
	ID         string // x-id, or the path: what a rename keeps
	Kind       Kind
	Multi      bool // somewhere inside an array: a document has any number of values
	Required   bool
	Label      Text
	Help       Text
	Group      string
	Widget     string
	Enum       []EnumValue
	Ref        *RefRule
	Media      *MediaRule
	Geo        string // "point", "line", "area" or "any"
	Territory  string // the level of an x-territory code: "region", "departement", "epci", "commune", "any"
	Unique     bool
	Indexed    bool // may be filtered and sorted
	Facet      bool
	Search     float64 // weight in full-text search, 0 for none
	Localized  bool
	Private    bool // never in a public answer
	Secret     bool // write-only
	ReadRoles  []string
	WriteRoles []string
	Personal   *PersonalRule
	Computed   bool
	Compute    *ComputeRule // how, where an expression or a plugin’s function does it
	ReadOnly   bool
	// Annotations are those that plugins have brought, by name, as the schema has them.
	Annotations map[string]any
	Default     json.RawMessage
}

// EnumValue is one allowed value with its label.
type EnumValue struct {
	Value any  `json:"value"`
	Label Text `json:"label,omitempty"`
}

// RefRule is x-ref.
type RefRule struct {
	Types    []TypeName `json:"types"`
	OnDelete string     `json:"onDelete,omitempty"` // "restrict" (default), "null", "cascade"
	Inverse  string     `json:"inverse,omitempty"`  // the name of the reverse list on the target
}

// MediaRule is x-media.
type MediaRule struct {
	Accept   []string `json:"accept,omitempty"`
	MaxBytes int64    `json:"maxBytes,omitempty"`
}

// PersonalRule is x-personal.
type PersonalRule struct {
	Subject string `json:"subject"`
	Purpose string `json:"purpose"`
	Basis   string `json:"basis"`
	Keep    string `json:"keep,omitempty"`  // how long after Since, an ISO 8601 duration: see ParsePeriod
	Since   string `json:"since,omitempty"` // the field of the entry that holds the date to count from; "" is its last change
	Class   string `json:"class,omitempty"` // one of PersonalClasses; P2 when the schema does not say
}

// PersonalClasses are the privacy classes: P0 names nobody by itself, P1 is public by nature, P2 is for those who need it,
// P3 is sensitive (health, opinions) and never public.
var PersonalClasses = []string{"P0", "P1", "P2", "P3"}

// Sensitive reports whether the rule asks for a private field: one of class P3 always is. No rule asks for nothing.
func (r *PersonalRule) Sensitive() bool { return r != nil && r.Class == "P3" }

// NewType finishes a type whose exported fields are set. Nothing may change it afterwards.
func NewType(t Type) *Type {
	t.byPath = make(map[string]int, len(t.Fields))
	for i, f := range t.Fields {
		t.byPath[f.Path] = i
	}
	return &t
}

// Field finds a field by its path.
func (t *Type) Field(path string) (*Field, bool) {
	i, ok := t.byPath[path]
	if !ok {
		return nil, false
	}
	return &t.Fields[i], true
}

// Refs gives the reference fields.
func (t *Type) Refs() []*Field {
	var refs []*Field
	for i := range t.Fields {
		if t.Fields[i].Kind == KindRef {
			refs = append(refs, &t.Fields[i])
		}
	}
	return refs
}

// Chain gives the locales to try for a wanted one, the wanted first; the entry's own language is not among them
// unless listed.
func (t *Type) Chain(want Locale) []Locale {
	chain := []Locale{want}
	if next, ok := t.Fallback[want]; ok {
		return append(chain, next...)
	}
	if base, _, ok := strings.Cut(string(want), "-"); ok {
		chain = append(chain, Locale(base))
	}
	return chain
}

// HasLocale reports whether the type is written in a locale.
func (t *Type) HasLocale(l Locale) bool {
	for _, have := range t.Locales {
		if have == l {
			return true
		}
	}
	return false
}

// DefaultLocale is the language of a document that does not say its own: the first of Locales, or "".
func (t *Type) DefaultLocale() Locale {
	if len(t.Locales) == 0 {
		return ""
	}
	return t.Locales[0]
}

// Types is the registry of compiled content types.
type Types interface {
	// Type finds a type by its name.
	Type(name TypeName) (*Type, bool)
	// Types gives all, sorted by name, the system's own last.
	Types() []*Type
}

// SortTypes orders types as Types.Types promises.
func SortTypes(types []*Type) {
	sort.Slice(types, func(i, j int) bool {
		a, b := types[i], types[j]
		if a.Name.System() != b.Name.System() {
			return b.Name.System()
		}
		return a.Name < b.Name
	})
}

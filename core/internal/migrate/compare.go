package migrate

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// The kinds of a core.FieldChange.
const (
	added     = "added"
	removed   = "removed"
	renamed   = "renamed"
	retyped   = "retyped"
	tightened = "tightened"
	loosened  = "loosened"
	annotated = "annotated"
)

// Compare gives what differs between two versions of a type, by the schemas alone. A field keeps its identity by its
// x-id: with another path it was renamed.
func Compare(old, next *core.Type) []core.FieldChange {
	c := &comparison{old: old, next: next, pairs: pair(old, next), oldSchema: parsed(old), nextSchema: parsed(next)}
	c.fields()
	c.root()
	slices.SortStableFunc(c.changes, func(a, b core.FieldChange) int { return strings.Compare(a.Path, b.Path) })
	return c.changes
}

type comparison struct {
	old, next             *core.Type
	pairs                 *pairs
	oldSchema, nextSchema map[string]any
	changes               []core.FieldChange
}

func parsed(t *core.Type) map[string]any {
	m, err := jsondoc.ParseObject(t.Schema)
	if err != nil {
		return map[string]any{}
	}
	return m
}

func (c *comparison) add(kind, path, from, to, detail string) {
	c.changes = append(c.changes, core.FieldChange{Kind: kind, Path: path, From: from, To: to, Detail: detail})
}

// pairs matches the fields of two versions of a type: by their identity, and where that says nothing by their path.
type pairs struct {
	former map[string]*core.Field // new path → the field as it was
	stays  map[string]bool        // old paths that have a counterpart
}

func pair(old, next *core.Type) *pairs {
	p := &pairs{former: map[string]*core.Field{}, stays: map[string]bool{}}
	byID := make(map[string]*core.Field, len(old.Fields))
	for i := range old.Fields {
		byID[old.Fields[i].ID] = &old.Fields[i]
	}
	for i := range next.Fields {
		if had := byID[next.Fields[i].ID]; had != nil {
			p.join(had, &next.Fields[i])
		}
	}
	for i := range next.Fields { // a field that only now gets its x-id, or loses it
		f := &next.Fields[i]
		if had, ok := old.Field(f.Path); ok && p.former[f.Path] == nil && !p.stays[had.Path] {
			p.join(had, f)
		}
	}
	return p
}

func (p *pairs) join(had, f *core.Field) {
	p.former[f.Path], p.stays[had.Path] = had, true
}

func (c *comparison) fields() {
	for i := range c.old.Fields {
		f := &c.old.Fields[i]
		if !c.pairs.stays[f.Path] && !c.goneWithParent(f.Path) {
			c.add(removed, f.Path, kindOf(f), "", "")
		}
	}
	for i := range c.next.Fields {
		f := &c.next.Fields[i]
		if had := c.pairs.former[f.Path]; had != nil {
			c.pair(had, f)
			continue
		}
		c.add(added, f.Path, "", kindOf(f), requiredDetail(f))
	}
}

// goneWithParent reports whether the object that a field was in has gone too, and so tells of it.
func (c *comparison) goneWithParent(path string) bool {
	up := parent(path)
	return up != "" && !c.pairs.stays[up]
}

func requiredDetail(f *core.Field) string {
	if f.Required {
		return "required"
	}
	return ""
}

// kindOf names a field's kind; a list of it ends in [].
func kindOf(f *core.Field) string {
	if f.Multi {
		return string(f.Kind) + "[]"
	}
	return string(f.Kind)
}

func (c *comparison) pair(had, f *core.Field) {
	if had.Path != f.Path && !c.carried(had, f) {
		c.add(renamed, f.Path, had.Path, f.Path, "")
	}
	if kindOf(had) != kindOf(f) {
		c.add(retyped, f.Path, kindOf(had), kindOf(f), "")
		return
	}
	c.required(had, f)
	c.keywords(f.Path, keywordsAt(c.oldSchema, had.Path), keywordsAt(c.nextSchema, f.Path))
}

// carried reports whether a field has another path only because the object that it is in has.
func (c *comparison) carried(had, f *core.Field) bool {
	up, hadUp := parent(f.Path), parent(had.Path)
	if up == "" || hadUp == "" || name(f.Path) != name(had.Path) {
		return false
	}
	outer := c.pairs.former[up]
	return outer != nil && outer.Path == hadUp
}

func parent(path string) string {
	if cut := strings.LastIndexByte(path, '.'); cut >= 0 {
		return path[:cut]
	}
	return ""
}

func name(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func (c *comparison) required(had, f *core.Field) {
	switch {
	case f.Required && !had.Required:
		c.add(tightened, f.Path, "", "", "required")
	case had.Required && !f.Required:
		c.add(loosened, f.Path, "", "", "required")
	}
}

// keywords compares what two versions of one field say, members apart, which are fields of their own.
func (c *comparison) keywords(path string, before, after map[string]any) {
	for _, key := range unionKeys(before, after) {
		had, hasHad := before[key]
		now, hasNow := after[key]
		if slices.Contains(structural, key) || jsondoc.Equal(had, now) && hasHad == hasNow {
			continue
		}
		if kind := moved(key, had, now, hasHad, hasNow); kind != "" {
			c.add(kind, path, "", "", key)
		}
	}
}

// structural keywords are compared by the fields that they make.
var structural = []string{"properties", "items", "prefixItems", "$ref", "$defs", "definitions", "allOf", "required", "type", "x-id"}

func unionKeys(a, b map[string]any) []string {
	keys := make([]string, 0, len(a)+len(b))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// moved says which way a keyword went.
func moved(key string, had, now any, hasHad, hasNow bool) string {
	switch key {
	case "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains":
		return bound(had, now, hasHad, hasNow, 1)
	case "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains":
		return bound(had, now, hasHad, hasNow, -1)
	case "enum":
		return choices(had, now, hasHad, hasNow)
	case "pattern", "format", "const", "multipleOf", "contains", "not", "propertyNames", "if", "then", "else", "dependentRequired",
		"dependentSchemas", "oneOf", "anyOf", "patternProperties":
		return presence(hasNow)
	case "uniqueItems", "x-unique":
		return presence(now == true)
	case "additionalProperties", "unevaluatedProperties", "unevaluatedItems":
		return presence(hasNow && now != true)
	case "x-ref", "x-geo", "x-media", "x-territory", "x-richtext":
		return presence(hasNow)
	}
	return annotated
}

func presence(stricter bool) string {
	if stricter {
		return tightened
	}
	return loosened
}

func bound(had, now any, hasHad, hasNow bool, direction int) string {
	if !hasHad || !hasNow {
		return presence(hasNow)
	}
	return presence(compareNumbers(now, had)*direction > 0)
}

func compareNumbers(a, b any) int {
	x, okX := rat(a)
	y, okY := rat(b)
	if !okX || !okY {
		return 0
	}
	return x.Cmp(y)
}

func rat(v any) (*big.Rat, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(string(n))
}

// choices are tightened when a value that was possible is not any more.
func choices(had, now any, hasHad, hasNow bool) string {
	before, _ := had.([]any)
	after, _ := now.([]any)
	if !hasHad || !hasNow {
		return presence(hasNow)
	}
	for _, v := range before {
		if !slices.ContainsFunc(after, func(w any) bool { return jsondoc.Equal(v, w) }) {
			return tightened
		}
	}
	if len(before) == len(after) {
		return annotated // the order alone
	}
	return loosened
}

// root compares what the types say of themselves.
func (c *comparison) root() {
	before, after := rootKeywords(c.oldSchema), rootKeywords(c.nextSchema)
	c.keywords("", before, after)
}

func rootKeywords(schema map[string]any) map[string]any {
	out := make(map[string]any, len(schema))
	for key, v := range schema {
		if key != "$schema" && key != "$id" && key != "$comment" {
			out[key] = v
		}
	}
	return out
}

package osm

import (
	"slices"
	"strings"
)

// Filter chooses elements by their tags: all of its conditions hold. The zero value, which ParseFilter never gives,
// chooses everything that has a tag.
type Filter struct {
	Conditions []Condition
}

// Condition is one demand on one key.
type Condition struct {
	Key    string
	Values []string // any of these; none means that the key is there, whatever its value
	Not    bool     // none of Values, or no such key
}

// Match tells whether tags fit the filter.
func (f Filter) Match(tags map[string]string) bool {
	for i := range f.Conditions {
		value, ok := tags[f.Conditions[i].Key]
		if !holds(&f.Conditions[i], value, ok) {
			return false
		}
	}
	return len(tags) > 0
}

// match is Match for tags as they lie in a block.
func (f Filter) match(tags []tag) bool {
	for i := range f.Conditions {
		value, ok := find(tags, f.Conditions[i].Key)
		if !holds(&f.Conditions[i], value, ok) {
			return false
		}
	}
	return len(tags) > 0
}

func find(tags []tag, key string) ([]byte, bool) {
	for _, t := range tags {
		if string(t.key) == key {
			return t.value, true
		}
	}
	return nil, false
}

func holds[S string | []byte](c *Condition, value S, ok bool) bool {
	if len(c.Values) == 0 {
		return ok
	}
	for _, want := range c.Values {
		if ok && string(value) == want {
			return !c.Not
		}
	}
	return c.Not
}

// possible tells whether anything in a block can match at all: every key that the filter asks for is among the block's
// strings. It saves looking at the tags of most blocks.
func (f Filter) possible(texts [][]byte) bool {
	for i := range f.Conditions {
		if c := &f.Conditions[i]; !c.Not && !slices.ContainsFunc(texts, func(s []byte) bool { return string(s) == c.Key }) {
			return false
		}
	}
	return true
}

// String writes the filter so that ParseFilter reads the same one.
func (f Filter) String() string {
	conditions := make([]string, len(f.Conditions))
	for i, c := range f.Conditions {
		conditions[i] = c.String()
	}
	return strings.Join(conditions, " and ")
}

// String writes the condition as it stands in a filter.
func (c Condition) String() string {
	if len(c.Values) == 0 {
		return quote(c.Key)
	}
	operator := "="
	if c.Not {
		operator = "!="
	}
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = quote(v)
	}
	return quote(c.Key) + operator + strings.Join(values, ",")
}

func quote(word string) string {
	plain := word != "" && word != "*" && !strings.EqualFold(word, "and") && !strings.ContainsFunc(word, isSpecial)
	if plain {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

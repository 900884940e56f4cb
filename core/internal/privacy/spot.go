package privacy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// spot is one place in a document where a field has a value: its steps are names and the numbers of array items.
type spot struct {
	steps []string
	path  string // the field's
	value any
}

func (s *spot) pointer() string { return jsondoc.Pointer(s.steps...) }

// spotsOf finds a field wherever it has a value, in a document and in its translations, nulls too.
func spotsOf(doc map[string]any, path string) []spot {
	found := appendSpots(nil, doc, path, path, nil)
	translations, _ := doc[core.DocTranslations].(map[string]any)
	for _, locale := range sortedKeys(translations) {
		found = appendSpots(found, translations[locale], path, path, []string{core.DocTranslations, locale})
	}
	return found
}

func appendSpots(found []spot, v any, path, rest string, steps []string) []spot {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			found = appendSpots(found, item, path, rest, append(slices.Clone(steps), strconv.Itoa(i)))
		}
	case map[string]any:
		head, below, more := strings.Cut(rest, ".")
		child, ok := v[head]
		if !ok {
			return found
		}
		steps = append(slices.Clone(steps), head)
		if !more {
			return append(found, spot{steps, path, child})
		}
		return appendSpots(found, child, path, below, steps)
	}
	return found
}

// take deletes the member at a spot.
func (s *spot) take(doc map[string]any) {
	if parent, ok := s.parent(doc).(map[string]any); ok {
		delete(parent, s.steps[len(s.steps)-1])
	}
}

// put sets the value at a spot.
func (s *spot) put(doc map[string]any, v any) {
	last := s.steps[len(s.steps)-1]
	switch parent := s.parent(doc).(type) {
	case map[string]any:
		parent[last] = v
	case []any:
		if i, err := strconv.Atoi(last); err == nil && i < len(parent) {
			parent[i] = v
		}
	}
}

func (s *spot) parent(doc map[string]any) any {
	var v any = doc
	for _, step := range s.steps[:len(s.steps)-1] {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		}
	}
	return v
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// tidy takes out translations that say nothing any more.
func tidy(doc map[string]any) {
	translations, ok := doc[core.DocTranslations].(map[string]any)
	if !ok {
		return
	}
	for locale, overlay := range translations {
		if in, ok := overlay.(map[string]any); ok && len(in) == 0 {
			delete(translations, locale)
		}
	}
	if len(translations) == 0 {
		delete(doc, core.DocTranslations)
	}
}

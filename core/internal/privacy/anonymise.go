package privacy

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// maxTries bounds how often a document is validated on the way to one that fits its type.
const maxTries = 500

// anonymiser takes fields out of one document.
type anonymiser struct {
	typ    *core.Type
	id     core.EntryID
	slug   string           // the new slug, "" where it may stay
	base   map[string]any   // the document without any of the fields
	slots  []*slot          // parents before what lies in them
	before map[problem]bool // what was wrong already
}

// problem is a broken rule at a place.
type problem struct{ pointer, keyword string }

// slot is a place that a field was taken out of. It stays empty unless the type asks for a value; then its options are tried,
// each in turn.
type slot struct {
	spot
	options []any
	at      int            // which option stands there; -1 for none
	open    func() []*slot // what lies in it, for a container that its type does not let be empty; nil once used
}

// anonymise gives a document without fields, and which of them have another value instead. wrong is what keeps it from fitting
// its type when nothing else will do; a document that did not fit before may go on not fitting for the same reasons.
func anonymise(t *core.Type, id core.EntryID, doc map[string]any, fields []string, slug string) (after map[string]any, replaced []string, wrong []core.FieldError) {
	a := &anonymiser{typ: t, id: id, slug: slug, base: jsondoc.CloneObject(doc), before: map[problem]bool{}}
	for _, p := range t.Validator.Validate(doc) {
		a.before[problem{p.Pointer, p.Keyword}] = true
	}
	for _, path := range fields {
		for _, at := range spotsOf(doc, path) {
			at.take(a.base)
			s := &slot{spot: at, at: -1}
			s.options, s.open = a.optionsFor(at)
			a.slots = append(a.slots, s)
		}
	}
	a.addSlug(doc)
	for range maxTries {
		after = a.made()
		if wrong = a.news(t.Validator.Validate(after)); len(wrong) == 0 {
			tidy(after)
			return after, a.replaced(), nil
		}
		if !a.advance(wrong) {
			break
		}
	}
	return nil, nil, wrong
}

// addSlug puts a new slug in the place of the old one, in every language.
func (a *anonymiser) addSlug(doc map[string]any) {
	if a.slug == "" {
		return
	}
	a.slots = slices.DeleteFunc(a.slots, func(s *slot) bool { return s.path == a.typ.SlugField })
	for _, at := range spotsOf(doc, a.typ.SlugField) {
		a.slots = append(a.slots, &slot{spot: at, options: []any{a.slug, "anonyme-" + short(a.id), "x" + a.slug, short(a.id)}})
	}
}

// made is the document with what stands in the slots.
func (a *anonymiser) made() map[string]any {
	doc := jsondoc.CloneObject(a.base)
	for _, s := range a.slots {
		if s.at >= 0 {
			s.put(doc, jsondoc.Clone(s.options[s.at]))
		}
	}
	return doc
}

// news leaves out what was wrong before.
func (a *anonymiser) news(wrong []core.FieldError) []core.FieldError {
	return slices.DeleteFunc(slices.Clone(wrong), func(p core.FieldError) bool { return a.before[problem{p.Pointer, p.Keyword}] })
}

// replaced lists the fields that have another value now, but for the slug.
func (a *anonymiser) replaced() []string {
	var paths []string
	for _, s := range a.slots {
		if s.at >= 0 && s.path != a.typ.SlugField && !slices.Contains(paths, s.path) {
			paths = append(paths, s.path)
		}
	}
	return paths
}

// advance tries the next option wherever a rule is broken, and reports whether there was any.
func (a *anonymiser) advance(wrong []core.FieldError) bool {
	moved := map[*slot]bool{}
	for _, p := range wrong {
		for _, s := range a.concerned(p.Pointer) {
			if !moved[s] && a.next(s, p) {
				moved[s] = true
			}
		}
	}
	return len(moved) > 0
}

// concerned finds the slots that could mend a broken rule: the one at the place; else the nearest around it; else the empty
// ones in it; else all in it.
func (a *anonymiser) concerned(pointer string) []*slot {
	var around *slot
	var empty, all []*slot
	for _, s := range a.slots {
		at := s.pointer()
		switch {
		case at == pointer && a.canMove(s):
			return []*slot{s}
		case strings.HasPrefix(pointer, at+"/") && a.canMove(s):
			around = s
		case strings.HasPrefix(at, pointer+"/") && a.canMove(s):
			all = append(all, s)
			if s.at < 0 {
				empty = append(empty, s)
			}
		}
	}
	switch {
	case around != nil:
		return []*slot{around}
	case empty != nil:
		return empty
	}
	return all
}

func (a *anonymiser) canMove(s *slot) bool { return s.at+1 < len(s.options) || s.open != nil }

// next moves a slot on. The figure of a broken rule is an option too: the least that a number may be, the fewest characters.
func (a *anonymiser) next(s *slot, p core.FieldError) bool {
	if s.at >= 0 && s.pointer() == p.Pointer {
		s.options = append(s.options, fitting(s.options[s.at], p)...)
	}
	if s.at+1 < len(s.options) {
		s.at++
		return true
	}
	if s.open == nil {
		return false
	}
	inside := s.open()
	s.open = nil
	a.slots = append(a.slots, inside...)
	return true
}

// fitting makes a value of the figure of the rule that another value breaks; none where that does not help.
func fitting(v any, p core.FieldError) []any {
	limit, _ := p.Params[p.Keyword].(json.Number)
	switch p.Keyword {
	case "minimum", "maximum":
		if limit != "" {
			return []any{limit}
		}
	case "minLength":
		n, err := limit.Int64()
		if text, ok := v.(string); ok && err == nil && n < 1000 {
			return []any{strings.Repeat(text, int(n)/max(1, len([]rune(text)))+1)}
		}
	}
	return nil
}

// short is enough of an identifier to tell entries apart.
func short(id core.EntryID) string { return string(id[max(0, len(id)-12):]) }

// optionsFor lists what may stand at a place instead of its value, the best first.
func (a *anonymiser) optionsFor(at spot) (options []any, open func() []*slot) {
	f, known := a.typ.Field(at.path)
	if !known {
		f = &core.Field{Path: at.path, Kind: core.KindJSON}
	}
	switch v := at.value.(type) {
	case []any:
		return a.lists(f, at, v)
	case map[string]any:
		return a.objects(f, at, v)
	}
	return a.scalars(f, ""), nil
}

func (a *anonymiser) objects(f *core.Field, at spot, v map[string]any) ([]any, func() []*slot) {
	switch f.Kind {
	case core.KindRef, core.KindMedia:
		return nil, nil // no other entry can stand in
	case core.KindGeo:
		zero := []any{json.Number("0"), json.Number("0")}
		return []any{map[string]any{"type": "Point", "coordinates": zero}}, nil
	case core.KindRichText:
		text := map[string]any{"type": "text", "text": "—"}
		return []any{map[string]any{"type": "doc", "v": json.Number("1"), "content": []any{map[string]any{"type": "paragraph", "content": []any{text}}}}}, nil
	}
	return []any{map[string]any{}}, func() []*slot { return a.members(at, v) }
}

// members are the slots in an object.
func (a *anonymiser) members(at spot, v map[string]any) []*slot {
	var inside []*slot
	for _, name := range sortedKeys(v) {
		s := &slot{spot: spot{append(slices.Clone(at.steps), name), at.path + "." + name, v[name]}, at: -1}
		s.options, s.open = a.optionsFor(s.spot)
		inside = append(inside, s)
	}
	return inside
}

func (a *anonymiser) lists(f *core.Field, at spot, v []any) ([]any, func() []*slot) {
	options := []any{[]any{}}
	if len(v) > 0 {
		if _, object := v[0].(map[string]any); object {
			return options, func() []*slot { return a.items(at, v) }
		}
	}
	for _, one := range a.scalars(f, "") {
		options = append(options, []any{one})
	}
	return append(options, a.several(f, len(v))...), nil
}

// several are lists of values that all differ, as many as there were.
func (a *anonymiser) several(f *core.Field, n int) []any {
	lists := make([][]any, len(a.scalars(f, "-1")))
	for i := range n {
		for k, one := range a.scalars(f, "-"+strconv.Itoa(i+1)) {
			lists[k] = append(lists[k], one)
		}
	}
	var options []any
	for _, list := range lists {
		options = append(options, list)
	}
	return options
}

// items are as many empty objects as there were, and the slots in them.
func (a *anonymiser) items(at spot, v []any) []*slot {
	empty := make([]any, len(v))
	for i := range empty {
		empty[i] = map[string]any{}
	}
	inside := []*slot{{spot: at, options: []any{empty}}}
	for i, item := range v {
		if object, ok := item.(map[string]any); ok {
			inside = append(inside, a.members(spot{append(slices.Clone(at.steps), strconv.Itoa(i)), at.path, nil}, object)...)
		}
	}
	return inside
}

// scalars lists single values for a field that name nobody. tail tells several of them apart.
func (a *anonymiser) scalars(f *core.Field, tail string) []any {
	if len(f.Enum) > 0 {
		var values []any
		for _, v := range f.Enum {
			values = append(values, v.Value)
		}
		return values
	}
	switch f.Kind {
	case core.KindInteger, core.KindNumber:
		return numbers("0", "1", "10", "100", "1900")
	case core.KindBoolean:
		return []any{false, true}
	case core.KindDate:
		return []any{"1900-01-01"}
	case core.KindTime:
		return []any{"1900-01-01T00:00:00Z"}
	case core.KindRef, core.KindMedia, core.KindGeo, core.KindRichText:
		return nil
	}
	return a.words(f, tail)
}

func numbers(list ...json.Number) (values []any) {
	for _, n := range list {
		values = append(values, n)
	}
	return values
}

func (a *anonymiser) words(f *core.Field, tail string) []any {
	own := "anonyme-" + short(a.id) + tail
	telling := []any{own, own + "@example.invalid", "https://example.invalid/" + own}
	if f.Unique || tail != "" {
		return telling
	}
	plain := []any{"—", "Personne anonymisée", "anonyme"}
	shaped := []any{"+33000000000", "1900-01-01", "1900-01-01T00:00:00Z", "00:00:00", "00000", "0", "x", "X", "fr", "FR", "P0D", "#000000"}
	return slices.Concat(plain, telling, shaped)
}

package schema

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// budget is how long one validation may take.
const budget = 250 * time.Millisecond

// lightWork is the number of values times the subschemas that each may meet up to which a validation is not timed:
// some milliseconds at most.
const lightWork = 20_000

// lightSteps is the same for the bytes of texts times the size of the patterns.
const lightSteps = 4_000_000

// maxName is how long the name of a member may be.
const maxName = 1_000

// validator checks the documents of one type.
type validator struct {
	s        *source
	plain    *engine
	width    int // the most subschemas that one value meets
	patterns int // the size of the largest pattern
	order    *keyRank
	locales  []core.Locale
	fields   map[string]*core.Field
	timed    chan *engine // engines with a clock, one validation each
	make     sync.Once
}

var _ core.Validator = (*validator)(nil)

func newValidator(s *source, e *engine, t *core.Type) *validator {
	v := &validator{s: s, plain: e, width: s.width(), order: s.rank(), locales: t.Locales, fields: make(map[string]*core.Field, len(t.Fields))}
	for _, n := range s.nodes {
		if n.pattern != nil {
			v.patterns = max(v.patterns, n.pattern.size)
		}
	}
	v.timed = make(chan *engine, max(1, runtime.GOMAXPROCS(0)/2))
	for i := range t.Fields {
		v.fields[t.Fields[i].Path] = &t.Fields[i]
	}
	return v
}

// Validate implements core.Validator.
func (v *validator) Validate(doc map[string]any) []core.FieldError {
	own, reserved := v.ownDocument(doc)
	found := v.check(own)
	found = append(found, v.reserved(reserved, own)...)
	if len(found) == 0 {
		return nil
	}
	return found.sorted()
}

// ownDocument takes the reserved members out, which the schema knows nothing of.
func (v *validator) ownDocument(doc map[string]any) (own, reserved map[string]any) {
	_, has := doc[core.DocTranslations]
	_, says := doc[core.DocLocale]
	if !has && !says {
		return doc, nil
	}
	own, reserved = make(map[string]any, len(doc)), map[string]any{}
	for key, value := range doc {
		if key == core.DocTranslations || key == core.DocLocale {
			reserved[key] = value
			continue
		}
		own[key] = value
	}
	return own, reserved
}

// check validates one whole document in one language.
func (v *validator) check(doc map[string]any) problems {
	var l load
	l.add(doc)
	switch {
	case l.name > maxName:
		return problems{problem("", "propertyNames", say("Un nom de champ est trop long : %d caractères au plus.", "The name of a field is too long: at most %d characters.", maxName), nil)}
	case v.heavy(&l):
		return v.checkTimed(doc)
	}
	return run(v.plain, doc)
}

func run(e *engine, doc map[string]any) problems {
	found, err := e.judge(doc)
	fault := (*core.PluginFault)(nil)
	switch {
	case err == errTimeUp:
		return problems{problem("", core.KeywordBudget, sayTimeUp(), nil)}
	case errors.As(err, &fault):
		return problems{problem("", core.KeywordPluginFailed, sayPluginFailed(fault.Plugin), map[string]any{"plugin": fault.Plugin, "hook": fault.Where})}
	case err != nil:
		return problems{problem("", "schema", sayDoesNotFit(say("Le contenu", "The content")), nil)}
	}
	return found
}

// checkTimed validates a heavy document against the clock, a few at a time.
func (v *validator) checkTimed(doc map[string]any) problems {
	v.make.Do(v.makeTimed)
	e := <-v.timed
	defer func() { v.timed <- e }()
	e.clock.ticks, e.clock.deadline = 0, time.Now().Add(budget)
	return run(e, doc)
}

// makeTimed compiles the schema again with clocks. It compiled before, so it does now.
func (v *validator) makeTimed() {
	for range cap(v.timed) {
		e, _, err := newEngine(v.s, true)
		if err != nil || e == nil {
			e = v.plain
		}
		v.timed <- e
	}
}

// load is how much work a document is: its values, the bytes of its texts, its longest name.
type load struct{ values, bytes, name int }

func (l *load) add(value any) {
	l.values++
	switch value := value.(type) {
	case string:
		l.bytes += len(value)
	case map[string]any:
		for key, member := range value {
			l.name = max(l.name, len(key))
			l.add(member)
		}
	case []any:
		for _, item := range value {
			l.add(item)
		}
	}
}

// heavy reports whether a load is to be timed.
func (v *validator) heavy(l *load) bool {
	return l.values*v.width > lightWork || l.bytes*v.patterns > lightSteps
}

// reserved checks "_locale", and each translation as the document that it makes.
func (v *validator) reserved(members, own map[string]any) (found problems) {
	if value, has := members[core.DocLocale]; has && !v.hasLocale(value) {
		found.add("/"+core.DocLocale, core.DocLocale, v.sayLocale(value))
	}
	value, has := members[core.DocTranslations]
	if !has {
		return found
	}
	translations, ok := value.(map[string]any)
	if !ok {
		found.add("/"+core.DocTranslations, core.DocTranslations, say(`_i18n est un objet, par langue : {"en": {"title": "…"}}.`, `_i18n is an object, by language: {"en": {"title": "…"}}.`))
		return found
	}
	for _, l := range sortedKeys(translations) {
		found = append(found, v.translation(l, translations[l], own)...)
	}
	return found
}

func (v *validator) hasLocale(value any) bool {
	l, ok := value.(string)
	return ok && slices.Contains(v.locales, core.Locale(l))
}

func (v *validator) sayLocale(value any) core.Text {
	l, _ := value.(string)
	words := make([]string, len(v.locales))
	for i, known := range v.locales {
		words[i] = string(known)
	}
	return say("La langue « %s » n’est pas de celles de ce type (%s).", "The language “%s” is not one of this type's (%s).", short(l), strings.Join(words, ", "))
}

func (v *validator) translation(l string, value any, own map[string]any) (found problems) {
	at := "/" + core.DocTranslations + jsondoc.Pointer(l)
	if !v.hasLocale(l) {
		found.add(at, core.DocTranslations, v.sayLocale(l))
		return found
	}
	overlay, ok := value.(map[string]any)
	if !ok {
		found.add(at, core.DocTranslations, say("Une traduction est un objet avec les champs traduits.", "A translation is an object with the translated fields."))
		return found
	}
	if found = v.onlyLocalized(overlay, "", at); len(found) > 0 {
		return found
	}
	for _, p := range v.check(core.Overlay(own, overlay)) {
		if touches(overlay, p.Pointer) {
			p.Pointer = at + p.Pointer
			found = append(found, p)
		}
	}
	return found
}

// onlyLocalized refuses translations of what is one value for all languages.
func (v *validator) onlyLocalized(overlay map[string]any, path, at string) (found problems) {
	for _, name := range sortedKeys(overlay) {
		below, pointer := path+name, at+jsondoc.Pointer(name)
		f := v.fields[below]
		members, isObject := overlay[name].(map[string]any)
		switch {
		case f == nil:
			found.add(pointer, "x-localized", sayUnexpected(name, nil))
		case f.Localized:
		case f.Kind == core.KindObject && !f.Multi && isObject:
			found = append(found, v.onlyLocalized(members, below+".", pointer)...)
		default:
			found.add(pointer, "x-localized", say("« %s » ne se traduit pas : il vaut pour toutes les langues.", "“%s” is not translated: it holds for all languages.", short(name)))
		}
	}
	return found
}

// touches reports whether a pointer into the translated document leads to, or into, what the translation says.
func touches(overlay map[string]any, pointer string) bool {
	if pointer == "" {
		return false
	}
	token, rest, more := strings.Cut(pointer[1:], "/")
	value, has := overlay[token]
	below, isObject := value.(map[string]any)
	if !has || !more || !isObject {
		return has
	}
	return touches(below, "/"+rest)
}

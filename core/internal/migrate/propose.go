package migrate

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// advice collects what would repair what breaks, by trying it on each document that does.
type advice struct {
	old, next *core.Type
	changes   []core.FieldChange
	matched   *pairs
	tried     map[string]*trial
	order     []string
}

// trial is one repair and how many entries it helps.
type trial struct {
	repair core.Repair
	helped bool // the entry that is looked at
}

func newAdvice(old, next *core.Type, changes []core.FieldChange, matched *pairs) *advice {
	return &advice{old: old, next: next, changes: changes, matched: matched, tried: map[string]*trial{}}
}

// proposed gives the repairs that help at least one entry.
func (a *advice) proposed() []core.Repair {
	repairs := []core.Repair{}
	for _, key := range a.order {
		if t := a.tried[key]; t.repair.Count > 0 {
			repairs = append(repairs, t.repair)
		}
	}
	return byUse(repairs)
}

// endEntry counts each repair once for an entry, whichever of its documents it helps.
func (a *advice) endEntry() {
	for _, t := range a.tried {
		if t.helped {
			t.repair.Count++
			t.helped = false
		}
	}
}

// consider tries the repairs that the errors of a document suggest.
func (a *advice) consider(doc map[string]any, errs []core.FieldError) {
	seen := map[string]bool{}
	for i := range errs {
		path, own := dotted(errs[i].Pointer)
		if seen[path] || !own || errs[i].Keyword == "unique" {
			continue
		}
		seen[path] = true
		for _, repair := range a.candidates(path, &errs[i]) {
			a.try(doc, path, repair)
		}
	}
}

func (a *advice) candidates(path string, e *core.FieldError) []core.Repair {
	f, stays := a.next.Field(path)
	switch {
	case !stays:
		return append(a.renames(path), core.Repair{Kind: drop, Path: path})
	case e.Keyword == "required" || e.Keyword == "dependentRequired":
		return a.fills(f)
	}
	repairs := a.conversions(f)
	if !f.Required {
		repairs = append(repairs, core.Repair{Kind: drop, Path: path})
	}
	return repairs
}

// renames proposes the added fields of the same kind beside a removed one.
func (a *advice) renames(path string) []core.Repair {
	had, ok := a.old.Field(path)
	if !ok {
		return nil
	}
	var repairs []core.Repair
	for _, c := range a.changes {
		f, _ := a.next.Field(c.Path)
		if c.Kind == added && f != nil && kindOf(f) == kindOf(had) && parent(c.Path) == parent(path) && c.Path != a.next.SlugField {
			repairs = append(repairs, core.Repair{Kind: renameKind, Path: path, To: c.Path})
		}
	}
	return repairs
}

// fills proposes the field's default, else its first possible value, else nothing of its kind, and for what may be a
// list an empty one. Those that do not fit help nothing, and so are not proposed.
func (a *advice) fills(f *core.Field) []core.Repair {
	var repairs []core.Repair
	if v, ok := fillValue(f); ok {
		repairs = append(repairs, core.Repair{Kind: fill, Path: f.Path, Value: v})
	}
	if f.Multi && f.Default == nil {
		repairs = append(repairs, core.Repair{Kind: fill, Path: f.Path, Value: []any{}})
	}
	return repairs
}

func fillValue(f *core.Field) (any, bool) {
	if f.Default != nil {
		v, err := jsondoc.Parse(f.Default)
		return v, err == nil && v != nil
	}
	if len(f.Enum) > 0 {
		return f.Enum[0].Value, true
	}
	switch f.Kind {
	case core.KindString:
		return "", true
	case core.KindInteger, core.KindNumber:
		return json.Number("0"), true
	case core.KindBoolean:
		return false, true
	case core.KindRichText:
		return map[string]any{"type": "doc", "v": json.Number("1"), "content": []any{}}, true
	}
	return nil, false
}

func (a *advice) conversions(f *core.Field) []core.Repair {
	had := a.matched.former[f.Path]
	if had == nil || kindOf(had) == kindOf(f) {
		return nil
	}
	repairs := []core.Repair{{Kind: convert, Path: f.Path, To: string(f.Kind)}}
	switch {
	case f.Multi && !had.Multi:
		repairs = append(repairs, core.Repair{Kind: convert, Path: f.Path, To: toList})
	case had.Multi && !f.Multi:
		repairs = append(repairs, core.Repair{Kind: convert, Path: f.Path, To: toSingle})
	}
	return repairs
}

// try does a repair on a copy of the document and looks whether the place is in order then.
func (a *advice) try(doc map[string]any, path string, repair core.Repair) {
	one := repairer{next: a.next, repairs: []core.Repair{repair}}
	out, changed := one.repaired(doc)
	if !changed {
		return
	}
	wrong := slices.ContainsFunc(a.next.Validator.Validate(out), func(e core.FieldError) bool {
		return samePath(e.Pointer, path) || repair.To != "" && samePath(e.Pointer, repair.To)
	})
	if !wrong {
		a.note(repair)
	}
}

func (a *advice) note(repair core.Repair) {
	key := strings.Join([]string{repair.Kind, repair.Path, repair.To, keyOf(repair.Value)}, "\x00")
	t := a.tried[key]
	if t == nil {
		t = &trial{repair: repair}
		a.tried[key] = t
		a.order = append(a.order, key)
	}
	t.helped = true
}

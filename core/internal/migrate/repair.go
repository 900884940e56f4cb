package migrate

import (
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// The kinds of a core.Repair.
const (
	fill       = "fill"    // puts Value where the field is missing
	renameKind = "rename"  // moves the value to the path To
	convert    = "convert" // makes the value one of the kind To; Value may map old values to new ones
	drop       = "drop"    // takes the value out
	restore    = "restore" // puts back what the last migration changed; only in an Inverse
)

// repairOrder is the order in which repairs are done: what moves moves first.
var repairOrder = []string{renameKind, restore, convert, fill, drop}

// sortRepairs puts repairs in the order in which they are done.
func sortRepairs(repairs []core.Repair) []core.Repair {
	sorted := slices.Clone(repairs)
	slices.SortStableFunc(sorted, func(a, b core.Repair) int {
		return slices.Index(repairOrder, a.Kind) - slices.Index(repairOrder, b.Kind)
	})
	return sorted
}

// repairer does repairs on documents of a type that is about to change.
type repairer struct {
	next    *core.Type
	repairs []core.Repair
}

// repaired gives a document with the repairs done; the same value when none does anything. It does not alter doc.
func (r *repairer) repaired(doc map[string]any) (out map[string]any, changed bool) {
	if len(r.repairs) == 0 {
		return doc, false
	}
	out = jsondoc.CloneObject(doc)
	for i := range r.repairs {
		changed = r.do(out, &r.repairs[i]) || changed
	}
	if !changed {
		return doc, false
	}
	return out, true
}

// do does one repair on a document and its translations.
func (r *repairer) do(doc map[string]any, repair *core.Repair) bool {
	changed := r.doOn(doc, repair, doc)
	if repair.Kind == fill {
		return changed
	}
	translations, _ := doc[core.DocTranslations].(map[string]any)
	for _, l := range translations {
		if overlay, ok := l.(map[string]any); ok {
			changed = r.doOn(overlay, repair, nil) || changed
		}
	}
	return changed
}

// doOn does one repair on a document; whole is the document to validate, nil for a translation.
func (r *repairer) doOn(doc map[string]any, repair *core.Repair, whole map[string]any) bool {
	switch repair.Kind {
	case renameKind:
		return rename(doc, repair.Path, repair.To)
	case fill:
		return each(doc, repair.Path, func(in map[string]any, name string) bool {
			if in[name] != nil {
				return false
			}
			in[name] = jsondoc.Clone(repair.Value)
			return true
		})
	case convert:
		return each(doc, repair.Path, func(in map[string]any, name string) bool { return convertIn(in, name, repair) })
	case drop:
		return r.dropFrom(doc, repair.Path, whole)
	}
	return false
}

// dropFrom takes a field out. Of a field that the new type still has only the values go that it refuses.
func (r *repairer) dropFrom(doc map[string]any, path string, whole map[string]any) bool {
	if _, stays := r.next.Field(path); !stays {
		return each(doc, path, remove)
	}
	if whole == nil {
		return false
	}
	changed := false
	for _, e := range r.next.Validator.Validate(whole) {
		if at, _ := dotted(e.Pointer); at == path && e.Keyword != "required" {
			changed = removeAt(whole, e.Pointer) || changed
		}
	}
	if changed {
		sweep(whole)
	}
	return changed
}

// gone stands for an item of a list that is about to be taken out: the others keep their places until then.
type gone struct{}

func isGone(item any) bool {
	_, is := item.(gone)
	return is
}

// sweep takes the marked items out of every list.
func sweep(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			v[key] = sweep(member)
		}
	case []any:
		v = slices.DeleteFunc(v, func(item any) bool { return isGone(item) })
		for i := range v {
			v[i] = sweep(v[i])
		}
		return v
	}
	return v
}

func remove(in map[string]any, name string) bool {
	_, has := in[name]
	delete(in, name)
	return has
}

// each calls f for every object that may hold the last name of a path, through lists, and reports whether any changed.
func each(doc any, path string, f func(in map[string]any, name string) bool) bool {
	head, rest, more := strings.Cut(path, ".")
	changed := false
	switch v := doc.(type) {
	case map[string]any:
		if !more {
			return f(v, head)
		}
		changed = each(v[head], rest, f)
	case []any:
		for _, item := range v {
			changed = each(item, path, f) || changed
		}
	}
	return changed
}

// rename moves a value. Beside its old place it goes through lists; elsewhere through objects only. It never
// overwrites: where both are, both stay, and the review tells of it.
func rename(doc map[string]any, from, to string) bool {
	if parent(from) == parent(to) {
		return each(doc, from, func(in map[string]any, old string) bool { return moveMember(in, old, name(to)) })
	}
	v, has := jsondoc.Lookup(doc, from)
	if !has {
		return false
	}
	if there, taken := jsondoc.Lookup(doc, to); taken && there != nil {
		return false
	}
	jsondoc.Delete(doc, from)
	jsondoc.Set(doc, to, v)
	return true
}

func moveMember(in map[string]any, old, new string) bool {
	v, has := in[old]
	if !has || in[new] != nil {
		return false
	}
	delete(in, old)
	in[new] = v
	return true
}

// dotted turns a pointer into a field's path; own reports whether it is in the document's own language.
func dotted(pointer string) (path string, own bool) {
	var names []string
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	own = tokens[0] != core.DocTranslations
	if !own && len(tokens) > 2 {
		tokens = tokens[2:]
	}
	for _, token := range tokens {
		if !isIndex(token) {
			names = append(names, strings.NewReplacer("~1", "/", "~0", "~").Replace(token))
		}
	}
	return strings.Join(names, "."), own
}

func isIndex(token string) bool {
	return token != "" && strings.Trim(token, "0123456789") == ""
}

// removeAt takes the value at a pointer out of an object.
func removeAt(doc map[string]any, pointer string) bool {
	cut := strings.LastIndexByte(pointer, '/')
	if cut < 0 {
		return false
	}
	switch in := at(doc, pointer[:cut]).(type) {
	case map[string]any:
		return remove(in, strings.NewReplacer("~1", "/", "~0", "~").Replace(pointer[cut+1:]))
	case []any:
		if i := indexOf(pointer[cut+1:]); i >= 0 && i < len(in) {
			in[i] = gone{}
			return true
		}
	}
	return false
}

func at(doc any, pointer string) any {
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			return doc
		}
		switch v := doc.(type) {
		case map[string]any:
			doc = v[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
		case []any:
			i := indexOf(token)
			if i < 0 || i >= len(v) {
				return nil
			}
			doc = v[i]
		default:
			return nil
		}
	}
	return doc
}

func indexOf(token string) int {
	if !isIndex(token) || len(token) > 9 {
		return -1
	}
	n := 0
	for _, c := range token {
		n = n*10 + int(c-'0')
	}
	return n
}

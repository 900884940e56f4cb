package query

import (
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

const score = "_score"

// order reads sort. Without it a search is ranked, and anything else is in the order of its type.
func (r *request) order(w *wish, a *core.Asked) error {
	if len(w.sort) > maxSort {
		return refuse("too_many_sort_keys", "sort has at most %d keys.", "sort a au plus %d clés.", maxSort)
	}
	for _, item := range w.sort {
		key, err := r.sortKey(item, a.Text != "")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(a.Sort, func(k core.SortKey) bool { return samePath(k.Path, key.Path) }) {
			a.Sort = append(a.Sort, key)
		}
	}
	if len(a.Sort) == 0 {
		a.Sort = r.defaultOrder(a)
	}
	return nil
}

func samePath(a, b core.Path) bool { return a.Field == b.Field && slices.Equal(a.Via, b.Via) }

// sortKey reads one key. Relevance has one useful direction, so _score and -_score are both "best first".
func (r *request) sortKey(item string, search bool) (core.SortKey, error) {
	name, desc := strings.CutPrefix(item, "-")
	if name == score {
		if !search {
			return core.SortKey{}, refuse("bad_sort", "%s is the relevance of a search: give q too.",
				"%s est la pertinence d’une recherche : donnez aussi q.", score)
		}
		return core.SortKey{Path: core.Path{Field: score}, Desc: true}, nil
	}
	t, err := r.resolve(name)
	if err != nil {
		return core.SortKey{}, err
	}
	if !t.indexed() || !sortable(t.kind) {
		return core.SortKey{}, refuse("not_sortable", "%s cannot be sorted by.", "On ne peut pas trier par %s.", quote(name))
	}
	return core.SortKey{Path: t.path, Desc: desc}, nil
}

func sortable(kind core.Kind) bool {
	switch kind {
	case core.KindString, core.KindInteger, core.KindNumber, core.KindBoolean, core.KindTime, core.KindDate:
		return true
	}
	return false
}

// defaultOrder leaves out what the caller may not read: an order tells of the values that make it.
func (r *request) defaultOrder(a *core.Asked) []core.SortKey {
	if a.Text != "" {
		return []core.SortKey{{Path: core.Path{Field: score}, Desc: true}}
	}
	return r.orderOf(r.own, a.State)
}

// orderOf gives the order of a type's entries for readers of a state.
func (r *request) orderOf(v *view, state core.State) []core.SortKey {
	var keys []core.SortKey
	for _, k := range v.t.Order {
		name := k.Path.String()
		if t, ok := r.follow(v, name, 0); ok {
			if !t.whole {
				t.path.Steps = t.steps
			}
			keys = append(keys, core.SortKey{Path: t.path, Desc: k.Desc})
		}
	}
	if len(keys) > 0 {
		return keys
	}
	if state == core.StatePublished {
		return []core.SortKey{{Path: core.Path{Field: "_publishedAt"}, Desc: true}}
	}
	return []core.SortKey{{Path: core.Path{Field: "_updatedAt"}, Desc: true}}
}

// facets reads the fields whose values are to be counted.
func (r *request) facets(w *wish, a *core.Asked) error {
	names := distinct(w.facets)
	if len(names) > maxFacets {
		return refuse("too_many_facets", "At most %d facets can be counted at once.", "On compte au plus %d facettes à la fois.", maxFacets)
	}
	for _, name := range names {
		t, err := r.resolve(name)
		if err != nil {
			return err
		}
		if !countable(t) {
			return refuse("not_a_facet", "%s is not offered as a facet.", "%s n’est pas proposé comme facette.", quote(name))
		}
		a.Facets = append(a.Facets, t.path)
	}
	return nil
}

// countable takes what the type offers as a facet, and what has few values by nature.
func countable(t target) bool {
	if t.field == nil {
		return t.path.Field == "_status" || t.path.Field == "_type"
	}
	return t.field.Indexed && (t.field.Facet || len(t.field.Enum) > 0 || t.kind == core.KindBoolean)
}

// distinct sorts names, in their place, and leaves out repetitions.
func distinct(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// includes reads the references to embed into a tree, by name.
func (r *request) includes(w *wish, a *core.Asked) error {
	names := distinct(w.include)
	if len(names) > maxInclude {
		return refuse("too_many_includes", "At most %d references can be included at once.", "On inclut au plus %d références à la fois.", maxInclude)
	}
	for _, name := range names {
		chain, err := r.includeChain(name)
		if err != nil {
			return err
		}
		a.Include = addChain(a.Include, chain)
	}
	return nil
}

// includeChain splits event.partners into its references.
func (r *request) includeChain(name string) ([]string, error) {
	chain, kind := r.references([]*view{r.own}, name, 0)
	switch {
	case len(chain) > maxHops:
		return nil, refuse("too_deep", "include goes at most %d references deep.", "include suit au plus %d références.", maxHops)
	case chain != nil:
		return chain, nil
	case kind != "":
		return nil, refuse("not_a_reference", "%s is not a reference, so there is nothing to include.",
			"%s n’est pas une référence : il n’y a rien à inclure.", quote(name))
	}
	return nil, r.unknownField(name, r.inverses(r.own)...)
}

// references follows a path of references and inverse lists through all the types that it may lead to. One that leads to no
// type that the caller may list is none. kind is that of a field at the end which is no reference.
func (r *request) references(from []*view, name string, hops int) (chain []string, kind core.Kind) {
	for _, v := range from {
		member, rest := v.head(name)
		next := r.lead(from, member)
		if len(next) == 0 {
			if k, ok := v.kind(name); ok {
				kind = k
			}
			continue
		}
		if rest == "" {
			return []string{member}, ""
		}
		if hops > maxHops {
			continue
		}
		below, k := r.references(next, rest, hops+1)
		if below != nil {
			return append([]string{member}, below...), ""
		}
		kind = k
	}
	return nil, kind
}

// head is the reference that a path begins with, or is; or else its first name, which may be that of an inverse list.
func (v *view) head(name string) (member, rest string) {
	if f, ok := v.field(name); ok && f.Kind == core.KindRef {
		return name, ""
	}
	if ref, rest, ok := v.step(name); ok {
		return ref.Path, rest
	}
	member, rest, _ = strings.Cut(name, ".")
	return member, rest
}

// kind gives the kind of what is no reference.
func (v *view) kind(name string) (core.Kind, bool) {
	if f, ok := v.field(name); ok {
		return f.Kind, f.Kind != core.KindRef
	}
	return v.system(name)
}

// views gives the types that a reference may lead to, as far as the caller may list them.
func (r *request) views(ref *core.Field) []*view {
	var out []*view
	for _, name := range r.targets(ref) {
		if v := r.other(name); v != nil {
			out = append(out, v)
		}
	}
	return out
}

func addChain(tree []core.Include, chain []string) []core.Include {
	if len(chain) == 0 {
		return tree
	}
	for i := range tree {
		if tree[i].Field == chain[0] {
			tree[i].Next = addChain(tree[i].Next, chain[1:])
			return tree
		}
	}
	return append(tree, core.Include{Field: chain[0], Next: addChain(nil, chain[1:])})
}

// shown are the members that the system adds to an entry, beside the SystemFields. _more comes with a list that is cut,
// whether it is named or not.
var shown = map[string]bool{"_locale": true, score: true, "_highlights": true, "_distance": true, "_more": true}

// editorial are those that only who may see drafts is shown.
var editorial = map[string]bool{"_schedule": true, "_published": true, "_trashedAt": true}

// fields reads what the answer is to be narrowed to: members, parts of objects, and parts of what is included.
func (r *request) fields(w *wish, a *core.Asked) error {
	names := distinct(w.fields)
	if len(names) > maxFields {
		return refuse("too_many_fields", "fields names at most %d.", "fields en nomme au plus %d.", maxFields)
	}
	for _, name := range names {
		if shown[name] || editorial[name] && r.own.scope.Drafts {
			continue
		}
		t, err := r.resolve(name)
		if err != nil && r.behind([]*view{r.own}, name, a.Include) {
			continue
		}
		if list, _, _ := strings.Cut(name, "."); err != nil && len(r.inverse(r.own, list)) > 0 {
			return refuse("not_included", "%s lies in the list of what refers to the entry: add include=%s.",
				"%s se trouve dans la liste de ce qui renvoie au contenu : ajoutez include=%s.", quote(name), list)
		}
		if err != nil {
			return err
		}
		if len(t.path.Via) > 0 && !included(a.Include, t.path.Via) {
			return refuse("not_included", "%s lies behind a reference: add include=%s.",
				"%s se trouve derrière une référence : ajoutez include=%s.", quote(name), strings.Join(t.path.Via, "."))
		}
	}
	a.Fields = names
	return nil
}

func included(tree []core.Include, via []string) bool {
	for _, i := range tree {
		if i.Field == via[0] {
			return len(via) == 1 || included(i.Next, via[1:])
		}
	}
	return false
}

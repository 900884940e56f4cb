package query

import (
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// An inverse list is a member that a type has because others refer to it: the entries that do, under the name that the
// referring field gives (x-ref.inverse). It can be included, and nothing else. A list that only fields or types make which
// the caller may not see is not there.

// lister gives what the caller may list of a type, without noting that it was looked into.
func (r *request) lister(t *core.Type) (*core.Scope, bool) {
	if t.Name == r.own.t.Name && !r.one {
		return r.own.whole, true
	}
	if v, ok := r.others[t.Name]; ok && v != nil {
		return v.whole, true
	}
	scope, err := r.access.Scope(r.ctx, r.who, t, core.ActionList)
	return scope, err == nil
}

// inverse gives the types that make up an inverse list of a type; none when there is no such list. A field wins over a list
// of its name: what an entry holds must not vanish from answers because another type was changed. One that the caller may
// not read wins over nothing, or the missing list would tell of it.
func (r *request) inverse(v *view, name string) []*view {
	if _, ok := v.field(name); ok || name == "" || strings.Contains(name, ".") {
		return nil
	}
	var out []*view
	for _, t := range r.types.Types() {
		if len(t.Inverses(everything, v.t.Name)) == 0 {
			continue
		}
		if scope, ok := r.lister(t); ok && len(t.Inverse(scope.In(r.beyond), v.t.Name, name)) > 0 {
			out = append(out, r.listed(t, scope))
		}
	}
	return out
}

// everything is the scope under which only secrets cannot be read.
var everything = &core.Scope{Read: core.FieldSet{All: true}, Private: true}

// inverses names the inverse lists of a type.
func (r *request) inverses(v *view) []string {
	var names []string
	for _, t := range r.types.Types() {
		if len(t.Inverses(everything, v.t.Name)) == 0 {
			continue
		}
		if scope, ok := r.lister(t); ok {
			names = append(names, t.Inverses(scope.In(r.beyond), v.t.Name)...)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { _, ok := v.field(name); return ok })
}

// listed notes that entries of a type are listed, in its order. The own type is among them too: what may be listed of it may
// differ from what may be read.
func (r *request) listed(t *core.Type, scope *core.Scope) *view {
	v := r.others[t.Name]
	if v == nil && t.Name == r.own.t.Name && !r.one {
		v = r.own
	}
	if v == nil {
		v = newView(t, scope, r.beyond)
	}
	if r.others == nil {
		r.others = map[core.TypeName]*view{}
	}
	r.others[t.Name] = v
	if v.order == nil {
		state := r.beyond
		if !scope.Drafts {
			state = core.StatePublished
		}
		v.order = r.orderOf(v, state)
	}
	return v
}

// leads gives the types that a member leads to: a reference, or an inverse list.
func (r *request) leads(v *view, member string) []*view {
	if f, ok := v.field(member); ok {
		if f.Kind != core.KindRef {
			return nil
		}
		return r.views(f)
	}
	return r.inverse(v, member)
}

// lead does it for several types at once: a member may be a reference in one and a list in another.
func (r *request) lead(from []*view, member string) []*view {
	var out []*view
	for _, v := range from {
		for _, next := range r.leads(v, member) {
			if !slices.Contains(out, next) {
				out = append(out, next)
			}
		}
	}
	return out
}

// behind reports whether a name can be reached through what is included and is no field of the type itself.
func (r *request) behind(from []*view, name string, tree []core.Include) bool {
	for _, i := range tree {
		rest, below := strings.CutPrefix(name, i.Field+".")
		if name != i.Field && !below {
			continue
		}
		next := r.lead(from, i.Field)
		if len(next) == 0 {
			continue
		}
		if !below || r.behind(next, rest, i.Next) || slices.ContainsFunc(next, func(v *view) bool { return v.has(rest) }) {
			return true
		}
	}
	return false
}

// has reports whether a name is one of the type's own: a field, or what every entry has.
func (v *view) has(name string) bool {
	_, field := v.field(name)
	_, system := v.system(name)
	return field || system || shown[name] || editorial[name] && v.scope.Drafts
}

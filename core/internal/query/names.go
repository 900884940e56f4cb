package query

import (
	"slices"
	"sort"

	"github.com/palabre-cms/palabre/core"
)

// view is a type as the caller may know it, in one state.
type view struct {
	t     *core.Type
	whole *core.Scope    // in all states
	scope *core.Scope    // in this one
	order []core.SortKey // of its entries in an inverse list; nil where there is none
}

func newView(t *core.Type, s *core.Scope, state core.State) *view {
	return &view{t: t, whole: s, scope: s.In(state)}
}

func (v *view) readable(path string) bool { return v.scope.Readable(v.t, path) }

// field finds a field that the caller may read.
func (v *view) field(path string) (*core.Field, bool) {
	f, ok := v.t.Field(path)
	if !ok || !v.readable(path) {
		return nil, false
	}
	return f, true
}

// system finds a member that every entry has. Who wrote an entry is for those who may see drafts.
func (v *view) system(name string) (core.Kind, bool) {
	if len(name) == 0 || name[0] != '_' {
		return "", false
	}
	if (name == "_createdBy" || name == "_updatedBy") && !v.scope.Drafts {
		return "", false
	}
	kind, ok := core.SystemFields[name]
	return kind, ok
}

// names lists what the caller may name in this type.
func (v *view) names() []string {
	var names []string
	for i := range v.t.Fields {
		if v.readable(v.t.Fields[i].Path) {
			names = append(names, v.t.Fields[i].Path)
		}
	}
	for name := range core.SystemFields {
		if _, ok := v.system(name); ok {
			names = append(names, name)
		}
	}
	return names
}

// target is what a path leads to.
type target struct {
	path  core.Path
	kind  core.Kind
	field *core.Field // nil for a system field
	steps []core.Step // one for each Via
	whole bool        // whether the steps leave nothing out
}

// indexed reports whether the values at the target are held for filtering and sorting.
func (t *target) indexed() bool { return t.field == nil || t.field.Indexed }

// resolve follows a path as the caller may: the error for one that is hidden is the error for one that is not there.
func (r *request) resolve(name string) (target, error) {
	t, ok := r.follow(r.own, name, 0)
	if !ok {
		return target{}, r.unknownField(name)
	}
	if !t.whole {
		t.path.Steps = t.steps
	}
	return t, nil
}

func (r *request) follow(v *view, name string, hops int) (target, bool) {
	if kind, ok := v.system(name); ok {
		return target{path: core.Path{Field: name}, kind: kind, whole: true}, true
	}
	if f, ok := v.field(name); ok {
		return target{path: core.Path{Field: name}, kind: f.Kind, field: f, whole: true}, true
	}
	if ref, rest, ok := v.step(name); ok && hops < maxHops {
		return r.through(ref, rest, hops)
	}
	return target{}, false
}

// step splits a path at its first reference.
func (v *view) step(name string) (ref *core.Field, rest string, ok bool) {
	for i := 0; i < len(name); i++ {
		if name[i] != '.' {
			continue
		}
		if f, ok := v.field(name[:i]); ok && f.Kind == core.KindRef {
			return f, name[i+1:], true
		}
	}
	return nil, "", false
}

// through follows a path into what a reference leads to. The reference may lead to several types: those that have no
// such field for this caller are left out of the step, and so are the rows that the caller may not see.
func (r *request) through(ref *core.Field, rest string, hops int) (target, bool) {
	var found target
	step, whole := core.Step{}, true
	for _, name := range r.targets(ref) {
		v := r.other(name)
		if v == nil || r.beyond != core.StatePublished && !v.whole.Drafts { // drafts are asked there, which are not for him
			whole = false
			continue
		}
		t, ok := r.follow(v, rest, hops+1)
		if !ok || len(step) > 0 && !sameEnd(found, t) {
			whole = false
			continue
		}
		whole = whole && t.whole && v.scope.Where == nil
		found = merge(found, t)
		step[name] = v.scope.Where
	}
	if len(step) == 0 {
		return target{}, false
	}
	found.path.Via = append([]string{ref.Path}, found.path.Via...)
	found.steps, found.whole = append([]core.Step{step}, found.steps...), whole
	return found, true
}

func sameEnd(a, b target) bool {
	return a.kind == b.kind && a.path.Field == b.path.Field && slices.Equal(a.path.Via, b.path.Via)
}

// merge lets through at each step what either lets through. What a caller may see of a type does not depend on the way
// there, so where both name a type they agree.
func merge(a, b target) target {
	if a.kind == "" {
		return b
	}
	for i := range a.steps {
		for name, where := range b.steps[i] {
			a.steps[i][name] = where
		}
	}
	return a
}

// targets lists the types that a reference may lead to; a reference without a rule leads anywhere.
func (r *request) targets(ref *core.Field) []core.TypeName {
	if ref.Ref != nil && len(ref.Ref.Types) > 0 {
		return ref.Ref.Types
	}
	var all []core.TypeName
	for _, t := range r.types.Types() {
		all = append(all, t.Name)
	}
	return all
}

// other gives another type as the caller may know it, nil when the caller may not list it.
func (r *request) other(name core.TypeName) *view {
	if name == r.own.t.Name {
		return r.own
	}
	if v, ok := r.others[name]; ok {
		return v
	}
	var v *view
	if t, ok := r.types.Type(name); ok {
		if scope, err := r.access.Scope(r.ctx, r.who, t, core.ActionList); err == nil {
			v = newView(t, scope, r.beyond)
		}
	}
	if r.others == nil {
		r.others = map[core.TypeName]*view{}
	}
	r.others[name] = v
	return v
}

// reach lists the other types that were looked into, by name.
func (r *request) reach() []core.Reached {
	var out []core.Reached
	for _, v := range r.others {
		if v != nil {
			out = append(out, core.Reached{Type: v.t, Scope: v.whole, Order: v.order})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Type.Name < out[j].Type.Name })
	return out
}

// unknownField suggests a name at the place where the path breaks off, or one of more.
func (r *request) unknownField(name string, more ...string) error {
	v, rest, prefix := r.own, name, ""
	for hops := 0; hops < maxHops; hops++ {
		ref, below, ok := v.step(rest)
		if !ok {
			break
		}
		next := r.firstOther(ref)
		if next == nil {
			break
		}
		prefix += ref.Path + "."
		v, rest = next, below
	}
	known := v.names()
	for i := range known {
		known[i] = prefix + known[i]
	}
	return unknown("field", name, append(known, more...))
}

func (r *request) firstOther(ref *core.Field) *view {
	for _, name := range r.targets(ref) {
		if v := r.other(name); v != nil {
			return v
		}
	}
	return nil
}

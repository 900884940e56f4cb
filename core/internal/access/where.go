package access

import (
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// A condition of a permission is a tree of the query language in which texts that begin with "$" stand for something:
// "$me" for the principal, "$me.name" for the values of a field of his account, "$now" for the time, "$$x" for "$x" itself.
// A permission whose condition stands for something that a principal has not does not apply to him: "not my organisation"
// must not become "everything" for somebody without one.

// filled is a condition for one principal.
type filled struct {
	tree     map[string]any
	personal bool // it differs from principal to principal
	passing  bool // it differs from moment to moment
}

// filling puts the values of a principal into a condition.
type filling struct {
	who *core.Principal
	now func() time.Time
	filled
	lacks bool // something stands for nothing
}

// fill gives a condition for a principal, and reports whether it applies to him at all.
func fill(tree map[string]any, t *core.Type, who *core.Principal, now func() time.Time) (filled, bool) {
	f := &filling{who: who, now: now}
	f.tree = f.object(tree, t)
	return f.filled, !f.lacks
}

func (f *filling) object(tree map[string]any, t *core.Type) map[string]any {
	out := make(map[string]any, len(tree))
	for name, v := range tree {
		switch name {
		case "and", "or":
			out[name] = f.list(v, t)
		case "not":
			out[name] = v
			if inner, ok := v.(map[string]any); ok {
				out[name] = f.object(inner, t)
			}
		default:
			out[name] = f.comparison(name, v, t)
		}
	}
	return out
}

func (f *filling) list(v any, t *core.Type) any {
	items, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = item
		if inner, ok := item.(map[string]any); ok {
			out[i] = f.object(inner, t)
		}
	}
	return out
}

// comparison fills {"op": value, …}, or a bare value.
func (f *filling) comparison(field string, v any, t *core.Type) any {
	ops, ok := v.(map[string]any)
	if !ok {
		ops = map[string]any{string(core.OpEq): v}
	}
	out := make(map[string]any, len(ops))
	for op, value := range ops {
		switch core.Operator(op) {
		case core.OpEq, core.OpIn:
			f.several(out, core.OpEq, core.OpIn, field, op, value, t)
		case core.OpNe, core.OpNin:
			f.several(out, core.OpNe, core.OpNin, field, op, value, t)
		default:
			out[op] = f.one(field, value, t)
		}
	}
	return out
}

// several fills what may come to several values: then eq is in, and ne is nin.
func (f *filling) several(out map[string]any, single, list core.Operator, field, op string, value any, t *core.Type) {
	if text, ok := value.(string); ok && strings.HasPrefix(text, "$") {
		out[string(list)] = f.values(text, field, t)
		return
	}
	items, ok := value.([]any)
	if !ok || op == string(single) {
		out[op] = value
		return
	}
	all := make([]any, 0, len(items))
	for _, item := range items {
		if text, ok := item.(string); ok && strings.HasPrefix(text, "$") {
			all = append(all, f.values(text, field, t)...)
			continue
		}
		all = append(all, item)
	}
	out[op] = all
}

// one fills an operand that is a single value.
func (f *filling) one(field string, value any, t *core.Type) any {
	text, ok := value.(string)
	if !ok || !strings.HasPrefix(text, "$") {
		return value
	}
	values := f.values(text, field, t)
	if len(values) != 1 {
		f.lacks = true
		return ""
	}
	return values[0]
}

// values is what a text that begins with "$" stands for.
func (f *filling) values(text, field string, t *core.Type) []any {
	if literal, ok := strings.CutPrefix(text, "$$"); ok {
		return []any{"$" + literal}
	}
	var values []any
	switch {
	case text == "$now":
		f.passing = true
		return []any{f.time(field, t)}
	case text == "$me":
		f.personal = true
		values = f.me(field)
	case strings.HasPrefix(text, "$me."):
		f.personal = true
		values = f.who.About[strings.TrimPrefix(text, "$me.")]
	}
	f.lacks = f.lacks || len(values) == 0
	return values
}

// me is the principal as a field would name him: who wrote an entry by his ID, a reference by his entry. What a token of a
// user has written is the user's, too.
func (f *filling) me(field string) []any {
	if f.who.Anonymous() {
		return nil
	}
	ids := []string{f.who.ID}
	if user, ok := f.who.About["_user"]; ok && len(user) == 1 {
		if id := "user:" + user[0].(string); id != f.who.ID {
			ids = append(ids, id)
		}
	}
	last := field[strings.LastIndexByte(field, '.')+1:]
	values := make([]any, len(ids))
	for i, id := range ids {
		values[i] = id
		if last != "_createdBy" && last != "_updatedBy" {
			_, values[i], _ = strings.Cut(id, ":")
		}
	}
	return values
}

func (f *filling) time(field string, t *core.Type) string {
	if known, ok := t.Field(field); ok && known.Kind == core.KindDate {
		return f.now().UTC().Format(time.DateOnly)
	}
	return f.now().UTC().Format(time.RFC3339)
}

// looksInto lists the types that a condition on a type looks into through references.
func looksInto(n core.Node, t *core.Type, types core.Types) []core.TypeName {
	found := map[core.TypeName]bool{}
	walkPaths(n, func(p core.Path) { followPath(p, t, types, found) })
	names := make([]core.TypeName, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	return names
}

func walkPaths(n core.Node, f func(core.Path)) {
	switch n := n.(type) {
	case core.And:
		for _, child := range n {
			walkPaths(child, f)
		}
	case core.Or:
		for _, child := range n {
			walkPaths(child, f)
		}
	case core.Not:
		walkPaths(n.Node, f)
	case core.Compare:
		f(n.Path)
	}
}

func followPath(p core.Path, t *core.Type, types core.Types, found map[core.TypeName]bool) {
	from := []*core.Type{t}
	for _, via := range p.Via {
		var next []*core.Type
		for _, t := range from {
			next = append(next, targets(t, via, types)...)
		}
		for _, t := range next {
			found[t.Name] = true
		}
		from = next
	}
}

// targets are the types that a reference may lead to; one without a rule leads anywhere.
func targets(t *core.Type, field string, types core.Types) []*core.Type {
	f, ok := t.Field(field)
	if !ok || f.Ref == nil || len(f.Ref.Types) == 0 {
		return types.Types()
	}
	var out []*core.Type
	for _, name := range f.Ref.Types {
		if t, ok := types.Type(name); ok {
			out = append(out, t)
		}
	}
	return out
}

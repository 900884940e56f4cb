package access

import (
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// A list of fields allows "*", everything that is not private; "P0" to "P3", everything of a privacy class; a name or a dotted
// path, that field and what lies below it, private or not. "-name" takes one away again, whatever allows it. A list that is
// not given is "*" for reading, and for writing the list for reading: who is not shown a field does not set it by oversight.
//
// Beyond the lists a secret is never read; a field of class P3 is as good as private; and a field with x-roles is only for
// those who have one of these roles, or are administrators.

// classOf is a field's privacy class: what x-personal says, else P1 for what is private and P0 for the rest.
func classOf(f *core.Field) string {
	switch {
	case f.Personal != nil && f.Personal.Class != "":
		return f.Personal.Class
	case f.Personal != nil:
		return "P2"
	case f.Private:
		return "P1"
	}
	return "P0"
}

// listed is a list of fields, read.
type listed struct {
	star    bool
	classes map[string]bool
	names   map[string]bool
	without map[string]bool
}

func readList(list []string) listed {
	l := listed{classes: map[string]bool{}, names: map[string]bool{}, without: map[string]bool{}}
	for _, item := range list {
		switch name, taken := strings.CutPrefix(item, "-"); {
		case taken:
			l.without[name] = true
		case item == "*":
			l.star = true
		case len(item) == 2 && item[0] == 'P' && item[1] >= '0' && item[1] <= '3':
			l.classes[item] = true
		default:
			l.names[item] = true
		}
	}
	return l
}

// fieldBits is a set of the fields of one type: all[i] stands for Fields[i]; rest for what the type does not list.
type fieldBits struct {
	all  []bool
	rest bool
}

// allowed spells a list out for a type.
func (l *listed) allowed(t *core.Type, roles []string, roleLists func(*core.Field) []string, secrets bool) fieldBits {
	b := fieldBits{all: make([]bool, len(t.Fields)), rest: l.star}
	for i := range t.Fields {
		f := &t.Fields[i]
		b.all[i] = l.allows(t, f) && (secrets || !f.Secret) && mayRole(t, f.Path, roles, roleLists)
	}
	return b
}

func (l *listed) allows(t *core.Type, f *core.Field) bool {
	if covered(l.without, f.Path) {
		return false
	}
	class := classOf(f)
	return l.star && !f.Private && class != "P3" || l.classes[class] || covered(l.names, f.Path)
}

// covered reports whether a path, or one above it, is among the names.
func covered(names map[string]bool, path string) bool {
	for len(names) > 0 {
		if names[path] {
			return true
		}
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			return false
		}
		path = path[:dot]
	}
	return false
}

// mayRole reports whether x-roles lets the roles at a field and at everything above it.
func mayRole(t *core.Type, path string, roles []string, lists func(*core.Field) []string) bool {
	if slices.Contains(roles, Administrator) {
		return true
	}
	for {
		if f, ok := t.Field(path); ok {
			if only := lists(f); len(only) > 0 && !slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(only, r) }) {
				return false
			}
		}
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			return true
		}
		path = path[:dot]
	}
}

func readRoles(f *core.Field) []string  { return f.ReadRoles }
func writeRoles(f *core.Field) []string { return f.WriteRoles }

// lists spells out both lists of a permission for a type.
func (p *permission) lists(t *core.Type, roles []string) (read, write fieldBits) {
	readable := p.Fields.Read
	if readable == nil {
		readable = []string{"*"}
	}
	settable := p.Fields.Write
	if settable == nil {
		settable = readable
	}
	r, w := readList(readable), readList(settable)
	return r.allowed(t, roles, readRoles, false), w.allowed(t, roles, writeRoles, true)
}

func (b fieldBits) and(o fieldBits) fieldBits {
	out := fieldBits{all: slices.Clone(b.all), rest: b.rest && o.rest}
	for i := range out.all {
		out.all[i] = out.all[i] && o.all[i]
	}
	return out
}

// or is both together. The zero fieldBits are none of any type.
func (b fieldBits) or(o fieldBits) fieldBits {
	if b.all == nil {
		return o
	}
	out := fieldBits{all: slices.Clone(b.all), rest: b.rest || o.rest}
	for i := range out.all {
		out.all[i] = out.all[i] || o.all[i]
	}
	return out
}

// within reports whether everything in b is in o.
func (b fieldBits) within(o fieldBits) bool {
	if b.rest && !o.rest {
		return false
	}
	for i, in := range b.all {
		if in && !o.all[i] {
			return false
		}
	}
	return true
}

// text is equal for equal sets.
func (b fieldBits) text() string {
	out := make([]byte, 0, len(b.all)+1)
	for _, in := range append(b.all[:len(b.all):len(b.all)], b.rest) {
		if in {
			out = append(out, '1')
		} else {
			out = append(out, '0')
		}
	}
	return string(out)
}

// set gives the same as paths. An object of which only a part is in the set is neither allowed nor denied as a whole.
func (b fieldBits) set(t *core.Type) core.FieldSet {
	s := core.FieldSet{All: b.rest}
	holds := b.holdsBelow(t)
	for i := range t.Fields {
		path := t.Fields[i].Path
		switch {
		case b.all[i] && !b.rest:
			put(&s.Only, path)
		case !b.all[i] && !holds[path]:
			put(&s.Deny, path)
		}
	}
	return s
}

// holdsBelow marks the paths under which something is in the set.
func (b fieldBits) holdsBelow(t *core.Type) map[string]bool {
	holds := map[string]bool{}
	for i := range t.Fields {
		if !b.all[i] {
			continue
		}
		path := t.Fields[i].Path
		for dot := strings.LastIndexByte(path, '.'); dot >= 0; dot = strings.LastIndexByte(path, '.') {
			path = path[:dot]
			holds[path] = true
		}
	}
	return holds
}

func put(set *map[string]bool, path string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[path] = true
}

// private reports whether a private field is in the set.
func (b fieldBits) private(t *core.Type) bool {
	for i, in := range b.all {
		if in && t.Fields[i].Private {
			return true
		}
	}
	return false
}

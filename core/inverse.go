package core

import "slices"

// Inverse gives the fields of the type that refer to entries of another type and call the list of those which do so by a
// name (x-ref.inverse), as far as they may be read under a scope and can be asked for in a filter.
func (t *Type) Inverse(s *Scope, to TypeName, list string) []*Field {
	var fields []*Field
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.inverse(to) == list && list != "" && s.Readable(t, f.Path) {
			fields = append(fields, f)
		}
	}
	return fields
}

// Inverses names the lists that fields of the type make on another type, as far as they may be read under a scope.
func (t *Type) Inverses(s *Scope, to TypeName) []string {
	var names []string
	for i := range t.Fields {
		f := &t.Fields[i]
		if name := f.inverse(to); name != "" && !slices.Contains(names, name) && s.Readable(t, f.Path) {
			names = append(names, name)
		}
	}
	return names
}

// inverse gives the name of the list that the field makes on a type, "" for none.
func (f *Field) inverse(on TypeName) string {
	if f.Kind != KindRef || f.Ref == nil || !f.Indexed || len(f.Ref.Types) > 0 && !slices.Contains(f.Ref.Types, on) {
		return ""
	}
	return f.Ref.Inverse
}

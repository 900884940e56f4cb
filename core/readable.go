package core

import "strings"

// Readable reports whether a path of the type may be shown under a scope. A secret never is; a private field only
// under a scope that shows private fields, or that names this one. What lies in a hidden object is hidden.
func (s *Scope) Readable(t *Type, path string) bool {
	if !s.Read.Has(path) {
		return false
	}
	for end := 0; end < len(path); end++ {
		next := strings.IndexByte(path[end:], '.')
		if end += next; next < 0 {
			end = len(path)
		}
		f, ok := t.Field(path[:end])
		if ok && (f.Secret || f.Private && !s.Private && !s.Read.Only[f.Path]) {
			return false
		}
	}
	return true
}

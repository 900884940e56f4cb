package privacy

import (
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// personal gives the paths of a type's personal fields, each without those below it.
func personal(t *core.Type) []string {
	var paths []string
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Personal != nil && !coveredBy(paths, f.Path) {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// coveredBy reports whether a path is one of those given, or lies below one.
func coveredBy(paths []string, path string) bool { return covering(paths, path) != "" }

// covering gives the path, of those given, that is this one or lies above it; "" for none.
func covering(paths []string, path string) string {
	for _, p := range paths {
		if within(p, path) {
			return p
		}
	}
	return ""
}

// within reports whether a path is another one or lies below it.
func within(above, path string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (rest == "" || rest[0] == '.')
}

// topmost leaves out the paths that lie below others.
func topmost(paths []string) []string {
	var kept []string
	for _, p := range paths {
		alone := true
		for _, q := range paths {
			alone = alone && (p == q || !within(q, p))
		}
		if alone && !coveredBy(kept, p) {
			kept = append(kept, p)
		}
	}
	return kept
}

// slugFalls reports whether the slug of a type goes with the fields: it is one of them, or is made from one.
func slugFalls(t *core.Type, fields []string) bool {
	return t.SlugField != "" && (coveredBy(fields, t.SlugField) || t.SlugFrom != "" && coveredBy(fields, t.SlugFrom))
}

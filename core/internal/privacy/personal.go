package privacy

import (
	"context"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
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

// formerlyPersonal gives, for each type, the paths that were personal under any schema that it has had.
func (s *Service) formerlyPersonal(ctx context.Context) (map[core.TypeName][]string, error) {
	former := map[core.TypeName][]string{}
	if s.Compiler == nil {
		return former, nil
	}
	var types []core.EntryID
	err := s.Catalog.Each(ctx, "_type", "", func(e *core.Entry) error {
		types = append(types, e.ID)
		return nil
	})
	for _, id := range types {
		if err == nil {
			err = s.eachRevision(ctx, id, func(ch *core.Change) error { return s.addPersonal(ctx, former, ch) })
		}
	}
	return former, err
}

// addPersonal reads one schema of the past. One that does not compile any more tells nothing.
func (s *Service) addPersonal(ctx context.Context, to map[core.TypeName][]string, ch *core.Change) error {
	docs, err := changed(ch)
	for _, doc := range docs {
		text, isText := doc["schema"].(string)
		if !isText {
			text = string(jsondoc.Encode(doc["schema"]))
		}
		if t, err := s.Compiler.Compile(ctx, []byte(text)); err == nil {
			to[t.Name] = topmost(slices.Concat(to[t.Name], personal(t)))
		}
	}
	return err
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

package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// typeType is the system type whose entries are the content types.
const typeType core.TypeName = "_type"

// registry holds the compiled content types: the system's own, which are part of the program, and those of the
// entries of _type. It is told of commits before the catalog is, so that the catalog finds the types of what it folds.
type registry struct {
	compiler core.Compiler
	logger   *slog.Logger
	system   []*core.Type
	current  atomic.Pointer[typeSet]

	file    string     // where the types are remembered for the next start; "" for nowhere
	mu      sync.Mutex // of what follows: one commit at a time
	entries map[core.EntryID]*core.Entry
	byText  map[string]*core.Type // the schemas compiled before, by their text
}

var _ core.Types = (*registry)(nil)

// typeSet is the types at one moment. It is never changed.
type typeSet struct {
	byName map[core.TypeName]*core.Type
	sorted []*core.Type
}

// newRegistry begins with the system's types alone.
func newRegistry(compiler core.Compiler, system []*core.Type, logger *slog.Logger) *registry {
	r := &registry{compiler: compiler, logger: logger, system: system, entries: map[core.EntryID]*core.Entry{}, byText: map[string]*core.Type{}}
	r.publish()
	return r
}

// Type finds a type by its name.
func (r *registry) Type(name core.TypeName) (*core.Type, bool) {
	t, ok := r.current.Load().byName[name]
	return t, ok
}

// Types gives all, sorted by name, the system's own last.
func (r *registry) Types() []*core.Type { return slices.Clone(r.current.Load().sorted) }

// Apply folds the entries of _type. It bears being told of a commit twice.
func (r *registry) Apply(commits []core.Commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := false
	for i := range commits {
		for k := range commits[i].Changes {
			changed = r.fold(&commits[i].Changes[k]) || changed
		}
	}
	if changed {
		r.publish()
		r.remember()
	}
}

func (r *registry) fold(c *core.Change) bool {
	if c.Type != typeType {
		return false
	}
	if e := c.Fold(r.entries[c.Entry]); e != nil {
		r.entries[c.Entry] = e
	} else {
		delete(r.entries, c.Entry)
	}
	return true
}

// load begins with what a catalog holds already.
func (r *registry) load(ctx context.Context, catalog core.Catalog) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := catalog.Each(ctx, typeType, "", func(e *core.Entry) error {
		r.entries[e.ID] = e
		return nil
	})
	r.publish()
	r.remember()
	return core.Wrap("app.loadTypes", err)
}

// recall begins with the types of the last start, so that a catalog that is opened next knows what it holds. It is a
// guess, which load sets right.
func (r *registry) recall() {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, err := os.ReadFile(r.file)
	if err == nil {
		err = json.Unmarshal(text, &r.entries)
	}
	if err != nil {
		r.entries = map[core.EntryID]*core.Entry{}
	}
	r.publish()
	clear(r.entries)
}

// remember writes the types down for recall. Without them the next start only takes longer.
func (r *registry) remember() {
	if r.file == "" {
		return
	}
	text, err := json.Marshal(r.entries)
	if err == nil {
		err = os.WriteFile(r.file+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(r.file+".new", r.file)
	}
	if err != nil {
		r.logger.Warn("the content types cannot be remembered for the next start", "error", err)
	}
}

// publish compiles what is new and puts the types in place, all at once.
func (r *registry) publish() {
	set := &typeSet{byName: map[core.TypeName]*core.Type{}}
	for _, t := range r.system {
		set.byName[t.Name] = t
	}
	for _, e := range r.entries {
		if t := r.compiled(e); t != nil && !t.Name.System() {
			set.byName[t.Name] = t
		}
	}
	for _, t := range set.byName {
		set.sorted = append(set.sorted, t)
	}
	core.SortTypes(set.sorted)
	r.current.Store(set)
}

// compiled gives the type that an entry of _type defines, nil for none. A schema that this version cannot compile is
// reported and its type stays as it was, if it was: a node must not fall over what is in the log.
func (r *registry) compiled(e *core.Entry) *core.Type {
	text := schemaText(e)
	if e.Trashed() || text == nil {
		return nil
	}
	if t, ok := r.byText[string(text)]; ok {
		return t
	}
	t, err := r.compiler.Compile(context.Background(), text)
	if err != nil {
		r.logger.Error("a content type cannot be compiled", "entry", e.ID, "error", err)
		return r.before(e)
	}
	r.byText[string(text)] = t
	return t
}

// before finds the type as it was under the name that an entry of _type has.
func (r *registry) before(e *core.Entry) *core.Type {
	doc, err := jsondoc.ParseObject(effective(e))
	if err != nil || r.current.Load() == nil {
		return nil
	}
	name, _ := doc["name"].(string)
	t, _ := r.Type(core.TypeName(name))
	return t
}

// effective is the document of a type that counts: a draft beside a published one is not applied yet.
func effective(e *core.Entry) core.Doc {
	if e.Published != nil {
		return e.Published
	}
	return e.Draft
}

// schemaText gives the schema as it was written; the order of its properties means something.
func schemaText(e *core.Entry) []byte {
	for name, value := range jsondoc.Members(effective(e)) {
		if name != "schema" {
			continue
		}
		var text string
		if json.Unmarshal(value, &text) == nil {
			return []byte(text)
		}
		return value
	}
	return nil
}

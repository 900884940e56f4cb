package migrate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/catalog"
	"github.com/palabre-cms/palabre/core/internal/content"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
	"github.com/palabre-cms/palabre/core/internal/migrate"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// registry knows the system's types and those of the entries of _type.
type registry struct {
	mu    sync.Mutex
	types map[core.TypeName]*core.Type
}

func (r *registry) Type(name core.TypeName) (*core.Type, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.types[name]
	return t, ok
}

func (r *registry) Types() []*core.Type {
	r.mu.Lock()
	defer r.mu.Unlock()
	var types []*core.Type
	for _, t := range r.types {
		types = append(types, t)
	}
	core.SortTypes(types)
	return types
}

// Apply is told of commits before the catalog is.
func (r *registry) Apply(commits []core.Commit) {
	for i := range commits {
		for _, c := range commits[i].Changes {
			if c.Type == "_type" && len(c.Published) > 0 && !core.IsNull(c.Published) {
				r.learn(c.Published)
			}
		}
	}
}

func (r *registry) learn(doc core.Doc) {
	var stored struct{ Schema string }
	if json.Unmarshal(doc, &stored) != nil {
		return
	}
	t, err := new(schema.Compiler).Compile(context.Background(), []byte(stored.Schema))
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.types[t.Name] = t
}

// open lets everybody do everything.
type open struct{}

func (open) Authenticate(context.Context, string) (*core.Principal, error) { return core.System, nil }

func (open) Scope(_ context.Context, p *core.Principal, _ *core.Type, _ core.Action) (*core.Scope, error) {
	if p.Kind == "anonymous" {
		return nil, core.Errorf(core.CodeUnauthenticated, "Sign in.")
	}
	return &core.Scope{Read: core.FieldSet{All: true}, Write: core.FieldSet{All: true}, Drafts: true, Private: true}, nil
}

var editor = &core.Principal{ID: "user:editor", Kind: "user", Roles: []string{"administrator"}}

// node is a whole store with the service under test.
type node struct {
	*migrate.Service
	t       testing.TB
	dir     string
	types   *registry
	catalog *catalog.Catalog
	content *content.Content
	faults  *faults
	hooks   *core.Hooks
	close   func()
}

// faults is a content that fails when told to.
type faults struct {
	core.Content
	writes int
	failAt int // the number of the write that fails; 0 for none
	before func(ops []core.Operation)
}

func (f *faults) Write(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	if f.writes++; f.writes == f.failAt {
		return nil, core.Errorf(core.CodeUnavailable, "The store is away.")
	}
	if f.before != nil {
		f.before(ops)
	}
	return f.Content.Write(ctx, who, ops, o)
}

func start(t testing.TB) *node { return startIn(t, t.TempDir()) }

func startIn(t testing.TB, dir string) *node {
	t.Helper()
	ctx := context.Background()
	system, err := schema.System(ctx, &schema.Compiler{})
	must(t, err)
	types := &registry{types: map[core.TypeName]*core.Type{}}
	for _, s := range system {
		types.types[s.Name] = s
	}
	l, err := sqlitelog.Open(filepath.Join(dir, "log.db"), sqlitelog.Options{Sync: sqlite.SyncOff})
	must(t, err)
	commits, err := l.Read(ctx, 1, 100_000)
	must(t, err)
	types.Apply(commits)
	must(t, os.MkdirAll(filepath.Join(dir, "catalog"), 0o700))
	cat, err := catalog.Open(ctx, filepath.Join(dir, "catalog"), types, time.Now, catalog.Options{})
	must(t, err)
	n := &node{t: t, dir: dir, types: types, catalog: cat, hooks: &core.Hooks{}}
	n.content = content.New(content.Config{Log: l, Catalog: cat, Types: types, Access: open{}, Hooks: n.hooks, Observers: []content.Observer{types}})
	must(t, n.content.Start(ctx))
	n.faults = &faults{Content: n.content}
	n.Service = migrate.New(migrate.Config{Types: types, Compiler: &schema.Compiler{}, Catalog: cat, Content: n.faults, Access: open{}, Hooks: n.hooks})
	n.close = sync.OnceFunc(func() { n.content.Close(); cat.Close(); l.Close() })
	t.Cleanup(n.close)
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\n%s", err, fieldsOf(err))
	}
}

func fieldsOf(err error) string {
	e, ok := core.AsError(err)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "%s %s %s\n", f.Pointer, f.Keyword, f.Message)
	}
	return b.String()
}

// note is a schema of the type note with the given properties and the required ones.
func note(properties string, required ...string) []byte {
	list, _ := json.Marshal(append([]string{}, required...))
	return fmt.Appendf(nil, `{"title":"Note","type":"object","required":%s,"additionalProperties":false,"x-type":{"name":"note","slug":false},"properties":{%s}}`, list, properties)
}

func (n *node) apply(schema []byte, repairs ...core.Repair) *core.Review {
	n.t.Helper()
	review, err := n.Apply(context.Background(), editor, "note", schema, repairs)
	must(n.t, err)
	return review
}

func (n *node) check(schema []byte, repairs ...core.Repair) *core.Review {
	n.t.Helper()
	review, err := n.Check(context.Background(), editor, "note", schema, repairs)
	must(n.t, err)
	return review
}

func (n *node) create(data string, publish bool) core.EntryID {
	n.t.Helper()
	doc, err := jsondoc.DecodeObject([]byte(data), jsondoc.Default)
	must(n.t, err)
	r, err := n.content.Write(context.Background(), editor, []core.Operation{{Op: core.OperationCreate, Type: "note", Data: doc, Publish: publish}}, core.WriteOptions{})
	must(n.t, err)
	return r.Items[0].ID
}

func (n *node) write(op core.Operation) {
	n.t.Helper()
	op.Type = "note"
	_, err := n.content.Write(context.Background(), editor, []core.Operation{op}, core.WriteOptions{})
	must(n.t, err)
}

func (n *node) entry(id core.EntryID) *core.Entry {
	n.t.Helper()
	e, err := n.catalog.Entry(context.Background(), "note", id)
	must(n.t, err)
	return e
}

// wantDocs checks an entry's documents; "" is none.
func (n *node) wantDocs(id core.EntryID, draft, published string) {
	n.t.Helper()
	e := n.entry(id)
	if string(e.Draft) != draft || string(e.Published) != published {
		n.t.Errorf("%s: got draft %s, published %s; want %s, %s", id, e.Draft, e.Published, draft, published)
	}
}

func value(text string) any {
	v, err := jsondoc.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return v
}

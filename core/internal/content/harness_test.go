package content_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/catalog"
	"github.com/palabre-cms/palabre/core/internal/content"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// The content types of these tests.
var schemas = []string{
	`{"title": "Fiche", "type": "object", "required": ["title"], "additionalProperties": false,
	  "x-type": {"name": "fiche", "titleField": "title", "slug": {"field": "slug", "from": "title"}, "public": true, "locales": ["fr", "en"]},
	  "properties": {
	    "title": {"type": "string", "minLength": 1, "maxLength": 200, "x-localized": true},
	    "slug": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "x-unique": true},
	    "code": {"type": "string", "x-unique": true},
	    "region": {"type": "string", "default": "44"},
	    "count": {"type": "integer"},
	    "partner": {"x-ref": {"types": ["partner"]}},
	    "sponsor": {"x-ref": {"types": ["partner"], "onDelete": "null"}},
	    "sponsors": {"type": "array", "items": {"x-ref": {"types": ["partner"], "onDelete": "null"}}},
	    "parent": {"x-ref": {"types": ["fiche"], "onDelete": "cascade"}},
	    "address": {"type": "object", "additionalProperties": false, "properties": {"city": {"type": "string"}, "country": {"type": "string", "default": "FR"}}},
	    "score": {"type": "integer", "x-computed": true},
	    "pin": {"type": "string", "x-secret": true}}}`,
	`{"title": "Partner", "type": "object", "required": ["name"], "additionalProperties": false,
	  "x-type": {"name": "partner", "titleField": "name", "slug": {"field": "slug", "from": "name"}},
	  "properties": {"name": {"type": "string"}, "kind": {"type": "string"}, "slug": {"type": "string", "x-unique": true}}}`,
	`{"title": "Post", "type": "object", "required": ["title"], "additionalProperties": false,
	  "x-type": {"name": "post", "titleField": "title", "slug": {"field": "slug", "from": "title"}, "workflow": "review"},
	  "properties": {"title": {"type": "string"}, "slug": {"type": "string"}, "must": {"x-ref": {"types": ["partner"], "onDelete": "null"}}}}`,
	`{"title": "Note", "type": "object", "additionalProperties": false, "x-type": {"name": "note", "slug": false},
	  "properties": {"text": {"type": "string"}}}`,
	`{"title": "Call", "type": "object", "additionalProperties": false,
	  "x-type": {"name": "call", "slug": false, "workflow": {"name": "call", "initial": "draft",
	    "states": [{"name": "draft", "label": {"fr": "Brouillon", "en": "Draft"}}, {"name": "closed", "label": {"fr": "Clos", "en": "Closed"}, "frozen": true},
	      {"name": "published", "label": {"fr": "Publié", "en": "Published"}, "onEdit": "draft"}],
	    "transitions": [{"name": "publish", "from": ["draft"], "to": "published", "effect": "publish", "requires": ["text"], "label": {"fr": "Publier", "en": "Publish"}},
	      {"name": "close", "to": "closed", "roles": ["boss"], "label": {"fr": "Clore", "en": "Close"}},
	      {"name": "reopen", "from": ["closed"], "to": "draft", "label": {"fr": "Rouvrir", "en": "Reopen"}}]}},
	  "properties": {"text": {"type": "string"}}}`,
	`{"title": "Show", "type": "object", "additionalProperties": false,
	  "x-type": {"name": "show", "slug": false, "workflow": {"name": "show", "initial": "draft",
	    "states": [{"name": "draft", "label": {"fr": "Brouillon", "en": "Draft"}}, {"name": "published", "label": {"fr": "Publié", "en": "Published"}},
	      {"name": "running", "label": {"fr": "À l’affiche", "en": "Running"}, "onEdit": "draft"}],
	    "transitions": [{"name": "publish", "from": ["draft"], "to": "running", "effect": "publish", "label": {"fr": "Publier", "en": "Publish"}}]}},
	  "properties": {"text": {"type": "string"}}}`,
	`{"title": "Home", "type": "object", "additionalProperties": false, "x-type": {"name": "home", "slug": false, "singleton": true},
	  "properties": {"text": {"type": "string"}}}`,
}

// typeList is a registry that never changes.
type typeList map[core.TypeName]*core.Type

func (l typeList) Type(name core.TypeName) (*core.Type, bool) {
	t, ok := l[name]
	return t, ok
}

func (l typeList) Types() []*core.Type {
	var types []*core.Type
	for _, t := range l {
		types = append(types, t)
	}
	core.SortTypes(types)
	return types
}

var compiled = sync.OnceValue(func() typeList {
	list := typeList{}
	system, err := schema.System(context.Background(), new(schema.Compiler))
	if err != nil {
		panic(err)
	}
	for _, t := range system {
		list[t.Name] = t
	}
	for _, text := range schemas {
		t, err := new(schema.Compiler).Compile(context.Background(), []byte(text))
		if err != nil {
			panic(err)
		}
		list[t.Name] = t
	}
	return list
})

// roles is an Access by role: a role without a line for an action may not do it. Administrators may do everything.
type roles map[string]map[core.Action]*core.Scope

func (r roles) Authenticate(context.Context, string) (*core.Principal, error) { return nil, nil }

func (r roles) Scope(_ context.Context, p *core.Principal, _ *core.Type, a core.Action) (*core.Scope, error) {
	if p.Kind == "system" || p.Roles[0] == "administrator" {
		return everything, nil
	}
	if s := r[p.Roles[0]][a]; s != nil {
		return s, nil
	}
	return nil, core.Errorf(core.CodeForbidden, "no")
}

var everything = &core.Scope{Read: core.FieldSet{All: true}, Write: core.FieldSet{All: true}, Drafts: true, Private: true}

var admin = &core.Principal{ID: "user:admin", Kind: "user", Roles: []string{"administrator"}}

func somebody(role string) *core.Principal {
	return &core.Principal{ID: "user:" + role, Kind: "user", Roles: []string{role}}
}

// node is a content under test with everything around it.
type node struct {
	*content.Content
	t       testing.TB
	log     core.Log
	catalog testCatalog
	hooks   *core.Hooks
	roles   roles
}

func openLog(t testing.TB) core.Log { return openLogWith(t, sqlitelog.Options{Sync: sqlite.SyncOff}) }

func openLogWith(t testing.TB, o sqlitelog.Options) core.Log {
	t.Helper()
	l, err := sqlitelog.Open(filepath.Join(t.TempDir(), "log.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func start(t testing.TB) *node { return startOn(t, openLog(t)) }

func startOn(t testing.TB, l core.Log) *node { return startWith(t, l, openCatalog(t)) }

// startPlain starts on the plainest catalog, which opens at once.
func startPlain(t testing.TB, l core.Log) *node {
	return startWith(t, l, newMemCatalog(compiled()))
}

func startWith(t testing.TB, l core.Log, c core.Catalog) *node {
	t.Helper()
	n := prepareWith(t, l, c)
	if err := n.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return n
}

func prepareWith(t testing.TB, l core.Log, c core.Catalog) *node {
	t.Helper()
	return prepareWithTypes(t, l, c, compiled())
}

func prepareWithTypes(t testing.TB, l core.Log, c core.Catalog, types typeList) *node {
	t.Helper()
	n := &node{t: t, log: l, catalog: testCatalog{c}, hooks: &core.Hooks{}, roles: roles{}}
	n.Content = content.New(content.Config{Log: l, Catalog: n.catalog, Types: types, Access: n.roles, Hooks: n.hooks, Patience: 20 * time.Second})
	t.Cleanup(func() { n.Close() })
	return n
}

// openCatalog opens the catalog that Palabre itself uses.
func openCatalog(t testing.TB) core.Catalog {
	t.Helper()
	c, err := catalog.Open(context.Background(), t.TempDir(), compiled(), time.Now, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// testCatalog is a catalog with what only tests ask for.
type testCatalog struct{ core.Catalog }

// all gives every entry, trash included.
func (c testCatalog) all() (list []*core.Entry) {
	for name := range compiled() {
		err := c.Each(context.Background(), name, "", func(e *core.Entry) error {
			list = append(list, e)
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
	return list
}

// doc reads JSON as a request's body is read.
func doc(t testing.TB, text string, args ...any) map[string]any {
	t.Helper()
	m, err := jsondoc.DecodeObject([]byte(fmt.Sprintf(text, args...)), jsondoc.Default)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (n *node) write(who *core.Principal, ops ...core.Operation) (*core.Result, error) {
	return n.Write(context.Background(), who, ops, core.WriteOptions{})
}

// do performs one operation as the administrator.
func (n *node) do(op core.Operation) core.ResultItem {
	n.t.Helper()
	r, err := n.write(admin, op)
	if err != nil {
		n.t.Fatalf("%s %s %s: %v", op.Op, op.Type, op.ID, err)
	}
	return r.Items[0]
}

func (n *node) create(name core.TypeName, text string, args ...any) *core.Entry {
	n.t.Helper()
	return n.do(core.Operation{Op: core.OperationCreate, Type: name, Data: doc(n.t, text, args...)}).Entry
}

func (n *node) createLive(name core.TypeName, text string, args ...any) *core.Entry {
	n.t.Helper()
	return n.do(core.Operation{Op: core.OperationCreate, Type: name, Data: doc(n.t, text, args...), Publish: true}).Entry
}

func (n *node) update(e *core.Entry, text string, args ...any) *core.Entry {
	n.t.Helper()
	return n.do(core.Operation{Op: core.OperationUpdate, Type: e.Type, ID: e.ID, Data: doc(n.t, text, args...)}).Entry
}

func (n *node) transition(e *core.Entry, name string) *core.Entry {
	n.t.Helper()
	return n.do(core.Operation{Op: core.OperationTransition, Type: e.Type, ID: e.ID, Transition: name}).Entry
}

func (n *node) remove(e *core.Entry) *core.Entry {
	n.t.Helper()
	return n.do(core.Operation{Op: core.OperationDelete, Type: e.Type, ID: e.ID}).Entry
}

// stored is the entry as the catalog has it; nil when it is gone.
func (n *node) stored(e *core.Entry) *core.Entry {
	n.t.Helper()
	got, err := n.catalog.Entry(context.Background(), e.Type, e.ID)
	if err != nil {
		return nil
	}
	return got
}

// refused checks that an operation is refused with a code, and gives the error.
func (n *node) refused(code core.Code, who *core.Principal, op core.Operation) *core.Error {
	n.t.Helper()
	before := n.catalog.Position()
	_, err := n.write(who, op)
	if core.CodeOf(err) != code {
		n.t.Fatalf("%s %s %s: got %v, want %s", op.Op, op.Type, op.Transition, err, code)
	}
	if n.catalog.Position() != before {
		n.t.Errorf("a refused operation made a commit")
	}
	e, _ := core.AsError(err)
	return e
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	look, late := time.NewTicker(5*time.Millisecond), time.After(30*time.Second)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("it never happened that %s", what)
		}
	}
}

// want compares a document with JSON.
func want(t testing.TB, got core.Doc, text string, args ...any) {
	t.Helper()
	if text == "" && got == nil {
		return
	}
	if got == nil || !jsondoc.Equal(any(object(got)), any(doc(t, text, args...))) {
		t.Errorf("got %s, want %s", got, fmt.Sprintf(text, args...))
	}
}

func pointers(e *core.Error) string {
	var list []string
	for _, f := range e.Fields {
		list = append(list, f.Pointer+" "+f.Keyword)
	}
	return strings.Join(list, ", ")
}

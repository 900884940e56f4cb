package audit_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/audit"
	"github.com/palabre-cms/palabre/core/internal/catalog"
	"github.com/palabre-cms/palabre/core/internal/content"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

var (
	admin   = &core.Principal{ID: "user:admin", Kind: "user", Roles: []string{"administrator"}}
	camille = &core.Principal{ID: "user:camille", Kind: "user", Roles: []string{"editor"}}
	here    = &core.Origin{Address: "192.0.2.7", Agent: "curl", Request: "r-1"}
)

const note = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Note","type":"object","required":["title"],"unevaluatedProperties":false,
"x-type":{"name":"note","titleField":"title","slug":false},"properties":{"title":{"type":"string"}}}`

// types is a registry that never changes.
type types map[core.TypeName]*core.Type

func (l types) Type(name core.TypeName) (*core.Type, bool) { t, ok := l[name]; return t, ok }

func (l types) Types() (all []*core.Type) {
	for _, t := range l {
		all = append(all, t)
	}
	core.SortTypes(all)
	return all
}

var known = sync.OnceValue(func() types {
	list := types{}
	system, err := schema.System(context.Background(), new(schema.Compiler))
	if err != nil {
		panic(err)
	}
	own, err := new(schema.Compiler).Compile(context.Background(), []byte(note))
	if err != nil {
		panic(err)
	}
	for _, t := range append(system, own) {
		list[t.Name] = t
	}
	return list
})

// access lets administrators do everything, and editors everything with notes.
type access struct{}

func (access) Authenticate(context.Context, string) (*core.Principal, error) { return nil, nil }

func (access) Scope(_ context.Context, p *core.Principal, t *core.Type, _ core.Action) (*core.Scope, error) {
	switch {
	case p.Kind == "system", p.Roles[0] == "administrator", p.Roles[0] == "editor" && t.Name == "note":
		return &core.Scope{Read: core.FieldSet{All: true}, Write: core.FieldSet{All: true}, Drafts: true, Private: true}, nil
	case p.Kind == "user":
		return nil, core.Errorf(core.CodeForbidden, "no")
	}
	return nil, core.NoType(t.Name)
}

// store is a log with a write path and its catalog.
type store struct {
	t       testing.TB
	dir     string
	now     func() time.Time
	log     core.Log
	catalog *catalog.Catalog
	content *content.Content
}

func newStore(t testing.TB) *store {
	t.Helper()
	s := &store{t: t, dir: t.TempDir(), now: time.Now}
	var err error
	s.log, err = sqlitelog.Open(filepath.Join(s.dir, "log.db"), sqlitelog.Options{Sync: sqlite.SyncOff, Now: func() time.Time { return s.now() }})
	if err != nil {
		t.Fatal(err)
	}
	if s.catalog, err = catalog.Open(t.Context(), filepath.Join(s.dir, "catalog"), known(), time.Now, catalog.Options{}); err != nil {
		t.Fatal(err)
	}
	s.content = content.New(content.Config{Log: s.log, Catalog: s.catalog, Types: known(), Access: access{}, Hooks: &core.Hooks{}})
	if err := s.content.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.content.Close(); s.catalog.Close(); s.log.Close() })
	return s
}

func (s *store) path() string { return filepath.Join(s.dir, "audit.db") }

// trail opens the trail and follows the log until stop, which may be called again.
func (s *store) trail(edit ...func(*audit.Config)) (trail *audit.Trail, stop func()) {
	s.t.Helper()
	c := audit.Config{Path: s.path(), Log: s.log, Content: s.content, Types: known(), Access: access{}}
	for _, f := range edit {
		f(&c)
	}
	trail, err := audit.Open(c)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { trail.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if err := trail.Close(); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(stop)
	return trail, stop
}

// write makes one commit of operations.
func (s *store) write(who *core.Principal, from *core.Origin, ops ...core.Operation) *core.Result {
	s.t.Helper()
	r, err := s.content.Write(core.WithOrigin(s.t.Context(), from), who, ops, core.WriteOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func create(title string) core.Operation {
	return core.Operation{Op: core.OperationCreate, Type: "note", Data: map[string]any{"title": title}}
}

// find asks as the administrator.
func find(t testing.TB, trail *audit.Trail, q core.AuditQuery) []core.AuditLine {
	t.Helper()
	page, err := trail.Find(t.Context(), admin, q)
	if err != nil {
		t.Fatal(err)
	}
	return page.Data
}

// events is what lines tell of, the newest first.
func events(lines []core.AuditLine) (out []string) {
	for _, l := range lines {
		out = append(out, l.Event)
	}
	return out
}

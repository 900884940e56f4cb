package privacy_test

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
	"github.com/palabre-cms/palabre/core/internal/privacy"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const contact = `"x-personal": {"subject": "contact", "purpose": "relations", "basis": "consent", "keep": "P3Y"}`

// The content types of these tests: one about a person, one with people in it, one with nobody declared.
var schemas = []string{
	`{"title": "Person", "type": "object", "required": ["name", "mail"], "additionalProperties": false,
	  "x-type": {"name": "person", "label": {"fr": "Personne", "en": "Person"}, "titleField": "name", "slug": {"field": "slug", "from": "name"}, "public": true, "locales": ["fr", "en"]},
	  "properties": {
	    "name": {"type": "string", "minLength": 1, "x-search": 2, ` + contact + `},
	    "slug": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 80, "x-unique": true},
	    "mail": {"type": "string", "format": "email", "x-unique": true, ` + contact + `},
	    "phone": {"type": "string", "format": "tel", ` + contact + `},
	    "bio": {"type": "string", "x-localized": true, "x-search": 1, ` + contact + `},
	    "pin": {"type": "string", "x-secret": true, ` + contact + `},
	    "team": {"x-ref": {"types": ["meeting"]}},
	    "active": {"type": "boolean"}}}`,
	`{"title": "Meeting", "type": "object", "required": ["title"], "additionalProperties": false,
	  "x-type": {"name": "meeting", "titleField": "title", "slug": {"field": "slug", "from": "title"}, "public": true},
	  "properties": {
	    "title": {"type": "string", "minLength": 1},
	    "slug": {"type": "string", "x-unique": true},
	    "day": {"type": "string", "format": "date"},
	    "host": {"x-ref": {"types": ["person"]}},
	    "notes": {"x-richtext": true},
	    "guests": {"type": "array", "items": {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
	      "name": {"type": "string", "minLength": 2, "x-personal": {"subject": "guest", "purpose": "meetings", "basis": "contract", "keep": "P13M", "since": "day"}},
	      "role": {"type": "string"},
	      "diet": {"type": "string", "x-personal": {"subject": "guest", "purpose": "catering", "basis": "consent", "keep": "P7D", "since": "day", "class": "P3"}}}}}}}`,
	`{"title": "Post", "type": "object", "additionalProperties": false, "x-type": {"name": "post", "titleField": "title", "slug": {"field": "slug", "from": "title"}, "public": true},
	  "properties": {"title": {"type": "string"}, "slug": {"type": "string", "x-unique": true}, "text": {"x-richtext": true},
	    "more": {"type": "object"}}}`,
}

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
	system, err := schema.System(context.Background(), new(schema.Compiler))
	if err != nil {
		panic(err)
	}
	list := typeList{}
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

// rights is an Access: administrators may all, others what their role names of the erasures.
type rights map[string][]core.Action

func (r rights) Authenticate(context.Context, string) (*core.Principal, error) { return nil, nil }

func (r rights) Scope(_ context.Context, p *core.Principal, t *core.Type, a core.Action) (*core.Scope, error) {
	for _, may := range append(r[p.Roles[0]], "") {
		if may == a && t.Name == "_erasure" || p.Roles[0] == "administrator" {
			return &core.Scope{Read: core.FieldSet{All: true}, Write: core.FieldSet{All: true}, Drafts: true, Private: true}, nil
		}
	}
	return nil, core.Errorf(core.CodeForbidden, "no")
}

// auditor remembers the lines that it is given.
type auditor struct {
	mu     sync.Mutex
	events []core.AuditEvent
	fails  bool
	lines  []core.AuditLine
}

func (a *auditor) Note(_ context.Context, _ *core.Principal, e core.AuditEvent) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fails {
		return core.Errorf(core.CodeUnavailable, "no")
	}
	a.events = append(a.events, e)
	return nil
}

func (a *auditor) Find(context.Context, *core.Principal, core.AuditQuery) (*core.AuditPage, error) {
	return &core.AuditPage{Data: a.lines}, nil
}

// brittleLog fails where a test says so.
type brittleLog struct {
	core.Log
	redactions int    // how many more work; -1 for all
	meanwhile  func() // what happens, once, when something is about to be redacted
}

func (l *brittleLog) Redact(ctx context.Context, at core.Position, rewrite core.Rewrite) error {
	if f := l.meanwhile; f != nil {
		l.meanwhile = nil
		f()
	}
	if l.redactions == 0 {
		return core.Errorf(core.CodeUnavailable, "the store is away")
	}
	l.redactions--
	return l.Log.Redact(ctx, at, rewrite)
}

func (l *brittleLog) Shred(ctx context.Context) error { return l.Log.(core.Shredder).Shred(ctx) }

// keeper makes the catalog anew.
type keeper struct {
	*catalog.Catalog
	log   core.Log
	count int
}

func (k *keeper) Rebuild(ctx context.Context) (*core.Rebuilt, error) {
	k.count++
	return k.Catalog.Rebuild(ctx, k.log, nil)
}

func (k *keeper) Verify(ctx context.Context) (*core.Verified, error) {
	return k.Catalog.Verify(ctx, k.log)
}

// world is a store with the service on it.
type world struct {
	t       *testing.T
	dir     string
	now     time.Time
	log     *brittleLog
	keeper  *keeper
	content *content.Content
	audit   *auditor
	rights  rights
	privacy *privacy.Service
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC), audit: &auditor{}, rights: rights{}}
	clock := func() time.Time { return w.now }
	l, err := sqlitelog.Open(filepath.Join(w.dir, "log.db"), sqlitelog.Options{Sync: sqlite.SyncOff, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w.log = &brittleLog{Log: l, redactions: -1}
	c, err := catalog.Open(t.Context(), filepath.Join(w.dir, "catalog"), compiled(), clock, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	w.keeper = &keeper{Catalog: c, log: l}
	w.content = content.New(content.Config{Log: w.log, Catalog: c, Types: compiled(), Access: w.rights, Hooks: &core.Hooks{}, Patience: 20 * time.Second})
	if err := w.content.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.content.Close() })
	w.privacy = w.service(compiled())
	return w
}

func (w *world) service(types core.Types) *privacy.Service {
	return privacy.New(privacy.Parts{Types: types, Catalog: w.keeper.Catalog, Content: w.content, Log: w.log, Access: w.rights, Compiler: new(schema.Compiler),
		Keeper: w.keeper, Auditor: w.audit, Now: func() time.Time { return w.now }})
}

func doc(t testing.TB, text string, args ...any) map[string]any {
	t.Helper()
	m, err := jsondoc.DecodeObject([]byte(fmt.Sprintf(text, args...)), jsondoc.Default)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (w *world) do(op core.Operation) *core.Entry {
	w.t.Helper()
	r, err := w.content.Write(context.Background(), core.System, []core.Operation{op}, core.WriteOptions{})
	if err != nil {
		w.t.Fatalf("%s %s: %v", op.Op, op.Type, err)
	}
	return r.Items[0].Entry
}

func (w *world) create(name core.TypeName, publish bool, text string, args ...any) *core.Entry {
	w.t.Helper()
	return w.do(core.Operation{Op: core.OperationCreate, Type: name, Publish: publish, Data: doc(w.t, text, args...)})
}

func (w *world) update(e *core.Entry, publish bool, text string, args ...any) *core.Entry {
	w.t.Helper()
	return w.do(core.Operation{Op: core.OperationUpdate, Type: e.Type, ID: e.ID, Publish: publish, Data: doc(w.t, text, args...)})
}

// stored is an entry as the catalog has it; nil when it is gone.
func (w *world) stored(e *core.Entry) *core.Entry {
	w.t.Helper()
	got, err := w.keeper.Entry(context.Background(), e.Type, e.ID)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) find(text string) *core.SubjectReport {
	w.t.Helper()
	r, err := w.privacy.Find(context.Background(), core.System, core.SubjectQuery{Text: text})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) erase(r core.Erasure) *core.ErasureReport {
	w.t.Helper()
	if r.Reason == "" {
		r.Reason = "On request"
	}
	report, err := w.privacy.Erase(context.Background(), core.System, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// names lists the files of the store that hold any of the texts.
func (w *world) names(texts ...string) (files []string) {
	w.t.Helper()
	err := filepath.Walk(w.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, text := range texts {
			if strings.Contains(string(data), text) {
				files = append(files, filepath.Base(path)+": "+text)
			}
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return files
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func want(t testing.TB, got core.Doc, text string, args ...any) {
	t.Helper()
	m, err := jsondoc.ParseObject(got)
	if err != nil || !jsondoc.Equal(any(m), any(doc(t, text, args...))) {
		t.Errorf("got %s, want %s", got, fmt.Sprintf(text, args...))
	}
}

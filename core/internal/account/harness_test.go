package account_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/account"
	"github.com/palabre-cms/palabre/core/internal/catalog"
	"github.com/palabre-cms/palabre/core/internal/content"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// fiche is the content type of these tests: coordinators get the drafts of who has left.
const fiche = `{"title":"Fiche","type":"object","additionalProperties":false,"x-type":{"name":"fiche","slug":false,"heir":"coordinator"},
"properties":{"title":{"type":"string"}}}`

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
	compiler := new(schema.Compiler)
	types, err := schema.System(context.Background(), compiler)
	if err != nil {
		panic(err)
	}
	own, err := compiler.Compile(context.Background(), []byte(fiche))
	if err != nil {
		panic(err)
	}
	for _, t := range append(types, own) {
		list[t.Name] = t
	}
	return list
})

// policy is an Access: administrators may do everything, managers all with accounts, sessions and tokens but with what
// hidden shows only, readers nothing.
type policy struct{}

var whole = core.FieldSet{All: true}

func (policy) Authenticate(context.Context, string) (*core.Principal, error) {
	return nil, errors.New("there are no tokens here")
}

func (policy) Scope(_ context.Context, p *core.Principal, t *core.Type, _ core.Action) (*core.Scope, error) {
	scope := &core.Scope{Read: whole, Write: whole, Drafts: true, Private: true}
	switch {
	case p.Kind == "system" || slices.Contains(p.Roles, "administrator"):
		return scope, nil
	case slices.Contains(p.Roles, "manager"):
		scope.Where = core.Compare{Path: core.Path{Field: "name"}, Op: core.OpNe, Values: []any{"Hidden"}}
		if t.Name != account.UserType {
			scope.Where = nil
		}
		return scope, nil
	}
	return nil, core.NoType(t.Name)
}

// directory reads the accounts as access does.
type directory struct{ w *world }

func (d directory) User(ctx context.Context, id core.EntryID) (*core.Principal, error) {
	refused := core.Errorf(core.CodeUnauthenticated, "no")
	e, err := d.w.catalog.Entry(ctx, account.UserType, id)
	if err != nil || e.Trashed() {
		return nil, refused
	}
	var doc struct {
		Roles     []string
		Suspended bool
		EndsAt    *time.Time
	}
	if err := json.Unmarshal(e.Latest(), &doc); err != nil {
		return nil, err
	}
	if doc.Suspended || doc.EndsAt != nil && !d.w.now().Before(*doc.EndsAt) {
		return nil, refused
	}
	return &core.Principal{ID: "user:" + string(id), Kind: "user", Roles: doc.Roles, Rev: e.Rev, About: map[string][]any{"email": nil}}, nil
}

// post keeps the mails.
type post struct{ sent chan string }

func (p post) Send(_ context.Context, to, subject, text string) error {
	p.sent <- to + "\n" + subject + "\n" + text
	return nil
}

// auditor keeps the events.
type auditor struct {
	core.Auditor
	mu    sync.Mutex
	notes []core.AuditEvent
	by    []string
}

func (a *auditor) Note(_ context.Context, who *core.Principal, e core.AuditEvent) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notes, a.by = append(a.notes, e), append(a.by, who.ID)
	return nil
}

func (a *auditor) events() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []string
	for _, e := range a.notes {
		list = append(list, e.Event)
	}
	return strings.Join(list, " ")
}

// world is an account service on a store of its own, with a clock that stands still.
type world struct {
	*account.Service
	t       *testing.T
	log     core.Log
	catalog *catalog.Catalog
	writer  *content.Content
	guarded core.Content
	audit   *auditor
	mail    post
	mu      sync.Mutex
	at      time.Time
}

var noon = time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)

var key = []byte("0123456789abcdef0123456789abcdef")

func newWorld(t *testing.T, change ...func(*account.Config)) *world {
	t.Helper()
	w := &world{t: t, at: noon, audit: &auditor{}, mail: post{make(chan string, 10)}}
	var err error
	if w.log, err = sqlitelog.Open(filepath.Join(t.TempDir(), "log.db"), sqlitelog.Options{Sync: sqlite.SyncOff}); err != nil {
		t.Fatal(err)
	}
	if w.catalog, err = catalog.Open(t.Context(), t.TempDir(), compiled(), time.Now, catalog.Options{}); err != nil {
		t.Fatal(err)
	}
	w.writer = content.New(content.Config{Log: w.log, Catalog: w.catalog, Types: compiled(), Access: policy{}, Hooks: &core.Hooks{}, Patience: 20 * time.Second})
	if err := w.writer.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := account.Config{Catalog: w.catalog, Content: w.writer, Log: w.log, Types: compiled(), Directory: directory{w}, Auditor: w.audit,
		Mailer: w.mail, Key: key, CookieKey: key, PublicURL: "https://cms.example.org", Now: w.now}
	for _, f := range change {
		f(&c)
	}
	if w.Service, err = account.New(c); err != nil {
		t.Fatal(err)
	}
	w.guarded = w.Guard(w.writer, policy{})
	t.Cleanup(func() {
		_ = w.Service.Close()
		_ = w.writer.Close()
		_ = w.catalog.Close()
		_ = w.log.Close()
	})
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func doc(t testing.TB, text string) map[string]any {
	t.Helper()
	m, err := jsondoc.ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const good = "correct horse in the garden"

// user makes an account; more are members of its JSON.
func (w *world) user(email, more string) core.EntryID {
	w.t.Helper()
	if more != "" {
		more = "," + more
	}
	e := w.do(core.System, core.Operation{Op: core.OperationCreate, Type: account.UserType,
		Data: doc(w.t, `{"email":"`+email+`","name":"Camille Exemple","password":"`+good+`"`+more+`}`)})
	return e.ID
}

// do performs an operation through the guard.
func (w *world) do(who *core.Principal, op core.Operation) *core.Entry {
	w.t.Helper()
	e, err := w.try(who, op)
	if err != nil {
		w.t.Fatalf("%s %s: %v", op.Op, op.Type, err)
	}
	return e
}

func (w *world) try(who *core.Principal, ops ...core.Operation) (*core.Entry, error) {
	r, err := w.guarded.Write(context.Background(), who, ops, core.WriteOptions{})
	if err != nil {
		return nil, err
	}
	return r.Items[0].Entry, nil
}

func (w *world) change(id core.EntryID, text string) *core.Entry {
	w.t.Helper()
	return w.do(core.System, update(w.t, id, text))
}

func update(t testing.TB, id core.EntryID, text string) core.Operation {
	return core.Operation{Op: core.OperationUpdate, Type: account.UserType, ID: id, Data: doc(t, text)}
}

func (w *world) stored(id core.EntryID) map[string]any {
	w.t.Helper()
	e, err := w.catalog.Entry(context.Background(), account.UserType, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return doc(w.t, string(e.Latest()))
}

func from(address string) context.Context {
	return core.WithOrigin(context.Background(), &core.Origin{Address: address, Agent: "test"})
}

func (w *world) signIn(email string) *core.SignedIn {
	w.t.Helper()
	in, err := w.SignIn(from("192.0.2.1"), core.SignIn{Email: email, Password: good})
	if err != nil {
		w.t.Fatal(err)
	}
	return in
}

// who is the principal of a session.
func (w *world) who(in *core.SignedIn) *core.Principal {
	w.t.Helper()
	p, err := w.Session(context.Background(), in.Cookie)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) holds(in *core.SignedIn) bool {
	w.t.Helper()
	_, err := w.Session(context.Background(), in.Cookie)
	if err != nil && core.CodeOf(err) != core.CodeUnauthenticated {
		w.t.Fatal(err)
	}
	return err == nil
}

func wantCode(t testing.TB, err error, code core.Code, reason string) {
	t.Helper()
	e, _ := core.AsError(err)
	if core.CodeOf(err) != code || e != nil && reason != "" && e.Reason != reason {
		t.Errorf("got %v, want %s %s", err, code, reason)
	}
}

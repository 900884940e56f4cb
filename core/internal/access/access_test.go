package access_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/internal/query"
)

// store is a catalog that holds the entries which decide who may do what. What it is not asked for is not there.
type store struct {
	core.Catalog
	versions map[core.TypeName]uint64
	entries  map[core.TypeName]map[core.EntryID]*core.Entry
	asked    int
	broken   error
}

func (s *store) Version(name core.TypeName) uint64 { return s.versions[name] }

func (s *store) Unique(_ context.Context, name core.TypeName, field, value string) (core.EntryID, error) {
	s.asked++
	for id, e := range s.entries[name] {
		var doc map[string]any
		if json.Unmarshal(e.Draft, &doc) == nil && doc[field] == value && !e.Trashed() {
			return id, nil
		}
	}
	return "", nil
}

func (s *store) Entry(_ context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error) {
	if e, ok := s.entries[name][id]; ok {
		return e, nil
	}
	return nil, core.Errorf(core.CodeNotFound, "absent")
}

func (s *store) Each(_ context.Context, name core.TypeName, _ core.EntryID, f func(*core.Entry) error) error {
	for _, e := range s.entries[name] {
		if err := f(e); err != nil {
			return err
		}
	}
	return s.broken
}

// put makes or changes an entry.
func (s *store) put(name core.TypeName, id core.EntryID, doc string) {
	if s.entries[name] == nil {
		s.entries[name] = map[core.EntryID]*core.Entry{}
	}
	rev := int64(1)
	if old := s.entries[name][id]; old != nil {
		rev = old.Rev + 1
	}
	s.entries[name][id] = &core.Entry{Type: name, ID: id, Draft: core.Doc(doc), Meta: core.Meta{Rev: rev}}
	s.versions[name]++
}

func (s *store) remove(name core.TypeName, id core.EntryID) {
	delete(s.entries[name], id)
	s.versions[name]++
}

func (s *store) token(id core.EntryID, doc string) (text string) {
	text, hash := access.NewToken()
	s.put("_token", id, strings.TrimSuffix(doc, "}")+`,"hash":"`+hash+`"}`)
	return text
}

type types []*core.Type

func (l types) Types() []*core.Type { return l }

func (l types) Type(name core.TypeName) (*core.Type, bool) {
	for _, t := range l {
		if t.Name == name {
			return t, true
		}
	}
	return nil, false
}

func text(path string) core.Field {
	return core.Field{Path: path, Kind: core.KindString, Indexed: true}
}

func with(f core.Field, change func(*core.Field)) core.Field {
	change(&f)
	return f
}

// cast is a public type with a field of each kind, a type for staff, and the system's.
func cast() types {
	private := func(f *core.Field) { f.Private = true }
	fields := []core.Field{text("title"), text("region"), with(text("note"), private),
		with(text("phone"), func(f *core.Field) { f.Private, f.Personal = true, &core.PersonalRule{} }),
		with(text("diet"), func(f *core.Field) { f.Private, f.Personal = true, &core.PersonalRule{Class: "P3"} }),
		with(text("budget"), func(f *core.Field) { f.ReadRoles, f.WriteRoles = []string{"coordinator"}, []string{"coordinator"} }),
		with(text("key"), func(f *core.Field) { f.Secret = true }),
		{Path: "organization", Kind: core.KindRef, Indexed: true, Ref: &core.RefRule{Types: []core.TypeName{"organization"}}}}
	user := []core.Field{text("email"), text("name"), {Path: "roles", Kind: core.KindString, Indexed: true, Multi: true}, text("committees"),
		{Path: "organization", Kind: core.KindRef, Indexed: true}, with(text("password"), func(f *core.Field) { f.Secret = true })}
	return types{
		core.NewType(core.Type{Name: "fiche", Public: true, Fields: fields, Workflow: core.ReviewWorkflow()}),
		core.NewType(core.Type{Name: "organization", Public: true, Fields: []core.Field{text("name"), text("kind")}, Workflow: core.DefaultWorkflow()}),
		core.NewType(core.Type{Name: "minutes", Fields: []core.Field{text("title"), text("committee"), text("audience")}, Workflow: core.Workflow{
			Initial: "draft", Transitions: []core.Transition{{Name: "seal", To: "sealed", Roles: []string{"contributor"}}}}}),
		core.NewType(core.Type{Name: "_comment", Fields: []core.Field{text("type"), text("entry"), text("field"), text("text"), text("author"), text("answer")}}),
		core.NewType(core.Type{Name: "_role", Fields: []core.Field{text("name")}}),
		core.NewType(core.Type{Name: "_token", Fields: []core.Field{text("name")}}),
		core.NewType(core.Type{Name: "_user", Fields: user}),
	}
}

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func newAccess() (*access.Access, *store, *time.Time) {
	now, l := noon, cast()
	s := &store{versions: map[core.TypeName]uint64{}, entries: map[core.TypeName]map[core.EntryID]*core.Entry{}}
	var a *access.Access
	a = access.New(access.Config{Catalog: s, Types: l, Now: func() time.Time { return now },
		Where: func(ctx context.Context, t *core.Type, tree map[string]any) (core.Node, error) {
			return query.New(l, a, make([]byte, 32)).ParseWhere(ctx, core.System, t, tree)
		}})
	return a, s, &now
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	a, s, now := newAccess()
	s.put("_user", "u1", `{"name":"Camille Exemple","roles":["editor"],"endsAt":"2026-05-01T12:45:00Z"}`)
	s.put("_user", "u2", `{"name":"Dominique Exemple","roles":["reader"]}`)
	s.put("_user", "u3", `{"name":"Sacha Exemple","roles":["editor"],"suspended":true}`)
	forever := s.token("t1", `{"name":"a","role":"administrator"}`)
	until := s.token("t2", `{"name":"b","role":"reader","expiresAt":"2026-05-01T12:30:00Z"}`)
	intern := s.token("t3", `{"name":"c","role":"editor","user":{"_ref":"u1"}}`)
	demoted := s.token("t4", `{"name":"d","role":"editor","user":{"_ref":"u2"}}`)
	suspended := s.token("t5", `{"name":"e","role":"editor","user":{"_ref":"u3"}}`)
	orphan := s.token("t6", `{"name":"f","role":"editor","user":{"_ref":"u9"}}`)
	stranger, _ := access.NewToken()
	for _, tc := range []struct {
		name, token string
		at          time.Time
		role        string // "" is refused
	}{
		{"known", forever, noon, "administrator"},
		{"before its end", until, noon.Add(30*time.Minute - 1), "reader"},
		{"at its end", until, noon.Add(30 * time.Minute), ""},
		{"of a user", intern, noon, "editor"},
		{"of a user whose account has ended", intern, noon.Add(45 * time.Minute), ""},
		{"of a user who has lost the role", demoted, noon, ""},
		{"of a user who is suspended", suspended, noon, ""},
		{"of a user who is gone", orphan, noon, ""},
		{"unknown", stranger, noon, ""},
		{"cut short", forever[:len(forever)-1], noon, ""},
		{"in another case", strings.ToUpper(forever), noon, ""},
		{"its hash", access.HashToken(forever), noon, ""},
		{"nothing", "", noon, ""},
		{"the prefix", "pal_", noon, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			*now = tc.at
			p, err := a.Authenticate(t.Context(), tc.token)
			if tc.role == "" {
				if core.CodeOf(err) != core.CodeUnauthenticated {
					t.Errorf("got %+v, %v; want %s", p, err, core.CodeUnauthenticated)
				}
				return
			}
			if err != nil || len(p.Roles) != 1 || p.Roles[0] != tc.role {
				t.Errorf("got %+v, %v; want the role %s", p, err, tc.role)
			}
		})
	}
}

// A token is looked up once while nothing that decides it changes, and a revocation holds at once.
func TestAuthenticate_remembers(t *testing.T) {
	t.Parallel()
	a, s, _ := newAccess()
	token := s.token("t1", `{"name":"a","role":"administrator"}`)
	if _, err := a.Authenticate(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	asked := s.asked
	for range 3 {
		if _, err := a.Authenticate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if s.asked != asked {
		t.Errorf("the catalog was asked %d times more", s.asked-asked)
	}
	s.remove("_token", "t1")
	if p, err := a.Authenticate(t.Context(), token); err == nil {
		t.Errorf("a revoked token is still %+v", p)
	}
}

// A token of a user is another caller as soon as the user has changed: what was kept for the one is not given to the other.
func TestAuthenticate_changesWithItsUser(t *testing.T) {
	t.Parallel()
	a, s, _ := newAccess()
	s.put("_role", "r1", `{"name":"committee","permissions":[{"type":"minutes","actions":["list","read"],"where":{"committee":{"in":"$me.committees"}}}]}`)
	s.put("_user", "u1", `{"name":"Camille Exemple","roles":["committee"],"committees":"A"}`)
	token := s.token("t1", `{"name":"a","role":"committee","user":{"_ref":"u1","_type":"_user"}}`)
	minutes, _ := cast().Type("minutes")
	var revs []int64
	for _, committee := range []string{"A", "B"} {
		s.put("_user", "u1", `{"name":"Camille Exemple","roles":["committee"],"committees":"`+committee+`"}`)
		who, err := a.Authenticate(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		scope, err := a.Scope(t.Context(), who, minutes, core.ActionList)
		if err != nil || rowsOf(scope.Where) != "(committee eq "+committee+")" && rowsOf(scope.Where) != "committee eq "+committee {
			t.Errorf("of committee %s: %v, %v", committee, scope, err)
		}
		revs = append(revs, who.Rev)
	}
	if revs[0] >= revs[1] {
		t.Errorf("the revisions are %v", revs)
	}
}

// Who was somebody when a request came is asked again before its write is committed.
func TestRenew(t *testing.T) {
	t.Parallel()
	a, s, _ := newAccess()
	s.put("_user", "u1", `{"name":"Camille Exemple","roles":["editor"]}`)
	token := s.token("t1", `{"name":"a","role":"editor"}`)
	user, err := a.User(t.Context(), "u1")
	if err != nil {
		t.Fatal(err)
	}
	bearer, err := a.Authenticate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	s.put("_user", "u1", `{"name":"Camille Exemple","roles":["reader"]}`)
	if now, err := a.Renew(t.Context(), user); err != nil || now.Roles[0] != "reader" {
		t.Errorf("who lost a role is still %+v, %v", now, err)
	}
	s.put("_user", "u1", `{"name":"Camille Exemple","roles":["reader"],"suspended":true}`)
	if _, err := a.Renew(t.Context(), user); core.CodeOf(err) != core.CodeUnauthenticated {
		t.Errorf("who is suspended: %v", err)
	}
	if _, err := a.Renew(t.Context(), bearer); err != nil {
		t.Errorf("a token that stands: %v", err)
	}
	s.remove("_token", "t1")
	if _, err := a.Renew(t.Context(), bearer); core.CodeOf(err) != core.CodeUnauthenticated {
		t.Errorf("a revoked token: %v", err)
	}
}

// When the roles cannot be read, nobody may do anything.
func TestScope_deniesWithoutRoles(t *testing.T) {
	t.Parallel()
	a, s, _ := newAccess()
	s.broken = core.Errorf(core.CodeUnavailable, "the disk is away")
	fiche, _ := cast().Type("fiche")
	for _, who := range []*core.Principal{core.Anonymous, {ID: "user:u1", Kind: "user", Roles: []string{"administrator"}}} {
		if scope, err := a.Scope(t.Context(), who, fiche, core.ActionList); core.CodeOf(err) != core.CodeUnavailable {
			t.Errorf("%s: got %+v, %v", who.ID, scope, err)
		}
	}
}

package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
)

// tokens is a catalog that holds nothing but API tokens, by their hashes. What it is not asked for is not there.
type tokens struct {
	core.Catalog
	version uint64
	byHash  map[string]string // hash → document
	asked   int
}

func (c *tokens) Version(core.TypeName) uint64 { return c.version }

func (c *tokens) Unique(_ context.Context, _ core.TypeName, _, hash string) (core.EntryID, error) {
	c.asked++
	if _, ok := c.byHash[hash]; ok {
		return core.EntryID(hash), nil
	}
	return "", nil
}

func (c *tokens) Entry(_ context.Context, _ core.TypeName, id core.EntryID) (*core.Entry, error) {
	return &core.Entry{ID: id, Draft: core.Doc(c.byHash[string(id)])}, nil
}

func (c *tokens) add(doc string) (token string) {
	token, hash := access.NewToken()
	c.byHash[hash] = doc
	c.version++
	return token
}

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func newAccess() (*access.Access, *tokens, *time.Time) {
	catalog, now := &tokens{byHash: map[string]string{}}, noon
	return access.New(catalog, func() time.Time { return now }), catalog, &now
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	a, catalog, now := newAccess()
	forever := catalog.add(`{"name":"a","role":"administrator"}`)
	until := catalog.add(`{"name":"b","role":"reader","expiresAt":"2026-05-01T12:30:00Z"}`)
	stranger, _ := access.NewToken()
	for _, tc := range []struct {
		name, token string
		at          time.Time
		role        string // "" is refused
	}{
		{"known", forever, noon, "administrator"},
		{"before its end", until, noon.Add(30*time.Minute - 1), "reader"},
		{"at its end", until, noon.Add(30 * time.Minute), ""},
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

// A token is looked up once while no token changes, and a revocation holds at once.
func TestAuthenticate_remembers(t *testing.T) {
	t.Parallel()
	a, catalog, _ := newAccess()
	token := catalog.add(`{"name":"a","role":"administrator"}`)
	for range 3 {
		if _, err := a.Authenticate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if catalog.asked != 1 {
		t.Errorf("the catalog was asked %d times", catalog.asked)
	}
	delete(catalog.byHash, access.HashToken(token))
	catalog.version++
	if p, err := a.Authenticate(t.Context(), token); err == nil {
		t.Errorf("a revoked token is still %+v", p)
	}
}

// One line for each caller, type and action: the answer as a policy.
func TestScope(t *testing.T) {
	t.Parallel()
	a, _, _ := newAccess()
	fields := []core.Field{{Path: "title"}, {Path: "note", Private: true}, {Path: "key", Secret: true}, {Path: "budget", ReadRoles: []string{"coordinator"}}}
	public := core.NewType(core.Type{Name: "fiche", Public: true, Fields: fields})
	staff := core.NewType(core.Type{Name: "minutes", Fields: fields})
	system := core.NewType(core.Type{Name: "_token", Public: true, Fields: fields})
	admin := &core.Principal{ID: "token:1", Kind: "token", Roles: []string{access.Administrator}}
	reader := &core.Principal{ID: "token:2", Kind: "token", Roles: []string{"reader"}}
	for _, tc := range []struct {
		name   string
		who    *core.Principal
		typ    *core.Type
		action core.Action
		want   core.Code // "" allows
		reads  string    // the fields that may be read
	}{
		{"anyone lists what is public", core.Anonymous, public, core.ActionList, "", "title"},
		{"anyone reads what is public", core.Anonymous, public, core.ActionRead, "", "title"},
		{"nobody writes without signing in", core.Anonymous, public, core.ActionCreate, core.CodeUnauthenticated, ""},
		{"nor looks at history", core.Anonymous, public, core.ActionHistory, core.CodeUnauthenticated, ""},
		{"a staff type is not there", core.Anonymous, staff, core.ActionRead, core.CodeNotFound, ""},
		{"not even for writing", core.Anonymous, staff, core.ActionCreate, core.CodeNotFound, ""},
		{"a system type is never public", core.Anonymous, system, core.ActionList, core.CodeNotFound, ""},
		{"a reader reads like anyone", reader, public, core.ActionRead, "", "title"},
		{"a reader must not write", reader, public, core.ActionUpdate, core.CodeForbidden, ""},
		{"an administrator writes", admin, staff, core.ActionPurge, "", "title note budget"},
		{"an administrator sees no secret", admin, system, core.ActionRead, "", "title note budget"},
		{"the system sees all", core.System, system, core.ActionRead, "", "title note key budget"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := a.Scope(t.Context(), tc.who, tc.typ, tc.action)
			if core.CodeOf(err) != tc.want {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if err != nil {
				return
			}
			var reads []string
			for _, f := range fields {
				if s.Read.Has(f.Path) {
					reads = append(reads, f.Path)
				}
			}
			if got := strings.Join(reads, " "); got != tc.reads {
				t.Errorf("reads %q, want %q", got, tc.reads)
			}
			if s.Drafts != (tc.who != core.Anonymous && tc.who != reader) {
				t.Errorf("drafts: %v", s.Drafts)
			}
		})
	}
}

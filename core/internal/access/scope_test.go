package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
)

// scoped gives what a user with one role of these permissions may do with a type.
func scoped(t *testing.T, a *access.Access, s *store, permissions string, typ core.TypeName, action core.Action, about map[string][]any) (*core.Scope, error) {
	t.Helper()
	s.put("_role", "r1", `{"name":"tested","permissions":[`+permissions+`]}`)
	s.put("_role", "r2", `{"name":"public","permissions":[]}`)
	if about == nil {
		about = map[string][]any{}
	}
	about["_user"] = []any{"u1"}
	who := &core.Principal{ID: "user:u1", Kind: "user", Roles: []string{"tested"}, Rev: 1, About: about}
	found, _ := cast().Type(typ)
	return a.Scope(t.Context(), who, found, action)
}

// The lists of a permission, one line each: what may be read, and what may be set.
func TestScope_fields(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, fields, read, write string }{
		{"not given", `{}`, "title region organization", "title region key organization"},
		{"everything", `{"read":["*"],"write":["*"]}`, "title region organization", "title region key organization"},
		{"names", `{"read":["title","note"],"write":["title"]}`, "title note", "title"},
		{"setting what is read", `{"read":["title","region"]}`, "title region", "title region"},
		{"setting nothing", `{"read":["title"],"write":[]}`, "title", ""},
		{"reading nothing", `{"read":[],"write":["title"]}`, "", "title"},
		{"but one", `{"read":["*","-region"],"write":["*","-title","-key"]}`, "title organization", "region organization"},
		{"a class", `{"read":["P1"]}`, "note", "note"},
		{"a class that is personal", `{"read":["title","P2"]}`, "title phone", "title phone"},
		{"a class that is restricted", `{"read":["P3"]}`, "diet", "diet"},
		{"all classes", `{"read":["P0","P1","P2","P3"]}`, "title region note phone diet organization", "title region note phone diet key organization"},
		{"a class without one of it", `{"read":["P1","P2","-phone"]}`, "note", "note"},
		{"a secret by its name", `{"read":["title","key"],"write":["key"]}`, "title", "key"},
		{"a field of other roles by its name", `{"read":["title","budget"],"write":["budget"]}`, "title", ""},
		{"names that are none", `{"read":["titel","P4","p1","**",""]}`, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, s, _ := newAccess()
			read, err := scoped(t, a, s, `{"type":"fiche","actions":["read","update"],"fields":`+tc.fields+`}`, "fiche", "read", nil)
			if err != nil {
				t.Fatal(err)
			}
			write, err := scoped(t, a, s, `{"type":"fiche","actions":["read","update"],"fields":`+tc.fields+`}`, "fiche", "update", nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := readable(read, 0); got != tc.read {
				t.Errorf("reads %q, want %q", got, tc.read)
			}
			if got := settable(write, 0); got != tc.write {
				t.Errorf("sets %q, want %q", got, tc.write)
			}
		})
	}
}

func readable(s *core.Scope, held uint64) string {
	fiche, _ := cast().Type("fiche")
	var names []string
	for _, f := range fiche.Fields {
		if s.With(held).Readable(fiche, f.Path) {
			names = append(names, f.Path)
		}
	}
	return strings.Join(names, " ")
}

func settable(s *core.Scope, held uint64) string {
	fiche, _ := cast().Type("fiche")
	var names []string
	for _, f := range fiche.Fields {
		if set := s.With(held).Write; set.Has(f.Path) {
			names = append(names, f.Path)
		}
	}
	return strings.Join(names, " ")
}

// Permissions add up, rows and fields together: a field that a permission gives for some rows is not given for others.
func TestScope_addsUp(t *testing.T) {
	t.Parallel()
	a, s, _ := newAccess()
	s1, err := scoped(t, a, s, `{"type":"fiche","actions":["read"],"where":{"region":"44"},"fields":{"read":["title","region"]}},
		{"type":"fiche","actions":["read"],"where":{"region":"11"},"fields":{"read":["title","note"]}}`, "fiche", "read", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := rowsOf(s1.Where); got != "(region eq 11 | region eq 44)" {
		t.Errorf("rows %s", got)
	}
	if got := readable(s1, 0); got != "title" {
		t.Errorf("in every row %q, want title alone", got)
	}
	if len(s1.More) != 2 || readable(s1, 1) != "title region" || readable(s1, 2) != "title note" || readable(s1, 3) != "title region note" {
		t.Errorf("more: %d, %q, %q, %q", len(s1.More), readable(s1, 1), readable(s1, 2), readable(s1, 3))
	}
	s2, err := scoped(t, a, s, `{"type":"fiche","actions":["read"],"fields":{"read":["title"]}},
		{"type":"*","actions":["read"],"where":{"region":"11"},"fields":{"read":["*","note"]}}`, "fiche", "read", nil)
	if err != nil || s2.Where != nil || readable(s2, 0) != "title" || len(s2.More) != 1 || readable(s2, 1) != "title region note organization" {
		t.Errorf("got %+v, %v", s2, err)
	}
}

// What is not published is for those who work on it: the fields of a permission to look at what is published are not given
// for drafts.
func TestScope_drafts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, permissions, want string }{
		{"looking alone", `{"type":"fiche","actions":["list","read","export","comment"]}`, "title region organization"},
		{"working on all", `{"type":"fiche","actions":["read","update"]}`, "title region organization / all title region organization"},
		{"being told so", `{"type":"fiche","actions":["read","drafts"]}`, "title region organization / all title region organization"},
		{"a transition of one's own", `{"type":"fiche","actions":["read","seal"]}`, "title region organization / all title region organization"},
		{"working on some", `{"type":"fiche","actions":["read"]},{"type":"fiche","actions":["read","update"],"where":{"_createdBy":"$me"},"fields":{"read":["title"]}}`,
			"title region organization / (_createdBy eq user:u1) title"},
		{"working on what another permission shows", `{"type":"fiche","actions":["read"],"where":{"region":"44"},"fields":{"read":["title"]}},{"type":"fiche","actions":["update"],"where":{"_createdBy":"$me"}}`,
			"title / (_createdBy eq user:u1 & region eq 44) title"},
		{"creating alone", `{"type":"fiche","actions":["read","create"]}`, "title region organization"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, s, _ := newAccess()
			scope, err := scoped(t, a, s, tc.permissions, "fiche", "read", nil)
			if err != nil {
				t.Fatal(err)
			}
			got := readable(scope, 0)
			if scope.Drafts {
				drafts := scope.In(core.StateDraft)
				got += " / " + rowsOf(drafts.Where) + " " + readable(drafts, 0)
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// A condition that stands for something which a caller has not does not turn into one that holds for everything.
func TestScope_conditions(t *testing.T) {
	t.Parallel()
	with := map[string][]any{"organization": {"o1"}, "committees": {"A", "B"}}
	for _, tc := range []struct {
		name, where string
		about       map[string][]any
		want        string // "" is refused
	}{
		{"mine", `{"organization":"$me.organization"}`, with, "(organization eq o1)"},
		{"of nobody", `{"organization":"$me.organization"}`, nil, ""},
		{"not of nobody", `{"organization":{"ne":"$me.organization"}}`, nil, ""},
		{"not mine", `{"organization":{"ne":"$me.organization"}}`, with, "(organization ne o1)"},
		{"not among nobody's", `{"not":{"region":{"in":"$me.committees"}}}`, nil, ""},
		{"either, of which one stands for nothing", `{"or":[{"region":"44"},{"organization":"$me.organization"}]}`, nil, ""},
		{"among mine", `{"region":{"in":"$me.committees"}}`, with, "(region in A,B)"},
		{"among mine and others", `{"region":{"in":["44","$me.committees"]}}`, with, "(region in 44,A,B)"},
		{"several where one is wanted", `{"region":{"prefix":"$me.committees"}}`, with, ""},
		{"me as a reference", `{"organization":"$me"}`, nil, "(organization eq u1)"},
		{"me as an author", `{"_createdBy":"$me"}`, nil, "(_createdBy eq user:u1)"},
		{"a dollar", `{"region":"$$me"}`, nil, "(region eq $me)"},
		{"what there is not", `{"region":"$you"}`, with, ""},
		{"a secret of the account", `{"region":"$me.password"}`, with, ""},
		{"a field that there is not", `{"absent":"x"}`, nil, ""},
		{"an operator that there is not", `{"region":{"$gt":"x"}}`, nil, ""},
		{"now", `{"_publishedAt":{"lte":"$now"}}`, nil, "(_publishedAt lte 2026-05-01 12:00:00 +0000 UTC)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, s, _ := newAccess()
			scope, err := scoped(t, a, s, `{"type":"fiche","actions":["read"],"where":`+tc.where+`}`, "fiche", "read", tc.about)
			if tc.want == "" {
				if core.CodeOf(err) != core.CodeNotFound {
					t.Errorf("got %+v, %v", scope, err)
				}
				return
			}
			if err != nil || rowsOf(scope.Where) != tc.want {
				t.Errorf("got %v, %v, want %s", scope, err, tc.want)
			}
		})
	}
}

// Callers with the same rights share what is kept for them, others never do; a scope that passes is not kept at all.
func TestScope_keys(t *testing.T) {
	t.Parallel()
	a, s, now := newAccess()
	s.put("_role", "r1", `{"name":"all","permissions":[{"type":"fiche","actions":["read"]}]}`)
	s.put("_role", "r2", `{"name":"same","permissions":[{"type":"fiche","actions":["read","list"],"fields":{"read":["*"]}}]}`)
	s.put("_role", "r3", `{"name":"less","permissions":[{"type":"fiche","actions":["read"],"where":{"region":"44"}}]}`)
	s.put("_role", "r4", `{"name":"own","permissions":[{"type":"fiche","actions":["read","update"],"where":{"organization":"$me.organization"}}]}`)
	s.put("_role", "r5", `{"name":"passing","permissions":[{"type":"fiche","actions":["read"],"where":{"_publishedAt":{"lte":"$now"}}}]}`)
	s.put("_role", "r6", `{"name":"public","permissions":[]}`)
	fiche, _ := cast().Type("fiche")
	key := func(id, role, organization string) string {
		who := &core.Principal{ID: "user:" + id, Kind: "user", Roles: []string{role}, Rev: 1, About: map[string][]any{"organization": {organization}, "_user": {id}}}
		scope, err := a.Scope(t.Context(), who, fiche, core.ActionRead)
		if err != nil {
			t.Fatal(err)
		}
		return scope.Key
	}
	if x, y := key("u1", "all", "o1"), key("u2", "same", "o2"); x != y {
		t.Errorf("the same rights have the keys %q and %q", x, y)
	}
	if x, y := key("u1", "all", "o1"), key("u1", "less", "o1"); x == y {
		t.Errorf("different rights share %q", x)
	}
	if x, y := key("u1", "own", "o1"), key("u2", "own", "o1"); x != y {
		t.Errorf("two of one organisation have the keys %q and %q", x, y)
	}
	if x, y := key("u1", "own", "o1"), key("u3", "own", "o2"); x == y {
		t.Errorf("two of different organisations share %q", x)
	}
	if x := key("u1", "passing", "o1"); x != "" {
		t.Errorf("a scope of this moment is kept as %q", x)
	}
	*now = now.Add(time.Hour)
	who := &core.Principal{ID: "user:u1", Kind: "user", Roles: []string{"passing"}, Rev: 1}
	if scope, err := a.Scope(t.Context(), who, fiche, core.ActionRead); err != nil || rowsOf(scope.Where) != "(_publishedAt lte 2026-05-01 13:00:00 +0000 UTC)" {
		t.Errorf("an hour later %v, %v", scope, err)
	}
}

// A change of a role holds for the next question.
func TestScope_followsRoles(t *testing.T) {
	t.Parallel()
	a, s, _ := newAccess()
	if _, err := scoped(t, a, s, `{"type":"minutes","actions":["read"]}`, "minutes", "read", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := scoped(t, a, s, ``, "minutes", "read", nil); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("a permission that was taken away: %v", err)
	}
}

// A condition that looks into another type makes the answer depend on that type's entries too.
func TestScope_looksInto(t *testing.T) {
	t.Parallel()
	a, s, _ := newAccess()
	scope, err := scoped(t, a, s, `{"type":"fiche","actions":["read"],"where":{"organization.kind":"association"}}`, "fiche", "read", nil)
	if err != nil || len(scope.LooksInto) != 1 || scope.LooksInto[0] != "organization" {
		t.Errorf("got %+v, %v", scope, err)
	}
}

func BenchmarkScope(b *testing.B) {
	a, _, _ := newAccess()
	fiche, _ := cast().Type("fiche")
	who := people()
	for _, name := range []string{"anyone", "editor", "contributor", "proofreader"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Scope(b.Context(), who[name], fiche, core.ActionList); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// people are callers by the name that the matrix gives them.
func people() map[string]*core.Principal {
	user := func(id string, about map[string][]any, roles ...string) *core.Principal {
		if about == nil {
			about = map[string][]any{}
		}
		about["_user"] = []any{id}
		return &core.Principal{ID: "user:" + id, Kind: "user", Roles: roles, Rev: 1, About: about}
	}
	return map[string]*core.Principal{
		"anyone":        core.Anonymous,
		"administrator": user("ad", nil, "administrator"),
		"coordinator":   user("co", nil, "coordinator"),
		"editor":        user("ed", nil, "editor"),
		"contributor":   user("in", nil, "contributor"),
		"jury":          user("ju", nil, "jury"),
		"committee":     user("cm", map[string][]any{"committees": {"Comité A", "Comité B"}}, "committee"),
		"lone":          user("lo", nil, "committee"), // of no committee
		"partner":       user("pa", map[string][]any{"organization": {"o1"}}, "partner"),
		"member":        user("me", nil, "member"),
		"reader":        user("re", nil, "reader"),
		"nobody":        user("no", nil, "absent-role"),
		"intern-editor": user("ie", nil, "contributor", "editor"),
		"proofreader": {ID: "link:l1", Kind: "link", Roles: []string{"public"}, Rev: 1, Grant: &core.Grant{Type: "fiche", Entry: "f1",
			Actions: []core.Action{"read", "comment", "update"}, Fields: []string{"title", "note"}}},
		"viewer-by-link": {ID: "link:l2", Kind: "link", Roles: []string{"public"}, Rev: 1, Grant: &core.Grant{Type: "minutes", Entry: "m1", Actions: []core.Action{"read"}}},
	}
}

// The permissions, one line for each caller, action and type: rows | fields to read | fields to set; drafts after a slash.
// It is the policy, to be read.
const matrix = `
anyone list fiche: all | title region organization
anyone read fiche: all | title region organization
anyone create fiche: unauthenticated
anyone history fiche: unauthenticated
anyone export fiche: unauthenticated
anyone read minutes: not_found
anyone create minutes: not_found
anyone list _user: not_found
anyone list _role: not_found
nobody list fiche: all | title region organization
nobody update fiche: forbidden
nobody read minutes: not_found

reader list fiche: all | title region organization
reader export fiche: all | title region organization
reader update fiche: forbidden
reader read minutes: not_found
jury read fiche: all | title region organization
jury read minutes: not_found

administrator read fiche: all | title region note phone budget organization / all
administrator update fiche: all | * title region note phone diet budget key organization
administrator purge minutes: all
administrator manage fiche: all
administrator read _user: all | email name roles committees organization / all
administrator update _role: all

coordinator read fiche: all | title region note phone budget organization / all
coordinator update fiche: all | * title region note phone budget key organization
coordinator publish fiche: all
coordinator unpublish fiche: all
coordinator schedule fiche: all
coordinator purge fiche: all
coordinator manage fiche: forbidden
coordinator read minutes: all / all
coordinator read _user: all / none
coordinator update _user: forbidden
coordinator update _role: forbidden
coordinator list _token: not_found

editor read fiche: all | title region note phone organization / all
editor update fiche: all | * title region note phone key organization
editor publish fiche: all
editor approve fiche: all
editor reject fiche: all
editor purge fiche: forbidden
editor export minutes: all / all
editor list _user: not_found

contributor list fiche: all | title region organization / (_createdBy eq user:in) title region note organization
contributor create fiche: all | * title region note key organization
contributor update fiche: (_createdBy eq user:in) | * title region note key organization
contributor submit fiche: (_createdBy eq user:in)
contributor history fiche: (_createdBy eq user:in)
contributor publish fiche: forbidden
contributor approve fiche: forbidden
contributor delete fiche: forbidden
contributor export fiche: forbidden
contributor read minutes: all / (_createdBy eq user:in)
contributor seal minutes: (_createdBy eq user:in)
contributor publish minutes: forbidden
editor seal minutes: forbidden
intern-editor publish fiche: all
intern-editor read fiche: all | title region note phone organization / all
intern-editor seal minutes: all

committee read minutes: (audience in instance,adherents,public & committee in Comité A,Comité B) / none
committee update minutes: forbidden
lone read minutes: not_found
member read minutes: (audience in adherents,public) / none
member update fiche: forbidden
partner read organization: all / (_id eq o1)
partner update organization: (_id eq o1)
partner publish organization: forbidden
partner read fiche: all | title region organization

proofreader read fiche: all | title region organization / (_id eq f1) title note
proofreader update fiche: (_id eq f1) | title note
proofreader publish fiche: forbidden
proofreader history fiche: forbidden
proofreader read minutes: not_found
proofreader create _comment: (entry eq f1 & type eq fiche)
proofreader list _comment: (entry eq f1 & type eq fiche) / (entry eq f1 & type eq fiche)
proofreader delete _comment: forbidden
viewer-by-link read minutes: none / (_id eq m1)
viewer-by-link update minutes: forbidden
viewer-by-link create _comment: not_found
`

func TestMatrix(t *testing.T) {
	t.Parallel()
	a, _, _ := newAccess()
	who, l := people(), cast()
	for line := range strings.Lines(matrix) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		question, want, _ := strings.Cut(line, ": ")
		words := strings.Fields(question)
		typ, ok := l.Type(core.TypeName(words[2]))
		if !ok || who[words[0]] == nil {
			t.Fatalf("%s: no such type or caller", line)
		}
		scope, err := a.Scope(t.Context(), who[words[0]], typ, core.Action(words[1]))
		if got := told(typ, scope, err, strings.Contains(want, "|"), core.Action(words[1])); got != want {
			t.Errorf("%s:\n got %s\nwant %s", question, got, want)
		}
	}
}

// told writes a scope as the matrix has it.
func told(t *core.Type, s *core.Scope, err error, fields bool, action core.Action) string {
	if err != nil {
		return string(core.CodeOf(err))
	}
	set := s.Read
	if action != core.ActionList && action != core.ActionRead && action != core.ActionExport {
		set = s.Write
	}
	out := rowsOf(s.Where)
	if fields {
		out += " | " + strings.TrimSpace(fieldsOf(t, s, &set))
	}
	looks := action == core.ActionList || action == core.ActionRead || action == core.ActionExport
	switch drafts := s.In(core.StateDraft); {
	case !looks:
	case !s.Drafts && (strings.HasPrefix(string(t.Name), "_") || t.Name == "minutes") && !fields:
		out += " / none"
	case s.Drafts:
		out += " / " + rowsOf(drafts.Where)
		if fields && s.Draft != nil {
			out += " " + strings.TrimSpace(fieldsOf(t, drafts, &drafts.Read))
		}
	}
	return out
}

func fieldsOf(t *core.Type, s *core.Scope, set *core.FieldSet) string {
	out := ""
	if set.All && set != &s.Read && !sameSet(set, &s.Read) {
		out = "*"
	}
	for _, f := range t.Fields {
		if set.Has(f.Path) {
			out += " " + f.Path
		}
	}
	return out
}

func sameSet(a, b *core.FieldSet) bool { return fmt.Sprint(*a) == fmt.Sprint(*b) }

// rowsOf writes a condition: its parts in order.
func rowsOf(n core.Node) string {
	switch n := n.(type) {
	case nil:
		return "all"
	case core.Or:
		if len(n) == 0 {
			return "none"
		}
	}
	return "(" + nodeOf(n) + ")"
}

func nodeOf(n core.Node) string {
	switch n := n.(type) {
	case core.And:
		return joined(n, " & ")
	case core.Or:
		return joined(n, " | ")
	case core.Not:
		return "not " + nodeOf(n.Node)
	case core.Compare:
		values := make([]string, len(n.Values))
		for i, v := range n.Values {
			values[i] = fmt.Sprint(v)
		}
		return n.Path.String() + " " + string(n.Op) + " " + strings.Join(values, ",")
	}
	return "?"
}

func joined[E core.Node](nodes []E, by string) string {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = nodeOf(n)
	}
	slices.Sort(parts)
	return strings.Join(parts, by)
}

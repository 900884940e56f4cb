package privacy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.person()
	w.create("meeting", false, `{"title": "Séance", "guests": [{"name": "Camille Exemple"}]}`)
	got, err := w.privacy.Register(t.Context(), core.System)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range got {
		if !p.Type.System() {
			lines = append(lines, fmt.Sprint(p.Type, " ", p.Subject, " ", p.Purpose, " ", p.Basis, " ", p.Keep, " ", p.Class, " ", p.Fields, " ", p.Entries, " ", p.Label.In("en")))
		}
	}
	if want := []string{
		"meeting guest catering consent P7D P3 [guests.diet] 0 Meeting",
		"meeting guest meetings contract P13M P2 [guests.name] 1 Meeting",
		"person contact relations consent P3Y P2 [name mail phone bio pin] 1 Person",
	}; !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
	if len(w.audit.events) != 0 {
		t.Error("the register left a line in the audit")
	}
}

// found writes a report as lines: kind, title, fields, where.
func found(r *core.SubjectReport) (lines []string) {
	for _, e := range r.Found {
		lines = append(lines, fmt.Sprint("found ", e.Type, " ", e.Title, " ", e.Fields, " ", e.In))
	}
	for _, e := range r.Mentions {
		lines = append(lines, fmt.Sprint("mention ", e.Type, " ", e.Title, " ", e.Fields, " ", e.In))
	}
	return lines
}

func TestFind(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.person()
	w.update(e, false, `{"name": "Quelqu’un", "phone": "+33 6 98 76 54 32"}`)
	m := w.create("meeting", false, `{"title": "Avec Zébulonne", "guests": [{"name": "zebulonne IMAGINAIRE"}, {"name": "Camille Exemple"}],
		"notes": {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Zébu", "marks": [{"type": "bold"}]}, {"type": "text", "text": "lonne Imaginaire parle."}]}]}}`)
	w.do(core.Operation{Op: core.OperationDelete, Type: "meeting", ID: m.ID})
	w.create("_user", false, `{"name": "Sans rapport", "email": "x@example.org", "password": "zebulonne imaginaire"}`)
	for _, tc := range []struct {
		text  string
		types []core.TypeName
		want  []string
	}{
		{"Zébulonne Imaginaire", nil, []string{"found meeting Avec Zébulonne [guests.name] [trash]", "found person Quelqu’un [name] [history]",
			"mention meeting Avec Zébulonne [notes] [trash]", "mention person Quelqu’un [slug _comment] [history]"}},
		{"IMAGINAIRE", []core.TypeName{"person"}, []string{"found person Quelqu’un [bio mail name] [draft published]",
			"mention person Quelqu’un [slug] [draft published]", "mention person Quelqu’un [_comment] [history]"}},
		{"zebulonne@imaginaire.example", nil, []string{"found person Quelqu’un [mail] [draft published]"}},
		{"06 98 76 54 32", nil, []string{"found person Quelqu’un [phone] [draft]"}},
		{"0612345678", nil, []string{"found person Quelqu’un [phone] [published]"}},
		{"nobody at all", nil, nil},
	} {
		t.Run(tc.text, func(t *testing.T) {
			r, err := w.privacy.Find(t.Context(), core.System, core.SubjectQuery{Text: tc.text, Types: tc.types})
			if err != nil {
				t.Fatal(err)
			}
			got, want := found(r), slices.Clone(tc.want)
			if tc.text == "IMAGINAIRE" { // the mention gathers all places of one entry
				want = []string{want[0], "mention person Quelqu’un [slug _comment] [draft published history]"}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
	if len(w.audit.events) != 6 || w.audit.events[0].Event != core.AuditSubject || w.audit.events[0].Count != 2 || strings.Contains(strings.ToLower(text(w.audit.events)), "imaginaire") {
		t.Errorf("audit: %s", text(w.audit.events))
	}
}

// TestFind_acrossFields looks for a name whose words stand in fields of their own.
func TestFind_acrossFields(t *testing.T) {
	t.Parallel()
	types := typeList{}
	for name, typ := range compiled() {
		types[name] = typ
	}
	w := open(t)
	split, err := new(schema.Compiler).Compile(t.Context(), []byte(`{"title": "Note", "type": "object", "x-type": {"name": "post", "slug": false}, "properties": {
		"title": {"type": "string", `+contact+`}, "text": {"type": "string", `+contact+`}}}`))
	if err != nil {
		t.Fatal(err)
	}
	types["post"] = split
	s := w.service(types)
	w.do(core.Operation{Op: core.OperationCreate, Type: "post", Data: doc(t, `{"title": "Exemple"}`)})
	w.do(core.Operation{Op: core.OperationCreate, Type: "post", Data: doc(t, `{"title": "Camille"}`)})
	for _, tc := range []struct {
		text string
		want int
	}{{"camille exemple", 0}, {"Camille", 1}} {
		r, err := s.Find(t.Context(), core.System, core.SubjectQuery{Text: tc.text})
		if err != nil || len(r.Found) != tc.want {
			t.Errorf("%s: got %+v, %v, want %d", tc.text, r, err, tc.want)
		}
	}
}

// TestFind_anywhere looks in the corners of a document.
func TestFind_anywhere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, doc, text, want string }{
		{"behind a link", `{"text": {"type": "doc", "v": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Écrire", "marks": [{"type": "link", "attrs": {"href": "mailto:camille@example.org"}}]}]}]}}`,
			"camille@example.org", "[text]"},
		{"in what is embedded", `{"text": {"type": "doc", "v": 1, "content": [{"type": "embed", "attrs": {"kind": "map", "data": {"who": ["Camille Exemple"]}}}]}}`, "camille exemple", "[text]"},
		{"around a note", `{"text": {"type": "doc", "v": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Camille ", "marks": [{"type": "link", "attrs": {"href": "https://example.org/"}}]}, {"type": "text", "text": "Exemple"}]}]}}`,
			"camille exemple", "[text]"},
		{"the name of a member", `{"more": {"present": {"Camille Exemple": true}}}`, "camille exemple", "[more.present]"},
		{"a number among words", `{"title": "Appeler Camille au 06.12.34.56.78 le 3"}`, "+33 6 12 34 56 78", "[slug title]"},
		{"a number parted by narrow spaces", `{"title": "06\u202f12\u202f34\u202f56\u202f78"}`, "0612345678", "[slug title]"},
		{"another number", `{"title": "Appeler le 06 12 34 56 79, le 3"}`, "0612345678", ""},
		{"the name of a field", `{"title": "x", "text": {"type": "doc", "v": 1, "content": [{"type": "paragraph"}]}}`, "paragraph", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.create("post", false, "%s", tc.doc)
			got := ""
			for _, e := range w.find(tc.text).Mentions {
				got += fmt.Sprint(e.Fields)
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// places writes where mentions of the past are: version and pointer, those of one entry in a line.
func places(r *core.SubjectReport) (lines []string) {
	for _, e := range r.Mentions {
		line := fmt.Sprint(e.Fields, " ", e.In)
		for _, at := range e.Past {
			line += fmt.Sprint(" ", at.Rev, at.Pointer)
		}
		lines = append(lines, line)
	}
	return lines
}

// story writes posts that mention somebody now, before, and before they were purged.
func (w *world) story() (now, before, purged *core.Entry) {
	w.t.Helper()
	rich := `{"type": "doc", "v": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "%s"}]}]}`
	now = w.create("post", true, `{"title": "Zébulonne Imaginaire"}`)
	w.update(now, false, `{"text": `+rich+`}`, "Parle.")
	before = w.create("post", true, `{"title": "Avec Zébulonne Imaginaire", "text": `+rich+`}`, "Zébulonne Imaginaire parle.")
	w.update(before, false, `{"title": "Avec quelqu’un", "text": `+rich+`}`, "Quelqu’un parle, dit Zébulonne Imaginaire.")
	w.update(before, true, `{"slug": "avec-quelqu-un", "text": `+rich+`}`, "Quelqu’un parle.")
	purged = w.create("post", false, `{"title": "Pour Zébulonne Imaginaire"}`)
	w.do(core.Operation{Op: core.OperationPurge, Type: "post", ID: purged.ID})
	return now, before, purged
}

func TestFind_mentionsOfThePast(t *testing.T) {
	t.Parallel()
	w := open(t)
	now, before, purged := w.story()
	r := w.find("zebulonne imaginaire")
	if got, want := places(r), []string{
		"[slug title] [draft published]",
		"[slug text title] [history] 1/slug 1/text 1/title 2/slug 2/text 3/_slugs",
		"[slug title] [history] 1/slug 1/title",
	}; !slices.Equal(got, want) || len(r.Found) > 0 || r.More {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i, e := range []*core.Entry{now, before, purged} {
		if r.Mentions[i].ID != e.ID {
			t.Errorf("mention %d is of %s, want %s", i, r.Mentions[i].ID, e.ID)
		}
	}
	if at := r.Mentions[1].Past[0]; at.Position != 3 || r.Mentions[2].Title != "" {
		t.Errorf("at %d, %+v", at.Position, r.Mentions[2])
	}
	w.update(now, true, `{"title": "Quelqu’un", "slug": "quelqu-un"}`)
	if got, want := places(w.find("zebulonne imaginaire"))[2], "[slug title] [history] 1/slug 1/title 2/slug 2/title 3/_slugs"; got != want {
		t.Errorf("once it is changed: got %s, want %s", got, want)
	}
}

// TestFind_mentionsOfThePastAreBounded mentions somebody in each of many versions.
func TestFind_mentionsOfThePastAreBounded(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.create("post", false, `{"title": "Zébulonne", "slug": "x"}`)
	for i := range 50 {
		w.update(e, false, `{"title": "Zébulonne %d"}`, i)
	}
	if m := w.find("zebulonne").Mentions[0]; len(m.Past) != 50 || m.MorePast {
		t.Errorf("of 50: %d, more %t", len(m.Past), m.MorePast)
	}
	w.update(e, false, `{"title": "Personne"}`)
	if m := w.find("zebulonne").Mentions[0]; len(m.Past) != 50 || !m.MorePast || m.Past[0].Rev != 1 {
		t.Errorf("of 51: %d, more %t", len(m.Past), m.MorePast)
	}
}

func TestFind_refuses(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.person()
	stranger := &core.Principal{ID: "user:x", Kind: "user", Roles: []string{"x"}}
	if _, err := w.privacy.Find(t.Context(), stranger, core.SubjectQuery{Text: "Imaginaire"}); core.CodeOf(err) != core.CodeForbidden {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := w.privacy.Find(t.Context(), core.System, core.SubjectQuery{Text: "Im"}); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("too short: %v", err)
	}
	if _, err := w.privacy.Find(t.Context(), core.System, core.SubjectQuery{Text: "Imaginaire", Types: []core.TypeName{"nothing"}}); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("an unknown type: %v", err)
	}
	w.audit.fails = true
	if _, err := w.privacy.Export(t.Context(), core.System, core.SubjectQuery{Text: "Imaginaire"}); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("an export that cannot be noted: %v", err)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	w := open(t)
	e := w.person()
	w.do(core.Operation{Op: core.OperationUpdate, Type: "person", ID: e.ID, Data: doc(t, `{"pin": "s3cret"}`)})
	w.create("meeting", true, `{"title": "Séance", "guests": [{"name": "Zébulonne Imaginaire", "role": "guest"}]}`)
	user := w.create("_user", false, `{"name": "Zébulonne Imaginaire", "email": "z@example.org", "password": "s3cret"}`)
	w.audit.lines = []core.AuditLine{{Event: "sign_in", Origin: &core.Origin{Address: "192.0.2.1"}}}
	got, err := w.privacy.Export(t.Context(), core.System, core.SubjectQuery{Text: "Zébulonne Imaginaire"})
	if err != nil {
		t.Fatal(err)
	}
	out := doc(t, "%s", got)
	entries := map[string]map[string]any{}
	for _, v := range out["entries"].([]any) {
		entries[v.(map[string]any)["type"].(string)] = v.(map[string]any)
	}
	person := entries["person"]
	if text(person["draft"]) != text(map[string]any{"fields": map[string]any{"bio": []string{"Née Imaginaire.", "Zébulonne was born."}, "mail": []string{"zebulonne@imaginaire.example"},
		"name": []string{"Zébulonne Imaginaire"}, "phone": []string{"+33 6 12 34 56 78"}}, "document": person["draft"].(map[string]any)["document"]}) {
		t.Errorf("the draft: %s", text(person["draft"]))
	}
	if n := len(person["history"].([]any)); n != 4 || !strings.Contains(text(person["history"]), "Z. Imaginaire-Dupuis") {
		t.Errorf("%d versions: %s", n, text(person["history"]))
	}
	if whole := text(person["published"]); !strings.Contains(whole, `"document"`) || !strings.Contains(whole, `"active":true`) {
		t.Errorf("an entry about the person is not whole: %s", whole)
	}
	if meeting := text(entries["meeting"]); strings.Contains(meeting, `"role"`) || !strings.Contains(meeting, "Zébulonne") {
		t.Errorf("an entry that is not about the person: %s", meeting)
	}
	if account := text(entries["_user"]); !strings.Contains(account, "192.0.2.1") || entries["_user"]["id"] != string(user.ID) {
		t.Errorf("the account: %s", account)
	}
	if strings.Contains(string(got), "s3cret") {
		t.Error("a secret was exported")
	}
	if n := len(w.audit.events); n != 1 || w.audit.events[0].Event != core.AuditExport || w.audit.events[0].Count != 3 {
		t.Errorf("audit: %+v", w.audit.events)
	}
}

// TestExport_formerly exports what was personal under an earlier schema, in fields that the type has lost.
func TestExport_formerly(t *testing.T) {
	t.Parallel()
	w := open(t)
	was := `{"title": "Post", "type": "object", "x-type": {"name": "post", "slug": false}, "properties": {"title": {"type": "string", ` + contact + `}, "phone": {"type": "string", ` + contact + `}}}`
	w.do(core.Operation{Op: core.OperationCreate, Type: "_type", Data: map[string]any{"name": "post", "schema": doc(t, "%s", was)}})
	e := w.create("post", false, `{"title": "x"}`)
	w.do(core.Operation{Op: core.OperationUpdate, Type: "post", ID: e.ID, Migrate: &core.Migrated{Draft: core.Doc(`{"title":"Zébulonne Imaginaire","phone":"0612345678"}`)}})
	w.update(e, false, `{"title": "y", "phone": null}`)
	got, err := w.privacy.Export(t.Context(), core.System, core.SubjectQuery{Text: "Imaginaire"})
	if err != nil || !strings.Contains(string(got), `"phone":["0612345678"]`) {
		t.Errorf("got %s, %v", got, err)
	}
	w.erase(core.Erasure{Entries: []core.ErasureEntry{{Type: "post", ID: e.ID}}})
	if files := w.names("0612345678", "Imaginaire"); len(files) > 0 {
		t.Errorf("still there: %v", files)
	}
}

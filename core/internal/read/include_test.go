package read_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

func reference(t core.TypeName, name string) string {
	return fmt.Sprintf(`{"_ref":"%s","_type":"%s"}`, id(name), t)
}

func TestInclude(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("person", "h", `{"name":"Head","birth":"canary","friend":`+reference("person", "h")+`}`)
	w.publish("partner", "p", `{"name":"P","phone":"canary","kind":"north","head":`+reference("person", "h")+`}`)
	w.publish("partner", "s", `{"name":"S","kind":"south"}`)
	w.draft("partner", "d", `{"name":"D"}`)
	w.publish("minutes", "m", `{"title":"canary"}`)
	w.publish("fiche", "a", `{"title":"A","programme":[{"title":"1","speaker":`+reference("person", "h")+`},{"title":"2"}],
		"partner":`+reference("partner", "p")+`,"partners":[`+reference("partner", "s")+`,`+reference("partner", "d")+`,`+reference("partner", "zz")+`],
		"about":`+reference("minutes", "m")+`}`)
	person := func(extra string) string {
		return fmt.Sprintf(`{"_id":"%s","_type":"person","name":"Head"%s}`, id("h"), extra)
	}
	head := `{"_id":"` + string(id("a")) + `","_type":"fiche",`
	partner := `{"_id":"` + string(id("p")) + `","_type":"partner","_rev":1,"_status":"published","_createdAt":"2026-02-01T09:00:00Z","_updatedAt":"2026-02-01T09:00:00Z","_publishedAt":"2026-02-01T09:00:00Z","name":"P","kind":"north","head":`
	for _, tc := range []struct {
		name string
		who  *core.Principal
		raw  string
		want string
	}{
		{"one", anonymous, "fields=partner&include=partner", head + `"partner":` + partner + reference("person", "h") + `}}`},
		{"parts of it", anonymous, "fields=partner.name,partner.head.name&include=partner.head", head + `"partner":{"_id":"` + string(id("p")) + `","_type":"partner","name":"P","head":` + person("") + `}}`},
		{"in a circle", anonymous, "fields=partner.head.name,partner.head.friend.name&include=partner.head.friend",
			head + `"partner":{"_id":"` + string(id("p")) + `","_type":"partner","head":` + person(`,"friend":`+person("")) + `}}`},
		{"in a list of groups", anonymous, "fields=programme.title,programme.speaker.name&include=programme.speaker", head + `"programme":[{"title":"1","speaker":` + person("") + `},{"title":"2"}]}`},
		{"a draft and nothing at all stay references", anonymous, "fields=partners.name&include=partners",
			head + `"partners":[{"_id":"` + string(id("s")) + `","_type":"partner","name":"S"},` + reference("partner", "d") + `,` + reference("partner", "zz") + `]}`},
		{"the draft in drafts", staff, "state=draft&fields=partners.name&include=partners",
			head + `"partners":[{"_id":"` + string(id("s")) + `","_type":"partner","name":"S"},{"_id":"` + string(id("d")) + `","_type":"partner","name":"D"},` + reference("partner", "zz") + `]}`},
		{"rows of others stay references", north, "fields=partners.name&include=partners",
			head + `"partners":[` + reference("partner", "s") + `,` + reference("partner", "d") + `,` + reference("partner", "zz") + `]}`},
		{"own rows", north, "fields=partner.name&include=partner", head + `"partner":{"_id":"` + string(id("p")) + `","_type":"partner","name":"P"}}`},
		{"a type of others stays a reference", anonymous, "fields=about&include=about", head + `"about":` + reference("minutes", "m") + `}`},
		{"what is not among the fields is not shown", anonymous, "fields=title&include=partner", head + `"title":"A"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := w.one(tc.who, "fiche", "a", tc.raw)
			if err != nil {
				t.Fatal(err)
			}
			wantBody(t, a, tc.want)
		})
	}
}

func TestInclude_TagsAndCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("partner", "p", `{"name":"P"}`)
	for i := range 20 {
		w.publish("fiche", fmt.Sprint(i), `{"title":"A","partner":`+reference("partner", "p")+`,"partners":[`+reference("partner", "p")+`]}`)
	}
	a := w.list(anonymous, "fiche", "include=partner,partners")
	if w.m.byID != 1 {
		t.Errorf("one document was looked up %d times", w.m.byID)
	}
	if !slices.Contains(a.Tags, "partner") || !slices.Contains(a.Tags, "partner/"+string(id("p"))) {
		t.Errorf("got %v", a.Tags)
	}
	if n := strings.Count(string(a.Body), `"name":"P"`); n != 40 {
		t.Errorf("it was embedded %d times", n)
	}
}

// An answer looks up at most 200 documents, and whether they are there makes no difference to the count.
func TestInclude_Budget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var refs []string
	for i := range 300 {
		name := fmt.Sprintf("p%d", i)
		if i%2 == 0 {
			w.publish("partner", name, `{"name":"P"}`)
		}
		refs = append(refs, reference("partner", name))
	}
	w.publish("fiche", "a", `{"partners":[`+strings.Join(refs, ",")+`]}`)
	a, err := w.one(anonymous, "fiche", "a", "include=partners")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(a.Body), `"name":"P"`); n != 100 || w.m.byID != 201 {
		t.Errorf("%d were embedded, %d looked up", n, w.m.byID)
	}
}

// A document behind many references cannot blow an answer up.
func TestInclude_Amplification(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("person", "h", `{"name":"`+strings.Repeat("x", 100_000)+`"}`)
	w.publish("partner", "p", `{"name":"P","head":`+reference("person", "h")+`}`)
	many := strings.Repeat(reference("partner", "p")+",", 999) + reference("partner", "p")
	w.publish("fiche", "a", `{"partners":[`+many+`]}`)
	a, err := w.one(anonymous, "fiche", "a", "include=partners.head")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Body) > 10<<20 {
		t.Errorf("an answer of %d MB", len(a.Body)>>20)
	}
}

package read_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// ask gives an answer of the site.
func (s *site) ask(who *core.Principal, t core.TypeName, name, raw string) *core.Answer {
	s.t.Helper()
	var p *core.Pending
	var err error
	if name == "" {
		p, err = s.List(s.t.Context(), who, t, params(raw))
	} else {
		p, err = s.One(s.t.Context(), who, t, string(id(name)), params(raw))
	}
	if err != nil {
		s.t.Fatalf("%s: %v", raw, err)
	}
	a, err := p.Answer(s.t.Context())
	if err != nil {
		s.t.Fatalf("%s: %v", raw, err)
	}
	return a
}

func (s *site) publish(t core.TypeName, name, doc string) {
	s.t.Helper()
	s.put(core.ActionPublish, (&world{m: s.m}).entry(t, name, "", doc))
}

func (s *site) draft(t core.TypeName, name, doc string) {
	s.t.Helper()
	s.put(core.ActionCreate, (&world{m: s.m}).entry(t, name, doc, ""))
}

// short names entries by the end of their identifiers.
func short(body []byte) string {
	return strings.NewReplacer(`"_id":"01jd0000000000000000000`, `"_id":"`, `"_id":"01jd00000000000000000000`, `"_id":"`, `"_type":`, `"t":`).Replace(string(body))
}

// referring is a small site: partners p, q and z, fiches that refer to them, and what is hidden.
func referringSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.publish("partner", "pp1", `{"name":"P","kind":"north","phone":"canary"}`)
	s.publish("partner", "qq1", `{"name":"Q","kind":"south"}`)
	s.publish("partner", "zz1", `{"name":"Z"}`)
	s.publish("fiche", "fa1", `{"title":"A","year":2001,"note":"canary","partner":`+reference("partner", "pp1")+`,"second":`+reference("partner", "pp1")+`,"caller":`+reference("partner", "pp1")+`}`)
	s.publish("fiche", "fb1", `{"title":"B","year":2003,"partner":`+reference("partner", "pp1")+`,"related":[`+reference("fiche", "fa1")+`]}`)
	s.publish("fiche", "fc1", `{"title":"C","year":2002,"second":`+reference("partner", "pp1")+`,"partner":`+reference("partner", "qq1")+`,"handler":`+reference("partner", "pp1")+`,"sponsor":`+reference("partner", "pp1")+`}`)
	s.draft("fiche", "fd1", `{"title":"D","year":2009,"partner":`+reference("partner", "pp1")+`}`)
	s.publish("minutes", "ma1", `{"title":"M","partner":`+reference("partner", "pp1")+`,"fiche":`+reference("fiche", "fa1")+`}`)
	trashed := (&world{m: s.m}).entry("fiche", "ft1", "", `{"title":"T","partner":`+reference("partner", "pp1")+`}`)
	at := clock
	trashed.TrashedAt = &at
	s.put(core.ActionDelete, trashed)
	return s
}

func TestInverse(t *testing.T) {
	t.Parallel()
	s := referringSite(t)
	for _, tc := range []struct {
		name string
		who  *core.Principal
		of   core.TypeName
		one  string
		raw  string
		want string
	}{
		{"by two fields, once each, in the order of the type", anonymous, "partner", "pp1", "fields=name,fiches.title&include=fiches",
			`{"_id":"pp1","t":"partner","name":"P","fiches":[{"_id":"fb1","t":"fiche","title":"B"},{"_id":"fc1","t":"fiche","title":"C"},{"_id":"fa1","t":"fiche","title":"A"}]}`},
		{"none", anonymous, "partner", "zz1", "fields=name,fiches.title&include=fiches", `{"_id":"zz1","t":"partner","name":"Z","fiches":[]}`},
		{"of two types, drafts too, for those who may see them", staff, "partner", "pp1", "fields=fiches.title&include=fiches&state=draft",
			`{"_id":"pp1","t":"partner","fiches":[{"_id":"fd1","t":"fiche","title":"D"},{"_id":"fb1","t":"fiche","title":"B"},{"_id":"fc1","t":"fiche","title":"C"},{"_id":"fa1","t":"fiche","title":"A"},{"_id":"ma1","t":"minutes","title":"M"}]}`},
		{"what these refer to", anonymous, "partner", "zz1,qq1", "fields=fiches.title,fiches.second.name&include=fiches.second",
			`{"_id":"qq1","t":"partner","fiches":[{"_id":"fc1","t":"fiche","title":"C","second":{"_id":"pp1","t":"partner","name":"P"}}]}`},
		{"what refers to these", anonymous, "partner", "pp1", "fields=fiches.relatedBy.title&include=fiches.relatedBy",
			`{"_id":"pp1","t":"partner","fiches":[{"_id":"fb1","t":"fiche","relatedBy":[]},{"_id":"fc1","t":"fiche","relatedBy":[]},{"_id":"fa1","t":"fiche","relatedBy":[{"_id":"fb1","t":"fiche","title":"B"}]}]}`},
		{"behind a reference", anonymous, "fiche", "fb1", "fields=partner.fiches.year&include=partner.fiches",
			`{"_id":"fb1","t":"fiche","partner":{"_id":"pp1","t":"partner","fiches":[{"_id":"fb1","t":"fiche","year":2003},{"_id":"fc1","t":"fiche","year":2002},{"_id":"fa1","t":"fiche","year":2001}]}}`},
		{"of the own type", anonymous, "fiche", "fa1", "fields=relatedBy.title&include=relatedBy", `{"_id":"fa1","t":"fiche","relatedBy":[{"_id":"fb1","t":"fiche","title":"B"}]}`},
		{"what is not among the fields is not shown", anonymous, "partner", "pp1", "fields=name&include=fiches", `{"_id":"pp1","t":"partner","name":"P"}`},
		{"under the name of a hidden field, which stays hidden", anonymous, "partner", "pp1", "fields=phone.title&include=phone", `{"_id":"pp1","t":"partner","phone":[{"_id":"fa1","t":"fiche","title":"A"}]}`},
		{"where the field wins", staff, "partner", "pp1", "fields=phone,fiches.title&include=fiches", `{"_id":"pp1","t":"partner","phone":"canary","fiches":[{"_id":"fb1","t":"fiche","title":"B"},{"_id":"fc1","t":"fiche","title":"C"},{"_id":"fa1","t":"fiche","title":"A"},{"_id":"ma1","t":"minutes","title":"M"}]}`},
		{"rows of others", north, "fiche", "fc1", "fields=partner.fiches.title,second.fiches.title&include=partner.fiches,second.fiches",
			`{"_id":"fc1","t":"fiche","second":{"_id":"pp1","t":"partner","fiches":[{"_id":"fb1","t":"fiche","title":"B"},{"_id":"fc1","t":"fiche","title":"C"},{"_id":"fa1","t":"fiche","title":"A"}]},"partner":` + strings.Replace(reference("partner", "qq1"), `"_type":`, `"t":`, 1) + `}`},
		{"in a list", anonymous, "partner", "", "fields=fiches.title&include=fiches&sort=name&total=false",
			`{"data":[{"_id":"pp1","t":"partner","fiches":[{"_id":"fb1","t":"fiche","title":"B"},{"_id":"fc1","t":"fiche","title":"C"},{"_id":"fa1","t":"fiche","title":"A"}]},{"_id":"qq1","t":"partner","fiches":[{"_id":"fc1","t":"fiche","title":"C"}]},{"_id":"zz1","t":"partner","fiches":[]}],"page":{"limit":20,"next":null}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			name := tc.one[strings.IndexByte(tc.one, ',')+1:]
			if got := short(s.ask(tc.who, tc.of, name, tc.raw).Body); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// A whole answer has the members of the entry first, and of the referring entries everything that may be read.
func TestInverse_Whole(t *testing.T) {
	t.Parallel()
	a := referringSite(t).ask(anonymous, "partner", "pp1", "include=fiches,phone")
	got := short(a.Body)
	if strings.Contains(got, "canary") || !strings.Contains(got, `"name":"P","kind":"north","fiches":[{"_id":"fb1","t":"fiche","_rev":1,`) || strings.Count(got, `"phone":`) != 1 {
		t.Errorf("got %s", got)
	}
	for _, tag := range []string{"partner", "fiche", "fiche/" + string(id("fa1")), "fiche/" + string(id("fc1"))} {
		if !slices.Contains(a.Tags, tag) {
			t.Errorf("no tag %s in %v", tag, a.Tags)
		}
	}
}

// An answer with an inverse list is made from the referring type, so that what comes to refer makes a new one.
func TestInverse_NewReferrer(t *testing.T) {
	t.Parallel()
	s := referringSite(t)
	p, err := s.One(t.Context(), anonymous, "partner", string(id("zz1")), params("include=fiches"))
	if err != nil || !slices.Equal(p.Types, []core.TypeName{"partner", "fiche"}) {
		t.Fatalf("made from %v, %v", p.Types, err)
	}
	before := s.catalog.Version("fiche")
	s.publish("fiche", "fz1", `{"title":"Z","partner":`+reference("partner", "zz1")+`}`)
	if s.catalog.Version("fiche") == before || !strings.Contains(string(s.ask(anonymous, "partner", "zz1", "include=fiches").Body), `"title":"Z"`) {
		t.Error("the new one is not in it")
	}
}

// A list is cut at 100, and says how many there are.
func TestInverse_More(t *testing.T) {
	t.Parallel()
	s := referringSite(t)
	for i := range 130 {
		s.publish("fiche", fmt.Sprintf("n%d", i), fmt.Sprintf(`{"title":"N","year":%d,"partner":%s}`, 1000+i, reference("partner", "zz1")))
	}
	got := short(s.ask(anonymous, "partner", "zz1", "fields=fiches.year&include=fiches").Body)
	if n := strings.Count(got, `"year":`); n != 100 || !strings.HasSuffix(got, `"year":1030}],"_more":{"fiches":130}}`) {
		t.Errorf("%d of them: %s", n, got)
	}
	list := string(s.ask(anonymous, "fiche", "", "filter[partner]="+string(id("zz1"))+"&limit=1&fields=year").Body)
	if !strings.Contains(list, `"year":1129`) || !strings.Contains(list, `"total":130`) {
		t.Errorf("all of the list begins with %s", list)
	}
}

// The lists of a page share the budget of the answer, and what was not counted says so.
func TestInverse_Budget(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 120 {
		s.publish("partner", fmt.Sprintf("p%d", i), fmt.Sprintf(`{"name":"%03d"}`, i))
	}
	for i := range 300 {
		s.publish("fiche", fmt.Sprintf("f%d", i), fmt.Sprintf(`{"title":"F","partner":%s}`, reference("partner", fmt.Sprintf("p%d", i/30))))
	}
	for raw, want := range map[string]int{"sort=name": 10, "sort=-name": 20} { // a share that is not needed is for those that come after
		page := short(s.ask(anonymous, "partner", "", "fields=fiches.title&include=fiches&filter[name][lt]=020&"+raw).Body)
		if n := strings.Count(page, `"title":"F"`); n != 10*want || strings.Count(page, `"_more":{"fiches":30}`) != 10 {
			t.Errorf("%s: %d of them are embedded: %s", raw, n, page)
		}
	}
	whole := short(s.ask(staff, "partner", "", "fields=fiches.title&include=fiches&sort=name&limit=120").Body)
	if n := strings.Count(whole, `"fiches":[],"_more":{"fiches":null}`); n != 20 {
		t.Errorf("%d lists were not looked up: %s", n, whole)
	}
}

// Two worlds that differ in nothing but hidden referrers answer alike to the byte, and for as long.
func TestInverse_TwinWorlds(t *testing.T) {
	t.Parallel()
	var answers [2][]string
	for i, s := range []*site{referringSite(t), referringSite(t)} {
		for n := range 3 * i {
			to := `"partner":` + reference("partner", "pp1")
			s.draft("fiche", fmt.Sprintf("xd%d", n), `{"title":"canary",`+to+`}`)
			s.publish("minutes", fmt.Sprintf("xm%d", n), `{"title":"canary",`+to+`,"fiche":`+reference("fiche", "fa1")+`}`)
			s.publish("partner", fmt.Sprintf("xp%d", n), `{"name":"canary"}`)
			s.put(core.ActionUnpublish, (&world{m: s.m}).entry("partner", fmt.Sprintf("xp%d", n), `{"name":"canary"}`, ""))
		}
		if i == 1 {
			w := &world{m: s.m}
			planned := w.entry("fiche", "xs", `{"title":"canary","partner":`+reference("partner", "pp1")+`}`, "")
			planned.Schedule = []core.Scheduled{{Transition: "submit", To: "in_review", At: clock.Add(48 * time.Hour)}}
			s.put(core.ActionCreate, planned)
		}
		for _, who := range []*core.Principal{anonymous, north} {
			for _, raw := range []string{"include=fiches", "include=fiches.relatedBy", "include=fiches.partner.fiches", "include=phone", "fields=fiches&include=fiches", "include=fiches&locale=en"} {
				for _, one := range []string{"", "pp1", "qq1"} {
					if who == north && one == "qq1" {
						continue
					}
					a := s.ask(who, "partner", one, raw)
					answers[i] = append(answers[i], fmt.Sprintf("%s %s %s %v %v", raw, one, a.Body, a.Tags, a.Until))
				}
			}
			answers[i] = append(answers[i], fmt.Sprint(s.ask(who, "fiche", "fa1", "include=relatedBy,partner.fiches")))
		}
	}
	for n := range answers[0] {
		if answers[0][n] = cutPosition(answers[0][n]); answers[0][n] != cutPosition(answers[1][n]) {
			t.Errorf("hidden referrers show:\n%s\n%s", answers[0][n], answers[1][n])
		}
	}
}

// cutPosition takes the position of a printed answer off.
func cutPosition(s string) string {
	if strings.HasPrefix(s, "&{") {
		return s[:strings.LastIndexByte(s, ' ')]
	}
	return s
}

package query_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

func inverse(f core.Field, list string) core.Field {
	return with(f, func(f *core.Field) { f.Ref.Inverse = list })
}

// inverseWorld is partners and what refers to them: fiches and events in one list, and by what is hidden in lists that the
// public must not know of. Without the hidden fields and types it is the world in which they were never made.
func inverseWorld(hidden bool) registry {
	fiche := core.Type{Name: "fiche", Public: true, Order: []core.SortKey{{Path: core.Path{Field: "year"}, Desc: true}}, Fields: []core.Field{
		text("title"), kind("year", core.KindInteger), inverse(ref("partner", "partner"), "cases"), inverse(ref("sponsor", "partner"), "kind"),
		inverse(ref("caller", "partner"), "phone"), inverse(ref("next", "fiche"), "previous"),
		with(inverse(ref("unheld", "partner"), "unheld"), func(f *core.Field) { f.Indexed = false })}}
	event := core.Type{Name: "event", Public: true, Fields: []core.Field{text("title"), inverse(ref("host", "partner"), "cases"), inverse(ref("fiche", "fiche"), "events")}}
	partner := core.Type{Name: "partner", Public: true, Fields: []core.Field{text("name"), text("kind"), ref("head", "partner")}}
	if !hidden {
		return registryOf(fiche, event, partner)
	}
	fiche.Fields = append(fiche.Fields, with(inverse(ref("handler", "partner"), "handled"), hide), with(inverse(ref("enemy", "partner"), "cases"), hide))
	partner.Fields = append(partner.Fields, with(text("phone"), hide))
	note := core.Type{Name: "note", Public: true, Fields: []core.Field{text("title"), with(inverse(ref("about", "partner"), "cases"), hide)}}
	minutes := core.Type{Name: "minutes", Fields: []core.Field{inverse(ref("partner", "partner"), "minutes"), inverse(ref("other", "partner"), "cases"), inverse(ref("fiche", "fiche"), "minutes")}}
	return registryOf(fiche, event, partner, note, minutes)
}

func TestInverse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, raw, canonical, reason string
		reach                        []core.TypeName
	}{
		{"one list of two types", "include=cases", "(cases,)", "", []core.TypeName{"event", "fiche"}},
		{"and what these refer to", "include=cases.partner", "(cases(partner,),)", "", []core.TypeName{"event", "fiche"}},
		{"and what refers to these", "include=cases.events", "(cases(events,),)", "", []core.TypeName{"event", "fiche"}},
		{"behind a reference", "include=head.cases", "(head(cases,),)", "", []core.TypeName{"event", "fiche"}},
		{"three deep", "include=cases.previous.events", "(cases(previous(events,),),)", "", []core.TypeName{"event", "fiche"}},
		{"parts of it", "include=cases.previous&fields=name,cases.title,cases.previous.year,cases,_more", "(cases(previous,),)", "", []core.TypeName{"event", "fiche"}},
		{"a field that may be read wins", "include=kind", "", "not_a_reference", nil},
		{"one that may not be read does not", "include=phone", "(phone,)", "", []core.TypeName{"fiche"}},
		{"four deep", "include=cases.previous.previous.events", "", "too_deep", nil},
		{"not included", "fields=cases.title", "", "not_included", nil},
		{"no such field in it", "include=cases&fields=cases.size", "", "not_included", nil},
		{"not to be filtered on", "filter[cases]=x", "", "unknown_field", nil},
		{"nor sorted by", "sort=cases", "", "unknown_field", nil},
		{"not held, so not listed", "include=unheld", "", "unknown_field", nil},
		{"of hidden fields", "include=handled", "", "unknown_field", nil},
		{"of a hidden type", "include=minutes", "", "unknown_field", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := inverseWorld(true)
			params, _ := url.ParseQuery(tc.raw)
			a, err := parser(r).ParseOne(t.Context(), anonymous, r["partner"], params)
			if params.Has("filter[cases]") || params.Has("sort") {
				a, err = parser(r).Parse(t.Context(), anonymous, r["partner"], params)
			}
			if tc.reason != "" {
				wantReason(t, err, tc.reason, "")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := includeText(a.Include); got != tc.canonical {
				t.Errorf("got %s, want %s", got, tc.canonical)
			}
			var reach []core.TypeName
			for _, reached := range a.Reach {
				if reached.Order != nil {
					reach = append(reach, reached.Type.Name)
				}
			}
			if !slices.Equal(reach, tc.reach) {
				t.Errorf("lists of %v, want %v", reach, tc.reach)
			}
		})
	}
}

func includeText(tree []core.Include) string {
	s := "("
	for _, i := range tree {
		s += i.Field
		if len(i.Next) > 0 {
			s += includeText(i.Next)
		}
		s += ","
	}
	return s + ")"
}

// Lists that are made of what the caller may not see answer as those that were never made; and where a list is made of both,
// nothing tells of the hidden part: not even which types an answer is made from.
func TestInverse_HiddenIsAbsent(t *testing.T) {
	t.Parallel()
	with, without := inverseWorld(true), inverseWorld(false)
	for _, of := range []core.TypeName{"partner", "fiche"} {
		for _, name := range []string{"handled", "handled.title", "minutes", "minutes.fiche", "cases", "cases.minutes", "cases.handler", "cases.about", "phone", "kind", "head.minutes", "head.handled", "events", "previous", "previous.minutes", "casez", "handle", "minute"} {
			for raw := range map[string]bool{"include=" + name: true, "include=cases," + name: true, "fields=" + name: true, "include=cases&fields=" + name: true, "filter[" + name + "]=x": true, "sort=" + name: true} {
				params, _ := url.ParseQuery(raw)
				a, errA := parser(with).Parse(t.Context(), anonymous, with[of], params)
				b, errB := parser(without).Parse(t.Context(), anonymous, without[of], params)
				if got, want := rendered(a, errA)+reached(a), rendered(b, errB)+reached(b); got != want {
					t.Errorf("%s of %s tells of what is hidden:\n%s\n%s", raw, of, got, want)
				}
			}
		}
	}
}

func reached(a *core.Asked) string {
	s := ""
	if a != nil {
		for _, r := range a.Reach {
			s += " " + string(r.Type.Name)
		}
	}
	return s
}

// The nearest right name of an include may be that of a list.
func TestInverse_Nearest(t *testing.T) {
	t.Parallel()
	r := inverseWorld(true)
	_, err := parser(r).ParseOne(t.Context(), anonymous, r["partner"], url.Values{"include": {"casez"}})
	wantReason(t, err, "unknown_field", `There is no field "casez". Did you mean "cases"?`)
}

// What may be listed of a type is another thing than what may be read of it: a list of the own type goes by the first.
func TestInverse_OfTheOwnType(t *testing.T) {
	t.Parallel()
	r := inverseWorld(true)
	a, err := parser(r).ParseOne(t.Context(), anonymous, r["fiche"], url.Values{"include": {"previous"}})
	if err != nil || len(a.Reach) != 1 || a.Reach[0].Type.Name != "fiche" || a.Reach[0].Order == nil {
		t.Errorf("got %+v, %v", a.Reach, err)
	}
}

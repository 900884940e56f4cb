package query_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

func compare(path string, op core.Operator, values ...any) core.Compare {
	return core.Compare{Path: core.Path{Field: path}, Op: op, Values: values}
}

func TestParse_Filter(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	midnight := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, params string
		want         core.Node
	}{
		{"eq is the default", "filter[region]=44", compare("region", "eq", "44")},
		{"ne", "filter[region][ne]=44", compare("region", "ne", "44")},
		{"a leading zero stays", "filter[region]=01", compare("region", "eq", "01")},
		{"into an object", "filter[commune.code]=68224", compare("commune.code", "eq", "68224")},
		{"lt", "filter[population][lt]=10", compare("population", "lt", int64(10))},
		{"lte of text", "filter[title][lte]=m", compare("title", "lte", "m")},
		{"gt of a number", "filter[score][gt]=1.5", compare("score", "gt", 1.5)},
		{"gte with a whole float", "filter[population][gte]=1e3", compare("population", "gte", int64(1000))},
		{"in", "filter[region][in]=44,27", compare("region", "in", "44", "27")},
		{"in one", "filter[region][in]=44", compare("region", "eq", "44")},
		{"empty in matches nothing", "filter[region][in]=", core.Compare{Path: core.Path{Field: "region"}, Op: core.OpIn, Values: []any{}}},
		{"nin", "filter[year][nin]=2020,2021", compare("year", "nin", int64(2020), int64(2021))},
		{"contains", "filter[title][contains]=éco", compare("title", "contains", "éco")},
		{"prefix", "filter[title][prefix]=éco", compare("title", "prefix", "éco")},
		{"exists", "filter[partner][exists]=false", compare("partner", "exists", false)},
		{"exists of a place", "filter[location][exists]=true", compare("location", "exists", true)},
		{"between", "filter[year][between]=2019,2021", compare("year", "between", int64(2019), int64(2021))},
		{"boolean", "filter[open]=true", compare("open", "eq", true)},
		{"time", "filter[at][gt]=2026-02-01T13:00:00%2B01:00", compare("at", "gt", noon)},
		{"time with its plus lost", "filter[at][gt]=2026-02-01T13:00:00+01:00", compare("at", "gt", noon)},
		{"time by its day", "filter[at][gt]=2026-02-01", compare("at", "gt", midnight)},
		{"date", "filter[day]=2026-02-01", compare("day", "eq", midnight)},
		{"reference by id", "filter[partner]=01arz3ndektsv4rrffq69g5fav", compare("partner", "eq", "01arz3ndektsv4rrffq69g5fav")},
		{"no value", "filter[year]=null", compare("year", "eq", nil)},
		{"some value", "filter[year][ne]=null", compare("year", "ne", nil)},
		{"the word null", `filter={"title":{"eq":"null"}}`, compare("title", "eq", "null")},
		{"system field", "filter[_createdAt][lt]=2026-02-01", compare("_createdAt", "lt", midnight)},
		{"several are ANDed", "filter[region]=44&filter[year]=2021", core.And{compare("region", "eq", "44"), compare("year", "eq", int64(2021))}},
		{"one field twice", "filter[tags]=a&filter[tags]=b", core.And{compare("tags", "eq", "a"), compare("tags", "eq", "b")}},
		{"tree", `filter={"or":[{"region":{"eq":"44"}},{"population":{"gte":100000}}]}`,
			core.Or{compare("region", "eq", "44"), compare("population", "gte", int64(100000))}},
		{"tree: short equality", `filter={"region":"44","open":true,"year":null}`,
			core.And{compare("open", "eq", true), compare("region", "eq", "44"), compare("year", "eq", nil)}},
		{"tree: two operators", `filter={"year":{"gte":2019,"lt":2022}}`, core.And{compare("year", "gte", int64(2019)), compare("year", "lt", int64(2022))}},
		{"tree: in", `filter={"region":{"in":["44","a,b"]}}`, compare("region", "in", "44", "a,b")},
		{"tree: not", `filter={"not":{"region":"44"}}`, core.Not{Node: compare("region", "eq", "44")}},
		{"tree: not not", `filter={"not":{"not":{"region":"44"}}}`, compare("region", "eq", "44")},
		{"tree: nothing holds", `filter={"or":[]}`, core.Or{}},
		{"tree: not everything", `filter={"not":{}}`, core.Or{}},
		{"tree: everything", `filter={}`, nil},
		{"tree and brackets", `filter={"year":2021}&filter[region]=44`, core.And{compare("region", "eq", "44"), compare("year", "eq", int64(2021))}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := mustParse(t, anonymous, tc.params).Where; !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %#v\nwant %#v", got, tc.want)
			}
		})
	}
}

func TestParse_FilterThroughReferences(t *testing.T) {
	t.Parallel()
	through := func(who *core.Principal, name string) core.Path {
		return mustParse(t, who, "filter["+name+"]=x").Where.(core.Compare).Path
	}
	for _, tc := range []struct {
		name string
		who  *core.Principal
		path string
		want core.Path
	}{
		{"one step", anonymous, "partner.kind", core.Path{Via: []string{"partner"}, Field: "kind"}},
		{"three steps", anonymous, "partner.head.friend.name", core.Path{Via: []string{"partner", "head", "friend"}, Field: "name"}},
		{"a system field at the end", anonymous, "partner._id", core.Path{Via: []string{"partner"}, Field: "_id"}},
		{"rows that the caller may not see are left out", north, "partner.head.name", core.Path{Via: []string{"partner", "head"}, Field: "name",
			Steps: []core.Step{{"partner": northOnly}, {"person": nil}}}},
		{"types that the caller may not list are left out", anonymous, "related.title", core.Path{Via: []string{"related"}, Field: "title",
			Steps: []core.Step{{"fiche": nil}}}},
		{"all types for who may list them", staff, "related.region", core.Path{Via: []string{"related"}, Field: "region"}},
		{"a field of one type only", staff, "related.decision", core.Path{Via: []string{"related"}, Field: "decision", Steps: []core.Step{{"minutes": nil}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := through(tc.who, tc.path); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %#v\nwant %#v", got, tc.want)
			}
		})
	}
}

func TestParse_Refusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, params, reason, message string }{
		{"field", "filter[titel]=x", "unknown_field", `There is no field "titel". Did you mean "title"?`},
		{"field, nothing near", "filter[zzzzzzzz]=x", "unknown_field", `There is no field "zzzzzzzz".`},
		{"field in a group", "filter[cod]=x", "unknown_field", `There is no field "cod". Did you mean "commune.code"?`},
		{"field behind a reference", "filter[partner.kin]=x", "unknown_field", `There is no field "partner.kin". Did you mean "partner.kind"?`},
		{"field behind a list of types nobody may list", "filter[partner.papers.title]=x", "unknown_field", ""},
		{"too many references", "filter[partner.head.friend.friend.name]=x", "unknown_field", ""},
		{"operator", "filter[title][equals]=x", "unknown_operator", `There is no operator "equals".`},
		{"operator nearly right", "filter[title][containz]=x", "unknown_operator", `There is no operator "containz". Did you mean "contains"?`},
		{"operator of the store", `filter={"title":{"$where":"1"}}`, "unknown_operator", ""},
		{"parameter", "filters=x", "unknown_parameter", `There is no parameter "filters". Did you mean "filter"?`},
		{"operator of another kind", "filter[year][contains]=2", "wrong_operator", `"year" cannot be asked with contains. It knows: eq, ne, lt, lte, gt, gte, in, nin, exists, between.`},
		{"not indexed", "filter[body][contains]=x", "not_filterable", ""},
		{"rich text", "filter[story][exists]=true", "not_filterable", ""},
		{"a group", "filter[commune]=x", "not_filterable", `"commune" is a group of fields. Filter on one of them: "commune.…".`},
		{"bracket left open", "filter[title", "bad_filter", ""},
		{"empty brackets", "filter[]=x", "bad_filter", ""},
		{"three brackets", "filter[title][eq][x]=1", "bad_filter", ""},
		{"empty operator", "filter[title][]=1", "unknown_operator", ""},
		{"a tree that is none", "filter=title", "bad_filter", ""},
		{"a tree that is a list", "filter=[]", "bad_filter", ""},
		{"a list for equality", `filter={"region":["44"]}`, "bad_filter", ""},
		{"duplicate keys", `filter={"region":"44","region":"27"}`, "bad_filter", ""},
		{"a list of nothing for and", `filter={"and":{}}`, "bad_filter", ""},
		{"text for a number", "filter[year]=soon", "bad_value", `"year" is compared with a whole number.`},
		{"a fraction for a whole number", "filter[year]=2020.5", "bad_value", ""},
		{"not a number", "filter[score]=NaN", "bad_value", ""},
		{"infinity", "filter[score][gt]=1e999", "bad_value", ""},
		{"hexadecimal", "filter[score]=0x10", "bad_value", ""},
		{"a date that is none", "filter[day]=2026-02-30", "bad_value", ""},
		{"a time that is none", "filter[at]=yesterday", "bad_value", ""},
		{"a number for text", `filter={"region":44}`, "bad_value", ""},
		{"an object for text", `filter={"region":{"eq":{"$ne":""}}}`, "bad_value", ""},
		{"one bound", "filter[year][between]=2020", "bad_value", ""},
		{"null among values", `filter={"region":{"in":[null]}}`, "bad_value", ""},
		{"null for gt", "filter[year][gt]=null", "bad_value", ""},
		{"contains nothing", "filter[title][contains]=", "bad_value", ""},
		{"exists maybe", "filter[title][exists]=maybe", "bad_value", ""},
		{"too long a value", "filter[title]=" + strings.Repeat("x", 1001), "bad_value", ""},
		{"too many values", "filter[year][in]=" + strings.Repeat("1,", 200) + "1", "too_many_values", ""},
		{"too many conditions", strings.Repeat("filter[year]=1&", 21), "too_many_conditions", ""},
		{"too deep", `filter={"not":{"not":{"not":{"not":{"not":{"year":1}}}}}}`, "too_deep", ""},
		{"too long", "q=" + strings.Repeat("x", 9000), "too_long", ""},
		{"limit 0", "limit=0", "bad_limit", "limit must be a whole number from 1 to 200."},
		{"limit 201", "limit=201", "bad_limit", ""},
		{"limit negative", "limit=-1", "bad_limit", ""},
		{"limit in words", "limit=all", "bad_limit", ""},
		{"limit twice", "limit=1&limit=2", "repeated_parameter", ""},
		{"q too long", "q=" + strings.Repeat("x", 501), "too_long", ""},
		{"total", "total=no", "bad_total", ""},
		{"sort by relevance of nothing", "sort=_score", "bad_sort", ""},
		{"sort by a place", "sort=location", "not_sortable", ""},
		{"sort by a reference", "sort=partner", "not_sortable", ""},
		{"sort by what is not indexed", "sort=-body", "not_sortable", ""},
		{"sort by nothing known", "sort=-titel", "unknown_field", `There is no field "titel". Did you mean "title"?`},
		{"sort keys", "sort=title,slug,region,year,at,day", "too_many_sort_keys", ""},
		{"facet that is none", "facets=title", "not_a_facet", ""},
		{"include of a field", "include=title", "not_a_reference", ""},
		{"include of nothing", "include=partnr", "unknown_field", ""},
		{"include too deep", "include=partner.head.friend.friend", "too_deep", ""},
		{"fields", "fields=title,bodi", "unknown_field", ""},
		{"fields behind what is not included", "fields=partner.name", "not_included", `"partner.name" lies behind a reference: add include=partner.`},
		{"locale", "locale=de", "unknown_locale", `fiche is not written in "de". It is written in: fr, en.`},
		{"state", "state=deleted", "bad_state", ""},
		{"bbox of three", "bbox=1,2,3", "bad_bbox", ""},
		{"bbox upside down", "bbox=1,48,2,47", "bad_bbox", ""},
		{"bbox off the Earth", "bbox=1,48,2,97", "bad_bbox", ""},
		{"bbox of NaN", "bbox=NaN,48,2,49", "bad_bbox", ""},
		{"near without metres", "near=48,7", "bad_near", ""},
		{"near of nothing", "near=48,7,0", "bad_near", ""},
		{"within a level that is none", "within=country:FR", "bad_within", ""},
		{"within a sentence", "within=68 or 1", "bad_within", ""},
		{"geo of text", "geo=title", "not_a_place", ""},
		{"a cursor made up", "after=AAAA", "bad_cursor", ""},
		{"rich text as Word", "richtext=docx", "bad_richtext", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, anonymous, tc.params)
			wantReason(t, err, tc.reason, tc.message)
		})
	}
}

func TestParse_State(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		who   *core.Principal
		state string
		want  core.Code
	}{
		{anonymous, "published", ""}, {anonymous, "draft", core.CodeUnauthenticated}, {anonymous, "trash", core.CodeUnauthenticated},
		{north, "draft", core.CodeForbidden}, {staff, "draft", ""}, {staff, "trash", ""},
	} {
		_, err := parse(t, tc.who, "state="+tc.state)
		if got := core.CodeOf(err); got != tc.want {
			t.Errorf("%s as %s: got %q, want %q", tc.state, tc.who.ID, got, tc.want)
		}
	}
}

func TestParse_TheRest(t *testing.T) {
	t.Parallel()
	a := mustParse(t, anonymous, "q=+budget++participatif&highlight=true&sort=_score,-partner.name&limit=50&total=false&locale=en"+
		"&fields=title,partner.name,_score&include=partner.head,partner&facets=tags,region,partner.kind,open&bbox=170,-20,-170,10&near=48.5,7.7,1000&within=region:44&geo=zone")
	want := core.Query{Type: "fiche", State: core.StatePublished, Locale: "en", Text: "budget participatif", Highlight: true,
		Sort: []core.SortKey{{Path: core.Path{Field: "_score"}, Desc: true}, {Path: core.Path{Via: []string{"partner"}, Field: "name"}, Desc: true}}, Limit: 50,
		Facets: []core.Path{{Field: "open"}, {Via: []string{"partner"}, Field: "kind"}, {Field: "region"}, {Field: "tags"}},
		Geo: &core.GeoFilter{Field: "zone", BBox: &core.BBox{West: 170, South: -20, East: -170, North: 10}, Near: &core.Near{Lat: 48.5, Lon: 7.7, Metres: 1000},
			Territory: &core.Territory{Level: "region", Code: "44"}}}
	if !reflect.DeepEqual(a.Query, want) {
		t.Errorf("got  %#v\nwant %#v", a.Query, want)
	}
	if want := []core.Include{{Field: "partner", Next: []core.Include{{Field: "head"}}}}; !reflect.DeepEqual(a.Include, want) {
		t.Errorf("include: got %v", a.Include)
	}
	if want := []string{"_score", "partner.name", "title"}; !reflect.DeepEqual(a.Fields, want) {
		t.Errorf("fields: got %v", a.Fields)
	}
	if len(a.Reach) != 2 || a.Reach[0].Type.Name != "partner" || a.Reach[1].Type.Name != "person" {
		t.Errorf("reach: got %v", a.Reach)
	}
}

func TestParse_Defaults(t *testing.T) {
	t.Parallel()
	a := mustParse(t, anonymous, "")
	if a.Limit != 20 || !a.Total || a.State != core.StatePublished || a.Where != nil {
		t.Errorf("got %+v", a.Query)
	}
	if want := []core.SortKey{{Path: core.Path{Field: "year"}, Desc: true}}; !reflect.DeepEqual(a.Sort, want) {
		t.Errorf("a hidden field orders the list: %v", a.Sort)
	}
	if a := mustParse(t, staff, ""); len(a.Sort) != 2 {
		t.Errorf("staff do not get the type's order: %v", a.Sort)
	}
	if a := mustParse(t, anonymous, "q=x"); a.Sort[0].Path.Field != "_score" {
		t.Errorf("a search is not ranked: %v", a.Sort)
	}
}

func TestParse_RowsOfTheCallerHoldOutside(t *testing.T) {
	t.Parallel()
	r := world(true)
	a, err := parser(r).Parse(t.Context(), north, r["partner"], url.Values{"filter": {`{"or":[{"kind":"south"},{"not":{"kind":"north"}}]}`}})
	if err != nil {
		t.Fatal(err)
	}
	and, ok := a.Where.(core.And)
	if !ok || len(and) != 2 || !reflect.DeepEqual(and[0], northOnly) {
		t.Errorf("got %#v", a.Where)
	}
}

func TestParse_SearchStaysInReadableFields(t *testing.T) {
	t.Parallel()
	r := registryOf(core.Type{Name: "a", Public: true, Fields: []core.Field{
		{Path: "title", Kind: core.KindString, Search: 1}, {Path: "pin", Kind: core.KindString, Search: 1, Secret: true}}},
		core.Type{Name: "b", Public: true, Fields: []core.Field{
			{Path: "title", Kind: core.KindString, Search: 1}, {Path: "note", Kind: core.KindString, Search: 1, Private: true}}})
	a, _ := parser(r).Parse(t.Context(), anonymous, r["a"], url.Values{"q": {"x"}})
	if !reflect.DeepEqual(a.Searched, []string{"title"}) || a.Private {
		t.Errorf("a secret is searched: %v, private %v", a.Searched, a.Private)
	}
	b, _ := parser(r).Parse(t.Context(), anonymous, r["b"], url.Values{"q": {"x"}})
	if b.Searched != nil || b.Private {
		t.Errorf("private alone needs no list: %v, private %v", b.Searched, b.Private)
	}
}

func TestParseOne(t *testing.T) {
	t.Parallel()
	r := world(true)
	a, err := parser(r).ParseOne(t.Context(), anonymous, r["fiche"], url.Values{"include": {"partner"}, "locale": {"en"}})
	if err != nil || a.Locale != "en" || len(a.Include) != 1 {
		t.Errorf("got %+v, %v", a, err)
	}
	_, err = parser(r).ParseOne(t.Context(), anonymous, r["fiche"], url.Values{"filter[title]": {"x"}})
	wantReason(t, err, "unknown_parameter", "")
	if _, err = parser(r).ParseOne(t.Context(), anonymous, r["fiche"], url.Values{"preview": {"x"}}); core.CodeOf(err) != core.CodeUnauthenticated {
		t.Errorf("any preview token opens: %v", err)
	}
}

func TestParseBody(t *testing.T) {
	t.Parallel()
	a, err := parseBody(t, anonymous, `{"filter":{"region":"44"},"q":"x","sort":["-year"],"limit":5,"total":false,"fields":"title,slug","include":["partner"],
		"facets":["region"],"locale":"en","state":"published","bbox":[1,2,3,4],"near":"48,7,10","within":"68","geo":null,"highlight":true}`)
	if err != nil {
		t.Fatal(err)
	}
	b := mustParse(t, anonymous, "filter[region]=44&q=x&sort=-year&limit=5&total=false&fields=slug&fields=title&include=partner&facets=region&locale=en&bbox=1,2,3,4&near=48,7,10&within=68&highlight=true")
	if a.Canonical != b.Canonical {
		t.Errorf("got  %s\nwant %s", a.Canonical, b.Canonical)
	}
	for _, tc := range []struct{ body, reason string }{
		{`{"limt":5}`, "unknown_parameter"}, {`{"limt":null}`, "unknown_parameter"}, {`{"limit":"5"}`, "bad_limit"}, {`{"limit":5.5}`, "bad_limit"},
		{`{"limit":201}`, "bad_limit"}, {`{"q":5}`, "bad_q"}, {`{"total":"false"}`, "bad_total"}, {`{"sort":{"a":1}}`, "bad_sort"},
		{`{"sort":[1]}`, "bad_sort"}, {`{"filter":"x"}`, "bad_filter"}, {`{"filter":{"note":"x"}}`, "unknown_field"}, {`{"bbox":[1,2,3]}`, "bad_bbox"},
		{`{"near":{"lat":1}}`, "bad_near"}, {`{"filter[region]":"44"}`, "unknown_parameter"},
	} {
		_, err := parseBody(t, anonymous, tc.body)
		wantReason(t, err, tc.reason, "")
	}
}

func TestParseWhere(t *testing.T) {
	t.Parallel()
	r := world(true)
	tree, _ := jsondoc.ParseObject([]byte(`{"_createdBy":{"eq":"$me"}}`))
	n, err := parser(r).ParseWhere(t.Context(), staff, r["fiche"], tree)
	if want := compare("_createdBy", "eq", "$me"); err != nil || !reflect.DeepEqual(n, want) {
		t.Errorf("got %v, %v", n, err)
	}
	if _, err = parser(r).ParseWhere(t.Context(), anonymous, r["fiche"], tree); core.CodeOf(err) != core.CodeBadRequest {
		t.Errorf("who wrote an entry is told: %v", err)
	}
	if n, err := parser(r).ParseWhere(t.Context(), staff, r["fiche"], nil); n != nil || err != nil {
		t.Errorf("no tree: got %v, %v", n, err)
	}
	partners, _ := jsondoc.ParseObject([]byte(`{"name":"x"}`))
	if n, _ := parser(r).ParseWhere(t.Context(), north, r["partner"], partners); !reflect.DeepEqual(n, compare("name", "eq", "x")) {
		t.Errorf("the caller's own rows got in: %v", n)
	}
}

// A territory is looked for in the codes that the caller may read and in no other.
func TestParse_WithinStaysInReadableFields(t *testing.T) {
	t.Parallel()
	code := func(path, level string, hidden bool) core.Field {
		return with(text(path), func(f *core.Field) { f.Territory, f.Private = level, hidden })
	}
	r := registryOf(core.Type{Name: "a", Public: true, GeoField: "at", Fields: []core.Field{kind("at", core.KindGeo), code("region", "region", false), code("home", "commune", true), code("town", "commune", false)}})
	for _, tc := range []struct {
		who    *core.Principal
		params string
		where  core.Node
	}{
		{staff, "within=67", nil},
		{anonymous, "within=67", core.Or{compare("region", "eq", "67"), compare("town", "eq", "67")}},
		{anonymous, "within=departement:67", compare("town", "prefix", "67")},
		{anonymous, "within=epci:67", core.Or{}},
		{anonymous, "within=region:44&filter[town]=x", core.And{compare("town", "eq", "x"), compare("region", "eq", "44")}},
	} {
		params, _ := url.ParseQuery(tc.params)
		a, err := parser(r).Parse(t.Context(), tc.who, r["a"], params)
		if err != nil || !reflect.DeepEqual(a.Where, tc.where) || (a.Geo == nil) != (tc.where != nil) {
			t.Errorf("%s as %s: got %#v, %v, %v", tc.params, tc.who.ID, a.Where, a.Geo, err)
		}
	}
}

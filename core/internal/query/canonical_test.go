package query_test

import (
	"testing"

	"github.com/palabre-cms/palabre/core"
)

func TestCanonical_EqualRequests(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, a, b string }{
		{"order of parameters", "filter[region]=44&filter[year]=2021", "filter[year]=2021&filter[region]=44"},
		{"brackets and tree", "filter[region]=44&filter[year]=2021", `filter={"and":[{"year":2021},{"region":{"eq":"44"}}]}`},
		{"order in or", `filter={"or":[{"year":1},{"year":2}]}`, `filter={"or":[{"year":2},{"year":1},{"year":2}]}`},
		{"order in in", "filter[region][in]=44,27", "filter[region][in]=27,44,27"},
		{"in one", "filter[region][in]=44", "filter[region]=44"},
		{"defaults", "", "limit=20&total=true&state=published&q=&fields=&highlight=true&richtext=json"},
		{"the type's order", "", "sort=-year"},
		{"blanks in q", "q=a+b", "q=++a++b+"},
		{"order of fields", "fields=title,slug", "fields=slug&fields=title,slug"},
		{"order of facets", "facets=tags,region", "facets=region,tags"},
		{"include of a part", "include=partner.head", "include=partner,partner.head"},
		{"one instant", "filter[at]=2026-02-01T01:00:00%2B01:00", "filter[at]=2026-02-01"},
		{"relevance", "q=a&sort=_score", "q=a"},
	} {
		if a, b := mustParse(t, anonymous, tc.a).Canonical, mustParse(t, anonymous, tc.b).Canonical; a != b {
			t.Errorf("%s:\n%s\n%s", tc.name, a, b)
		}
	}
}

func TestCanonical_DifferentRequests(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, params := range []string{"", "filter[region]=44", "filter[region]=null", `filter={"region":"null"}`, "filter[region][ne]=44", "filter[region][in]=44,27",
		"filter[region][in]=", "filter[region][nin]=", `filter={"region":{"in":["44,27"]}}`, `filter={"or":[{"region":"44"},{"year":1}]}`, "filter[region]=44&filter[year]=1",
		`filter={"not":{"region":"44"}}`, "sort=year", "sort=title", "sort=title,year", "sort=year,title", "q=a", "q=a&highlight=true", "q=a&sort=year", "limit=21", "total=false",
		"fields=title", "fields=title,slug", "include=partner", "include=partner.head", "facets=region", "facets=region,tags", "locale=en", "bbox=1,2,3,4", "bbox=1,2,3,5",
		"bbox=1,2,3,4&geo=zone", "near=1,2,3", "within=44", "within=region:44", "richtext=html", "filter[year][between]=1,2", "filter[year][between]=2,1",
		`filter[title]=a" q="b`, "filter[title]=a&q=b"} {
		c := mustParse(t, anonymous, params).Canonical
		if other, ok := seen[c]; ok {
			t.Errorf("%q and %q are one: %s", params, other, c)
		}
		seen[c] = params
	}
	if a, b := mustParse(t, staff, "state=draft").Canonical, mustParse(t, staff, "state=trash").Canonical; a == b || a == mustParse(t, staff, "").Canonical {
		t.Error("states are confused")
	}
}

func TestCanonical_TypesDiffer(t *testing.T) {
	t.Parallel()
	r := world(true)
	a, _ := parser(r).Parse(t.Context(), anonymous, r["partner"], nil)
	b, _ := parser(r).Parse(t.Context(), anonymous, r["person"], nil)
	if a.Canonical == b.Canonical {
		t.Error("two types have one canonical form")
	}
	var _ core.Queries = parser(r)
}

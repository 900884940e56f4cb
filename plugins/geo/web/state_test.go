package web_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/plugins/geo/web"
)

func TestStateAsks(t *testing.T) {
	for _, tc := range []struct{ name, address, asked, again string }{
		{"nothing", "", "", ""},
		{"empty values of a form", "q=&filter%5Bthemes%5D=&view=", "", ""},
		{"one value", "filter[themes]=URB", "filter[themes]=URB", "filter[themes]=URB"},
		{"two values are one of both", "filter[themes]=URB&filter[themes]=ENV", "filter[themes][in]=ENV,URB", "filter[themes]=ENV&filter[themes]=URB"},
		{"a list", "filter[themes][in]=URB,ENV", "filter[themes][in]=ENV,URB", "filter[themes]=ENV&filter[themes]=URB"},
		{"commas inside of values", "filter[t]=a,b&filter[t]=c", `filter={"and":[{"t":{"in":["a,b","c"]}}]}`, "filter[t]=a,b&filter[t]=c"},
		{"another operator", "filter[year][gte]=2018", "filter[year][gte]=2018", "filter[year][gte]=2018"},
		{"what lists do not take", "layer=fiche&view=region&area=1&overlay=a&after=c1&lang=fr&x=y", "", "after=c1&area=1&layer=fiche&overlay=a&view=region"},
		{"an unknown view", "view=planet", "", ""},
		{"text and territory", "q= vélo &within=region:53", "q=vélo&within=region:53", "q=vélo&within=region:53"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			params, _ := url.ParseQuery(tc.address)
			s := web.ParseState(params)
			if got, _ := url.QueryUnescape(s.Asked().Encode()); got != tc.asked {
				t.Errorf("asks %s, not %s", got, tc.asked)
			}
			if got, _ := url.QueryUnescape(s.Values().Encode()); got != tc.again {
				t.Errorf("its address is %s, not %s", got, tc.again)
			}
			if diff := cmp.Diff(s, web.ParseState(s.Values())); diff != "" {
				t.Errorf("its address means something else (-was +is):\n%s", diff)
			}
		})
	}
}

func TestStateOnly(t *testing.T) {
	params, _ := url.ParseQuery("layer=event&q=x&filter[themes]=URB&filter[year][gte]=2018&filter[format]=hybrid&filter[seats][lt]=20")
	s := web.ParseState(params).Only(func(field string) bool { return field == "format" || field == "seats" })
	if got, _ := url.QueryUnescape(s.Values().Encode()); got != "filter[format]=hybrid&filter[seats][lt]=20&layer=event&q=x" {
		t.Errorf("left is %s", got)
	}
}

package web_test

import (
	"encoding/json"
	"net/url"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/plugins/geo/web"
)

// TestStateAsks reads the cases that browser.mjs reads too: the server and the scripts mean the same by an address.
func TestStateAsks(t *testing.T) {
	text, err := os.ReadFile("testdata/states.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Name, Address, Asked, Again string }
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			params, _ := url.ParseQuery(tc.Address)
			s := web.ParseState(params)
			if got, _ := url.QueryUnescape(s.Asked().Encode()); got != tc.Asked {
				t.Errorf("asks %s, not %s", got, tc.Asked)
			}
			if got, _ := url.QueryUnescape(s.Values().Encode()); got != tc.Again {
				t.Errorf("its address is %s, not %s", got, tc.Again)
			}
			if diff := cmp.Diff(s, web.ParseState(s.Values())); diff != "" {
				t.Errorf("its address means something else (-was +is):\n%s", diff)
			}
		})
	}
}

func TestStateKnown(t *testing.T) {
	params, _ := url.ParseQuery("layer=event&q=x&filter[themes]=URB&filter[year][gte]=2018&filter[format]=hybrid&filter[seats][lt]=20")
	s, unknown := web.ParseState(params).Known(func(field string) bool { return field == "format" || field == "seats" })
	if got, _ := url.QueryUnescape(s.Values().Encode()); got != "filter[format]=hybrid&filter[seats][lt]=20&layer=event&q=x" {
		t.Errorf("left is %s", got)
	}
	if diff := cmp.Diff(unknown, []string{"filter[themes]", "filter[year][gte]"}); diff != "" {
		t.Error(diff)
	}
}

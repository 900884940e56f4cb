package query_test

import (
	"net/url"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

func TestParseSearch(t *testing.T) {
	t.Parallel()
	q := parser(world(true))
	types := func(a *core.AskedAll) (names string) {
		for _, one := range a.Queries {
			names += string(one.Type) + " " + string(one.Locale) + ","
		}
		return names
	}
	for _, tc := range []struct {
		who          *core.Principal
		params, want string
	}{
		{anonymous, "q=x", "fiche ,partner ,person ,"},
		{staff, "q=x", "fiche ,minutes ,partner ,person ,"},
		{anonymous, "q=x&types=person,fiche&locale=en", "fiche en,person ,"},
	} {
		params, _ := url.ParseQuery(tc.params)
		a, err := q.ParseSearch(t.Context(), tc.who, params)
		if err != nil || types(a) != tc.want {
			t.Errorf("%s as %s: got %v, want %s (%v)", tc.params, tc.who.ID, a, tc.want, err)
		}
	}
	for _, tc := range []struct{ params, reason string }{
		{"", "missing_parameter"}, {"q=+", "missing_parameter"}, {"q=x&types=minutes", "unknown_type"}, {"q=x&types=nothing", "unknown_type"},
		{"q=x&sort=title", "unknown_parameter"}, {"q=x&limit=500", "bad_limit"}, {"q=x&after=x", "bad_cursor"},
	} {
		params, _ := url.ParseQuery(tc.params)
		_, err := q.ParseSearch(t.Context(), anonymous, params)
		wantReason(t, err, tc.reason, "")
	}
	if _, err := q.ParseSearch(t.Context(), anonymous, url.Values{"q": {"x"}, "state": {"draft"}}); core.CodeOf(err) != core.CodeUnauthenticated {
		t.Errorf("drafts are searched by anyone: %v", err)
	}
}

func TestParseSearch_Cursor(t *testing.T) {
	t.Parallel()
	q := parser(world(true))
	first, err := q.ParseSearch(t.Context(), anonymous, url.Values{"q": {"x"}})
	if err != nil {
		t.Fatal(err)
	}
	after := q.Cursor(&first.Asked, &core.Cursor{Values: []any{int64(20)}})
	next, err := q.ParseSearch(t.Context(), anonymous, url.Values{"q": {"x"}, "after": {after}})
	if err != nil || next.Offset != 20 {
		t.Errorf("got %v, %v", next, err)
	}
	_, err = q.ParseSearch(t.Context(), anonymous, url.Values{"q": {"y"}, "after": {after}})
	wantReason(t, err, "bad_cursor", "")
	_, err = q.ParseSearch(t.Context(), staff, url.Values{"q": {"x"}, "after": {after}})
	wantReason(t, err, "bad_cursor", "")
}

func TestParsePage(t *testing.T) {
	t.Parallel()
	q := parser(world(true))
	if limit, after, err := q.ParsePage(url.Values{"limit": {"7"}, "after": {"z"}}); limit != 7 || after != "z" || err != nil {
		t.Errorf("got %d, %q, %v", limit, after, err)
	}
	_, _, err := q.ParsePage(url.Values{"q": {"x"}})
	wantReason(t, err, "unknown_parameter", "")
}

func TestParseSearch_HighlightsUnlessToldNot(t *testing.T) {
	t.Parallel()
	q := parser(world(true))
	for value, want := range map[string]bool{"": true, "true": true, "false": false} {
		params := url.Values{"q": {"x"}}
		if value != "" {
			params.Set("highlight", value)
		}
		a, err := q.ParseSearch(t.Context(), anonymous, params)
		if err != nil || a.Highlight != want || a.Queries[0].Highlight != want {
			t.Errorf("highlight=%s: %v, want %v (%v)", value, a, want, err)
		}
	}
}

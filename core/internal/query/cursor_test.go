package query_test

import (
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/query"
)

const id = core.EntryID("01arz3ndektsv4rrffq69g5fav")

func TestCursor_ComesBackAsItWas(t *testing.T) {
	t.Parallel()
	r := world(true)
	q := parser(r)
	a := mustParse(t, anonymous, "sort=title&limit=10")
	want := &core.Cursor{ID: id, Values: []any{"é\x00", int64(-5), 1.5, true, false, nil, time.Date(2026, 2, 1, 9, 0, 0, 5e6, time.UTC), []byte{1, 2}}}
	text := q.Cursor(a, want)
	next, err := q.Parse(t.Context(), anonymous, r["fiche"], url.Values{"sort": {"title"}, "limit": {"50"}, "fields": {"title"}, "total": {"false"}, "after": {text}})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(next.After, want) {
		t.Errorf("got  %#v\nwant %#v", next.After, want)
	}
	if got, err := q.After(a, text); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("After: got %v, %v", got, err)
	}
	if next.Canonical == a.Canonical {
		t.Error("the second page has the canonical form of the first")
	}
	if q.Cursor(a, nil) != "" {
		t.Error("no place has a cursor")
	}
}

func TestCursor_BelongsToItsQuery(t *testing.T) {
	t.Parallel()
	r := world(true)
	q := parser(r)
	text := q.Cursor(mustParse(t, anonymous, "filter[region]=44&sort=title"), &core.Cursor{ID: id, Values: []any{"m"}})
	for _, params := range []string{"sort=title", "filter[region]=27&sort=title", "filter[region]=44&sort=-title", "filter[region]=44", "filter[region]=44&sort=title&q=x",
		"filter[region]=44&sort=title&locale=en", "filter[region]=44&sort=title&bbox=1,2,3,4"} {
		_, err := parse(t, anonymous, params+"&after="+text)
		wantReason(t, err, "bad_cursor", "")
	}
	_, err := parse(t, staff, "filter[region]=44&sort=title&state=draft&after="+text)
	wantReason(t, err, "bad_cursor", "")
	if _, err := parse(t, anonymous, "sort=title&filter[region]=44&after="+text); err != nil {
		t.Errorf("its own query refuses it: %v", err)
	}
	other := query.New(r, rules{}, []byte("another key, as long as the first"))
	if _, err := other.After(mustParse(t, anonymous, "filter[region]=44&sort=title"), text); err == nil {
		t.Error("a cursor of another key was taken")
	}
}

func TestCursor_EveryBitCounts(t *testing.T) {
	t.Parallel()
	q := parser(world(true))
	a := mustParse(t, anonymous, "sort=title")
	text := q.Cursor(a, &core.Cursor{ID: id, Values: []any{"m"}})
	for i := range text {
		changed := []byte(text)
		if changed[i]++; changed[i] == '{' || changed[i] == '[' || changed[i] == ':' {
			changed[i] = '0'
		}
		if c, err := q.After(a, string(changed)); err == nil {
			t.Errorf("changed at %d, it was taken: %v", i, c)
		}
		if c, err := q.After(a, text[:i]); err == nil {
			t.Errorf("cut at %d, it was taken: %v", i, c)
		}
	}
}

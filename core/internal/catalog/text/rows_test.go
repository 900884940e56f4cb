package text

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Rows that a query does not look at are as if they were not in the index: they match nothing, make no word rarer, stop no
// wider search, and lend it no words.
func TestRows(t *testing.T) {
	t.Parallel()
	var shown, all []Doc
	for i := range uint64(12) {
		d := weighted(i+1, "Budget participatif", strings.Repeat("budget ", int(i)), "Une école de quartier")
		shown, all = append(shown, d), append(all, d)
	}
	for i := range uint64(40) {
		all = append(all, weighted(100+i, "Budget secret de l’écolier participant", "canarialpha budgets", "école"))
	}
	alone, among := opened(t, shown...), opened(t, all...)
	beside := weighted(3, "Budget secret", "canarialpha", "")
	for _, x := range []*Index{alone, among} { // the latest document of a row that is looked at
		apply(t, x, 2, []Doc{shown[2], {Row: 3, Type: beside.Type, Fields: beside.Fields}})
	}
	for _, drafts := range []bool{false, true} {
		for _, text := range []string{"budget", "budget participatif", "participatif budget école", "canarialpha", "canari", "secret", "ecol", "partici", "budgat", "ecolie", `"budget participatif"`, `"budget secret"`, "budget -secret",
			"budget -quartier", "quartie", "quartier"} {
			q := query(text)
			q.Drafts = drafts
			whole := find(t, alone, q)
			q.Looks[0].Rows = func(row uint64) bool { return row < 100 }
			want := find(t, alone, q)
			if diff := cmp.Diff(whole, want); diff != "" && !drafts {
				t.Errorf("%q: to look at all rows is to look at each: %s", text, diff)
			}
			if diff := cmp.Diff(want, find(t, among, q)); diff != "" {
				t.Errorf("%q (drafts: %v): what is hidden moved an answer: %s", text, drafts, diff)
			}
		}
	}
}

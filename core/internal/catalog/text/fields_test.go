package text

import (
	"testing"
)

func TestSearch_keptToFields(t *testing.T) {
	t.Parallel()
	x, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	doc := Doc{Row: 1, Type: "fiche", Published: true, Locale: "fr", Fields: []FieldText{
		{Path: "title", Weight: 2, Text: "Budget participatif"}, {Path: "memo", Weight: 2, Text: "Le maire hésite"}, {Path: "note", Weight: 2, Text: "canari", Private: true}}}
	if err := x.Apply(t.Context(), 1, []Doc{doc}, nil); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		text    string
		fields  []string
		private bool
		found   bool
	}{
		{"budget", nil, false, true},
		{"maire", nil, false, true},
		{"maire", []string{"title"}, false, false},
		{"budget maire", []string{"title"}, false, false},
		{"budget -maire", []string{"title"}, false, true},
		{"budget -maire", []string{"title", "memo"}, false, false},
		{"budget maire", []string{"title", "memo"}, false, true},
		{"canari", []string{"note"}, false, false},
		{"canari", []string{"note"}, true, true},
		{"budget", []string{}, true, false},
	} {
		q := Query{Text: tc.text, Looks: []Look{{Type: "fiche", Fields: tc.fields, Private: tc.private}}}
		if matches, err := x.Search(t.Context(), q); err != nil || (len(matches) == 1) != tc.found {
			t.Errorf("%q in %v: got %v, %v, want found %v", tc.text, tc.fields, matches, err, tc.found)
		}
		if marked := x.Highlight(q, doc.Fields); len(marked["memo"]) > 0 && tc.fields != nil && len(tc.fields) < 2 {
			t.Errorf("%q in %v: highlights %v", tc.text, tc.fields, marked)
		}
	}
}

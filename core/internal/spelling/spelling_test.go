package spelling

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"title", "titles", "name", "population.value", "value", "Région"}
	for _, tc := range []struct{ written, want string }{
		{"titel", "title"},
		{"TITLE", "title"},
		{"nom", "name"},
		{"region", "Région"},
		{"populaton.value", "population.value"},
		{"valeu", "value"},     // before the part of a dotted name
		{"titlex", "title"},    // the first of two as near
		{"something else", ""}, // nothing like it
		{string(make([]byte, 101)), ""},
	} {
		if got := Nearest(tc.written, names); got != tc.want {
			t.Errorf("Nearest(%q) = %q, want %q", tc.written, got, tc.want)
		}
	}
	if got := Nearest("population", []string{"population.value", "value"}); got != "" {
		t.Errorf("the first part of a dotted name: %q", got)
	}
	if got := Nearest("valu", []string{"population.value"}); got != "population.value" {
		t.Errorf("the last part of a dotted name: %q", got)
	}
}

package gazetteer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

func TestSuggest(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, tc := range []struct {
		level      gazetteer.Level
		code, want string
	}{
		{gazetteer.Commune, "1004", "lostZero commune 01004"},
		{gazetteer.Commune, "1004.0", "lostZero commune 01004"},
		{gazetteer.Departement, "1", "lostZero departement 01"},
		{gazetteer.Region, "4", "lostZero region 04, otherLevel region 93"}, // La Réunion, or that of the Alpes-de-Haute-Provence
		{gazetteer.Commune, "9300", "lostZero commune 09300, postalCode commune 09160, postalCode commune 09047, postalCode commune 09336, postalCode commune 09206"},
		{"", "1004", "lostZero commune 01004"},

		{gazetteer.Commune, "75011", "postalCode commune 75056"},
		{gazetteer.Commune, "44000", "postalCode commune 44109"},
		{gazetteer.Departement, "44000", "postalCode departement 44"},
		{gazetteer.Region, "44000", "postalCode region 52"},
		{"", "44000", "postalCode commune 44109"},

		{gazetteer.Commune, "75111", "arrondissement commune 75056"},
		{gazetteer.Commune, "69381", "arrondissement commune 69123"},
		{gazetteer.Commune, "13216", "arrondissement commune 13055"},

		{gazetteer.Commune, "2a 004", "writtenOtherwise commune 2A004"},
		{gazetteer.Commune, "O1OO4", "writtenOtherwise commune 01004"},
		{gazetteer.Commune, " 49007", "writtenOtherwise commune 49007"},
		{gazetteer.EPCI, "244 400 404", "writtenOtherwise epci 244400404"},

		{gazetteer.Commune, "216802249", "siren commune 68224"},
		{gazetteer.Departement, "216802249", "siren departement 68"},

		{gazetteer.Region, "35", "otherLevel region 53"},
		{gazetteer.Departement, "49007", "otherLevel departement 49"},
		{gazetteer.EPCI, "49007", "otherLevel epci 244900015"},
		{gazetteer.Commune, "49", "otherLevel departement 49"},
		{gazetteer.Commune, "53", "otherLevel departement 53, otherLevel region 53"},
		{gazetteer.Departement, "200066009", "otherLevel departement 68"},

		{gazetteer.Commune, "Mulouse", "name commune 68224"},
		{gazetteer.Region, "Bretagne", "name region 53"},
		{gazetteer.Commune, "Mérignac (33)", "name commune 33281"},

		{gazetteer.EPCI, "20006600", "nearSpelling epci 200066009"},
		{gazetteer.EPCI, "200066090", "nearSpelling epci 200066009"},
		{gazetteer.Commune, "490007", "nearSpelling commune 49007, nearSpelling commune 90007, nearSpelling commune 40007"},

		{gazetteer.Commune, "68224", ""}, // exists
		{gazetteer.Commune, "", ""},
		{gazetteer.Commune, "99999", ""},
		{gazetteer.Commune, "zz", ""},
		{gazetteer.Commune, strings.Repeat("0", 1000), ""},
		{"canton", "zz", ""},
	} {
		var got []string
		for _, s := range g.Suggest(tc.level, tc.code) {
			got = append(got, fmt.Sprintf("%s %s %s", s.Cause, s.Territory.Level, s.Territory.Code))
		}
		if strings.Join(got, ", ") != tc.want {
			t.Errorf("%s %q: got %q, want %q", tc.level, tc.code, strings.Join(got, ", "), tc.want)
		}
	}
}

// FuzzSuggest holds that a code that exists is left alone, and that what is suggested exists and comes once.
func FuzzSuggest(f *testing.F) {
	for _, code := range []string{"", "1004", "O1004", "75111", "2a", "Mulouse", "é", "\xff", "216802249", "9300.0"} {
		f.Add(code, uint8(0))
	}
	g := load(f)
	f.Fuzz(func(t *testing.T, code string, n uint8) {
		level := append(gazetteer.Levels(), "", "canton")[n%6]
		suggestions := g.Suggest(level, code)
		if _, ok := g.Lookup(level, code); ok && len(suggestions) > 0 {
			t.Errorf("%s %q exists, and gives %v", level, code, suggestions)
		}
		seen := map[gazetteer.Ref]bool{}
		for _, s := range suggestions {
			ref := s.Territory.Ref()
			if _, ok := g.Lookup(ref.Level, ref.Code); !ok || seen[ref] {
				t.Errorf("%s %q: %v comes twice or does not exist", level, code, ref)
			}
			seen[ref] = true
		}
	})
}

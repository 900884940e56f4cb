package gazetteer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, tc := range []struct{ q, want string }{ // the first territories found, as codes
		// names
		{"Mulhouse", "68224 200066009"},
		{"mulh", "68224 67307"},
		{"MULHOUSE ", "68224"},
		{"ile d yeu", "85113"},
		{"L’Île-d’Yeu", "85113"},
		{"ile yeu", "85113"},
		{"I\u0302le-d'Yeu", "85113"}, // an accent of its own
		{"l'haÿ", "94038"},
		{"hay les roses", "94038"},
		{"saint denis", "97411 93066"},
		{"st-denis", "97411 93066"},
		{"st", "56201 244200770 67482 42218"}, // Le Saint, Saint-Étienne, Strasbourg
		{"ste marie", "97418"},
		{"denis", "93 97411 93066"}, // Seine-Saint-Denis,
		{"havre", "76351"},
		{"la r", "974 04 17300"},
		{"les roches", "38340"},
		{"rochelle", "17300 70450"},
		{"Œuilly", "51410 02565"},
		{"oeuilly", "51410 02565"},
		{"paris", "75056 75"},
		{"bretagne", "53 90019"},
		{"grand paris", "200054781"},
		{"val d'", "94 95"},
		{"villeneuve les avignon", "30351"},
		{"villeneuve-lez-avignon", "30351"},
		// names and where
		{"Angers (49)", "49007"},
		{"mérignac 33", "33281"},
		{"Saint-Denis 93200", "93066"},
		{"ajaccio 2a", "2A004"},
		// codes
		{"44", "44 44 44109"},
		{"2a004", "2A004"},
		{"49007", "49007"},
		{"216802249", "68224"},
		{"200066009", "200066009"},
		{"200066", "200066009"},
		// postal codes
		{"75011", "75056"},
		{"68100", "68100 68224"}, // Fulleren has this code, Mulhouse this postal code
		{"6810", "68224"},
		// spelling
		{"mulouse", "68224"},
		{"mulhousse", "68224"},
		{"mulhuose", "68224"},
		{"milhouse", "68224"},
		{"saintdenis", "97411"},
		// nothing
		{"", ""},
		{" -'", ""},
		{"nowhere at all", ""},
		{strings.Repeat("saint ", 100), ""},
		{"00000", ""},
		{"\xff\xfe", ""},
	} {
		got := codes(g.Search(tc.q, gazetteer.SearchOptions{}))
		if !strings.HasPrefix(got+" ", tc.want+" ") || tc.want == "" && got != "" {
			t.Errorf("%q: got %q, want %q first", tc.q, got, tc.want)
		}
	}
}

func TestSearch_Options(t *testing.T) {
	t.Parallel()
	g := load(t)
	ref := func(level gazetteer.Level, code string) gazetteer.Ref { return gazetteer.Ref{Level: level, Code: code} }
	for _, tc := range []struct {
		name string
		q    string
		o    gazetteer.SearchOptions
		want string
	}{
		{"one level", "paris", gazetteer.SearchOptions{Levels: []gazetteer.Level{gazetteer.Departement}}, "75"},
		{"two levels", "44", gazetteer.SearchOptions{Levels: []gazetteer.Level{gazetteer.Departement, gazetteer.Region}}, "44 44"},
		{"a level that there is not", "paris", gazetteer.SearchOptions{Levels: []gazetteer.Level{"canton"}}, ""},
		{"a limit", "saint", gazetteer.SearchOptions{Limit: 1}, "56201"},
		{"within a département", "saint-denis", gazetteer.SearchOptions{Within: ref(gazetteer.Departement, "93"), Limit: 1}, "93066"},
		{"within a région", "saint-denis", gazetteer.SearchOptions{Within: ref(gazetteer.Region, "04"), Limit: 1}, "97411"},
		{"within an EPCI", "saint", gazetteer.SearchOptions{Within: ref(gazetteer.EPCI, "244400404")}, "44162 44190 44172 44166 44150 44171"},
		{"an EPCI that crosses a border", "grand paris", gazetteer.SearchOptions{Within: ref(gazetteer.Departement, "91")}, "200054781 200059228"},
		{"within nothing known", "saint", gazetteer.SearchOptions{Within: ref(gazetteer.Departement, "00")}, ""},
		{"misspelt elsewhere", "mulouse", gazetteer.SearchOptions{Within: ref(gazetteer.Departement, "49")}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := codes(g.Search(tc.q, tc.o)); got != tc.want {
				t.Errorf("%q: got %q, want %q", tc.q, got, tc.want)
			}
		})
	}
	if got := g.Search("saint", gazetteer.SearchOptions{}); len(got) != 10 {
		t.Errorf("without a limit: %d", len(got))
	}
	if got := g.Search("saint", gazetteer.SearchOptions{Limit: 100_000}); len(got) != 1_000 {
		t.Errorf("with a high limit: %d", len(got))
	}
}

// Whichever letter of a name is wrong, the name is found.
func TestSearch_OneLetterWrong(t *testing.T) {
	t.Parallel()
	g := load(t)
	const name, code = "strasbourg", "67482"
	for i := range name {
		typos := []string{name[:i] + name[i+1:], name[:i] + "x" + name[i+1:], name[:i] + "x" + name[i:]}
		if i > 0 {
			typos = append(typos, name[:i-1]+name[i:i+1]+name[i-1:i]+name[i+1:])
		}
		for _, typo := range typos {
			if got := codes(g.Search(typo, gazetteer.SearchOptions{Limit: 100})); !strings.Contains(got, code) {
				t.Errorf("%q: got %q", typo, got)
			}
		}
	}
}

// FuzzSearch holds that whatever is asked, the answer keeps to the options and names nothing twice.
func FuzzSearch(f *testing.F) {
	for _, q := range []string{"", "mulh", "L’Haÿ", "44", "2a", "saint denis 974", "st", "d'", "\u0301", "ﬁ", "\xff", "0 0", "é", "a\nb"} {
		f.Add(q, uint8(0), 3)
	}
	g := load(f)
	f.Fuzz(func(t *testing.T, q string, levels uint8, limit int) {
		o := gazetteer.SearchOptions{Limit: limit}
		for i, level := range gazetteer.Levels() {
			if levels&(1<<i) != 0 {
				o.Levels = append(o.Levels, level)
			}
		}
		found := g.Search(q, o)
		if len(found) > max(limit, 10) {
			t.Errorf("%d found, %d asked for", len(found), limit)
		}
		seen := map[gazetteer.Ref]bool{}
		for _, territory := range found {
			if seen[territory.Ref()] {
				t.Errorf("%v comes twice", territory.Ref())
			}
			seen[territory.Ref()] = true
			if len(o.Levels) > 0 && !slices.Contains(o.Levels, territory.Level) {
				t.Errorf("%v is of no level asked for", territory.Ref())
			}
		}
	})
}

func codes(territories []gazetteer.Territory) string {
	var all []string
	for _, t := range territories {
		all = append(all, t.Code)
	}
	return strings.Join(all, " ")
}

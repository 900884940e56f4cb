package gazetteer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

func load(t testing.TB) *gazetteer.Gazetteer {
	t.Helper()
	g, err := gazetteer.Load()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func Example() {
	g, err := gazetteer.Load()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range g.Search("st-denis", gazetteer.SearchOptions{Limit: 2}) {
		fmt.Println(t.Code, t.Name, t.Departement)
	}
	for _, t := range g.Find("44") {
		fmt.Println(t.Level, t.Name)
	}
	for _, s := range g.Suggest(gazetteer.Commune, "1004") {
		fmt.Println(s.Cause, s.Territory.Code, s.Territory.Name)
	}
	metres, _ := g.Distance(gazetteer.Commune, "68224", 7.3389, 48.1661)
	fmt.Printf("%.0f km from Mulhouse\n", metres/1000)
	// Output:
	// 97411 Saint-Denis 974
	// 93066 Saint-Denis 93
	// departement Loire-Atlantique
	// region Grand Est
	// lostZero 01004 Ambérieu-en-Bugey
	// 44 km from Mulhouse
}

func TestLookup(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, tc := range []struct {
		level gazetteer.Level
		code  string
		want  string // as JSON, or "" for none
	}{
		{gazetteer.Commune, "68224", `{"level":"commune","code":"68224","name":"Mulhouse","population":104978,"center":[7.32561,47.75267],` +
			`"postalCodes":["68100","68200"],"departement":"68","region":"44","epci":"200066009","siren":"216802249"}`},
		{gazetteer.Commune, "85113", `{"level":"commune","code":"85113","name":"L'Île-d'Yeu","population":4883,"center":[-2.34137,46.71001],` +
			`"postalCodes":["85350"],"departement":"85","region":"52","siren":"218501138"}`},
		{gazetteer.Commune, "98411", `{"level":"commune","code":"98411","name":"Îles Saint-Paul et Nouvelle-Amsterdam","population":0,"departement":"984","region":"984"}`},
		{gazetteer.EPCI, "244400404", `{"level":"epci","code":"244400404","name":"Nantes Métropole","kind":"METRO","population":683981,"center":[-1.5701,47.22854],` +
			`"departement":"44","region":"52","siren":"244400404"}`},
		{gazetteer.Departement, "75", `{"level":"departement","code":"75","name":"Paris","population":2103778,"center":[2.3522,48.8566],"region":"11","chiefTown":"75056"}`},
		{gazetteer.Region, "75", `{"level":"region","code":"75","name":"Nouvelle-Aquitaine","population":6150451,"center":[-0.16182,45.08513],"chiefTown":"33063"}`},
		{gazetteer.Commune, "75", ""},
		{gazetteer.Commune, "2a004", ""},
		{gazetteer.Region, "", ""},
		{"canton", "75", ""},
		{"", "75", ""},
	} {
		got, ok := g.Lookup(tc.level, tc.code)
		if ok != (tc.want != "") {
			t.Errorf("%s %q: found %v", tc.level, tc.code, ok)
			continue
		}
		if text, err := json.Marshal(got); ok && (err != nil || string(text) != tc.want) {
			t.Errorf("%s %q: got\n%s\nwant\n%s (%v)", tc.level, tc.code, text, tc.want, err)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	g := load(t)
	for code, want := range map[string]string{
		"44":        "departement Loire-Atlantique, region Grand Est",
		"53":        "departement Mayenne, region Bretagne",
		"93":        "departement Seine-Saint-Denis, region Provence-Alpes-Côte d'Azur",
		"2A":        "departement Corse-du-Sud",
		"49007":     "commune Angers",
		"200046977": "epci Métropole de Lyon",
		"1004":      "",
		"":          "",
	} {
		if got := levelsAndNames(g.Find(code)); got != want {
			t.Errorf("%q: got %q, want %q", code, got, want)
		}
	}
}

func TestParents(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, tc := range []struct {
		of   gazetteer.Ref
		want string
	}{
		{gazetteer.Ref{Level: gazetteer.Commune, Code: "49007"}, "epci CU Angers Loire Métropole, departement Maine-et-Loire, region Pays de la Loire"},
		{gazetteer.Ref{Level: gazetteer.Commune, Code: "85113"}, "departement Vendée, region Pays de la Loire"},
		{gazetteer.Ref{Level: gazetteer.EPCI, Code: "200054781"}, "departement Paris, departement Seine-Saint-Denis, departement Hauts-de-Seine, departement Val-de-Marne, departement Essonne, departement Val-d'Oise, region Île-de-France"},
		{gazetteer.Ref{Level: gazetteer.Departement, Code: "44"}, "region Pays de la Loire"},
		{gazetteer.Ref{Level: gazetteer.Region, Code: "44"}, ""},
	} {
		of, ok := g.Lookup(tc.of.Level, tc.of.Code)
		if got := levelsAndNames(g.Parents(of)); !ok || got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.of, got, tc.want)
		}
	}
	if got := g.Parents(gazetteer.Territory{Level: gazetteer.Commune, Code: "00000"}); got != nil {
		t.Errorf("parents of nothing: %v", got)
	}
}

func TestChildren(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, tc := range []struct {
		level gazetteer.Level
		of    gazetteer.Ref
		count int
		first string
	}{
		{gazetteer.Departement, gazetteer.Ref{Level: gazetteer.Region, Code: "53"}, 4, "Côtes-d'Armor"},
		{gazetteer.Commune, gazetteer.Ref{Level: gazetteer.Departement, Code: "75"}, 1, "Paris"},
		{gazetteer.Commune, gazetteer.Ref{Level: gazetteer.EPCI, Code: "244400404"}, 24, "Basse-Goulaine"},
		{gazetteer.EPCI, gazetteer.Ref{Level: gazetteer.Departement, Code: "91"}, 13, "Métropole du Grand Paris"}, // that of Paris too
		{gazetteer.Commune, gazetteer.Ref{Level: gazetteer.Commune, Code: "75056"}, 0, ""},
		{gazetteer.Region, gazetteer.Ref{Level: gazetteer.Region, Code: "53"}, 0, ""},
		{gazetteer.Commune, gazetteer.Ref{Level: gazetteer.Region, Code: "00"}, 0, ""},
		{"canton", gazetteer.Ref{Level: gazetteer.Region, Code: "53"}, 0, ""},
	} {
		got := g.Children(tc.level, tc.of)
		if len(got) != tc.count || len(got) > 0 && !strings.Contains(levelsAndNames(got), tc.first) {
			t.Errorf("%ss of %v: got %d, %s", tc.level, tc.of, len(got), levelsAndNames(got))
		}
	}
}

func TestPopulationClass(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "lt500", 499: "lt500", 500: "500_3499", 3_499: "500_3499", 3_500: "3500_9999", 9_999: "3500_9999", 10_000: "10000_19999",
		19_999: "10000_19999", 20_000: "20000_49999", 50_000: "50000_99999", 99_999: "50000_99999", 100_000: "100000_299999",
		299_999: "100000_299999", 300_000: "ge300000", 68_000_000: "ge300000",
	} {
		if got := gazetteer.PopulationClass(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

// What is embedded ends up in every binary.
func TestEmbeddedSize(t *testing.T) {
	t.Parallel()
	total := int64(0)
	for _, name := range []string{"data/territories.gz", "data/outlines.gz"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 1_200_000 {
		t.Errorf("%d bytes are embedded, more than 1.2 MB", total)
	}
}

func levelsAndNames(territories []gazetteer.Territory) string {
	var names []string
	for _, t := range territories {
		names = append(names, string(t.Level)+" "+t.Name)
	}
	return strings.Join(names, ", ")
}

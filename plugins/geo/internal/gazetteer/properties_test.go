package gazetteer_test

import (
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

// The tests of this file hold for the data as much as for the code: they are what new data must pass.

func TestData_Counts(t *testing.T) {
	t.Parallel()
	g := load(t)
	for level, want := range map[gazetteer.Level]int{gazetteer.Commune: 34_969, gazetteer.EPCI: 1_255, gazetteer.Departement: 109, gazetteer.Region: 26} {
		if got := len(g.All(level)); got != want {
			t.Errorf("%s: got %d, want %d", level, got, want)
		}
	}
}

// Every commune lies where its code says, and its département lies in its région.
func TestData_CommunesLieSomewhere(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, commune := range g.All(gazetteer.Commune) {
		departement, ok := g.Lookup(gazetteer.Departement, commune.Departement)
		if !ok || departement.Region != commune.Region || !strings.HasPrefix(commune.Code, commune.Departement) {
			t.Errorf("%v: département %s, région %s", commune.Ref(), commune.Departement, commune.Region)
		}
		if _, ok := g.Lookup(gazetteer.Region, commune.Region); !ok {
			t.Errorf("%v: no région %s", commune.Ref(), commune.Region)
		}
		if _, ok := g.Lookup(gazetteer.EPCI, commune.EPCI); !ok && commune.EPCI != "" {
			t.Errorf("%v: no EPCI %s", commune.Ref(), commune.EPCI)
		}
	}
}

// Every EPCI has communes and lies in the département and région where it is said to.
func TestData_EPCILieSomewhere(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, epci := range g.All(gazetteer.EPCI) {
		parents := g.Parents(epci)
		if len(parents) < 2 || parents[0].Code != epci.Departement || epci.Kind == "" || epci.Center == nil {
			t.Errorf("%v: %+v, in %s", epci.Ref(), epci, levelsAndNames(parents))
		}
	}
}

func TestData_ChiefTowns(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, level := range []gazetteer.Level{gazetteer.Departement, gazetteer.Region} {
		for _, territory := range g.All(level) {
			chief, ok := g.Lookup(gazetteer.Commune, territory.ChiefTown)
			elsewhere := territory.Code == "984" // the southern lands are governed from Saint-Pierre, says the list
			if !ok || !elsewhere && chief.Departement != territory.Code && chief.Region != territory.Code {
				t.Errorf("%v: %s", territory.Ref(), territory.ChiefTown)
			}
		}
	}
}

func TestData_Populations(t *testing.T) {
	t.Parallel()
	g := load(t)
	sums := map[gazetteer.Level]int{}
	for _, level := range gazetteer.Levels() {
		for _, territory := range g.All(level) {
			sums[level] += territory.Population
		}
	}
	if all := sums[gazetteer.Commune]; all < 68_000_000 || all != sums[gazetteer.Departement] || all != sums[gazetteer.Region] {
		t.Errorf("got %v", sums)
	}
}

// A SIREN ends in a check digit (Luhn).
func TestData_SIREN(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, level := range []gazetteer.Level{gazetteer.Commune, gazetteer.EPCI} {
		for _, territory := range g.All(level) {
			if territory.SIREN != "" && !luhn(territory.SIREN) {
				t.Errorf("%v: %s", territory.Ref(), territory.SIREN)
			}
		}
	}
}

func luhn(digits string) bool {
	sum := 0
	for i, c := range digits {
		n := int(c - '0')
		if (len(digits)-i)%2 == 0 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return len(digits) == 9 && sum%10 == 0
}

// Every centre lies in the territory and in what that lies in, as far as outlines go.
func TestData_Centres(t *testing.T) {
	t.Parallel()
	g := load(t)
	without := 0
	for _, commune := range g.All(gazetteer.Commune) {
		if commune.Center == nil {
			without++
			continue
		}
		if metres, ok := g.Distance(gazetteer.Commune, commune.Code, commune.Center[0], commune.Center[1]); !ok || metres != 0 {
			t.Errorf("%v is %.0f m from itself, %v", commune.Ref(), metres, ok)
		}
		if inside, known := g.Contains(gazetteer.Departement, commune.Departement, commune.Center[0], commune.Center[1]); known && !inside {
			t.Errorf("%v lies outside its département", commune.Ref())
		}
	}
	if without != 100 {
		t.Errorf("%d communes have no centre", without)
	}
}

// The name of a territory finds it: what comes first has this name, and the territory is among those of its département.
func TestData_NamesFind(t *testing.T) {
	t.Parallel()
	g := load(t)
	for _, level := range gazetteer.Levels() {
		all := g.All(level)
		for i := 0; i < len(all); i += max(1, len(all)/500) {
			findByName(t, g, all[i])
		}
	}
}

func findByName(t *testing.T, g *gazetteer.Gazetteer, want gazetteer.Territory) {
	t.Helper()
	o := gazetteer.SearchOptions{Levels: []gazetteer.Level{want.Level}, Limit: 20}
	if want.Level == gazetteer.Commune {
		o.Within = gazetteer.Ref{Level: gazetteer.Departement, Code: want.Departement}
	}
	found := g.Search(want.Name, o)
	for _, territory := range found {
		if territory.Code == want.Code {
			return
		}
		if !strings.EqualFold(territory.Name, want.Name) {
			break
		}
	}
	if byCode := g.Search(want.Code, o); len(byCode) > 0 && byCode[0].Code == want.Code {
		t.Logf("%v %s is found by code only, its name finds %s", want.Ref(), want.Name, levelsAndNames(found[:min(len(found), 1)]))
		return
	}
	t.Errorf("%v %s is found neither by name nor by code", want.Ref(), want.Name)
}

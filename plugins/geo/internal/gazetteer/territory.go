package gazetteer

import "slices"

// A Level is a tier of territories.
type Level string

// The levels, from the smallest territories to the largest.
const (
	Commune     Level = "commune"
	EPCI        Level = "epci" // intermunicipal bodies with their own taxes: communities, metropolises
	Departement Level = "departement"
	Region      Level = "region"
)

// Levels lists the levels, from the smallest territories to the largest.
func Levels() []Level { return slices.Clone(levels) }

// levels stand in the order of the packed table.
var levels = []Level{Commune, EPCI, Departement, Region}

// A Ref names one territory. A code alone does not: 44 is Loire-Atlantique and Grand Est.
type Ref struct {
	Level Level  `json:"level"`
	Code  string `json:"code"`
}

// A Territory is what is known of one. What is not known, or has no meaning at its level, is empty.
type Territory struct {
	Level Level  `json:"level"`
	Code  string `json:"code"` // INSEE code; of an EPCI its SIREN
	Name  string `json:"name"`
	Kind  string `json:"kind,omitempty"` // of an EPCI: CC, CA, CU, METRO, MET69

	// Population is the municipal population: published for communes and EPCI, the sum of their communes for
	// départements and régions. The vintages of communes and EPCI differ, so that an EPCI is not exactly the sum of its
	// communes. Uninhabited territories have 0.
	Population int `json:"population"`

	// Center is longitude and latitude. Of a commune it is published, of the others the mean of their communes' centres,
	// weighted by population. It is nil where no commune has one.
	Center *[2]float64 `json:"center,omitempty"`

	PostalCodes []string `json:"postalCodes,omitempty"` // of a commune

	// Departement and Region are codes. An EPCI may lie in several: these are where most of its people live, and Parents
	// has them all.
	Departement string `json:"departement,omitempty"`
	Region      string `json:"region,omitempty"`

	EPCI      string `json:"epci,omitempty"`      // of a commune
	ChiefTown string `json:"chiefTown,omitempty"` // of départements and régions: a commune's code
	SIREN     string `json:"siren,omitempty"`     // of communes and EPCI
}

// Ref gives the name of a territory among the others.
func (t Territory) Ref() Ref { return Ref{t.Level, t.Code} }

// PopulationClass gives the code of the class of size that n inhabitants belong to, as the field populationClass of a
// fiche has it: lt500, 500_3499, 3500_9999, 10000_19999, 20000_49999, 50000_99999, 100000_299999 or ge300000.
func PopulationClass(n int) string {
	for _, c := range classes {
		if n < c.below {
			return c.code
		}
	}
	return "ge300000"
}

var classes = []struct {
	below int
	code  string
}{
	{500, "lt500"},
	{3_500, "500_3499"},
	{10_000, "3500_9999"},
	{20_000, "10000_19999"},
	{50_000, "20000_49999"},
	{100_000, "50000_99999"},
	{300_000, "100000_299999"},
}

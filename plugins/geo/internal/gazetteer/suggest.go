package gazetteer

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A Cause is why a code was probably not found.
type Cause string

// The causes.
const (
	WrittenOtherwise   Cause = "writtenOtherwise" // spaces, small letters, letters for digits: "2a 004", "O1004"
	LostZero           Cause = "lostZero"         // a spreadsheet took it for a number: "1004"
	PostalCodeGiven    Cause = "postalCode"       // a postal code instead of an INSEE code, perhaps without its zero
	SIRENGiven         Cause = "siren"            // the SIREN of a commune instead of its INSEE code
	ArrondissementCode Cause = "arrondissement"   // of Paris, Lyon or Marseille instead of the whole commune
	OtherLevel         Cause = "otherLevel"       // the code of a territory of another level
	NameGiven          Cause = "name"             // a name instead of a code
	NearSpelling       Cause = "nearSpelling"     // one character is wrong, missing, too many, or exchanged
)

const (
	mostSuggestions = 5
	longestCode     = 100
)

// A Suggestion is what was probably meant.
type Suggestion struct {
	Cause     Cause     `json:"cause"`
	Territory Territory `json:"territory"`
}

// Suggest tells what was probably meant by a code that does not exist at a level: up to five territories, those of the
// likeliest cause first and of each cause the most populous. A code may have several causes: 9300 has lost a zero, but it
// may have been the code of Soula or the postal code of Lavelanet. Suggest says nothing of a code that does exist. The
// zero Level means any.
//
// The territories are of the level asked for, except that a code of another level may lead to nothing there but to
// itself: "49" is no commune, but the département Maine-et-Loire. Communes that have merged are not known.
func (g *Gazetteer) Suggest(level Level, code string) []Suggestion {
	asked := []Level{level}
	if level == "" {
		asked = levels
	}
	if len(code) > longestCode || len(g.at(asked, code)) > 0 {
		return nil
	}
	for _, guesses := range [][]guess{mistakenCodes, names, misspeltCodes} {
		if found := g.explain(guesses, asked, code); len(found) > 0 {
			return found[:min(len(found), mostSuggestions)]
		}
	}
	return nil
}

// A guess finds the territories that a cause explains a code by, best first.
type guess struct {
	cause Cause
	find  func(g *Gazetteer, asked []Level, code string) []int32
}

// What is less likely is looked for only if nothing else explains a code.
var (
	mistakenCodes = []guess{
		{WrittenOtherwise, func(g *Gazetteer, asked []Level, code string) []int32 { return g.at(asked, tidy(code)) }},
		{LostZero, func(g *Gazetteer, asked []Level, code string) []int32 { return g.at(asked, "0"+tidy(code)) }},
		{ArrondissementCode, (*Gazetteer).ofArrondissement},
		{PostalCodeGiven, (*Gazetteer).ofPostalCode},
		{SIRENGiven, (*Gazetteer).ofSIREN},
		{OtherLevel, (*Gazetteer).ofOtherLevel},
	}
	names         = []guess{{NameGiven, (*Gazetteer).ofName}}
	misspeltCodes = []guess{{NearSpelling, (*Gazetteer).ofSpelling}}
)

func (g *Gazetteer) explain(guesses []guess, asked []Level, code string) []Suggestion {
	var suggestions []Suggestion
	known := map[int32]bool{}
	for _, guess := range guesses {
		for _, i := range guess.find(g, asked, code) {
			if !known[i] {
				known[i] = true
				suggestions = append(suggestions, Suggestion{guess.cause, g.territory(i)})
			}
		}
	}
	return suggestions
}

// populous puts the territories with the most people first.
func (g *Gazetteer) populous(found []int32) []int32 {
	slices.SortStableFunc(found, func(a, b int32) int { return cmp.Compare(g.rows[b].Population, g.rows[a].Population) })
	return found
}

// at gives the territories that have a code at some levels.
func (g *Gazetteer) at(asked []Level, code string) []int32 {
	var found []int32
	for _, level := range asked {
		if i, ok := g.place(level, code); ok {
			found = append(found, i)
		}
	}
	return found
}

// tidy writes a code as codes are written: "2a 004", "O1004", and "1004.0", which a spreadsheet took for a measure.
func tidy(code string) string {
	code = strings.TrimSuffix(strings.TrimSpace(code), ".0")
	return digits.Replace(strings.ToUpper(strings.Join(strings.FieldsFunc(code, between), "")))
}

var digits = strings.NewReplacer("O", "0", "I", "1", "L", "1")

func between(r rune) bool { return slowFold(r) == " " }

func (g *Gazetteer) ofArrondissement(asked []Level, code string) []int32 {
	n, err := strconv.Atoi(tidy(code))
	if err != nil || !slices.Contains(asked, Commune) {
		return nil
	}
	for _, a := range arrondissements {
		if a.from <= n && n <= a.to {
			return g.at([]Level{Commune}, a.commune)
		}
	}
	return nil
}

// arrondissements are the codes of the municipal arrondissements, which are no communes.
var arrondissements = []struct {
	from, to int
	commune  string
}{{75101, 75120, "75056"}, {69381, 69389, "69123"}, {13201, 13216, "13055"}}

func (g *Gazetteer) ofPostalCode(asked []Level, code string) []int32 {
	code = tidy(code)
	if len(code) == postalLength-1 {
		code = "0" + code
	}
	if len(code) != postalLength {
		return nil
	}
	var communes []int32
	for i := range g.columns().postal.find(code) {
		communes = append(communes, i)
	}
	return g.upTo(asked, g.populous(communes))
}

func (g *Gazetteer) ofSIREN(asked []Level, code string) []int32 {
	i, ok := g.withSIREN(tidy(code))
	if !ok {
		return nil
	}
	return g.upTo(asked, []int32{i})
}

// ofOtherLevel gives what the territory of another level lies in, at the levels asked for; or else the territory itself.
func (g *Gazetteer) ofOtherLevel(asked []Level, code string) []int32 {
	found := g.at(levels, tidy(code))
	if len(found) == 0 {
		found = g.at(levels, "0"+tidy(code))
	}
	if up := g.upTo(asked, found); len(up) > 0 {
		return up
	}
	return found
}

// upTo gives those of some territories, and of what they lie in, that are of the levels asked for. Asked for any level,
// it gives the territories themselves.
func (g *Gazetteer) upTo(asked []Level, places []int32) []int32 {
	var found []int32
	for _, i := range places {
		for _, candidate := range append([]int32{i}, g.parents(i)...) {
			if slices.Contains(asked, g.levelOf(candidate)) && !slices.Contains(found, candidate) {
				found = append(found, candidate)
				break
			}
		}
	}
	return found
}

// ofName gives the best territories that a name finds, best first.
func (g *Gazetteer) ofName(asked []Level, code string) []int32 {
	if codeLike(strings.ToUpper(code)) {
		return nil
	}
	s, _ := g.newSearch(SearchOptions{Levels: asked})
	s.addNames(code)
	return s.best(mostSuggestions)
}

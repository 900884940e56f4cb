package gazetteer

import "slices"

const codeCharacters = "0123456789AB"

// ofSpelling gives the territories whose codes differ from what was written in one character: those that two exchanged
// digits make, if there are any, since a changed digit makes dozens.
func (g *Gazetteer) ofSpelling(asked []Level, code string) []int32 {
	code = tidy(code)
	if !codeLike(code) {
		return nil
	}
	if found := g.anyOf(asked, exchanged(code)); len(found) > 0 {
		return found
	}
	return g.anyOf(asked, edited(code))
}

func (g *Gazetteer) anyOf(asked []Level, codes []string) []int32 {
	var found []int32
	for _, code := range codes {
		for _, i := range g.at(asked, code) {
			if !slices.Contains(found, i) {
				found = append(found, i)
			}
		}
	}
	return g.populous(found)
}

// exchanged gives the codes that differ by two neighbours.
func exchanged(code string) []string {
	var codes []string
	for i := 1; i < len(code); i++ {
		codes = append(codes, code[:i-1]+code[i:i+1]+code[i-1:i]+code[i+1:])
	}
	return codes
}

// edited gives the codes without one of the characters, with one more, and with another one.
func edited(code string) []string {
	var codes []string
	for i := range len(code) + 1 {
		for _, c := range codeCharacters {
			codes = append(codes, code[:i]+string(c)+code[i:])
			if i < len(code) {
				codes = append(codes, code[:i]+string(c)+code[i+1:])
			}
		}
		if i < len(code) {
			codes = append(codes, code[:i]+code[i+1:])
		}
	}
	return codes
}

package schema

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// The limits of patterns: their text, the program that they become, and the steps that one match may take. A match
// is linear in the text (RE2), but the factor is the size of the program.
const (
	maxPattern      = 1_000
	maxPatternSize  = 2_000
	maxPatternNames = 20
	maxNameSize     = 200 // of a pattern of names
	maxSteps        = 2_000_000
)

// onlyInGo finds what the browsers' regular expressions do not know.
var onlyInGo = regexp.MustCompile(`\(\?[a-zA-Z-]+[:)]|\(\?P<|\\[AzQE]|\[\[:`)

// pattern is a compiled pattern and how much it can cost.
type pattern struct {
	re   *regexp.Regexp
	size int
}

// matches reports whether a text has the pattern; one that is too long to tell has not.
func (p *pattern) matches(s string) bool {
	return len(s)*p.size <= maxSteps && p.re.MatchString(s)
}

// newPattern compiles a pattern, or says what is wrong with it.
func newPattern(v any, limit int) (*pattern, core.Text) {
	s, ok := v.(string)
	if !ok || len(s) > maxPattern {
		return nil, say("Un modèle est un texte de %d caractères au plus.", "A pattern is a text of at most %d characters.", maxPattern)
	}
	parsed, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, say("Le modèle n’est pas une expression RE2 (ni regard en avant ni référence arrière) : %s", "The pattern is no RE2 expression (no look-around, no back-reference): %s", reason(err))
	}
	size := sizeOf(parsed)
	if size > limit {
		return nil, say("Le modèle est trop coûteux : comptez les caractères par maxLength.", "The pattern costs too much: count characters by maxLength.")
	}
	if onlyInGo.MatchString(s) {
		return nil, say("Le modèle doit aussi valoir dans les navigateurs : sans (?i), (?P<nom>), \\A, \\z ni [[:classe:]].", "The pattern must work in browsers too: without (?i), (?P<name>), \\A, \\z or [[:class:]].")
	}
	if tangled(parsed) {
		return nil, say("Le modèle répète sans limite ce qui se répète déjà, comme (a+)+ : un navigateur peut ne jamais finir. Une seule répétition suffit.", "The pattern repeats without end what repeats already, like (a+)+: a browser may never be done with it. One repetition is enough.")
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, say("Le modèle n’est pas une expression RE2 : %s", "The pattern is no RE2 expression: %s", reason(err))
	}
	return &pattern{re, max(size, 1)}, nil
}

// tangled reports whether a repetition without end holds nothing but another, or a choice of which one is. Here that costs
// no more than any pattern; the engines of browsers try every way of dividing the text between the two.
func tangled(re *syntax.Regexp) bool {
	if endless(re) && repeats(re.Sub[0]) {
		return true
	}
	return slices.ContainsFunc(re.Sub, tangled)
}

func endless(re *syntax.Regexp) bool {
	return re.Op == syntax.OpStar || re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat && re.Max < 0
}

// repeats reports whether an expression is a repetition without end, however it is wrapped.
func repeats(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpCapture, syntax.OpQuest:
		return repeats(re.Sub[0])
	case syntax.OpAlternate:
		return slices.ContainsFunc(re.Sub, repeats)
	}
	return endless(re)
}

// reason takes the prefix off an error of package regexp.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "error parsing regexp: ") }

// sizeOf is about how many instructions an expression becomes, its repetitions written out.
func sizeOf(re *syntax.Regexp) int {
	size := 1
	if re.Op == syntax.OpLiteral {
		size = len(re.Rune)
	}
	for _, sub := range re.Sub {
		size += sizeOf(sub)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return min(size, 1<<30)
}

package osm

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

// Limits of a filter; what people write stays far below.
const (
	maxExpression = 4096
	maxConditions = 32
	maxValues     = 256
)

// ParseFilter reads a filter from its expressions, all of which hold. The error says at which character of which
// expression it stumbled, and what to write.
func ParseFilter(expressions ...string) (Filter, error) {
	var f Filter
	for _, text := range expressions {
		p := &parser{text: text}
		if err := p.checkText(); err != nil {
			return Filter{}, err
		}
		conditions, err := p.conditions()
		if err != nil {
			return Filter{}, err
		}
		f.Conditions = append(f.Conditions, conditions...)
	}
	return f, f.check()
}

func (f Filter) check() error {
	if len(f.Conditions) > maxConditions {
		return refuse(fmt.Sprintf("A filter has at most %d conditions, this one has %d.", maxConditions, len(f.Conditions)),
			fmt.Sprintf("Un filtre a %d conditions au plus, celui-ci en a %d.", maxConditions, len(f.Conditions)))
	}
	for _, c := range f.Conditions {
		if !c.Not {
			return nil
		}
	}
	return refuse("The filter asks for no tag. Write one that must be there, such as amenity=townhall or highway.",
		"Le filtre ne demande aucune étiquette. Écrivez-en une qui doit être là, par exemple amenity=townhall ou highway.")
}

// parser reads one expression from left to right.
type parser struct {
	text string
	at   int // the byte it has reached
}

func (p *parser) checkText() error {
	if len(p.text) > maxExpression {
		return refuse(fmt.Sprintf("A filter is at most %d bytes long.", maxExpression), fmt.Sprintf("Un filtre compte au plus %d octets.", maxExpression))
	}
	if !utf8.ValidString(p.text) || strings.ContainsFunc(p.text, unicode.IsControl) {
		return refuse("The filter contains bytes that are no text. Write it anew.", "Le filtre contient des octets qui ne sont pas du texte. Réécrivez-le.")
	}
	return nil
}

func (p *parser) conditions() ([]Condition, error) {
	var all []Condition
	for {
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		more, err := p.and()
		if err != nil || !more {
			return all, err
		}
	}
}

func (p *parser) condition() (Condition, error) {
	key, quoted, err := p.word("a key like amenity", "une clé comme amenity")
	if err != nil {
		return Condition{}, err
	}
	if !quoted && strings.EqualFold(key, "and") {
		return Condition{}, p.fail(`a key stands on both sides of "and"`, "une clé se trouve des deux côtés de « and »")
	}
	c := Condition{Key: key, Not: p.take("!=")}
	if !c.Not && !p.take("=") {
		return c, nil
	}
	c.Values, err = p.values(c.Not)
	return c, err
}

func (p *parser) values(not bool) ([]string, error) {
	var values []string
	for {
		value, quoted, err := p.word("a value", "une valeur")
		if err != nil {
			return nil, err
		}
		if value == "*" && !quoted {
			return nil, p.any(not, len(values))
		}
		if values = append(values, value); len(values) > maxValues {
			return nil, p.fail(fmt.Sprintf("a key has at most %d values", maxValues), fmt.Sprintf("une clé a %d valeurs au plus", maxValues))
		}
		if !p.take(",") {
			return values, nil
		}
	}
}

// any is key=*, the key whatever its value; it stands alone.
func (p *parser) any(not bool, before int) error {
	if not || before > 0 || p.take(",") {
		return p.fail(`"*" stands alone after "=", as in highway=*`, "« * » se trouve seul après « = », comme dans highway=*")
	}
	return nil
}

// and takes the word between two conditions; false at the end of the expression.
func (p *parser) and() (bool, error) {
	p.space()
	rest := p.text[p.at:]
	if rest == "" {
		return false, nil
	}
	if isAnd(rest) && p.spaced() {
		p.at += 3
		return true, nil
	}
	return false, p.fail(`" and " or the end comes here; a value with spaces stands between quotes, as in cuisine="fast food", and other values of the same key follow a comma`,
		"« and » ou la fin vient ici ; une valeur qui contient des espaces s’écrit entre guillemets droits, comme dans cuisine=\"fast food\", et d’autres valeurs de la même clé suivent une virgule")
}

func isAnd(rest string) bool {
	return len(rest) >= 3 && strings.EqualFold(rest[:3], "and") && (len(rest) == 3 || rest[3] == ' ' || rest[3] == '"')
}

func (p *parser) spaced() bool { return p.at > 0 && (p.text[p.at-1] == ' ' || p.text[p.at-1] == '"') }

// word takes a key or a value, and tells whether it stood between quotes.
func (p *parser) word(en, fr string) (string, bool, error) {
	p.space()
	if strings.HasPrefix(p.text[p.at:], `"`) {
		word, err := p.quoted()
		return word, true, err
	}
	end := strings.IndexFunc(p.text[p.at:], isSpecial)
	if end < 0 {
		end = len(p.text) - p.at
	}
	if end == 0 {
		return "", false, p.fail(en+" comes here", fr+" vient ici")
	}
	word := p.text[p.at : p.at+end]
	p.at += end
	return word, false, nil
}

func (p *parser) quoted() (string, error) {
	var word strings.Builder
	start := p.at
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"' && word.Len() > 0:
			p.at++
			return word.String(), nil
		case c == '"':
			return "", p.fail("there is nothing between the quotes", "il n’y a rien entre les guillemets")
		case c == '\\' && p.at+1 < len(p.text):
			p.at++
		}
		word.WriteByte(p.text[p.at])
	}
	p.at = start
	return "", p.fail("the quotation mark that opens here is not closed", "le guillemet ouvert ici n’est pas fermé")
}

func (p *parser) take(symbol string) bool {
	p.space()
	if !strings.HasPrefix(p.text[p.at:], symbol) {
		return false
	}
	p.at += len(symbol)
	return true
}

func (p *parser) space() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

func (p *parser) fail(en, fr string) error {
	column := utf8.RuneCountInString(p.text[:p.at]) + 1
	return refuse(fmt.Sprintf("The filter %q cannot be read at character %d: %s.", p.text, column, en),
		fmt.Sprintf("Le filtre %q est illisible au caractère %d : %s.", p.text, column, fr))
}

// isSpecial tells what a word between quotes may contain and a bare one may not.
func isSpecial(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`,=!"\`, r) }

// refuse makes the error for what somebody has written or given.
func refuse(en, fr string) error {
	return &core.Error{Code: core.CodeInvalid, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

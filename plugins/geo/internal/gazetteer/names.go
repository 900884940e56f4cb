package gazetteer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// columns is what searches look through, a line for each row.
type columns struct {
	codes, postal lines
	names         lines // folded
	bare          lines // names without articles
}

func (g *Gazetteer) newColumns() *columns {
	n, c := len(g.rows), &columns{}
	c.codes = newLines(n, func(out []byte, i int) []byte { return append(out, g.rows[i].Code...) })
	c.postal = newLines(n, func(out []byte, i int) []byte { return append(out, g.rows[i].Postal...) })
	c.names = newLines(n, func(out []byte, i int) []byte { return appendFolded(out, g.rows[i].Name, false) })
	c.bare = newLines(n, func(out []byte, i int) []byte { return appendBare(out, c.names.line(i)) })
	return c
}

// A form is one way to read a query.
type form struct {
	text  string
	lines *lines
	loose bool // articles that were written have been left out
}

// forms reads a query in all the ways that it may be meant. As long as its last word is not followed by anything, it may
// be an article or an abbreviation, or the beginning of another word: "val d" is Val-d'Isère and Val-Dareil.
func (c *columns) forms(q string) []form {
	full := fold(q)
	if full == "" {
		return nil
	}
	bare := string(appendBare(nil, full))
	forms := []form{{full, &c.names, false}, {bare, &c.bare, bare != full}}
	if last, _ := utf8.DecodeLastRuneInString(q); !unicode.IsLetter(last) {
		return forms
	}
	if open := string(appendFolded(nil, q, true)); open != full {
		forms = append(forms, form{open, &c.names, false})
	}
	if at := strings.LastIndexByte(full, ' ') + 1; at > 0 && article(full[at:]) {
		begun := string(appendBare(nil, full[:at-1])) + " " + full[at:]
		forms = append(forms, form{begun, &c.bare, false})
	}
	return forms
}

// The ranks of names.
const (
	nameRank       rank = iota + 1 // the name
	bareRank                       // the name but for articles that were not written
	startRank                      // it begins so
	looseStartRank                 // it begins so but for articles that were written
	wordRank                       // one of its words does
	looseWordRank                  // one of its words does but for articles that were written
)

// rankOf says how well a name fits a form of a query.
func (c *columns) rankOf(f form, fit fit) rank {
	switch {
	case f.loose && fit == within:
		return looseWordRank
	case f.loose:
		return looseStartRank
	case fit == within:
		return wordRank
	case fit == starting:
		return startRank
	case f.lines == &c.bare:
		return bareRank
	}
	return nameRank
}

// addNames adds what q may mean as a name: what is less likely, only if nothing has been found so far.
func (s *search) addNames(q string) {
	s.addNamed(q)
	if s.found == 0 {
		s.addNamedAt(q)
	}
	if s.found == 0 {
		s.addMisspelt(q)
	}
}

// addNamed adds what has a name, or a word of its name, that begins with q.
func (s *search) addNamed(q string) {
	for _, form := range s.forms(q) {
		for i, fit := range form.lines.find(form.text) {
			s.add(i, s.rankOf(form, fit))
		}
	}
}

// addNamedAt reads the last word of q as where the rest of it lies: in a département, or at a postal code.
func (s *search) addNamedAt(q string) {
	words := strings.FieldsFunc(q, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) })
	if len(words) < 2 {
		return
	}
	code := strings.ToUpper(words[len(words)-1])
	departement, isDepartement := s.place(Departement, code)
	if !codeLike(code) || !isDepartement && len(code) != postalLength {
		return
	}
	for _, form := range s.forms(strings.Join(words[:len(words)-1], " ")) {
		for i, fit := range form.lines.find(form.text) {
			if isDepartement && s.inside(i, departement) || strings.Contains(s.rows[i].Postal, code) {
				s.add(i, s.rankOf(form, fit))
			}
		}
	}
}

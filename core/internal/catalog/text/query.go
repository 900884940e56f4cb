package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

// Query asks for the rows that match a text.
type Query struct {
	Text   string
	Looks  []Look      // one for each type that is searched; none means no match
	Locale core.Locale // texts in other languages count for half; "" for no preference
	Drafts bool        // the latest documents: published ones, but for rows that have another beside
	Fuzzy  bool        // allow one mistake a word from the start
}

// Match is a row that matches.
type Match struct {
	Row   uint64
	Score float64
}

// The limits of a query.
const (
	MaxQueryLetters = 200
	MaxQueryWords   = 12
)

// unit is one condition of a query: a word, or a phrase.
type unit struct {
	words    []span
	phrase   bool
	exclude  bool
	optional bool
	places   []int // of a phrase's words, counted from its first one, function words included
}

// units cuts a query into its conditions.
func (a *analyser) units(query string) ([]unit, error) {
	if utf8.RuneCountInString(query) > MaxQueryLetters {
		return nil, core.Refuse(core.CodeBadRequest, "", "The search text may have at most %d characters: shorten it.", "Le texte cherché a au plus %d caractères : raccourcissez-le.", MaxQueryLetters)
	}
	var units []unit
	words := 0
	for rest := query; rest != ""; {
		var p piece
		p, rest = nextPiece(rest)
		made := a.unitsOf(p)
		for i := range made {
			words += len(made[i].words)
		}
		units = append(units, made...)
	}
	if words > MaxQueryWords {
		return nil, core.Refuse(core.CodeBadRequest, "", "A search may have at most %d words: leave some out.", "Une recherche a au plus %d mots : retirez-en.", MaxQueryWords)
	}
	relax(units)
	return units, nil
}

// piece is a stretch of the query between spaces, or between quotation marks.
type piece struct {
	text    string
	phrase  bool
	exclude bool
}

// nextPiece takes the first piece off a query. A quotation mark without its partner means nothing.
func nextPiece(query string) (piece, string) {
	query = strings.TrimLeftFunc(query, unicode.IsSpace)
	p := piece{}
	if len(query) > 1 && query[0] == '-' {
		p.exclude, query = true, query[1:]
	}
	r, size := utf8.DecodeRuneInString(query)
	if closing, ok := quotes[r]; ok {
		if inside, rest, ok := strings.Cut(query[size:], closing); ok {
			p.text, p.phrase = inside, true
			return p, rest
		}
	}
	end := strings.IndexFunc(query, unicode.IsSpace)
	if end < 0 {
		end = len(query)
	}
	p.text = query[:end]
	return p, query[end:]
}

var quotes = map[rune]string{'"': `"`, '“': "”", '„': "“", '«': "»"}

// unitsOf gives one unit for a phrase, and one for each word of anything else.
func (a *analyser) unitsOf(p piece) []unit {
	var words []span
	a.scan(p.text, func(s span) { words = append(words, s) })
	if len(words) == 0 {
		return nil
	}
	if p.exclude && len(words) > 1 || p.phrase && len(words) > 1 {
		u := unit{words: words, phrase: true, exclude: p.exclude}
		for i := range words {
			u.places = append(u.places, i)
		}
		return []unit{u}
	}
	var units []unit
	for _, w := range words {
		units = append(units, unit{words: []span{w}, exclude: p.exclude})
	}
	return units
}

// relax makes function words optional where other words are asked for.
func relax(units []unit) {
	content := false
	for i := range units {
		units[i].optional = !units[i].exclude && units[i].functional()
		content = content || !units[i].exclude && !units[i].optional
	}
	for i := range units {
		units[i].optional = units[i].optional && content
	}
}

func (u *unit) functional() bool {
	for _, w := range u.words {
		if !w.first.functional() {
			return false
		}
	}
	return true
}

// forms calls f with each word that a span stands for.
func (s span) forms(f func(*word)) {
	f(s.first)
	if s.second != nil {
		f(s.second)
	}
}

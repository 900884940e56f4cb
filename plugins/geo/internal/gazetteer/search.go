package gazetteer

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

// SearchOptions narrow a search.
type SearchOptions struct {
	Levels []Level // which levels; none: all
	Limit  int     // how many territories at most, up to 1,000; 0: 10
	Within Ref     // only what lies in this territory; the zero Ref: anywhere
}

const (
	usualLimit   = 10
	mostFound    = 1000
	longestQuery = 200 // bytes; what is longer is no name
)

// Search finds territories by name, code or postal code, the best first.
//
// A name is found by its beginning or by that of one of its words, whatever the case, accents, hyphens and apostrophes,
// with or without articles: "st-denis", "ile d yeu", "mulh", "haÿ". A département's code or a postal code may follow:
// "mérignac 33", "Angers (49)". A number is looked for at the beginning of codes and postal codes, a SIREN from its sixth
// digit on. If all that finds nothing, one letter may be wrong, missing, too many, or exchanged with the next.
//
// What is found whole comes before what begins so, and that before what has a word that begins so; of two that fit as
// well, the one with more people comes first. Nothing is found for a query without a letter or a digit.
func (g *Gazetteer) Search(q string, o SearchOptions) []Territory {
	if len(q) > longestQuery {
		return nil
	}
	s, ok := g.newSearch(o)
	if !ok {
		return nil
	}
	s.addCodes(q)
	s.addNames(q)
	return g.territories(s.best(o.Limit))
}

// A search collects what fits.
type search struct {
	*Gazetteer
	*columns
	levels [][2]int32 // the rows of the levels that are looked at
	parent int32      // what all must lie in, if bounded
	bound  bool
	ranks  []rank // of each row
	found  int
}

// A rank says how well a row fits: the lower the better, and 0 not at all.
type rank uint8

func (g *Gazetteer) newSearch(o SearchOptions) (*search, bool) {
	s := &search{Gazetteer: g, columns: g.columns(), ranks: make([]rank, len(g.rows)), bound: o.Within != Ref{}}
	if len(o.Levels) == 0 {
		o.Levels = levels
	}
	for _, level := range o.Levels {
		from, to := g.level(level)
		s.levels = append(s.levels, [2]int32{from, to})
	}
	ok := true
	if s.bound {
		s.parent, ok = g.place(o.Within.Level, o.Within.Code)
	}
	return s, ok
}

// add notes that a row fits, unless it is known to fit better or is not wanted.
func (s *search) add(i int32, r rank) {
	if known := s.ranks[i]; known != 0 && known <= r || !s.wanted(i) {
		return
	}
	if s.ranks[i] == 0 {
		s.found++
	}
	s.ranks[i] = r
}

func (s *search) wanted(i int32) bool {
	if s.bound && !s.inside(i, s.parent) {
		return false
	}
	return slices.ContainsFunc(s.levels, func(rows [2]int32) bool { return rows[0] <= i && i < rows[1] })
}

// best gives the rows that fit best, in order. It keeps a sorted list of the few that are asked for, since there may be
// thousands to choose from.
func (s *search) best(limit int) []int32 {
	if limit <= 0 {
		limit = usualLimit
	}
	limit = min(limit, mostFound)
	best := make([]int32, 0, min(limit, s.found)+1)
	for i, r := range s.ranks {
		if r == 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, int32(i), s.compare)
		if at < limit {
			best = slices.Insert(best, at, int32(i))
			best = best[:min(len(best), limit)]
		}
	}
	return best
}

// compare orders rows as they are shown. The order of the table settles the rest: communes first, then by code.
func (s *search) compare(a, b int32) int {
	return cmp.Or(cmp.Compare(s.ranks[a], s.ranks[b]), cmp.Compare(s.rows[b].Population, s.rows[a].Population), cmp.Compare(a, b))
}

// The ranks of numbers.
const (
	codeRank   rank = iota + 1 // the code
	postalRank                 // a postal code
	digitsRank                 // either begins so
)

const (
	postalLength = 5
	sirenLength  = 9
	sirenPrefix  = 6 // digits of a SIREN that mean it: fewer would answer 24 with all the EPCI that begin so
)

// addCodes adds what has a code, a postal code or a SIREN that begins with q.
func (s *search) addCodes(q string) {
	q = strings.ToUpper(strings.TrimSpace(q))
	if !codeLike(q) {
		return
	}
	for i, fit := range s.codes.find(q) {
		switch {
		case fit == whole:
			s.add(i, codeRank)
		case s.levelOf(i) != EPCI || len(q) >= sirenPrefix:
			s.add(i, digitsRank)
		}
	}
	postal := digitsRank
	if len(q) == postalLength {
		postal = postalRank
	}
	for i := range s.postal.find(q) {
		s.add(i, postal)
	}
	s.addSIREN(q)
}

func (s *search) addSIREN(q string) {
	if i, ok := s.withSIREN(q); ok {
		s.add(i, codeRank)
	}
}

// withSIREN gives the commune that has a SIREN.
func (g *Gazetteer) withSIREN(siren string) (int32, bool) {
	n, err := strconv.ParseInt(siren, 10, 32)
	if err != nil || len(siren) != sirenLength {
		return packed.None, false
	}
	from, to := g.level(Commune)
	i := slices.IndexFunc(g.rows[from:to], func(row packed.Row) bool { return row.SIREN == int32(n) })
	return from + int32(i), i >= 0
}

// codeLike tells whether q is written like a code: a digit, then digits and the letters of Corsica.
func codeLike(q string) bool {
	return q != "" && len(q) <= sirenLength && q[0] <= '9' && strings.Trim(q, "0123456789AB") == ""
}

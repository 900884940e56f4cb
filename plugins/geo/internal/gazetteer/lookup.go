package gazetteer

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

// Lookup gives the territory that has a code at a level.
func (g *Gazetteer) Lookup(level Level, code string) (Territory, bool) {
	i, ok := g.place(level, code)
	if !ok {
		return Territory{}, false
	}
	return g.territory(i), true
}

// Find gives the territories that have a code, at whichever level: a département before a région.
func (g *Gazetteer) Find(code string) []Territory {
	var found []Territory
	for _, level := range levels {
		if t, ok := g.Lookup(level, code); ok {
			found = append(found, t)
		}
	}
	return found
}

// All gives the territories of a level, by code.
func (g *Gazetteer) All(level Level) []Territory {
	from, to := g.level(level)
	all := make([]Territory, 0, to-from)
	for i := from; i < to; i++ {
		all = append(all, g.territory(i))
	}
	return all
}

// Parents gives the territories that one lies in: of a commune its EPCI, if it has one, its département and its région;
// of an EPCI all its départements, then all its régions, those with the most of its people first; of a département its
// région; of a région none.
func (g *Gazetteer) Parents(t Territory) []Territory {
	i, ok := g.place(t.Level, t.Code)
	if !ok {
		return nil
	}
	return g.territories(g.parents(i))
}

// Children gives the territories of a level that lie in another one, by code. An EPCI is a child of each of the
// départements and régions in which it has a commune.
func (g *Gazetteer) Children(level Level, of Ref) []Territory {
	parent, ok := g.place(of.Level, of.Code)
	if !ok {
		return nil
	}
	var children []int32
	from, to := g.level(level)
	for i := from; i < to; i++ {
		if g.inside(i, parent) {
			children = append(children, i)
		}
	}
	return g.territories(children)
}

func (g *Gazetteer) parents(i int32) []int32 {
	if departements := g.epciDepartements[i]; departements != nil {
		return slices.Concat(departements, g.epciRegions[i])
	}
	row := &g.rows[i]
	parents := make([]int32, 0, 3)
	for _, parent := range []int32{row.EPCI, row.Departement, row.Region} {
		if parent != packed.None {
			parents = append(parents, parent)
		}
	}
	return parents
}

// Inside reports whether a territory lies in another one, or in part, as an EPCI may.
func (g *Gazetteer) Inside(of, parent Ref) bool {
	i, ok := g.place(of.Level, of.Code)
	j, known := g.place(parent.Level, parent.Code)
	return ok && known && g.inside(i, j)
}

func (g *Gazetteer) inside(i, parent int32) bool {
	row := &g.rows[i]
	if row.EPCI == parent || row.Departement == parent || row.Region == parent {
		return true
	}
	return slices.Contains(g.epciDepartements[i], parent) || slices.Contains(g.epciRegions[i], parent)
}

// place gives the row of a territory.
func (g *Gazetteer) place(level Level, code string) (int32, bool) {
	from, to := g.level(level)
	rows := g.rows[from:to]
	i := sort.Search(len(rows), func(i int) bool { return rows[i].Code >= code })
	if i == len(rows) || rows[i].Code != code {
		return packed.None, false
	}
	return from + int32(i), true
}

// level gives the rows of a level: none of a level that there is not.
func (g *Gazetteer) level(level Level) (from, to int32) {
	i := slices.Index(levels, level)
	if i < 0 {
		return 0, 0
	}
	first, last := g.table.Level(i)
	return int32(first), int32(last)
}

func (g *Gazetteer) levelOf(i int32) Level {
	for _, level := range levels {
		if _, to := g.level(level); i < to {
			return level
		}
	}
	panic("gazetteer: a row beyond the table")
}

func (g *Gazetteer) territories(places []int32) []Territory {
	found := make([]Territory, len(places))
	for n, i := range places {
		found[n] = g.territory(i)
	}
	return found
}

func (g *Gazetteer) territory(i int32) Territory {
	row := &g.rows[i]
	t := Territory{
		Level: g.levelOf(i), Code: row.Code, Name: row.Name, Kind: row.Kind, Population: int(row.Population),
		Departement: g.code(row.Departement), Region: g.code(row.Region), EPCI: g.code(row.EPCI), ChiefTown: g.code(row.Chief),
		PostalCodes: strings.Fields(row.Postal), SIREN: g.siren(i),
	}
	if located(row) {
		t.Center = &[2]float64{degrees(row.Lon), degrees(row.Lat)}
	}
	return t
}

func (g *Gazetteer) code(i int32) string {
	if i == packed.None {
		return ""
	}
	return g.rows[i].Code
}

func (g *Gazetteer) siren(i int32) string {
	switch {
	case g.levelOf(i) == EPCI:
		return g.rows[i].Code
	case g.rows[i].SIREN == 0:
		return ""
	}
	return strconv.Itoa(int(g.rows[i].SIREN))
}

func degrees(n int32) float64 { return float64(n) / packed.Scale }

package gazetteer

import (
	"cmp"
	"math"
	"slices"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

// derive computes what the lists leave out: the populations of départements and régions, where EPCI lie, and centres.
func (g *Gazetteer) derive() {
	_, communes := g.level(Commune)
	centres := make([]centroid, len(g.rows)-int(communes)) // of what stands after the communes
	parts := make([][]part, len(centres))
	for i := range g.rows[:communes] {
		commune := &g.rows[i]
		for _, parent := range [...]int32{commune.EPCI, commune.Departement, commune.Region} {
			if parent != packed.None {
				centres[parent-communes].add(commune)
			}
		}
		g.rows[commune.Departement].Population += commune.Population
		g.rows[commune.Region].Population += commune.Population
		if commune.EPCI != packed.None {
			parts[commune.EPCI-communes] = addPart(parts[commune.EPCI-communes], commune)
		}
	}
	for i, c := range centres {
		row := &g.rows[int(communes)+i]
		row.Lon, row.Lat = c.mean()
	}
	g.placeEPCI(parts)
}

// A part is what of an EPCI lies in a département.
type part struct {
	departement int32
	people      int64
}

// addPart counts a commune. Those of a département come one after the other, since its code begins theirs.
func addPart(parts []part, commune *packed.Row) []part {
	if n := len(parts); n > 0 && parts[n-1].departement == commune.Departement {
		parts[n-1].people += int64(commune.Population)
		return parts
	}
	return append(parts, part{commune.Departement, int64(commune.Population)})
}

// placeEPCI notes the départements and régions of each EPCI, those with the most of its people first.
func (g *Gazetteer) placeEPCI(parts [][]part) {
	g.epciDepartements, g.epciRegions = map[int32][]int32{}, map[int32][]int32{}
	from, to := g.level(EPCI)
	for epci := from; epci < to; epci++ {
		of := parts[epci-from]
		slices.SortStableFunc(of, func(a, b part) int { return cmp.Compare(b.people, a.people) })
		for _, p := range of {
			g.placeIn(epci, p.departement)
		}
	}
}

// placeIn notes that an EPCI lies in a département; the first one noted is the main one.
func (g *Gazetteer) placeIn(epci, departement int32) {
	row, region := &g.rows[epci], g.rows[departement].Region
	if row.Departement == packed.None {
		row.Departement, row.Region = departement, region
	}
	g.epciDepartements[epci] = append(g.epciDepartements[epci], departement)
	if !slices.Contains(g.epciRegions[epci], region) {
		g.epciRegions[epci] = append(g.epciRegions[epci], region)
	}
}

// A centroid is a mean of centres, weighted by population as long as anybody lives there.
type centroid struct {
	weighted, plain [2]float64
	people, n       float64
}

func (c *centroid) add(commune *packed.Row) {
	if !located(commune) {
		return
	}
	people, lon, lat := float64(commune.Population), float64(commune.Lon), float64(commune.Lat)
	c.people, c.weighted = c.people+people, [2]float64{c.weighted[0] + people*lon, c.weighted[1] + people*lat}
	c.n, c.plain = c.n+1, [2]float64{c.plain[0] + lon, c.plain[1] + lat}
}

func (c *centroid) mean() (lon, lat int32) {
	sum, weight := c.weighted, c.people
	if weight == 0 {
		sum, weight = c.plain, c.n
	}
	if weight == 0 {
		return 0, 0
	}
	return int32(math.Round(sum[0] / weight)), int32(math.Round(sum[1] / weight))
}

func located(row *packed.Row) bool { return row.Lon != 0 || row.Lat != 0 }

package web

import (
	"fmt"
	"math"
	"strings"
)

// Picture is a drawing of what the map shows at first: the square around the middle of Metropole that every screen shows. Its
// units are PictureUnits to a pixel, from its middle on.
type Picture struct {
	Land    string // paths of SVG: what is land, with its inner borders
	Borders string // those that are drawn stronger
	Near    []Mark // on a wide screen
	Far     []Mark // on a small one, which shows the same from farther away
}

// PictureSize is half of the square's width, in its units.
const (
	PictureUnits = 2
	PictureSize  = 340 * PictureUnits
)

// Mark is a point, or a cluster of several.
type Mark struct{ X, Y, Count int }

// marked is a mark as it is drawn.
type marked struct {
	Mark
	R     int
	Label string // none of a point
}

// narrow is how much smaller the picture is on a phone, where marks must not be.
const narrow = 390.0 / 680

// Near are the marks for a wide screen.
func (p page) Near() []marked { return p.marked(p.Picture.Near, 1) }

// Far are the marks for a small one.
func (p page) Far() []marked { return p.marked(p.Picture.Far, narrow) }

func (p page) marked(marks []Mark, scale float64) []marked {
	all := make([]marked, len(marks))
	for i, m := range marks {
		all[i] = marked{Mark: m, R: int(math.Round(radius(m.Count) * PictureUnits / scale))}
		if m.Count > 1 {
			all[i].Label = p.abbreviated(m.Count)
		}
	}
	return all
}

// radii are those of style.js: of a logarithm of the count, and what lies between in proportion.
var radii = [][2]float64{{0.3, 13}, {1, 15}, {2, 19}, {3, 24}, {5, 34}}

func radius(count int) float64 {
	if count == 1 {
		return 6
	}
	n, last := math.Log10(float64(count)), len(radii)-1
	for i := range last {
		from, to := radii[i], radii[i+1]
		if n < to[0] {
			return from[1] + (to[1]-from[1])*max(0, n-from[0])/(to[0]-from[0])
		}
	}
	return radii[last][1]
}

// abbreviated writes 1234 as 1,2 k, as style.js does.
func (p page) abbreviated(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	text := strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1000), ".0")
	if p.Lang == "en" {
		return text + "k"
	}
	return strings.Replace(text, ".", ",", 1) + "\u202fk"
}

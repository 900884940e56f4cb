package bench

import "fmt"

// peer is the best that others gave in a column of the comparison.
type peer struct {
	name      string
	perSecond float64
}

// column is a kind of request that others were measured with, by the number of entries: with load from wrk at 16
// connections on two cores shared with the server, and with the same kind of content.
type column map[int]peer

const (
	small, large = 10_000, 100_000
	pocketBase   = "PocketBase 0.39"
	directus     = "Directus 11"
	strapi       = "Strapi 5"
)

// peers are the columns, by the name of the question.
func peers() map[string]column {
	return map[string]column{
		byID:      {small: {pocketBase, 3136}, large: {pocketBase, 3382}},
		bySlug:    {small: {pocketBase, 2892}, large: {pocketBase, 3033}},
		plainList: {small: {strapi, 113}, large: {directus, 5.6}},
		byRegion:  {small: {pocketBase, 128}, large: {directus, 25}},
		contains:  {small: {directus, 99}, large: {directus, 90}},
		allText:   {small: {directus, 97}},
		whole:     {small: {directus, 82}, large: {directus, 93}},
		anyFilter: {small: {directus, 45}, large: {directus, 6.0}},
	}
}

// against sets a figure beside the best peer: ten times that at 10,000 entries, fifty times at 100,000. A multiple that
// the bare handler does not reach either is no target but a remark.
func (f Figure) against(question string, entries int, bare float64) Figure {
	multiple := 10.0
	size := small
	if entries > 2*small {
		multiple, size = 50, large
	}
	p, ok := peers()[question][size]
	if !ok || entries > 2*large {
		return f
	}
	f.Note = fmt.Sprintf("%.0f × %s; %s", f.Measured/p.perSecond, p.name, f.Note)
	if want := multiple * p.perSecond; want < bare || bare == 0 {
		f.Target, f.Least = want, true
	} else {
		f.Note += fmt.Sprintf("; %.0f × would be %.0f /s, a bare handler gives %.0f /s", multiple, want, bare)
	}
	return f
}

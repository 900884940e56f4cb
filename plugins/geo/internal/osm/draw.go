package osm

import (
	"context"
	"fmt"

	"github.com/paulmach/orb"
	library "github.com/paulmach/osm"

	"github.com/palabre-cms/palabre/core"
)

// Why an element is left out, as the report says it.
var (
	outsideWorld = core.Text{"en": "its place is outside the world", "fr": "sa position est hors du monde"}
	lacksNodes   = core.Text{"en": "the extract lacks some of its nodes", "fr": "il manque de ses nœuds dans l’extrait"}
	lacksWays    = core.Text{"en": "the extract lacks some of its ways", "fr": "il manque de ses chemins dans l’extrait"}
	noExtent     = core.Text{"en": "it has no extent", "fr": "il n’a pas d’étendue"}
	openRing     = core.Text{"en": "its outline is not closed", "fr": "son contour n’est pas fermé"}
	tooIntricate = core.Text{"en": "it has more rings than can be put in order", "fr": "il a trop d’anneaux pour être ordonné"}
)

func noArea(kind string) core.Text {
	return core.Text{"en": fmt.Sprintf("a relation of type %q is no area", kind), "fr": fmt.Sprintf("une relation de type « %s » n’est pas une surface", kind)}
}

// drawing is a chosen way: a feature, or why there is none.
type drawing struct {
	feature Feature
	reason  core.Text
}

// drawWays is the fourth step: it reads the chosen ways again and hands them out as lines or areas.
func (e *extraction) drawWays(ctx context.Context) error {
	return pass(ctx, e, 4, func(f frame) bool { return f.seen.chosen }, e.drawInBlock, func(_ int, found []drawing) error {
		for _, d := range found {
			if err := e.settle(d); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *extraction) settle(d drawing) error {
	if d.reason != nil {
		e.report.skip(d.feature.ID, d.reason)
		return nil
	}
	return e.handOut([]Feature{d.feature})
}

func (e *extraction) drawInBlock(b *block) ([]drawing, error) {
	var found []drawing
	err := b.visit(visitor{way: func(id int64, nodes deltas, tags []tag) error {
		if !e.o.Filter.match(tags) {
			return nil
		}
		list, err := nodes.all()
		d := drawing{feature: Feature{ID: fmt.Sprintf("way/%d", id), Tags: copyTags(tags)}}
		d.feature.Geometry, d.reason = e.draw(list, d.feature.Tags)
		found = append(found, d)
		return err
	}})
	return found, err
}

// draw gives a way its form, or the reason why it has none.
func (e *extraction) draw(nodes []int64, tags map[string]string) (orb.Geometry, core.Text) {
	path, ok := e.path(nodes)
	if !ok {
		return nil, lacksNodes
	}
	if len(nodes) > 3 && nodes[0] == nodes[len(nodes)-1] && isArea(tags) {
		if doubleArea(path) == 0 {
			return nil, noExtent
		}
		return orb.Polygon{wind(path, orb.CCW)}, nil
	}
	if len(path) < 2 {
		return nil, noExtent
	}
	return orb.LineString(points(path)), nil
}

// path gives the places of nodes, without those that repeat the one before; false when one is missing.
func (e *extraction) path(nodes []int64) ([]place, bool) {
	path := make([]place, 0, len(nodes))
	for _, id := range nodes {
		at := e.places.of(id)
		if at == nowhere {
			return nil, false
		}
		if len(path) == 0 || path[len(path)-1] != at {
			path = append(path, at)
		}
	}
	return path, true
}

// isArea asks the rules of the OSM library, which wants a closed way, whether one with these tags is an area.
func isArea(tags map[string]string) bool {
	closed := library.Way{Nodes: library.WayNodes{{ID: 1}, {ID: 2}, {ID: 3}, {ID: 1}}}
	for key, value := range tags {
		closed.Tags = append(closed.Tags, library.Tag{Key: key, Value: value})
	}
	return closed.Polygon()
}

func points(path []place) []orb.Point {
	line := make([]orb.Point, len(path))
	for i, p := range path {
		line[i] = p.point()
	}
	return line
}

// wind makes a ring that runs in the given direction.
func wind(path []place, direction orb.Orientation) orb.Ring {
	ring := orb.Ring(points(path))
	if (doubleArea(path) > 0) != (direction == orb.CCW) {
		ring.Reverse()
	}
	return ring
}

// doubleArea is twice the area of a closed path, positive when it runs anticlockwise.
func doubleArea(path []place) float64 {
	if len(path) < 4 {
		return 0
	}
	var sum float64
	origin := path[0]
	for i := 1; i+1 < len(path); i++ {
		sum += cross(origin, path[i], path[i+1])
	}
	return sum
}

// cross is positive when c lies to the left of the way from a to b.
func cross(a, b, c place) float64 {
	x1, y1 := float64(b.lon)-float64(a.lon), float64(b.lat)-float64(a.lat)
	x2, y2 := float64(c.lon)-float64(a.lon), float64(c.lat)-float64(a.lat)
	return x1*y2 - x2*y1
}

// drawAreas hands out the chosen relations, whose ways and nodes are known by now.
func (e *extraction) drawAreas(ctx context.Context) error {
	for _, a := range e.areas {
		if err := ctx.Err(); err != nil {
			return err
		}
		d := drawing{feature: Feature{ID: fmt.Sprintf("relation/%d", a.id), Tags: a.tags}}
		d.feature.Geometry, d.reason = e.assemble(a)
		if err := e.settle(d); err != nil {
			return err
		}
	}
	return nil
}

package osm

import (
	"context"
	"fmt"
	"slices"
)

// contents is what the first step has seen in a block, so that later ones read only the blocks that they need.
type contents struct {
	nodes, ways spread
	chosen      bool // it holds ways that the filter chooses
}

// choice is what the filter chooses in one block.
type choice struct {
	contents
	points []Feature
	lost   []string // nodes without a place in the world
	nodes  []int64  // of the chosen ways
	areas  []area
	others []other
}

// other is a chosen relation of a type that is no area.
type other struct{ id, kind string }

// choose is the first step: it reads the whole file, hands out the nodes and notes what the ways and areas need.
func (e *extraction) choose(ctx context.Context) error {
	everything := func(frame) bool { return true }
	return pass(ctx, e, 1, everything, e.chooseInBlock, func(i int, c choice) error {
		e.frames[i].seen = c.contents
		for _, o := range c.others {
			e.report.skip(o.id, noArea(o.kind))
		}
		for _, id := range c.lost {
			e.report.skip(id, outsideWorld)
		}
		if err := e.keep(c); err != nil {
			return err
		}
		return e.handOut(c.points)
	})
}

// keep holds on to the chosen areas and the nodes of the chosen ways.
func (e *extraction) keep(c choice) error {
	for _, a := range c.areas {
		e.memberships += len(a.ways)
	}
	if e.areas = append(e.areas, c.areas...); len(e.areas)+e.memberships > e.o.MaxNodes {
		return e.tooMuch()
	}
	return e.need(c.nodes)
}

func (e *extraction) handOut(features []Feature) error {
	for _, f := range features {
		e.report.count(f)
		if err := e.emit(f); err != nil {
			return err
		}
	}
	return nil
}

func (e *extraction) chooseInBlock(b *block) (choice, error) {
	var c choice
	hopeful := e.o.Filter.possible(b.texts)
	fits := func(tags []tag) bool { return hopeful && e.o.Filter.match(tags) }
	err := b.visit(visitor{
		tagless:  !hopeful,
		node:     func(id int64, at place, tags []tag) error { c.node(id, at, tags, fits); return nil },
		way:      func(id int64, nodes deltas, tags []tag) error { return c.way(id, nodes, fits(tags)) },
		relation: func(id int64, m members, tags []tag) error { return c.relation(id, m, tags, fits) },
	})
	return c, err
}

func (c *choice) node(id int64, at place, tags []tag, fits func([]tag) bool) {
	c.contents.nodes.widen(id)
	if !fits(tags) {
		return
	}
	name := fmt.Sprintf("node/%d", id)
	if at == nowhere {
		c.lost = append(c.lost, name)
		return
	}
	c.points = append(c.points, Feature{ID: name, Geometry: at.point(), Tags: copyTags(tags)})
}

func (c *choice) way(id int64, nodes deltas, fits bool) error {
	c.contents.ways.widen(id)
	if !fits {
		return nil
	}
	list, err := nodes.all()
	c.contents.chosen, c.nodes = true, append(c.nodes, list...)
	return err
}

func (c *choice) relation(id int64, m members, tags []tag, fits func([]tag) bool) error {
	if !fits(tags) {
		return nil
	}
	kind, _ := find(tags, "type")
	if string(kind) != "multipolygon" && string(kind) != "boundary" {
		c.others = append(c.others, other{fmt.Sprintf("relation/%d", id), string(kind)})
		return nil
	}
	a := area{id: id, tags: copyTags(tags)}
	for member, kind, ok := m.next(); ok; member, kind, ok = m.next() {
		if kind == memberWay {
			a.ways = append(a.ways, member)
		}
	}
	if !m.whole() {
		return errLists
	}
	c.areas = append(c.areas, a)
	return nil
}

func copyTags(tags []tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[string(t.key)] = string(t.value)
	}
	return m
}

// line is a way and its nodes.
type line struct {
	id    int64
	nodes []int64
}

// findMembers is the second step: the nodes of the ways that the chosen areas are made of.
func (e *extraction) findMembers(ctx context.Context) error {
	var wanted idSet
	for _, a := range e.areas {
		wanted.add(a.ways...)
	}
	ids := wanted.settle()
	work := func(b *block) ([]line, error) { return waysIn(b, ids) }
	return pass(ctx, e, 2, func(f frame) bool { return f.seen.ways.meets(ids) }, work, func(_ int, found []line) error {
		for _, l := range found {
			e.members[l.id] = l.nodes
			if err := e.need(l.nodes); err != nil {
				return err
			}
		}
		return nil
	})
}

func waysIn(b *block, ids []int64) ([]line, error) {
	var found []line
	c := cursor{ids: ids}
	err := b.visit(visitor{way: func(id int64, nodes deltas, _ []tag) error {
		if _, ok := c.find(id); !ok {
			return nil
		}
		list, err := nodes.all()
		found = append(found, line{id, list})
		return err
	}})
	return found, err
}

// sighting is where a node in use was found.
type sighting struct {
	index int
	at    place
}

// findPlaces is the third step: the positions of the nodes in use.
func (e *extraction) findPlaces(ctx context.Context) error {
	ids := slices.Clip(e.nodes.settle())
	e.places = newPlaces(ids)
	work := func(b *block) ([]sighting, error) { return nodesIn(b, ids) }
	return pass(ctx, e, 3, func(f frame) bool { return f.seen.nodes.meets(ids) }, work, func(_ int, found []sighting) error {
		for _, s := range found {
			e.places.at[s.index] = s.at
		}
		return nil
	})
}

func nodesIn(b *block, ids []int64) ([]sighting, error) {
	var found []sighting
	c := cursor{ids: ids}
	err := b.visit(visitor{tagless: true, node: func(id int64, at place, _ []tag) error {
		if i, ok := c.find(id); ok {
			found = append(found, sighting{i, at})
		}
		return nil
	}})
	return found, err
}

package catalog

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Query answers a query.
func (c *Catalog) Query(ctx context.Context, q core.Query) (p *core.Page, err error) {
	err = c.lookMatching(ctx, []core.Query{q}, func(m *memory, found []match) error {
		p, err = c.page(ctx, m, q, found)
		return err
	})
	return p, err
}

// Referrers pages through the entries of a type that refer to an entry by a field.
func (c *Catalog) Referrers(ctx context.Context, q core.Query, field string, to core.EntryID) (*core.Page, error) {
	refers := core.Compare{Path: core.Path{Field: field}, Op: core.OpEq, Values: []any{string(to)}}
	if q.Where == nil {
		q.Where = refers
	} else {
		q.Where = core.And{q.Where, refers}
	}
	return c.Query(ctx, q)
}

func (c *Catalog) page(ctx context.Context, m *memory, q core.Query, matches []match) (*core.Page, error) {
	p := &core.Page{Views: []core.View{}, Total: -1, Position: m.position, Until: m.until(q)}
	a, err := c.newAnswer(m, q, matches)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nothing(p, q), nil
	}
	if q.Total {
		p.Total = a.found.count()
	}
	if p.Facets, err = a.counted(); err != nil {
		return nil, err
	}
	slots, next, err := a.page()
	if err != nil {
		return nil, err
	}
	p.Next = next
	p.Views = make([]core.View, len(slots))
	for i, slot := range slots {
		if err := c.fill(ctx, a, slot, &p.Views[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// nothing finishes the page of a type without entries.
func nothing(p *core.Page, q core.Query) *core.Page {
	if q.Total {
		p.Total = 0
	}
	if len(q.Facets) > 0 {
		p.Facets = map[string][]core.FacetValue{}
	}
	for _, path := range q.Facets {
		p.Facets[path.String()] = []core.FacetValue{}
	}
	return p
}

// fill shows one entry of an answer.
func (c *Catalog) fill(ctx context.Context, a *answer, slot uint32, v *core.View) (err error) {
	*v = a.m.view(a.shelf, slot, a.state)
	if v.Doc, err = c.docs.get(ctx, a.shelf.rows[slot]); err != nil {
		return err
	}
	a.finish(v, slot)
	if a.q.Highlight && a.q.Text != "" {
		v.Highlights = c.text.highlights(a, v)
	}
	return nil
}

// newAnswer begins to answer a query: nil when there are no entries of the type.
func (c *Catalog) newAnswer(m *memory, q core.Query, matches []match) (*answer, error) {
	s, ok := m.byName[q.Type]
	if !ok {
		return nil, nil
	}
	a := &answer{reading: reading{m: m, state: q.State, locale: q.Locale}, q: q, shelf: s, fewRows: c.options.fewRows}
	if q.Text != "" {
		a.scores = m.scores(s, q.State, matches)
	}
	return a, a.find()
}

// until gives when the answer changes by itself: when an entry of the type or of one that it is joined to does.
func (m *memory) until(q core.Query) time.Time {
	if m.next(q.State).IsZero() {
		return time.Time{}
	}
	return m.next(q.State, m.joined(q)...)
}

// joined names the type of a query and those that it looks into through references, and no others: what is planned in a
// type that the caller may not list does not show in how long an answer lives.
func (m *memory) joined(q core.Query) []core.TypeName {
	j := &joins{reading: reading{m: m, state: q.State, locale: q.Locale}, types: []core.TypeName{q.Type}}
	s, ok := m.byName[q.Type]
	if !ok {
		return j.types
	}
	for _, p := range q.Facets {
		j.path(s, p)
	}
	for _, k := range q.Sort {
		j.path(s, k.Path)
	}
	j.node(s, q.Where)
	return j.types
}

// joins collects the types that a query looks into.
type joins struct {
	reading
	types []core.TypeName
}

func (j *joins) node(s *shelf, n core.Node) {
	switch n := n.(type) {
	case core.And:
		for _, child := range n {
			j.node(s, child)
		}
	case core.Or:
		for _, child := range n {
			j.node(s, child)
		}
	case core.Not:
		j.node(s, n.Node)
	case core.Compare:
		j.path(s, n.Path)
	}
}

func (j *joins) path(s *shelf, p core.Path) {
	if len(p.Via) == 0 {
		return
	}
	c, err := j.via(s, p)
	if err != nil {
		return // the query itself says what is wrong
	}
	for _, t := range j.ends(c) {
		var where core.Node
		if p.Steps != nil {
			node, allowed := p.Steps[0][t.name]
			if !allowed {
				continue
			}
			where = node
		}
		if !contains(j.types, t.name) {
			j.types = append(j.types, t.name)
		}
		j.node(t, where)
		j.path(t, rest(p))
	}
}

// Search answers queries on several types as one ranked list, best first.
func (c *Catalog) Search(ctx context.Context, queries []core.Query, limit, offset int) (p *core.Page, err error) {
	err = c.lookMatching(ctx, queries, func(m *memory, found []match) error {
		p, err = c.rank(ctx, m, queries, found, limit, offset)
		return err
	})
	return p, err
}

// hit is an entry of a ranked list across types.
type hit struct {
	answer *answer
	slot   uint32
	score  float64
}

func (c *Catalog) rank(ctx context.Context, m *memory, queries []core.Query, matches []match, limit, offset int) (*core.Page, error) {
	p := &core.Page{Views: []core.View{}, Position: m.position}
	var hits []hit
	for _, q := range queries {
		if until := m.until(q); !until.IsZero() && (p.Until.IsZero() || until.Before(p.Until)) {
			p.Until = until
		}
		a, err := c.newAnswer(m, q, matches)
		if err != nil {
			return nil, err
		}
		if a != nil {
			a.found.each(func(slot uint32) { hits = append(hits, hit{a, slot, a.scores[slot]}) })
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id(), b.id()))
	})
	p.Total = len(hits)
	hits = hits[min(max(offset, 0), len(hits)):]
	for _, h := range hits[:min(max(limit, 0), len(hits))] {
		var v core.View
		if err := c.fill(ctx, h.answer, h.slot, &v); err != nil {
			return nil, err
		}
		p.Views = append(p.Views, v)
	}
	return p, nil
}

func (h hit) id() string { return h.answer.m.ids.values[h.answer.shelf.number(h.slot)] }

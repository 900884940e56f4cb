package read

import (
	"bytes"
	"context"
	"maps"
	"net/url"
	"time"

	"github.com/palabre-cms/palabre/core"
)

var _ core.Mapper = (*Reader)(nil)

// Places implements core.Mapper.
func (r *Reader) Places(ctx context.Context, who *core.Principal, name core.TypeName, params url.Values) (*core.Placed, error) {
	t, err := r.typ(name)
	if err != nil {
		return nil, err
	}
	if params, err = placeParams(t, params); err != nil {
		return nil, err
	}
	a, err := r.Queries.Parse(ctx, who, t, params)
	if err != nil {
		return nil, err
	}
	field, ok := t.Field(params.Get("geo"))
	if !ok || field.Kind != core.KindGeo {
		return nil, core.Refuse(core.CodeBadRequest, "not_a_place", "%s has no place of its own; name a field with geo=.",
			"%s n’a pas de lieu propre ; nommez un champ par geo=.", string(t.Name))
	}
	p := &mapping{Reader: r, who: who, t: t, a: a, types: typesOf(a)}
	return &core.Placed{Key: r.key(who, "places", a, field.Path), Types: p.types, Type: t, Field: field, Asked: a,
		Find:    func(ctx context.Context, in *core.BBox) (*core.Places, error) { return p.find(ctx, field.Path, in) },
		Due:     func() time.Time { return r.nextDue(a.State, p.types) },
		Touched: func(since uint64) ([]core.BBox, uint64, bool) { return p.touched(field.Path, since) },
		Page:    p.page, Show: p.show, Tally: p.tally}, nil
}

// placeParams are a request's parameters, with the field of the place among them: there it is checked as any other, so that one
// which the caller may not read is as one that is not there.
func placeParams(t *core.Type, params url.Values) (url.Values, error) {
	for _, name := range []string{"facets", "include", "highlight"} {
		if params.Has(name) {
			return nil, core.Refuse(core.CodeBadRequest, "unknown_parameter", "A map layer takes no %s.", "Une couche de carte n’accepte pas %s.", name)
		}
	}
	params = maps.Clone(params)
	if params == nil {
		params = url.Values{}
	}
	if !params.Has("geo") && t.GeoField != "" {
		params.Set("geo", t.GeoField)
	}
	return params, nil
}

// mapping is a request for places under way.
type mapping struct {
	*Reader
	who   *core.Principal
	t     *core.Type
	a     *core.Asked
	types []core.TypeName
}

func (p *mapping) find(ctx context.Context, field string, in *core.BBox) (*core.Places, error) {
	placer, ok := p.Catalog.(core.Placer)
	if !ok {
		return nil, core.Errorf(core.CodeInternal, "this catalog knows no places")
	}
	q, err := p.planned(ctx, p.who, p.t, p.a.Query)
	if err != nil {
		return nil, err
	}
	q.Facets, q.Sort, q.Limit, q.After = nil, nil, 0, nil
	if in == nil {
		return placer.Places(ctx, q, field)
	}
	within := core.GeoFilter{Field: field, BBox: in}
	if g := q.Geo; g != nil {
		within.Near, within.Territory = g.Near, g.Territory
		if g.BBox != nil { // both must hold: the caller's own is looked at afterwards
			return p.findInBoth(ctx, placer, q, field, *in)
		}
	}
	q.Geo = &within
	return placer.Places(ctx, q, field)
}

func (p *mapping) touched(field string, since uint64) ([]core.BBox, uint64, bool) {
	placer, ok := p.Catalog.(core.Placer)
	if !ok {
		return nil, 0, false
	}
	return placer.Touched(p.t.Name, field, since)
}

func (p *mapping) findInBoth(ctx context.Context, placer core.Placer, q core.Query, field string, in core.BBox) (*core.Places, error) {
	found, err := placer.Places(ctx, q, field)
	if err != nil {
		return nil, err
	}
	kept := found.All[:0]
	for _, place := range found.All {
		if place.Touches(in) {
			kept = append(kept, place)
		}
	}
	found.All = kept
	return found, nil
}

func (p *mapping) page(ctx context.Context) (*core.Page, string, error) {
	q, err := p.planned(ctx, p.who, p.t, p.a.Query)
	if err != nil {
		return nil, "", err
	}
	page, err := p.Catalog.Query(ctx, q)
	if err != nil {
		return nil, "", err
	}
	return page, p.Queries.Cursor(p.a, page.Next), nil
}

// shownAtOnce is how many entries are looked up by one query.
const shownAtOnce = 1000

func (p *mapping) show(ctx context.Context, ids []core.EntryID) ([]core.Doc, error) {
	docs := make([]core.Doc, 0, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), shownAtOnce)
		some, err := p.showSome(ctx, ids[:n])
		if err != nil {
			return nil, err
		}
		docs, ids = append(docs, some...), ids[n:]
	}
	return docs, nil
}

func (p *mapping) showSome(ctx context.Context, ids []core.EntryID) ([]core.Doc, error) {
	q, err := p.planned(ctx, p.who, p.t, p.a.Query)
	if err != nil {
		return nil, err
	}
	q.Text, q.Geo, q.Total, q.After, q.Facets, q.Only, q.Limit = "", nil, false, nil, nil, ids, len(ids)
	q.Sort = []core.SortKey{{Path: core.Path{Field: "_id"}}}
	page, err := p.Catalog.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	x := p.writer(ctx, p.who, p.t, p.a)
	defer func() { p.giveBack(x, nil) }()
	items, err := x.items(p.t, p.a.Scope, p.a.State, page.Views)
	if err != nil {
		return nil, err
	}
	at := make(map[core.EntryID]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	docs, b := make([]core.Doc, len(ids)), []byte(nil)
	for i := range items {
		b = x.entry(b[:0], &items[i], &x.own)
		docs[at[items[i].view.ID]] = bytes.Clone(b)
	}
	return docs, nil
}

func (p *mapping) tally(ctx context.Context, field string) ([]core.FacetValue, error) {
	asks := url.Values{"filter[" + field + "][exists]": {"true"}, "state": {string(p.a.State)}}
	if _, err := p.Queries.Parse(ctx, p.who, p.t, asks); err != nil {
		return nil, err
	}
	q, err := p.planned(ctx, p.who, p.t, p.a.Query)
	if err != nil {
		return nil, err
	}
	q.Total, q.After, q.Limit, q.Facets = false, nil, 0, []core.Path{{Field: field}}
	page, err := p.Catalog.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	return page.Facets[field], nil
}

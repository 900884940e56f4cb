package read

import (
	"context"
	"net/url"

	"github.com/palabre-cms/palabre/core"
)

// Search implements core.Reader.
func (r *Reader) Search(ctx context.Context, who *core.Principal, params url.Values) (*core.Pending, error) {
	all, err := r.Queries.ParseSearch(ctx, who, params)
	if err != nil {
		return nil, err
	}
	types := make([]core.TypeName, len(all.Queries))
	scopes := ""
	passing := false
	for i, a := range all.Queries {
		types[i] = a.Type
		scopes += string(a.Type) + "=" + a.Scope.Key + " "
		passing = passing || a.Scope.Key == ""
	}
	for _, a := range all.Queries {
		types = append(types, a.Scope.LooksInto...)
	}
	key := r.key(who, "search", &all.Asked, scopes)
	if passing {
		key = ""
	}
	return &core.Pending{Key: key, Types: types, Answer: func(ctx context.Context) (*core.Answer, error) {
		return r.search(ctx, who, all, types)
	}}, nil
}

func (r *Reader) search(ctx context.Context, who *core.Principal, all *core.AskedAll, types []core.TypeName) (*core.Answer, error) {
	page, next, err := r.ranked(ctx, who, all)
	if err != nil {
		return nil, err
	}
	x := &writer{r: r, ctx: ctx, who: who, asked: &all.Asked}
	items, shapes, err := x.results(all, page.Views)
	if err != nil {
		return nil, err
	}
	b := append(x.begin(nil, nil), `{"data":[`...)
	b = x.list(b, items, func(it *item) *shape { return shapes[it.view.Type] })
	b = append(appendPage(append(b, ']'), all.Limit, next, true, page.Total), '}')
	answer := x.finish(b, types, items)
	answer.Position, answer.Until = page.Position, earlier(answer.Until, page.Until)
	return answer, nil
}

// ranked asks for one result more than a page holds, to know whether there is another page.
func (r *Reader) ranked(ctx context.Context, who *core.Principal, all *core.AskedAll) (page *core.Page, next string, err error) {
	if len(all.Queries) == 0 {
		return &core.Page{Position: r.Catalog.Position()}, "", nil
	}
	queries := make([]core.Query, len(all.Queries))
	for i, a := range all.Queries {
		t, err := r.typ(a.Type)
		if err != nil {
			return nil, "", err
		}
		if queries[i], err = r.planned(ctx, who, t, a.Query); err != nil {
			return nil, "", err
		}
	}
	if page, err = r.Catalog.Search(ctx, queries, all.Limit+1, all.Offset); err != nil {
		return nil, "", err
	}
	if len(page.Views) > all.Limit {
		page.Views = page.Views[:all.Limit]
		next = r.Queries.Cursor(&all.Asked, &core.Cursor{Values: []any{int64(all.Offset + all.Limit)}})
	}
	return page, next, nil
}

// results prepares entries of several types, in their order.
func (x *writer) results(all *core.AskedAll, views []core.View) ([]item, map[core.TypeName]*shape, error) {
	items, shapes := make([]item, len(views)), map[core.TypeName]*shape{}
	for _, a := range all.Queries {
		t, err := x.r.typ(a.Type)
		if err != nil {
			return nil, nil, err
		}
		places, own := placesOf(views, a.Type)
		if len(own) == 0 {
			continue
		}
		sh := x.r.shape(t, a.Scope.In(a.State), a.State, nil, nil, "")
		sh.state = a.State
		sh.addResults(a)
		shapes[a.Type] = &sh
		found, err := x.in(a).items(t, a.Scope, a.State, own)
		if err != nil {
			return nil, nil, err
		}
		for i, place := range places {
			items[place] = found[i]
		}
	}
	return items, shapes, nil
}

// in is the writer for the part of one type: its language is that type's.
func (x *writer) in(a *core.Asked) *writer {
	one := *x
	one.asked = a
	return &one
}

func placesOf(views []core.View, name core.TypeName) (places []int, own []core.View) {
	for i := range views {
		if views[i].Type == name {
			places, own = append(places, i), append(own, views[i])
		}
	}
	return places, own
}

package read

import (
	"context"
	"net/url"
	"strconv"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// List implements core.Reader.
func (r *Reader) List(ctx context.Context, who *core.Principal, name core.TypeName, params url.Values) (*core.Pending, error) {
	t, err := r.typ(name)
	if err != nil {
		return nil, err
	}
	a, err := r.Queries.Parse(ctx, who, t, params)
	if err != nil {
		return nil, err
	}
	return r.pendingPage(who, t, a), nil
}

// Query implements core.Reader.
func (r *Reader) Query(ctx context.Context, who *core.Principal, name core.TypeName, body map[string]any) (*core.Pending, error) {
	t, err := r.typ(name)
	if err != nil {
		return nil, err
	}
	a, err := r.Queries.ParseBody(ctx, who, t, body)
	if err != nil {
		return nil, err
	}
	return r.pendingPage(who, t, a), nil
}

func (r *Reader) pendingPage(who *core.Principal, t *core.Type, a *core.Asked) *core.Pending {
	types := typesOf(a)
	return &core.Pending{Key: r.key(who, "list", a, ""), Types: types, Answer: func(ctx context.Context) (*core.Answer, error) {
		return r.page(ctx, who, t, a, types)
	}}
}

// page answers a list.
func (r *Reader) page(ctx context.Context, who *core.Principal, t *core.Type, a *core.Asked, types []core.TypeName) (*core.Answer, error) {
	q, err := r.planned(ctx, who, t, a.Query)
	if err != nil {
		return nil, err
	}
	page, err := r.Catalog.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	x := r.writer(ctx, who, t, a)
	x.own.addResults(a)
	items, err := x.items(t, a.Scope, a.State, page.Views)
	if err != nil {
		return nil, err
	}
	if err := x.gather(items, &x.own); err != nil {
		return nil, err
	}
	b := append(x.begin(items, &x.own), `{"data":[`...)
	b = x.list(b, items, func(*item) *shape { return &x.own })
	b = appendPage(append(b, ']'), a.Limit, r.Queries.Cursor(a, page.Next), a.Total, page.Total)
	b = appendFacets(b, a.Facets, page.Facets)
	answer := x.finish(append(b, '}'), types, items)
	answer.Position, answer.Until = page.Position, earlier(answer.Until, page.Until)
	return answer, nil
}

// addResults shows what belongs to a search and to a circle, and only there. Highlights were asked for by name; the rest
// gives way to fields.
func (sh *shape) addResults(a *core.Asked) {
	sh.results(showScore, a.Text != "", sh.all)
	sh.results(showDistance, a.Geo != nil && a.Geo.Near != nil, sh.all)
	sh.results(showHighlights, a.Text != "" && a.Highlight, true)
}

func (sh *shape) results(m member, has, unasked bool) {
	switch {
	case !has:
		sh.show &^= m
	case unasked:
		sh.show |= m
	}
}

// list writes entries.
func (x *writer) list(b []byte, items []item, shape func(*item) *shape) []byte {
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = x.entry(b, &items[i], shape(&items[i]))
	}
	return b
}

// appendPage writes the page's own members. next is null on the last page.
func appendPage(b []byte, limit int, next string, counted bool, total int) []byte {
	b = strconv.AppendInt(append(b, `,"page":{"limit":`...), int64(limit), 10)
	if next == "" {
		b = append(b, `,"next":null`...)
	} else {
		b = append(append(append(b, `,"next":"`...), next...), '"')
	}
	if counted && total >= 0 {
		b = strconv.AppendInt(append(b, `,"total":`...), int64(total), 10)
	}
	return append(b, '}')
}

// appendFacets writes the facets that were asked for, in their order.
func appendFacets(b []byte, asked []core.Path, counted map[string][]core.FacetValue) []byte {
	if len(asked) == 0 {
		return b
	}
	b = append(b, `,"facets":{`...)
	for i, p := range asked {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(jsondoc.AppendString(b, p.String()), ":["...)
		for j, f := range counted[p.String()] {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendValue(append(b, `{"value":`...), f.Value)
			b = append(strconv.AppendInt(append(b, `,"count":`...), int64(f.Count), 10), '}')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return jsondoc.AppendString(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "null"...)
}

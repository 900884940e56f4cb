package read

import (
	"strconv"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// The budget of the inverse lists of one answer: how many entries one of them holds, and how many queries are made for all.
const (
	maxListed  = 100
	maxQueries = 200
)

// inverse is a list of the entries that refer to another one, as an include asks for it.
type inverse struct {
	name    string
	sources []source
	target  *target
}

// source is the part of an inverse list that one type gives, by one field or several.
type source struct {
	t      *core.Type
	scope  *core.Scope
	fields []*core.Field
	order  []core.SortKey
}

// listKey is the inverse list of one entry.
type listKey struct {
	list *inverse
	of   core.EntryID
}

// listing is what an inverse list holds, and how many entries refer in all; -1 when that was not looked up.
type listing struct {
	items []*item
	total int
}

// withLists adds the inverse lists that an include asks for to a shape. A field of the same name wins over a list, and a list
// over anything else of that name.
func (x *writer) withLists(sh *shape, include []core.Include, fields *selection) {
	for _, i := range include {
		if _, ok := sh.t.Field(i.Field); ok && sh.scope.Readable(sh.t, i.Field) {
			continue
		}
		if fields != nil && fields.below[i.Field] == nil {
			continue
		}
		if sources := x.sources(sh.t.Name, i.Field); len(sources) > 0 {
			sh.plan = sh.plan.graft(i.Field, leavePlan)
			sh.lists = append(sh.lists, &inverse{i.Field, sources, &target{next: i.Next, fields: fields.at(i.Field)}})
		}
	}
}

// sources gives the types of an inverse list, by name.
func (x *writer) sources(to core.TypeName, name string) []source {
	var out []source
	for i := range x.asked.Reach {
		r := &x.asked.Reach[i]
		if fields := r.Type.Inverse(r.Scope.In(targetState(x.asked.State, r.Scope)), to, name); r.Order != nil && len(fields) > 0 {
			out = append(out, source{r.Type, r.Scope, fields, r.Order})
		}
	}
	return out
}

// fetchLists looks the lists up, each once. What is left of the answer's budget is shared between them, in their order.
func (x *writer) fetchLists(lists []listKey) error {
	for i, key := range lists {
		if x.listings[key] != nil {
			continue
		}
		share := (maxDocuments - x.looked + len(lists) - i - 1) / (len(lists) - i)
		l := &listing{}
		x.listings[key] = l
		if err := x.fetchList(l, key, min(maxListed, max(share, 0))); err != nil {
			return err
		}
	}
	return nil
}

// fetchList asks each type of a list, also for the count alone.
func (x *writer) fetchList(l *listing, key listKey, most int) error {
	for i := range key.list.sources {
		if x.queries++; x.queries > maxQueries {
			l.total = -1
			return nil
		}
		if err := x.fetchSource(l, &key.list.sources[i], key.of, most-len(l.items)); err != nil {
			return err
		}
	}
	return nil
}

func (x *writer) fetchSource(l *listing, s *source, to core.EntryID, most int) error {
	page, err := x.referrers(s, to, most)
	if err != nil {
		return err
	}
	items, err := x.items(s.t, s.scope, targetState(x.asked.State, s.scope), page.Views)
	if err != nil {
		return err
	}
	for i := range items {
		l.items = append(l.items, &items[i])
		x.found[refKey{s.t.Name, items[i].view.ID}] = &items[i]
	}
	l.total += page.Total
	x.looked += len(items)
	x.until = earlier(x.until, page.Until)
	return nil
}

// referrers asks for entries of one type. One that refers by two fields of the list is in it once.
func (x *writer) referrers(s *source, to core.EntryID, most int) (*core.Page, error) {
	state := targetState(x.asked.State, s.scope)
	q := core.Query{Type: s.t.Name, State: state, Where: s.scope.In(state).Where, Sort: s.order, Limit: most, Total: true}
	if s.t.HasLocale(x.asked.Locale) {
		q.Locale = x.asked.Locale
	}
	if len(s.fields) > 1 {
		q.Where = narrowed(q.Where, []core.Node{referring(s.fields, to)})
	}
	q, err := x.r.planned(x.ctx, x.who, s.t, q)
	if err != nil {
		return nil, err
	}
	if len(s.fields) > 1 {
		return x.r.Catalog.Query(x.ctx, q)
	}
	return x.r.Catalog.Referrers(x.ctx, q, s.fields[0].Path, to)
}

func referring(fields []*core.Field, to core.EntryID) core.Or {
	var refers core.Or
	for _, f := range fields {
		refers = append(refers, core.Compare{Path: core.Path{Field: f.Path}, Op: core.OpEq, Values: []any{string(to)}})
	}
	return refers
}

// appendLists writes the inverse lists of an entry, and in _more how many there are of those that are not all here: null where
// that was not counted. All of a list is at filter[field]=id of the type that refers.
func (x *writer) appendLists(b []byte, it *item, sh *shape) []byte {
	var more []byte
	for _, list := range sh.lists {
		if _, replaced := it.extra[list.name]; replaced {
			continue
		}
		b = append(jsondoc.AppendString(append(b, ','), list.name), ':')
		l := x.listings[listKey{list, it.view.ID}]
		shown := 0
		if b, shown = x.appendList(b, l, list.target); l == nil || shown != l.total {
			more = appendMore(more, list.name, l)
		}
	}
	if more == nil {
		return b
	}
	return append(append(append(b, `,"_more":{`...), more...), '}')
}

func appendMore(more []byte, name string, l *listing) []byte {
	if more != nil {
		more = append(more, ',')
	}
	more = append(jsondoc.AppendString(more, name), ':')
	if l == nil || l.total < 0 {
		return append(more, "null"...)
	}
	return strconv.AppendInt(more, int64(l.total), 10)
}

// appendList writes as much of a list as the answer has room for.
func (x *writer) appendList(b []byte, l *listing, to *target) ([]byte, int) {
	b = append(b, '[')
	n := 0
	for l != nil && n < len(l.items) && x.spent < maxEmbedded && len(b) <= maxBody {
		if n > 0 {
			b = append(b, ',')
		}
		x.spent++
		b = x.entry(b, l.items[n], x.shapeOf(to, l.items[n]))
		n++
	}
	return append(b, ']'), n
}

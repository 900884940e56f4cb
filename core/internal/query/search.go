package query

import (
	"context"
	"net/url"
	"strconv"

	"github.com/palabre-cms/palabre/core"
)

// searchParameters are those of a search across types.
var searchParameters = append(parametersNamed("q", "highlight", "limit", "after", "locale", "state"),
	parameter{name: "types", lists: true, read: func(w *wish, v string) error { w.types = appendItems(w.types, v); return nil }})

var pageParameters = parametersNamed("limit", "after")

func parametersNamed(names ...string) []parameter {
	var out []parameter
	for _, name := range names {
		out = append(out, *find(name, parameters()))
	}
	return out
}

// ParsePage implements core.Queries.
func (q *Queries) ParsePage(params url.Values) (limit int, after string, err error) {
	w, err := readURL(params, pageParameters)
	if err != nil {
		return 0, "", err
	}
	return w.limit, w.after, nil
}

// ParseSearch implements core.Queries.
func (q *Queries) ParseSearch(ctx context.Context, who *core.Principal, params url.Values) (*core.AskedAll, error) {
	w, err := readURL(params, searchParameters)
	if err != nil {
		return nil, err
	}
	if w.text == "" {
		return nil, refuse("missing_parameter", "A search needs q, the words to look for.", "Une recherche demande q, les mots à chercher.")
	}
	w.highlight = w.highlight || !params.Has("highlight") // who searches everywhere wants to see where the words stand
	requests, err := q.searchable(ctx, who, distinct(w.types))
	if err != nil {
		return nil, err
	}
	all := &core.AskedAll{Asked: core.Asked{Query: core.Query{Text: w.text, Limit: w.limit, State: w.state, Locale: w.locale, Highlight: w.highlight}}}
	for _, r := range requests {
		a, err := r.ask(w.in(r.own.t))
		if err != nil {
			return nil, err
		}
		all.Queries = append(all.Queries, a)
	}
	all.Canonical = canonicalOfSearch(all, w)
	return all, q.offset(all, w)
}

// searchable gives the types to search: those that are named, or all that the caller may list, the system's own left out.
func (q *Queries) searchable(ctx context.Context, who *core.Principal, names []string) ([]*request, error) {
	var out []*request
	var known []string
	listed := map[string]*request{}
	for _, t := range q.types.Types() {
		r, err := q.begin(ctx, who, t, core.ActionList)
		if err != nil {
			continue
		}
		known = append(known, string(t.Name))
		listed[string(t.Name)] = r
		if len(names) == 0 && !t.Name.System() {
			out = append(out, r)
		}
	}
	for _, name := range names {
		if listed[name] == nil {
			return nil, unknown("type", name, known)
		}
		out = append(out, listed[name])
	}
	return out, nil
}

// in makes of a wish for all types one for a single type: a type that is not written in the language is shown in its own.
func (w *wish) in(t *core.Type) *wish {
	one := newWish()
	one.text, one.highlight, one.limit, one.state, one.total = w.text, w.highlight, w.limit, w.state, true
	if t.HasLocale(w.locale) {
		one.locale = w.locale
	}
	return one
}

// canonicalOfSearch names the types that are searched, so that a cursor does not outlive a change of them.
func canonicalOfSearch(all *core.AskedAll, w *wish) string {
	b := appendText([]byte("search"), "q", all.Text)
	b = appendText(b, "locale", string(all.Locale))
	b = appendText(b, "state", string(all.State))
	b = append(b, " types="...)
	for _, a := range all.Queries {
		b = append(append(b, a.Type...), ',')
	}
	b = append(b, "\nlimit="...)
	b = strconv.AppendInt(b, int64(w.limit), 10)
	b = append(b, " highlight="...)
	b = strconv.AppendBool(b, w.highlight)
	return string(appendText(b, "after", w.after))
}

// offset reads the cursor: a ranked list of several types is gone through by count.
func (q *Queries) offset(all *core.AskedAll, w *wish) error {
	if w.after == "" {
		return nil
	}
	c, err := q.After(&all.Asked, w.after)
	if err != nil {
		return err
	}
	n, ok := int64(0), len(c.Values) == 1
	if ok {
		n, ok = c.Values[0].(int64)
	}
	if !ok || n < 0 || n > maxOffset {
		return errCursor()
	}
	all.Offset = int(n)
	return nil
}

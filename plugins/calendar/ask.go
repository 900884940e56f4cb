package calendar

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const (
	icsKind    = "text/calendar; charset=utf-8"
	jsonldKind = "application/ld+json; charset=utf-8"

	perPage = "200"
	// most bounds the events of one feed: calendars do not turn pages.
	most = 1000
)

// ownParameters are those of the list that the plugin sets itself.
var ownParameters = []string{"limit", "after", "total", "fields", "include", "facets", "highlight", "richtext"}

// parameters gives the caller's parameters as the API has them: lang is another word for locale.
func parameters(given url.Values) (url.Values, error) {
	params := maps.Clone(given)
	for _, name := range ownParameters {
		if params.Has(name) {
			return nil, core.Refuse(core.CodeBadRequest, "unknown_parameter", "There is no parameter %q here: a calendar gives all events, up to %d. Choose them with filter.",
				"Il n’y a pas de paramètre « %s » ici : un agenda donne tous les évènements, jusqu’à %d. Choisissez-les avec filter.", name, most)
		}
	}
	if lang, ok := params["lang"]; ok {
		delete(params, "lang")
		params["locale"] = append(params["locale"], lang...)
	}
	params.Set("richtext", "text")
	return params, nil
}

// file splits a name like event.ics.
func file(name string, endings ...string) (stem, ending string, err error) {
	for _, ending := range endings {
		if stem, ok := strings.CutSuffix(name, ending); ok && stem != "" {
			return stem, ending, nil
		}
	}
	return "", "", core.Refuse(core.CodeNotFound, "", "There is nothing at this address: it must end with %s.", "Il n’y a rien à cette adresse : elle doit finir par %s.", strings.Join(endings, ", "))
}

func (c *calendar) askType(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	name, _, err := file(q.Value("type"), ".ics")
	if err != nil {
		return nil, err
	}
	m, t, err := c.mapping(name)
	if err != nil {
		return nil, err
	}
	params, err := parameters(q.Query)
	if err != nil {
		return nil, err
	}
	return c.list(ctx, q.Who, m, t, params, "")
}

// askSeries looks the series up as the caller may see it, and then asks for the events that refer to it.
func (c *calendar) askSeries(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	name, _, err := file(q.Value("series"), ".ics")
	if err != nil {
		return nil, err
	}
	m, t, err := c.mapping(q.Value("type"))
	if err != nil {
		return nil, err
	}
	params, err := parameters(q.Query)
	if err != nil {
		return nil, err
	}
	series, err := c.series(ctx, q.Who, m, t, name, params["locale"])
	if err != nil {
		return nil, err
	}
	params.Add("filter["+m.Series+"]", series.id)
	p, err := c.list(ctx, q.Who, m, t, params, series.title)
	if err == nil {
		p.Types = append(p.Types, series.typ)
	}
	return p, err
}

type series struct {
	typ       core.TypeName
	id, title string
}

func (c *calendar) series(ctx context.Context, who *core.Principal, m *Mapping, t *core.Type, name string, lang []string) (*series, error) {
	f, ok := t.Field(m.Series)
	if !ok || f.Ref == nil || len(f.Ref.Types) == 0 {
		return nil, core.Refuse(core.CodeNotFound, "", "Entries of the type %s belong to no series.", "Les contenus de type %s n’appartiennent à aucune série.", t.Name)
	}
	of, ok := c.host.Types().Type(f.Ref.Types[0])
	if !ok {
		return nil, core.NoType(f.Ref.Types[0])
	}
	doc, _, err := c.read(ctx, who, of.Name, name, url.Values{"locale": lang})
	if err != nil {
		return nil, err
	}
	id, _ := doc["_id"].(string)
	return &series{typ: of.Name, id: id, title: jsondoc.Text(doc, of.TitleField)}, nil
}

// read gives one entry as the caller may see it.
func (c *calendar) read(ctx context.Context, who *core.Principal, name core.TypeName, idOrSlug string, params url.Values) (map[string]any, *core.Answer, error) {
	if len(params["locale"]) == 0 {
		params.Del("locale")
	}
	p, err := c.host.Reader().One(ctx, who, name, idOrSlug, params)
	if err != nil {
		return nil, nil, err
	}
	return answered(ctx, p)
}

func answered(ctx context.Context, p *core.Pending) (map[string]any, *core.Answer, error) {
	a, err := p.Answer(ctx)
	if err != nil {
		return nil, nil, err
	}
	doc, err := jsondoc.ParseObject(a.Body)
	return doc, a, err
}

func (c *calendar) askEntry(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	name, ending, err := file(q.Value("entry"), ".ics", ".jsonld")
	if err != nil {
		return nil, err
	}
	m, t, err := c.mapping(q.Value("type"))
	if err != nil {
		return nil, err
	}
	params, err := parameters(q.Query)
	if err != nil {
		return nil, err
	}
	p, err := c.host.Reader().One(ctx, q.Who, t.Name, name, params)
	if err != nil {
		return nil, err
	}
	return &core.Pending{Key: key(ending, p.Key), Types: p.Types, Answer: func(ctx context.Context) (*core.Answer, error) {
		doc, a, err := answered(ctx, p)
		if err != nil {
			return nil, err
		}
		h, ok := m.read(t, doc)
		if !ok {
			return nil, core.Refuse(core.CodeNotFound, "no_date", "This entry has no date.", "Ce contenu n’a pas de date.")
		}
		out := &core.Answer{Until: a.Until, Tags: a.Tags, Position: a.Position}
		out.Kind, out.Body, err = h.as(ending)
		return out, err
	}}, nil
}

// as writes an event as what an address ends with.
func (h *happening) as(ending string) (kind string, body []byte, err error) {
	if ending == ".jsonld" {
		return jsonldKind, h.jsonLD(), nil
	}
	body, err = write("", append([]*happening{h}, h.sessions...))
	return icsKind, body, err
}

// key derives the key of an answer from that of what it is made from: what may not be kept stays so.
func key(what, of string) string {
	if of == "" {
		return ""
	}
	return "calendar\n" + what + "\n" + of
}

// list answers with the events of a list, in the order of the list.
func (c *calendar) list(ctx context.Context, who *core.Principal, m *Mapping, t *core.Type, params url.Values, title string) (*core.Pending, error) {
	params.Set("limit", perPage)
	params.Set("total", "false")
	first, err := c.host.Reader().List(ctx, who, t.Name, params)
	if err != nil {
		return nil, err
	}
	return &core.Pending{Key: key("list "+title, first.Key), Types: first.Types, Answer: func(ctx context.Context) (*core.Answer, error) {
		docs, out, err := c.pages(ctx, who, t.Name, maps.Clone(params), first)
		if err != nil {
			return nil, err
		}
		var events []*happening
		for _, doc := range docs {
			if h, ok := m.read(t, doc); ok {
				events = append(events, h)
			}
		}
		out.Kind = icsKind
		out.Body, err = write(cmp.Or(title, t.PluralLabel.In(locale(params.Get("locale")))), events)
		return out, err
	}}, nil
}

// pages reads page after page, up to the bound.
func (c *calendar) pages(ctx context.Context, who *core.Principal, name core.TypeName, params url.Values, p *core.Pending) (docs []map[string]any, out *core.Answer, err error) {
	out = &core.Answer{}
	for {
		a, err := p.Answer(ctx)
		if err != nil {
			return nil, nil, err
		}
		var page struct {
			Data []json.RawMessage
			Page struct{ Next string }
		}
		if err := json.Unmarshal(a.Body, &page); err != nil {
			return nil, nil, err
		}
		for _, text := range page.Data {
			doc, err := jsondoc.ParseObject(text)
			if err != nil {
				return nil, nil, err
			}
			docs = append(docs, doc)
		}
		add(out, a)
		if page.Page.Next == "" || len(docs) >= most {
			return docs, out, nil
		}
		params.Set("after", page.Page.Next)
		if p, err = c.host.Reader().List(ctx, who, name, params); err != nil {
			return nil, nil, err
		}
	}
}

// add notes what a cache must know of one more page.
func add(out, page *core.Answer) {
	if out.Position == 0 || page.Position < out.Position {
		out.Position = page.Position
	}
	if out.Until.IsZero() || !page.Until.IsZero() && page.Until.Before(out.Until) {
		out.Until = page.Until
	}
	if out.Tags == nil {
		out.Tags = page.Tags
		return
	}
	known := make(map[string]bool, len(out.Tags))
	for _, tag := range out.Tags {
		known[tag] = true
	}
	for _, tag := range page.Tags {
		if !known[tag] {
			out.Tags = append(out.Tags, tag)
		}
	}
}

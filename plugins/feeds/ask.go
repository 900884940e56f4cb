package feeds

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// format writes a feed.
type format struct {
	kind  string
	write func(*feed) ([]byte, error)
}

var formats = map[string]format{
	".atom": {"application/atom+xml; charset=utf-8", writeAtom},
	".rss":  {"application/rss+xml; charset=utf-8", writeRSS},
	".json": {"application/feed+json; charset=utf-8", writeJSON},
}

// ownParameters are those of the list that the plugin sets itself.
var ownParameters = []string{"total", "fields", "include", "facets", "highlight", "richtext"}

// parameters gives the caller's parameters as the API has them: lang is another word for locale, and the newest come first.
func parameters(given url.Values) (url.Values, error) {
	params := maps.Clone(given)
	for _, name := range ownParameters {
		if params.Has(name) {
			return nil, core.Refuse(core.CodeBadRequest, "unknown_parameter", "There is no parameter %q here: a feed takes filter, q, sort, limit, after, lang and those of places.",
				"Il n’y a pas de paramètre « %s » ici : un flux prend filter, q, sort, limit, after, lang et ceux des lieux.", name)
		}
	}
	if lang, ok := params["lang"]; ok {
		delete(params, "lang")
		params["locale"] = append(params["locale"], lang...)
	}
	if !params.Has("sort") {
		params.Set("sort", "-_publishedAt")
	}
	params.Set("total", "false")
	params.Set("richtext", "html")
	return params, nil
}

func (f *feeds) askFile(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	file := q.Value("file")
	if name, ok := strings.CutPrefix(file, "sitemap-"); ok {
		return f.askPart(ctx, q, name)
	}
	for ending, format := range formats {
		if name, ok := strings.CutSuffix(file, ending); ok {
			return f.askFeed(ctx, q, name, ending, format)
		}
	}
	return nil, nowhere()
}

func nowhere() error {
	return core.Refuse(core.CodeNotFound, "", "There is nothing at this address: feeds end with .atom, .rss or .json, and the sitemap is sitemap.xml.",
		"Il n’y a rien à cette adresse : les flux finissent par .atom, .rss ou .json, et le plan du site est sitemap.xml.")
}

func (f *feeds) askFeed(ctx context.Context, q *core.RouteRequest, name, ending string, as format) (*core.Pending, error) {
	m, t, err := f.mapping(name)
	if err != nil {
		return nil, err
	}
	where, err := f.site(q)
	if err != nil {
		return nil, err
	}
	params, err := parameters(q.Query)
	if err != nil {
		return nil, err
	}
	p, err := f.host.Reader().List(ctx, q.Who, t.Name, params)
	if err != nil {
		return nil, err
	}
	self := address{site: where.here, path: "/feeds/" + name + ending, query: q.Query, asked: q.URL.RawQuery}
	return &core.Pending{Key: key(self.String(), p.Key), Types: p.Types, Answer: func(ctx context.Context) (*core.Answer, error) {
		a, err := p.Answer(ctx)
		if err != nil {
			return nil, err
		}
		docs, next, err := pageOf(a.Body)
		if err != nil {
			return nil, err
		}
		out := &core.Answer{Kind: as.kind, Until: a.Until, Tags: a.Tags, Position: a.Position}
		out.Body, err = as.write(m.feed(where, t, docs, self, next))
		return out, err
	}}, nil
}

// address is a feed's own. A preview token is not part of it: links are passed on.
type address struct {
	site, path string
	query      url.Values
	asked      string // the query as it was asked for
}

// String gives it as it was asked for (RFC 4287, section 4.2.7.2: self is what leads to this document).
func (a address) String() string {
	if a.query.Has("preview") {
		return a.after(a.query.Get("after"))
	}
	if a.asked == "" {
		return a.site + a.path
	}
	return a.site + a.path + "?" + legal(a.asked)
}

// of is the same address on another site.
func (a address) of(site string) address {
	a.site = site
	return a
}

// legal escapes what an address must not hold as it is (RFC 3986, section 2), though servers take it: filter[kind]=x.
func legal(query string) string {
	var out strings.Builder
	for _, c := range []byte(query) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>[]\^`+"`{|}", c) >= 0 {
			fmt.Fprintf(&out, "%%%02X", c)
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

// after gives the address of the page after a cursor, with its parameters in one order; of the first page for "".
func (a address) after(cursor string) string {
	query := maps.Clone(a.query)
	query.Del("preview")
	query.Del("after")
	if cursor != "" {
		query.Set("after", cursor)
	}
	if len(query) == 0 {
		return a.site + a.path
	}
	return a.site + a.path + "?" + query.Encode()
}

// key derives the key of an answer from that of what it is made from: what may not be kept stays so.
func key(what, of string) string {
	if of == "" {
		return ""
	}
	return "feeds\n" + what + "\n" + of
}

// pageOf reads a page as the API gives it.
func pageOf(body []byte) (docs []map[string]any, next string, err error) {
	var page struct {
		Data []json.RawMessage
		Page struct{ Next string }
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, "", err
	}
	for _, text := range page.Data {
		doc, err := jsondoc.ParseObject(text)
		if err != nil {
			return nil, "", err
		}
		docs = append(docs, doc)
	}
	return docs, page.Page.Next, nil
}

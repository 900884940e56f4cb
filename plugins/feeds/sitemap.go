package feeds

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const (
	xmlKind          = "application/xml; charset=utf-8"
	sitemapNamespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
	perPage          = 200
	// mostParts bounds the parts of one type: the first walk to one goes over those before it.
	mostParts = 50
)

type urlset struct {
	XMLName xml.Name  `xml:"urlset"`
	Xmlns   string    `xml:"xmlns,attr"`
	URLs    []mapLine `xml:"url"`
}

type sitemapIndex struct {
	XMLName xml.Name  `xml:"sitemapindex"`
	Xmlns   string    `xml:"xmlns,attr"`
	Maps    []mapLine `xml:"sitemap"`
}

type mapLine struct {
	Loc     string `xml:"loc"`
	LastMod string `xml:"lastmod,omitempty"`
}

// walk is a way through all public pages of a type, as anybody may read them, in an order that does not change.
type walk struct {
	f      *feeds
	m      Mapping
	params url.Values
	first  *core.Pending
}

func (f *feeds) walk(ctx context.Context, m Mapping) (*walk, error) {
	fields := append([]string{"_updatedAt"}, m.Page.Fields()...)
	w := &walk{f: f, m: m, params: url.Values{"sort": {"_id"}, "limit": {strconv.Itoa(perPage)}, "fields": {strings.Join(fields, ",")}}}
	var err error
	w.first, err = f.host.Reader().List(ctx, core.Anonymous, m.Type, w.params)
	return w, err
}

// walks are the ways through all types that have pages which anybody may read.
func (f *feeds) walks(ctx context.Context) []*walk {
	var all []*walk
	for _, m := range f.settings.Get().Types {
		if t, ok := f.host.Types().Type(m.Type); !ok || m.Page == "" || !t.Public {
			continue
		}
		w, err := f.walk(ctx, m)
		if err != nil {
			f.host.Log().Warn("a type is left out of the sitemap", "type", m.Type, "error", err)
			continue
		}
		all = append(all, w)
	}
	return all
}

// askSitemap answers with all pages, or with an index of them where they are too many for one file.
func (f *feeds) askSitemap(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	where, err := f.site(q)
	if err != nil {
		return nil, err
	}
	if err := noParameters(q); err != nil {
		return nil, err
	}
	all := f.walks(ctx)
	p := &core.Pending{Key: key("sitemap "+where.home+" "+where.here, "all"), Answer: func(ctx context.Context) (*core.Answer, error) { return f.sitemap(ctx, where, all) }}
	for _, m := range f.settings.Get().Types { // also those that are left out: they may come in
		p.Types = append(p.Types, m.Type)
	}
	for _, w := range all {
		p.Types = append(p.Types, w.first.Types...)
		p.Key = key(p.Key, w.first.Key)
	}
	return p, nil
}

func noParameters(q *core.RouteRequest) error {
	for name := range q.Query {
		return core.Refuse(core.CodeBadRequest, "unknown_parameter", "There is no parameter %q: a sitemap takes none.", "Il n’y a pas de paramètre « %s » : un plan du site n’en prend pas.", name)
	}
	return nil
}

func (f *feeds) sitemap(ctx context.Context, where *site, all []*walk) (*core.Answer, error) {
	out := &core.Answer{Kind: xmlKind}
	counts, sum := make([]int, len(all)), 0
	for i, w := range all {
		a, err := w.first.Answer(ctx)
		if err != nil {
			return nil, err
		}
		note(out, a)
		counts[i] = total(a.Body)
		sum += counts[i]
	}
	if sum > f.sizes.Whole {
		return out, f.index(out, where, all, counts)
	}
	var lines []mapLine
	for _, w := range all {
		more, err := w.pages(ctx, out, where, 0, f.sizes.Whole)
		if err != nil {
			return nil, err
		}
		lines = append(lines, more...)
	}
	var err error
	out.Body, err = document(urlset{Xmlns: sitemapNamespace, URLs: lines})
	return out, err
}

// total is how many entries a list finds.
func total(body []byte) int {
	var list struct{ Page struct{ Total int } }
	_ = json.Unmarshal(body, &list) // the API's own
	return list.Page.Total
}

func (f *feeds) index(out *core.Answer, where *site, all []*walk, counts []int) (err error) {
	var lines []mapLine
	for i, w := range all {
		parts := min((counts[i]+f.sizes.Part-1)/f.sizes.Part, mostParts)
		for n := 1; n <= parts; n++ {
			lines = append(lines, mapLine{Loc: where.here + "/feeds/sitemap-" + string(w.m.Type) + "-" + strconv.Itoa(n) + ".xml"})
		}
	}
	out.Body, err = document(sitemapIndex{Xmlns: sitemapNamespace, Maps: lines})
	return err
}

// askPart answers with one part of one type: its name is {type}-{n}.xml.
func (f *feeds) askPart(ctx context.Context, q *core.RouteRequest, name string) (*core.Pending, error) {
	m, n, err := f.part(name)
	if err != nil {
		return nil, err
	}
	if err := noParameters(q); err != nil {
		return nil, err
	}
	where, err := f.site(q)
	if err != nil {
		return nil, err
	}
	w, err := f.walk(ctx, *m)
	if err != nil {
		return nil, err
	}
	return &core.Pending{Key: key("sitemap "+where.home+" "+strconv.Itoa(n), w.first.Key), Types: w.first.Types, Answer: func(ctx context.Context) (*core.Answer, error) {
		out := &core.Answer{Kind: xmlKind}
		lines, err := w.pages(ctx, out, where, (n-1)*f.sizes.Part, f.sizes.Part)
		if err != nil {
			return nil, err
		}
		if len(lines) == 0 && n > 1 {
			return nil, nowhere()
		}
		out.Body, err = document(urlset{Xmlns: sitemapNamespace, URLs: lines})
		return out, err
	}}, nil
}

// part reads the name of a part.
func (f *feeds) part(name string) (*Mapping, int, error) {
	name, isXML := strings.CutSuffix(name, ".xml")
	cut := strings.LastIndexByte(name, '-')
	if !isXML || cut < 0 {
		return nil, 0, nowhere()
	}
	n, err := strconv.Atoi(name[cut+1:])
	if err != nil || n < 1 || n > mostParts || strconv.Itoa(n) != name[cut+1:] {
		return nil, 0, nowhere()
	}
	m, t, err := f.mapping(name[:cut])
	if err == nil && (m.Page == "" || !t.Public) {
		err = core.NoType(t.Name)
	}
	return m, n, err
}

// pages gives the addresses of entries, passing over the first ones.
func (w *walk) pages(ctx context.Context, out *core.Answer, where *site, skip, most int) ([]mapLine, error) {
	at, p, err := w.begin(ctx, out, skip)
	if err != nil {
		return nil, err
	}
	lines, last := []mapLine{}, ""
	for p != nil && at < skip+most {
		a, err := p.Answer(ctx)
		if err != nil {
			return nil, err
		}
		note(out, a)
		docs, next, err := pageOf(a.Body)
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			if at++; at > skip && at <= skip+most {
				lines, last = w.m.line(lines, where, doc), text(doc, "_id")
			}
		}
		if p = nil; next != "" {
			if p, err = w.next(ctx, url.Values{"after": {next}}); err != nil {
				return nil, err
			}
		}
	}
	if last != "" {
		w.f.ends.Store(end{w.m.Type, skip + most}, last)
	}
	return lines, nil
}

// end names a place in a walk: after so many entries.
type end struct {
	of    core.TypeName
	after int
}

// begin gives the page to begin with, and how many entries lie before it. Where an earlier walk has ended at the same place, and as
// many entries lie before that or a few less, it is from there on; else from the first.
func (w *walk) begin(ctx context.Context, out *core.Answer, skip int) (at int, p *core.Pending, err error) {
	if skip == 0 {
		return 0, w.first, nil
	}
	if id, known := w.f.ends.Load(end{w.m.Type, skip}); known {
		last, _ := id.(string)
		before, err := w.next(ctx, url.Values{"filter[_id][lte]": {last}, "limit": {"1"}, "fields": {"_id"}, "total": {"true"}})
		if err != nil {
			return 0, nil, err
		}
		a, err := before.Answer(ctx)
		if err != nil {
			return 0, nil, err
		}
		note(out, a)
		if at = total(a.Body); at <= skip {
			w.params.Set("filter[_id][gt]", last) // also of the pages that follow: a cursor belongs to its query
			p, err = w.next(ctx, nil)
			return at, p, err
		}
	}
	return w.passOver(ctx, out, skip)
}

// passOver walks from the first entry on, over whole pages, and gives where it got to.
func (w *walk) passOver(ctx context.Context, out *core.Answer, skip int) (at int, p *core.Pending, err error) {
	for after := (url.Values{}); ; at += perPage {
		if skip-at < perPage {
			p, err = w.next(ctx, after)
			return at, p, err
		}
		bare := maps.Clone(after)
		bare.Set("fields", "_id")
		if p, err = w.next(ctx, bare); err != nil {
			return 0, nil, err
		}
		a, err := p.Answer(ctx)
		if err != nil {
			return 0, nil, err
		}
		note(out, a)
		last, cursor := endOf(a.Body)
		if cursor == "" {
			return at + perPage, nil, nil // there is nothing there
		}
		if at+perPage == skip {
			w.f.ends.Store(end{w.m.Type, skip}, last)
		}
		after = url.Values{"after": {cursor}}
	}
}

// next asks for a page of the walk, with more parameters than it has.
func (w *walk) next(ctx context.Context, more url.Values) (*core.Pending, error) {
	params := maps.Clone(w.params)
	params.Set("total", "false")
	maps.Copy(params, more)
	return w.f.host.Reader().List(ctx, core.Anonymous, w.m.Type, params)
}

// endOf is the last entry of a page of the API, and where it leads on to.
func endOf(body []byte) (id, cursor string) {
	var list struct {
		Data []struct {
			ID string `json:"_id"`
		}
		Page struct{ Next string }
	}
	_ = json.Unmarshal(body, &list) // the API's own
	if len(list.Data) > 0 {
		id = list.Data[len(list.Data)-1].ID
	}
	return id, list.Page.Next
}

func (m *Mapping) line(lines []mapLine, where *site, doc map[string]any) []mapLine {
	path := m.Page.Fill(doc)
	if path == "" {
		return lines
	}
	at, _ := time.Parse(time.RFC3339, text(doc, "_updatedAt"))
	return append(lines, mapLine{Loc: where.home + path, LastMod: at.UTC().Format(time.RFC3339)})
}

// note tells a cache of what the answer is made from: by type, for a sitemap has too many entries to name.
func note(out, page *core.Answer) {
	if out.Position == 0 || page.Position < out.Position {
		out.Position = page.Position
	}
	if out.Until.IsZero() || !page.Until.IsZero() && page.Until.Before(out.Until) {
		out.Until = page.Until
	}
	for _, tag := range page.Tags {
		if !strings.Contains(tag, "/") && !slices.Contains(out.Tags, tag) {
			out.Tags = append(out.Tags, tag)
		}
	}
}

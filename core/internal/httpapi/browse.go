package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

type homePage struct {
	Types   []homeType
	Links   []homeLink
	Example string
}

type homeType struct{ Label, Count, Description, URL string }

type homeLink struct{ URL, Text, Label string }

// home shows what there is.
func home(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, "lang"); err != nil {
		return err
	}
	types, err := s.o.Reader.Visible(c.Request.Context(), of(c).who)
	if err != nil {
		return err
	}
	p := s.newPage(c.Request, "", nil)
	data := homePage{Links: append(s.pageLinks(p), homeLinks(p)...)}
	for _, t := range types {
		if t.Name.System() {
			continue
		}
		if data.Example == "" {
			data.Example = s.here(c.Request) + "/api/v1/content/" + string(t.Name) + "?limit=3"
		}
		line := homeType{Label: pluralOf(t, p.Lang), Description: t.Description[p.Lang], URL: p.Link(browsePath(t.Name, ""))}
		if list, err := s.listed(c, t, url.Values{"limit": {"1"}}); err == nil {
			line.Count = grouped(list.total, p.Lang)
		}
		data.Types = append(data.Types, line)
	}
	p.Data = data
	return s.show(c, "home", p)
}

// pageLinks are the pages of plugins.
func (s *Server) pageLinks(p page) []homeLink {
	var links []homeLink
	for _, r := range s.o.Routes {
		if len(r.Page) > 0 && (r.On == nil || r.On()) {
			links = append(links, homeLink{p.Link(r.Path), r.Path, r.Page.In(p.Lang)})
		}
	}
	return links
}

func homeLinks(p page) []homeLink {
	return []homeLink{
		{"/openapi.json", "/openapi.json", p.Say("linkOpenAPI")},
		{"/api/v1/types", "/api/v1/types", p.Say("linkTypes")},
		{"/api/v1/search?q=" + url.QueryEscape(p.Say("sampleWord")), "/api/v1/search?q=…", p.Say("linkSearch")},
		{"/api/v1/changes?since=0", "/api/v1/changes?since=0", p.Say("linkChanges")},
	}
}

// here is how this server is reached, as far as it can tell. It stands in a command to be copied, so a host that holds
// what a shell would read is left out.
func (s *Server) here(r *http.Request) string {
	if s.o.PublicURL != "" {
		return strings.TrimSuffix(s.o.PublicURL, "/")
	}
	if !plainHost(r.Host) {
		return ""
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host
}

// plainHost reports whether a Host header is a name or an address, and maybe a port.
func plainHost(host string) bool {
	return host != "" && len(host) <= 255 && strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") == ""
}

func pluralOf(t *core.Type, lang core.Locale) string {
	return either(t.PluralLabel.In(lang), either(t.Label.In(lang), string(t.Name)))
}

// entryList is a page of entries as the API gives it, read back.
type entryList struct {
	data  []map[string]any
	next  string
	total int64
}

// listed asks as the API is asked, so that a page shows exactly what the API says, out of the same cache.
func (s *Server) listed(c *gin.Context, t *core.Type, params url.Values) (*entryList, error) {
	body, err := s.asked(c, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
		return s.o.Reader.List(ctx, who, t.Name, params)
	})
	if err != nil {
		return nil, err
	}
	out := &entryList{}
	items, _ := body["data"].([]any)
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out.data = append(out.data, m)
		}
	}
	if next, ok := jsondoc.Lookup(body, "page.next"); ok {
		out.next, _ = next.(string)
	}
	total, _ := jsondoc.Lookup(body, "page.total")
	out.total, _ = whole(total)
	return out, nil
}

func (s *Server) asked(c *gin.Context, check check) (map[string]any, error) {
	k := asked{before: s.note(), tally: of(c).tally, open: of(c).who.Anonymous()}
	var err error
	if k.pending, err = check(c.Request.Context(), of(c).who); err != nil {
		return nil, err
	}
	a, err := s.answer(c.Request.Context(), k)
	if err != nil {
		return nil, err
	}
	return jsondoc.ParseObject(a.body)
}

// seenType finds a type that the caller may see.
func (s *Server) seenType(c *gin.Context) (*core.Type, error) {
	t, err := s.typeNamed(c)
	if err != nil {
		return nil, err
	}
	_, err = s.o.Access.Scope(c.Request.Context(), of(c).who, t, core.ActionList)
	return t, err
}

type listPage struct {
	Label, Description, Count, Path, Query, API string
	Columns                                     []string
	Rows                                        []listRow
	First, Next                                 string
}

type listRow struct {
	Title, URL, Date, Time, Status, StatusLabel string
	Cells                                       []string
}

// browseType shows a page of a type's published entries.
func browseType(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, "lang", "q", "after"); err != nil {
		return err
	}
	t, err := s.seenType(c)
	if err != nil {
		return err
	}
	p := s.newPage(c.Request, "", nil)
	given := c.Request.URL.Query()
	params := url.Values{"limit": {"25"}}
	for _, name := range []string{"q", "after"} {
		if v := strings.TrimSpace(given.Get(name)); v != "" {
			params.Set(name, v)
		}
	}
	withLocale(params, t, p.Lang)
	list, err := s.listed(c, t, params)
	if err != nil {
		return err
	}
	p.Title, p.Data = pluralOf(t, p.Lang), s.listPage(p, t, params, list)
	return s.show(c, "list", p)
}

func withLocale(params url.Values, t *core.Type, lang core.Locale) {
	if t.HasLocale(lang) {
		params.Set("locale", string(lang))
	}
}

func (s *Server) listPage(p page, t *core.Type, params url.Values, list *entryList) listPage {
	path := browsePath(t.Name, "")
	d := listPage{Label: pluralOf(t, p.Lang), Description: t.Description[p.Lang], Path: path, Query: params.Get("q"),
		Count: p.counted(list.total), API: "/api/v1/content/" + url.PathEscape(string(t.Name)) + "?" + params.Encode()}
	columns := columnsOf(t)
	for _, f := range columns {
		d.Columns = append(d.Columns, either(f.Label.In(p.Lang), f.Path))
	}
	for _, entry := range list.data {
		d.Rows = append(d.Rows, listRowOf(p, t, columns, entry))
	}
	again := url.Values{}
	if d.Query != "" {
		again.Set("q", d.Query)
	}
	if params.Has("after") {
		d.First = p.link(path, again)
	}
	if list.next != "" {
		again.Set("after", list.next)
		d.Next = p.link(path, again)
	}
	return d
}

// columnsOf picks what sorts entries apart at a glance: the first facets with one short value.
func columnsOf(t *core.Type) []*core.Field {
	var columns []*core.Field
	for i := range t.Fields {
		f := &t.Fields[i]
		short := f.Kind == core.KindString || f.Kind == core.KindInteger || f.Kind == core.KindBoolean
		if f.Facet && short && !f.Multi && !f.Private && !f.Secret && len(f.ReadRoles) == 0 && !strings.Contains(f.Path, ".") && len(columns) < 2 {
			columns = append(columns, f)
		}
	}
	return columns
}

func listRowOf(p page, t *core.Type, columns []*core.Field, entry map[string]any) listRow {
	r := listRow{Title: p.titleOf(t, entry), URL: p.Link(browsePath(t.Name, addressOf(t, entry)))}
	r.Time, r.Date = p.dayOf(entry["_publishedAt"])
	r.Status, r.StatusLabel = p.statusOf(t, entry)
	for _, f := range columns {
		r.Cells = append(r.Cells, p.value(f, entry[f.Path]).Text)
	}
	return r
}

// addressOf is what leads to an entry: its slug where it has one.
func addressOf(t *core.Type, entry map[string]any) string {
	if slug, ok := entry[t.SlugField].(string); ok && t.SlugField != "" && slug != "" {
		return slug
	}
	return textOf(entry["_id"])
}

func (p page) titleOf(t *core.Type, entry map[string]any) string {
	if t != nil && t.TitleField != "" {
		if v, ok := jsondoc.Lookup(entry, t.TitleField); ok && textOf(v) != "" {
			return textOf(v)
		}
	}
	return either(textOf(entry["_id"]), p.Say("untitled"))
}

func (p page) statusOf(t *core.Type, entry map[string]any) (name, label string) {
	name = textOf(entry["_status"])
	if state, ok := t.Workflow.State(core.Status(name)); ok && len(state.Label) > 0 {
		return name, state.Label.In(p.Lang)
	}
	return name, name
}

// dayOf writes a time both ways: for programs, and for people.
func (p page) dayOf(v any) (stamp, day string) {
	at, err := time.Parse(time.RFC3339, textOf(v))
	if err != nil {
		return "", ""
	}
	return textOf(v), p.day(at)
}

type entryPage struct {
	Label, ListURL, API string
	Status, StatusLabel string
	Date, Time, Updated string
	Locale              core.Locale
	Pairs               []pair
}

// browseEntry shows one published entry.
func browseEntry(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, "lang"); err != nil {
		return err
	}
	t, err := s.seenType(c)
	if err != nil {
		return err
	}
	p := s.newPage(c.Request, "", nil)
	params := url.Values{}
	withLocale(params, t, p.Lang)
	if include := includable(t); include != "" {
		params.Set("include", include)
	}
	entry, err := s.one(c, t, params)
	if core.CodeOf(err) == core.CodeBadRequest && params.Has("include") {
		params.Del("include") // a reference that this caller may not follow
		entry, err = s.one(c, t, params)
	}
	if err != nil {
		return err
	}
	p.Title, p.Data = p.titleOf(t, entry), s.entryPage(p, t, entry)
	return s.show(c, "entry", p)
}

func (s *Server) one(c *gin.Context, t *core.Type, params url.Values) (map[string]any, error) {
	return s.asked(c, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
		return s.o.Reader.One(ctx, who, t.Name, c.Param("id"), params)
	})
}

// includable lists the references of an entry that anyone may follow.
func includable(t *core.Type) string {
	var names []string
	for _, f := range t.Refs() {
		if !f.Private && !f.Secret && len(f.ReadRoles) == 0 {
			names = append(names, f.Path)
		}
	}
	return strings.Join(names, ",")
}

func (s *Server) entryPage(p page, t *core.Type, entry map[string]any) entryPage {
	d := entryPage{Label: pluralOf(t, p.Lang), ListURL: p.Link(browsePath(t.Name, "")), API: entryURL(t.Name, addressOf(t, entry))}
	d.Status, d.StatusLabel = p.statusOf(t, entry)
	d.Time, d.Date = p.dayOf(entry["_publishedAt"])
	if _, updated := p.dayOf(entry["_updatedAt"]); updated != d.Date {
		d.Updated = updated
	}
	d.Locale = core.Locale(textOf(entry["_locale"]))
	p.find = s.o.Types.Type
	d.Pairs = p.pairs(t, "", entry)
	return d
}

package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

var _ Pages = (*listPages)(nil)

// listPages gives the entries of lists as the API answers them.
type listPages struct {
	ask     func(ctx context.Context, params url.Values, page *listPage) error
	params  url.Values
	typ     *core.Type
	locales []core.Locale // to be asked for beside, for the translations
	total   int
	done    bool
}

// Pages exports what a server finds: the filter is a tree in JSON, "" for all. Without a locale each entry comes in its
// own language with its translations beside, which costs a request a page for each language.
func (c *Client) Pages(t *core.Type, state core.State, filter string, locale core.Locale) Pages {
	path := "/api/v1/content/" + url.PathEscape(string(t.Name)) + "?"
	return newPages(t, exportParams(state, filter, locale), func(ctx context.Context, params url.Values, page *listPage) error {
		return c.Call(ctx, http.MethodGet, path+params.Encode(), nil, page, true)
	})
}

func exportParams(state core.State, filter string, locale core.Locale) url.Values {
	params := url.Values{"sort": {"_id"}, "state": {string(state)}}
	if filter != "" {
		params.Set("filter", filter)
	}
	if locale != "" {
		params.Set("locale", string(locale))
	}
	return params
}

// NewPages exports what a list finds, which ask answers for a page as the API does: with the parameters of the list and
// those that page, limit, after and total. Without a locale it is asked for each language too.
func NewPages(t *core.Type, params url.Values, ask func(ctx context.Context, params url.Values) (body []byte, err error)) Pages {
	return newPages(t, params, func(ctx context.Context, params url.Values, page *listPage) error {
		body, err := ask(ctx, params)
		if err != nil {
			return err
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		return core.Wrap("transfer.Pages", d.Decode(page))
	})
}

// pageLimit is the most entries that the API gives at once, and the most that can be asked for by their identifiers.
const pageLimit = "200"

func newPages(t *core.Type, params url.Values, ask func(context.Context, url.Values, *listPage) error) *listPages {
	p := &listPages{ask: ask, typ: t, params: maps.Clone(params)}
	p.params.Set("limit", pageLimit)
	if !p.params.Has("locale") && len(t.Locales) > 1 {
		p.locales = t.Locales
	}
	return p
}

// listPage is a page as the API gives it.
type listPage struct {
	Data []map[string]any `json:"data"`
	Page struct {
		Next  string `json:"next"`
		Total int    `json:"total"`
	} `json:"page"`
}

// Next gives the next page.
func (p *listPages) Next(ctx context.Context) ([]map[string]any, int, error) {
	if p.done {
		return nil, 0, io.EOF
	}
	page := &listPage{}
	if err := p.ask(ctx, p.params, page); err != nil {
		return nil, 0, err
	}
	if err := p.translate(ctx, page.Data); err != nil {
		return nil, 0, err
	}
	if !p.params.Has("total") {
		p.total = page.Page.Total
		p.params.Set("total", "false")
	}
	p.params.Set("after", page.Page.Next)
	p.done = page.Page.Next == ""
	for _, doc := range page.Data {
		asExported(doc)
	}
	return page.Data, p.total, nil
}

// translate asks for the entries of a page in each language, by their identifiers: a list in another language may find
// others, in another order.
func (p *listPages) translate(ctx context.Context, docs []map[string]any) error {
	if len(docs) == 0 {
		return nil
	}
	ids := make([]string, len(docs))
	for i, doc := range docs {
		ids[i], _ = doc["_id"].(string)
	}
	params := url.Values{"filter[_id][in]": {strings.Join(ids, ",")}, "limit": {pageLimit}, "total": {"false"}}
	for _, name := range [...]string{"state", "fields", "richtext"} {
		if values := p.params[name]; len(values) > 0 {
			params[name] = values
		}
	}
	for _, locale := range p.locales {
		params.Set("locale", string(locale))
		page := &listPage{}
		if err := p.ask(ctx, params, page); err != nil {
			return err
		}
		p.lay(docs, page.Data, locale)
	}
	return nil
}

// lay puts what differs in a language beside the documents.
func (p *listPages) lay(docs, translated []map[string]any, locale core.Locale) {
	byID := make(map[any]map[string]any, len(translated))
	for _, doc := range translated {
		byID[doc["_id"]] = doc
	}
	for _, doc := range docs {
		in := byID[doc["_id"]]
		if in == nil || in[core.DocLocale] != string(locale) || doc[core.DocLocale] == string(locale) {
			continue
		}
		if overlay := p.overlay(doc, in); len(overlay) > 0 {
			jsondoc.Set(doc, core.DocTranslations+"."+string(locale), overlay)
		}
	}
}

// overlay is the localised fields of a document that another language says otherwise.
func (p *listPages) overlay(doc, in map[string]any) map[string]any {
	overlay := map[string]any{}
	for i := range p.typ.Fields {
		f := &p.typ.Fields[i]
		if !f.Localized || f.Multi && !top(f.Path) {
			continue
		}
		own, _ := jsondoc.Lookup(doc, f.Path)
		if v, ok := jsondoc.Lookup(in, f.Path); ok && !jsondoc.Equal(own, v) {
			jsondoc.Set(overlay, f.Path, v)
		}
	}
	return overlay
}

// asExported gives what the API says of an entry the form that an import takes.
func asExported(doc map[string]any) {
	if doc["_status"] != string(core.StatusPublished) {
		doc["_status"] = string(core.StatusDraft)
	}
	plans, _ := doc["_schedule"].([]any)
	for _, item := range plans {
		plan, _ := item.(map[string]any)
		switch plan["transition"] {
		case "publish":
			doc["_status"], doc["_publishAt"] = "scheduled", plan["at"]
		case "unpublish":
			doc["_unpublishAt"] = plan["at"]
		}
	}
	for _, name := range []string{"_published", "_schedule", "_createdBy", "_updatedBy", "_trashedAt"} {
		delete(doc, name)
	}
}

package transfer

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

var _ Pages = (*remotePages)(nil)

// remotePages gives the entries of a running server.
type remotePages struct {
	client  *Client
	path    string
	params  url.Values
	typ     *core.Type
	locales []core.Locale          // to be asked for beside, for the translations
	after   map[core.Locale]string // where each goes on: a cursor belongs to one language
	total   int
	done    bool
}

// Pages exports what a server finds: the filter is a tree in JSON, "" for all. Without a locale each entry comes in its
// own language with its translations beside, which costs a request a page for each language.
func (c *Client) Pages(t *core.Type, state core.State, filter string, locale core.Locale) Pages {
	p := &remotePages{client: c, typ: t, path: "/api/v1/content/" + url.PathEscape(string(t.Name)), after: map[core.Locale]string{}}
	p.params = url.Values{"limit": {"200"}, "sort": {"_id"}, "state": {string(state)}}
	if filter != "" {
		p.params.Set("filter", filter)
	}
	if locale != "" {
		p.params.Set("locale", string(locale))
	} else if len(t.Locales) > 1 {
		p.locales = t.Locales
	}
	return p
}

// remotePage is a page as the API gives it.
type remotePage struct {
	Data []map[string]any `json:"data"`
	Page struct {
		Next  string `json:"next"`
		Total int    `json:"total"`
	} `json:"page"`
}

// Next gives the next page.
func (p *remotePages) Next(ctx context.Context) ([]map[string]any, int, error) {
	if p.done {
		return nil, 0, io.EOF
	}
	page, err := p.get(ctx, "")
	if err != nil {
		return nil, 0, err
	}
	for _, locale := range p.locales {
		translated, err := p.get(ctx, locale)
		if err != nil {
			return nil, 0, err
		}
		p.lay(page.Data, translated.Data, locale)
	}
	if !p.params.Has("total") {
		p.total = page.Page.Total
		p.params.Set("total", "false")
	}
	p.done = page.Page.Next == ""
	for _, doc := range page.Data {
		asExported(doc)
	}
	return page.Data, p.total, nil
}

// get asks for the page, in a language when one is given.
func (p *remotePages) get(ctx context.Context, locale core.Locale) (*remotePage, error) {
	params := maps.Clone(p.params)
	if locale != "" {
		params.Set("locale", string(locale))
	}
	if after := p.after[locale]; after != "" {
		params.Set("after", after)
	}
	page := &remotePage{}
	err := p.client.Call(ctx, http.MethodGet, p.path+"?"+params.Encode(), nil, page, true)
	p.after[locale] = page.Page.Next
	return page, err
}

// lay puts what differs in a language beside the documents.
func (p *remotePages) lay(docs, translated []map[string]any, locale core.Locale) {
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
func (p *remotePages) overlay(doc, in map[string]any) map[string]any {
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

package transfer

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/palabre-cms/palabre/core"
)

var _ Pages = (*remotePages)(nil)

// remotePages gives the entries of a running server.
type remotePages struct {
	client *Client
	path   string
	params url.Values
	total  int
	done   bool
}

// Pages exports what a server finds: the filter is a tree in JSON, "" for all.
func (c *Client) Pages(name core.TypeName, state core.State, filter string, locale core.Locale) Pages {
	params := url.Values{"limit": {"200"}, "sort": {"_id"}, "state": {string(state)}}
	if filter != "" {
		params.Set("filter", filter)
	}
	if locale != "" {
		params.Set("locale", string(locale))
	}
	return &remotePages{client: c, path: "/api/v1/content/" + url.PathEscape(string(name)), params: params}
}

// Next gives the next page.
func (p *remotePages) Next(ctx context.Context) ([]map[string]any, int, error) {
	if p.done {
		return nil, 0, io.EOF
	}
	var page struct {
		Data []map[string]any `json:"data"`
		Page struct {
			Next  string `json:"next"`
			Total int    `json:"total"`
		} `json:"page"`
	}
	if err := p.client.Call(ctx, http.MethodGet, p.path+"?"+p.params.Encode(), nil, &page, true); err != nil {
		return nil, 0, err
	}
	if !p.params.Has("after") {
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

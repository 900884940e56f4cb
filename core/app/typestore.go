package app

import (
	"context"
	"net/http"
	"net/url"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
)

// TypeStore is the content types of a store, here or behind an API.
type TypeStore interface {
	// ListTypes gives all but the system's own, by name.
	ListTypes(ctx context.Context) ([]TypeRow, error)
	// CheckType runs a schema over every entry and changes nothing.
	CheckType(ctx context.Context, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error)
	// ApplyType changes the type and its entries; ReviewIn finds in its error what breaks.
	ApplyType(ctx context.Context, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error)
	// TypeScript writes the types for a website's sources.
	TypeScript(ctx context.Context) ([]byte, error)
}

// TypeRow is a content type in a list.
type TypeRow struct {
	Name    core.TypeName
	Label   string
	Public  bool
	Entries int
}

var (
	_ TypeStore = (*App)(nil)
	_ TypeStore = (*Client)(nil)
)

// ListTypes implements TypeStore.
func (a *App) ListTypes(ctx context.Context) ([]TypeRow, error) {
	var rows []TypeRow
	for _, t := range contentTypes(a.types) {
		page, err := a.catalog.Query(ctx, core.Query{Type: t.Name, State: core.StateDraft, Total: true, Sort: []core.SortKey{{Path: core.Path{Field: "_id"}}}})
		if err != nil {
			return nil, err
		}
		rows = append(rows, TypeRow{t.Name, t.Label.In("en"), t.Public, page.Total})
	}
	return rows, nil
}

func contentTypes(all core.Types) []*core.Type {
	var types []*core.Type
	for _, t := range all.Types() {
		if !t.Name.System() {
			types = append(types, t)
		}
	}
	return types
}

// CheckType implements TypeStore.
func (a *App) CheckType(ctx context.Context, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error) {
	return a.schemas.Check(ctx, core.System, name, schema, repairs)
}

// ApplyType implements TypeStore.
func (a *App) ApplyType(ctx context.Context, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error) {
	return a.schemas.Apply(ctx, core.System, name, schema, repairs)
}

// TypeScript implements TypeStore.
func (a *App) TypeScript(context.Context) ([]byte, error) {
	return schema.TypeScript(contentTypes(a.types)), nil
}

// ListTypes implements TypeStore.
func (c *Client) ListTypes(ctx context.Context) ([]TypeRow, error) {
	list, err := c.Types(ctx)
	if err != nil {
		return nil, err
	}
	var rows []TypeRow
	for _, t := range list {
		if t.Name.System() {
			continue
		}
		row := TypeRow{Name: t.Name, Label: t.Label.In("en"), Public: t.Public}
		if row.Entries, err = c.count(ctx, t.Name); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// count asks for the drafts too, and does with what is published where the token may not see them.
func (c *Client) count(ctx context.Context, name core.TypeName) (int, error) {
	var page struct {
		Page struct {
			Total int `json:"total"`
		} `json:"page"`
	}
	path := "/api/v1/content/" + url.PathEscape(string(name)) + "?limit=1&fields=_id"
	err := c.Call(ctx, http.MethodGet, path+"&state=draft", nil, &page, true)
	if code := core.CodeOf(err); code == core.CodeForbidden || code == core.CodeUnauthenticated {
		err = c.Call(ctx, http.MethodGet, path, nil, &page, true)
	}
	return page.Page.Total, err
}

// proposal is a schema change as the API takes it.
type proposal struct {
	Schema  core.Doc      `json:"schema"`
	Repairs []core.Repair `json:"repairs,omitempty"`
}

// CheckType implements TypeStore.
func (c *Client) CheckType(ctx context.Context, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error) {
	return c.propose(ctx, http.MethodPost, "/api/v1/types/"+url.PathEscape(string(name))+"/check", proposal{schema, repairs})
}

// ApplyType implements TypeStore.
func (c *Client) ApplyType(ctx context.Context, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error) {
	return c.propose(ctx, http.MethodPut, "/api/v1/types/"+url.PathEscape(string(name)), proposal{schema, repairs})
}

func (c *Client) propose(ctx context.Context, method, path string, p proposal) (*core.Review, error) {
	review := &core.Review{}
	if err := c.Call(ctx, method, path, p, review, false); err != nil {
		return nil, err
	}
	return review, nil
}

// TypeScript implements TypeStore.
func (c *Client) TypeScript(ctx context.Context) ([]byte, error) {
	types, err := c.types(ctx)
	if err != nil {
		return nil, err
	}
	return schema.TypeScript(contentTypes(types)), nil
}

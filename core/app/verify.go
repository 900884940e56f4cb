package app

import (
	"context"
	"net/http"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/catalog"
)

// keeper rebuilds and verifies the catalog of a node that serves.
type keeper struct {
	catalog *catalog.Catalog
	log     core.Log
}

var _ core.CatalogKeeper = keeper{}

// Rebuild implements core.CatalogKeeper.
func (k keeper) Rebuild(ctx context.Context) (*core.Rebuilt, error) {
	return k.catalog.Rebuild(ctx, k.log, nil)
}

// Verify implements core.CatalogKeeper.
func (k keeper) Verify(ctx context.Context) (*core.Verified, error) {
	return k.catalog.Verify(ctx, k.log)
}

// VerifyCatalog compares the catalog with one that is made anew from the log. Its error tells what differs.
func (a *App) VerifyCatalog(ctx context.Context) error {
	return a.plugins.WithViews(ctx, func() error {
		_, err := sound(keeper{a.catalog, a.store.log}.Verify(ctx))
		return err
	})
}

// FoldViews brings the views of the plugins that are on up to the catalog: for a start without plugins.
func (a *App) FoldViews(ctx context.Context) error {
	return a.plugins.WithViews(ctx, func() error { return nil })
}

// sound makes an error of what differs, and gives the position of what was compared.
func sound(v *core.Verified, err error) (core.Position, error) {
	if err != nil {
		return 0, err
	}
	if len(v.Differences) == 0 {
		return v.Position, nil
	}
	return v.Position, core.Errorf(core.CodeInternal, "the catalog is not as the log has it; palabre catalog rebuild makes it anew:\n  %s", strings.Join(v.Differences, "\n  "))
}

// RebuildCatalog makes the server's catalog anew from its log while it serves.
func (c *Client) RebuildCatalog(ctx context.Context) (*core.Rebuilt, error) {
	made := &core.Rebuilt{}
	return made, c.Long().Call(ctx, http.MethodPost, "/api/v1/catalog/rebuild", nil, made, false)
}

// VerifyCatalog compares the server's catalog with its log, and gives the position of both. Its error tells what differs.
func (c *Client) VerifyCatalog(ctx context.Context) (core.Position, error) {
	v := &core.Verified{}
	return sound(v, c.Long().Call(ctx, http.MethodPost, "/api/v1/catalog/verify", nil, v, false))
}

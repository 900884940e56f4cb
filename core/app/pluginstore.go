package app

import (
	"context"
	"net/http"
	"net/url"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/pluginhost"
	"github.com/palabre-cms/palabre/core/plugin"
)

// PluginStore looks after the plugins of a store.
type PluginStore interface {
	// PluginStates are how the plugins stand, those that the store alone knows of included.
	PluginStates(ctx context.Context) ([]PluginState, error)
	// PluginOrder is the resolved chain of every event that a plugin takes part in.
	PluginOrder(ctx context.Context) (PluginOrder, error)
	// UninstallPlugin turns a plugin off for good, and gives what became of its data.
	UninstallPlugin(ctx context.Context, id string, r PluginRemoval) (plugin.Disposal, error)
}

type (
	// PluginOrder is which handlers of plugins run at each event, in their order.
	PluginOrder = map[string][]pluginhost.Placed
	// PluginState is how a plugin stands in a store.
	PluginState = pluginhost.Standing
	// PluginRemoval is how a plugin is uninstalled.
	PluginRemoval = pluginhost.Removal
)

var (
	_ PluginStore = (*App)(nil)
	_ PluginStore = (*Client)(nil)
)

// PluginStates implements PluginStore.
func (a *App) PluginStates(ctx context.Context) ([]PluginState, error) {
	return a.plugins.Standings(ctx)
}

// PluginOrder implements PluginStore.
func (a *App) PluginOrder(ctx context.Context) (PluginOrder, error) {
	return a.plugins.OrderAsDecided(ctx)
}

// UninstallPlugin implements PluginStore.
func (a *App) UninstallPlugin(ctx context.Context, id string, r PluginRemoval) (plugin.Disposal, error) {
	return a.plugins.Uninstall(ctx, core.System, id, r)
}

const pluginsPath = "/api/v1/plugins"

// PluginStates implements PluginStore.
func (c *Client) PluginStates(ctx context.Context) ([]PluginState, error) {
	var page struct {
		Data []PluginState `json:"data"`
	}
	return page.Data, c.Call(ctx, http.MethodGet, pluginsPath, nil, &page, true)
}

// PluginOrder implements PluginStore.
func (c *Client) PluginOrder(ctx context.Context) (PluginOrder, error) {
	var answer struct {
		Handlers PluginOrder `json:"handlers"`
	}
	return answer.Handlers, c.Call(ctx, http.MethodGet, "/api/v1/plugin-order", nil, &answer, true)
}

// UninstallPlugin implements PluginStore.
func (c *Client) UninstallPlugin(ctx context.Context, id string, r PluginRemoval) (plugin.Disposal, error) {
	var done PluginState
	err := c.Call(ctx, http.MethodPost, pluginsPath+"/"+url.PathEscape(id)+"/uninstall", r, &done, false)
	return done.Uninstalled, err
}

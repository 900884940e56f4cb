package app

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/pluginhost"
	"github.com/palabre-cms/palabre/core/plugin"
)

// wirePlugins gives the plugins the node's services.
func (a *App) wirePlugins(mapper core.Mapper) error {
	key, err := a.unsavedSecret("plugin-key")
	if err != nil {
		return err
	}
	a.plugins.Wire(pluginhost.Parts{
		Types: a.types, Reader: a.reader, Mapper: mapper, Catalog: a.catalog, Content: a.content, Access: a.access, Log: a.store.log,
		Compiler: a.compiler, HTTP: a.pluginHTTP(), Follow: a.follow, Begin: a.begin, Note: a.trail.Note, Key: key, Holder: holder(), Now: a.clock.Now,
		Logger: a.logger, Hasty: a.options.Now != nil, PublicURL: a.config.PublicURL, Dir: filepath.Join(a.config.Data, "plugins"),
	})
	return nil
}

func (a *App) pluginHTTP() *http.Client {
	if a.options.Transport != nil {
		return &http.Client{Transport: a.options.Transport}
	}
	return a.outbound.HTTP()
}

// setLog is a log with a clock that a test sets.
type setLog struct {
	core.Log
	now func() time.Time
}

// Now implements core.Log.
func (l setLog) Now(context.Context) (time.Time, error) { return l.now().UTC(), nil }

// PluginSet is plugins that are looked at without a node.
type PluginSet struct {
	Manifests []plugin.Manifest
	LeftOut   []error
	Order     map[string][]string // the resolved chain of every event that somebody listens to
	Commands  []plugin.Command    // without a node to run them on: those on files can be run
}

// InspectPlugins registers plugins with a host that runs none of them. Commands work in the data directory.
func InspectPlugins(data string, plugins ...plugin.Plugin) PluginSet {
	host := pluginhost.New(&core.Hooks{}, slog.New(slog.DiscardHandler), plugins...)
	set := PluginSet{Manifests: host.Manifests(), Order: host.Order(), Commands: host.Commands(filepath.Join(data, "plugins"))}
	for _, l := range host.LeftOut() {
		set.LeftOut = append(set.LeftOut, l.Err)
	}
	return set
}

// PluginCommands are the commands of the node's plugins.
func (a *App) PluginCommands() []plugin.Command {
	return a.plugins.Commands(filepath.Join(a.config.Data, "plugins"))
}

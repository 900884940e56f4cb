package app

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/pluginhost"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/core/plugin"
)

// vocabulary is what the plugins add to the words of schemas. A plugin whose words cannot be taken in stays off.
func (a *App) vocabulary() *schema.Vocabulary {
	words := new(schema.Vocabulary)
	for _, w := range a.plugins.Vocabulary() {
		if err := words.Add(w.Vocabulary); err != nil {
			a.plugins.Bar(w.Plugin, err)
		}
	}
	return words
}

// wirePlugins gives the plugins the node's services.
func (a *App) wirePlugins(mapper core.Mapper) error {
	key, err := a.unsavedSecret("plugin-key")
	if err != nil {
		return err
	}
	a.plugins.Wire(pluginhost.Parts{
		Types: a.types, Reader: a.reader, Mapper: mapper, Catalog: a.catalog, Views: a.catalog, Content: a.content, Access: a.access, Log: a.store.log,
		Compiler: a.compiler, HTTP: a.pluginHTTP(), Follow: a.follow, Begin: a.begin, Consumers: a.knownConsumers, Forget: a.forget, Note: a.trail.Note, Key: key, Holder: holder(), Now: a.clock.Now,
		Logger: a.logger, Errand: a.options.Errand, Hasty: a.options.Now != nil, PublicURL: a.config.PublicURL, Dir: filepath.Join(a.config.Data, "plugins"),
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
	States   []PluginState // each as it is before a store says anything else
	LeftOut  []error
	Order    PluginOrder      // the resolved chain of every event that somebody listens to
	Commands []plugin.Command // without a node to run them on: those on files can be run
}

// InspectPlugins registers plugins with a host that runs none of them. Commands work in the data directory.
func InspectPlugins(data string, plugins ...plugin.Plugin) PluginSet {
	host := pluginhost.New(&core.Hooks{}, slog.New(slog.DiscardHandler), plugins...)
	set := PluginSet{States: host.Registered(), Order: host.Order(), Commands: host.Commands(filepath.Join(data, "plugins"))}
	for _, l := range host.LeftOut() {
		set.LeftOut = append(set.LeftOut, l.Err)
	}
	return set
}

// LeftOut says why a plugin could not be registered; nil when it was.
func (a *App) LeftOut(plugin string) error {
	for _, l := range a.plugins.LeftOut() {
		if l.ID == plugin {
			return l.Err
		}
	}
	return nil
}

// Trial is one call of a plugin's handlers at one event.
type Trial struct {
	Event    string // "entry.create"
	Type     core.TypeName
	Entry    map[string]any // the document after the change; before it where nothing is after it
	Old      map[string]any // the document before it; Entry as it is, where there is one before and none is given
	Settings map[string]any // over what the plugin's schema gives by default
}

// TryPlugin calls a plugin's handlers at an event, without a node, and gives what they did to the document, or their refusal.
func TryPlugin(ctx context.Context, id string, t Trial, plugins ...plugin.Plugin) ([]jsondoc.PatchOp, error) {
	hooks := &core.Hooks{}
	host := pluginhost.New(hooks, slog.New(slog.DiscardHandler), plugins...)
	for _, l := range host.LeftOut() {
		if l.ID == id {
			return nil, l.Err
		}
	}
	point, ok := plugin.EntryPointNamed(t.Event)
	if !ok {
		return nil, core.Errorf(core.CodeBadRequest, "there is no event %q; those on entries are %s", t.Event, strings.Join(plugin.EntryPointNames(), ", "))
	}
	host.Wire(pluginhost.Parts{Compiler: &schema.Compiler{}, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err := host.Only(id, t.Settings); err != nil {
		return nil, err
	}
	e := t.event()
	before := jsondoc.CloneObject(e.New)
	if err := point.Run(ctx, hooks, e); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(host.Figures(), func(f core.HookFigures) bool { return f.Hook == t.Event }) {
		return nil, core.Errorf(core.CodeNotFound, "no handler of %s takes part in %s of the type %s: `palabre plugins order` lists those that there are", id, t.Event, t.Type)
	}
	if len(e.Errors) > 0 {
		return nil, core.Invalid(e.Errors...)
	}
	return jsondoc.Diff(any(before), any(e.New)), nil
}

// event is the one that a write would make.
func (t Trial) event() *core.EntryEvent {
	e := &core.EntryEvent{Name: t.Event, Actor: core.System, Type: core.NewType(core.Type{Name: t.Type}), ID: core.NewID(time.Now())}
	switch t.Event {
	case "entry.create":
		e.New = jsondoc.CloneObject(t.Entry)
	case "entry.delete", "entry.purge":
		e.Old = t.Entry
	default:
		e.New, e.Old = jsondoc.CloneObject(t.Entry), t.Old
		if e.Old == nil {
			e.Old = t.Entry
		}
	}
	return e
}

// View reads a view of a plugin.
func (a *App) View(id, name string) plugin.Rows { return a.plugins.View(id, name) }

// JoinPlugins has the plugins take part in what a command writes, or would write but for a dry run, once the node of an Errand has
// started.
func (a *App) JoinPlugins(ctx context.Context, dry bool) { a.plugins.Join(ctx, dry) }

// PluginCommands are the commands of the node's plugins.
func (a *App) PluginCommands() []plugin.Command {
	return a.plugins.Commands(filepath.Join(a.config.Data, "plugins"))
}

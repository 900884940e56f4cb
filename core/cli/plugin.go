package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/plugin"
)

func (p *program) plugin() *cobra.Command {
	cmd := group("plugin", "Look at the plugins, and uninstall one", p.pluginList(), p.pluginOrder(), p.pluginNew(), p.pluginCall(), p.pluginUninstall())
	cmd.Aliases = []string{"plugins"}
	return cmd
}

func (p *program) pluginList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the plugins of this binary, and how they stand in the store",
		Long: `List the plugins of this binary, and those of the store that it does not have, each with how it stands: off, uninstalled. Where
there is no store, or a server has it and --url is not given, those of this binary alone.`,
		Args: cobra.NoArgs,
	}
	r := p.remote(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		set := app.InspectPlugins("", p.plugins...)
		list := set.States
		err := p.whereKnown(cmd, r, func(ctx context.Context, s app.PluginStore) (err error) {
			list, err = s.PluginStates(ctx)
			return err
		})
		out := printer{w: p.out}
		for _, s := range list {
			out.linef("%s", strings.TrimRight(fmt.Sprintf("%-24s %-8s %-16s %s", s.ID, s.Version, s.Name, standing(s)), " "))
		}
		if len(list) == 0 {
			out.linef("This binary has no plugins.")
		}
		return errors.Join(append(set.LeftOut, err, out.err)...)
	}
	return cmd
}

// standing says how a plugin stands, where there is something to say.
func standing(s app.PluginState) string {
	var words []string
	if s.Absent {
		words = append(words, "not in this binary")
	}
	switch {
	case s.Uninstalled == plugin.DropData:
		words = append(words, "uninstalled, data dropped")
	case s.Uninstalled != "":
		words = append(words, "uninstalled, data kept")
	case !s.Enabled:
		words = append(words, "off")
	}
	if s.Fault != "" {
		words = append(words, printable(s.Fault))
	}
	return strings.Join(words, ": ")
}

// whereKnown runs f where there is a store to ask. A store that a server has is asked with --url alone, and said so.
func (p *program) whereKnown(cmd *cobra.Command, r *remote, f func(context.Context, app.PluginStore) error) error {
	c, err := p.load()
	if err != nil {
		return err
	}
	if r.url == "" && !app.HasStore(c) {
		return nil
	}
	err = p.onPlugins(cmd, r, f)
	if e, ok := core.AsError(err); ok && e.Reason == "in_use" {
		return p.said(nil, "how the plugins stand is not known here, since a server has the store: ask it with --url")
	}
	return err
}

func (p *program) pluginOrder() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "order",
		Short: "Print each chain of hooks in the order in which its handlers run",
		Long: `Print each chain of hooks in the order in which its handlers run, and which of them run at a stage that the site has chosen. Where
there is no store, or a server has it and --url is not given, as the plugins of this binary have it.`,
		Args: cobra.NoArgs,
	}
	r := p.remote(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		set := app.InspectPlugins("", p.plugins...)
		order := set.Order
		err := p.whereKnown(cmd, r, func(ctx context.Context, s app.PluginStore) (err error) {
			order, err = s.PluginOrder(ctx)
			return err
		})
		out := printer{w: p.out}
		for _, event := range slices.Sorted(maps.Keys(order)) {
			var chain []string
			for _, at := range order[event] {
				if at.Chosen {
					at.Handler += fmt.Sprintf(" (%s by the site's choice, else %s)", at.Stage, at.Declared)
				}
				chain = append(chain, at.Handler)
			}
			out.linef("%-17s %s", event, strings.Join(chain, " → "))
		}
		if len(order) == 0 {
			out.linef("No plugin takes part in anything.")
		}
		return errors.Join(append(set.LeftOut, err, out.err)...)
	}
	return cmd
}

// pluginGroups are the commands that plugins bring, each group under its name.
func (p *program) pluginGroups() []*cobra.Command {
	groups := map[string][]*cobra.Command{}
	for i, c := range app.InspectPlugins("", p.plugins...).Commands {
		groups[c.Group] = append(groups[c.Group], p.pluginCommand(i, c))
	}
	var all []*cobra.Command
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, group(name, "Commands of the plugin "+name, groups[name]...))
	}
	return all
}

// pluginCommand runs the i-th command of the plugins, on the data directory.
func (p *program) pluginCommand(i int, c plugin.Command) *cobra.Command {
	flags := map[string]*[]string{}
	cmd := &cobra.Command{Use: c.Use, Short: c.Short, Long: c.Long, Example: c.Example, Args: cobra.ExactArgs(len(argumentsOf(c.Use))),
		RunE: func(cmd *cobra.Command, args []string) error {
			call := &plugin.CommandCall{Args: args, Flags: map[string][]string{}, Out: p.out, Err: p.err}
			for name, values := range flags {
				call.Flags[name] = *values
			}
			if c.Files {
				return p.onFiles(cmd.Context(), i, call)
			}
			return p.withStore(cmd, func(ctx context.Context, a *app.App) error { return a.PluginCommands()[i].Run(ctx, call) })
		}}
	for _, f := range c.Flags {
		var otherwise []string
		if f.Default != "" {
			otherwise = []string{f.Default}
		}
		flags[f.Name] = cmd.Flags().StringArray(f.Name, otherwise, f.Usage)
	}
	return cmd
}

// onFiles runs a command that needs no store, so that it can be used while a server has that.
func (p *program) onFiles(ctx context.Context, i int, call *plugin.CommandCall) error {
	c, err := p.load()
	if err != nil {
		return err
	}
	return app.InspectPlugins(c.Data, p.plugins...).Commands[i].Run(ctx, call)
}

// argumentsOf are the words of a usage line that stand for arguments: those in capitals.
func argumentsOf(use string) []string {
	return slices.DeleteFunc(strings.Fields(use), func(word string) bool { return word != strings.ToUpper(word) })
}

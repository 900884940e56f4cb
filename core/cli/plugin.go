package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/plugin"
)

func (p *program) plugin() *cobra.Command {
	cmd := group("plugin", "Look at the plugins of this binary", p.pluginList(), p.pluginOrder(), p.pluginNew(), p.pluginCall())
	cmd.Aliases = []string{"plugins"}
	return cmd
}

func (p *program) pluginList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the plugins",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, out := app.InspectPlugins("", p.plugins...), printer{w: p.out}
			for _, m := range set.Manifests {
				out.linef("%-24s %-8s %s", m.ID, m.Version, m.Name)
			}
			if len(set.Manifests) == 0 {
				out.linef("This binary has no plugins.")
			}
			return errors.Join(append(set.LeftOut, out.err)...)
		},
	}
}

func (p *program) pluginOrder() *cobra.Command {
	return &cobra.Command{
		Use:   "order",
		Short: "Print each chain of hooks in the order in which its handlers run",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, out := app.InspectPlugins("", p.plugins...), printer{w: p.out}
			for _, event := range slices.Sorted(maps.Keys(set.Order)) {
				out.linef("%-17s %s", event, strings.Join(set.Order[event], " → "))
			}
			if len(set.Order) == 0 {
				out.linef("No plugin takes part in anything.")
			}
			return errors.Join(append(set.LeftOut, out.err)...)
		},
	}
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

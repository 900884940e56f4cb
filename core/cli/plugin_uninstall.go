package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/plugin"
)

func (p *program) pluginUninstall() *cobra.Command {
	var keep, drop, force bool
	cmd := &cobra.Command{
		Use:   "uninstall ID",
		Short: "Turn a plugin off for good, and keep or drop its data",
		Long: `Turn a plugin off for good, on every node. Its data stays, unless the plugin declares that it goes, which has to be confirmed by
--drop-data: the plugin's own store, its settings and secrets, what is noted of its jobs, followers and migrations, and its
directory. Entries of content types that it brought are the site's, and stay.

A plugin that is uninstalled stays off until somebody turns it on again; where its data was dropped it begins anew. One that is
not in this binary any more is uninstalled with --drop-data.`,
		Example: `  palabre plugin uninstall dev.acme.slugger
  palabre plugin uninstall dev.acme.slugger --drop-data --url https://cms.example.org --token pal_…`,
		Args: cobra.ExactArgs(1),
	}
	r := p.remote(cmd)
	cmd.Flags().BoolVar(&keep, "keep-data", false, "keep the plugin's data, whatever it declares")
	cmd.Flags().BoolVar(&drop, "drop-data", false, "drop the plugin's data, whatever it declares")
	cmd.Flags().BoolVar(&force, "force", false, "also when the plugin cannot clear up after itself")
	cmd.MarkFlagsMutuallyExclusive("keep-data", "drop-data")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		removal := app.PluginRemoval{Force: force}
		switch {
		case keep:
			removal.Data = plugin.KeepData
		case drop:
			removal.Data, removal.Confirm = plugin.DropData, args[0]
		}
		return p.onPlugins(cmd, r, func(ctx context.Context, s app.PluginStore) error {
			data, err := s.UninstallPlugin(ctx, args[0], removal)
			if e, ok := core.AsError(err); ok {
				return asCommand(e, args[0])
			}
			become := "kept"
			if data == plugin.DropData {
				become = "dropped"
			}
			return p.said(err, "the plugin %s is uninstalled, its data is %s", args[0], become)
		})
	}
	return cmd
}

// asCommand says what to do next in the words of the command, where the API's are others.
func asCommand(e *core.Error, id string) error {
	own := *e
	own.Message = strings.NewReplacer(
		`To confirm it, send {"confirm": "`+id+`"}`, "To confirm it, add --drop-data; to keep the data, --keep-data",
		"say drop-data", "add --drop-data",
		`send {"force": true}`, "add --force").Replace(e.Message)
	return &own
}

// onPlugins runs f on the store, or through the API of a running server.
func (p *program) onPlugins(cmd *cobra.Command, r *remote, f func(context.Context, app.PluginStore) error) error {
	client, err := p.client(r)
	if err != nil {
		return err
	}
	if client != nil {
		return f(cmd.Context(), client)
	}
	return p.withStore(cmd, func(ctx context.Context, a *app.App) error { return f(ctx, a) })
}

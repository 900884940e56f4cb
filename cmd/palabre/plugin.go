package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

func (p *program) plugin() *cobra.Command {
	return group("plugin", "Look at the plugins of this binary", p.pluginList(), p.pluginOrder())
}

func (p *program) pluginList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the plugins",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			host, err := registered()
			if err != nil {
				return err
			}
			out := printer{w: p.out}
			for _, m := range host.Plugins() {
				out.linef("%-30s %-10s %s", m.ID, m.Version, m.Name)
			}
			if len(host.Plugins()) == 0 {
				out.linef("This binary has no plugins.")
			}
			return out.err
		},
	}
}

func (p *program) pluginOrder() *cobra.Command {
	return &cobra.Command{
		Use:   "order",
		Short: "Print each chain of hooks in the order in which its handlers run",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			host, err := registered()
			if err != nil {
				return err
			}
			out, order := printer{w: p.out}, host.Order()
			for _, event := range slices.Sorted(maps.Keys(order)) {
				out.linef("%-17s %s", event, strings.Join(order[event], " → "))
			}
			if len(order) == 0 {
				out.linef("No plugin takes part in anything.")
			}
			return out.err
		},
	}
}

// registered is a host with this binary's plugins, to be looked at.
func registered() (*plugin.Host, error) {
	host := plugin.NewHost(&core.Hooks{})
	for _, one := range plugins() {
		if err := host.Add(one); err != nil {
			return nil, err
		}
	}
	return host, nil
}

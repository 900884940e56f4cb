package cli

import (
	"errors"
	"path"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core/cli/internal/scaffold"
)

func (p *program) pluginNew() *cobra.Command {
	var dir, replace string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Begin a plugin: one that compiles, with a test and a program to run it",
		Long: `Write the beginning of a plugin into a new directory: a Go module with a plugin, its test, and a program
that is palabre with the plugin.

NAME is a word, or the ID that the plugin will have: a reversed domain name. It stays when a site has run it.`,
		Example: "  palabre plugin new dev.acme.slugger\n  palabre plugin new slugger --dir /src/slugger --replace /src/palabre",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			made, err := scaffold.New(args[0], p.release, replace)
			if err != nil {
				return usageError{err}
			}
			if dir == "" {
				dir = made.Package
			}
			return p.writePlugin(made, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "where to (default ./ and the last word of NAME)")
	cmd.Flags().StringVar(&replace, "replace", "", "build it with this checkout of Palabre, without the network")
	return cmd
}

func (p *program) writePlugin(made *scaffold.Plugin, dir string) error {
	files, err := made.Write(dir)
	out := printer{w: p.out}
	for _, name := range files {
		out.linef("%s", path.Join(dir, name))
	}
	if err == nil && made.Replace == "" && made.Version == scaffold.Unreleased {
		out.linef("\nThis palabre was built between releases: name the version of Palabre in go.mod, or begin anew with --replace and a checkout.")
	}
	if err == nil {
		tidy := "go mod tidy && "
		if made.Replace != "" {
			tidy = ""
		}
		out.linef("\nNext: cd %s && %sgo test ./...", dir, tidy)
	}
	return errors.Join(err, out.err)
}

package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
)

func (p *program) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until SIGTERM or SIGINT, which drain it: no request in flight is cut off.

Every setting may also stand in palabre.yaml (mongodb.uri) or the environment (PALABRE_MONGODB_URI).`,
		Example: `  palabre serve --demo
  palabre serve --listen 0.0.0.0:8080 --data /var/lib/palabre
  PALABRE_MONGODB_URI=mongodb://localhost/ palabre serve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			return p.run(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&p.safe, safeMode, false, "start without any plugin, to turn one off that keeps the server from its work")
	p.flags.bindServer(cmd.Flags())
	return cmd
}

func (p *program) run(ctx context.Context, c *config.Config) (err error) {
	a, err := app.New(c, app.Options{Plugins: p.plugins, SafeMode: p.safe, LogTo: p.err, Version: p.release, Tell: p.tell(c)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return a.Run(ctx)
}

// tell prints what a person who starts the server wants to see: where it is, and once, how to get in.
func (p *program) tell(c *config.Config) func(app.Started) {
	return func(s app.Started) {
		out := printer{w: p.out}
		out.linef("")
		out.linef("  Palabre %s", p.release)
		out.linef("  Site     %s/", s.URL)
		out.linef("  API      %s/api/v1/", s.URL)
		out.linef("  Store    %s", store(c))
		if s.Password != "" {
			out.linef("")
			out.linef("  The first administrator signs in with this password. It is shown this once; keep it:")
			out.linef("")
			out.linef("    %s  %s", s.Email, s.Password)
		}
		if s.Token != "" {
			out.linef("")
			out.linef("  The administrator's API token. It is shown this once; keep it:")
			out.linef("")
			out.linef("    %s", s.Token)
			out.linef("")
			out.linef("  curl -H 'Authorization: Bearer %s' %s/api/v1/types", s.Token, s.URL)
		}
		out.linef("")
	}
}

func store(c *config.Config) string {
	if c.Embedded() {
		return c.Data + " (embedded)"
	}
	return "MongoDB, database " + c.MongoDB.Database + "; catalog in " + c.Data
}

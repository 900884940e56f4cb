package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
)

// remote are the flags of a command that can also work on a running server.
type remote struct {
	url, token string
}

func (p *program) remote(cmd *cobra.Command) *remote {
	r := &remote{}
	cmd.Flags().StringVar(&r.url, "url", "", "work on a running server through its API, such as http://127.0.0.1:8080")
	cmd.Flags().StringVar(&r.token, "token", "", "API token for --url (default $PALABRE_TOKEN)")
	return r
}

// client gives the API client, or nil when the command works on the data directory.
func (p *program) client(r *remote) (*app.Client, error) {
	token := r.token
	if token == "" {
		token = p.env("PALABRE_TOKEN")
	}
	if r.url == "" {
		if r.token != "" {
			return nil, usageError{errors.New("--token is of no use without --url")}
		}
		return nil, nil
	}
	client, err := app.NewClient(r.url, token)
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// existing reads the configuration for a command that works on what is there: in a wrong directory it would else find a
// store of its own, new and empty.
func (p *program) existing() (*config.Config, error) {
	c, err := p.load()
	if err != nil {
		return nil, err
	}
	if !app.HasStore(c) {
		return nil, core.Errorf(core.CodeNotFound, "there is no store in %s: run it where palabre serve runs, or name the directory with --data", c.Data)
	}
	return c, nil
}

// withStore runs f on the store that is there, caught up, and closes it.
func (p *program) withStore(cmd *cobra.Command, f func(ctx context.Context, a *app.App) error) error {
	c, err := p.existing()
	if err != nil {
		return err
	}
	return p.onStore(cmd, c, f)
}

// withNewStore is withStore for a command that may be the first: it makes the store where there is none, and says so.
func (p *program) withNewStore(cmd *cobra.Command, f func(ctx context.Context, a *app.App) error) error {
	c, err := p.load()
	if err != nil {
		return err
	}
	if !app.HasStore(c) {
		if err := p.said(nil, "there is no store in %s: this one makes it", c.Data); err != nil {
			return err
		}
	}
	return p.onStore(cmd, c, f)
}

func (p *program) onStore(cmd *cobra.Command, c *config.Config, f func(ctx context.Context, a *app.App) error) (err error) {
	c.Log.Level = quieter(c.Log.Level)
	a, err := app.New(c, app.Options{Plugins: p.plugins, SafeMode: p.safe, LogTo: p.err, Version: p.release, Errand: true})
	if err != nil {
		return held(err)
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Start(cmd.Context()); err != nil {
		return err
	}
	if cmd.Flags().Lookup(safeMode) != nil {
		dry, _ := cmd.Flags().GetBool(dryRun) // false for a command without it
		a.JoinPlugins(cmd.Context(), dry)
	}
	return f(cmd.Context(), a)
}

const (
	safeMode = "safe-mode"
	dryRun   = "dry-run"
)

// writes says that a command writes to the store: the plugins that are on take part in it as on a server, but for those
// that follow or have a timetable, which the next server sees to.
func (p *program) writes(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.safe, safeMode, false, "without any plugin: nothing is checked or filled in by one (without --url)")
}

// quieter keeps the notes of a start out of a command's output.
func quieter(level string) string {
	if level == "info" {
		return "warn"
	}
	return level
}

// held tells what to do when a server has the data directory.
func held(err error) error {
	if e, ok := core.AsError(err); ok && e.Reason == "in_use" {
		more := *e
		more.Message += "; or, where the command has --url, let that server do it."
		return &more
	}
	return err
}

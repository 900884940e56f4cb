package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
)

func (p *program) backup() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE|-",
		Short: "Write the whole log into one file",
		Long: `Write the whole log, every revision of every entry, into one checked and compressed file.

It holds accounts with the hashes of their passwords, the hashes of tokens, and all personal data: keep it as safe as the
store. Only its owner may read it. The file is there whole or not at all, and one that is there already stays as it is.`,
		Example: "  palabre backup palabre-$(date +%F).backup",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := mayWrite(args[0], force); err != nil {
				return err
			}
			bar := p.progress("Backing up")
			return p.toFile(args[0], func(out io.Writer) error {
				defer bar.end()
				return p.withLog(cmd, func(ctx context.Context, l *app.Store) error {
					n, err := l.Backup(ctx, out, bar.at)
					return p.said(err, "%s commits backed up", thousands(n))
				})
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE when it is there")
	return cmd
}

// mayWrite refuses to take the place of a file that is there, unless that is wished.
func mayWrite(name string, force bool) error {
	if name == "-" || force {
		return nil
	}
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return core.Errorf(core.CodeConflict, "%s is there already: name another file, or replace it with --force", name)
}

func (p *program) restore() *cobra.Command {
	return &cobra.Command{
		Use:     "restore FILE|-",
		Short:   "Fill an empty store from a backup",
		Long:    "Fill an empty store from a backup. A store that holds anything is left alone, and so is any store when the backup is damaged.\n\nNobody is signed in afterwards; passwords, second factors and tokens are those of the backup.",
		Example: "  palabre restore palabre-2026-02-01.backup --data ./restored",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, _, err := p.input(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			bar := p.progress("Restoring")
			defer bar.end()
			c, err := p.load()
			if err != nil {
				return err
			}
			return p.onLog(cmd, c, func(ctx context.Context, l *app.Store) error {
				n, err := l.Restore(ctx, in, bar.at)
				return p.said(err, "%s commits restored", thousands(n))
			})
		},
	}
}

// said reports on standard error, which is never part of what a command gives out.
func (p *program) said(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	out := printer{w: p.err}
	out.linef(format, args...)
	return out.err
}

func dirOf(name string) string { return filepath.Dir(name) }

func (p *program) log() *cobra.Command {
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Check every commit of the log against its sum",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			bar := p.progress("Verifying")
			defer bar.end()
			return p.withLog(cmd, func(ctx context.Context, l *app.Store) error {
				n, err := l.Verify(ctx, bar.at)
				return p.said(err, "%s commits are whole", thousands(n))
			})
		},
	}
	return group("log", "Check the log", verify)
}

func (p *program) catalog() *cobra.Command {
	return group("catalog", "Rebuild or check the catalog, which answers all reads", p.catalogRebuild(), p.catalogVerify())
}

func (p *program) catalogRebuild() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Throw the catalog away and build it from the log",
		Long: `Throw the catalog away and build it from the log.

With --url a running server builds the new one beside the old, which goes on answering, and then puts it in its place: neither
reads nor writes are refused meanwhile. To end it early, end the command.`,
		Example: `  palabre catalog rebuild
  palabre catalog rebuild --url http://127.0.0.1:8080 --token pal_…`,
		Args: cobra.NoArgs,
	}
	r := p.remote(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := p.client(r)
		if err != nil {
			return err
		}
		if client == nil {
			return p.rebuildHere(cmd)
		}
		made, err := client.RebuildCatalog(cmd.Context())
		return p.said(err, "the catalog stands at position %s", thousands(int(made.Position)))
	}
	return cmd
}

func (p *program) rebuildHere(cmd *cobra.Command) error {
	c, err := p.existing()
	if err != nil {
		return err
	}
	if err := app.DropCatalog(c); err != nil {
		return held(err)
	}
	return p.withStore(cmd, func(ctx context.Context, a *app.App) error {
		return p.said(a.FoldViews(ctx), "the catalog stands at position %s", thousands(int(a.Catalog().Position())))
	})
}

func (p *program) catalogVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare the catalog with one that is built anew from the log",
		Example: `  palabre catalog verify
  palabre catalog verify --url http://127.0.0.1:8080 --token pal_…`,
		Args: cobra.NoArgs,
	}
	r := p.remote(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := p.client(r)
		if err != nil {
			return err
		}
		if client == nil {
			return p.withStore(cmd, func(ctx context.Context, a *app.App) error {
				return p.saidSound(a.Catalog().Position(), a.VerifyCatalog(ctx))
			})
		}
		return p.saidSound(client.VerifyCatalog(cmd.Context()))
	}
	return cmd
}

func (p *program) saidSound(at core.Position, err error) error {
	return p.said(err, "the catalog is as the log has it, at position %s", thousands(int(at)))
}

// withLog runs f on the store that is there, alone, without catalog and services.
func (p *program) withLog(cmd *cobra.Command, f func(ctx context.Context, s *app.Store) error) error {
	c, err := p.existing()
	if err != nil {
		return err
	}
	return p.onLog(cmd, c, f)
}

func (p *program) onLog(cmd *cobra.Command, c *config.Config, f func(ctx context.Context, s *app.Store) error) (err error) {
	s, err := app.OpenStore(c)
	if err != nil {
		return held(err)
	}
	defer func() {
		if closeErr := s.Close(); err == nil {
			err = closeErr
		}
	}()
	return f(cmd.Context(), s)
}

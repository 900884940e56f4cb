package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
)

func (p *program) tokens() *cobra.Command {
	return group("tokens", "Make, list and revoke API tokens", p.tokensAdd(), p.tokensList(), p.tokensRevoke())
}

func (p *program) tokensAdd() *cobra.Command {
	var token app.NewToken
	var expires string
	cmd := &cobra.Command{
		Use:     "add",
		Short:   "Make an API token and print it, this once",
		Example: `  palabre tokens add --name "build of the website" --role public --expires 365d`,
		Args:    cobra.NoArgs,
	}
	r := p.remote(cmd)
	p.writes(cmd)
	cmd.Flags().StringVar(&token.Name, "name", "", "what the token is for (required)")
	cmd.Flags().StringVar(&token.Role, "role", "", "role that the token acts in (required)")
	cmd.Flags().StringVar(&expires, "expires", "", "how long it holds, such as 30d or 12h (default for ever)")
	_ = cmd.MarkFlagRequired("name")
	_ = cmd.MarkFlagRequired("role")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if token.ExpiresAt, err = fromNow(expires); err != nil {
			return err
		}
		return p.onTokens(cmd, r, func(ctx context.Context, t app.Tokens) error {
			text, err := t.AddToken(ctx, token)
			if err != nil {
				return err
			}
			if warning := app.RoleWarning(ctx, t, token.Role); warning != "" {
				fmt.Fprintln(p.err, "palabre:", warning)
			}
			out := printer{w: p.out}
			out.linef("%s", text)
			return out.err
		})
	}
	return cmd
}

// fromNow is when a token ends; never without a duration.
func fromNow(expires string) (time.Time, error) {
	if expires == "" {
		return time.Time{}, nil
	}
	holds, err := config.ParseDuration(expires)
	if err == nil && holds == 0 {
		err = errors.New("is over at once; leave it out for ever")
	}
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--expires %s %w", expires, err)}
	}
	return time.Now().Add(holds).UTC().Truncate(time.Second), nil
}

func (p *program) tokensList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the API tokens", Args: cobra.NoArgs}
	r := p.remote(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.onTokens(cmd, r, func(ctx context.Context, t app.Tokens) error {
			tokens, err := t.Tokens(ctx)
			if err != nil {
				return err
			}
			out := printer{w: p.out}
			out.linef("%-26s  %-20s  %-20s  %s", "ID", "ROLE", "EXPIRES", "NAME")
			for _, token := range tokens {
				out.linef("%-26s  %-20s  %-20s  %s", token.ID, token.Role, expiry(token.ExpiresAt), token.Name)
			}
			return out.err
		})
	}
	return cmd
}

func (p *program) tokensRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke NAME|ID",
		Short:   "End an API token at once, by its name or its identifier",
		Example: `  palabre tokens revoke "build of the website"`,
		Args:    cobra.ExactArgs(1),
	}
	r := p.remote(cmd)
	p.writes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.onTokens(cmd, r, func(ctx context.Context, t app.Tokens) error {
			token, err := app.FindToken(ctx, t, args[0])
			if err == nil {
				err = t.RevokeToken(ctx, token.ID)
			}
			return p.said(err, "the token %q (%s) is revoked", token.Name, token.ID)
		})
	}
	return cmd
}

func expiry(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.UTC().Format(time.RFC3339)
}

func (p *program) onTokens(cmd *cobra.Command, r *remote, f func(context.Context, app.Tokens) error) error {
	client, err := p.client(r)
	if err != nil {
		return err
	}
	if client != nil {
		return f(cmd.Context(), client)
	}
	return p.withStore(cmd, func(ctx context.Context, a *app.App) error { return f(ctx, a) })
}

package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core/app"
)

func (p *program) users() *cobra.Command {
	return group("users", "Make and list accounts", p.usersAdd(), p.usersList(), p.usersPasswd(), p.usersDropTOTP())
}

func (p *program) usersAdd() *cobra.Command {
	var user app.NewUser
	var ends string
	var stdin bool
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Make an account; without a password one is made up and printed, this once",
		Example: `  palabre users add --email camille@example.org --name "Camille Exemple" --role editor
  palabre users add --email camille@example.org --role editor --ends 2027-06-30`,
		Args: cobra.NoArgs,
	}
	r := p.remote(cmd)
	p.writes(cmd)
	cmd.Flags().StringVar(&user.Email, "email", "", "address that the person signs in with (required)")
	cmd.Flags().StringArrayVar(&user.Roles, "role", nil, "role of the account; give the flag again for more (required)")
	cmd.Flags().StringVar(&user.Name, "name", "", "name of the person (default the address)")
	cmd.Flags().StringVar(&ends, "ends", "", "when the account ends: 2027-06-30, or with a time 2027-06-30T18:00:00Z (default never)")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the first line of standard input")
	_ = cmd.MarkFlagRequired("email")
	_ = cmd.MarkFlagRequired("role")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if user.EndsAt, err = moment(ends); err != nil {
			return err
		}
		if !user.EndsAt.IsZero() && !user.EndsAt.After(time.Now()) {
			return usageError{errors.New("--ends " + ends + " is over already: nobody could sign in; name a day to come, or leave it out")}
		}
		if user.Password, err = p.password(stdin); err != nil {
			return err
		}
		return p.onUsers(cmd, r, func(ctx context.Context, u app.Users) error {
			made, err := u.AddUser(ctx, user)
			return p.showPassword(made, err)
		})
	}
	return cmd
}

// moment reads a day, which begins in UTC, or a time.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, usageError{errors.New("--ends " + s + ": write a day like 2027-06-30, or a time like 2027-06-30T18:00:00Z")}
}

// password reads one from standard input where that is wanted; "" otherwise.
func (p *program) password(stdin bool) (string, error) {
	if !stdin {
		return "", nil
	}
	line, err := bufio.NewReader(io.LimitReader(p.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", usageError{errors.New("--password-stdin: there is no password on standard input")}
	}
	return line, nil
}

// showPassword prints a password that was made up.
func (p *program) showPassword(made string, err error) error {
	if err != nil || made == "" {
		return err
	}
	out := printer{w: p.out}
	out.linef("%s", made)
	return out.err
}

func (p *program) usersList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the accounts", Args: cobra.NoArgs}
	r := p.remote(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.onUsers(cmd, r, func(ctx context.Context, u app.Users) error {
			users, err := u.Users(ctx)
			if err != nil {
				return err
			}
			out := printer{w: p.out}
			out.linef("%-26s  %-30s  %-20s  %-20s  %s", "ID", "EMAIL", "ROLES", "ENDS", "NAME")
			for _, user := range users {
				out.linef("%-26s  %-30s  %-20s  %-20s  %s", user.ID, user.Email, strings.Join(user.Roles, ","), ending(user), user.Name)
			}
			return out.err
		})
	}
	return cmd
}

func ending(u app.User) string {
	if u.Suspended {
		return "suspended"
	}
	return expiry(u.EndsAt)
}

func (p *program) usersPasswd() *cobra.Command {
	var change app.PasswordChange
	var stdin bool
	cmd := &cobra.Command{
		Use:   "passwd EMAIL",
		Short: "Give an account another password, which ends its sessions and revokes its API tokens; without one it is made up and printed, this once",
		Example: `  palabre users passwd camille@example.org
  palabre users passwd camille@example.org --password-stdin < password.txt`,
		Args: cobra.ExactArgs(1),
	}
	r := p.remote(cmd)
	p.writes(cmd)
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the first line of standard input")
	cmd.Flags().BoolVar(&change.DropTOTP, "drop-totp", false, "turn the second factor off as well, for somebody who has lost it")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		change.Email = args[0]
		if change.Password, err = p.password(stdin); err != nil {
			return err
		}
		return p.onUsers(cmd, r, func(ctx context.Context, u app.Users) error {
			made, err := u.SetPassword(ctx, change)
			return p.showPassword(made, err)
		})
	}
	return cmd
}

func (p *program) usersDropTOTP() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "drop-totp EMAIL",
		Short:   "Turn an account's second factor off, for somebody who has lost it; the password stays, the sessions end",
		Example: "  palabre users drop-totp camille@example.org",
		Args:    cobra.ExactArgs(1),
	}
	r := p.remote(cmd)
	p.writes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.onUsers(cmd, r, func(ctx context.Context, u app.Users) error {
			return p.said(u.DropTOTP(ctx, args[0]), "the second factor of %s is off", args[0])
		})
	}
	return cmd
}

func (p *program) onUsers(cmd *cobra.Command, r *remote, f func(context.Context, app.Users) error) error {
	client, err := p.client(r)
	if err != nil {
		return err
	}
	if client != nil {
		return f(cmd.Context(), client)
	}
	return p.withStore(cmd, func(ctx context.Context, a *app.App) error { return f(ctx, a) })
}

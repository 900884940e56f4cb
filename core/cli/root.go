package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it was asked well and did not work, or not for all of it
	exitUsage  = 2 // it was not understood: an unknown flag, a wrong setting
)

// errSilent fails without a word: everything was said already.
var errSilent = errors.New("")

// usageError is a wrong setting: one line, exit code 2.
type usageError struct{ error }

// program is one run of the command line.
type program struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	release  string // what the program calls itself
	plugins  []plugin.Plugin
	flags    settingFlags
	safe     bool // without plugins
	started  bool // the command line was understood
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "palabre",
		Short: "A headless content management system",
		Long: `Palabre keeps content, checks it against its types, and gives it out as JSON.

Start with:  palabre serve --demo`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	p.flags.bindShared(root.PersistentFlags())
	root.AddCommand(p.serve(), p.types(), p.content(), p.tokens(), p.users(), p.privacy(), p.backup(), p.restore(), p.catalog(), p.log(), p.audit(),
		p.bench(), p.plugin(), p.config(), p.health(), p.version())
	root.AddCommand(p.pluginGroups()...)
	root.SetGlobalNormalizationFunc(normalize)
	p.noteStart(root)
	return root
}

// noteStart remembers when a command begins to run: what goes wrong before is about the command line.
func (p *program) noteStart(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			p.started = true
			return run(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		p.noteStart(sub)
	}
}

// explain says what went wrong, once, and chooses the exit code.
func (p *program) explain(cmd *cobra.Command, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSilent):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintln(p.err, "palabre:", sentence(usage.error))
		return exitUsage
	case !p.started:
		fmt.Fprintf(p.err, "palabre: %v\nSee: %s --help\n", err, cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintln(p.err, "palabre:", sentence(err))
	return exitFailed
}

// sentence words an error for a person: what Palabre says to a caller, and then what is private, since the person at
// the shell is the one to whom it is of use.
func sentence(err error) string {
	e, ok := core.AsError(err)
	if !ok {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(e.Message)
	if e.Message == "" {
		b.WriteString(err.Error())
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", f.Pointer, f.Message)
	}
	if e.Code == core.CodeInternal && e.Err != nil && e.Message != "" {
		fmt.Fprintf(&b, " (%v)", e.Err)
	}
	return b.String()
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	c.AddCommand(commands...)
	return c
}

// printer writes lines and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) linef(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

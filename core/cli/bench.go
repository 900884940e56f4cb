package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core/cli/internal/bench"
)

func (p *program) bench() *cobra.Command {
	o := bench.Options{}
	var bare, keep string
	cmd := &cobra.Command{
		Use:   "bench [DIR]",
		Short: "Measure this machine with this version, against the targets",
		Long: `Make content up (or take the set in DIR: types/*.json and *.jsonl), import it, and measure imports, reads, writes, start and
memory, each against its target. The server under test is a process of its own; it shares the machine with the load
generator, as it did when the targets were set.`,
		Example: `  palabre bench
  palabre bench --entries 100000
  palabre bench ./my-set`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if bare != "" {
				return p.bare(cmd.Context(), bare)
			}
			return p.runBench(cmd.Context(), o, keep, args)
		},
	}
	cmd.Flags().IntVar(&o.Entries, "entries", 10_000, "how many entries to make up")
	cmd.Flags().DurationVar(&o.For, "for", 3*time.Second, "how long each figure over HTTP is measured")
	cmd.Flags().StringVar(&keep, "keep", "", "directory to keep the set and the store in (default a temporary one)")
	cmd.Flags().StringVar(&bare, "bare", "", "serve the files of this directory from memory and nothing else")
	_ = cmd.Flags().MarkHidden("bare")
	p.flags.bindListen(cmd.Flags())
	return cmd
}

func (p *program) runBench(ctx context.Context, o bench.Options, keep string, args []string) error {
	dir := keep
	if dir == "" {
		temp, err := os.MkdirTemp("", "palabre-bench-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	o.Set, o.Data = filepath.Join(dir, fmt.Sprintf("set-%d", o.Entries)), filepath.Join(dir, "data")
	if len(args) == 1 {
		o.Set = args[0]
	}
	o.Tell = func(what string) { fmt.Fprintln(p.err, what+"…") }
	figures, err := bench.Run(ctx, o)
	if writeErr := bench.Write(p.out, figures); err == nil {
		err = writeErr
	}
	if err != nil {
		return err
	}
	for _, f := range figures {
		if !f.Met() {
			return errors.New("not every target is met")
		}
	}
	return nil
}

func (p *program) bare(ctx context.Context, dir string) error {
	c, err := p.load()
	if err != nil {
		return err
	}
	bodies := map[string][]byte{}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if bodies["/"+f.Name()], err = os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			return err
		}
	}
	return bench.Bare(ctx, c.Listen, bodies)
}

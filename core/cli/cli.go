// Package cli is the command line of Palabre: the server, and what one does to its content from a shell. A program is a list of
// plugins and a call of Main, so that a binary with further plugins has every command that palabre has:
//
//	func main() { cli.Main("1.2.3", append(all.Plugins(), slugger.New())...) }
package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/palabre-cms/palabre/core/plugin"
)

// Main performs the command line of the process and ends it. A first SIGINT or SIGTERM asks it to end, a second one ends it at
// once. version is what it calls itself.
func Main(version string, plugins ...plugin.Plugin) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(Run(ctx, Streams{os.Stdin, os.Stdout, os.Stderr, os.Environ()}, os.Args[1:], version, plugins...))
}

// Streams are what a command reads and writes, so that a test can be in their place.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Environ  []string
}

// Run performs a command line and gives the exit code: 0, 1 for what did not work, 2 for what was not understood.
func Run(ctx context.Context, s Streams, args []string, version string, plugins ...plugin.Plugin) int {
	p := &program{in: s.In, out: s.Out, err: s.Err, environ: s.Environ, release: version, plugins: plugins}
	root := p.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return p.explain(cmd, err)
}

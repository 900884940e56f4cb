// Command palabre is the whole of Palabre: the server, and what one does to its content from a shell.
//
// To build one's own with more plugins, copy this page and name them in plugins.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/all"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version = "dev"

// plugins are what this binary offers, in the order in which they are listed.
func plugins() []plugin.Plugin { return append(all.Plugins(), underTest()...) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends the process at once: the first only asks.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, streams{os.Stdin, os.Stdout, os.Stderr, os.Environ()}, os.Args[1:]))
}

// streams are what a command reads and writes, so that a test can be in their place.
type streams struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

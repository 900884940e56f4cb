// Command palabre is Palabre with the plugins that come with it.
//
// To build one's own with more plugins, write a page like this one: palabre plugin new does.
package main

import (
	"github.com/palabre-cms/palabre/core/cli"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/all"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version = "dev"

func plugins() []plugin.Plugin { return append(all.Plugins(), underTest()...) }

func main() { cli.Main(version, plugins()...) }

// Package all is the list of the plugins that come with Palabre.
package all

import (
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/calendar"
	"github.com/palabre-cms/palabre/plugins/feeds"
	"github.com/palabre-cms/palabre/plugins/geo"
	"github.com/palabre-cms/palabre/plugins/webhooks"
)

// Plugins are those of the palabre program.
func Plugins() []plugin.Plugin {
	return []plugin.Plugin{calendar.New(), feeds.New(), geo.New(), webhooks.New()}
}

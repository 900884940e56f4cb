package geo

import "github.com/palabre-cms/palabre/core/plugin"

func (g *geo) registerChecks(*plugin.Registry) error { return nil }

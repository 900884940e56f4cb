package geo

import "github.com/palabre-cms/palabre/core/plugin"

func (g *geo) registerGeocoder(*plugin.Registry) error { return nil }

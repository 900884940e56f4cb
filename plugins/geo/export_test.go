package geo

import "github.com/palabre-cms/palabre/core/plugin"

// NewShort makes the plugin with answers of fewer features.
func NewShort(most int) plugin.Plugin {
	return &geo{most: most, much: make(chan struct{}, manyAtOnce)}
}

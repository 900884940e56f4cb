package pluginhost

import (
	"fmt"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// A write of a plugin that keeps a hundred thousand keys: in the ordinary way, and where what it keeps has to be weighed anew.
func BenchmarkStore(b *testing.B) {
	const many = 100_000
	p := fake{"dev.acme.large", func(*plugin.Registry) error { return nil }}
	c := newCluster(b, 1, p)
	o := c.hosts[0].plugins[0]
	o.Manifest.Capabilities.StoreBytes = 1 << 30
	for i := range many {
		if _, err := c.log.Set(b.Context(), core.KV{Key: fmt.Sprintf("plugin/dev.acme.large/kv/%06d", i), Value: make([]byte, 400)}); err != nil {
			b.Fatal(err)
		}
	}
	for name, pause := range map[string]time.Duration{"write": 0, "weighed anew": time.Hour} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				c.advance(pause)
				if err := o.Store().Put(b.Context(), fmt.Sprintf("%06d", i%many), make([]byte, 400), time.Time{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

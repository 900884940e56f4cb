package pluginhost

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// What a plugin keeps is weighed right in the long run: what another node writes, what expires, what a node had reserved that died,
// and what was refused.
func TestStore_quota(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := newCluster(t, 2, fake{"dev.acme.x", func(*plugin.Registry) error { return nil }})
	var stores [2]plugin.Store
	for i, h := range c.hosts {
		h.plugins[0].Manifest.Capabilities.StoreBytes = 100
		stores[i] = h.plugins[0].Store()
	}
	put := func(node int, key string, size int, expires time.Time) func() error {
		return func() error { return stores[node].Put(ctx, key, make([]byte, size), expires) }
	}
	swap := func(node int, key string, size int, version int64) func() error {
		return func() error {
			_, err := stores[node].Swap(ctx, key, make([]byte, size), version, time.Time{})
			return err
		}
	}
	del := func(node int, key string) func() error {
		return func() error { return stores[node].Delete(ctx, key) }
	}
	for i, step := range []struct {
		what string
		do   func() error
		want core.Code
	}{
		{"as much as there may be", put(0, "a", 99, time.Time{}), ""},
		{"one more", put(0, "b", 0, time.Time{}), core.CodeTooLarge},
		{"less in its place", put(0, "a", 39, time.Time{}), ""}, // 40
		{"what is there already", swap(0, "a", 0, 0), core.CodeConflict},
		{"the version before", swap(0, "a", 90, 1), core.CodeConflict},
		{"what the refused ones have not taken", put(0, "b", 59, time.Time{}), ""}, // 100
		{"deleted", del(0, "b"), ""},
		{"deleted twice", del(0, "b"), ""},
		{"in place of what is deleted", put(0, "b", 59, time.Time{}), ""},
		{"too much for another node", put(1, "c", 0, time.Time{}), core.CodeTooLarge},
		{"made smaller by another node", put(1, "b", 9, time.Time{}), ""}, // 50
		{"room that this node learns of as it would refuse", func() error { c.advance(time.Minute); return put(0, "c", 49, c.now().Add(time.Hour))() }, ""},
		{"full again", put(0, "d", 0, time.Time{}), core.CodeTooLarge},
		{"room by what has expired", func() error { c.advance(2 * time.Hour); return put(1, "d", 49, time.Time{})() }, ""},
	} {
		if err := step.do(); core.CodeOf(err) != step.want {
			t.Errorf("step %d, %s: %v", i, step.what, err)
		}
	}
	w, err := c.log.Weigh(context.Background(), "plugin/dev.acme.x/kv/")
	if err != nil || w.Bytes-w.Keys*int64(len("plugin/dev.acme.x/kv/")) != 100 {
		t.Error(fmt.Errorf("it weighs %v, %w", w, err))
	}
}

// A clock that went back keeps nobody from weighing.
func TestStore_clockGoesBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, fake{"dev.acme.x", func(*plugin.Registry) error { return nil }})
	for _, h := range c.hosts {
		h.plugins[0].Manifest.Capabilities.StoreBytes = 100
	}
	here, there := c.hosts[0].plugins[0].Store(), c.hosts[1].plugins[0].Store()
	if err := here.Put(t.Context(), "a", make([]byte, 99), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := there.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	c.advance(-time.Hour)
	if err := here.Put(t.Context(), "b", make([]byte, 99), time.Time{}); err != nil {
		t.Error(err)
	}
}

package plugintest_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// stopper is a plugin that notes whether its job still ran when it was stopped.
type stopper struct {
	made
	working, disturbed atomic.Bool
}

// Stop implements plugin.Stopper.
func (s *stopper) Stop(context.Context) error { s.disturbed.Store(s.working.Load()); return nil }

// A job ends when its plugin is turned off, before the plugin is stopped, and is due still when that is on again.
func TestJobs_turnedOff(t *testing.T) {
	t.Parallel()
	var runs, done atomic.Int32
	hang := make(chan struct{})
	p := &stopper{}
	p.manifest = plugin.Manifest{ID: "dev.acme.jobs", Version: "1.0.0"}
	p.register = func(r *plugin.Registry) error {
		return plugin.Every(r, plugin.Job{Name: "daily", Spec: "@daily", Within: 5 * time.Minute, Run: func(ctx context.Context, _ plugin.Host) error {
			p.working.Store(true)
			defer p.working.Store(false)
			if runs.Add(1) == 1 {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-hang:
				}
			}
			done.Add(1)
			return nil
		}})
	}
	h := plugintest.New(t, p)
	t.Cleanup(func() { close(hang) })
	const at = "/api/v1/plugins/dev.acme.jobs"
	h.Eventually("its time is known", func() bool { return strings.Contains(h.Do("administrator", "GET", at, nil).Text, `"next"`) })
	h.Advance(24 * time.Hour)
	h.Eventually("it runs", func() bool { return runs.Load() == 1 })
	h.Do("administrator", "PATCH", at, plugintest.Doc{"enabled": false}).OK()
	if p.working.Load() || p.disturbed.Load() || done.Load() != 0 {
		t.Errorf("turned off: it runs %v, ran while the plugin was stopped %v, was done %d times", p.working.Load(), p.disturbed.Load(), done.Load())
	}
	h.Do("administrator", "PATCH", at, plugintest.Doc{"enabled": true}).OK()
	h.Eventually("it is done", func() bool { return done.Load() == 1 })
	h.Do("administrator", "PATCH", at, plugintest.Doc{"enabled": false}).OK()
	if runs.Load() != 2 {
		t.Errorf("it ran %d times", runs.Load())
	}
}

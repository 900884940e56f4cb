package plugintest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// mover is a plugin with steps, which tell what they did.
type mover struct {
	did     string
	failing atomic.Bool
}

func (m *mover) plugin(steps ...string) made {
	p := before("dev.acme.mover", func(_ context.Context, e *core.EntryEvent) error { e.New["code"] = "on"; return nil }, "article.code")
	hooks := p.register
	p.register = func(r *plugin.Registry) error {
		for _, name := range steps {
			if err := plugin.Migrate(r, name, func(context.Context, plugin.Host) error { return m.step(name) }); err != nil {
				return err
			}
		}
		return hooks(r)
	}
	p.start = func(context.Context, plugin.Host) error { m.did += "start "; return nil }
	return p
}

func (m *mover) step(name string) error {
	if name == "two" && m.failing.Load() {
		return errors.New("two is too much")
	}
	m.did += name + " "
	return nil
}

// Each step is done once for the store, in order and before the start; a later version does what it adds.
func TestMigrate(t *testing.T) {
	t.Parallel()
	m := &mover{}
	h := plugintest.New(t, m.plugin("one", "two"), articles())
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("code", "on")
	h.Restart(m.plugin("one", "two", "three"))
	h.Restart(m.plugin("one", "two", "three"))
	if want := "one two start three start start "; m.did != want {
		t.Errorf("did %q, want %q", m.did, want)
	}
}

// A step that fails turns the plugin off and leaves the site up. Turned on again, it goes on with that step.
func TestMigrate_fails(t *testing.T) {
	t.Parallel()
	const at = "/api/v1/plugins/dev.acme.mover"
	m := &mover{}
	m.failing.Store(true)
	h := plugintest.New(t, m.plugin("one", "two"), articles())
	h.Eventually("it is recorded as off", func() bool { return h.Do("administrator", "GET", at, nil).OK().Body["enabled"] == false })
	if got := h.Do("administrator", "GET", at, nil).Body["fault"]; !strings.Contains(fmt.Sprint(got), "migration two failed: two is too much") {
		t.Errorf("nobody is told why: %v", got)
	}
	if got := degraded(h); got != "dev.acme.mover" {
		t.Errorf("degraded: %q", got)
	}
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("code", nil)
	m.failing.Store(false)
	h.Do("administrator", "PATCH", at, plugintest.Doc{"enabled": true}).OK()
	h.Eventually("it is on", func() bool { return degraded(h) == "" })
	h.Create("article", plugintest.Doc{"title": "x"}).OK().Has("code", "on")
	if want := "one two start "; m.did != want {
		t.Errorf("did %q, want %q", m.did, want)
	}
}

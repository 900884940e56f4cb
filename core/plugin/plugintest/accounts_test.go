package plugintest_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// doorkeeper takes part in what concerns accounts, and notes every secret that it is shown.
type doorkeeper struct {
	shut  atomic.Bool
	seen  atomic.Int32
	leaks atomic.Int32
}

func (d *doorkeeper) look(docs ...any) {
	d.seen.Add(1)
	for _, doc := range docs {
		if text := fmt.Sprint(doc); strings.Contains(text, "argon2id") || strings.Contains(text, "hash") {
			d.leaks.Add(1)
		}
	}
}

func (d *doorkeeper) plugin(capable bool) made {
	return made{manifest: plugin.Manifest{ID: "dev.acme.doorkeeper", Version: "1.0.0", Writes: []string{"_user.name"}, Capabilities: plugin.Capabilities{Accounts: capable}},
		register: func(r *plugin.Registry) error {
			if err := plugin.Before(r, plugin.EntryCreate, func(_ context.Context, e *core.EntryEvent) error {
				d.look(e.New, e.Old)
				if d.shut.Load() {
					return plugin.Reject("shut", "Nobody comes in at night.")
				}
				return nil
			}, plugin.OnTypes("_session")); err != nil {
				return err
			}
			if err := plugin.Before(r, plugin.EntryUpdate, func(_ context.Context, e *core.EntryEvent) error {
				d.look(e.New, e.Old)
				if e.Entry != nil {
					d.look(string(e.Entry.Published), string(e.Entry.Draft))
				}
				e.New["name"] = strings.ToUpper(fmt.Sprint(e.New["name"]))
				return nil
			}, plugin.OnTypes("_user")); err != nil {
				return err
			}
			if err := plugin.Views(r, plugin.View{Name: "accounts", Types: []core.TypeName{"_user", "_session"}, Fold: func(_ plugin.Table, c core.Commit) error {
				for _, ch := range c.Changes {
					d.look(string(ch.Draft), string(ch.Published))
				}
				return nil
			}}); err != nil {
				return err
			}
			return plugin.After(r, func(_ context.Context, _ plugin.Host, c plugin.Committed) error {
				d.look(string(c.Change.Draft), string(c.Change.Published))
				return nil
			}, plugin.OnTypes("_user", "_session"))
		}}
}

// A plugin that may takes part in what concerns accounts, and sees no secret of them. What it does to a document leaves the
// secrets where they are.
func TestAccounts(t *testing.T) {
	t.Parallel()
	d := &doorkeeper{}
	h := plugintest.New(t, d.plugin(true), articles())
	signIn := func(password string) *plugintest.Result {
		return h.Do("", "POST", "/api/v1/auth/login", plugintest.Doc{"email": "camille@example.org", "password": password})
	}
	id := h.Create("_user", plugintest.Doc{"name": "Camille", "email": "camille@example.org", "password": "a long enough password", "roles": []string{"editor"}}).OK().ID
	signIn("a long enough password").OK()
	h.Update("_user", id, plugintest.Doc{"name": "Camille Exemple"}).OK().Has("name", "CAMILLE EXEMPLE")
	signIn("a long enough password").OK()
	d.shut.Store(true)
	signIn("a long enough password").Rejected("shut")
	h.Eventually("the audit trail tells", func() bool {
		return strings.Contains(h.Do("administrator", "GET", "/api/v1/audit?event=sign_in_failed", nil).Text, `"refused"`)
	})
	h.Eventually("the follower is told", func() bool { return d.seen.Load() > 12 })
	if err := h.View("accounts").Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if d.leaks.Load() > 0 {
		t.Errorf("it was shown secrets %d times", d.leaks.Load())
	}
}

func TestAccounts_withoutCapability(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, waitsFor("dev.acme.idle", "dev.acme.none"), articles(), plugintest.With(new(doorkeeper).plugin(false)))
	if got := degraded(h); got != "dev.acme.doorkeeper" {
		t.Errorf("degraded: %q", got)
	}
}

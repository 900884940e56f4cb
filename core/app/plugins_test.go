package app_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
	"github.com/palabre-cms/palabre/core/plugin"
)

// hoarder keeps something on each node where it starts.
type hoarder struct{ host plugin.Host }

// Manifest implements plugin.Plugin.
func (*hoarder) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.acme.hoarder", Version: "1.0.0", Uninstall: plugin.DropData}
}

// Register implements plugin.Plugin.
func (*hoarder) Register(*plugin.Registry) error { return nil }

// Start implements plugin.Starter.
func (p *hoarder) Start(_ context.Context, h plugin.Host) error {
	p.host = h
	_, err := h.DataDir()
	return err
}

// What is uninstalled on one node is gone from the other within a moment, and comes back there with nothing.
func TestPlugins_uninstalledOnAllNodes(t *testing.T) {
	t.Parallel()
	const at = "/api/v1/plugins/dev.acme.hoarder"
	server := ferrettest.New(t)
	var nodes [2]*app.App
	var dirs [2]string
	var plugins [2]*hoarder
	for i := range nodes {
		c := settings(t)
		c.MongoDB = config.MongoDB{URI: config.Secret(server.URI()), Database: server.Database()}
		dirs[i], plugins[i] = filepath.Join(c.Data, "plugins", "dev.acme.hoarder"), &hoarder{}
		a, err := app.New(c, app.Options{Plugins: []plugin.Plugin{plugins[i]}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closed(t, a) })
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		nodes[i] = a
	}
	until := func(what string, holds func() bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		for !holds() {
			select {
			case <-ctx.Done():
				t.Fatalf("in vain: %s", what)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	running := func(i int, want bool) func() bool {
		return func() bool {
			return request(t, nodes[i].Handler(), "GET", at, adminToken, "").body["running"] == want
		}
	}
	until("both run it", func() bool { return running(0, true)() && running(1, true)() })
	other := plugins[1].host.Store()
	if err := other.Put(t.Context(), "kept", []byte("x"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := request(t, nodes[0].Handler(), "POST", at+"/uninstall", adminToken, `{"confirm":"dev.acme.hoarder"}`); got.status != 200 {
		t.Fatalf("got %d %v", got.status, got.body)
	}
	until("the other node has turned it off", running(1, false))
	for i, dir := range dirs {
		until("its directory is gone", func() bool { _, err := os.Stat(dir); return os.IsNotExist(err) })
		if got := request(t, nodes[i].Handler(), "GET", at, adminToken, "").body["uninstalled"]; got != "drop-data" {
			t.Errorf("node %d says %v", i, got)
		}
	}
	_ = other.Put(t.Context(), "late", []byte("x"), time.Time{}) // by what a node has left behind
	request(t, nodes[0].Handler(), "PATCH", at, adminToken, `{"enabled":true}`)
	until("both run it again", func() bool { return running(0, true)() && running(1, true)() })
	for i, p := range plugins {
		if keys, err := p.host.Store().Keys(t.Context(), ""); err != nil || len(keys) != 0 {
			t.Errorf("node %d has %s, %v", i, strings.Join(keys, " "), err)
		}
	}
}

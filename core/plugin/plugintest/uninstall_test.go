package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

const (
	keeperID = "dev.acme.keeper"
	keeperAt = "/api/v1/plugins/" + keeperID
	// shelf is a type that the keeper brings.
	shelf = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Shelf","type":"object","unevaluatedProperties":false,
"x-type":{"name":"shelf","public":true,"slug":false},"properties":{"title":{"type":"string"}}}`
)

// keeper keeps something everywhere where a plugin may, and takes part in everything.
type keeper struct {
	made
	host     plugin.Host
	migrated int
	told     int
	left     []string                                                             // keys that were there when it was uninstalled
	parting  func(ctx context.Context, h plugin.Host, data plugin.Disposal) error // nil for nothing to put right
}

// Uninstall implements plugin.Uninstaller.
func (k *keeper) Uninstall(ctx context.Context, h plugin.Host, data plugin.Disposal) (err error) {
	if k.left, err = h.Store().Keys(ctx, ""); err != nil || k.parting == nil {
		return err
	}
	return k.parting(ctx, h, data)
}

func newKeeper(data plugin.Disposal) *keeper {
	k := &keeper{}
	k.manifest = plugin.Manifest{ID: keeperID, Version: "1.0.0", Uninstall: data, Settings: json.RawMessage(`{"type":"object","additionalProperties":false,
"properties":{"key":{"type":"string","writeOnly":true},"size":{"type":"integer"}}}`)}
	k.register = func(r *plugin.Registry) error {
		plugin.Types(r, []byte(shelf))
		plugin.UI(r, plugin.Contribution{Slot: "menu", Name: "keeper", Label: core.Say("Keeper", "Garde")})
		return errors.Join(
			plugin.Before(r, plugin.EntryCreate, func(_ context.Context, e *core.EntryEvent) error {
				if e.New["title"] == "no" {
					return plugin.Reject("no", "Not this one.")
				}
				return nil
			}, plugin.OnTypes("article")),
			plugin.After(r, func(context.Context, plugin.Host, plugin.Committed) error { k.told++; return errors.New("not now") }, plugin.OnTypes("article")),
			plugin.Every(r, plugin.Job{Name: "rarely", Spec: "@yearly", Run: func(context.Context, plugin.Host) error { return nil }}),
			plugin.Migrate(r, "one", func(context.Context, plugin.Host) error { k.migrated++; return nil }),
			plugin.Handle(r, "GET", "/hello", "keeperHello", "Says hello", func(w http.ResponseWriter, _ *core.RouteRequest) error {
				_, err := fmt.Fprint(w, "hello")
				return err
			}, plugin.Public()))
	}
	k.start = func(ctx context.Context, h plugin.Host) error {
		k.host = h
		dir, err := h.DataDir()
		if err != nil {
			return err
		}
		return errors.Join(h.Store().Put(ctx, "begun", []byte("x"), time.Time{}), os.WriteFile(filepath.Join(dir, "cache"), nil, 0o600))
	}
	return k
}

// fill has the keeper keep something of every kind.
func (k *keeper) fill(t *testing.T, h *plugintest.Host) {
	t.Helper()
	h.Do("administrator", "PATCH", keeperAt, plugintest.Doc{"settings": plugintest.Doc{"key": "canary", "size": 3}}).OK().Has("running", true)
	if err := k.host.Store().Put(t.Context(), "kept", []byte("canary"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	h.Create("article", plugintest.Doc{"title": "no"}).Rejected("no")
	h.Create("article", plugintest.Doc{"title": "x"}).OK()
	h.Create("shelf", plugintest.Doc{"title": "y"}).OK()
	h.Eventually("it failed at a change", func() bool { return len(h.Failures("waiting")) == 1 })
}

// gone fails the test where the keeper takes part in anything.
func gone(t *testing.T, h *plugintest.Host) {
	t.Helper()
	h.Get("/x/" + keeperID + "/hello").Status(http.StatusNotFound)
	if got := h.Do("administrator", "GET", "/api/v1/plugin-ui", nil).OK(); strings.Contains(got.Text, keeperID) {
		t.Errorf("the admin shows it: %s", got.Text)
	}
	if got := h.Do("administrator", "GET", "/api/v1/plugin-order", nil).OK(); strings.Contains(got.Text, keeperID) {
		t.Errorf("it is in a chain: %s", got.Text)
	}
	h.Create("article", plugintest.Doc{"title": "no"}).OK()
	h.Do("administrator", "GET", keeperAt, nil).OK().Has("enabled", false).Has("running", false)
}

// The API's description says what is sent to uninstall a plugin, and what comes back.
func TestUninstall_described(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, newKeeper(""))
	paths, _ := h.Do("administrator", "GET", "/openapi.json", nil).OK().Body["paths"].(map[string]any)
	item, _ := paths["/api/v1/plugins/{plugin}/uninstall"].(map[string]any)
	got, err := json.Marshal(item["post"])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"requestBody"`, `#/components/schemas/PluginRemoval`, `#/components/schemas/Plugin"`, `"409"`, `"422"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("it does not say %s: %s", want, got)
		}
	}
}

// What was dropped is gone, here and in the store, and what comes back begins anew.
func TestUninstall_dropsData(t *testing.T) {
	t.Parallel()
	k := newKeeper(plugin.DropData)
	h := plugintest.New(t, k, articles())
	k.fill(t, h)
	for _, body := range []any{nil, plugintest.Doc{}, plugintest.Doc{"confirm": "dev.acme.other"}, plugintest.Doc{"confirm": keeperID, "data": "burn"}} {
		h.Do("administrator", "POST", keeperAt+"/uninstall", body).Status(http.StatusUnprocessableEntity)
	}
	for _, body := range []plugintest.Doc{{"confrim": keeperID}, {"confirm": keeperID, "data": []string{"keep-data"}}, {"confirm": keeperID, "data": nil}, {"confirm": keeperID, "force": "no"}} {
		h.Do("administrator", "POST", keeperAt+"/uninstall", body).Status(http.StatusBadRequest)
	}
	for _, body := range []plugintest.Doc{{"enabled": "no"}, {"settings": nil}, {"enabled": nil}, {"uninstalled": "drop-data"}} {
		h.Do("administrator", "PATCH", keeperAt, body).Status(http.StatusBadRequest)
	}
	h.Do("", "POST", keeperAt+"/uninstall", plugintest.Doc{"confirm": keeperID}).Status(http.StatusUnauthorized)
	h.Do("administrator", "GET", keeperAt, nil).OK().Has("running", true)

	h.Do("administrator", "POST", keeperAt+"/uninstall", plugintest.Doc{"confirm": keeperID}).OK().Has("uninstalled", "drop-data").Has("fault", nil)
	gone(t, h)
	if got := strings.Join(k.left, " "); got != "begun kept" {
		t.Errorf("when it put things right it had %q", got)
	}
	if got := h.Do("administrator", "GET", "/api/v1/plugins", nil).OK(); !strings.Contains(got.Text, `"uninstalled":"drop-data"`) || strings.Contains(got.Text, "canary") {
		t.Errorf("got %s", got.Text)
	}
	if got := h.Do("administrator", "GET", "/api/v1/content/_plugin?state=draft", nil).OK(); strings.Contains(got.Text, `"settings"`) || strings.Contains(got.Text, `"sealed"`) {
		t.Errorf("its state has its settings still: %s", got.Text)
	}
	if _, err := os.Stat(h.DataDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is there: %v", err)
	}
	if n := len(h.Failures("waiting")); n != 0 {
		t.Errorf("%d letters wait for it", n)
	}
	h.Eventually("the audit trail tells", func() bool {
		return strings.Contains(h.Do("administrator", "GET", "/api/v1/audit?event=plugin_uninstalled", nil).Text, keeperID)
	})
	h.Restart(k)
	gone(t, h)

	h.Do("administrator", "PATCH", keeperAt, plugintest.Doc{"enabled": true}).OK().Has("uninstalled", nil)
	h.Eventually("it is on", func() bool { return h.Do("administrator", "GET", keeperAt, nil).Body["running"] == true })
	keys, err := k.host.Store().Keys(t.Context(), "")
	if err != nil || strings.Join(keys, " ") != "begun" || k.migrated != 2 {
		t.Errorf("it has %v, %v, after %d migrations", keys, err, k.migrated)
	}
	if got := h.Do("administrator", "GET", keeperAt, nil).OK(); strings.Contains(fmt.Sprint(got.Body["settings"]), "true") {
		t.Errorf("it has settings: %s", got.Text)
	}
	if got := h.Do("administrator", "GET", "/api/v1/content/shelf?state=draft", nil).OK(); !strings.Contains(got.Text, `"total":1`) {
		t.Errorf("what the site has written is gone: %s", got.Text)
	}
	told := k.told
	h.Create("article", plugintest.Doc{"title": "z"}).OK()
	h.Eventually("it is told of what is new alone", func() bool { return k.told == told+1 })
}

// What was kept is there when it comes back.
func TestUninstall_keepsData(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		declared plugin.Disposal
		body     any
	}{"undeclared": {"", nil}, "declared": {plugin.KeepData, plugintest.Doc{}}, "said": {plugin.DropData, plugintest.Doc{"data": "keep-data"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKeeper(tc.declared)
			var asked []plugin.Disposal
			k.parting = func(_ context.Context, _ plugin.Host, data plugin.Disposal) error {
				asked = append(asked, data)
				return nil
			}
			h := plugintest.New(t, k, articles())
			k.fill(t, h)
			h.Do("administrator", "POST", keeperAt+"/uninstall", tc.body).OK().Has("uninstalled", "keep-data")
			gone(t, h)
			h.Restart(k)
			gone(t, h)
			h.Do("administrator", "PATCH", keeperAt, plugintest.Doc{"enabled": true}).OK().Has("running", true).Has("settings", map[string]any{"key": map[string]any{"set": true}, "size": 3})
			keys, err := k.host.Store().Keys(t.Context(), "")
			if err != nil || strings.Join(keys, " ") != "begun kept" || k.migrated != 1 {
				t.Errorf("it has %v, %v, after %d migrations", keys, err, k.migrated)
			}
			if n := len(h.Failures("waiting")); n < 1 { // and perhaps those of what was written meanwhile
				t.Errorf("%d letters wait", n)
			}
			h.Do("administrator", "POST", keeperAt+"/uninstall", plugintest.Doc{"data": "keep-data"}).OK()
			h.Do("administrator", "POST", keeperAt+"/uninstall", plugintest.Doc{"data": "drop-data", "confirm": keeperID}).OK().Has("uninstalled", "drop-data")
			if n := len(h.Failures("waiting")); n != 0 {
				t.Errorf("%d letters wait", n)
			}
			if want := []plugin.Disposal{plugin.KeepData, plugin.KeepData, plugin.DropData}; !slices.Equal(asked, want) {
				t.Errorf("it was asked about %v, want %v", asked, want)
			}
		})
	}
}

// While a plugin is being uninstalled, nobody else uninstalls it on this node or turns it on; to drop its data twice is to drop it once.
func TestUninstall_once(t *testing.T) {
	t.Parallel()
	k := newKeeper(plugin.DropData)
	h := plugintest.New(t, k, articles())
	confirmed := plugintest.Doc{"confirm": keeperID}
	second, beside := make(chan string, 10), sync.WaitGroup{}
	begun := false
	k.parting = func(context.Context, plugin.Host, plugin.Disposal) error {
		if begun {
			second <- "it is asked twice"
			return nil
		}
		begun = true
		k.start = func(context.Context, plugin.Host) error { second <- "it starts"; return nil }
		beside.Go(func() { h.Do("administrator", "POST", keeperAt+"/uninstall", confirmed) })
		beside.Go(func() { h.Do("administrator", "PATCH", keeperAt, plugintest.Doc{"enabled": true}) })
		select {
		case what := <-second:
			t.Errorf("%s while it is being uninstalled", what)
		case <-time.After(300 * time.Millisecond): // long enough for either to come through
		}
		return nil
	}
	h.Do("administrator", "POST", keeperAt+"/uninstall", confirmed).OK()
	beside.Wait()
	h.Do("administrator", "POST", keeperAt+"/uninstall", confirmed).OK()
	installation := func() string {
		t.Helper()
		_, text, _ := strings.Cut(h.Do("administrator", "GET", "/api/v1/content/_plugin?state=draft", nil).OK().Text, `"installation":"`)
		return text[:26]
	}
	was := installation()
	h.Do("administrator", "POST", keeperAt+"/uninstall", confirmed).OK()
	if got := installation(); got != was {
		t.Errorf("the installation is %s, was %s", got, was)
	}
}

// A plugin that fails at putting things right is off and loses nothing, until somebody insists.
func TestUninstall_fails(t *testing.T) {
	t.Parallel()
	for name, parting := range map[string]func(context.Context, plugin.Host, plugin.Disposal) error{
		"an error": func(context.Context, plugin.Host, plugin.Disposal) error { return errors.New("cannot reach it") },
		"a panic":  func(context.Context, plugin.Host, plugin.Disposal) error { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKeeper(plugin.DropData)
			k.parting = parting
			h := plugintest.New(t, k, articles())
			k.fill(t, h)
			h.Do("administrator", "POST", keeperAt+"/uninstall", plugintest.Doc{"confirm": keeperID}).Status(http.StatusConflict).Has("reason", "plugin_failed")
			gone(t, h)
			if n := len(h.Failures("waiting")); n != 1 {
				t.Errorf("%d letters wait", n)
			}
			h.Do("administrator", "POST", keeperAt+"/uninstall", plugintest.Doc{"confirm": keeperID, "force": true}).OK().Has("uninstalled", "drop-data")
			if n := len(h.Failures("waiting")); n != 0 {
				t.Errorf("%d letters wait", n)
			}
		})
	}
}

// A plugin that the program does not have any more is uninstalled by its name, when somebody says what becomes of its data.
func TestUninstall_absent(t *testing.T) {
	t.Parallel()
	k, other := newKeeper(plugin.DropData), waitsFor("dev.acme.keeper.more", "dev.acme.none")
	h := plugintest.New(t, k, articles())
	k.fill(t, h)
	h.Restart(other)
	h.Do("administrator", "GET", keeperAt, nil).OK().Has("absent", true)
	for body, want := range map[string]int{`{}`: 422, `{"data":"drop-data"}`: 422, `{"confirm":"` + keeperID + `"}`: 422} {
		h.Do("administrator", "POST", keeperAt+"/uninstall", json.RawMessage(body)).Status(want)
	}
	for _, id := range []string{"dev.acme.nobody", "dev.acme.keeper%2Fkv", "..", "%2e%2e"} {
		h.Do("administrator", "POST", "/api/v1/plugins/"+id+"/uninstall", plugintest.Doc{"data": "drop-data", "confirm": id}).Status(http.StatusNotFound)
	}
	h.Do("administrator", "POST", keeperAt+"/uninstall", plugintest.Doc{"data": "drop-data", "confirm": keeperID}).OK().Has("uninstalled", "drop-data").Has("absent", true)
	if _, err := os.Stat(filepath.Join(filepath.Dir(h.DataDir()), keeperID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is there: %v", err)
	}
	h.Restart(k)
	gone(t, h)
	h.Do("administrator", "PATCH", keeperAt, plugintest.Doc{"enabled": true}).OK()
	h.Eventually("it is on", func() bool { return h.Do("administrator", "GET", keeperAt, nil).Body["running"] == true })
	if keys, err := k.host.Store().Keys(t.Context(), ""); err != nil || strings.Join(keys, " ") != "begun" {
		t.Errorf("it has %v, %v", keys, err)
	}
}

// What somebody takes out of the settings is gone.
func TestSettings_takenOut(t *testing.T) {
	t.Parallel()
	k := newKeeper("")
	h := plugintest.New(t, k, articles())
	h.Do("administrator", "PATCH", keeperAt, plugintest.Doc{"settings": plugintest.Doc{"key": "canary", "size": 3}}).OK()
	h.Do("administrator", "PATCH", keeperAt, plugintest.Doc{"settings": plugintest.Doc{"key": nil, "size": nil}}).OK().Has("settings", map[string]any{"key": map[string]any{"set": false}})
}

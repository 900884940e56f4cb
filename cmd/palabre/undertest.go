//go:build failpoint

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// underTest is a plugin for system tests, which PALABRE_TEST_PLUGIN asks for and tells what to do:
//
//	follow  note each event on a note that it is told of, in the file "told" of its directory
//	stall   note it, and never come back
//	refuse  refuse every note
//	mark    write into the body of every note
//	die     end the process at the second step of its migrations
//
// Whatever it does, it keeps a view of the notes: how often each has changed, and all of them together.
func underTest() []plugin.Plugin {
	if does := os.Getenv("PALABRE_TEST_PLUGIN"); does != "" {
		return []plugin.Plugin{testPlugin{does}}
	}
	return nil
}

type testPlugin struct{ does string }

// Manifest implements plugin.Plugin.
func (p testPlugin) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.palabre.test", Version: "1.0.0", Writes: []string{"note.body"},
		Settings: json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{"key":{"type":"string","writeOnly":true,"minLength":8},
"relay":{"type":"object","additionalProperties":false,"properties":{"host":{"type":"string"},"password":{"type":"string","writeOnly":true,"minLength":8}}}}}`)}
}

// Register implements plugin.Plugin.
func (p testPlugin) Register(r *plugin.Registry) error {
	notes := plugin.OnTypes("note")
	return errors.Join(plugin.Before(r, plugin.EntryCreate, p.create, notes), plugin.After(r, p.told, notes),
		plugin.Views(r, plugin.View{Name: "changes", Types: []core.TypeName{"note"}, Fold: countChanges}),
		plugin.Migrate(r, "one", p.step("one")), plugin.Migrate(r, "two", p.step("two")))
}

func countChanges(t plugin.Table, c core.Commit) error {
	for _, ch := range c.Changes {
		for _, key := range []string{"all", "of/" + string(ch.Entry)} {
			n, _ := strconv.Atoi(string(t.Get(key)))
			t.Put(key, json.RawMessage(strconv.Itoa(n+1)))
		}
	}
	return nil
}

func (p testPlugin) create(_ context.Context, e *core.EntryEvent) error {
	switch p.does {
	case "refuse":
		return plugin.Reject("no_notes", "No notes.", plugin.Field("/title", "Not this one."))
	case "mark":
		e.New["body"] = "marked"
	}
	return nil
}

func (p testPlugin) told(ctx context.Context, h plugin.Host, c plugin.Committed) error {
	if err := addLine(h, "told", c.EventID+" "+string(c.Change.Action)); err != nil {
		return err
	}
	if p.does == "stall" {
		<-ctx.Done()
	}
	return nil
}

func (p testPlugin) step(name string) func(context.Context, plugin.Host) error {
	return func(_ context.Context, h plugin.Host) error {
		if p.does == "die" && name == "two" {
			os.Exit(86)
		}
		return addLine(h, "steps", name)
	}
}

func addLine(h plugin.Host, file, line string) error {
	dir, err := h.DataDir()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Close())
}

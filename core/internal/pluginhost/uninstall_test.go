package pluginhost

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// What goes is what earlier installations of this plugin have left: nothing of the present one, nothing of one that came after it,
// and nothing of a plugin with a name like it.
func TestClear(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, fake{"dev.acme.x", func(*plugin.Registry) error { return nil }})
	h := c.hosts[0]
	h.parts.Dir, h.parts.Views = t.TempDir(), &countedViews{}
	h.parts.Consumers = c.log.Keys
	h.parts.Forget = c.log.Delete
	stay := []string{"dev.acme.x.y.after", "dev.acme.x.y@01a.after", "dev.acme.x@01b.after", "dev.acme.x@01c.after", "dev.acme.xy.after", "plugin/dev.acme.x.y/kv/a", "plugin/dev.acme.x/01b/kv/a",
		"plugin/dev.acme.x/01c/kv/a", "plugin/dev.acme.xy/kv/a"}
	gone := []string{"dev.acme.x.after", "dev.acme.x@01a.after", "plugin/dev.acme.x/01a/kv/a", "plugin/dev.acme.x/after/after/dead/1", "plugin/dev.acme.x/job/a", "plugin/dev.acme.x/kv/a", "plugin/dev.acme.x/migrations"}
	for _, key := range slices.Concat(stay, gone) {
		if _, err := c.log.Set(t.Context(), core.KV{Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := h.clear(t.Context(), "dev.acme.x", "01b"); err != nil {
			t.Fatal(err)
		}
	}
	left, err := c.log.Keys(t.Context(), "")
	if err != nil || !slices.Equal(left, stay) {
		t.Errorf("left is\n%s\nwant\n%s\n%v", strings.Join(left, "\n"), strings.Join(stay, "\n"), err)
	}
	if err := h.clear(t.Context(), "dev.acme.xy", ""); err != nil { // never dropped: all of it is the first installation's
		t.Fatal(err)
	}
	if left, _ := c.log.Keys(t.Context(), ""); !slices.Equal(left, stay) {
		t.Errorf("left is %v", left)
	}
}

// countedViews counts how often a plugin's views are dropped.
type countedViews struct {
	core.PluginViews
	dropped int
}

func (v *countedViews) DropViews(context.Context, string, ...string) error {
	v.dropped++
	return nil
}

// A plugin's directory is of the installation that there is, also on a node that was not there when the data was dropped; what
// a command has begun on a new node stays.
func TestSettleDir(t *testing.T) {
	t.Parallel()
	type step struct {
		command      bool // a command on files begins the directory, if there is none
		installation string
		want         bool // a file of before is there still
	}
	for name, steps := range map[string][]step{
		"kept":                         {{installation: "", want: true}, {installation: "", want: true}},
		"dropped":                      {{installation: "", want: true}, {installation: "01a", want: false}, {installation: "01a", want: true}, {installation: "01b", want: false}},
		"begun by a command":           {{command: true, installation: "01a", want: true}, {installation: "01a", want: true}, {installation: "01b", want: false}},
		"a command in the midst":       {{installation: "", want: true}, {command: true, installation: "01a", want: false}},
		"begun by a command, and kept": {{command: true, installation: "", want: true}, {installation: "01a", want: false}},
		"behind":                       {{installation: "01b", want: false}, {installation: "01a", want: true}, {installation: "01b", want: true}},
		"as in a restored store":       {{installation: "01a", want: false}, {installation: "", want: true}},
	} {
		views := &countedViews{}
		h := &Host{parts: Parts{Dir: t.TempDir(), Views: views}}
		file := filepath.Join(h.parts.Dir, "dev.acme.x", "file")
		for i, s := range steps {
			if s.command {
				if err := noteFresh(h.parts.Dir, "dev.acme.x"); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			before := views.dropped
			if err := h.settleDir(t.Context(), "dev.acme.x", s.installation); err != nil {
				t.Fatal(err)
			}
			if dropped := views.dropped > before; dropped == s.want && !s.command {
				t.Errorf("%s, step %d: its views were dropped: %v", name, i, dropped)
			}
			if _, err := os.Stat(file); (err == nil) != s.want {
				t.Errorf("%s, step %d: %v", name, i, err)
			}
		}
	}
}

// What a command begins beside a node that runs is of the installation that the node knows, and goes with it.
func TestSettle_besideANode(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, fake{"dev.acme.x", func(*plugin.Registry) error { return nil }})
	h, o := c.hosts[0], c.hosts[0].plugins[0]
	h.parts.Dir, h.parts.Views = t.TempDir(), &countedViews{}
	if err := o.settle(t.Context(), state{}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(h.parts.Dir, "dev.acme.x")
	if err := errors.Join(noteFresh(h.parts.Dir, "dev.acme.x"), os.Mkdir(dir, 0o700), o.settle(t.Context(), state{Installation: "01a"})); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is there: %v", err)
	}
}

// An installation comes after the one before, also by a clock that went back.
func TestNextInstallation(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, at := range []time.Time{now, now.Add(time.Hour), now.Add(-time.Hour)} {
		before := nextInstallation("", now)
		if next := nextInstallation(before, at); next <= before {
			t.Errorf("after %s comes %s", before, next)
		}
	}
}

// What a node writes that has not heard yet of the uninstalling is no data of the next installation.
func TestStore_ofAnEarlierInstallation(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, fake{"dev.acme.x", func(*plugin.Registry) error { return nil }})
	late, here := c.hosts[0].plugins[0], c.hosts[1].plugins[0]
	installation := "01b"
	here.installation.Store(&installation)
	if _, err := late.Store().Swap(context.Background(), "a", []byte("late"), 0, c.now().AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if keys, err := here.Store().Keys(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("the new installation has %v, %v", keys, err)
	}
}

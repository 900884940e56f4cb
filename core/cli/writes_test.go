package cli

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/plugin"
)

// notes are those of the site as an export has them, without the first.
func (s *site) notes() (marks []string) {
	s.t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(s.ok("", "content", "export", "--type", "note")), "\n") {
		var note struct{ Title, Mark string }
		s.must(json.Unmarshal([]byte(line), &note))
		if note.Title != "the first" {
			marks = append(marks, note.Title+":"+note.Mark)
		}
	}
	slices.Sort(marks)
	return marks
}

// importing gives what an import of notes printed, and its exit code.
func (s *site) importing(titles string, flags ...string) (string, int) {
	s.t.Helper()
	var lines strings.Builder
	for _, title := range strings.Fields(titles) {
		lines.WriteString(`{"title":"` + title + `"}` + "\n")
	}
	return s.run(lines.String(), append([]string{"content", "import", "-", "--type", "note", "--format", "jsonl"}, flags...)...)
}

// The plugins that are on take part in an import as in any other write, unless somebody leaves them out.
func TestWrites_withPlugins(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before []string // a command line
		flags  []string
		code   int
		says   string
		want   string
	}{
		"on":      {nil, nil, 1, "Not this one.", "yes:marked"},
		"dry":     {nil, []string{"--dry-run"}, 1, "Not this one.", ""},
		"off":     {[]string{"plugin", "uninstall", "dev.acme.marker"}, nil, 0, "", "no: yes:"},
		"without": {nil, []string{"--safe-mode"}, 0, "", "no: yes:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, marker(""))
			if tc.before != nil {
				s.ok("", tc.before...)
			}
			out, code := s.importing("yes no", tc.flags...)
			if code != tc.code || !strings.Contains(out, tc.says) {
				t.Errorf("%d\n%s", code, out)
			}
			if got := strings.Join(s.notes(), " "); got != tc.want {
				t.Errorf("there are %q, want %q", got, tc.want)
			}
		})
	}
}

// A plugin that cannot be on here is reported, and the others take part without it, as on a node.
func TestWrites_brokenPlugins(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(m *made)
		says  string
		stays bool // off on every node, until somebody turns it on
	}{
		"does not start": {func(m *made) {
			m.start = func(context.Context, plugin.Host) error { return errors.New("out of order") }
		}, "out of order", false},
		"does not migrate": {func(m *made) {
			register := m.register
			m.register = func(r *plugin.Registry) error {
				return errors.Join(register(r), plugin.Migrate(r, "one", func(context.Context, plugin.Host) error { return errors.New("out of order") }))
			}
		}, "out of order", true},
		"has no settings that fit": {func(m *made) {
			m.Settings = json.RawMessage(`{"type":"object","required":["key"],"properties":{"key":{"type":"string"}}}`)
		}, "settings", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := marker("")
			other.ID, other.Name = "dev.acme.other", "Other"
			s := newSite(t, other)
			broken := marker("")
			tc.spoil(broken)
			other.register = func(r *plugin.Registry) error {
				return plugin.Before(r, plugin.EntryCreate, func(_ context.Context, e *core.EntryEvent) error { e.New["mark"] = "other"; return nil }, plugin.OnTypes("note"))
			}
			s.with(broken, other)
			out, code := s.importing("no")
			if code != 0 || !strings.Contains(out, "dev.acme.marker") || !strings.Contains(out, tc.says) {
				t.Errorf("%d\n%s", code, out)
			}
			if got := strings.Join(s.notes(), " "); got != "no:other" {
				t.Errorf("there are %q", got)
			}
			if list := s.ok("", "plugin", "list"); strings.Contains(list, "off") != tc.stays {
				t.Errorf("the list says\n%s", list)
			}
		})
	}
}

// What a command has committed a server tells the plugins of that follow, also one that was never on before; in the command itself
// nothing that lasts runs.
func TestWrites_followedLater(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []string
	var serving []bool
	p := marker("")
	register := p.register
	p.register = func(r *plugin.Registry) error {
		return errors.Join(register(r), plugin.After(r, func(_ context.Context, _ plugin.Host, c plugin.Committed) error {
			mu.Lock()
			defer mu.Unlock()
			var note struct{ Title string }
			err := json.Unmarshal(c.Change.Draft, &note)
			told = append(told, note.Title)
			return err
		}, plugin.OnTypes("note")))
	}
	p.start = func(_ context.Context, h plugin.Host) error { serving = append(serving, h.Serving()); return nil }
	s := newSite(t, p)
	s.importing("a b")
	s.importing("c", "--safe-mode")
	if len(told) != 0 || !slices.Equal(serving, []bool{false, false}) {
		t.Errorf("commands have told of %v, and started it as %v", told, serving)
	}
	_, end := s.serve()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	heard := func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(told, " ")
	}
	for heard() != "the first a b c" {
		select {
		case <-ctx.Done():
			t.Fatalf("told of %q", heard())
		case <-time.After(5 * time.Millisecond):
		}
	}
	end()
}

// A command that only reads starts no plugin; one of a plugin that writes has the others take part.
func TestWrites_onlyWhereNeeded(t *testing.T) {
	t.Parallel()
	starts := 0
	p := marker("")
	p.start = func(context.Context, plugin.Host) error { starts++; return nil }
	writer := &made{Manifest: plugin.Manifest{ID: "dev.acme.writer", Version: "1.0.0", Capabilities: plugin.Capabilities{Elevate: true}}}
	writer.register = func(r *plugin.Registry) error {
		plugin.Commands(r, plugin.Command{Group: "writer", Use: "write", Short: "Write a note", Run: func(ctx context.Context, c *plugin.CommandCall) error {
			who, err := c.Host.Elevate(ctx, "a test")
			if err != nil {
				return err
			}
			_, err = c.Host.Write(ctx, who, []core.Operation{{Op: core.OperationCreate, Type: "note", Data: map[string]any{"title": "w"}}}, core.WriteOptions{})
			return err
		}})
		return nil
	}
	writer.start = func(ctx context.Context, h plugin.Host) error { // what it writes at its start is in nobody's way
		who, err := h.Elevate(ctx, "a test")
		if err != nil {
			return err
		}
		_, err = h.Write(ctx, who, []core.Operation{{Op: core.OperationCreate, Type: "note", Data: map[string]any{"title": "s"}}}, core.WriteOptions{})
		return err
	}
	s := newSite(t, p, writer)
	starts = 0
	for _, args := range [][]string{{"content", "export", "--type", "note"}, {"users", "list"}, {"types", "list"}, {"plugin", "list"}, {"plugin", "order"}, {"audit"}} {
		s.ok("", args...)
	}
	if starts != 0 {
		t.Errorf("started %d times by commands that read", starts)
	}
	s.ok("", "writer", "write")
	s.ok("", "users", "add", "--email", "camille@example.org", "--role", "editor")
	if got := s.notes(); starts != 2 || !slices.Contains(got, "w:marked") {
		t.Errorf("started %d times; there are %v", starts, got)
	}
}

// What plugins find odd about the lines of an import is shown on standard error, also over the network and when nothing is written.
func TestWrites_warnings(t *testing.T) {
	t.Parallel()
	doubter := func() *made {
		return &made{Manifest: plugin.Manifest{ID: "dev.acme.doubter", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
			return plugin.Before(r, plugin.EntryValidate, func(_ context.Context, e *core.EntryEvent) error {
				if title, _ := e.New["title"].(string); strings.HasPrefix(title, "odd") {
					e.Warnings = append(e.Warnings, plugin.FieldIn("/title", core.Say("Is this so?", "Vraiment ?")))
				}
				return nil
			}, plugin.OnTypes("note"))
		}}
	}
	const one = "warning: line 2: /title: \"odd-1\": Is this so?"
	for name, tc := range map[string]struct {
		titles string
		flags  []string
		remote bool
		shown  int
		says   []string
	}{
		"none":   {"well", nil, false, 0, nil},
		"one":    {"well odd-1 good", nil, false, 1, []string{one, "lines with warnings: 1\n", "3 created"}},
		"dry":    {"well odd-1 good", []string{"--dry-run"}, false, 1, []string{one, "lines with warnings: 1\n", "3 to create"}},
		"remote": {"well odd-1 good", nil, true, 1, []string{one, "lines with warnings: 1\n", "3 created"}},
		"afar":   {"well odd-1 good", []string{"--dry-run"}, true, 1, []string{one, "lines with warnings: 1\n", "3 to create"}},
		"many":   {strings.Repeat("odd ", 25), nil, false, 20, []string{"lines with warnings: 25; of 25 warnings the first 20 are shown\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, doubter())
			flags := tc.flags
			if tc.remote {
				url, end := s.serve()
				defer end()
				flags = append(slices.Clone(flags), "--url", url)
			}
			out, code := s.importing(tc.titles, flags...)
			if code != 0 || strings.Count(out, "warning: ") != tc.shown || tc.shown == 0 && strings.Contains(out, "warnings") {
				t.Errorf("%d\n%s", code, out)
			}
			for _, want := range tc.says {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
		})
	}
}

// All writes of a command wait for the plugins, the second as the first.
func TestWrites_atOnce(t *testing.T) {
	t.Parallel()
	passed := make(chan struct{}, 2)
	m := marker("")
	m.start = func(context.Context, plugin.Host) error {
		select {
		case <-passed:
		case <-time.After(300 * time.Millisecond): // long enough for a write that does not wait
		}
		return nil
	}
	writer := &made{Manifest: plugin.Manifest{ID: "dev.acme.writer", Version: "1.0.0", Capabilities: plugin.Capabilities{Elevate: true}}}
	writer.register = func(r *plugin.Registry) error {
		plugin.Commands(r, plugin.Command{Group: "writer", Use: "write", Short: "Write notes", Run: func(ctx context.Context, c *plugin.CommandCall) error {
			who, err := c.Host.Elevate(ctx, "a test")
			if err != nil {
				return err
			}
			var failed [2]error
			var all sync.WaitGroup
			for i, title := range []string{"a", "b"} {
				all.Go(func() {
					_, failed[i] = c.Host.Write(ctx, who, []core.Operation{{Op: core.OperationCreate, Type: "note", Data: map[string]any{"title": title}}}, core.WriteOptions{})
					passed <- struct{}{}
				})
			}
			all.Wait()
			return errors.Join(failed[:]...)
		}})
		return nil
	}
	s := newSite(t, m, writer)
	s.ok("", "writer", "write")
	if got := strings.Join(s.notes(), " "); got != "a:marked b:marked" {
		t.Errorf("there are %q", got)
	}
}

// A dry run changes nothing: a plugin that would have to migrate stays out of it, and is on as before.
func TestWrites_dryRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m, migrated := marker(""), 0
	register := m.register
	m.register = func(r *plugin.Registry) error {
		return errors.Join(register(r), plugin.Migrate(r, "one", func(context.Context, plugin.Host) error { migrated++; return errors.New("out of order") }))
	}
	s.with(m)
	out, code := s.importing("no", "--dry-run")
	if code != 0 || migrated != 0 || !strings.Contains(out, "dev.acme.marker") || !strings.Contains(out, "a dry run changes nothing") {
		t.Errorf("%d, migrated %d times\n%s", code, migrated, out)
	}
	if list := s.ok("", "plugin", "list"); strings.Contains(list, "off") {
		t.Errorf("the list says\n%s", list)
	}
}

// A plugin that is on in the store and not in the binary is told of where something is written without it.
func TestWrites_absentPlugin(t *testing.T) {
	t.Parallel()
	m := marker("")
	m.Settings = json.RawMessage(`{"type":"object","properties":{"size":{"type":"integer"}}}`)
	s := newSite(t, m)
	url, end := s.serve()
	client, err := app.NewClient(url, adminToken)
	s.must(err)
	s.must(client.Call(t.Context(), "PATCH", "/api/v1/plugins/dev.acme.marker", map[string]any{"settings": map[string]any{"size": 1}}, nil, false))
	end()
	s.with()
	for _, flags := range [][]string{nil, {"--dry-run"}} {
		if out, code := s.importing("a", flags...); code != 0 || !strings.Contains(out, "dev.acme.marker") || !strings.Contains(out, "does not have it") {
			t.Errorf("%d\n%s", code, out)
		}
	}
	if out, code := s.importing("b", "--safe-mode"); code != 0 || strings.Contains(out, "dev.acme.marker") {
		t.Errorf("%d\n%s", code, out)
	}
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/plugin"
)

const (
	adminToken = "pal_cli-cli-cli-cli-cli-cli-cli-cli-cli-cli"
	noteType   = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Note","type":"object","required":["title"],"unevaluatedProperties":false,
"x-type":{"name":"note","slug":false,"public":true},"properties":{"title":{"type":"string"},"mark":{"type":"string"}}}`
)

// made is a plugin made of what a test wants it to do.
type made struct {
	plugin.Manifest
	register func(r *plugin.Registry) error
	start    func(ctx context.Context, h plugin.Host) error
}

func (m *made) Register(r *plugin.Registry) error { return m.register(r) }
func (m *made) Start(ctx context.Context, h plugin.Host) error {
	if m.start == nil {
		return nil
	}
	return m.start(ctx, h)
}

// asPlugin is made where its manifest is a method.
type asPlugin struct{ *made }

func (p asPlugin) Manifest() plugin.Manifest { return p.made.Manifest }

func marker(uninstall plugin.Disposal) *made {
	return &made{Manifest: plugin.Manifest{ID: "dev.acme.marker", Version: "1.0.0", Name: "Marker", Uninstall: uninstall, Writes: []string{"note.mark"}},
		register: func(r *plugin.Registry) error {
			return plugin.Before(r, plugin.EntryCreate, func(_ context.Context, e *core.EntryEvent) error {
				if e.New["title"] == "no" {
					return plugin.Reject("no", "Not this one.", plugin.Field("/title", "Not this one."))
				}
				e.New["mark"] = "marked"
				return nil
			}, plugin.OnTypes("note"))
		}}
}

// site is a data directory that command lines work on.
type site struct {
	t       *testing.T
	dir     string
	plugins []plugin.Plugin
}

func newSite(t *testing.T, plugins ...*made) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	s.with(plugins...)
	s.must(os.MkdirAll(s.config().Schemas, 0o755))
	s.must(os.WriteFile(filepath.Join(s.config().Schemas, "note.json"), []byte(noteType), 0o644))
	s.ok(`{"title":"the first"}`, "content", "import", "-", "--type", "note", "--format", "jsonl")
	return s
}

// with has the binary have these plugins from now on.
func (s *site) with(plugins ...*made) {
	s.plugins = nil
	for _, p := range plugins {
		s.plugins = append(s.plugins, asPlugin{p})
	}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) config() *config.Config {
	c := config.Default()
	c.Data, c.Schemas, c.Listen, c.Admin.Token = filepath.Join(s.dir, "data"), filepath.Join(s.dir, "schemas"), "127.0.0.1:0", adminToken
	return c
}

// run gives what a command line printed, on both streams, and its exit code.
func (s *site) run(in string, args ...string) (string, int) {
	s.t.Helper()
	var out bytes.Buffer
	environ := []string{"PALABRE_DATA=" + s.config().Data, "PALABRE_SCHEMAS=" + s.config().Schemas, "PALABRE_ADMIN_TOKEN=" + adminToken, "PALABRE_TOKEN=" + adminToken}
	code := Run(s.t.Context(), Streams{In: strings.NewReader(in), Out: &out, Err: &out, Environ: environ}, args, "test", s.plugins...)
	return out.String(), code
}

// ok fails the test unless a command line does what it should, and gives what it printed.
func (s *site) ok(in string, args ...string) string {
	s.t.Helper()
	out, code := s.run(in, args...)
	if code != 0 {
		s.t.Fatalf("palabre %s: %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// says fails the test unless a command line prints all of this, and ends with the code.
func (s *site) says(want int, words string, args ...string) {
	s.t.Helper()
	out, code := s.run("", args...)
	if code != want || !strings.Contains(out, words) {
		s.t.Errorf("palabre %s: %d\n%s\nwant %d, %q", strings.Join(args, " "), code, out, want, words)
	}
}

// serve runs a server on the data directory until the test ends or end is called.
func (s *site) serve() (url string, end func()) {
	s.t.Helper()
	a, err := app.New(s.config(), app.Options{Plugins: s.plugins})
	s.must(err)
	s.must(a.Start(s.t.Context()))
	server := httptest.NewServer(a.Handler())
	ended := false
	end = func() {
		if !ended {
			ended = true
			server.Close()
			s.must(a.Close())
		}
	}
	s.t.Cleanup(end)
	return server.URL, end
}

// A plugin is uninstalled where no server runs, through one that does, and when the binary has it no more; no data goes unless
// somebody has said so.
func TestPluginUninstall(t *testing.T) {
	t.Parallel()
	const id = "dev.acme.marker"
	s := newSite(t, marker(plugin.DropData))
	s.says(0, "Marker", "plugin", "list")
	s.says(1, "To confirm it, add --drop-data; to keep the data, --keep-data.", "plugin", "uninstall", id)
	s.says(1, "no plugin", "plugin", "uninstall", "dev.acme.nobody", "--drop-data")
	s.says(2, "none of the others can be", "plugin", "uninstall", id, "--drop-data", "--keep-data")
	s.says(0, "its data is kept", "plugin", "uninstall", id, "--keep-data")
	s.says(0, "uninstalled, data kept", "plugin", "list")
	s.says(0, "its data is dropped", "plugin", "uninstall", id, "--drop-data")
	s.says(0, "uninstalled, data dropped", "plugin", "list")

	url, end := s.serve()
	s.says(0, "a server has the store", "plugin", "list")
	s.says(0, "uninstalled, data dropped", "plugin", "list", "--url", url)
	s.says(1, "To confirm it, add --drop-data; to keep the data, --keep-data.", "plugin", "uninstall", id, "--url", url)
	s.says(0, "its data is kept", "plugin", "uninstall", id, "--keep-data", "--url", url)
	end()

	s.with()
	s.says(0, "not in this binary: uninstalled, data kept", "plugin", "list")
	s.says(1, "what becomes of its data: add --drop-data.", "plugin", "uninstall", id)
	s.says(0, "its data is dropped", "plugin", "uninstall", id, "--drop-data")
}

// parting is a plugin that fails when it is uninstalled.
type parting struct{ asPlugin }

func (parting) Uninstall(context.Context, plugin.Host, plugin.Disposal) error {
	return errors.New("cannot reach it")
}

// What went wrong is said in the words of the command, and is not forgotten by the list.
func TestPluginUninstall_fails(t *testing.T) {
	t.Parallel()
	const id = "dev.acme.marker"
	s := newSite(t)
	s.plugins = []plugin.Plugin{parting{asPlugin{marker("")}}}
	s.says(1, "could not clear up after itself (cannot reach it). To uninstall it all the same, add --force.", "plugin", "uninstall", id)
	s.says(0, "off: It could not be uninstalled: cannot reach it", "plugin", "list")
	s.says(0, "its data is kept", "plugin", "uninstall", id, "--force")
	s.says(0, "uninstalled, data kept\n", "plugin", "list")
}

// What a command on files has begun goes with the plugin's data.
func TestPluginUninstall_files(t *testing.T) {
	t.Parallel()
	m := marker("")
	var dir string
	m.register = func(r *plugin.Registry) error {
		plugin.Commands(r, plugin.Command{Group: "files", Use: "begin", Short: "Begin the directory", Files: true, Run: func(_ context.Context, c *plugin.CommandCall) error {
			dir = c.Dir
			return os.MkdirAll(c.Dir, 0o700)
		}})
		return nil
	}
	s := newSite(t)
	s.with(m)
	s.ok("", "files", "begin")
	s.ok("", "plugin", "uninstall", "dev.acme.marker", "--drop-data")
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there: %v", dir, err)
	}
}

// Data that cannot be taken away is not said to be dropped; nor do later commands wait for it.
func TestPluginUninstall_dataLeft(t *testing.T) {
	t.Parallel()
	const id = "dev.acme.marker"
	s := newSite(t, marker(""))
	note := filepath.Join(s.config().Data, "plugins", ".installations", id)
	s.must(os.MkdirAll(note, 0o700)) // in the place of a file
	s.says(1, "is uninstalled, but its data is still there", "plugin", "uninstall", id, "--drop-data")
	s.says(0, "uninstalled, data dropped", "plugin", "list")
	if out, code := s.importing("a"); code != 0 || !strings.Contains(out, "cannot be cleared away yet") {
		t.Errorf("%d\n%s", code, out)
	}
	s.must(os.Remove(note))
	s.says(0, "its data is dropped", "plugin", "uninstall", id, "--drop-data")
}

// The order says which stages are the site's choice, also where no server runs.
func TestPluginOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t, marker(""))
	s.says(0, "entry.create      dev.acme.marker/entry.create\n", "plugin", "order")
	url, end := s.serve()
	client, err := app.NewClient(url, adminToken)
	s.must(err)
	s.must(client.Call(t.Context(), "PATCH", "/api/v1/plugins/dev.acme.marker", map[string]any{"stages": map[string]any{"*": "guard"}}, nil, false))
	const want = "dev.acme.marker/entry.create (guard by the site's choice, else default)\n"
	s.says(0, want, "plugin", "order", "--url", url)
	end()
	s.says(0, want, "plugin", "order")
	s.ok("", "plugin", "uninstall", "dev.acme.marker")
	s.says(0, "No plugin takes part in anything.", "plugin", "order")
}

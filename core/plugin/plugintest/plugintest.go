// Package plugintest runs a plugin in a node of its own, in one line of a test:
//
//	h := plugintest.New(t, slugger.New(), plugintest.Types(article))
//	h.Create("article", plugintest.Doc{"title": "Grüße"}).OK().Has("slug", "gruesse")
//	h.Create("article", plugintest.Doc{}).Rejected("no_title")
//
// The node is a real one, on the embedded store in a directory of the test's: what it answers is what a server would answer.
// Its clock stands still until the test moves it, and what the plugin asks of other servers is answered by the test.
package plugintest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/plugin"
)

// Doc is the fields of an entry.
type Doc map[string]any

// Option says what the node of a test is like.
type Option func(*node)

// Types adds content types, as JSON Schemas.
func Types(schemas ...string) Option { return func(n *node) { n.types = append(n.types, schemas...) } }

// Clock sets the node's clock, in RFC 3339. Without it, it stands at 2030-01-01T00:00:00Z.
func Clock(at string) Option {
	return func(n *node) {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			panic("plugintest.Clock: " + err.Error())
		}
		n.clock.at = t
	}
}

// Settings are the plugin's settings, which its manifest's schema must accept.
func Settings(settings Doc) Option { return func(n *node) { n.settings = settings } }

// With runs other plugins beside.
func With(plugins ...plugin.Plugin) Option {
	return func(n *node) { n.beside = append(n.beside, plugins...) }
}

// Configure changes the node's configuration.
func Configure(change func(*config.Config)) Option { return func(n *node) { n.configure = change } }

// File puts a file into the plugin's own directory before it starts.
func File(name string, content []byte) Option {
	return func(n *node) {
		if n.files == nil {
			n.files = map[string][]byte{}
		}
		n.files[name] = content
	}
}

type node struct {
	types     []string
	clock     *clock
	settings  Doc
	beside    []plugin.Plugin
	configure func(*config.Config)
	files     map[string][]byte
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// adminToken is the API token of the node's administrator.
const adminToken = "pal_plugintest-plugintest-plugintest-plugintest"

// Host is a running node with the plugin.
type Host struct {
	t     testing.TB
	app   *app.App
	id    string
	node  *node
	dir   string
	log   *output
	clock *clock

	mu     sync.Mutex
	asked  []*http.Request
	bodies []string
	answer func(*http.Request) *http.Response
}

// New starts a node with a plugin and ends it with the test, which fails at once when the plugin cannot be registered.
func New(t testing.TB, p plugin.Plugin, options ...Option) *Host {
	t.Helper()
	n := &node{clock: &clock{at: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}}
	for _, o := range options {
		o(n)
	}
	h := &Host{t: t, id: p.Manifest().ID, node: n, dir: t.TempDir(), log: &output{to: t.Output()}, clock: n.clock}
	t.Cleanup(h.log.end)
	t.Cleanup(h.close)
	h.start(append(n.beside, p)...)
	h.must(h.app.LeftOut(h.id))
	if n.settings != nil {
		h.Do("administrator", "PATCH", "/api/v1/plugins/"+h.id, Doc{"settings": n.settings}).Status(http.StatusOK)
	}
	return h
}

// Restart ends the node and starts it again on what it has kept, with these plugins: another version of one, say, or none.
func (h *Host) Restart(plugins ...plugin.Plugin) {
	h.t.Helper()
	h.close()
	h.start(plugins...)
}

func (h *Host) start(plugins ...plugin.Plugin) {
	h.t.Helper()
	c := config.Default()
	c.Data, c.Schemas, c.Listen, c.Admin.Token = filepath.Join(h.dir, "data"), filepath.Join(h.dir, "schemas"), "127.0.0.1:0", adminToken
	h.must(os.MkdirAll(c.Schemas, 0o755))
	for name, content := range h.node.files {
		path := filepath.Join(h.DataDir(), name)
		h.must(os.MkdirAll(filepath.Dir(path), 0o700))
		h.must(os.WriteFile(path, content, 0o600))
	}
	for i, schema := range append(h.node.types, note) {
		h.must(os.WriteFile(filepath.Join(c.Schemas, fmt.Sprintf("%d.json", i)), []byte(schema), 0o644))
	}
	if h.node.configure != nil {
		h.node.configure(c)
	}
	a, err := app.New(c, app.Options{Plugins: plugins, Now: h.clock.now, Transport: h, LogTo: h.log})
	h.must(err)
	h.app = a
	h.must(a.Start(h.t.Context()))
	h.Eventually("the plugins have migrated", func() bool {
		return !strings.Contains(h.Do("administrator", "GET", "/api/v1/plugins", nil).OK().Text, `"migrating":true`)
	})
}

// output is a test's, as long as the test runs: what a plugin does not end may write later still.
type output struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements io.Writer.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(text)
}

func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = io.Discard
}

func (h *Host) close() {
	if h.app == nil {
		return
	}
	if err := h.app.Close(); err != nil {
		h.t.Error(err)
	}
	h.app = nil
}

// note is a type that is always there.
const note = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Note","type":"object","unevaluatedProperties":false,
"x-type":{"name":"plugintestNote","public":true,"slug":false},"properties":{"text":{"type":"string"}}}`

func (h *Host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// Handler is the node's HTTP side.
func (h *Host) Handler() http.Handler { return h.app.Handler() }

// View reads one of the plugin's views, once it is up to date. What a request has committed is in it by then.
func (h *Host) View(name string) plugin.Rows {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	view := h.app.View(h.id, name)
	h.must(view.Ready(ctx))
	return view
}

// Advance moves the node's clock on.
func (h *Host) Advance(d time.Duration) {
	h.clock.mu.Lock()
	defer h.clock.mu.Unlock()
	h.clock.at = h.clock.at.Add(d)
}

// Result is what a request was answered.
type Result struct {
	t      testing.TB
	what   string
	Code   int
	Header http.Header
	Text   string
	Body   Doc // of an answer in JSON
	ID     core.EntryID
}

// Token makes a role with permissions, as the API has them, and gives the API token of somebody who has it, for Do.
func (h *Host) Token(role string, permissions ...Doc) string {
	h.t.Helper()
	h.Create("_role", Doc{"name": role, "permissions": permissions}).OK()
	text, _ := h.Create("_token", Doc{"name": role, "role": role}).OK().Body["token"].(string)
	return text
}

// Do sends a request: as "administrator", as the holder of an API token (see Token), or "" for nobody. body is sent as JSON; nil sends none.
func (h *Host) Do(as, method, path string, body any) *Result {
	h.t.Helper()
	var text string
	if body != nil {
		b, err := json.Marshal(body)
		h.must(err)
		text = string(b)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if as == "administrator" {
		as = adminToken
	}
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+as)
	}
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, r)
	out := &Result{t: h.t, what: method + " " + path, Code: w.Code, Header: w.Header(), Text: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		h.must(json.Unmarshal(w.Body.Bytes(), &out.Body))
		id, _ := out.Body["_id"].(string)
		out.ID = core.EntryID(id)
	}
	return out
}

// Get asks for an address as nobody in particular.
func (h *Host) Get(path string) *Result { h.t.Helper(); return h.Do("", "GET", path, nil) }

// Create makes an entry, as an administrator.
func (h *Host) Create(typ string, doc Doc) *Result {
	h.t.Helper()
	return h.Do("administrator", "POST", "/api/v1/content/"+typ, doc)
}

// CreateLive makes an entry and publishes it in the same step.
func (h *Host) CreateLive(typ string, doc Doc) *Result {
	h.t.Helper()
	return h.Do("administrator", "POST", "/api/v1/content/"+typ+"?publish=true", doc)
}

// Update changes an entry, by a JSON Merge Patch.
func (h *Host) Update(typ string, id core.EntryID, patch Doc) *Result {
	h.t.Helper()
	return h.Do("administrator", "PATCH", "/api/v1/content/"+typ+"/"+string(id), patch)
}

// Move moves an entry in its workflow: "publish", "unpublish".
func (h *Host) Move(typ string, id core.EntryID, transition string) *Result {
	h.t.Helper()
	return h.Do("administrator", "POST", "/api/v1/content/"+typ+"/"+string(id)+"/transitions/"+transition, nil)
}

// OK fails the test unless the request succeeded.
func (r *Result) OK() *Result {
	r.t.Helper()
	if r.Code < 200 || r.Code > 299 {
		r.t.Fatalf("%s: %d %s", r.what, r.Code, r.Text)
	}
	return r
}

// Status fails the test unless the answer has this status.
func (r *Result) Status(want int) *Result {
	r.t.Helper()
	if r.Code != want {
		r.t.Fatalf("%s: %d %s, want %d", r.what, r.Code, r.Text, want)
	}
	return r
}

// Has fails the test unless a member of the answer has this value, as it prints.
func (r *Result) Has(name string, want any) *Result {
	r.t.Helper()
	if got := r.Body[name]; fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("%s: %s is %v, want %v", r.what, name, got, want)
	}
	return r
}

// Rejected fails the test unless a plugin refused the request, with this code.
func (r *Result) Rejected(code string) *Result {
	r.t.Helper()
	return r.Status(http.StatusUnprocessableEntity).Has("reason", code)
}

// Failed fails the test unless the request failed through a plugin's fault: plugin_failed or plugin_invalid_output.
func (r *Result) Failed(reason string) *Result {
	r.t.Helper()
	if r.Code < 500 {
		r.t.Fatalf("%s: %d %s, want a failure", r.what, r.Code, r.Text)
	}
	return r.Has("reason", reason)
}

// Answer says how requests to other servers are answered; without it they get 200 and nothing.
func (h *Host) Answer(with func(*http.Request) *http.Response) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = with
}

// RoundTrip implements http.RoundTripper: the plugin's requests to other servers end here.
func (h *Host) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	h.mu.Lock()
	h.asked, h.bodies = append(h.asked, r), append(h.bodies, string(body))
	answer := h.answer
	h.mu.Unlock()
	if answer == nil {
		answer = func(*http.Request) *http.Response { return Respond(http.StatusOK, "") }
	}
	w := answer(r)
	w.Request = r
	return w, nil
}

// Respond is an answer of another server.
func Respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), ProtoMajor: 1, ProtoMinor: 1}
}

// Asked are the requests to other servers so far, with their bodies.
func (h *Host) Asked() ([]*http.Request, []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*http.Request(nil), h.asked...), append([]string(nil), h.bodies...)
}

// patience is how long Eventually waits.
const patience = 20 * time.Second

// Eventually waits until a condition holds: what happens after a commit happens a moment later.
func (h *Host) Eventually(what string, holds func() bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			h.t.Fatalf("in vain: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Failures are the changes that the plugin has yet to be told of again ("waiting"), or never coped with ("dead").
func (h *Host) Failures(which string) []any {
	h.t.Helper()
	list, _ := h.Do("administrator", "GET", "/api/v1/plugins/"+h.id+"/failures", nil).OK().Body[which].([]any)
	return list
}

// Command runs a command of the plugin's: Command("geo import", []string{"FILE"}, map[string][]string{"layer": {"x"}}).
func (h *Host) Command(name string, args []string, flags map[string][]string) (output string, err error) {
	h.t.Helper()
	var out strings.Builder
	for _, c := range h.app.PluginCommands() {
		word, _, _ := strings.Cut(c.Use, " ")
		if c.Group+" "+word == name {
			err = c.Run(h.t.Context(), &plugin.CommandCall{Args: args, Flags: flags, Out: &out, Err: io.Discard})
			return out.String(), err
		}
	}
	h.t.Fatalf("there is no command %q", name)
	return "", nil
}

// DataDir is the plugin's own directory on the node.
func (h *Host) DataDir() string { return filepath.Join(h.dir, "data", "plugins", h.id) }

package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
)

const cliToken = "pal_cli-cli-cli-cli-cli-cli-cli-cli-cli-cli"

// The trail reads alike on a directory and through a server, as a table and as JSON Lines.
func TestAudit(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if _, errors, code := s.run(strings.Repeat(`{"title":"Note"}`+"\n", 300), "content", "import", "-", "--type", "note"); code != 0 {
		t.Fatal(errors)
	}
	if _, errors, code := s.run("", "content", "export", "--type", "note"); code != 0 {
		t.Fatal(errors)
	}
	checks := []struct {
		name  string
		args  []string
		lines int // the heading of a table among them
		first string
		code  int
		says  string
	}{
		{name: "the newest first", args: []string{"--type", "note"}, lines: 51, first: "export"},
		{name: "of a type", args: []string{"--type", "note", "--event", "create", "--limit", "0"}, lines: 301, first: "create"},
		{name: "some", args: []string{"--type", "note", "--limit", "250"}, lines: 251, first: "×300 format=jsonl narrowed=false state=draft"},
		{name: "by nobody", args: []string{"--by", "user:nobody"}, lines: 1},
		{name: "since the future", args: []string{"--since", "2999-01-01"}, lines: 1},
		{name: "from the future", args: []string{"--from", "2999-01-01"}, lines: 1},
		{name: "an event that never was", args: []string{"--event", "sign_out"}, lines: 1},
		{name: "no event", args: []string{"--event", "publishd"}, code: 2, says: "palabre: There is no event \"publishd\" in the trail. Did you mean publish? The events are sign_in, sign_in_failed, "},
		{name: "nonsense", args: []string{"--event", "qqqqqqqq"}, code: 2, says: "in the trail. The events are "},
		{name: "as JSON", args: []string{"--event", "export", "--json"}, lines: 1, first: `"event":"export"`},
		{name: "no time", args: []string{"--since", "yesterday"}, code: 2, says: "--since yesterday"},
		{name: "no limit", args: []string{"--limit", "-1"}, code: 2, says: "--limit -1"},
	}
	compare := func(where string, more ...string) {
		t.Helper()
		for _, tc := range checks {
			out, errors, code := s.run("", append(append([]string{"audit"}, tc.args...), more...)...)
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			if code != tc.code || code == 0 && len(lines) != tc.lines || !strings.Contains(errors, tc.says) {
				t.Errorf("%s, %s: got %d, %d lines, %q, want %d lines", where, tc.name, code, len(lines), errors, tc.lines)
				continue
			}
			if tc.first != "" && !strings.Contains(strings.Join(lines[:min(2, len(lines))], "\n"), tc.first) {
				t.Errorf("%s, %s: got\n%.400s\nwant it to begin with %q", where, tc.name, out, tc.first)
			}
		}
	}
	compare("here")

	c, err := config.Load(config.Sources{Environ: s.environ})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	defer server.Close()
	compare("on a server", "--url", server.URL, "--token", cliToken)
	out, _, _ := s.run("", "audit", "--event", "export", "--json", "--url", server.URL, "--token", cliToken)
	var line core.AuditLine
	if err := json.Unmarshal([]byte(out), &line); err != nil || line.Event != "export" || line.Count != 300 {
		t.Errorf("got %q, %v", out, err)
	}
	if _, errors, code := s.run("", "audit", "--url", server.URL); code != 1 || !strings.Contains(errors, "_audit") {
		t.Errorf("a stranger: got %d, %q", code, errors)
	}
}

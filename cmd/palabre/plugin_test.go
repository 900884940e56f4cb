package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What plugin new writes compiles, passes its test and builds a server, with this checkout and without the network.
func TestPluginNew(t *testing.T) {
	t.Parallel()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "summary")
	out := mustPalabre(t, t.TempDir(), "plugin", "new", "dev.acme.summary", "--dir", dir, "--replace", checkout)
	if !strings.Contains(out, "plugin_test.go") || !strings.Contains(out, "go test ./...") {
		t.Errorf("it printed %s", out)
	}
	for _, tc := range []struct {
		args []string
		says string
	}{
		{[]string{"vet", "./..."}, ""},
		{[]string{"test", "./..."}, "ok"},
		{[]string{"run", "./cmd/palabre", "plugin", "list", "--data", filepath.Join(t.TempDir(), "site")}, "dev.acme.summary"},
	} {
		cmd := exec.Command("go", tc.args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), tc.says) {
			t.Fatalf("go %v: %v\n%s", tc.args, err, out)
		}
	}
	if unformatted, err := exec.Command("gofmt", "-l", dir).CombinedOutput(); err != nil || len(unformatted) > 0 {
		t.Errorf("not formatted: %s %v", unformatted, err)
	}
	for _, args := range [][]string{{"plugin", "new", "dev.acme.summary", "--dir", dir}, {"plugin", "new", "Summary"}, {"plugin", "new", "dev.palabre.geo"}, {"plugin", "new", "dev.acme.plugin"}, {"plugin", "new", "dev.acme.func"}, {"plugin", "new", "summary", "--replace", dir}} {
		if out, err := palabre(t, t.TempDir(), args...); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// plugin call prints what a plugin's handlers do to a document, or why they refuse it.
func TestPluginCall(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		does, event, entry string
		code               int
		says               string
	}{
		{"mark", "entry.create", `{"title":"x","body":"y"}`, 0, "[\n  {\n    \"op\": \"replace\",\n    \"path\": \"/body\",\n    \"value\": \"marked\"\n  }\n]\n"},
		{"mark", "entry.create", `{"title":"x","body":"marked"}`, 0, "[]\n"},
		{"mark", "entry.update", `{"title":"x"}`, 1, "palabre: no handler of dev.palabre.test takes part in entry.update of the type note: `palabre plugins order` lists"},
		{"refuse", "entry.create", `{"title":"x"}`, 1, "palabre: No notes.\n  /title: Not this one.\n"},
		{"mark", "entry.made", `{}`, 1, "palabre: there is no event \"entry.made\"; those on entries are entry.validate, entry.create,"},
		{"mark", "entry.create", `[]`, 2, "palabre: -:"},
	} {
		cmd := exec.Command(binary(t), "plugin", "call", "dev.palabre.test", tc.event, "--type", "note", "--entry", "-")
		cmd.Env = append(environment(t.TempDir()), "PALABRE_TEST_PLUGIN="+tc.does)
		cmd.Stdin = strings.NewReader(tc.entry)
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != tc.code || !strings.HasPrefix(string(out), tc.says) {
			t.Errorf("%s at %s: %d, %v\n%s", tc.does, tc.event, code, err, out)
		}
	}
}

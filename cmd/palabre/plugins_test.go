package main_test

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

const testPluginAt = "/api/v1/plugins/dev.palabre.test"

// withPlugin starts a node with the plugin under test, which does what it is told.
func withPlugin(t *testing.T, dir, does string, o nodeOptions) *node {
	t.Helper()
	o.Dir, o.Env = dir, append(o.Env, "PALABRE_TEST_PLUGIN="+does)
	return start(t, o)
}

// lines are those that the plugin has written into a file of its own.
func lines(t *testing.T, dir, file string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "plugins", "dev.palabre.test", file))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(strings.ReplaceAll(string(text), " ", "-"))
}

func wantLines(t *testing.T, dir, file string, count int) []string {
	t.Helper()
	eventually(t, 60*time.Second, func() error {
		if got := lines(t, dir, file); len(got) < count {
			return fmt.Errorf("%s has %q, want %d lines", file, got, count)
		}
		return nil
	})
	return lines(t, dir, file)
}

// running waits until the plugin is on.
func running(t *testing.T, n *node) {
	t.Helper()
	eventually(t, 60*time.Second, func() error {
		if n.want(http.StatusOK, "GET", testPluginAt, nil).JSON(t)["running"] != true {
			return errNotYet
		}
		return nil
	})
}

// The process is killed while a plugin is being told of a commit: it is told again after the restart, of the same event.
func TestPlugin_killedWhileTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := withPlugin(t, dir, "stall", nodeOptions{})
	running(t, n)
	n.create("note", map[string]any{"title": "x"}, "")
	wantLines(t, dir, "told", 1)
	n.Kill()
	n = withPlugin(t, dir, "follow", nodeOptions{})
	wantLines(t, dir, "told", 2)
	n.create("note", map[string]any{"title": "afterwards"}, "")
	if got := wantLines(t, dir, "told", 3); got[0] != got[1] || got[1] == got[2] || !strings.HasPrefix(got[0], "evt_") {
		t.Errorf("told of %q", got)
	}
}

// The process dies between the commit and everything that follows it: the plugin is told of it after the restart.
func TestPlugin_diesAfterTheCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := withPlugin(t, dir, "follow", nodeOptions{})
	running(t, n)
	n.Kill() // the lease of its follower stays taken for a while
	n = withPlugin(t, dir, "follow", nodeOptions{Env: []string{"PALABRE_FAILPOINT=after-append:exit"}})
	running(t, n)
	if a, err := n.try(t.Context(), "POST", "/api/v1/content/note", map[string]any{"title": "during"}); err == nil {
		t.Fatalf("the server answered %d: the failpoint did not stop it", a.Status)
	}
	<-n.done
	n = withPlugin(t, dir, "follow", nodeOptions{})
	n.create("note", map[string]any{"title": "afterwards"}, "")
	if got := wantLines(t, dir, "told", 2); len(got) != 2 || got[0] == got[1] {
		t.Errorf("told of %q", got)
	}
}

// The process dies at a step of a plugin's migrations: the restart goes on there, and does nothing twice.
func TestPlugin_diesWhileMigrating(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := withPlugin(t, dir, "die", nodeOptions{NoWait: true})
	<-n.done
	running(t, withPlugin(t, dir, "follow", nodeOptions{}))
	if got := strings.Join(lines(t, dir, "steps"), " "); got != "one two" {
		t.Errorf("did %s", got)
	}
}

// With --safe-mode a plugin that keeps the site from its work does nothing, and can be turned off for good.
func TestPlugin_safeMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	note := map[string]any{"title": "x"}
	n := withPlugin(t, dir, "refuse", nodeOptions{})
	running(t, n)
	if got := n.want(http.StatusUnprocessableEntity, "POST", "/api/v1/content/note", note).JSON(t); got["reason"] != "no_notes" {
		t.Errorf("got %v", got)
	}
	n.Stop()
	n = withPlugin(t, dir, "refuse", nodeOptions{Args: []string{"--safe-mode"}})
	n.create("note", note, "")
	if got := n.want(http.StatusOK, "GET", testPluginAt, nil).JSON(t); got["enabled"] != true || got["running"] != false || !strings.Contains(fmt.Sprint(got["fault"]), "safe mode") {
		t.Errorf("got %v", got)
	}
	n.want(http.StatusOK, "PATCH", testPluginAt, map[string]any{"enabled": false})
	n.Stop()
	n = withPlugin(t, dir, "refuse", nodeOptions{})
	n.create("note", note, "")
	if got := n.want(http.StatusOK, "GET", testPluginAt, nil).JSON(t); got["enabled"] != false || got["running"] != false {
		t.Errorf("got %v", got)
	}
}

// A secret among a plugin's settings is nowhere but with the plugin: in no answer, log, figure or file.
func TestPlugin_secretSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := withPlugin(t, dir, "follow", nodeOptions{Env: []string{"PALABRE_LOG_LEVEL=debug"}})
	for _, text := range []string{"canary-first", "canary-second"} { // the first is in the past then
		n.want(http.StatusOK, "PATCH", testPluginAt, map[string]any{"settings": map[string]any{"key": text, "relay": map[string]any{"host": "a", "password": text}}})
	}
	n.want(http.StatusUnprocessableEntity, "PATCH", testPluginAt, map[string]any{"settings": map[string]any{"key": "canary"}})
	n.want(http.StatusUnprocessableEntity, "PATCH", testPluginAt, map[string]any{"settings": map[string]any{"key": []string{"canary-list"}}})
	n.want(http.StatusUnprocessableEntity, "PATCH", testPluginAt, map[string]any{"settings": map[string]any{"relay": map[string]any{"password": "canary"}}})
	entries, _ := n.want(http.StatusOK, "GET", "/api/v1/content/_plugin?state=draft", nil).JSON(t)["data"].([]any)
	if len(entries) != 1 {
		t.Fatalf("got %v", entries)
	}
	id := entries[0].(map[string]any)["_id"].(string)
	for _, path := range []string{testPluginAt, "/api/v1/plugins", testPluginAt + "/failures", "/api/v1/content/_plugin?state=draft", "/api/v1/content/_plugin/" + id,
		"/api/v1/content/_plugin/" + id + "/revisions", "/api/v1/content/_plugin/" + id + "/revisions/1", "/api/v1/content/_plugin/" + id + "/revisions/2?diff=1",
		"/api/v1/export/_plugin", "/api/v1/export/_plugin?format=csv&state=draft", "/api/v1/audit", "/api/v1/changes", "/api/v1/plugin-ui", "/metrics", "/readyz", "/openapi.json"} {
		if a, err := n.try(t.Context(), "GET", path, nil); err != nil || strings.Contains(string(a.Body)+fmt.Sprint(a.Header), "canary") {
			t.Errorf("%s tells the secret: %s %v", path, a.Body, err)
		}
	}
	n.Stop()
	withPlugin(t, dir, "follow", nodeOptions{Env: []string{"PALABRE_LOG_LEVEL=debug"}}).Stop()
	if strings.Contains(n.log.String(), "canary") {
		t.Errorf("the log tells the secret: %s", n.log)
	}
	file := filepath.Join(t.TempDir(), "b.palabre")
	mustPalabre(t, dir, "backup", file)
	if text := unpacked(t, file); strings.Contains(text, "canary") || !strings.Contains(text, "dev.palabre.test") {
		t.Errorf("the backup holds the secret, or nothing of the plugin: %s", text)
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "canary") {
			t.Errorf("%s holds the secret", path)
		}
		return nil
	})
}

// unpacked is what a backup holds, as text.
func unpacked(t *testing.T, file string) string {
	t.Helper()
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacking, err := zstd.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer unpacking.Close()
	text, err := io.ReadAll(unpacking)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

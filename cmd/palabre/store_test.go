package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A command in a wrong directory says so, and leaves nothing behind: a store of its own, new and empty, would answer it with
// nothing.
func TestNoStore(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	schema, backup := filepath.Join(s.dir, "schemas/note.json"), filepath.Join(s.dir, "b.palabre")
	data := filepath.Join(s.dir, "data")
	want := "palabre: there is no store in " + data + ": run it where palabre serve runs, or name the directory with --data\n"
	for _, args := range [][]string{
		{"audit"}, {"backup", backup}, {"log", "verify"}, {"catalog", "rebuild"}, {"catalog", "verify"},
		{"types", "list"}, {"types", "check", schema}, {"types", "apply", schema}, {"types", "ts"},
		{"content", "export", "--type", "note"}, {"content", "import", "-", "--type", "note", "--dry-run"},
		{"tokens", "list"}, {"tokens", "add", "--name", "site", "--role", "public"},
		{"users", "list"}, {"users", "add", "--email", "camille@example.org", "--role", "editor"}, {"users", "passwd", "camille@example.org"},
		{"privacy", "register"}, {"privacy", "find", "Camille"}, {"privacy", "sweep"},
	} {
		out, errors, code := s.run("", args...)
		if code != 1 || errors != want || out != "" {
			t.Errorf("%s: got %d, %q, %q, want %q", args, code, out, errors, want)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("something was made: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(left) != 1 { // the schemas
		t.Errorf("something was made: %v", left)
	}
}

// An import may be the first command of all: it makes the store, and says so.
func TestNoStore_import(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	const line = `{"title":"Note"}`
	for i, want := range []string{"there is no store in " + filepath.Join(s.dir, "data") + ": this one makes it\n", ""} {
		out, errors, code := s.run(line, "content", "import", "-", "--type", "note", "--format", "jsonl")
		if code != 0 || errors != want || !strings.Contains(out, "1 created") {
			t.Errorf("import %d: got %d, %q, %q, want %q", i+1, code, out, errors, want)
		}
	}
}

// What a backup that failed would have replaced stays as it was, and nobody but its owner may read one.
func TestBackup_file(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.begin()
	file := s.file("b.palabre", "yesterday's")
	for _, args := range [][]string{{"backup", file}, {"backup", file, "--force", "--data", filepath.Join(s.dir, "elsewhere")}} {
		if _, errors, code := s.run("", args...); code != 1 {
			t.Errorf("%s: got %d, %q", args, code, errors)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != "yesterday's" {
			t.Errorf("%s: the file holds %q, %v", args, text, err)
		}
	}
	if _, errors, code := s.run("", "backup", file, "--force"); code != 0 {
		t.Fatal(errors)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, ".palabre-*")); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/cli"
	"github.com/palabre-cms/palabre/core/config"
)

const noteType = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Note","type":"object","required":["title"],"unevaluatedProperties":false,
"x-type":{"name":"note","titleField":"title","slug":{"field":"slug","from":"title"},"public":true},
"properties":{"title":{"type":"string","minLength":1},"slug":{"type":"string","x-unique":true},"size":{"type":"integer","minimum":0}}}`

// shell runs command lines on a data directory of its own.
type shell struct {
	t       *testing.T
	dir     string
	environ []string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{t: t, dir: t.TempDir()}
	s.file("schemas/note.json", noteType)
	s.environ = []string{"PALABRE_DATA=" + filepath.Join(s.dir, "data"), "PALABRE_SCHEMAS=" + filepath.Join(s.dir, "schemas"),
		"PALABRE_ADMIN_TOKEN=pal_cli-cli-cli-cli-cli-cli-cli-cli-cli-cli"}
	return s
}

func (s *shell) file(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// run gives what a command line printed and its exit code.
func (s *shell) run(in string, args ...string) (out, errors string, code int) {
	s.t.Helper()
	var o, e bytes.Buffer
	code = cli.Run(s.t.Context(), cli.Streams{In: strings.NewReader(in), Out: &o, Err: &e, Environ: s.environ}, args, version, plugins()...)
	return o.String(), e.String(), code
}

// begin makes the store, with nothing in it.
func (s *shell) begin() {
	s.t.Helper()
	if _, errors, code := s.run("", "content", "import", "-", "--type", "note", "--format", "jsonl"); code != 0 {
		s.t.Fatal(errors)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.begin()
	bad := s.file("bad.jsonl", `{"size":-1}`)
	for _, tc := range []struct {
		name string
		args []string
		want int
		says string // on standard error
	}{
		{"version", []string{"version"}, 0, ""},
		{"help", []string{"content", "import", "--help"}, 0, ""},
		{"plugins", []string{"plugin", "order"}, 0, ""},
		{"unknown command", []string{"serv"}, 2, "palabre: unknown command \"serv\""},
		{"unknown flag", []string{"serve", "--lissten", ":1"}, 2, "palabre: unknown flag: --lissten\nSee: palabre serve --help"},
		{"wrong setting", []string{"serve", "--listen", "8080"}, 2, "palabre: listen: \"8080\" is not address:port, such as 127.0.0.1:8080 (from --listen)\n"},
		{"dotted flag", []string{"serve", "--cache.bytes", "much"}, 2, "palabre: cache.bytes: \"much\" is not a size like 64MB or 1GiB (from --cache-bytes)\n"},
		{"missing argument", []string{"content", "import"}, 2, "palabre: accepts 1 arg(s), received 0"},
		{"missing flag", []string{"tokens", "add"}, 2, `palabre: required flag(s) "name", "role" not set`},
		{"token without url", []string{"tokens", "list", "--token", "pal_x"}, 2, "palabre: --token is of no use without --url\n"},
		{"wrong url", []string{"tokens", "list", "--url", "nowhere"}, 2, `palabre: "nowhere" is not the URL of a server`},
		{"no server", []string{"health", "--url", "http://127.0.0.1:1"}, 1, "palabre: The server at http://127.0.0.1:1 does not answer"},
		{"no file", []string{"content", "import", "none.jsonl"}, 2, "palabre: open none.jsonl"},
		{"unknown format", []string{"content", "import", "-", "--format", "xml"}, 2, `palabre: There is no format "xml"`},
		{"bad line", []string{"content", "import", bad, "--type", "note"}, 1, ""},
		{"unknown type", []string{"content", "export", "--type", "fish"}, 1, "palabre: There is no type fish. palabre types list shows those that there are.\n"},
		{"unknown state", []string{"content", "export", "--type", "note", "--state", "gone"}, 2, "palabre: --state gone: use draft, published or trash\n"},
		{"wrong filter", []string{"content", "export", "--type", "note", "--filter", `{"sise":{"eq":1}}`}, 1, "palabre: "},
		{"wrong repair", []string{"types", "check", filepath.Join(s.dir, "schemas/note.json"), "--repair", "drop"}, 2, "palabre: --repair drop: use drop:PATH"},
		{"no backup", []string{"restore", bad}, 1, "palabre: "},
	} {
		t.Run(tc.name, func(t *testing.T) { // one after the other: they share a data directory
			out, errors, code := s.run("", tc.args...)
			if code != tc.want || !strings.HasPrefix(errors, tc.says) {
				t.Errorf("got %d, %q, want %d, %q\n%s", code, errors, tc.want, tc.says, out)
			}
		})
	}
}

// A content type that is wrong stops the start, with its file and each place.
func TestWrongType(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "PALABRE_LISTEN=127.0.0.1:0")
	path := s.file("schemas/note.json", strings.Replace(noteType, `"x-unique":true`, `"x-uniqe":true`, 1))
	if _, errors, code := s.run("", "serve"); code != 1 || !strings.HasPrefix(errors, "palabre: The content type "+path+": ") || !strings.Contains(errors, "/properties/slug/x-uniqe: ") {
		t.Errorf("got %d, %q", code, errors)
	}
}

func TestWrongEnvironment(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "PALABRE_LOG_LEVEL=loud")
	if _, errors, code := s.run("", "serve"); code != 2 || errors != "palabre: log.level: \"loud\" is not one of debug, info, warn, error (from PALABRE_LOG_LEVEL)\n" {
		t.Errorf("got %d, %q", code, errors)
	}
}

// TestContent goes through a day with the command line: import, look, change the type, back up, restore.
func TestContent(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.begin()
	const csv = "title;size;_status\nÉté;3;published\n=SUM(1);4;draft\nHiver;-1;draft\n"
	steps := []struct {
		name, in  string
		args      []string
		want      int
		out, says []string
	}{
		{name: "dry run", in: csv, args: []string{"content", "import", "-", "--type", "note", "--dry-run"}, want: 1,
			out: []string{"line 4: /size: -1: ", "3 lines: 2 to create, 0 to update, 0 unchanged, 1 failed\n        1  minimum\n"}},
		{name: "import", in: csv, args: []string{"content", "import", "-", "--type", "note"}, want: 1, out: []string{"3 lines: 2 created"}},
		{name: "again", in: strings.Replace(csv, "title;", "slug;title;", 1), args: []string{"content", "import", "-", "--type", "note", "--upsert", "slug"}, want: 1, out: []string{"3 failed"}},
		{name: "types", args: []string{"types", "list"}, out: []string{"note                         2  true"}},
		{name: "export", args: []string{"content", "export", "--type", "note", "--state", "published", "--filter", `{"size":{"gte":3}}`},
			out: []string{`"_status":"published"`, `"title":"Été","slug":"ete","size":3}`}},
		{name: "no formula", args: []string{"content", "export", "--type", "note", "--format", "csv"}, out: []string{",'=SUM(1),sum-1,4\n"}},
		{name: "diff", args: []string{"types", "diff", s.file("longer.json", strings.Replace(noteType, `"minLength":1`, `"minLength":4`, 1))}, out: []string{"note: 1 changes", "tightened"}},
		{name: "check", args: []string{"types", "check", filepath.Join(s.dir, "longer.json")}, want: 1, out: []string{"1 entries would break:", "/title: "}},
		{name: "refused", args: []string{"types", "apply", filepath.Join(s.dir, "longer.json")}, want: 1, out: []string{"1 entries would break:"}, says: []string{"palabre: "}},
		{name: "applied", args: []string{"types", "apply", s.file("more.json", strings.Replace(noteType, `"size":`, `"more":{"type":"string"},"size":`, 1))}, out: []string{"added      more"}},
		{name: "typescript", args: []string{"types", "ts"}, out: []string{"export interface Note"}},
		{name: "tokens add", args: []string{"tokens", "add", "--name", "site", "--role", "public", "--expires", "7d"}, out: []string{"pal_"}},
		{name: "tokens list", args: []string{"tokens", "list"}, out: []string{"administrator", "public", "never", "site"}},
		{name: "users add", in: "correct horse in the garden\n", args: []string{"users", "add", "--email", "Camille@example.org", "--name", "Camille Exemple", "--role", "editor", "--role", "contributor", "--ends", "2040-06-30", "--password-stdin"}},
		{name: "tokens add, over", args: []string{"tokens", "add", "--name", "x", "--role", "public", "--expires", "-24h"}, want: 2, says: []string{"palabre: --expires -24h is not a duration like 20s, 1m30s or 7d\n"}},
		{name: "tokens add, over at once", args: []string{"tokens", "add", "--name", "x", "--role", "public", "--expires", "0s"}, want: 2, says: []string{"palabre: --expires 0s is over at once; leave it out for ever\n"}},
		{name: "tokens add, misspelt", args: []string{"tokens", "add", "--name", "lost", "--role", "pubic"}, out: []string{"pal_"}, says: []string{"palabre: there is no role \"pubic\"", "did you mean \"public\"?"}},
		{name: "tokens revoke", args: []string{"tokens", "revoke", "lost"}, says: []string{"the token \"lost\" (", "is revoked\n"}},
		{name: "tokens revoke, again", args: []string{"tokens", "revoke", "lost"}, want: 1, says: []string{"There is no token \"lost\". palabre tokens list shows"}},
		{name: "users add, made up", args: []string{"users", "add", "--email", "other@example.org", "--role", "editor"}, out: []string{"-"}},
		{name: "users add, twice", args: []string{"users", "add", "--email", "CAMILLE@example.org", "--role", "editor"}, want: 1, says: []string{"palabre: "}},
		{name: "users add, badly", in: "short\n", args: []string{"users", "add", "--email", "x@example.org", "--role", "editor", "--password-stdin"}, want: 1, says: []string{"12 characters"}},
		{name: "users add, when", args: []string{"users", "add", "--email", "x@example.org", "--role", "editor", "--ends", "soon"}, want: 2, says: []string{"palabre: --ends soon: write a day like 2027-06-30"}},
		{name: "users add, over", args: []string{"users", "add", "--email", "x@example.org", "--role", "editor", "--ends", "2020-01-31"}, want: 2, says: []string{"palabre: --ends 2020-01-31 is over already"}},
		{name: "users list", args: []string{"users", "list"}, out: []string{"camille@example.org", "editor,contributor", "2040-06-30T00:00:00Z  Camille Exemple", "other@example.org"}},
		{name: "users passwd", args: []string{"users", "passwd", "camille@EXAMPLE.org", "--drop-totp"}, out: []string{"-"}},
		{name: "users drop-totp", args: []string{"users", "drop-totp", "camille@EXAMPLE.org"}, says: []string{"the second factor of camille@EXAMPLE.org is off\n"}},
		{name: "users drop-totp of nobody", args: []string{"users", "drop-totp", "nobody@example.org"}, want: 1, says: []string{"There is no account with the address"}},
		{name: "users passwd of nobody", args: []string{"users", "passwd", "nobody@example.org"}, want: 1, says: []string{"There is no account with the address"}},
		{name: "log", args: []string{"log", "verify"}, says: []string{" commits are whole\n"}},
		{name: "catalog", args: []string{"catalog", "verify"}, says: []string{"the catalog is as the log has it"}},
		{name: "rebuild", args: []string{"catalog", "rebuild"}, says: []string{"the catalog stands at position "}},
		{name: "backup", args: []string{"backup", filepath.Join(s.dir, "b.palabre")}, says: []string{" commits backed up\n"}},
		{name: "backup over", args: []string{"backup", filepath.Join(s.dir, "b.palabre")}, want: 1, says: []string{"b.palabre is there already: name another file, or replace it with --force"}},
		{name: "backup over, with force", args: []string{"backup", filepath.Join(s.dir, "b.palabre"), "--force"}, says: []string{" commits backed up\n"}},
		{name: "backup over a directory", args: []string{"backup", s.dir, "--force"}, want: 1, says: []string{"is no file that could be replaced"}},
		{name: "restore over", args: []string{"restore", filepath.Join(s.dir, "b.palabre")}, want: 1, says: []string{"palabre: "}},
		{name: "restore", args: []string{"restore", filepath.Join(s.dir, "b.palabre"), "--data", filepath.Join(s.dir, "other")}, says: []string{" commits restored\n"}},
		{name: "restored", args: []string{"content", "export", "--type", "note", "--data", filepath.Join(s.dir, "other")}, out: []string{`"title":"Été"`, `"title":"=SUM(1)"`}},
		{name: "config", args: []string{"config", "--log-level", "warn"}, out: []string{"log.level = warn  (--log-level)", "admin.token = **redacted**  (PALABRE_ADMIN_TOKEN)"}},
	}
	for _, step := range steps {
		out, errors, code := s.run(step.in, step.args...)
		if code != step.want {
			t.Errorf("%s: got %d, want %d\n%s%s", step.name, code, step.want, out, errors)
		}
		for _, want := range step.out {
			if !strings.Contains(out, want) {
				t.Errorf("%s: got\n%swant it to hold %q", step.name, out, want)
			}
		}
		for _, want := range step.says {
			if !strings.Contains(errors, want) {
				t.Errorf("%s: it said %q, not %q", step.name, errors, want)
			}
		}
	}
}

// A file of a content type that would break what is stored stops the server, and the commands that it names go on: they
// find the type as it was, change nothing before they are told to, and the others work meanwhile.
func TestTypes_ofAFileThatBreaks(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "PALABRE_LISTEN=127.0.0.1:0")
	if out, errors, code := s.run("title\nA\n", "content", "import", "-", "--format", "csv", "--type", "note"); code != 0 {
		t.Fatal(out, errors)
	}
	file := s.file("schemas/note.json", strings.Replace(noteType, `"required":["title"]`, `"required":["title","size"]`, 1))
	for _, step := range []struct {
		args []string
		want int
		says string
	}{
		{[]string{"serve"}, 1, "palabre types apply " + file},
		{[]string{"types", "check", file}, 1, "1 entries would break"},
		{[]string{"types", "check", file}, 1, "tightened  size"},
		{[]string{"catalog", "verify"}, 0, "the catalog is as the log has it"},
		{[]string{"content", "export", "--type", "note"}, 0, `"title":"A"`},
		{[]string{"types", "apply", file, "--repair", "fill:size:1"}, 0, "tightened  size"},
		{[]string{"types", "check", file}, 0, "nothing differs"},
	} {
		if out, errors, code := s.run("", step.args...); code != step.want || !strings.Contains(out+errors, step.says) {
			t.Errorf("%v: got %d, want %d and %q\n%s%s", step.args, code, step.want, step.says, out, errors)
		}
	}
}

// A command on a directory that a server has says who has it, and what to do.
func TestDirectoryInUse(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	c, err := config.Load(config.Sources{Environ: s.environ})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, args := range [][]string{{"types", "list"}, {"backup", filepath.Join(s.dir, "b")}, {"catalog", "rebuild"}} {
		if _, errors, code := s.run("", args...); code != 1 || !strings.Contains(errors, "is using the data directory") || !strings.Contains(errors, "--url") {
			t.Errorf("%s: got %d, %q", args, code, errors)
		}
	}
}

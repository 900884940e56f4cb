package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
)

const guestType = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Guest","type":"object","required":["name"],"unevaluatedProperties":false,
"x-type":{"name":"guest","titleField":"name","slug":{"field":"slug","from":"name"},"public":true},
"properties":{"name":{"type":"string","minLength":1,"x-personal":{"subject":"guest","purpose":"events","basis":"contract","keep":"P13M","since":"day"}},
"day":{"type":"string","format":"date"},"note":{"type":"string"},"slug":{"type":"string","x-unique":true}}}`

// guests are people of two events: one long ago.
const guests = `{"name":"Zébulonne Imaginaire","day":"2019-05-04"}
{"name":"Camille Exemple","day":"2999-05-04"}
`

// privacyCommands runs the commands one after the other, here or through a server: with says how.
func privacyCommands(t *testing.T, s *shell, with ...string) {
	t.Helper()
	entry := regexp.MustCompile(`guest/[0-9a-z]{26}`)
	privacy := func(wantCode int, args ...string) string {
		t.Helper()
		out, errs, code := s.run("", append(append([]string{"privacy"}, args...), with...)...)
		if code != wantCode {
			t.Fatalf("privacy %v: exit %d, want %d\n%s%s", args, code, wantCode, out, errs)
		}
		return out
	}
	if out := privacy(0, "register"); !strings.Contains(out, "guest: guest, events, contract, P2, kept P13M, 2 entries\n  name\n") {
		t.Errorf("register: %s", out)
	}
	if out := privacy(0, "register", "--csv"); !strings.Contains(out, "guest,Guest,guest,events,contract,P13M,P2,name,name,2\n") {
		t.Errorf("register --csv: %s", out)
	}
	out := privacy(0, "find", "camille exemple")
	found := entry.FindString(out)
	if !strings.HasPrefix(out, "Found: 1\n") || found == "" || !strings.Contains(out, "(Camille Exemple)") {
		t.Fatalf("find: %s", out)
	}
	if out := privacy(0, "export", "camille exemple"); !strings.Contains(out, `"name":["Camille Exemple"]`) {
		t.Errorf("export: %s", out)
	}
	if out := privacy(0, "sweep", "--dry-run"); !strings.Contains(out, "Due: 1\n") || !strings.Contains(out, "name  since 2020-06-04") || strings.Contains(out, "Erased") {
		t.Errorf("sweep --dry-run: %s", out)
	}
	if out := privacy(0, "erase", found, "--reason", "On request", "--dry-run"); !strings.HasPrefix(out, "Would be erased, with their past: 1\n") {
		t.Errorf("erase --dry-run: %s", out)
	}
	if out := privacy(0, "erase", found, "--reason", "On request"); !strings.HasPrefix(out, "Erased: 1; commits of the past rewritten: 1\n") || !strings.Contains(out, "name must have a value") {
		t.Errorf("erase: %s", out)
	}
	if out := privacy(0, "sweep"); !strings.Contains(out, "Due: 1\n") || !strings.Contains(out, "Erased: 1;") {
		t.Errorf("sweep: %s", out)
	}
	if out := privacy(0, "find", "imaginaire"); !strings.HasPrefix(out, "Found: 0\nMentions: 0\n") {
		t.Errorf("find afterwards: %s", out)
	}
	if out := privacy(0, "erase", found, "--reason", "On request", "--purge"); !strings.Contains(out, "as a whole") {
		t.Errorf("erase --purge: %s", out)
	}
	for _, note := range []string{"Dominique Exemple", "Personne"} {
		line := `{"name":"Invité","slug":"invite","note":"` + note + `"}`
		if out, errs, code := s.run(line, append([]string{"content", "import", "-", "--format", "jsonl", "--type", "guest", "--upsert", "slug", "--publish"}, with...)...); code != 0 {
			t.Fatalf("import: %s%s", out, errs)
		}
	}
	out = privacy(0, "find", "dominique exemple")
	if !regexp.MustCompile(`^Found: 0\nMentions: 1\n  guest/\w{26}  note  in history  \(Invité\)\n    version 1, position \d+: /note\n$`).MatchString(out) {
		t.Errorf("find in the past: %s", out)
	}
	privacy(0, "erase", entry.FindString(out), "--reason", "On request", "--field", "note", "--past")
	if out := privacy(0, "find", "dominique exemple"); out != "Found: 0\nMentions: 0\n" {
		t.Errorf("find in the past afterwards: %s", out)
	}
}

func TestPrivacy(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.file("schemas/guest.json", guestType)
	if out, errs, code := s.run(guests, "content", "import", "-", "--format", "jsonl", "--type", "guest", "--publish"); code != 0 {
		t.Fatalf("import: %s%s", out, errs)
	}
	privacyCommands(t, s)
	err := filepath.WalkDir(filepath.Join(s.dir, "data"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), "Zébulonne") || strings.Contains(string(data), "Dominique") || strings.Contains(string(data), "Camille") {
			t.Errorf("%s still holds somebody", d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, errs, code := s.run("", "log", "verify"); code != 0 {
		t.Errorf("log verify: %s%s", out, errs)
	}
}

func TestPrivacy_throughTheAPI(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.file("schemas/guest.json", guestType)
	c := config.Default()
	c.Data, c.Schemas, c.Admin.Token = filepath.Join(s.dir, "data"), filepath.Join(s.dir, "schemas"), "pal_cli-cli-cli-cli-cli-cli-cli-cli-cli-cli"
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	t.Cleanup(server.Close)
	if report, err := a.Import(t.Context(), strings.NewReader(guests), app.ImportOptions{Type: "guest", Format: "jsonl", Publish: true}); err != nil || report.Failed > 0 {
		t.Fatalf("import: %+v, %v", report, err)
	}
	privacyCommands(t, s, "--url", server.URL, "--token", "pal_cli-cli-cli-cli-cli-cli-cli-cli-cli-cli")
}

func TestPrivacy_refuses(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.begin()
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"privacy", "erase", "guest/x", "--reason", "x"}, 2, "guest/x is no entry"},
		{[]string{"privacy", "erase", "guest/01j9zq4x8n2v5w7y3k6m1b0c4d"}, 2, `required flag(s) "reason"`},
		{[]string{"privacy", "erase", "note/01j9zq4x8n2v5w7y3k6m1b0c4d", "--reason", "x", "--purge", "--field", "title"}, 2, "--purge takes whole entries"},
		{[]string{"privacy", "erase", "note/01j9zq4x8n2v5w7y3k6m1b0c4d", "--reason", "x"}, 1, "never existed"},
		{[]string{"privacy", "find", "ab"}, 1, "3 to 200 characters"},
		{[]string{"privacy", "find"}, 2, "accepts 1 arg"},
	} {
		_, errs, code := s.run("", tc.args...)
		if code != tc.code || !strings.Contains(errs, tc.says) {
			t.Errorf("%v: exit %d %q, want %d with %q", tc.args, code, errs, tc.code, tc.says)
		}
	}
}

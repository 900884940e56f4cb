package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

const adminToken = "pal_test-test-test-test-test-test-test-test"

// note is a small type, so that a start takes little time.
const note = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Note","type":"object","required":["title"],"unevaluatedProperties":false,
"x-type":{"name":"note","titleField":"title","slug":{"field":"slug","from":"title"},"public":true,"locales":["fr","en"]},
"properties":{"title":{"type":"string","minLength":1,"x-localized":true},"slug":{"type":"string","x-unique":true},"region":{"type":"string","x-facet":true},
"size":{"type":"integer","minimum":0},"see":{"x-ref":{"types":["note"]}},"secret":{"type":"string","x-private":true}}}`

// settings is a configuration on a directory of the test's, with the type note.
func settings(t testing.TB) *config.Config {
	t.Helper()
	c := config.Default()
	dir := t.TempDir()
	c.Data, c.Schemas, c.Listen = filepath.Join(dir, "data"), filepath.Join(dir, "schemas"), "127.0.0.1:0"
	c.Admin.Token = adminToken
	if err := os.MkdirAll(c.Schemas, 0o755); err != nil {
		t.Fatal(err)
	}
	writeType(t, c, note)
	return c
}

func writeType(t testing.TB, c *config.Config, schema string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.Schemas, "note.json"), []byte(schema), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start starts a node and ends it with the test.
func start(t testing.TB, c *config.Config) *app.App {
	t.Helper()
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// answer is what a request gave.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func request(t testing.TB, h http.Handler, method, path, token, body string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header()}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	return a
}

// TestRun starts the whole program on a free port and speaks to it over the network.
func TestRun(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.Admin.Token = ""
	started := make(chan app.Started, 1)
	a, err := app.New(c, app.Options{Tell: func(s app.Started) { started <- s }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	s := <-started
	if !strings.HasPrefix(s.Token, "pal_") {
		t.Fatalf("no token was made: %+v", s)
	}
	for _, step := range []struct {
		method, path, token, body string
		want                      int
		holds                     string
	}{
		{"GET", "/healthz", "", "", 200, ""},
		{"GET", "/readyz", "", "", 200, `"writes":true`},
		{"GET", "/api/v1/types", "", "", 200, `"name":"note"`},
		{"GET", "/api/v1/content/note", "", "", 200, `"data":[]`},
		{"POST", "/api/v1/content/note", "", `{"title":"x"}`, 401, `"code":"unauthenticated"`},
		{"POST", "/api/v1/content/note?publish=true", s.Token, `{"title":"Été","secret":"canary"}`, 201, `"slug":"ete"`},
		{"POST", "/api/v1/content/note", s.Token, `{"titel":"x"}`, 422, `"pointer":"/titel"`},
		{"GET", "/api/v1/content/note/ete", "", "", 200, `"title":"Été"`},
		{"GET", "/api/v1/content/note?filter[title][prefix]=ete", "", "", 200, `"total":1`},
		{"GET", "/api/v1/content/note?filter[secret]=canary", "", "", 400, ""},
		{"GET", "/openapi.json", "", "", 200, `"openapi":"3.1`},
		{"GET", "/metrics", "", "", 200, ""},
		{"GET", "/", "", "", 200, ""},
		{"GET", "/nowhere", "", "", 404, ""},
	} {
		status, body := over(t, step.method, s.URL+step.path, step.token, step.body)
		if status != step.want || !strings.Contains(body, step.holds) || (step.token == "" && strings.Contains(body, "canary")) {
			t.Errorf("%s %s: got %d %s, want %d with %s", step.method, step.path, status, body, step.want, step.holds)
		}
	}
	stop()
	if err := errors.Join(<-ended, a.Close()); err != nil {
		t.Error(err)
	}
}

func over(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// What was written is there after a restart, the administrator included, and his token is not made twice.
func TestStart_Again(t *testing.T) {
	t.Parallel()
	c := settings(t)
	var id string
	for round := range 3 {
		a, err := app.New(c, app.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			id = request(t, a.Handler(), "POST", "/api/v1/content/note?publish=true", adminToken, `{"title":"A"}`).body["_id"].(string)
		}
		if got := request(t, a.Handler(), "GET", "/api/v1/content/note/"+id, "", ""); got.status != 200 {
			t.Errorf("round %d: got %d", round, got.status)
		}
		tokens, err := a.Tokens(t.Context())
		if err != nil || len(tokens) != 1 {
			t.Errorf("round %d: got %d tokens, %v", round, len(tokens), err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		// What is only remembered to start sooner may be lost or wrong.
		if err := os.WriteFile(filepath.Join(c.Data, "types.json"), []byte(`{"x":{"draft":`+[]string{"", `{"schema":"{}"}}}`, ""}[round]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNew_DirectoryInUse(t *testing.T) {
	t.Parallel()
	c := settings(t)
	start(t, c)
	_, err := app.New(c, app.Options{})
	if e, ok := core.AsError(err); !ok || e.Reason != "in_use" {
		t.Errorf("got %v", err)
	}
}

// A file that was not changed leaves alone what was changed through the API; a changed one is applied; one that would
// break entries stops the start with a report and the command that goes on.
func TestStart_TypesFromFiles(t *testing.T) {
	t.Parallel()
	c := settings(t)
	restart := func() (*app.App, error) {
		a, err := app.New(c, app.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return a, a.Start(t.Context())
	}
	a, err := restart()
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(note, `"size":`, `"more":{"type":"string"},"size":`, 1)
	if got := request(t, a.Handler(), "PUT", "/api/v1/types/note", adminToken, `{"schema":`+changed+`}`); got.status != 200 {
		t.Fatalf("got %d %v", got.status, got.body)
	}
	if got := request(t, a.Handler(), "POST", "/api/v1/content/note", adminToken, `{"title":"A","more":"x"}`); got.status != 201 {
		t.Fatalf("got %d %v", got.status, got.body)
	}
	closed(t, a)
	if a, err = restart(); err != nil {
		t.Fatal(err)
	}
	noteType, _ := a.Types().Type("note")
	if _, ok := noteType.Field("more"); !ok {
		t.Error("the restart took back what the API had changed")
	}
	closed(t, a)

	writeType(t, c, strings.Replace(changed, `"size":`, `"extra":{"type":"string"},"size":`, 1))
	if a, err = restart(); err != nil {
		t.Fatal(err)
	}
	noteType, _ = a.Types().Type("note")
	if _, ok := noteType.Field("extra"); !ok {
		t.Error("the changed file was not applied")
	}
	closed(t, a)

	writeType(t, c, strings.Replace(changed, `"minLength":1`, `"minLength":5`, 1))
	a, err = restart()
	defer closed(t, a)
	if err == nil || !strings.Contains(err.Error(), "would break 1 of 1 entries") || !strings.Contains(err.Error(), "palabre types apply") {
		t.Errorf("got %v", err)
	}
}

// A command on a new store leaves the first administrator's token to the server, which shows it.
func TestStart_ErrandMakesNoToken(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.Admin.Token = ""
	for _, step := range []struct {
		errand bool
		want   int
	}{{true, 0}, {false, 1}} {
		a, err := app.New(c, app.Options{Errand: step.errand})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if tokens, err := a.Tokens(t.Context()); err != nil || len(tokens) != step.want {
			t.Errorf("errand %v: got %v, %v, want %d tokens", step.errand, tokens, err, step.want)
		}
		closed(t, a)
	}
}

func closed(t *testing.T, a *app.App) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// The text of a new token is shown once, to the one who made it; nobody can choose it or see its hash.
func TestTokens_OverTheAPI(t *testing.T) {
	t.Parallel()
	h := start(t, settings(t)).Handler()
	const path = "/api/v1/content/_token"
	made := request(t, h, "POST", path, adminToken, `{"name":"second","role":"administrator"}`)
	text, _ := made.body["token"].(string)
	if made.status != 201 || !strings.HasPrefix(text, "pal_") || made.body["hash"] != nil {
		t.Fatalf("got %d %v", made.status, made.body)
	}
	again := request(t, h, "GET", path+"/"+made.body["_id"].(string)+"?state=draft", adminToken, "")
	if again.status != 200 || again.body["token"] != nil || again.body["hash"] != nil {
		t.Errorf("got %d %v", again.status, again.body)
	}
	if got := request(t, h, "POST", "/api/v1/content/note", text, `{"title":"x"}`); got.status != 201 {
		t.Errorf("the new token cannot write: %d %v", got.status, got.body)
	}
	if got := request(t, h, "DELETE", path+"/"+made.body["_id"].(string), adminToken, ""); got.status != 204 {
		t.Errorf("got %d %v", got.status, got.body)
	}
	for name, step := range map[string]struct {
		token, body string
		want        int
	}{
		"deleted":         {text, `{"name":"x","role":"administrator"}`, 401},
		"a chosen hash":   {adminToken, `{"name":"x","role":"administrator","hash":"` + strings.Repeat("0", 64) + `"}`, 422},
		"nobody":          {"", `{"name":"x","role":"administrator"}`, 404},
		"without a role":  {adminToken, `{"name":"x"}`, 422},
		"an unknown name": {adminToken, `{"name":"x","role":"r","rol":"y"}`, 422},
	} {
		if got := request(t, h, "POST", path, step.token, step.body); got.status != step.want && !(name == "nobody" && got.status == 401) {
			t.Errorf("%s: got %d %v, want %d", name, got.status, got.body, step.want)
		}
	}
	if got := request(t, h, "POST", "/api/v1/batch", adminToken, `{"operations":[{"op":"create","type":"_token","data":{"name":"x","role":"r"}},{"op":"create","type":"note","data":{"title":"x"}}]}`); got.status != 400 {
		t.Errorf("a batch with a token: got %d %v", got.status, got.body)
	}
}

func TestTokens_OfTheCommandLine(t *testing.T) {
	t.Parallel()
	a := start(t, settings(t))
	text, err := a.AddToken(t.Context(), app.NewToken{Name: "site", Role: "public", ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := a.Tokens(t.Context())
	site := slices.IndexFunc(tokens, func(k app.Token) bool { return k.Name == "site" })
	if err != nil || len(tokens) != 2 || site < 0 || tokens[site].ExpiresAt.IsZero() {
		t.Errorf("got %+v, %v", tokens, err)
	}
	if got := request(t, a.Handler(), "GET", "/api/v1/content/note", text, ""); got.status != 200 {
		t.Errorf("got %d %v", got.status, got.body)
	}
}

// A token that is revoked ends at once; one is named by its name where no other has it, or by its identifier.
func TestTokens_revoked(t *testing.T) {
	t.Parallel()
	a, started := starting(t, settings(t))
	client, err := app.NewClient(started.URL, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	for name, store := range map[string]app.Tokens{"here": a, "on a server": client} {
		text := map[string]string{}
		for _, token := range []string{"site", "twin"} {
			if text[token], err = store.AddToken(t.Context(), app.NewToken{Name: token, Role: "administrator"}); err != nil {
				t.Fatal(err)
			}
		}
		site, err := app.FindToken(t.Context(), store, "site")
		if err != nil {
			t.Fatal(err)
		}
		if byID, err := app.FindToken(t.Context(), store, string(site.ID)); err != nil || byID != site {
			t.Errorf("%s: got %+v, %v, want %+v", name, byID, err, site)
		}
		if err := store.RevokeToken(t.Context(), site.ID); err != nil {
			t.Fatal(err)
		}
		if got := request(t, a.Handler(), "GET", "/api/v1/content/note", text["site"], ""); got.status != 401 {
			t.Errorf("%s: revoked: got %d", name, got.status)
		}
		if got := request(t, a.Handler(), "GET", "/api/v1/content/note", text["twin"], ""); got.status != 200 {
			t.Errorf("%s: the other: got %d", name, got.status)
		}
		if _, err := app.FindToken(t.Context(), store, "site"); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := app.FindToken(t.Context(), a, "twin"); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("two of a name: got %v", err)
	}
}

// A token may be made for a role that is still to come, and a typing error is told.
func TestTokens_roleWarning(t *testing.T) {
	t.Parallel()
	a, started := starting(t, settings(t))
	client, err := app.NewClient(started.URL, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := app.NewClient(started.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, store := range map[string]app.Tokens{"here": a, "on a server": client} {
		if got := app.RoleWarning(t.Context(), store, "editr"); !strings.Contains(got, `there is no role "editr"`) || !strings.Contains(got, `did you mean "editor"?`) {
			t.Errorf("%s: got %q", name, got)
		}
		for _, role := range []string{"editor", "administrator", "public"} {
			if got := app.RoleWarning(t.Context(), store, role); got != "" {
				t.Errorf("%s: %s: got %q", name, role, got)
			}
		}
	}
	if got := app.RoleWarning(t.Context(), stranger, "editr"); got != "" {
		t.Errorf("to whom roles are not shown: got %q", got)
	}
}

// Through the store and through the API alike: what an export writes an import reads back, and a second import finds
// nothing to do.
func TestImportExport(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintf(&lines, `{"_type":"note","_status":%q,"title":"Note %d","slug":"note-%d","region":"%d","size":%d,"see":{"_slug":"note-%d","_type":"note"},"_i18n":{"en":{"title":"Memo"}}}`+"\n",
			[]string{"published", "draft"}[i%2], i, i, i%13, i, (i+150)%300/2*2)
	}
	source := start(t, settings(t))
	server := httptest.NewServer(source.Handler())
	t.Cleanup(server.Close)
	client, err := app.NewClient(server.URL, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"300 created, 0 updated, 0 unchanged, 0 failed", "0 created, 0 updated, 300 unchanged, 0 failed"} {
		imported(t, source.Import, lines.String(), want)
	}
	imported(t, client.Import, lines.String(), "0 created, 0 updated, 300 unchanged, 0 failed")

	var here, over bytes.Buffer
	if _, err := source.Export(t.Context(), &here, app.ExportOptions{Type: "note", State: core.StateDraft}); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Export(t.Context(), &over, app.ExportOptions{Type: "note", State: core.StateDraft, Filter: `{"region":{"eq":"5"}}`}); err != nil || n != 23 {
		t.Errorf("got %d entries, %v", n, err)
	}
	over.Reset()
	if _, err := client.Export(t.Context(), &over, app.ExportOptions{Type: "note", State: core.StateDraft}); err != nil {
		t.Fatal(err)
	}
	if got, want := withoutTimes(t, over.String()), withoutTimes(t, here.String()); got != want {
		t.Errorf("the API's export differs from the store's:\n%.500s\n%.500s", got, want)
	}
	target := start(t, settings(t))
	report, err := target.Import(t.Context(), bytes.NewReader(here.Bytes()), app.ImportOptions{Upsert: "_id"})
	if err != nil || report.Created != 300 || report.Failed != 0 {
		t.Fatalf("got %+v, %v", report, err)
	}
	var back bytes.Buffer
	if _, err := target.Export(t.Context(), &back, app.ExportOptions{Type: "note", State: core.StateDraft}); err != nil {
		t.Fatal(err)
	}
	if got, want := withoutTimes(t, back.String()), withoutTimes(t, here.String()); got != want {
		t.Errorf("the second export differs from the first:\n%.500s\n%.500s", got, want)
	}
}

func imported(t *testing.T, do func(context.Context, io.Reader, app.ImportOptions) (*app.ImportReport, error), text, want string) {
	t.Helper()
	var bad []string
	report, err := do(t.Context(), strings.NewReader(text), app.ImportOptions{Upsert: "slug", Bad: func(b app.BadLine) { bad = append(bad, b.String()) }})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%d created, %d updated, %d unchanged, %d failed", report.Created, report.Updated, report.Unchanged, report.Failed)
	if got != want {
		t.Errorf("got %s, want %s; %.500q", got, want, bad)
	}
}

// withoutTimes takes out what a new store gives anew.
func withoutTimes(t *testing.T, lines string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		var doc map[string]any
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"_createdAt", "_updatedAt", "_publishedAt", "_rev", "_locale"} {
			delete(doc, name)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(text, '\n'))
	}
	return b.String()
}

// Over the API a bad line is reported with its own number and place, and stops no other.
func TestImport_BadLinesOverTheAPI(t *testing.T) {
	t.Parallel()
	a := start(t, settings(t))
	server := httptest.NewServer(a.Handler())
	t.Cleanup(server.Close)
	client, err := app.NewClient(server.URL, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	text := `{"title":"A","_i18n":{"en":{"title":"A in English"}}}` + "\n" + `{"size":-1}` + "\n" + `{"title":"B","_odd":1}` + "\n" + `{"title":"C"}`
	var bad []string
	report, err := client.Import(t.Context(), strings.NewReader(text), app.ImportOptions{Type: "note", Publish: true, Bad: func(b app.BadLine) { bad = append(bad, b.String()) }})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(bad, "\n")
	if report.Created != 2 || report.Failed != 2 || !strings.Contains(all, "line 2: /title: ") || !strings.Contains(all, "line 2: /size: -1: ") || !strings.Contains(all, "line 3: /_odd: 1: ") {
		t.Errorf("got %d created, %d failed:\n%s", report.Created, report.Failed, all)
	}
	got := request(t, a.Handler(), "GET", "/api/v1/content/note/a?locale=en", "", "")
	if got.body["title"] != "A in English" {
		t.Errorf("the translation is not there: %v", got.body)
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	c := settings(t)
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	request(t, a.Handler(), "POST", "/api/v1/content/note?publish=true", adminToken, `{"title":"A"}`)
	if err := a.VerifyCatalog(t.Context()); err != nil {
		t.Error(err)
	}
	closed(t, a)

	var file bytes.Buffer
	store := open(t, c)
	n, err := store.Backup(t.Context(), &file, nil)
	if err != nil || n < 3 {
		t.Fatalf("got %d commits, %v", n, err)
	}
	if verified, err := store.Verify(t.Context(), nil); err != nil || verified != n {
		t.Errorf("got %d of %d commits, %v", verified, n, err)
	}
	if _, err := store.Restore(t.Context(), bytes.NewReader(file.Bytes()), nil); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("a store that holds something was filled again: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	other := settings(t)
	store = open(t, other)
	if restored, err := store.Restore(t.Context(), io.MultiReader(&file), nil); err != nil || restored != n {
		t.Fatalf("got %d of %d commits, %v", restored, n, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if got := request(t, start(t, other).Handler(), "GET", "/api/v1/content/note/a", "", ""); got.status != 200 {
		t.Errorf("got %d %v", got.status, got.body)
	}
}

// TestVerify rewrites the past in a way that leaves every sum right.
func TestVerify(t *testing.T) {
	t.Parallel()
	c := settings(t)
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	request(t, a.Handler(), "POST", "/api/v1/content/note", adminToken, `{"title":"A"}`)
	closed(t, a)
	l, err := sqlitelog.Open(filepath.Join(c.Data, "log.db"), sqlitelog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	last, err := l.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	commits, err := l.Read(t.Context(), last, 1)
	if err != nil {
		t.Fatal(err)
	}
	commits[0].Changes[0].Draft = core.Doc(`{"title":"B"}`)
	if err := errors.Join(l.Redact(t.Context(), last, logtest.To(commits[0].Changes...)), l.Close()); err != nil {
		t.Fatal(err)
	}
	store := open(t, c)
	defer store.Close()
	if _, err := store.Verify(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no erasure of it is recorded") {
		t.Errorf("got %v", err)
	}
}

func open(t *testing.T, c *config.Config) *app.Store {
	t.Helper()
	s, err := app.OpenStore(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// With the store away a node starts all the same, says so, and serves what its catalog holds.
func TestStart_StoreAway(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.MongoDB.URI = "mongodb://127.0.0.1:1/"
	h := start(t, c).Handler()
	if got := request(t, h, "GET", "/healthz", "", ""); got.status != 200 {
		t.Errorf("got %d %v", got.status, got.body)
	}
	if got := request(t, h, "GET", "/readyz", "", ""); got.body["writes"] != false {
		t.Errorf("got %d %v", got.status, got.body)
	}
}

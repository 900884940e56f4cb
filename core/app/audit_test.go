package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// trail gives the lines of the audit trail that a query finds.
func trail(t testing.TB, h http.Handler, query string) []core.AuditLine {
	t.Helper()
	got := request(t, h, "GET", "/api/v1/audit?"+query, adminToken, "")
	if got.status != 200 {
		t.Fatalf("got %d %v", got.status, got.body)
	}
	text, err := json.Marshal(got.body["data"])
	if err != nil {
		t.Fatal(err)
	}
	var lines []core.AuditLine
	if err := json.Unmarshal(text, &lines); err != nil {
		t.Fatal(err)
	}
	return lines
}

// What somebody does over HTTP is in the trail, with where he did it from, and nobody can take it out.
func TestAudit(t *testing.T) {
	t.Parallel()
	a := start(t, settings(t))
	h := a.Handler()
	made := request(t, h, "POST", "/api/v1/content/note?publish=true", adminToken, `{"title":"A"}`)
	id, _ := made.body["_id"].(string)
	request(t, h, "DELETE", "/api/v1/content/note/"+id, adminToken, "")
	lines := trail(t, h, "type=note&entry="+id)
	if len(lines) != 2 || lines[0].Event != "delete" || lines[1].Event != "publish" && lines[1].Event != "create" {
		t.Fatalf("got %+v", lines)
	}
	for _, l := range lines {
		if l.Origin == nil || l.Origin.Address != "192.0.2.1" || !strings.HasPrefix(l.By, "token:") {
			t.Errorf("got %+v by %s from %+v", l, l.By, l.Origin)
		}
	}
	if got := trail(t, h, "type=_type"); len(got) != 1 || got[0].Detail["name"] != "note" || got[0].Origin != nil {
		t.Errorf("the type that the start made: got %+v", got)
	}

	if err := a.Auditor().Note(t.Context(), core.Anonymous, core.AuditEvent{Event: core.AuditSignInFailed}); err != nil {
		t.Fatal(err)
	}
	events := request(t, h, "GET", "/api/v1/content/_audit?state=draft", adminToken, "")
	entry := events.body["data"].([]any)[0].(map[string]any)["_id"].(string)
	for _, tc := range []struct{ method, path, body string }{
		{"POST", "/api/v1/content/_audit", `{"event":"sign_in","by":"user:somebody"}`},
		{"PATCH", "/api/v1/content/_audit/" + entry, `{"count":0}`},
		{"PUT", "/api/v1/content/_audit/" + entry, `{"event":"sign_in","by":"user:somebody"}`},
		{"DELETE", "/api/v1/content/_audit/" + entry, ""},
		{"DELETE", "/api/v1/content/_audit/" + entry + "?purge=true", ""},
		{"POST", "/api/v1/batch", fmt.Sprintf(`{"operations":[{"op":"purge","type":"_audit","id":%q}]}`, entry)},
	} {
		if got := request(t, h, tc.method, tc.path, adminToken, tc.body); got.status != 403 || got.body["reason"] != "append_only" {
			t.Errorf("%s %s: got %d %v", tc.method, tc.path, got.status, got.body)
		}
	}
	for token, want := range map[string]int{"": 404, publicToken(t, a): 404} {
		if got := request(t, h, "GET", "/api/v1/audit", token, ""); got.status != want {
			t.Errorf("who may not list _audit: got %d, want %d", got.status, want)
		}
	}
}

func publicToken(t testing.TB, a *app.App) string {
	t.Helper()
	text, err := a.AddToken(t.Context(), app.NewToken{Name: "The website", Role: "public"})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Where a request came from cannot be altered in the store without being noticed, and is forgotten in time.
func TestAudit_Origins(t *testing.T) {
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
	verify := func() error {
		store := open(t, c)
		defer store.Close()
		_, err := store.Verify(t.Context(), nil)
		return err
	}
	tamper := func(from, to string) {
		t.Helper()
		db, err := sqlite.Open(filepath.Join(c.Data, "log.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		done, err := db.Exec(`update commits set origin = replace(origin, ?, ?) where origin like '%' || ? || '%'`, from, to, from)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := done.RowsAffected(); n != 1 || err != nil {
			t.Fatalf("altered %d commits, %v, want 1", n, err)
		}
	}
	if err := verify(); err != nil {
		t.Error(err)
	}
	tamper("192.0.2.1", "192.0.2.66")
	if err := verify(); err == nil || !strings.Contains(err.Error(), "its origin was altered") {
		t.Errorf("an address was altered: got %v", err)
	}
	tamper("192.0.2.66", "192.0.2.1")

	c.Audit.Origins = 0
	a = start(t, c)
	if err := a.ForgetOrigins(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := trail(t, a.Handler(), "address=192.0.2.1"); len(got) != 0 {
		t.Errorf("still there: %+v", got)
	}
	if got := trail(t, a.Handler(), "type=note"); len(got) != 1 {
		t.Errorf("the write itself: got %+v", got)
	}
	if got := trail(t, a.Handler(), "event="+core.AuditSweep); len(got) != 1 || got[0].Count != 1 {
		t.Errorf("the forgetting: got %+v", got)
	}
}

// Each way of taking much out at once leaves a line.
func TestAudit_BackupAndLocalExport(t *testing.T) {
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
	if _, err := a.Export(t.Context(), &bytes.Buffer{}, app.ExportOptions{Type: "note", State: core.StateDraft, Filter: `{"title":{"eq":"A"}}`}); err != nil {
		t.Fatal(err)
	}
	closed(t, a)
	store := open(t, c)
	n, err := store.Backup(t.Context(), &bytes.Buffer{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	a = start(t, c)
	if err := a.VerifyCatalog(t.Context()); err != nil {
		t.Error(err)
	}
	got := trail(t, a.Handler(), "by=system&limit=2")
	for i := range got {
		got[i].At = time.Time{}
	}
	want := []core.AuditLine{
		{Position: core.Position(n), By: "system", Event: "backup", Count: n - 1},
		{Position: core.Position(n - 1), By: "system", Event: "export", Type: "note", Count: 1, Detail: map[string]any{"format": "jsonl", "state": "draft", "narrowed": true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if err := a.Auditor().Note(t.Context(), core.System, core.AuditEvent{Event: core.AuditBackup, Count: n - 1}); err != nil {
		t.Fatal(err)
	}
	entries := request(t, a.Handler(), "GET", "/api/v1/content/_audit?state=draft&filter[event]=backup", adminToken, "").body["data"].([]any)
	if len(entries) != 2 {
		t.Fatalf("got %v", entries)
	}
	for _, e := range entries {
		for _, name := range []string{"_id", "_createdAt", "_updatedAt", "_publishedAt"} {
			delete(e.(map[string]any), name)
		}
	}
	if diff := cmp.Diff(entries[0], entries[1]); diff != "" {
		t.Errorf("what is noted in the log alone is not as the write path has it:\n%s", diff)
	}
}

// download asks for an export.
func download(h http.Handler, path, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestExport_Route(t *testing.T) {
	t.Parallel()
	a := start(t, settings(t))
	h := a.Handler()
	for i := range 205 {
		body := fmt.Sprintf(`{"title":"Note %d","region":"%d","secret":"canary"}`, i, i%2)
		if got := request(t, h, "POST", "/api/v1/content/note?publish=true", adminToken, body); got.status != 201 {
			t.Fatalf("got %d %v", got.status, got.body)
		}
	}
	request(t, h, "POST", "/api/v1/content/note", adminToken, `{"title":"=1+1"}`)
	public := publicToken(t, a)
	for _, tc := range []struct {
		name, path, token string
		status, lines     int
		holds             string
	}{
		{"all that is published", "note", adminToken, 200, 205, `"secret":"canary"`},
		{"drafts too", "note?state=draft", adminToken, 200, 206, `"_status":"draft"`},
		{"what a filter finds", "note?filter[region]=1", adminToken, 200, 102, `"region":"1"`},
		{"nothing", "note?filter[region]=9", adminToken, 200, 0, ""},
		{"as CSV", "note?state=draft&format=csv", adminToken, 200, 207, `'=1+1`},
		{"some fields", "note?fields=title&sort=-title", adminToken, 200, 205, `{"_id":`},
		{"an empty type", "_comment?state=draft", adminToken, 200, 0, ""},
		{"a token without the right", "note", public, 403, 0, "forbidden"},
		{"a stranger", "note", "", 401, 0, "unauthenticated"},
		{"a stranger, of what he may not see", "_user", "", 404, 0, "not_found"},
		{"a token, of what it may not see", "_user", public, 404, 0, "not_found"},
		{"no such type", "nota", adminToken, 404, 0, "not_found"},
		{"an unknown parameter", "note?filtre=x", adminToken, 400, 0, "filter"},
		{"a page", "note?limit=10", adminToken, 400, 0, "limit"},
		{"other entries with it", "note?include=see", adminToken, 400, 0, "include"},
		{"an unknown format", "note?format=xml", adminToken, 400, 0, "csv"},
	} {
		got := download(h, "/api/v1/export/"+tc.path, tc.token)
		text := got.Body.String()
		if got.Code != tc.status || !strings.Contains(text, tc.holds) || tc.status == 200 && strings.Count(text, "\n") != tc.lines {
			t.Errorf("%s: got %d with %d lines:\n%.300s\nwant %d with %d", tc.name, got.Code, strings.Count(text, "\n"), text, tc.status, tc.lines)
		}
	}
	lines := trail(t, h, "event=export")
	if len(lines) != 7 || lines[len(lines)-1].Count != 205 || lines[0].Count != 0 || lines[0].Type != "_comment" {
		t.Errorf("got %d lines of exports: %+v", len(lines), lines)
	}
	if l := lines[len(lines)-1]; l.Origin == nil || !strings.HasPrefix(l.By, "token:") || l.Detail["format"] != "jsonl" {
		t.Errorf("got %+v", l)
	}
}

// What a role may not export, and a server that has no exports yet.
func TestClient_Export(t *testing.T) {
	t.Parallel()
	a := start(t, settings(t))
	request(t, a.Handler(), "POST", "/api/v1/content/note?publish=true", adminToken, `{"title":"A"}`)
	exported := func(h http.Handler, token string) (string, error) {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		client, err := app.NewClient(server.URL, token)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		told := 0
		n, err := client.Export(context.Background(), &out, app.ExportOptions{Type: "note", State: core.StatePublished, Progress: func(n, _ int) { told = n }})
		if err == nil && (n != 1 || told != 1) {
			t.Errorf("got %d entries and was told of %d, want 1", n, told)
		}
		return out.String(), err
	}
	here, err := exported(a.Handler(), adminToken)
	if err != nil || !strings.Contains(here, `"title":"A"`) {
		t.Errorf("got %q, %v", here, err)
	}
	if out, err := exported(a.Handler(), publicToken(t, a)); core.CodeOf(err) != core.CodeForbidden || out != "" {
		t.Errorf("without the right: got %q, %v", out, err)
	}
	old := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/export/") {
			http.NotFound(w, r)
			return
		}
		a.Handler().ServeHTTP(w, r)
	})
	there, err := exported(old, adminToken)
	if err != nil || withoutTimes(t, there) != withoutTimes(t, here) {
		t.Errorf("an older server: got %q, %v, want %q", there, err, here)
	}
}

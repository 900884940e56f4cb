package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
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

func closed(t *testing.T, a *app.App) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Error(err)
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

package app_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
)

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

package app_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

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

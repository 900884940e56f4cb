package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
)

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

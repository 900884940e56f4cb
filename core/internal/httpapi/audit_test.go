package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
)

// worldAuditor remembers what it is asked, and from where.
type worldAuditor struct {
	asked core.AuditQuery
	from  *core.Origin
	page  core.AuditPage
}

func (a *worldAuditor) Note(context.Context, *core.Principal, core.AuditEvent) error { return nil }

func (a *worldAuditor) Find(ctx context.Context, who *core.Principal, q core.AuditQuery) (*core.AuditPage, error) {
	if who.Anonymous() {
		return nil, core.NoType("_audit")
	}
	a.asked, a.from = q, core.OriginOf(ctx)
	return &a.page, nil
}

func TestListAudit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, target, as string
		status           int
		holds            string
	}{
		{"a page", "", admin, 200, `{"data":[{"position":9,"at":"2026-03-29T02:00:00Z","by":"system","event":"backup"}],"page":{"limit":50,"next":"9.0"}}`},
		{"a larger page", "?limit=1000000", admin, 200, `"limit":200`},
		{"a stranger", "", "Accept: */*", 404, `"code":"not_found"`},
		{"an unknown parameter", "?adress=1", admin, 400, `address`},
		{"twice", "?by=a&by=b", admin, 400, `more than once`},
		{"no time", "?since=yesterday", admin, 400, `since`},
		{"no number", "?limit=many", admin, 400, `limit`},
	} {
		a := &worldAuditor{page: core.AuditPage{Next: "9.0", Data: []core.AuditLine{{Position: 9, At: time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC), By: "system", Event: "backup"}}}}
		s := newServer(t, newWorld(), func(o *Options) { o.Auditor = a })
		rec := call(t, s, "GET", "/api/v1/audit"+tc.target, "", tc.as)
		if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.holds) || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s, want %d with %s", tc.name, rec.Code, rec.Header(), rec.Body, tc.status, tc.holds)
		}
	}
	none := newServer(t, newWorld(), func(o *Options) { o.Auditor = nil })
	if rec := call(t, none, "GET", "/api/v1/audit", "", admin); rec.Code != 404 {
		t.Errorf("without an Auditor: %d", rec.Code)
	}
	empty := newServer(t, newWorld(), func(o *Options) { o.Auditor = &worldAuditor{} })
	if rec := call(t, empty, "GET", "/api/v1/audit", "", admin); rec.Body.String() != `{"data":[],"page":{"limit":50,"next":null}}` {
		t.Errorf("an empty page: %s", rec.Body)
	}
}

func TestListAudit_Query(t *testing.T) {
	t.Parallel()
	a := &worldAuditor{}
	s := newServer(t, newWorld(), func(o *Options) { o.Auditor = a })
	call(t, s, "GET", "/api/v1/audit?from=2026-03-29", "", admin)
	if since := a.asked.Since; !since.Equal(time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("from: got %v", since)
	}
	call(t, s, "GET", "/api/v1/audit?by=user:1&event=publish&type=fiche&entry=01jd&address=192.0.2.7&since=2026-03-29&until=2026-03-30T01:00:00%2B02:00&after=9.1&limit=3", "",
		admin, "User-Agent: curl", "X-Request-Id: r-1")
	want := core.AuditQuery{By: "user:1", Event: "publish", Type: "fiche", Entry: "01jd", Address: "192.0.2.7", Before: "9.1", Limit: 3,
		Since: time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 29, 23, 0, 0, 0, time.UTC)}
	a.asked.Until = a.asked.Until.UTC()
	if diff := cmp.Diff(want, a.asked); diff != "" {
		t.Errorf("the query (-want +got):\n%s", diff)
	}
	if want := (core.Origin{Address: "192.0.2.1", Agent: "curl", Request: "r-1"}); a.from == nil || *a.from != want {
		t.Errorf("got origin %+v, want %+v", a.from, want)
	}
}

// Only a trusted proxy is believed about where a request comes from.
func TestOrigin_Proxies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		trusted []string
		want    string
	}{
		{"nobody", nil, "192.0.2.1"},
		{"another", []string{"203.0.113.0/24"}, "192.0.2.1"},
		{"this one", []string{"192.0.2.1"}, "198.51.100.9"},
	} {
		a := &worldAuditor{}
		s := newServer(t, newWorld(), func(o *Options) { o.Auditor, o.TrustedProxies = a, tc.trusted })
		call(t, s, "GET", "/api/v1/audit", "", admin, "X-Forwarded-For: 10.0.0.1, 198.51.100.9")
		if a.from == nil || a.from.Address != tc.want {
			t.Errorf("%s is trusted: got %+v, want %s", tc.name, a.from, tc.want)
		}
	}
}

// worldExporter writes its parts, and then fails with its error.
type worldExporter struct {
	parts []string
	err   error
	wrote bool
}

func (x *worldExporter) Export(_ context.Context, who *core.Principal, name core.TypeName, _ url.Values) (*core.Export, error) {
	if who.Anonymous() {
		return nil, core.Refuse(core.CodeUnauthenticated, "", "Sign in.", "Identifiez-vous.")
	}
	return &core.Export{Name: string(name) + ".jsonl", Kind: "application/jsonl; charset=utf-8", Total: 2, Write: func(_ context.Context, out io.Writer) error {
		x.wrote = true
		for _, p := range x.parts {
			if _, err := io.WriteString(out, p); err != nil {
				return err
			}
		}
		return x.err
	}}, nil
}

func TestExportEntries(t *testing.T) {
	t.Parallel()
	away := core.Errorf(core.CodeUnavailable, "The store is away.")
	for _, tc := range []struct {
		name, method, as string
		x                *worldExporter
		status           int
		holds            string
		wrote            bool
	}{
		{"a file", "GET", admin, &worldExporter{parts: []string{"{}\n", "{}\n"}}, 200, "{}\n{}\n", true},
		{"an empty file", "GET", admin, &worldExporter{}, 200, "", true},
		{"only the headers", "HEAD", admin, &worldExporter{parts: []string{"{}\n"}}, 200, "", false},
		{"a stranger", "GET", "Accept: */*", &worldExporter{}, 401, "Sign in.", false},
		{"that cannot be noted", "GET", admin, &worldExporter{err: away}, 503, "The store is away.", true},
	} {
		s := newServer(t, newWorld(), func(o *Options) { o.Exporter = tc.x })
		rec := call(t, s, tc.method, "/api/v1/export/fiche", "", tc.as)
		if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.holds) || tc.x.wrote != tc.wrote {
			t.Errorf("%s: %d %q, want %d with %q", tc.name, rec.Code, rec.Body, tc.status, tc.holds)
		}
		h := rec.Header()
		if got, want := h.Get("Content-Disposition"), `attachment; filename="fiche.jsonl"`; (got == want) != (tc.status == 200) || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", tc.name, h)
		}
	}
}

// A file that breaks off does not look whole.
func TestExportEntries_BreaksOff(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) {
		o.Exporter = &worldExporter{parts: []string{"{}\n"}, err: core.Errorf(core.CodeUnavailable, "The store is away.")}
	})
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/v1/export/fiche", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := server.Client().Do(req)
	if err == nil {
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want an answer that is cut off", err)
	}
}

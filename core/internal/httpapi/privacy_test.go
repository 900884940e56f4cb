package httpapi

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// worldPrivacy answers what it is told to, and remembers what it was asked.
type worldPrivacy struct {
	asked  core.SubjectQuery
	erased core.Erasure
	swept  []bool
}

func (p *worldPrivacy) Register(context.Context, *core.Principal) ([]core.Processing, error) {
	return []core.Processing{{Type: "fiche", Label: core.Text{"fr": "Fiche", "en": "Case study"}, Subject: "contact", Purpose: "=HYPERLINK(\"x\")", Basis: "consent",
		Keep: "P3Y", Class: "P2", Fields: []string{"title", "body"}, Labels: []core.Text{{"fr": "Titre", "en": "Title"}, {"fr": "Texte", "en": "Text"}}, Entries: 2}}, nil
}

func (p *worldPrivacy) Find(_ context.Context, _ *core.Principal, q core.SubjectQuery) (*core.SubjectReport, error) {
	p.asked = q
	return &core.SubjectReport{Found: []core.SubjectEntry{{Type: "fiche", ID: ficheID, Title: "Mulhouse", Fields: []string{"title"}, In: []string{"draft"}}}, Mentions: []core.SubjectEntry{}}, nil
}

func (p *worldPrivacy) Export(_ context.Context, _ *core.Principal, q core.SubjectQuery) (core.Doc, error) {
	p.asked = q
	return core.Doc(`{"entries":[]}`), nil
}

func (p *worldPrivacy) Erase(_ context.Context, _ *core.Principal, r core.Erasure) (*core.ErasureReport, error) {
	p.erased = r
	return &core.ErasureReport{DryRun: r.DryRun, Entries: r.Entries, Replaced: []core.ReplacedField{}, Refused: []core.Failure{}, Commits: 3}, nil
}

func (p *worldPrivacy) Retention(_ context.Context, _ *core.Principal, dryRun bool) (*core.RetentionReport, error) {
	p.swept = append(p.swept, dryRun)
	return &core.RetentionReport{DryRun: dryRun, At: time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC), Due: []core.RetentionDue{}}, nil
}

func (p *worldPrivacy) Resume(context.Context) error { return nil }

func privacyServer(t *testing.T, p core.Privacy) *Server {
	t.Helper()
	w := newWorld()
	w.types["_erasure"] = core.NewType(core.Type{Name: "_erasure", Schema: core.Doc(`{"title":"Erasure","type":"object"}`)})
	return newServer(t, w, func(o *Options) { o.Privacy = p })
}

func TestPrivacy(t *testing.T) {
	t.Parallel()
	const erasure = `{"entries":[{"type":"fiche","id":"01arz3ndektsv4rrffq69g5fav","fields":["title"]}],"reason":"On request"}`
	for _, tc := range []struct {
		name, method, path, body, as string
		status                       int
		holds                        string
	}{
		{"register", "GET", "register", "", admin, 200, `{"data":[{"type":"fiche","label":{"en":"Case study","fr":"Fiche"},"subject":"contact"`},
		{"register as a table", "GET", "register?format=csv", "", admin, 200, "fiche,Case study,contact,\"'=HYPERLINK(\"\"x\"\")\",consent,P3Y,P2,\"title, body\",\"Title, Text\",2\n"},
		{"register in a format that is none", "GET", "register?format=odt", "", admin, 400, "json"},
		{"find", "POST", "subjects", `{"text":"Camille Exemple","types":["fiche"]}`, admin, 200, `{"found":[{"type":"fiche"`},
		{"find by the address", "GET", "subjects?text=Camille", "", admin, 405, "POST"},
		{"find with a member too many", "POST", "subjects", `{"text":"Camille","type":"fiche"}`, admin, 400, "“type”"},
		{"find with another kind", "POST", "subjects", `{"text":["Camille"]}`, admin, 400, "openapi.json"},
		{"export", "POST", "subjects/export", `{"text":"Camille Exemple"}`, admin, 200, `{"entries":[]}`},
		{"erase", "POST", "erasures", erasure, admin, 201, `{"dryRun":false,"entries":[{"type":"fiche"`},
		{"erase with a member too many", "POST", "erasures", strings.Replace(erasure, `"id"`, `"ident":1,"id"`, 1), admin, 400, "openapi.json"},
		{"erase for nothing", "POST", "erasures", strings.Replace(erasure, `"reason"`, `"dryRun":true,"reason"`, 1), admin, 200, `{"dryRun":true`},
		{"retention", "GET", "retention", "", admin, 200, `{"dryRun":true,"at":"2025-03-01T00:00:00Z","due":[]}`},
		{"sweep", "POST", "retention", `{"dryRun":false}`, admin, 200, `{"dryRun":false`},
		{"sweep without a body", "POST", "retention", "", admin, 200, `{"dryRun":false`},
		{"sweep with a parameter", "POST", "retention?dryRun=true", "", admin, 400, "dryRun"},
		{"register by a stranger", "GET", "register", "", "Accept: */*", 401, "unauthenticated"},
		{"find by a stranger", "POST", "subjects", `{"text":"Camille`, "Accept: */*", 401, "unauthenticated"},
		{"erase by a stranger", "POST", "erasures", erasure, "Accept: */*", 401, "unauthenticated"},
		{"sweep by a stranger", "POST", "retention", "", "Accept: */*", 401, "unauthenticated"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := &worldPrivacy{}
			rec := call(t, privacyServer(t, p), tc.method, "/api/v1/privacy/"+tc.path, tc.body, tc.as)
			if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.holds) || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %s %s, want %d with %s", rec.Code, rec.Header().Get("Cache-Control"), rec.Body, tc.status, tc.holds)
			}
			if rec.Code >= 400 && (p.asked.Text != "" || p.erased.Entries != nil || p.swept != nil) {
				t.Error("what was refused was asked for all the same")
			}
		})
	}
}

func TestPrivacy_asks(t *testing.T) {
	t.Parallel()
	p := &worldPrivacy{}
	s := privacyServer(t, p)
	call(t, s, "POST", "/api/v1/privacy/subjects", `{"text":"Camille Exemple","types":["fiche"]}`, admin)
	call(t, s, "POST", "/api/v1/privacy/erasures", `{"entries":[{"type":"fiche","id":"x","purge":true}],"reason":"On request"}`, admin)
	call(t, s, "POST", "/api/v1/privacy/retention", `{"dryRun":true}`, admin)
	if p.asked.Text != "Camille Exemple" || len(p.asked.Types) != 1 || len(p.erased.Entries) != 1 || !p.erased.Entries[0].Purge || p.erased.Reason != "On request" || len(p.swept) != 1 || !p.swept[0] {
		t.Errorf("asked %+v, %+v, %v", p.asked, p.erased, p.swept)
	}
	french := call(t, s, "GET", "/api/v1/privacy/register", "", admin, "Accept: text/csv", "Accept-Language: fr")
	if !strings.HasPrefix(french.Body.String(), "Type,Libellé,") || french.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("in French: %s %s", french.Header().Get("Content-Type"), french.Body)
	}
	if rec := call(t, privacyServer(t, nil), "GET", "/api/v1/privacy/register", "", admin); rec.Code != 404 {
		t.Errorf("without the service: %d", rec.Code)
	}
}

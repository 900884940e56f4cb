package httpapi

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// scenario is one request and what must come of it. want holds parts of the body, and not what must not be there;
// headers are "Name: value" or, with an empty value, absent.
type scenario struct {
	name        string
	method      string
	path        string
	body        string
	send        []string
	status      int
	want        []string
	not         []string
	wantHeaders []string
}

func TestAPI(t *testing.T) {
	t.Parallel()
	for _, tc := range scenarios {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, newWorld())
			tc.check(t, call(t, s, tc.method, tc.path, tc.body, tc.send...))
		})
	}
}

func (tc scenario) check(t *testing.T, rec *httptest.ResponseRecorder) {
	t.Helper()
	body := rec.Body.String()
	if rec.Code != tc.status {
		t.Fatalf("status %d, want %d: %s", rec.Code, tc.status, body)
	}
	for _, part := range tc.want {
		if !strings.Contains(body, part) {
			t.Errorf("body lacks %s: %s", part, body)
		}
	}
	for _, part := range tc.not {
		if strings.Contains(body, part) {
			t.Errorf("body has %s: %s", part, body)
		}
	}
	for _, h := range tc.wantHeaders {
		name, value, _ := strings.Cut(h, ": ")
		if got := rec.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if tc.status >= 400 && tc.method != "HEAD" && !strings.Contains(rec.Header().Get("Content-Type"), "text/html") {
		if ct := rec.Header().Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("a refusal is %q", ct)
		}
	}
}

const (
	fiche   = "/api/v1/content/fiche/" + ficheID
	missing = "/api/v1/content/fiche/01jd00000000000000000000zz"
)

var scenarios = []scenario{
	// reading
	{name: "a page", method: "GET", path: "/api/v1/content/fiche", status: 200,
		want: []string{`"_id":"` + ficheID, `"total":1`}, not: []string{"secret"},
		wantHeaders: []string{"Content-Type: application/json; charset=utf-8", "Cache-Control: public, max-age=10, stale-while-revalidate=60", "Vary: Accept-Encoding, Authorization",
			"Access-Control-Allow-Origin: *", "X-Content-Type-Options: nosniff", "Cache-Tag: fiche,fiche/" + ficheID, "Content-Position: "}},
	{name: "a page for a token", method: "GET", path: "/api/v1/content/fiche", send: []string{admin}, status: 200,
		wantHeaders: []string{"Cache-Control: private, no-cache", "Access-Control-Allow-Origin: ", "Cache-Tag: "}},
	{name: "an entry by id", method: "GET", path: fiche, status: 200, want: []string{`"_rev":7`, `"title":"Mulhouse <b>"`}},
	{name: "an entry by slug", method: "GET", path: "/api/v1/content/fiche/mulhouse", status: 200, want: []string{ficheID}},
	{name: "HEAD", method: "HEAD", path: fiche, status: 200, wantHeaders: []string{"Content-Type: application/json; charset=utf-8"}},
	{name: "a former slug", method: "GET", path: "/api/v1/content/fiche/old-mulhouse?locale=fr", status: 301,
		wantHeaders: []string{"Location: /api/v1/content/fiche/mulhouse?locale=fr", "Etag: "}},
	{name: "a former slug, staying", method: "GET", path: "/api/v1/content/fiche/old-mulhouse?redirect=false", status: 200, want: []string{`{"_redirect":"mulhouse","_id"`}},
	{name: "a draft", method: "GET", path: "/api/v1/content/fiche/" + draftID, status: 404, not: []string{"secret"}},
	{name: "a draft with the right", method: "GET", path: "/api/v1/content/fiche/" + draftID + "?state=draft", send: []string{admin}, status: 200, want: []string{"secret draft"}},
	{name: "a hidden type", method: "GET", path: "/api/v1/content/note", status: 404, want: []string{`"code":"not_found"`}},
	{name: "no such type", method: "GET", path: "/api/v1/content/nope", status: 404, want: []string{`"code":"not_found"`}},
	{name: "an unknown parameter", method: "GET", path: "/api/v1/content/fiche?colour=red", status: 400, want: []string{`“colour”`, `"reason":"unknown_parameter"`}},
	{name: "a query that cannot be read", method: "GET", path: "/api/v1/content/fiche?a=%zz", status: 400},
	{name: "a query with a semicolon", method: "GET", path: "/api/v1/content/fiche?q=a;limit=2", status: 400},
	{name: "a query in a body", method: "POST", path: "/api/v1/content/fiche/query", body: `{"q":"Mulhouse"}`, status: 200, want: []string{`"total":1`}, wantHeaders: []string{"Cache-Control: private, no-cache"}},
	{name: "a query in a broken body", method: "POST", path: "/api/v1/content/fiche/query", body: `{"q":`, status: 400},
	{name: "search", method: "GET", path: "/api/v1/search?q=x", status: 200, want: []string{`"data":[]`}},
	{name: "references", method: "GET", path: fiche + "/references", send: []string{admin}, status: 200, want: []string{"references " + ficheID}},
	{name: "references for the public", method: "GET", path: fiche + "/references", status: 401},
	{name: "revisions", method: "GET", path: fiche + "/revisions", send: []string{admin}, status: 200, want: []string{"revisions"}},
	{name: "a revision", method: "GET", path: fiche + "/revisions/3?diff=2", send: []string{admin}, status: 200, want: []string{"revision 3 2"}},
	{name: "a revision that is no number", method: "GET", path: fiche + "/revisions/03", send: []string{admin}, status: 404},
	{name: "a diff that is no number", method: "GET", path: fiche + "/revisions/3?diff=x", send: []string{admin}, status: 400},

	// writing
	{name: "create", method: "POST", path: "/api/v1/content/fiche", body: `{"title":"Né"}`, send: []string{admin}, status: 201,
		want:        []string{`"_id":"` + freshID, `"_rev":1`, `"title":"Né"`},
		wantHeaders: []string{"Location: /api/v1/content/fiche/" + freshID, "Content-Position: 10", `Etag: "1"`, "Cache-Control: no-store"}},
	{name: "create and publish", method: "POST", path: "/api/v1/content/fiche?publish=true", body: `{"title":"Né"}`, send: []string{admin}, status: 201, want: []string{`"_status":"published"`}},
	{name: "create without a token", method: "POST", path: "/api/v1/content/fiche", body: `{"title":"x"`, status: 401, wantHeaders: []string{`Www-Authenticate: Bearer realm="palabre"`}},
	{name: "create in a hidden type", method: "POST", path: "/api/v1/content/note", body: `{}`, status: 404},
	{name: "create what is invalid", method: "POST", path: "/api/v1/content/fiche", body: `{}`, send: []string{admin}, status: 422,
		want: []string{`"type":"/problems/invalid"`, `"status":422`, `"code":"invalid"`, `"instance":"/api/v1/content/fiche"`, `"errors":[{"pointer":"/title","keyword":"required","message":"A title is missing."}]`, `"requestId":"`}},
	{name: "create what is invalid, in French", method: "POST", path: "/api/v1/content/fiche", body: `{}`, send: []string{admin, "Accept-Language: de, fr-CA;q=0.9, en;q=0.8"}, status: 422,
		want: []string{`"title":"Le contenu n’est pas valide"`, "Il manque un titre."}, wantHeaders: []string{"Content-Language: fr"}},
	{name: "a reserved name", method: "POST", path: "/api/v1/content/fiche", body: `{"title":"x","_id":"y","_rev":1}`, send: []string{admin}, status: 422,
		want: []string{`{"pointer":"/_id","keyword":"reserved"`, `"pointer":"/_rev"`}},
	{name: "a locale", method: "PATCH", path: fiche, body: `{"title":"x","_locale":"en"}`, send: []string{admin}, status: 200, not: []string{"_locale"}},
	{name: "a locale that is none", method: "PATCH", path: fiche, body: `{"_locale":7}`, send: []string{admin}, status: 422, want: []string{"/_locale"}},
	{name: "a body that is a list", method: "POST", path: "/api/v1/content/fiche", body: `[]`, send: []string{admin}, status: 400},
	{name: "a member twice", method: "POST", path: "/api/v1/content/fiche", body: `{"title":"a","title":"b"}`, send: []string{admin}, status: 400},
	{name: "a form", method: "POST", path: "/api/v1/content/fiche", body: `title=x`, send: []string{admin, "Content-Type: application/x-www-form-urlencoded"}, status: 415, wantHeaders: []string{"Accept-Post: application/json"}},
	{name: "no media type", method: "POST", path: "/api/v1/content/fiche", body: `{}`, send: []string{admin, "Content-Type: "}, status: 415},
	{name: "another charset", method: "POST", path: "/api/v1/content/fiche", body: `{}`, send: []string{admin, "Content-Type: application/json; charset=latin1"}, status: 415},
	{name: "a packed body", method: "POST", path: "/api/v1/content/fiche", body: `{}`, send: []string{admin, "Content-Encoding: gzip"}, status: 415},
	{name: "a patch that says so", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{admin, "Content-Type: application/merge-patch+json"}, status: 200, want: []string{`"_rev":8`}, wantHeaders: []string{`Etag: "8"`}},
	{name: "a JSON patch", method: "PATCH", path: fiche, body: `[]`, send: []string{admin, "Content-Type: application/json-patch+json"}, status: 415, wantHeaders: []string{"Accept-Patch: application/merge-patch+json, application/json"}},
	{name: "too large", method: "POST", path: "/api/v1/content/fiche", body: `{"title":"` + strings.Repeat("x", 1<<20) + `"}`, send: []string{admin}, status: 413, want: []string{`"code":"too_large"`}},
	{name: "an unknown parameter of a write", method: "POST", path: "/api/v1/content/fiche?publsh=true", body: `{"title":"x"}`, send: []string{admin}, status: 400, want: []string{"publsh", "publish"}},
	{name: "a flag that is none", method: "POST", path: "/api/v1/content/fiche?publish=maybe", body: `{"title":"x"}`, send: []string{admin}, status: 400},
	{name: "replace", method: "PUT", path: fiche, body: `{"title":"x"}`, send: []string{admin}, status: 200, want: []string{`"_rev":8`}},
	{name: "replace what is not there", method: "PUT", path: missing, body: `{"title":"x"}`, send: []string{admin}, status: 404},
	{name: "create by PUT", method: "PUT", path: missing, body: `{"title":"x"}`, send: []string{admin, "If-None-Match: *"}, status: 201, wantHeaders: []string{"Location: " + missing}},
	{name: "create by PUT what is there", method: "PUT", path: fiche, body: `{"title":"x"}`, send: []string{admin, "If-None-Match: *"}, status: 412},
	{name: "probe by PUT what may not be seen", method: "PUT", path: fiche, body: `{"title":"forbidden"}`, send: []string{admin, "If-None-Match: *"}, status: 403},
	{name: "update by slug", method: "PATCH", path: "/api/v1/content/fiche/mulhouse", body: `{}`, send: []string{admin}, status: 404},
	{name: "delete", method: "DELETE", path: fiche, send: []string{admin}, status: 204, wantHeaders: []string{"Content-Position: 10"}},
	{name: "purge", method: "DELETE", path: fiche + "?purge=true", send: []string{admin}, status: 204},
	{name: "delete as nobody", method: "DELETE", path: fiche, status: 401},

	// revisions that must match
	{name: "the right revision", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{admin, `If-Match: "7"`}, status: 200},
	{name: "the tag of a read", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{admin, `If-Match: "7-1x2y3z-gzip"`}, status: 200},
	{name: "a stale revision", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{admin, `If-Match: "6"`}, status: 412,
		want: []string{`"code":"stale"`, `"rev":7`, `"fields":["title"]`}, wantHeaders: []string{`Etag: "7"`}},
	{name: "one of several revisions", method: "PATCH", path: fiche, body: `{"title":"x"}`, send: []string{admin, `If-Match: "6", "7"`}, status: 200},
	{name: "any revision", method: "DELETE", path: fiche, send: []string{admin, `If-Match: *`}, status: 204},
	{name: "a weak tag", method: "DELETE", path: fiche, send: []string{admin, `If-Match: W/"7"`}, status: 412},
	{name: "a revision without quotes", method: "DELETE", path: fiche, send: []string{admin, `If-Match: 7`}, status: 400},

	// moving
	{name: "publish", method: "POST", path: fiche + "/transitions/publish", send: []string{admin}, status: 200, want: []string{`"_rev":8`}},
	{name: "publish later", method: "POST", path: fiche + "/transitions/publish", body: `{"at":"2027-01-01T00:00:00+01:00"}`, send: []string{admin}, status: 200},
	{name: "publish at no time", method: "POST", path: fiche + "/transitions/publish", body: `{"at":"tomorrow"}`, send: []string{admin}, status: 422, want: []string{`"pointer":"/at"`}},
	{name: "a member that moves nothing", method: "POST", path: fiche + "/transitions/publish", body: `{"when":"now"}`, send: []string{admin}, status: 400},
	{name: "no such move", method: "POST", path: fiche + "/transitions/fly", send: []string{admin}, status: 404},
	{name: "move as nobody", method: "POST", path: fiche + "/transitions/publish", status: 401},
	{name: "restore a revision", method: "POST", path: fiche + "/revisions/3/restore", send: []string{admin}, status: 200},

	// batches
	{name: "a batch", method: "POST", path: "/api/v1/batch", send: []string{admin}, status: 200,
		body: `{"operations":[{"op":"create","type":"fiche","data":{"title":"a"}},{"op":"update","type":"fiche","id":"` + ficheID + `","ifMatch":7,"data":{"title":"b"}},{"op":"transition","type":"fiche","id":"` + ficheID + `","name":"publish"},{"op":"delete","type":"fiche","id":"` + ficheID + `"}]}`,
		want: []string{`{"results":[{"op":"create","type":"fiche","id":"` + freshID, `"entry":{"_id"`}, wantHeaders: []string{"Content-Position: 10"}},
	{name: "a batch with a mistake", method: "POST", path: "/api/v1/batch", send: []string{admin}, status: 422, body: `{"operations":[{"op":"create","type":"fiche","data":{"title":"a"}},{"op":"create","type":"fiche","data":{}}]}`,
		want: []string{`"operation":1`, `"pointer":"/operations/1/data/title"`}},
	{name: "a batch, each for itself", method: "POST", path: "/api/v1/batch", send: []string{admin}, status: 200, body: `{"partial":true,"operations":[{"op":"create","type":"fiche","data":{}},{"op":"create","type":"fiche","data":{"title":"a"}}]}`,
		want: []string{`"error":{"type":"/problems/invalid"`, `"pointer":"/operations/0/data/title"`, `"created":true`}},
	{name: "a batch of nothing", method: "POST", path: "/api/v1/batch", send: []string{admin}, status: 422, body: `{"operations":[]}`},
	{name: "a batch with an unknown member", method: "POST", path: "/api/v1/batch", send: []string{admin}, status: 400, body: `{"operations":[{"op":"create","type":"fiche","datum":{}}]}`, want: []string{"datum"}},
	{name: "a batch with an unknown operation", method: "POST", path: "/api/v1/batch", send: []string{admin}, status: 422, body: `{"operations":[{"op":"destroy","type":"fiche"}]}`, want: []string{"/operations/0/op"}},
	{name: "a batch as nobody", method: "POST", path: "/api/v1/batch", status: 401, body: `{"operations":[]}`},

	// types
	{name: "types", method: "GET", path: "/api/v1/types", status: 200, want: []string{`"name":"fiche"`, `"schema":{"title":"Fiche"`}, not: []string{"note"}},
	{name: "types for a token", method: "GET", path: "/api/v1/types", send: []string{admin}, status: 200, want: []string{`"name":"note"`}},
	{name: "a type", method: "GET", path: "/api/v1/types/fiche", status: 200, want: []string{`"required":["title"]`}},
	{name: "a hidden type's schema", method: "GET", path: "/api/v1/types/note", status: 404},
	{name: "check a schema", method: "POST", path: "/api/v1/types/fiche/check", body: `{"schema":{"title":"X"}}`, send: []string{admin}, status: 200, want: []string{`"same":true`}},
	{name: "check no schema", method: "POST", path: "/api/v1/types/fiche/check", body: `{"schema":[]}`, send: []string{admin}, status: 422, want: []string{`"/schema"`}},
	{name: "check as nobody", method: "POST", path: "/api/v1/types/fiche/check", body: `{"schema":{}}`, status: 401},
	{name: "apply what breaks", method: "PUT", path: "/api/v1/types/fiche", body: `{"schema":{}}`, send: []string{admin}, status: 409, want: []string{`"review":{"type":"fiche"`, `"breaking":2`}},
	{name: "apply a new type", method: "PUT", path: "/api/v1/types/fresh", body: `{"schema":{},"repairs":[{"kind":"drop","path":"x"}]}`, send: []string{admin}, status: 201, wantHeaders: []string{"Location: /api/v1/types/fresh"}},
	{name: "apply a repair that is none", method: "PUT", path: "/api/v1/types/fiche", body: `{"schema":{},"repairs":[{"king":"drop"}]}`, send: []string{admin}, status: 422},

	// who asks
	{name: "a bad token", method: "GET", path: "/api/v1/content/fiche", send: []string{"Authorization: Bearer nope"}, status: 401},
	{name: "a bad token for what is open to all", method: "GET", path: "/healthz", send: []string{"Authorization: Bearer nope"}, status: 401},
	{name: "another scheme", method: "GET", path: "/api/v1/content/fiche", send: []string{"Authorization: Basic eDp5"}, status: 401},

	// one path, one door
	{name: "nothing here", method: "GET", path: "/api/v1/nope", status: 404, want: []string{`"code":"not_found"`}},
	{name: "another method", method: "DELETE", path: "/api/v1/content/fiche", status: 405, wantHeaders: []string{"Allow: GET, HEAD, POST"}},
	{name: "a trailing slash", method: "GET", path: "/api/v1/content/fiche/", status: 404},
	{name: "another case", method: "GET", path: "/API/v1/content/fiche", status: 404},
	{name: "two slashes", method: "GET", path: "/api/v1//content/fiche", status: 404},
	{name: "dots", method: "GET", path: "/api/v1/content/x/../fiche", status: 404},
	{name: "escaped dots", method: "GET", path: "/api/v1/content/x/%2e%2e/fiche", status: 404},
	{name: "an escaped slash", method: "GET", path: "/api/v1/content%2ffiche", status: 404},
	{name: "an escaped letter", method: "GET", path: "/api/v1/content/%66iche", status: 404},
	{name: "a line feed", method: "GET", path: "/api/v1/content/fiche%0aX", status: 404},
	{name: "a long address", method: "GET", path: "/api/v1/content/fiche?q=" + strings.Repeat("x", 9000), status: 414, want: []string{`"status":414`}},
	{name: "preflight for reading", method: "OPTIONS", path: "/api/v1/content/fiche", send: []string{"Access-Control-Request-Method: GET"}, status: 204, wantHeaders: []string{"Access-Control-Allow-Origin: *", "Access-Control-Allow-Methods: GET, HEAD"}},
	{name: "preflight for writing", method: "OPTIONS", path: "/api/v1/content/fiche", send: []string{"Access-Control-Request-Method: POST"}, status: 204, wantHeaders: []string{"Access-Control-Allow-Origin: ", "Allow: GET, HEAD, POST, OPTIONS"}},

	// positions
	{name: "a position that is there", method: "GET", path: fiche, send: []string{"Wait-For-Position: 9"}, status: 200},
	{name: "a position that is none", method: "GET", path: fiche, send: []string{"Wait-For-Position: soon"}, status: 400},
	{name: "changes", method: "GET", path: "/api/v1/changes?since=3", status: 200, want: []string{`"data":[]`, `"next":9`, `"last":true`}},
	{name: "changes since no position", method: "GET", path: "/api/v1/changes?since=-1", status: 400},

	// operations and pages
	{name: "alive", method: "GET", path: "/healthz", status: 200, want: []string{`"ok"`}},
	{name: "ready", method: "GET", path: "/readyz", status: 200, want: []string{`"reads":true`, `"writes":true`, `"position":9`}},
	{name: "metrics", method: "GET", path: "/metrics", status: 200, want: []string{"palabre_http_requests_total"}},
	{name: "a problem", method: "GET", path: "/problems/bad-request", status: 200, want: []string{`"status":400`}},
	{name: "no problem", method: "GET", path: "/problems/none", status: 404},
	{name: "home", method: "GET", path: "/", status: 200, want: []string{`<html lang="fr">`, "Fiches", "/browse/fiche"}, not: []string{"<style", "style=", "onclick"},
		wantHeaders: []string{"Content-Security-Policy: " + pagePolicy, "Content-Type: text/html; charset=utf-8", "Vary: Accept-Encoding, Accept-Language, Authorization"}},
	{name: "home in English", method: "GET", path: "/", send: []string{"Accept-Language: en"}, status: 200, want: []string{`<html lang="en">`, "Case studies"}},
	{name: "home as asked", method: "GET", path: "/?lang=en", status: 200, want: []string{"/browse/fiche?lang=en"}},
	{name: "browse", method: "GET", path: "/browse/fiche", status: 200, want: []string{"Mulhouse &lt;b&gt;", "/browse/fiche/mulhouse", "1er février 2026", "Publié"}, not: []string{"secret", "<b>"}},
	{name: "browse for nothing", method: "GET", path: "/browse/fiche?q=%3Cscript%3E", status: 200, want: []string{"Aucun résultat", "&lt;script&gt;"}, not: []string{"<script>"}},
	{name: "browse a hidden type", method: "GET", path: "/browse/note", send: []string{"Accept: text/html"}, status: 404, want: []string{"<h1>Introuvable</h1>"}},
	{name: "browse one", method: "GET", path: "/browse/fiche/mulhouse?lang=en", status: 200, want: []string{"<h1>Mulhouse &lt;b&gt;</h1>", "1 February 2026"}},
	{name: "browse a draft", method: "GET", path: "/browse/fiche/" + draftID, status: 404, not: []string{"secret"}},
	{name: "no such asset", method: "GET", path: "/assets/../server.go", status: 404},
}

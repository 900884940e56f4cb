package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The attacks on the running program: what a stranger tries who has read the source. The files beside this one hold
// those on queries, on drafts and private content, on the parsers, and the fuzzer; here are the tools and the doors.

// stronghold is a node with types of its own, which logs all that it can.
func stronghold(t *testing.T, schemas ...string) *node {
	t.Helper()
	dir := t.TempDir()
	for i, text := range schemas {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PALABRE_LOG_LEVEL=debug"}
	if len(schemas) > 0 {
		env = append(env, "PALABRE_SCHEMAS="+dir)
	}
	n := start(t, nodeOptions{Env: env})
	t.Cleanup(func() { unharmed(t, n) })
	return n
}

// rssLimit is what a server under attack may hold: SECURITY's bound for fuzzing.
const rssLimit = 512 << 20

// unharmed checks what must hold after every attack: the server lives, has not panicked, failed or grown, and has
// written no token to its log.
func unharmed(t *testing.T, n *node) {
	t.Helper()
	if a := n.public("GET", "/readyz"); a.Status != http.StatusOK {
		t.Errorf("readyz: %d", a.Status)
	}
	if held := rssAnon(t, n); held > rssLimit {
		t.Errorf("the server holds %d MB", held>>20)
	}
	for line := range strings.Lines(n.log.String()) {
		if strings.Contains(line, "panic") || strings.Contains(line, "level=ERROR") || strings.Contains(line, "goroutine ") {
			t.Errorf("logged: %s", line)
		}
		if strings.Contains(line, adminToken) || tokenText.MatchString(line) {
			t.Errorf("a token is logged: %s", line)
		}
	}
}

// tokenText finds the secret of an API token; the eight letters of its hint are too few.
var tokenText = regexp.MustCompile(`pal_[A-Za-z0-9_-]{12,}`)

// rssAnon is the memory that a server holds beyond its files.
func rssAnon(t *testing.T, n *node) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// sendRaw sends a body as it is.
func sendRaw(t *testing.T, n *node, method, path, body string, headers ...string) *answer {
	t.Helper()
	req, err := http.NewRequest(method, n.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %.200s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{Status: resp.StatusCode, Header: resp.Header, Body: text}
}

// asAdmin is sendRaw with the administrator's token.
func asAdmin(t *testing.T, n *node, method, path, body string, headers ...string) *answer {
	t.Helper()
	return sendRaw(t, n, method, path, body, append([]string{bearer(adminToken)}, headers...)...)
}

func bearer(token string) string { return "Authorization: Bearer " + token }

// wire sends bytes that no client library would send, and reads what comes back. A connection that is closed without an
// answer is status 0.
func wire(t *testing.T, n *node, request string) *answer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, request) // a server that has heard enough closes before all is sent
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return &answer{Header: http.Header{}}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return &answer{Status: resp.StatusCode, Header: resp.Header, Body: text}
}

// wireAll is wire for a request that ends where it ends: the caller has nothing more to say, so nobody waits for it.
func wireAll(t *testing.T, n *node, request string) *answer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, request)
	_ = conn.(*net.TCPConn).CloseWrite()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return &answer{Header: http.Header{}}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return &answer{Status: resp.StatusCode, Header: resp.Header, Body: text}
}

// get is the text of a request for a target that is sent exactly so.
func get(target string, headers ...string) string {
	for i, h := range headers {
		if strings.HasPrefix(h, "Host: ") {
			return strings.Replace(get(target, slices.Delete(slices.Clone(headers), i, i+1)...), "Host: palabre.test", h, 1)
		}
	}
	return "GET " + target + " HTTP/1.1\r\nHost: palabre.test\r\n" + strings.Join(append(headers, "Connection: close"), "\r\n") + "\r\n\r\n"
}

// newToken makes a token of a role and gives its text.
func newToken(n *node, role string, more map[string]any) string {
	n.t.Helper()
	fields := map[string]any{"name": role, "role": role}
	maps.Copy(fields, more)
	made := n.want(http.StatusCreated, "POST", "/api/v1/content/_token", fields).JSON(n.t)
	text, _ := made["token"].(string)
	if !strings.HasPrefix(text, "pal_") {
		n.t.Fatalf("no token in %v", made)
	}
	return text
}

// ids names identifiers, so that answers of two servers can be compared.
type ids map[string]string

// fill puts identifiers in the place of their names.
func (m ids) fill(s string) string {
	for name, id := range m {
		s = strings.ReplaceAll(s, "{"+name+"}", id)
	}
	return s
}

// face is all that an answer shows, with what differs between any two servers written alike.
func (m ids) face(a *answer) string {
	var out strings.Builder
	fmt.Fprintln(&out, a.Status)
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		switch name {
		case "X-Request-Id": // names the request; an answer out of the cache may do without
		case "Date", "Etag", "Content-Length", "Content-Position": // they follow the identifiers and times
			fmt.Fprintln(&out, name)
		default:
			fmt.Fprintln(&out, name, a.Header[name])
		}
	}
	out.Write(a.Body)
	text := out.String()
	for name, id := range m {
		text = strings.ReplaceAll(text, id, "{"+name+"}")
	}
	return moment.ReplaceAllString(volatile.ReplaceAllString(text, `"$1":"…"`), "{time}")
}

// --- the doors ---

func TestSecurity_Tokens(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	draft := n.create("note", map[string]any{"title": "Entwurf"}, "")
	path := "/api/v1/content/note/" + draft + "?state=draft"
	past := newToken(n, "administrator", map[string]any{"expiresAt": "2001-01-01T00:00:00Z"})
	good := newToken(n, "administrator", nil)
	revoked := n.want(http.StatusCreated, "POST", "/api/v1/content/_token", map[string]any{"name": "r", "role": "administrator"}).JSON(t)
	revokedText := revoked["token"].(string)
	if a := sendRaw(t, n, "GET", path, "", bearer(revokedText)); a.Status != 200 {
		t.Fatalf("a good token: %d", a.Status)
	}
	n.want(http.StatusNoContent, "DELETE", "/api/v1/content/_token/"+revoked["_id"].(string), nil)

	for _, tc := range []struct {
		attack string
		target string
		header string
		want   int
	}{
		{"a good token, to see the others fail for their fault", path, bearer(good), 200},
		{"no token", path, "", 401},
		{"an unknown token", path, bearer("pal_" + strings.Repeat("A", 43)), 401},
		{"an expired token", path, bearer(past), 401},
		{"a revoked token, at the next request", path, bearer(revokedText), 401},
		{"a truncated token", path, bearer(good[:len(good)-1]), 401},
		{"a prolonged token", path, bearer(good + "A"), 401},
		{"the hint alone", path, bearer(good[:8]), 401},
		{"another case", path, bearer(strings.ToUpper(good)), 401},
		{"an empty token", path, "Authorization: Bearer ", 401},
		{"a token of 600 characters", path, bearer("pal_" + strings.Repeat("A", 600)), 401},
		{"two tokens in one header", path, bearer(good + ", Bearer " + good), 401},
		{"another scheme", path, "Authorization: Basic " + good, 401},
		{"no scheme", path, "Authorization: " + good, 401},
		{"in a cookie", path, "Cookie: token=" + good, 401},
		{"in X-Api-Key", path, "X-Api-Key: " + good, 401},
		{"as the proxy's authorisation", path, "Proxy-Authorization: Bearer " + good, 401},
		{"a bad token on a public page is refused rather than passed over", "/api/v1/content/note", bearer("pal_nonsense"), 401},
		{"in the query as token", path + "&token=" + good, "", 400},
		{"in the query as access_token", path + "&access_token=" + good, "", 400},
		{"in the query as authorization", path + "&Authorization=Bearer+" + good, "", 400},
		{"in the query as preview", path + "&preview=" + good, "", 401},
	} {
		var headers []string
		if tc.header != "" {
			headers = []string{tc.header}
		}
		if a := sendRaw(t, n, "GET", tc.target, "", headers...); a.Status != tc.want {
			// A parameter that is unknown may be told of before or after who asks; neither lets him in.
			if tc.want != 400 || a.Status != 401 {
				t.Errorf("%s: %d, want %d\n%s", tc.attack, a.Status, tc.want, a.Body)
			}
		}
	}
	if a := wire(t, n, get(path, bearer(good), bearer("pal_other"))); a.Status != 401 {
		t.Errorf("two Authorization headers: %d", a.Status)
	}
	for _, query := range []string{"", "?state=draft&fields=hash", "?filter[hash][prefix]=a&state=draft", "?state=draft&sort=hash", "?facets=hash&state=draft", "?q=pal_&state=draft"} {
		a := asAdmin(t, n, "GET", "/api/v1/content/_token"+query, "")
		if bytes.Contains(a.Body, []byte(`"hash":"`)) || tokenText.Match(a.Body) {
			t.Errorf("/_token%s shows a secret: %s", query, a.Body)
		}
		if query != "" && !strings.Contains(query, "q=") && a.Status != 400 {
			t.Errorf("/_token%s: %d, want 400", query, a.Status)
		}
	}
	// A token cannot be given the hash of one that its maker knows, nor be raised by a patch of its hash.
	for _, op := range []string{"POST /api/v1/content/_token", "PATCH /api/v1/content/_token/" + revoked["_id"].(string)} {
		method, target, _ := strings.Cut(op, " ")
		body := `{"name": "x", "role": "administrator", "hash": "` + strings.Repeat("0", 64) + `"}`
		if a := asAdmin(t, n, method, target, body); a.Status < 400 {
			t.Errorf("%s with a hash: %d", op, a.Status)
		}
	}
}

// Whoever asks first must not decide what the next one sees.
func TestSecurity_CachesNeverMixScopes(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	ref := n.create("writer", map[string]any{"name": "W", "phone": "canaryphone"}, "?publish=true")
	pub := n.create("note", map[string]any{"title": "Seen", "secretary": "canarysecretary", "author": map[string]any{"_ref": ref, "_type": "writer"}}, "?publish=true")
	n.create("note", map[string]any{"title": "canarydraft"}, "")
	viewer := newToken(n, "viewer", nil)
	for _, path := range []string{"/api/v1/content/note", "/api/v1/content/note/" + pub, "/api/v1/content/note/seen", "/api/v1/content/note?include=author",
		"/api/v1/content/writer/" + ref, "/api/v1/search?q=seen", "/api/v1/types/note", "/api/v1/types", "/openapi.json", "/", "/browse/note", "/browse/writer/w", "/api/v1/content/note/" + pub + "/references",
		"/api/v1/changes", "/api/v1/content/note?q=canarysecretary"} {
		want := ids{}.face(n.public("GET", path))
		for round, as := range []string{adminToken, "", viewer, adminToken, "", viewer, ""} {
			var headers []string
			if as != "" {
				headers = []string{bearer(as)}
			}
			a := sendRaw(t, n, "GET", path, "", headers...)
			vary := strings.Join(a.Header.Values("Vary"), ",")
			if a.Status == 200 && a.Header.Get("Cache-Control") != "no-store" && !strings.Contains(vary, "Authorization") {
				t.Errorf("%s: Vary is %q", path, vary)
			}
			switch as {
			case "":
				if got := (ids{}).face(a); got != want {
					t.Errorf("%s round %d: a stranger is answered differently after others asked:\n%s\n---\n%s", path, round, got, want)
				}
				if bytes.Contains(a.Body, []byte("canaryphone")) || bytes.Contains(a.Body, []byte("canarydraft")) || !strings.Contains(path, "q=canary") && bytes.Contains(a.Body, []byte("canary")) {
					t.Errorf("%s round %d shows a stranger: %s", path, round, a.Body)
				}
			default:
				if c := a.Header.Get("Cache-Control"); strings.Contains(c, "public") || a.Header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s: an answer to a token says Cache-Control %q, CORS %q", path, c, a.Header.Get("Access-Control-Allow-Origin"))
				}
				if as == viewer && bytes.Contains(a.Body, []byte("canary")) && !strings.Contains(path, "q=canary") {
					t.Errorf("%s round %d shows a viewer: %s", path, round, a.Body)
				}
			}
		}
		// The tag of what the administrator saw tells a stranger nothing: it is not his answer's.
		tag := asAdmin(t, n, "GET", path, "").Header.Get("Etag")
		mine := n.public("GET", path).Header.Get("Etag")
		if a := n.public("GET", path, "If-None-Match: "+tag); tag != "" && tag != mine && a.Status == http.StatusNotModified {
			t.Errorf("%s: the administrator's tag is confirmed to a stranger", path)
		}
	}
}

// A key names a request of one caller: another's answer is never given for it.
func TestSecurity_IdempotencyKeysBelongToTheirCaller(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	other := newToken(n, "administrator", nil)
	viewer := newToken(n, "viewer", nil)
	key, body := "Idempotency-Key: same", `{"title": "Once", "secretary": "canary"}`
	first := asAdmin(t, n, "POST", "/api/v1/content/note", body, key)
	again := asAdmin(t, n, "POST", "/api/v1/content/note", body, key)
	if first.Status != 201 || again.Header.Get("Idempotency-Replayed") != "true" || again.JSON(t)["_id"] != first.JSON(t)["_id"] {
		t.Fatalf("a retry: %d %s", again.Status, again.Body)
	}
	if a := sendRaw(t, n, "POST", "/api/v1/content/note", body, key, bearer(other)); a.Header.Get("Idempotency-Replayed") != "" || a.Status != 201 || a.JSON(t)["_id"] == first.JSON(t)["_id"] {
		t.Errorf("another administrator's key: %d %s", a.Status, a.Body)
	}
	for _, header := range [][]string{{key, bearer(viewer)}, {key}} {
		if a := sendRaw(t, n, "POST", "/api/v1/content/note", body, header...); a.Status != 401 && a.Status != 403 || bytes.Contains(a.Body, []byte("canary")) {
			t.Errorf("a caller without rights, with a known key: %d %s", a.Status, a.Body)
		}
	}
	for _, tc := range []struct{ attack, path, body, key string }{
		{"another body", "/api/v1/content/note", `{"title": "Twice"}`, "same"},
		{"another address", "/api/v1/content/note?publish=true", body, "same"},
		{"another type", "/api/v1/content/writer", body, "same"},
		{"an empty key", "/api/v1/content/note", body, ""},
		{"a key of 300 characters", "/api/v1/content/note", body, strings.Repeat("k", 300)},
		{"a key with a control character", "/api/v1/content/note", body, "a\tb"},
	} {
		a := asAdmin(t, n, "POST", tc.path, tc.body, "Idempotency-Key: "+tc.key)
		if a.Status != 400 && a.Status != 409 && a.Status != 422 {
			t.Errorf("%s: %d %s", tc.attack, a.Status, a.Body)
		}
	}
}

// A batch, a bulk, an upsert or a PUT of a chosen identifier opens nothing that the front door keeps shut.
func TestSecurity_SecondDoors(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	viewer := newToken(n, "viewer", nil)
	note := n.create("note", map[string]any{"title": "N", "code": "known"}, "?publish=true")
	memo := n.create("memo", map[string]any{"title": "canarymemo", "slug": "known"}, "?publish=true")
	position := n.public("GET", "/readyz").JSON(t)["position"]
	callers := map[string][]string{"a stranger": nil, "a viewer": {bearer(viewer)}}
	for who, headers := range callers {
		for _, typ := range []string{"note", "memo", "absent", "_token", "_type"} {
			id := map[string]string{"note": note, "memo": memo}[typ]
			if id == "" {
				id = "01jd0000000000000000000000"
			}
			at := "/api/v1/content/" + typ
			for _, door := range []struct{ method, path, body string }{
				{"POST", at, `{"title": "x"}`},
				{"POST", at + "?publish=true", `{"title": "x"}`},
				{"PATCH", at + "/" + id, `{"title": "x"}`},
				{"PUT", at + "/" + id, `{"title": "x"}`},
				{"PUT If-None-Match: *", at + "/" + id, `{"title": "x"}`},
				{"PUT If-None-Match: *", at + "/01jd0000000000000000000001", `{"title": "x"}`},
				{"DELETE", at + "/" + id, ""},
				{"DELETE", at + "/" + id + "?purge=true", ""},
				{"POST", at + "/" + id + "/transitions/publish", ""},
				{"POST", at + "/" + id + "/transitions/unpublish", ""},
				{"POST", at + "/" + id + "/transitions/restore", ""},
				{"POST", at + "/" + id + "/transitions/nonsense", ""},
				{"POST", at + "/" + id + "/transitions/unschedule", ""},
				{"POST", at + "/" + id + "/transitions/read", ""},
				{"POST", at + "/" + id + "/transitions/list", ""},
				{"POST", at + "/" + id + "/transitions/publish", `{"at": "2999-01-01T00:00:00Z"}`},
				{"POST", at + "/" + id + "/revisions/1/restore", ""},
				{"GET", at + "/" + id + "/revisions", ""},
				{"GET", at + "/" + id + "/revisions/1", ""},
				{"PUT", "/api/v1/types/" + typ, `{"schema": {"title": "x"}}`},
				{"POST", "/api/v1/types/" + typ + "/check", `{"schema": {"title": "x"}}`},
			} {
				method, extra, _ := strings.Cut(door.method, " ")
				all := headers
				if extra != "" {
					all = append(slices.Clone(headers), extra)
				}
				a := sendRaw(t, n, method, door.path, door.body, all...)
				if a.Status != 401 && a.Status != 403 && a.Status != 404 || bytes.Contains(a.Body, []byte("canary")) {
					t.Errorf("%s: %s %s: %d %s", who, door.method, door.path, a.Status, a.Body)
				}
				if typ != "note" && a.Status != 404 {
					t.Errorf("%s learns that there is %s: %s %s: %d %s", who, typ, door.method, door.path, a.Status, a.Body)
				}
			}
			for _, op := range []string{"create", "update", "replace", "upsert", "transition", "delete", "purge", "restore"} {
				for _, value := range []string{"known", "unknown"} {
					for _, partial := range []string{"", `"partial": true, `, `"dryRun": true, `} {
						body := fmt.Sprintf(`{%s"operations": [{"op": %q, "type": %q, "id": %q, "data": {"title": "x", "code": %q, "slug": %q}, "name": "nonsense", "match": "slug", "rev": 1}]}`,
							partial, op, typ, id, value, value)
						a := sendRaw(t, n, "POST", "/api/v1/batch", body, headers...)
						text := string(a.Body)
						refused := a.Status == 401 || a.Status == 403 || a.Status == 404 || a.Status == 200 && strings.Contains(text, `"error":`)
						if !refused || strings.Contains(text, "canary") {
							t.Errorf("%s: batch %s %s: %d %s", who, op, typ, a.Status, text)
						}
						if typ != "note" && who != "a stranger" && !strings.Contains(text, `"code":"not_found","detail":"There is no content type \"`+typ) {
							t.Errorf("%s learns that there is %s: batch %s: %d %s", who, typ, op, a.Status, text)
						}
					}
				}
			}
		}
	}
	if now := n.public("GET", "/readyz").JSON(t)["position"]; now != position {
		t.Errorf("something was written: position %v, then %v", position, now)
	}
}

// Whatever a stranger does with a type that he must not know, he is answered as if there were none.
func TestSecurity_HiddenTypesAreAbsent(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	memo := n.create("memo", map[string]any{"title": "M"}, "?publish=true")
	viewer := bearer(newToken(n, "viewer", nil))
	for _, language := range []string{"Accept-Language: en", "Accept-Language: fr", "Accept-Language: de"} {
		for _, who := range []string{"X-Nobody: 1", viewer} {
			for _, request := range []string{"GET /api/v1/content/TYPE", "HEAD /api/v1/content/TYPE", "POST /api/v1/content/TYPE", "POST /api/v1/content/TYPE/query", "GET /api/v1/content/TYPE/ID",
				"GET /api/v1/content/TYPE/m", "PATCH /api/v1/content/TYPE/ID", "PUT /api/v1/content/TYPE/ID", "DELETE /api/v1/content/TYPE/ID", "POST /api/v1/content/TYPE/ID/transitions/publish",
				"POST /api/v1/content/TYPE/ID/transitions/nonsense", "GET /api/v1/content/TYPE/ID/revisions", "GET /api/v1/content/TYPE/ID/revisions/1", "GET /api/v1/content/TYPE/ID/references",
				"POST /api/v1/content/TYPE/ID/revisions/1/restore", "GET /api/v1/types/TYPE", "PUT /api/v1/types/TYPE", "POST /api/v1/types/TYPE/check", "GET /browse/TYPE", "GET /browse/TYPE/m",
				"GET /api/v1/changes?types=TYPE", "GET /api/v1/search?q=m&types=TYPE", "OPTIONS /api/v1/content/TYPE"} {
				face := func(typ string) string {
					method, path, _ := strings.Cut(strings.ReplaceAll(strings.ReplaceAll(request, "TYPE", typ), "ID", memo), " ")
					body := ""
					if method == "POST" || method == "PUT" || method == "PATCH" {
						body = `{"title": "x"}`
					}
					return strings.ReplaceAll(ids{}.face(sendRaw(t, n, method, path, body, language, who)), typ, "TYPE")
				}
				if hidden, absent := face("memo"), face("mxxo"); hidden != absent {
					t.Errorf("%s (%s) tells a hidden type from an absent one:\n%s\n---\n%s", request, language, hidden, absent)
				}
			}
		}
	}
}

// --- headers ---

func TestSecurity_Headers(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	id := n.create("note", map[string]any{"title": "Alter Titel"}, "?publish=true")
	n.want(http.StatusOK, "PATCH", "/api/v1/content/note/"+id+"?publish=true", map[string]any{"slug": "neu"})

	t.Run("a former slug leads to an address of this server and nowhere else", func(t *testing.T) {
		for _, query := range []string{"", "?fields=title", "?fields=title%0d%0aX-Evil:%201", "?fields=//evil.example", "?locale=fr&fields=%2F%2Fevil.example"} {
			for _, headers := range [][]string{nil, {"Host: evil.example"}, {"X-Forwarded-Host: evil.example"}, {"X-Forwarded-Proto: gopher"}, {"Forwarded: host=evil.example"}, {"X-Original-URL: /evil"}, {"X-Rewrite-URL: /evil"}} {
				a := wire(t, n, get("/api/v1/content/note/alter-titel"+query, headers...))
				location := a.Header.Get("Location")
				if a.Status == 301 && (!strings.HasPrefix(location, "/api/v1/content/note/neu") || strings.ContainsAny(location, "\r\n")) || a.Header.Get("X-Evil") != "" {
					t.Errorf("%s %v: %d to %q", query, headers, a.Status, location)
				}
				if a.Status != 301 && a.Status != 400 {
					t.Errorf("%s %v: %d", query, headers, a.Status)
				}
			}
		}
	})
	t.Run("a host that a shell would read is not offered for copying", func(t *testing.T) {
		for _, host := range []string{"x';id;'", "$(id)", "a&b", "a(b)", "evil.example'", "*"} {
			if a := wire(t, n, get("/", "Host: "+host)); strings.Contains(html.UnescapeString(string(a.Body)), host+"/api") || a.Status != 200 && a.Status != 400 {
				t.Errorf("%q: %d\n%s", host, a.Status, a.Body)
			}
		}
	})
	t.Run("no header of a request turns up where it could do harm", func(t *testing.T) {
		for _, h := range []string{"Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-For: 127.0.0.1", "X-Real-Ip: 127.0.0.1", "X-Forwarded-Prefix: /evil.example", "Origin: https://evil.example",
			"Referer: https://evil.example", "X-Request-Id: evil.example<script>", "Accept-Language: evil.example", "Accept: evil.example"} {
			for _, path := range []string{"/", "/api/v1/content/note", "/openapi.json", "/api/v1/content/absent", "/browse/note"} {
				a := wire(t, n, get(path, h))
				if path == "/" && strings.HasPrefix(h, "Host: ") {
					continue // shown as the address that the page was asked under; it must be asked for again each time
				}
				var head bytes.Buffer
				_ = a.Header.Write(&head)
				if strings.Contains(head.String()+string(a.Body), "evil.example") || a.Status >= 500 {
					t.Errorf("%s of %s: %d\n%s%s", h, path, a.Status, head.String(), a.Body)
				}
			}
		}
	})
	t.Run("methods are what the request line says", func(t *testing.T) {
		for _, h := range []string{"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE"} {
			for _, path := range []string{"/api/v1/content/note/" + id, "/api/v1/content/note/" + id + "?_method=DELETE"} {
				a := asAdmin(t, n, "POST", path, `{"_method": "DELETE"}`, h)
				if a.Status < 400 {
					t.Errorf("%s %s: %d", h, path, a.Status)
				}
			}
		}
		for _, method := range []string{"TRACE", "CONNECT", "PROPFIND", "get", "DEBUG", "PURGE"} {
			a := wire(t, n, strings.Replace(get("/api/v1/content/note"), "GET", method, 1))
			if a.Status < 400 || a.Status >= 500 && a.Status != 501 {
				t.Errorf("%s: %d", method, a.Status)
			}
		}
		n.want(http.StatusOK, "GET", "/api/v1/content/note/"+id, nil)
	})
	t.Run("scripts of other sites read what is public, and nothing with credentials", func(t *testing.T) {
		for _, tc := range []struct {
			request, header string
		}{
			{"GET /api/v1/content/note", bearer(adminToken)},
			{"GET /api/v1/content/note", "Cookie: session=1"},
			{"OPTIONS /api/v1/content/note", "Access-Control-Request-Method: POST"},
			{"OPTIONS /api/v1/content/note", "Access-Control-Request-Method: GET"},
			{"OPTIONS /api/v1/content/note/x", "Access-Control-Request-Method: DELETE"},
			{"OPTIONS /api/v1/batch", "Access-Control-Request-Method: POST"},
			{"OPTIONS /api/v1/types/note", "Access-Control-Request-Method: PUT"},
		} {
			method, path, _ := strings.Cut(tc.request, " ")
			a := sendRaw(t, n, method, path, "", "Origin: https://evil.example", tc.header)
			origin := a.Header.Get("Access-Control-Allow-Origin")
			if a.Header.Get("Access-Control-Allow-Credentials") != "" || strings.Contains(origin, "evil") || strings.Contains(strings.ToLower(a.Header.Get("Access-Control-Allow-Headers")), "authorization") {
				t.Errorf("%s %s: %v", tc.request, tc.header, a.Header)
			}
			for _, m := range []string{"POST", "PUT", "PATCH", "DELETE"} {
				if strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), m) {
					t.Errorf("%s %s allows scripts %s", tc.request, tc.header, m)
				}
			}
			if origin != "" && (strings.HasPrefix(tc.header, "Authorization") || strings.Contains(tc.header, "POST") || strings.Contains(tc.header, "DELETE") || strings.Contains(tc.header, "PUT")) {
				t.Errorf("%s %s: CORS %q", tc.request, tc.header, origin)
			}
		}
	})
	t.Run("pages and answers are not to be sniffed, framed or scripted", func(t *testing.T) {
		n.create("note", map[string]any{"title": `<script>alert(1)</script>`, "body": `"><img src=x onerror=alert(1)>`, "slug": "xss"}, "?publish=true")
		for _, path := range []string{"/", "/browse/note", "/browse/note/xss", "/browse/note?q=%3Cscript%3Ealert(1)%3C/script%3E", "/api/v1/content/note/xss", "/browse/absent", "/%3Cscript%3E"} {
			a := n.public("GET", path, "Accept: text/html")
			if a.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s may be sniffed", path)
			}
			if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				continue
			}
			policy := a.Header.Get("Content-Security-Policy")
			if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s: policy %q", path, policy)
			}
			if bytes.Contains(a.Body, []byte("<script>alert")) || bytes.Contains(a.Body, []byte("<img src=x")) {
				t.Errorf("%s runs what was typed:\n%s", path, a.Body)
			}
		}
	})
}

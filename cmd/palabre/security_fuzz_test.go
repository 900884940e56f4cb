package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every route of the server's own description is asked with hostile values, as stranger, viewer and administrator.
// Nothing of it may make the server fail.
func TestSecurity_FuzzedRoutes(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	m := ids{"writer": n.create("writer", map[string]any{"name": "W"}, "?publish=true")}
	m["note"] = n.create("note", map[string]any{"title": "N", "author": map[string]any{"_ref": m["writer"], "_type": "writer"}}, "?publish=true")
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(asAdmin(t, n, "GET", "/openapi.json", "").Body, &api); err != nil {
		t.Fatal(err)
	}
	var routes []string
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(api.Paths[path])) {
			if slices.Contains([]string{"get", "head", "post", "put", "patch", "delete", "options"}, method) {
				routes = append(routes, strings.ToUpper(method)+" "+path)
			}
		}
	}
	routes = slices.DeleteFunc(routes, func(r string) bool { // the templates say it once for all types; those of one type are the same
		return strings.Contains(r, "/content/memo") || strings.Contains(r, "/content/writer") || strings.Contains(r, "/content/_") && !strings.Contains(r, "/content/_token")
	})
	if len(routes) < 20 {
		t.Fatalf("the description has only %d routes: %v", len(routes), routes)
	}
	f := fuzzer{rand.New(rand.NewPCG(20, 26)), m}
	tokens := []string{"", newToken(n, "viewer", nil), adminToken, adminToken, adminToken, adminToken}
	good := 0
	for i := range 2600 {
		method, path, _ := strings.Cut(routes[i%len(routes)], " ")
		target, body := f.target(path), ""
		if method == "POST" || method == "PUT" || method == "PATCH" {
			body = f.body(path)
		}
		var headers []string
		if token := pick(f, tokens...); token != "" {
			headers = append(headers, bearer(token))
		}
		if f.IntN(5) == 0 {
			headers = append(headers, f.header())
		}
		a := sendRaw(t, n, method, target, body, headers...)
		if a.Status >= 500 {
			t.Errorf("%s %s %v %.300s: %d %s", method, target, headers, body, a.Status, a.Body)
		}
		if a.Status < 300 {
			good++
		}
		if a.Status == http.StatusCreated && strings.Contains(target, "/content/") { // what it made is what is attacked next
			made := a.JSON(t)
			m[fmt.Sprint(made["_type"])] = fmt.Sprint(made["_id"])
		}
		if kind := a.Header.Get("Content-Type"); a.Status >= 400 && method != "HEAD" && !strings.HasPrefix(kind, "application/problem+json") && !strings.HasPrefix(kind, "text/html") {
			t.Errorf("%s %s: a refusal of kind %q", method, target, kind)
		}
		if len(a.Body) > 0 && a.Header.Get("Content-Encoding") == "" && !validJSON(a.Header.Get("Content-Type"), a.Body) {
			t.Errorf("%s %s: no JSON: %.300s", method, target, a.Body)
		}
	}
	if good < 250 {
		t.Errorf("only %d requests were answered: the others were too wrong to get far", good)
	}
}

// validJSON reports whether a body that says to be JSON is, or of JSON Lines each line.
func validJSON(kind string, body []byte) bool {
	if strings.HasPrefix(kind, "application/jsonl") {
		for line := range bytes.Lines(body) {
			if !json.Valid(line) {
				return false
			}
		}
		return true
	}
	return !strings.Contains(kind, "json") || json.Valid(body)
}

// fuzzer makes requests that are nearly right. Its seed is fixed: what it finds, it finds again.
type fuzzer struct {
	*rand.Rand
	ids ids
}

func pick[T any](f fuzzer, of ...T) T { return of[f.IntN(len(of))] }

var pathParameter = regexp.MustCompile(`\{[^}]*\}`)

func (f fuzzer) target(path string) string {
	if strings.HasPrefix(path, "/api/v1/types/") { // a type of its own: the others are needed as they are
		path = strings.Replace(path, "{type}", pick(f, "scratch", "scratch", "_type", "absent"), 1)
	}
	path = strings.Replace(path, "{type}", pick(f, "note", "note", "note", "writer", "memo", "_type", "absent"), 1)
	id := f.ids["note"]
	if parts := strings.Split(path, "/"); len(parts) > 4 && f.ids[parts[4]] != "" {
		id = f.ids[parts[4]]
	}
	out := pathParameter.ReplaceAllStringFunc(path, func(name string) string {
		switch name {
		case "{id}":
			return pick(f, id, id, id, id, "n", "absent", "01jd0000000000000000000000", "%27", strings.Repeat("a", 300))
		case "{rev}":
			return pick(f, "1", "1", "1", "0", "-1", "9223372036854775808", "x")
		case "{name}":
			return pick(f, "publish", "unpublish", "restore", "unschedule", "absent", "%24where")
		}
		return pick(f, "x", "not-found", "style.css")
	})
	params := url.Values{}
	for range f.IntN(6) / 2 {
		if f.IntN(3) > 0 && !strings.Contains(path, "}/") {
			name, value, _ := strings.Cut(f.rightParameter(), "=")
			params.Set(name, value)
			continue
		}
		params.Add(f.parameter(), f.value())
	}
	if len(params) == 0 {
		return out
	}
	return out + "?" + params.Encode()
}

// rightParameter is what a website would send, for the hostile rest to get past the first check.
func (f fuzzer) rightParameter() string {
	return pick(f, "filter[count][gte]=0", "filter[title][contains]=n", "filter[author.name]=W", "filter[kind][in]=a,b", "sort=-count,title", "sort=author.name", "limit=2", "total=false", "fields=title", "include=author,next", "facets=kind,tags",
		"locale=en", "bbox=-10,-10,50,50", "near=48,2,1000", "q=n", "richtext=html", `filter={"or":[{"count":{"gt":1}},{"not":{"kind":"a"}}]}`, "state=draft", "state=trash", "highlight=true")
}

func (f fuzzer) parameter() string {
	field := pick(f, "title", "count", "score", "day", "kind", "tags", "place", "author", "author.name", "next.next.next.title", "secretary", "_rev", "_publishedAt", "_id", "$where", "__proto__", "a.b.c")
	op := pick(f, "eq", "ne", "lt", "gte", "in", "nin", "contains", "prefix", "exists", "between", "$gt", "")
	return pick(f, "filter", "filter["+field+"]", "filter["+field+"]["+op+"]", "q", "sort", "limit", "after", "total", "fields", "include", "facets", "locale", "state", "bbox", "near", "within", "geo", "preview",
		"highlight", "richtext", "since", "types", "publish", "purge", "comment", "diff", "lang", "redirect", "x")
}

func (f fuzzer) value() string {
	return pick(f, "", "0", "1", "-1", "true", "null", "title", "-count,title", "note", "author,next.author", "NaN", "1e308", "-1e999", "99999999999999999999", "2026-02-30", "2026-01-01T00:00:00Z", "0000-00-00",
		"1,2,3,4", "180,90,-180,-90", "48,2,1e9", "44", "region:44", "draft", "trash", "fr", "*", `"a" -b +c:d~2^9 /x.*/ [1 TO *]`, "' OR 1=1 --", "\x00", "\xff\xfe", "é\u0301\u202e", strings.Repeat("a ", 400), strings.Repeat("x", 1200),
		`{"or":[{"title":"a"},{"not":{"count":{"gt":1}}}]}`, `{"and":[]}`, `{"$where":"1"}`, `{"title":{"in":[`+strings.Repeat(`"a",`, 150)+`"a"]}}`, `{"not":{"not":{"not":{"not":{"not":{"title":1}}}}}}`, `[]`, `{`)
}

func (f fuzzer) header() string {
	return pick(f, "Accept: text/html", "Accept: text/csv", "Accept-Language: fr;q=x,*", "Accept-Encoding: zstd, br;q=0, gzip;q=2", "If-Match: \"1\"", "If-Match: *", "If-Match: W/\"1\"", "If-None-Match: *", "If-None-Match: \"", "Range: bytes=0-,-1",
		"Idempotency-Key: k", "Wait-For-Position: 0", "Wait-For-Position: x", "Content-Type: application/merge-patch+json", "Content-Type: text/plain", "Content-Encoding: gzip", "Last-Event-ID: 1", "Last-Event-ID: x", "Expect: 100-continue")
}

func (f fuzzer) body(path string) string {
	switch {
	case f.IntN(8) == 0:
		return pick(f, "", "null", "[]", "1", "{", `{"a":1,"a":2}`, `{"title":1e999}`, "\xef\xbb\xbf{}", `{"\ud800":1}`, strings.Repeat("[", 200), `{"":{"":{}}}`)
	case strings.HasSuffix(path, "/batch"):
		return `{"operations": [` + f.operation() + "," + f.operation() + `], ` + pick(f, `"partial": true`, `"dryRun": true`, `"partial": 1`, `"x": 1`) + `}`
	case strings.HasSuffix(path, "/query"):
		return `{` + pick(f, `"limit": 3`, `"sort": "-count"`, `"filter": {"count": {"gte": 0}}`, `"total": false`) + `, ` + pick(f, `"filter"`, `"sort"`, `"limit"`, `"q"`, `"fields"`, `"bbox"`, `"near"`, `"facets"`, `"include"`, `"state"`, `"after"`) + `: ` + f.json(0) + `}`
	case strings.Contains(path, "/transitions/"), strings.HasSuffix(path, "/restore"):
		return pick(f, "{}", "{}", "{}", `{"comment": "c"}`, `{"at": "2999-01-01T00:00:00Z"}`, `{"at": `+f.json(1)+`}`, `{"comment": `+f.json(1)+`}`)
	case strings.Contains(path, "/types/"):
		return `{"schema": {"title": "T", "type": "object", "x-type": {"name": "scratch"}, "properties": {"title": ` + f.json(0) + `}}}`
	}
	fields := []string{pick(f, `"title"`, `"title"`, `"name"`) + ": " + pick(f, `"T"`, `"T"`, `"T"`, f.json(0))}
	for _, name := range []string{"code", "count", "score", "day", "kind", "tags", "place", "author", "next", "secretary", "slug", "_locale", "_i18n", "_id", "$set"} {
		if f.IntN(12) == 0 {
			fields = append(fields, strconv.Quote(name)+": "+f.json(0))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func (f fuzzer) operation() string {
	return fmt.Sprintf(`{"op": %q, "type": %q, "id": %q, "name": %q, "match": %q, "rev": %s, "ifMatch": %s, "data": {"title": %s, "slug": %s}}`,
		pick(f, "create", "update", "replace", "upsert", "transition", "delete", "restore", "x"), pick(f, "note", "writer", "_type", "absent"), pick(f, f.ids["note"], "01jd0000000000000000000000", "x"),
		pick(f, "publish", "unpublish", "x"), pick(f, "slug", "code", "_id", "title", "x"), pick(f, "1", "0", `"x"`), pick(f, "1", `"1"`, "null"), f.json(0), f.json(1))
}

func (f fuzzer) json(depth int) string {
	if depth < 3 && f.IntN(3) == 0 {
		return pick(f, "["+f.json(depth+1)+", "+f.json(depth+1)+"]", `{"`+pick(f, "eq", "$ne", "type", "coordinates", "_ref", "_slug", "_type", "or", "not", "", "a")+`": `+f.json(depth+1)+`}`)
	}
	return pick(f, "null", "true", "0", "-1", "1e308", "1e-308", "1e999", "0.1", "12345678901234567890123456789012345678901", `""`, `"a"`, `"fr"`, `"2026-13-45"`, `"\u0000"`, `"\ud800"`, `"<script>"`, `"../../etc/passwd"`,
		`{"type": "Point", "coordinates": [1e300, -1e300]}`, `{"type": "Point", "coordinates": []}`, `{"type": "Polygon", "coordinates": [[[0,0],[1,1]]]}`, `{"_ref": "`+f.ids["writer"]+`", "_type": "writer"}`, `{"_ref": 1}`, `{"_slug": "w", "_type": "writer"}`,
		`{"$ref": "http://127.0.0.1/x"}`, `{"type": "string", "pattern": "(a+)+$"}`)
}

// quietly is for requests whose connection may be cut.
func quietly(n *node, method, path string, body io.Reader, headers ...string) (status int) {
	req, err := http.NewRequestWithContext(context.Background(), method, n.URL+path, body)
	if err != nil {
		return 0
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

package main_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hostile is a request body and what a parser must say of it.
type hostile struct {
	attack string
	body   string
	want   int
}

// bodies are hostile whichever address reads them.
func bodies() []hostile {
	deep := func(open, close string, n int) string {
		return strings.Repeat(open, n) + "1" + strings.Repeat(close, n)
	}
	return []hostile{
		{"nothing", "", 415},
		{"half an object", `{"title": "a"`, 400},
		{"two objects", `{"title": "a"}{"title": "b"}`, 400},
		{"something behind it", `{"title": "a"} x`, 400},
		{"an array", `[{"title": "a"}]`, 400},
		{"null", `null`, 400},
		{"text", `"title"`, 400},
		{"a comment", `{"title": "a" /* b */}`, 400},
		{"a comma too many", `{"title": "a",}`, 400},
		{"single quotes", `{'title': 'a'}`, 400},
		{"NaN", `{"title": "a", "score": NaN}`, 400},
		{"Infinity", `{"title": "a", "score": -Infinity}`, 400},
		{"a hexadecimal number", `{"title": "a", "count": 0x10}`, 400},
		{"a leading zero", `{"title": "a", "count": 010}`, 400},
		{"a key twice", `{"title": "a", "title": "b"}`, 400},
		{"a key twice, escaped", `{"title": "a", "\u0074itle": "b"}`, 400},
		{"a key twice, deep", `{"title": "a", "place": {"type": "Point", "type": "Polygon", "coordinates": [1, 2]}}`, 400},
		{"keys that differ in case", `{"title": "a", "TITLE": "b"}`, 400},
		{"keys that differ in case beyond ASCII", `{"title": "a", "Éa": 1, "éa": 2}`, 400},
		{"keys that fold alike", `{"title": "a", "kind": "a", "\u212aind": "b"}`, 400},
		{"an exponent of seven figures", `{"title": "a", "score": 1e1000001}`, 400},
		{"a negative exponent of seven figures", `{"title": "a", "score": 1e-1000001}`, 400},
		{"a number of a million digits", `{"title": "a", "score": ` + strings.Repeat("9", 1_000_000) + `}`, 400},
		{"a number of 41 digits", `{"title": "a", "score": ` + strings.Repeat("1", 41) + `}`, 400},
		{"an array of huge exponents", `{"title": "a", "tags": [` + strings.Repeat("1e999999,", 40) + `1]}`, 400},
		{"33 levels", `{"title": "a", "tags": ` + deep("[", "]", 33) + `}`, 400},
		{"10 000 levels of arrays", `{"title": "a", "tags": ` + deep("[", "]", 10_000) + `}`, 400},
		{"10 000 levels of objects", `{"title": "a", "place": ` + deep(`{"a":`, "}", 10_000) + `}`, 400},
		{"500 000 open brackets", strings.Repeat("[", 500_000), 400},
		{"a megabyte of empty objects", `{"title": "a", "tags": [` + strings.Repeat(`{"":{}},`, 120_000) + `{}]}`, 400},
		{"60 000 values", `{"title": "a", "tags": [` + strings.Repeat(`0,`, 60_000) + `0]}`, 400},
		{"1 001 keys", `{` + manyKeys(1001) + `"title": "a"}`, 400},
		{"more than a megabyte", `{"title": "` + strings.Repeat("a", 1<<20) + `"}`, 413},
		{"invalid UTF-8", "{\"title\": \"a\xff\xfe\"}", 400},
		{"an overlong encoding", "{\"title\": \"\xc0\xaf\"}", 400},
		{"a surrogate in UTF-8", "{\"title\": \"\xed\xa0\x80\"}", 400},
		{"half a surrogate pair", `{"title": "\ud800"}`, 400},
		{"invalid UTF-8 in a key", "{\"ti\xfftle\": \"a\"}", 400},
		{"a byte order mark", "\xef\xbb\xbf{\"title\": \"a\"}", 400},
		{"UTF-16", "\xff\xfe{\x00}\x00", 400},
		{"a NUL byte", "{\"title\": \"a\x00\"}", 400},
		{"a raw control character", "{\"title\": \"a\x01b\"}", 400},
		{"a NUL behind it", "{\"title\": \"a\"}\x00", 400},
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d": 1, `, i)
	}
	return b.String()
}

// Every address that reads a body reads it by the same strict parser, before anything else is done with it.
func TestSecurity_HostileBodies(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	id := n.create("note", map[string]any{"title": "N"}, "")
	doors := []struct{ method, path, wrap string }{
		{"POST", "/api/v1/content/note", "%s"},
		{"PATCH", "/api/v1/content/note/" + id, "%s"},
		{"PUT", "/api/v1/content/note/" + id, "%s"},
		{"POST", "/api/v1/content/note/query", "%s"},
		{"POST", "/api/v1/content/note/" + id + "/transitions/publish", "%s"},
		{"PUT", "/api/v1/types/note", "%s"},
		{"POST", "/api/v1/types/note/check", "%s"},
	}
	for _, door := range doors {
		for _, h := range bodies() {
			began := time.Now()
			a := asAdmin(t, n, door.method, door.path, h.body, "Content-Type: application/json")
			if h.body == "" {
				continue // some take none
			}
			if a.Status != h.want && !(a.Status == 413 && h.want == 400) {
				t.Errorf("%s %s: %s: %d, want %d\n%.300s", door.method, door.path, h.attack, a.Status, h.want, a.Body)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("%s %s: %s took %s", door.method, door.path, h.attack, took)
			}
			if len(a.Body) > 4096 {
				t.Errorf("%s: an answer of %d bytes", h.attack, len(a.Body))
			}
		}
	}
	for _, h := range bodies() {
		if h.body == "" || h.want == 413 {
			continue
		}
		batch := `{"operations": [{"op": "create", "type": "note", "data": ` + h.body + `}]}`
		if a := asAdmin(t, n, "POST", "/api/v1/batch", batch); a.Status != 400 && a.Status != 413 && a.Status != 422 {
			t.Errorf("in a batch: %s: %d %.300s", h.attack, a.Status, a.Body)
		}
	}
	if total := n.want(200, "GET", "/api/v1/content/note?state=draft", nil).JSON(t)["page"].(map[string]any)["total"]; total != 1.0 {
		t.Errorf("%v notes, want the one: something hostile was stored", total)
	}
}

// Memory does not follow the wishes of a caller: many at once who send the worst that fits are held within bounds.
func TestSecurity_MemoryIsBounded(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	worst := []string{
		`{"title": "a", "tags": [` + strings.Repeat(`{"":{}},`, 120_000) + `{}]}`,
		`{"title": "a", "tags": [` + strings.Repeat(`"",`, 49_000) + `""]}`,
		`{"filter": {"or": [` + strings.Repeat(`{},`, 16_000) + `{}]}}`,
		`{"operations": [` + strings.Repeat(`{"op":"create"},`, 60_000) + `{}]}`,
		`{"operations": [` + strings.Repeat(`{"op":"create","type":"note","data":{"title":"`+strings.Repeat("x", 190)+`"}},`, 999) + `{"op":"create","type":"absent"}]}`,
		`{"title": "a", "place": {"type": "Point", "coordinates": [` + strings.Repeat(`1,`, 40_000) + `1]}}`,
	}
	done := make(chan struct{})
	for worker := range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 12 {
				body := worst[(worker+i)%len(worst)]
				path := []string{"/api/v1/content/note", "/api/v1/content/note/query", "/api/v1/batch"}[i%3]
				quietly(n, "POST", path, strings.NewReader(body), bearer(adminToken), "Content-Type: application/json")
			}
		}()
	}
	highest := int64(0)
	for left := 8; left > 0; {
		select {
		case <-done:
			left--
		case <-time.After(20 * time.Millisecond):
			highest = max(highest, rssAnon(t, n))
		}
	}
	if highest = max(highest, rssAnon(t, n)); highest > rssLimit {
		t.Errorf("the server held %d MB", highest>>20)
	}
	t.Logf("at most %d MB", highest>>20)
}

// What is not plain JSON in UTF-8 is refused before it is unpacked or guessed at.
func TestSecurity_Encodings(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = io.CopyN(z, zeros{}, 64<<20)
	_ = z.Close()
	for _, tc := range []struct {
		attack, body string
		headers      []string
		want         int
	}{
		{"a gzip bomb", bomb.String(), []string{"Content-Encoding: gzip"}, 415},
		{"a gzip bomb that does not say so", bomb.String(), nil, 400},
		{"deflate", `{"title": "a"}`, []string{"Content-Encoding: deflate"}, 415},
		{"two encodings", `{"title": "a"}`, []string{"Content-Encoding: identity, gzip"}, 415},
		{"zstd", `{"title": "a"}`, []string{"Content-Encoding: zstd"}, 415},
		{"a form", "title=a", []string{"Content-Type: application/x-www-form-urlencoded"}, 415},
		{"a form of files", "--x\r\n\r\n--x--", []string{"Content-Type: multipart/form-data; boundary=x"}, 415},
		{"plain text, which a page of another site may send", `{"title": "a"}`, []string{"Content-Type: text/plain"}, 415},
		{"XML", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`, []string{"Content-Type: application/xml"}, 415},
		{"BSON", "\x16\x00\x00\x00\x02title\x00\x02\x00\x00\x00a\x00\x00", []string{"Content-Type: application/bson"}, 415},
		{"another charset", `{"title": "a"}`, []string{"Content-Type: application/json; charset=utf-16"}, 415},
		{"UTF-7", `{"title": "+ADw-"}`, []string{"Content-Type: application/json; charset=utf-7"}, 415},
		{"a broken media type", `{"title": "a"}`, []string{"Content-Type: application/json; ;;"}, 415},
		{"JSON-looking media types", `{"title": "a"}`, []string{"Content-Type: application/json5"}, 415},
		{"a merge patch where an entry is made", `{"title": "a"}`, []string{"Content-Type: application/merge-patch+json"}, 415},
		{"JSON Patch where a merge patch goes", `[{"op": "add", "path": "/title", "value": "a"}]`, []string{"Content-Type: application/json-patch+json"}, 415},
	} {
		if a := asAdmin(t, n, "POST", "/api/v1/content/note", tc.body, tc.headers...); a.Status != tc.want {
			// An unknown spelling of a parameter may be read leniently by the library: what counts is that nothing is guessed.
			t.Errorf("%s: %d, want %d\n%.300s", tc.attack, a.Status, tc.want, a.Body)
		}
	}
	head := "POST /api/v1/content/note HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + adminToken + "\r\nContent-Type: application/json\r\nConnection: close\r\n"
	for _, tc := range []struct {
		attack, request string
	}{
		{"a length and chunks (smuggling)", head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"},
		{"two lengths", head + "Content-Length: 2\r\nContent-Length: 14\r\n\r\n{}"},
		{"a negative length", head + "Content-Length: -1\r\n\r\n{}"},
		{"a length beyond 64 bits", head + "Content-Length: 99999999999999999999\r\n\r\n{}"},
		{"a length of 10 GB", head + "Content-Length: 10000000000\r\n\r\n{}"},
		{"chunks in chunks", head + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
		{"an unknown transfer coding", head + "Transfer-Encoding: gzip\r\n\r\n{}"},
		{"a chunk that claims 2⁶⁴", head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}"},
		{"a chunk of which nothing is hexadecimal", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"},
		{"a blank before the colon", head + "Content-Length : 2\r\n\r\n{}"},
		{"a folded header", head + "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}"},
		{"HTTP/0.9", "GET /api/v1/content/note\r\n\r\n"},
		{"HTTP/3.0 in text", "GET / HTTP/3.0\r\nHost: x\r\n\r\n"},
		{"no host", "GET /api/v1/content/note HTTP/1.1\r\n\r\n"},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
		{"an absolute target of another host", "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"},
		{"a tunnel", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nConnection: close\r\n\r\n"},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 600)},
	} {
		if a := wireAll(t, n, tc.request); a.Status != 0 && (a.Status < 400 || a.Status >= 500 && a.Status != 501 && a.Status != 505) {
			t.Errorf("%s: %d %.200s", tc.attack, a.Status, a.Body)
		}
	}
	if total := n.want(200, "GET", "/api/v1/content/note?state=draft", nil).JSON(t)["page"].(map[string]any)["total"]; total != 0.0 {
		t.Errorf("%v notes were made of what is no JSON", total)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// One path has one spelling, and floods end at the limits.
func TestSecurity_Targets(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	id := n.create("note", map[string]any{"title": "N"}, "?publish=true")
	list := "/api/v1/content/note"
	for _, target := range []string{"//api/v1/content/note", "/api//v1/content/note", "/api/v1/content//note", "/api/v1/content/note/", "/api/v1/content/note//", "/api/v1/content/./note", "/api/v1/content/../content/note", "/../api/v1/content/note",
		"/api/v1/content/%2e%2e/content/note", "/api/v1/content%2fnote", "/api/v1/content/note%2f" + id, "/api/v1/content/note%2F", "/api/v1%2f..%2f..%2fetc%2fpasswd", "/API/v1/content/note", "/api/V1/content/note", "/api/v1/Content/note", "/api/v1/content/Note",
		"/api/v1/content/note;x=1", "/api/v1/content;/note", "/api/v1/content/note%00", "/api/v1/content/note%0d%0aX-Evil:%201", "/api/v1/content/note%20", "/api/v1/content/note.json", "/api/v1/content/note\\", "/api\\v1\\content\\note", "/api/v1/content/n%6fte/../../../",
		"/api/v1/content/note/" + strings.ToUpper(id), "/api/v1/content/note/%252e%252e", "/assets/../palabre.yaml", "/assets/..%2f..%2flog.db", "/assets/%2e%2e", "/browse/../openapi.json", "/api/v1/types/..", "/api/v1/types/../../etc/passwd", "/debug/pprof/", "/debug/vars", "/.env", "/.git/config", "/log.db",
		"/api/v1/content/note/%c0%af", "/api/v1/content/%ff", "/browse/%ff", "/api/v1/content/note/" + strings.Repeat("a", 4000), "/\u202e", "/api/v1/content/ｎote"} {
		a := wire(t, n, get(target))
		if a.Status != 404 && a.Status != 400 || a.Header.Get("X-Evil") != "" || a.Header.Get("Location") != "" {
			t.Errorf("%q: %d %v", target, a.Status, a.Header)
		}
	}
	flood := strings.Repeat("a", 9000)
	for _, tc := range []struct {
		attack, request string
		want            []int
	}{
		{"an address of 9 KB", get(list + "?q=" + flood), []int{414}},
		{"a path of 9 KB", get(list + "/" + flood), []int{414}},
		{"10 000 parameters", get(list + "?" + strings.Repeat("a=1&", 10_000)), []int{414, 431}},
		{"1 000 parameters", get(list + "?" + strings.Repeat("fields=a&", 900)), []int{400}},
		{"200 different parameters", get(list + "?" + parameters(200)), []int{400}},
		{"a header of 64 KB", get(list, "X-A: "+strings.Repeat("a", 64<<10)), []int{431, 0}},
		{"5 000 headers", get(list, strings.TrimSuffix(strings.Repeat("X-A: b\r\n", 5_000), "\r\n")), []int{431, 0}},
		{"a cookie of 40 KB", get(list, "Cookie: a="+strings.Repeat("b", 40<<10)), []int{431, 0}},
		{"20 KB of languages", get(list, "Accept-Language: "+strings.Repeat("fr;q=0.1,", 2_300)), []int{200}},
		{"20 KB of encodings", get(list, "Accept-Encoding: "+strings.Repeat("gzip;q=0.1,", 1_800)), []int{200}},
		{"20 KB of tags", get(list, "If-None-Match: "+strings.Repeat(`"a",`, 5_000)), []int{200}},
		{"20 KB of ranges", get(list, "Range: bytes="+strings.Repeat("0-1,", 5_000)), []int{200}},
		{"a position beyond 64 bits", get(list, "Wait-For-Position: 99999999999999999999"), []int{400}},
		{"a position that never comes", get(list, "Wait-For-Position: 9223372036854775807"), []int{503}},
		{"a negative position of the changes", get("/api/v1/changes?since=-1"), []int{400}},
		{"a position of the changes that never comes", get("/api/v1/changes?since=9223372036854775807"), []int{200, 400}},
		{"a request line without end", "GET /" + strings.Repeat("a", 200<<10), []int{431, 400, 414, 0}},
	} {
		a := wire(t, n, tc.request)
		ok := false
		for _, want := range tc.want {
			ok = ok || a.Status == want
		}
		if !ok {
			t.Errorf("%s: %d, want %v\n%.200s", tc.attack, a.Status, tc.want, a.Body)
		}
	}
}

func parameters(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "p%d=1&", i)
	}
	return b.String()
}

// Values are judged by what they are: places beyond the Earth, references to the wrong or the hidden, and the system's names.
func TestSecurity_HostileValues(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	memo := n.create("memo", map[string]any{"title": "M"}, "?publish=true")
	for attack, member := range map[string]string{
		"a place beyond the poles":              `"place": {"type": "Point", "coordinates": [0, 91]}`,
		"a place beyond the date line":          `"place": {"type": "Point", "coordinates": [1e300, 0]}`,
		"a place at 1e308":                      `"place": {"type": "Point", "coordinates": [1e308, -1e308]}`,
		"a place of text":                       `"place": {"type": "Point", "coordinates": ["7", "48"]}`,
		"a place of nothing":                    `"place": {"type": "Point", "coordinates": []}`,
		"a place of one number":                 `"place": {"type": "Point", "coordinates": [7]}`,
		"a place of 10 000 numbers":             `"place": {"type": "Point", "coordinates": [` + strings.Repeat("1,", 10_000) + `1]}`,
		"a polygon for a point":                 `"place": {"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,0]]]}`,
		"a collection for a point":              `"place": {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 0]}]}`,
		"a place with a reference system":       `"place": {"type": "Point", "coordinates": [7, 48], "crs": {"type": "link", "properties": {"href": "http://127.0.0.1/"}}}`,
		"an operator for text":                  `"body": {"$gt": ""}`,
		"a BSON type for text":                  `"body": {"_bsontype": "Code", "code": "x"}`,
		"$set":                                  `"$set": {"title": "x"}`,
		"__proto__":                             `"__proto__": {"admin": true}`,
		"a key with a dot":                      `"author.name": "x"`,
		"_id":                                   `"_id": "01jd0000000000000000000000"`,
		"_rev":                                  `"_rev": 1000`,
		"_status":                               `"_status": "published"`,
		"_createdBy":                            `"_createdBy": "system"`,
		"_publishedAt":                          `"_publishedAt": "2001-01-01T00:00:00Z"`,
		"_i18n":                                 `"_i18n": {"en": {"title": "x"}}`,
		"_live":                                 `"_live": {"rev": 1}`,
		"a language that is a path":             `"_locale": "../../etc"`,
		"a field of no type":                    `"absent": 1`,
		"a reference to another type":           `"author": {"_ref": "` + memo + `", "_type": "memo"}`,
		"a reference under a wrong type":        `"author": {"_ref": "` + memo + `", "_type": "writer"}`,
		"a reference to nothing":                `"author": {"_ref": "01jd0000000000000000000000", "_type": "writer"}`,
		"a reference to a token":                `"author": {"_ref": "01jd0000000000000000000000", "_type": "_token"}`,
		"a reference by an operator":            `"author": {"_ref": {"$ne": null}, "_type": "writer"}`,
		"a reference by SQL":                    `"author": {"_slug": "x' OR 1=1 --", "_type": "writer"}`,
		"a reference with more":                 `"author": {"_ref": "` + memo + `", "_type": "writer", "role": "administrator"}`,
		"text for a reference":                  `"author": "` + memo + `"`,
		"a slug that is a path":                 `"slug": "../../etc/passwd"`,
		"a slug that is an address":             `"slug": "//evil.example"`,
		"a slug with a line break":              `"slug": "a\nX-Evil: 1"`,
		"a slug of a megabyte less a little":    `"slug": "` + strings.Repeat("a-", 400_000) + `a"`,
		"an integer that is none":               `"count": 1.5`,
		"a day that is none":                    `"day": "2026-02-30"`,
		"a day of the year 10 000":              `"day": "10000-01-01"`,
		"a kind that is none":                   `"kind": "z"`,
		"a title of 201 letters":                `"title2": "` + strings.Repeat("é", 201) + `"`,
		"a private field through the i18n door": `"_i18n": {"en": {"secretary": "x"}}`,
	} {
		for _, how := range []string{"POST", "PUT"} {
			path := "/api/v1/content/note"
			if how == "PUT" {
				path += "/" + n.create("note", map[string]any{"title": "N"}, "")
			}
			a := asAdmin(t, n, how, path, `{"title": "T", `+member+`}`)
			if a.Status != 422 && a.Status != 400 && a.Status != 409 && a.Status != 413 || len(a.Body) > 8192 {
				t.Errorf("%s: %s: %d, %d bytes %.300s", how, attack, a.Status, len(a.Body), a.Body)
			}
		}
	}
	// Numbers come back as they went in, to the last figure.
	for _, number := range []string{"9007199254740993", "-9223372036854775808", "9223372036854775807", "9223372036854775808", "-99999999999999999999999999999999999999"} {
		a := asAdmin(t, n, "POST", "/api/v1/content/note", `{"title": "N", "count": `+number+`}`)
		if a.Status != 201 || !strings.Contains(string(a.Body), `"count":`+number) {
			t.Errorf("%s: %d %s", number, a.Status, a.Body)
		}
	}
	// A merge patch of nulls and a patch of the prototype take nothing of the system away.
	id := n.create("note", map[string]any{"title": "N", "code": "c"}, "")
	for _, patch := range []string{`{"_id": null}`, `{"_status": null}`, `{"_createdBy": null}`, `{"title": null}`, `{"__proto__": null, "title": {}}`, `{"constructor": {"prototype": {}}}`} {
		if a := asAdmin(t, n, "PATCH", "/api/v1/content/note/"+id, patch, "Content-Type: application/merge-patch+json"); a.Status != 422 && a.Status != 400 {
			t.Errorf("%s: %d %s", patch, a.Status, a.Body)
		}
	}
}

// A content type that reaches outside, or costs without end, is refused when it is saved, soon and in words.
func TestSecurity_HostileSchemas(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	typ := func(properties, more string) string {
		return `{"title": "Evil", "type": "object", "x-type": {"name": "evil"}, "properties": {"title": {"type": "string"}` + properties + `}` + more + `}`
	}
	doubled := func(levels int) string {
		var b strings.Builder
		for i := range levels {
			fmt.Fprintf(&b, `"d%d": {"allOf": [{"$ref": "#/$defs/d%d"}, {"$ref": "#/$defs/d%d"}]}, `, i, i+1, i+1)
		}
		return `, "$defs": {` + b.String() + fmt.Sprintf(`"d%d": {"type": "string"}}`, levels)
	}
	branching := strings.Repeat(`{"properties": {"a": {"type": "string"}}},`, 600)
	for _, tc := range []struct{ attack, schema string }{
		{"a remote $ref", typ(`, "a": {"$ref": "http://127.0.0.1:1/x.json"}`, "")},
		{"a remote $ref over https", typ(`, "a": {"$ref": "https://json-schema.org/draft/2020-12/schema"}`, "")},
		{"a file", typ(`, "a": {"$ref": "file:///etc/passwd"}`, "")},
		{"a relative $ref", typ(`, "a": {"$ref": "secret.json"}`, "")},
		{"a relative $ref that climbs", typ(`, "a": {"$ref": "../../../etc/passwd#/x"}`, "")},
		{"a scheme-relative $ref", typ(`, "a": {"$ref": "//evil.example/x"}`, "")},
		{"a $ref to mem:", typ(`, "a": {"$ref": "mem:///x"}`, "")},
		{"a $ref in upper case", typ(`, "a": {"$ref": "FILE:///etc/passwd"}`, "")},
		{"$dynamicRef", typ(`, "a": {"$dynamicRef": "http://127.0.0.1/"}`, "")},
		{"$recursiveRef", typ(`, "a": {"$recursiveRef": "#"}`, "")},
		{"a remote $schema", `{"$schema": "http://127.0.0.1:1/meta.json", "title": "Evil", "type": "object", "x-type": {"name": "evil"}, "properties": {"title": {"type": "string"}}}`},
		{"a $schema of a file", `{"$schema": "file:///etc/passwd", "title": "Evil", "type": "object", "x-type": {"name": "evil"}, "properties": {"title": {"type": "string"}}}`},
		{"$id and a $ref against it", typ(`, "a": {"$id": "file:///etc/", "$ref": "passwd"}`, "")},
		{"$id at the top", `{"$id": "http://127.0.0.1:1/", "title": "Evil", "type": "object", "x-type": {"name": "evil"}, "properties": {"a": {"$ref": "x.json"}}}`},
		{"a $ref to nothing", typ(`, "a": {"$ref": "#/$defs/absent"}`, "")},
		{"a $ref to itself", typ(`, "a": {"$ref": "#/properties/a"}`, "")},
		{"two that refer to each other", typ(`, "a": {"$ref": "#/$defs/a"}`, `, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}`)},
		{"20 levels of doubled allOf", typ(`, "a": {"$ref": "#/$defs/d0"}`, doubled(20))},
		{"20 levels of doubled anyOf", strings.ReplaceAll(typ(`, "a": {"$ref": "#/$defs/d0"}`, doubled(20)), "allOf", "anyOf")},
		{"20 levels of doubled oneOf", strings.ReplaceAll(typ(`, "a": {"$ref": "#/$defs/d0"}`, doubled(20)), "allOf", "oneOf")},
		{"14 levels of doubled allOf", typ(`, "a": {"$ref": "#/$defs/d0"}`, doubled(14))},
		{"600 subschemas", typ(`, "a": {"anyOf": [`+branching+`{"type": "string"}]}`, "")},
		{"60 levels of objects", typ(`, "a": `+strings.Repeat(`{"type": "object", "properties": {"a": `, 60)+`{"type": "string"}`+strings.Repeat(`}}`, 60), "")},
		{"5 000 levels of not", typ(`, "a": `+strings.Repeat(`{"not": `, 5_000)+`{}`+strings.Repeat(`}`, 5_000), "")},
		{"300 KB", typ(`, "a": {"type": "string", "description": "`+strings.Repeat("a", 300<<10)+`"}`, "")},
		{"a pattern of 10 000 characters", typ(`, "a": {"type": "string", "pattern": "`+strings.Repeat("(a|b)", 2_000)+`"}`, "")},
		{"a pattern of repeated repetitions", typ(`, "a": {"type": "string", "pattern": "((a{0,100}){0,100}){0,100}"}`, "")},
		{"a pattern that is none", typ(`, "a": {"type": "string", "pattern": "("}`, "")},
		{"a pattern that looks ahead", typ(`, "a": {"type": "string", "pattern": "(?=a)b"}`, "")},
		{"a pattern that a browser takes for ever over", typ(`, "a": {"type": "string", "pattern": "^(a+)+$"}`, "")},
		{"a pattern of names that nests repetitions", typ("", `, "patternProperties": {"^(a+)+$": {"type": "string"}}`)},
		{"multipleOf zero", typ(`, "a": {"type": "integer", "multipleOf": 0}`, "")},
		{"multipleOf of a huge exponent", typ(`, "a": {"type": "integer", "multipleOf": 1e-1000001}`, "")},
		{"a minimum of a huge exponent", typ(`, "a": {"type": "integer", "minimum": 1e1000001}`, "")},
		{"a format that is code", typ(`, "a": {"type": "string", "format": "javascript:alert(1)"}`, "")},
		{"an annotation of no meaning", typ(`, "a": {"type": "string", "x-privat": true}`, "")},
		{"a field that is the system's", typ(`, "_id": {"type": "string"}`, "")},
		{"a field named __proto__", typ(`, "__proto__": {"type": "string"}`, "")},
		{"a field with a dot", typ(`, "a.b": {"type": "string"}`, "")},
		{"a field with a dollar", typ(`, "$where": {"type": "string"}`, "")},
		{"a field like another but for case", typ(`, "Title": {"type": "string"}`, "")},
		{"a key twice", `{"title": "Evil", "title": "Evil2", "type": "object", "x-type": {"name": "evil"}, "properties": {}}`},
		{"another type's name", strings.Replace(typ("", ""), `"name": "evil"`, `"name": "note"`, 1)},
		{"a system type's name", strings.Replace(typ("", ""), `"name": "evil"`, `"name": "_token"`, 1)},
		{"a name that is a path", strings.Replace(typ("", ""), `"name": "evil"`, `"name": "../evil"`, 1)},
		{"a preview address that is code", strings.Replace(typ("", ""), `"name": "evil"`, `"name": "evil", "preview": "javascript:alert(1)//{slug}"`, 1)},
		{"a list", `[]`},
		{"true", `true`},
		{"null", `null`},
		{"text", `"evil"`},
	} {
		for _, door := range []string{"PUT /api/v1/types/evil", "POST /api/v1/types/evil/check"} {
			method, path, _ := strings.Cut(door, " ")
			began := time.Now()
			a := asAdmin(t, n, method, path, `{"schema": `+tc.schema+`}`)
			if a.Status != 422 && a.Status != 400 && a.Status != 413 && a.Status != 409 {
				t.Errorf("%s: %s: %d %.400s", door, tc.attack, a.Status, a.Body)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s: %s took %s", door, tc.attack, took)
			}
			for _, outside := range []string{"root:", "no such file", "connection refused", "dial tcp", "invalid character"} {
				if strings.Contains(string(a.Body), outside) {
					t.Errorf("%s: %s tells of the outside: %s", door, tc.attack, a.Body)
				}
			}
		}
	}
	for name, schema := range map[string]string{
		"itself":             typ(`, "a": {"$ref": "#"}`, ""),
		"an array of itself": typ(`, "a": {"type": "array", "items": {"$ref": "#"}}`, ""),
		"itself four times":  typ(`, "a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]}`, ""),
	} {
		name, schema := name, strings.Replace(schema, `"evil"`, `"nest`+fmt.Sprint(len(name))+`"`, 1)
		path := fmt.Sprintf("nest%d", len(name))
		if a := asAdmin(t, n, "PUT", "/api/v1/types/"+path, `{"schema": `+schema+`}`); a.Status >= 500 || a.Status >= 300 && a.Status != 422 {
			t.Errorf("a type that contains %s: %d %s", name, a.Status, a.Body)
		}
		for depth := range 31 { // deep, and wrong at the bottom: the costliest there is
			began := time.Now()
			body := strings.Repeat(`{"title": "t", "a": `, depth) + "1" + strings.Repeat("}", depth)
			if strings.Contains(name, "array") {
				body = strings.Repeat(`{"title": "t", "a": [`, depth/2) + "1" + strings.Repeat("]}", depth/2)
			}
			a := asAdmin(t, n, "POST", "/api/v1/content/"+path, body)
			if took := time.Since(began); took > 2*time.Second || a.Status >= 500 || a.Status < 400 {
				t.Errorf("a type that contains %s, %d deep: %d after %s", name, depth, a.Status, took)
				break
			}
		}
	}
	if a := asAdmin(t, n, "GET", "/api/v1/types/evil", ""); a.Status != http.StatusNotFound {
		t.Errorf("something of it was kept: %d %s", a.Status, a.Body)
	}
	for _, name := range []string{"_type", "_token", "_role", "_user"} {
		if a := asAdmin(t, n, "PUT", "/api/v1/types/"+name, `{"schema": `+strings.Replace(typ("", ""), `"name": "evil"`, `"name": "`+name+`"`, 1)+`}`); a.Status < 400 {
			t.Errorf("the system's type %s was replaced: %d", name, a.Status)
		}
	}
	// Types are entries of _type: that door must not open what this one keeps shut.
	for _, body := range []string{`{"name": "evil", "schema": {"$ref": "file:///etc/passwd"}}`, `{"name": "evil", "schema": "{}"}`, `{"name": "evil"}`} {
		if a := asAdmin(t, n, "POST", "/api/v1/content/_type?publish=true", body); a.Status < 400 || a.Status >= 500 {
			t.Errorf("a type through /content/_type: %d %s", a.Status, a.Body)
		}
	}
}

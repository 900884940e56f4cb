package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Two servers hold the same public content and differ in everything that an anonymous caller must not see: drafts,
// trash, private fields, staff types. Whatever he asks, both give the same bytes (SECURITY: non-interference).
func TestTwinWorlds(t *testing.T) {
	t.Parallel()
	a, b := start(t, nodeOptions{}), start(t, nodeOptions{})
	ids := map[*node]ids{a: publicWorld(a), b: publicWorld(b)}
	hiddenWorld(a, ids[a], "alpha", 1)
	hiddenWorld(b, ids[b], "omega", 3)

	twins{a: world{a, "", ids[a]}, b: world{b, "", ids[b]}}.compare(t, publicCorpus())
}

// world is a server as one caller sees it.
type world struct {
	*node
	token string
	ids   ids
}

// twins are two worlds that the caller must not be able to tell apart.
type twins struct{ a, b world }

// compare asks both the same and compares all that they answer.
func (w twins) compare(t *testing.T, corpus []string) {
	t.Helper()
	for _, request := range corpus {
		got, want := w.a.answers(t, request), w.b.answers(t, request)
		if got != want {
			t.Errorf("%s tells the worlds apart:\n%s\n---\n%s", request, got, want)
		}
		if !strings.Contains(request, "canary") && strings.Contains(got, "canary") { // what was asked may be echoed
			t.Errorf("%s shows a canary:\n%s", request, got)
		}
	}
	if len(corpus) < 1000 {
		t.Errorf("only %d requests were asked", len(corpus))
	}
}

// answers asks "METHOD target body", of which a bare target is GET, and gives what may be compared: identifiers by their
// names, without what names the moment.
func (w world) answers(t *testing.T, request string) string {
	t.Helper()
	method, target, body := "GET", request, ""
	if m, rest, ok := strings.Cut(request, " "); ok {
		method = m
		target, body, _ = strings.Cut(rest, " ")
	}
	var headers []string
	if w.token != "" {
		headers = []string{bearer(w.token)}
	}
	a := sendRaw(t, w.node, method, w.ids.fill(target), w.ids.fill(body), headers...)
	text := strings.ReplaceAll(w.ids.face(a), w.URL, "{here}")
	return hints.ReplaceAllString(accidents.ReplaceAllString(text, `"$1":0`), "{hint}")
}

// accidents are how much has happened in a store, which every caller is told.
var accidents = regexp.MustCompile(`"(position|next)":\d+`)

// hints are how tokens begin.
var hints = regexp.MustCompile(`pal_[A-Za-z0-9_-]{4}`)

// publicWorld writes what everybody may see; it gives identifiers by name.
func publicWorld(n *node) ids {
	ids := ids{"w1": n.create("writer", map[string]any{"name": "Camille Exemple"}, "?publish=true")}
	for i := range 12 {
		name := fmt.Sprintf("n%d", i)
		ids[name] = n.create("note", map[string]any{
			"title": fmt.Sprintf("Note publique %d", i), "code": name, "body": "budget participatif " + strings.Repeat("mot ", i),
			"count": i, "score": float64(i) / 2, "day": fmt.Sprintf("2026-01-%02d", i+1), "kind": []string{"a", "b", "c"}[i%3],
			"tags": []string{"commun", name}, "place": map[string]any{"type": "Point", "coordinates": []float64{2 + float64(i)/10, 48}},
			"author": map[string]any{"_ref": ids["w1"], "_type": "writer"},
		}, "?publish=true")
	}
	return ids
}

// hiddenWorld adds what nobody may see. many makes the worlds differ in number as well as in content.
func hiddenWorld(n *node, ids ids, word string, many int) {
	secret := "canary" + word
	for i := range many {
		title := fmt.Sprintf("%s %d", secret, i)
		draft := n.create("note", map[string]any{"title": title, "code": title, "body": secret + " budget", "count": 1000 + i, "kind": "a",
			"tags": []string{secret}, "author": map[string]any{"_ref": ids["w1"], "_type": "writer"}}, "")
		n.create("memo", map[string]any{"title": title, "about": map[string]any{"_ref": ids["n1"], "_type": "note"}}, "?publish=true")
		trashed := n.create("note", map[string]any{"title": title + " trashed", "count": 500, "tags": []string{secret}}, "?publish=true")
		n.want(http.StatusNoContent, "DELETE", "/api/v1/content/note/"+trashed, nil)
		withdrawn := n.create("note", map[string]any{"title": title + " withdrawn", "count": 600}, "?publish=true")
		n.want(http.StatusOK, "POST", "/api/v1/content/note/"+withdrawn+"/transitions/unpublish", nil)
		n.want(http.StatusOK, "POST", "/api/v1/content/note/"+draft+"/transitions/publish", map[string]any{"at": "2999-01-01T00:00:00Z"})
		n.create("writer", map[string]any{"name": secret + fmt.Sprint(i), "phone": secret}, "")
	}
	// The public entries themselves get private values and drafts beside them.
	n.want(http.StatusOK, "PATCH", "/api/v1/content/note/"+ids["n2"], map[string]any{"title": secret + " draft of n2", "kind": "c", "count": 77})
	n.want(http.StatusOK, "PATCH", "/api/v1/content/note/"+ids["n3"], map[string]any{"next": map[string]any{"_ref": ids["n2"], "_type": "note"}})
}

// publicCorpus is what an anonymous stranger may try.
func publicCorpus() []string {
	var corpus []string
	add := func(format string, args ...any) { corpus = append(corpus, fmt.Sprintf(format, args...)) }
	values := []string{"a", "commun", "canaryalpha", "canaryomega", "canary", "1", "7", "1000", "77", "2026-01-03", "{n1}", "true", "null", "budget", ""}
	for _, field := range []string{"title", "code", "kind", "tags", "count", "score", "day", "author", "author.name", "author.phone", "secretary",
		"next", "next.title", "next.secretary", "_id", "_rev", "_status", "_createdAt", "_updatedAt", "_publishedAt", "_createdBy", "memos", "absent", "$where", "Title"} {
		for _, op := range []string{"eq", "ne", "lt", "gte", "in", "nin", "contains", "prefix", "exists"} {
			for _, v := range values[:6+len(field)%5] {
				add("/api/v1/content/note?filter[%s][%s]=%s&fields=title", field, op, url.QueryEscape(v))
			}
		}
		for _, pattern := range []string{"?sort=%s", "?sort=-%s", "?facets=%s", "?fields=%s", "?include=%s", "?limit=3&sort=%s", "?total=false&sort=-%s"} {
			add("/api/v1/content/note"+pattern, field)
		}
	}
	for _, v := range values {
		q := url.QueryEscape(v)
		add("/api/v1/content/note?q=%s", q)
		add("/api/v1/content/note?q=%s&sort=_score&highlight=true", q)
		add("/api/v1/search?q=%s", q)
		add("/api/v1/search?q=%s&types=note,memo,writer", q)
		add("/api/v1/content/note/%s", q)
		add("/api/v1/content/memo?q=%s", q)
	}
	for _, p := range []string{"/api/v1/content/note", "/api/v1/content/writer", "/api/v1/content/memo", "/api/v1/content/_token", "/api/v1/content/_type",
		"/api/v1/types", "/api/v1/types/note", "/api/v1/types/memo", "/api/v1/types/writer", "/openapi.json", "/", "/browse/note", "/browse/memo", "/browse/writer",
		"/api/v1/content/note?state=draft", "/api/v1/content/note?state=trash", "/api/v1/content/note?locale=en", "/api/v1/content/note?include=author,next",
		"/api/v1/content/note?bbox=1,47,3,49", "/api/v1/content/note?near=48,2,30000", "/api/v1/content/note?facets=kind,tags&limit=1",
		"/api/v1/content/note/{n1}", "/api/v1/content/note/{n2}", "/api/v1/content/note/{n3}?include=next", "/api/v1/content/note/note-publique-2",
		"/api/v1/content/note/{n1}/references", "/api/v1/content/note/{n1}/revisions", "/api/v1/content/note/{n1}/revisions/1", "/api/v1/content/writer/{w1}",
		"/api/v1/content/note/canaryalpha-0", "/api/v1/content/note/canaryomega-0", "/api/v1/content/memo/canaryalpha-0"} {
		add("%s", p)
		add("HEAD %s", p)
		add("OPTIONS %s", p)
	}
	return corpus
}

// A moment differs between two servers that were filled one after the other.
var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

// Signed cursors and the system's times differ with them.
var volatile = regexp.MustCompile(`"(_createdAt|_updatedAt|_publishedAt|requestId|next)":"[^"]*"`)

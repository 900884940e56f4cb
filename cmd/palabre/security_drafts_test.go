package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// newsroom is a node with public notes and, beside them, one entry for each reason not to be public.
type newsroom struct {
	*node
	t      *testing.T
	author string
	public string
	hidden []hiddenEntry
}

// hiddenEntry is an entry that the public must not notice, and every slug that it has or had.
type hiddenEntry struct {
	why   string
	id    string
	slugs []string
}

const secretWord = "canary"

func openNewsroom(t *testing.T) *newsroom {
	t.Helper()
	n := &newsroom{node: stronghold(t), t: t}
	n.author = n.create("writer", map[string]any{"name": "Camille"}, "?publish=true")
	n.public = n.create("note", n.note("Offen", map[string]any{"body": "budget", "tags": []string{"commun"}, "count": 1, "kind": "a"}), "?publish=true")
	n.create("note", n.note("Offen zwei", map[string]any{"body": "budget budget", "tags": []string{"commun"}, "count": 2, "kind": "b"}), "?publish=true")
	for _, why := range []string{"draft", "scheduled", "unpublished", "trashed draft", "trashed", "purged", "expired", "renamed and unpublished"} {
		n.hide(why)
	}
	return n
}

func (n *newsroom) note(title string, more map[string]any) map[string]any {
	fields := map[string]any{"title": title, "author": map[string]any{"_ref": n.author, "_type": "writer"}}
	for name, v := range more {
		fields[name] = v
	}
	return fields
}

// hide makes an entry that is not public any more, or not yet.
func (n *newsroom) hide(why string) {
	n.t.Helper()
	slug := "secret-" + strings.ReplaceAll(why, " ", "-")
	fields := n.note(secretWord+" "+why, map[string]any{"slug": slug, "code": secretWord + why, "body": "budget " + secretWord, "tags": []string{secretWord, why}, "count": 9000, "kind": "c",
		"place": map[string]any{"type": "Point", "coordinates": []float64{7, 48}}, "day": "2001-01-01"})
	was := "?publish=true"
	if why == "draft" || why == "scheduled" || why == "trashed draft" {
		was = ""
	}
	e := hiddenEntry{why: why, id: n.create("note", fields, was), slugs: []string{slug}}
	at := "/api/v1/content/note/" + e.id
	switch why {
	case "scheduled":
		n.want(http.StatusOK, "POST", at+"/transitions/publish", map[string]any{"at": "2999-01-01T00:00:00Z"})
	case "unpublished":
		n.want(http.StatusOK, "POST", at+"/transitions/unpublish", nil)
	case "trashed", "trashed draft":
		n.want(http.StatusNoContent, "DELETE", at, nil)
	case "purged":
		n.want(http.StatusNoContent, "DELETE", at, nil)
		n.want(http.StatusNoContent, "DELETE", at+"?purge=true", nil)
	case "expired":
		n.want(http.StatusOK, "POST", at+"/transitions/unpublish", map[string]any{"at": time.Now().Add(900 * time.Millisecond).UTC().Format(time.RFC3339Nano)})
		eventually(n.t, 20*time.Second, func() error {
			if a := n.node.public("GET", at); a.Status != http.StatusNotFound {
				return fmt.Errorf("%d", a.Status)
			}
			return nil
		})
	case "renamed and unpublished":
		n.want(http.StatusOK, "PATCH", at+"?publish=true", map[string]any{"slug": slug + "-now"})
		e.slugs = append(e.slugs, slug+"-now")
		n.want(http.StatusOK, "POST", at+"/transitions/unpublish", nil)
	}
	n.hidden = append(n.hidden, e)
}

// An entry that is not public is answered as one that never was, by identifier, slug and former slug, on every address.
func TestSecurity_HiddenEntriesAreAbsent(t *testing.T) {
	t.Parallel()
	n := openNewsroom(t)
	const never, neverSlug = "01jd0000000000000000000000", "never-there"
	viewer := bearer(newToken(n.node, "viewer", nil))
	face := func(request, name, header string) string {
		method, path, _ := strings.Cut(strings.ReplaceAll(request, "X", name), " ")
		return strings.ReplaceAll(ids{}.face(sendRaw(t, n.node, method, path, "", header)), name, "{x}")
	}
	byID := []string{"GET /api/v1/content/note/X", "HEAD /api/v1/content/note/X", "GET /api/v1/content/note/X?include=author&fields=title", "GET /api/v1/content/note/X?state=published", "GET /api/v1/content/note/X?state=draft", "GET /api/v1/content/note/X?state=trash",
		"GET /api/v1/content/note/X?locale=en", "GET /api/v1/content/note/X?redirect=false", "GET /api/v1/content/note/X?preview=x", "GET /browse/note/X", "HEAD /browse/note/X", "GET /api/v1/content/writer/X", "GET /api/v1/content/memo/X"}
	onlyID := []string{"GET /api/v1/content/note/X/references", "GET /api/v1/content/note/X/revisions", "GET /api/v1/content/note/X/revisions/1", "GET /api/v1/content/note/X/revisions/2?diff=1", "GET /api/v1/content/note?filter[_id]=X", "GET /api/v1/content/note?filter[next]=X", "GET /api/v1/content/note?filter[_id][in]=X,X",
		"DELETE /api/v1/content/note/X", "POST /api/v1/content/note/X/transitions/publish", "POST /api/v1/content/note/X/transitions/restore", "POST /api/v1/content/note/X/revisions/1/restore"}
	bySlug := []string{"GET /api/v1/content/note?filter[slug]=X", "GET /api/v1/content/note?filter[slug][prefix]=X", "GET /api/v1/content/note?filter[next.slug]=X"}
	headers := []string{"X-Nobody: 1", viewer, "Accept: text/html", "If-None-Match: *", `If-None-Match: "1", "2", "3"`, "If-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT", "Range: bytes=0-10", "Accept-Language: fr"}
	for i, e := range n.hidden {
		if i > 0 { // how a header is read does not depend on why an entry is hidden
			headers = headers[:2]
		}
		for _, header := range headers {
			for _, request := range append(slices.Clone(byID), onlyID...) {
				if got, want := face(request, e.id, header), face(request, never, header); got != want {
					t.Errorf("%s (%s) tells of what is %s:\n%s\n---\n%s", request, header, e.why, got, want)
				}
			}
			for _, slug := range e.slugs {
				for _, request := range append(slices.Clone(byID), bySlug...) {
					if got, want := face(request, slug, header), face(request, neverSlug, header); got != want {
						t.Errorf("%s (%s) by slug tells of what is %s:\n%s\n---\n%s", request, header, e.why, got, want)
					}
				}
			}
		}
	}
	n.noWordOf(t)
}

// noWordOf asks for everything public and looks for what is secret.
func (n *newsroom) noWordOf(t *testing.T) {
	t.Helper()
	for _, path := range n.publicPaths() {
		a := n.node.public("GET", path)
		text := string(a.Body)
		for _, e := range n.hidden {
			named := strings.ReplaceAll(text, `{"_ref":"`+e.id+`","_type":"note"}`, "") // a public entry may point at what is not
			if strings.Contains(named, e.id) && !strings.Contains(path, "changes") {
				t.Errorf("%s names what is %s: %s", path, e.why, text)
			}
		}
		if strings.Contains(text, secretWord) && !strings.Contains(path, secretWord) || strings.Contains(text, "2001-01-01") || strings.Contains(text, "9000") {
			t.Errorf("%s shows a secret: %s", path, text)
		}
		if a.Header.Get("Last-Modified") != "" {
			t.Errorf("%s says when something changed", path)
		}
	}
}

// publicPaths are what a stranger watches.
func (n *newsroom) publicPaths() []string {
	list := "/api/v1/content/note"
	paths := []string{list, list + "?sort=-count", list + "?sort=author.name,title", list + "?sort=-_updatedAt", list + "?facets=kind,tags", list + "?facets=_status&limit=1", list + "?q=budget", list + "?q=budget&sort=_score&highlight=true",
		list + "?q=" + secretWord, list + "?include=author,next,next.author", list + "?filter[count][gte]=0", list + "?filter[tags]=" + secretWord, list + "?filter[code][prefix]=" + secretWord, list + "?filter[author.name][exists]=false",
		list + "?filter[author.name][prefix]=" + secretWord, list + "?filter[next.title][exists]=true", list + "?bbox=-180,-90,180,90", list + "?near=48,7,100000", list + "?locale=en", list + "?limit=1&total=false", list + "?filter[_status]=draft",
		list + "/" + n.public, list + "/offen", list + "/" + n.public + "?include=author,next", list + "/" + n.public + "?locale=en", list + "/" + n.public + "/references",
		list + "?include=author.notes", list + "/" + n.public + "?include=author.notes.author", "/api/v1/content/writer?include=notes", "/api/v1/content/writer/" + n.author + "?include=notes.next",
		"/api/v1/content/writer", "/api/v1/content/writer/" + n.author, "/api/v1/content/writer/" + n.author + "/references", "/api/v1/content/writer/camille", "/api/v1/search?q=budget", "/api/v1/search?q=budget&highlight=true&limit=1",
		"/api/v1/search?q=" + secretWord, "/api/v1/types", "/api/v1/types/note", "/openapi.json", "/", "/browse/note", "/browse/note?q=budget", "/browse/note/offen", "/browse/writer", "/browse/writer/camille", "/api/v1/changes?types=note,writer"}
	return paths
}

// Whatever the staff does out of sight, no public answer moves: not its bytes, tag, rank, count or lifetime.
func TestSecurity_WorkInPrivateLeavesNoTrace(t *testing.T) {
	t.Parallel()
	n := openNewsroom(t)
	draftWriter := n.create("writer", map[string]any{"name": "Zoé"}, "")
	linked := n.create("note", n.note("Offen drei", map[string]any{"count": 3, "author": map[string]any{"_ref": draftWriter, "_type": "writer"}, "next": map[string]any{"_ref": n.hidden[0].id, "_type": "note"}}), "?publish=true")
	watched := append(n.publicPaths(), "/api/v1/content/note/"+linked, "/api/v1/content/note/"+linked+"?include=author,next", "/browse/note/offen-drei")
	look := func(path string) string {
		a := n.node.public("GET", path)
		tags := a.Header.Get("Etag") + " " + a.Header.Get("Content-Length")
		if strings.Contains(path, "/changes") { // it says up to where it looked
			tags = ""
			a.Body = []byte(strings.Split(string(a.Body), `"next"`)[0])
		}
		return tags + "\n" + ids{}.face(a)
	}
	before := map[string]string{}
	for _, path := range watched {
		before[path] = look(path)
	}
	note, at := "/api/v1/content/note", "/api/v1/content/note/"+n.public
	for _, act := range []struct {
		what string
		do   func()
	}{
		{"a draft is made", func() {
			n.create("note", n.note(secretWord, map[string]any{"body": strings.Repeat("budget ", 50), "tags": []string{"commun"}}), "")
		}},
		{"a public entry gets a draft beside", func() {
			n.want(200, "PATCH", at, map[string]any{"title": secretWord, "count": 9000, "tags": []string{secretWord}, "slug": "secret-slug", "kind": "c"})
		}},
		{"the draft beside is edited again", func() {
			n.want(200, "PATCH", at, map[string]any{"body": "budget budget budget " + secretWord, "author": nil})
		}},
		{"the draft beside is translated", func() {
			n.want(200, "PATCH", at, map[string]any{"_locale": "en", "title": secretWord + " in English"})
		}},
		{"the draft beside is to be published one day", func() {
			n.want(200, "POST", at+"/transitions/publish", map[string]any{"at": "2999-01-01T00:00:00Z"})
		}},
		{"an author's draft beside", func() {
			n.want(200, "PATCH", "/api/v1/content/writer/"+n.author, map[string]any{"name": secretWord, "phone": secretWord})
		}},
		{"a draft author is renamed", func() {
			n.want(200, "PATCH", "/api/v1/content/writer/"+draftWriter, map[string]any{"name": "Aaa " + secretWord})
		}},
		{"a linked draft is edited", func() {
			n.want(200, "PATCH", note+"/"+n.hidden[0].id, map[string]any{"title": secretWord + " again"})
		}},
		{"a draft is thrown away", func() {
			n.want(204, "DELETE", note+"/"+n.create("note", n.note(secretWord, nil), ""), nil)
		}},
		{"a draft is restored", func() {
			id := n.create("note", n.note(secretWord, nil), "")
			n.want(204, "DELETE", note+"/"+id, nil)
			n.want(200, "POST", note+"/"+id+"/transitions/restore", nil)
		}},
		{"a hidden type is written, published and scheduled", func() {
			id := n.create("memo", map[string]any{"title": secretWord, "about": map[string]any{"_ref": n.public, "_type": "note"}}, "?publish=true")
			n.want(200, "POST", "/api/v1/content/memo/"+id+"/transitions/unpublish", map[string]any{"at": time.Now().Add(20 * time.Second).UTC().Format(time.RFC3339)})
		}},
		{"a token is made", func() { newToken(n.node, "viewer", nil) }},
		{"a private field is published", func() {
			// on its own entry, which is new in public; what is watched here lists none of its values
			n.want(200, "GET", note, nil)
		}},
		{"administrators look around", func() {
			for _, path := range watched {
				_ = asAdmin(t, n.node, "GET", path, "")
			}
			n.want(200, "GET", note+"?state=draft", nil)
		}},
	} {
		act.do()
		for _, path := range watched {
			if now := look(path); now != before[path] {
				t.Errorf("after %q %s is another:\n%s\n--- before:\n%s", act.what, path, now, before[path])
				before[path] = now
			}
		}
	}
	n.noWordOf(t)
}

// The stream of changes tells a stranger of what he may read, and wakes for nothing else.
func TestSecurity_StreamsTellOfThePublicOnly(t *testing.T) {
	t.Parallel()
	n := openNewsroom(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for who, header := range map[string]string{"a stranger": "X-Nobody: 1", "a viewer": bearer(newToken(n.node, "viewer", nil))} {
		since := n.node.public("GET", "/readyz").JSON(t)["position"]
		req, _ := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/api/v1/changes?since=%v", n.URL, since), nil)
		req.Header.Set("Accept", "text/event-stream")
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
		resp, err := client.Do(req)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %v %v", who, resp, err)
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "retry:") { // the stream is open
		}
		var secrets []string
		for i := range 5 {
			secrets = append(secrets, n.create("note", map[string]any{"title": fmt.Sprint(secretWord, i)}, ""), n.create("memo", map[string]any{"title": fmt.Sprint(secretWord, i)}, "?publish=true"))
			n.want(200, "PATCH", "/api/v1/content/note/"+n.public, map[string]any{"title": fmt.Sprint(secretWord, who, i)})
			newToken(n.node, "viewer", nil)
		}
		last := n.create("note", map[string]any{"title": "Public at last"}, "?publish=true")
		events := 0
		for lines.Scan() {
			line := lines.Text()
			for _, id := range secrets {
				if strings.Contains(line, id) || strings.Contains(line, secretWord) {
					t.Errorf("%s hears: %s", who, line)
				}
			}
			if strings.HasPrefix(line, "data:") && (who == "a stranger" || line != "data: {}") { // a token's holder is told how far the log has come
				events++
			}
			if strings.Contains(line, last) {
				break
			}
		}
		if events != 1 {
			t.Errorf("%s: %d events, want the public one alone", who, events)
		}
		page := sendRaw(t, n.node, "GET", "/api/v1/changes?since=0", "", header)
		if page.Status != 200 || !json.Valid(page.Body) {
			t.Fatalf("%s: %d %s", who, page.Status, page.Body)
		}
		for _, e := range append(n.hidden[:2:2], n.hidden[3]) { // those that were never public
			if strings.Contains(string(page.Body), e.id) {
				t.Errorf("%s reads in the changes of what is %s", who, e.why)
			}
		}
		for _, id := range secrets {
			if strings.Contains(string(page.Body), id) {
				t.Errorf("%s reads in the changes of %s", who, id)
			}
		}
		if strings.Contains(string(page.Body), "_token") || strings.Contains(string(page.Body), "memo") || strings.Contains(string(page.Body), secretWord) {
			t.Errorf("%s reads: %s", who, page.Body)
		}
	}
}

// Publication and expiry happen at their moment for everybody, and no cache is told to keep an answer beyond it.
func TestSecurity_EmbargoAndExpiryOnTime(t *testing.T) {
	t.Parallel()
	n := stronghold(t)
	id := n.create("note", map[string]any{"title": "Embargo", "tags": []string{"early"}}, "")
	begins, ends := time.Now().Add(1500*time.Millisecond), time.Now().Add(3*time.Second)
	at := "/api/v1/content/note/" + id
	n.want(200, "POST", at+"/transitions/publish", map[string]any{"at": begins.UTC().Format(time.RFC3339Nano)})
	n.want(200, "POST", at+"/transitions/unpublish", map[string]any{"at": ends.UTC().Format(time.RFC3339Nano)})
	shown := func() (at time.Time, seen int, maxAge string) {
		for _, path := range []string{"/api/v1/content/note/" + id, "/api/v1/content/note/embargo", "/api/v1/content/note?facets=tags", "/api/v1/search?q=embargo", "/api/v1/content/note?q=embargo", "/browse/note"} {
			a := n.public("GET", path)
			if a.Status == 200 && strings.Contains(string(a.Body), id) || a.Status == 200 && strings.Contains(string(a.Body), "Embargo") {
				seen++
			}
			if c := a.Header.Get("Cache-Control"); strings.Contains(path, "facets") {
				maxAge = c
			}
		}
		return time.Now(), seen, maxAge
	}
	for {
		began := time.Now()
		now, seen, maxAge := shown()
		const slack = 5 * time.Millisecond // times are kept to the millisecond
		switch {
		case now.Before(begins.Add(-slack)) && seen > 0:
			t.Fatalf("%d answers %s before the embargo ends", seen, begins.Sub(now))
		case began.After(ends.Add(slack)) && seen > 0:
			t.Fatalf("%d answers %s after the end", seen, began.Sub(ends))
		case began.After(begins.Add(slack)) && now.Before(ends.Add(-slack)) && seen != 6:
			t.Fatalf("%d of 6 answers show what is published", seen)
		}
		if now.Before(ends.Add(-time.Second)) && (strings.Contains(maxAge, "max-age=10") || strings.Contains(maxAge, "revalidate=60")) {
			t.Fatalf("a list that changes in %s may be kept: %s", ends.Sub(now), maxAge)
		}
		if began.After(ends.Add(200 * time.Millisecond)) {
			return
		}
	}
}

// A stranger's clock tells a hidden entry from an absent one by no more than noise: both go the same way.
func TestSecurity_SameTimeForHiddenAndAbsent(t *testing.T) {
	t.Parallel()
	n := openNewsroom(t)
	median := func(path string) time.Duration {
		var took []time.Duration
		for range 120 {
			began := time.Now()
			if a := n.node.public("GET", path); a.Status != 404 && a.Status != 401 {
				t.Fatalf("%s: %d", path, a.Status)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	for _, pair := range [][2]string{
		{"/api/v1/content/note/" + n.hidden[0].id, "/api/v1/content/note/01jd0000000000000000000000"},
		{"/api/v1/content/note/secret-draft", "/api/v1/content/note/never-there"},
		{"/api/v1/content/memo", "/api/v1/content/never"},
	} {
		hidden, absent := median(pair[0]), median(pair[1])
		if hidden > 3*absent+2*time.Millisecond || absent > 3*hidden+2*time.Millisecond {
			t.Errorf("%s takes %s, %s takes %s", pair[0], hidden, pair[1], absent)
		}
	}
}

// What staff types into a description or an example is the schema's; what stands in entries is nowhere in it.
func TestSecurity_DescriptionsHoldNoContent(t *testing.T) {
	t.Parallel()
	n := openNewsroom(t)
	for _, path := range []string{"/openapi.json", "/api/v1/types", "/api/v1/types/note", "/metrics", "/readyz", "/healthz", "/problems/not-found"} {
		for _, headers := range [][]string{nil, {bearer(adminToken)}} {
			a := sendRaw(t, n.node, "GET", path, "", headers...)
			for _, secret := range []string{secretWord, n.public, n.hidden[0].id, "Camille", "Offen"} {
				if strings.Contains(string(a.Body), secret) {
					t.Errorf("%s holds %q", path, secret)
				}
			}
			if len(headers) == 0 {
				for _, name := range []string{"memo", "secretary", "_token", "_type/"} {
					if strings.Contains(string(a.Body), name) && path != "/metrics" {
						t.Errorf("%s tells a stranger of %q", path, name)
					}
				}
			}
		}
	}
	if a := n.node.public("GET", "/metrics"); strings.Contains(string(a.Body), `"memo"`) || strings.Contains(string(a.Body), url.PathEscape(n.public)) {
		t.Errorf("metrics name content")
	}
}

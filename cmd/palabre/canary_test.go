package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// canary is a text that stands in one place only, and who may read it there.
type canary struct {
	place string
	text  string
	seers []string
}

// staff see all content, and what of it is personal.
var staff = []string{"editor", "coordinator", "administrator"}

// canariesOf are those in the fields of papers and of what is about them. Nobody reads data of class P3, secrets, hashes.
func canariesOf() []canary {
	return []canary{
		{"a private field", "canary-note", staff},
		{"personal data", "canary-phone", staff},
		{"restricted data", "canary-diet", nil},
		{"a secret", "canary-pass", nil},
		{"a field for one role", "canary-grade", []string{"coordinator", "administrator"}},
		{"a draft", "canary-draft", staff},
		{"a draft beside", "canary-beside", staff},
		{"the trash", "canary-trash", staff},
		{"a past revision", "canary-past", staff},
		{"a type for staff", "canary-memo", append([]string{"contributor"}, staff...)},
		{"minutes for their committee", "canary-minutes", append([]string{"contributor", "committee"}, staff...)},
		{"minutes of another committee", "canary-elsewhere", append([]string{"contributor"}, staff...)},
		{"an account", "canary-user", []string{"coordinator", "administrator"}},
		{"a password", "canary-password-twelve", nil},
		{"the name of a token", "canary-token", []string{"administrator"}},
		{"the name of a link", "canary-link", []string{"coordinator", "administrator"}},
		{"a remark", "canary-remark", staff},
		{"the settings", adminToken, nil},
	}
}

// seedCanaries puts each canary in its place, and gives those that were made by the server: tokens and links.
func (c *cast) seedCanaries() []canary {
	c.t.Helper()
	c.share()
	secrets := map[string]any{"note": "canary-note", "phone": "canary-phone", "diet": "canary-diet", "pass": "canary-pass", "grade": "canary-grade"}
	c.want(http.StatusOK, "PATCH", "/api/v1/content/paper/"+c.ids["p0"]+"?publish=true", secrets)
	c.want(http.StatusOK, "PATCH", "/api/v1/content/paper/"+c.ids["p2"], map[string]any{"title": "canary-past"})
	c.want(http.StatusOK, "PATCH", "/api/v1/content/paper/"+c.ids["p2"], map[string]any{"title": "canary-beside"})
	c.ids["draft"] = c.paper("editor", "draft", map[string]any{"title": "canary-draft"})
	c.want(http.StatusNoContent, "DELETE", "/api/v1/content/paper/"+c.paper("editor", "draft", map[string]any{"title": "canary-trash"}), nil)
	c.create("memo", map[string]any{"title": "canary-memo", "slug": "canary-slug"}, "?publish=true")
	c.create("minutes", map[string]any{"title": "canary-minutes", "committee": "Comité A", "audience": "instance"}, "?publish=true")
	c.create("minutes", map[string]any{"title": "canary-elsewhere", "committee": "Comité B", "audience": "instance"}, "?publish=true")
	c.create("_comment", map[string]any{"type": "paper", "entry": c.ids["p1"], "text": "canary-remark"}, "")
	user := map[string]any{"email": "canary-user@example.org", "name": "canary-user", "roles": []string{"reader"}}
	if c.hashesPasswords() {
		user["password"] = "canary-password-twelve"
	}
	c.create("_user", user, "")
	token := c.must(http.StatusCreated, "administrator", "POST", "/api/v1/content/_token", map[string]any{"name": "canary-token", "role": "reader"}).JSON(c.t)
	link := c.must(http.StatusCreated, "coordinator", "POST", "/api/v1/content/_link", map[string]any{"name": "canary-link", "type": "paper", "entry": c.ids["p1"], "actions": []string{"read"}, "expiresAt": inAMonth()}).JSON(c.t)
	made := []canary{{"an API token", token["token"].(string), nil}, {"the token of a link", link["token"].(string), nil}}
	for who, text := range c.tokens {
		if text != "" {
			made = append(made, canary{"the token of " + who, text, nil})
		}
	}
	return made
}

// hashesPasswords reports whether accounts sign in: a password is kept as a hash then.
func (c *cast) hashesPasswords() bool {
	return strings.Contains(string(c.as("administrator", "GET", "/openapi.json", nil).Body), `"/api/v1/auth/login"`)
}

// A canary is seen by those who may see it, and sits nowhere else: in no answer, log, export, page or figure.
func TestCanaries(t *testing.T) {
	t.Parallel()
	c := newCast(start(t, nodeOptions{Env: []string{"PALABRE_LOG_LEVEL=debug"}}))
	all := append(c.seedCanaries(), canariesOf()...)
	sung := map[string]bool{}
	for _, who := range callers {
		for _, request := range canaryCorpus() {
			method, target, body := parsed(request)
			a := sendRaw(t, c.node, method, c.ids.fill(target), c.ids.fill(body), headersOf(c.tokens[who])...)
			shown := fmt.Sprint(a.Header) + string(a.Body)
			for _, k := range all {
				if !strings.Contains(shown, k.text) || strings.Contains(request, k.text) {
					continue
				}
				sung[k.text+" to "+who] = true
				if toldWhole(request, who, k) {
					continue
				}
				if !slices.Contains(k.seers, who) {
					t.Errorf("%s shows %s: %s", who, k.place, request)
				}
			}
		}
	}
	for _, k := range all { // whoever may see it has: the corpus comes to every place
		for _, who := range k.seers {
			if !sung[k.text+" to "+who] {
				t.Errorf("%s never saw %s: the test does not look there", who, k.place)
			}
		}
	}
	c.noCanaryIn(t, all, "the log", c.log.String())
	c.noCanaryIn(t, all, "the figures", string(c.public("GET", "/metrics").Body))
	c.noCanaryOnDisk(t, all)
	unharmed(t, c.node)
}

// toldWhole reports whether an answer is for those who answer for personal data: they are told all that is kept about
// somebody, restricted data included, and the audit trail says so. Secrets are no such data.
func toldWhole(request, who string, k canary) bool {
	answersFor := who == "administrator" || who == "coordinator"
	return answersFor && strings.Contains(request, "/api/v1/privacy/subjects") && (k.place == "restricted data" || k.place == "the name of a token")
}

func parsed(request string) (method, target, body string) {
	if m, rest, ok := strings.Cut(request, " "); ok {
		target, body, _ = strings.Cut(rest, " ")
		return m, target, body
	}
	return "GET", request, ""
}

func headersOf(token string) []string {
	if token == "" {
		return nil
	}
	return []string{bearer(token)}
}

// noCanaryIn looks for what nobody may read, and for all content, in what is for those who run the server.
func (c *cast) noCanaryIn(t *testing.T, all []canary, where, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		for _, k := range all {
			if strings.Contains(line, k.text) {
				t.Errorf("%s tells %s: %.300s", where, k.place, line)
			}
		}
	}
}

// noCanaryOnDisk looks for tokens and passwords in every file that the server has written: they are kept as hashes.
func (c *cast) noCanaryOnDisk(t *testing.T, all []canary) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(c.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // what is gone again is not there to be read
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		files++
		for _, k := range all {
			if (strings.HasPrefix(k.text, "pal_") || k.place == "a password") && strings.Contains(string(text), k.text) {
				t.Errorf("%s holds %s", filepath.Base(path), k.place)
			}
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files were read: %v", files, err)
	}
}

// canaryCorpus is the corpus of the twin worlds and what makes much talk: wide lists, exports, errors about what was sent.
func canaryCorpus() []string {
	corpus := slices.Concat(searchCorpus(), entryCorpus(), typeCorpus())
	for _, typ := range []string{"paper", "memo", "minutes", "organization", "writer", "note", "_user", "_role", "_token", "_link", "_comment", "_session", "_audit", "_erasure", "_type"} {
		for _, p := range []string{"?limit=200", "?limit=200&state=draft", "?limit=200&state=trash", "?state=draft&facets=title", "?q=canary"} {
			corpus = append(corpus, "/api/v1/content/"+typ+p)
		}
		for _, p := range []string{"", "?format=csv", "?state=draft", "?state=draft&format=csv", "?filter[title][prefix]=canary", "?fields=diet", "?format=xlsx"} {
			corpus = append(corpus, "/api/v1/export/"+typ+p)
		}
	}
	for _, p := range []string{"?facets=note", "?facets=diet", "?facets=grade", "?include=seenBy,minutes,see,author,handler&state=draft", "/{p0}?include=seenBy,minutes,handler", "/{p2}/revisions/3", "/{p2}/revisions/4?diff=3", "/{p2}/revisions/3?diff=4", "/{draft}?state=draft", "/{p2}?state=draft"} {
		corpus = append(corpus, "/api/v1/content/paper"+p)
	}
	for _, typ := range []string{"_session", "_token", "_user", "_link", "paper"} {
		corpus = append(corpus, "/api/v1/content/"+typ+"?state=draft&fields=hash", "/api/v1/content/"+typ+"?state=draft&facets=hash", "/api/v1/content/"+typ+"?state=draft&sort=password")
	}
	for _, text := range []string{"canary-user@example.org", "canary-phone", "canary-diet", "canary-note", "dossier 0", "camille"} {
		text = string(mustJSON(map[string]any{"text": text}))
		corpus = append(corpus, "POST /api/v1/privacy/subjects "+text, "POST /api/v1/privacy/subjects/export "+text)
	}
	corpus = append(corpus, `POST /api/v1/privacy/erasures {"entries":[{"type":"paper","id":"{p0}","fields":["diet"]}],"reason":"x","dryRun":true}`, "/api/v1/privacy/register", "/api/v1/privacy/register?format=csv", "/api/v1/privacy/retention",
		`POST /api/v1/auth/login {"email":"canary-user@example.org","password":"wrong"}`, `POST /api/v1/auth/forgot {"email":"canary-user@example.org"}`, "/api/v1/auth/sessions", "/api/v1/auth/oidc")
	body := string(mustJSON(map[string]any{"title": 1, "pass": map[string]any{}, "diet": "x", "absent": json.RawMessage(`[]`)}))
	return append(corpus, "POST /api/v1/content/paper "+body, "PATCH /api/v1/content/paper/{p0} "+body, "POST /api/v1/batch {}", `POST /api/v1/content/memo {"title":"x","slug":"canary-slug"}`, "GET /absent", "DELETE /", "/api/v1/auth/me", "/api/v1/audit", "/api/v1/access/explain?action=read&type=_user&as=canary-user@example.org")
}

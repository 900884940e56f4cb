package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// audience are callers from whom the same is hidden, and what that is. Each hides what the one after it hides, and more.
type audience struct {
	name  string
	roles []string
	hides int
}

const (
	hidesDiet     = iota + 1 // data of class P3, and secrets
	hidesGrade               // fields for other roles; API tokens
	hidesAccounts            // accounts, roles, others' links
	hidesDrafts              // drafts and the trash of others, their private fields, personal data
	hidesStaff               // types for staff
)

var audiences = []audience{
	{"administrator", []string{"administrator"}, hidesDiet},
	{"coordinator", []string{"coordinator"}, hidesDiet},
	{"editor", []string{"editor"}, hidesAccounts},
	{"contributor", []string{"contributor"}, hidesDrafts},
	{"outsiders", []string{"stranger", "public", "reader", "jury", "member", "partner", "committee", "east", "link"}, hidesStaff},
}

// Two servers whose data are equal but for what a role may not see: whatever its holder asks, both give the same bytes.
func TestTwinWorlds_roles(t *testing.T) {
	t.Parallel()
	corpus := roleCorpus()
	for _, who := range audiences {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			a, b := newCast(start(t, nodeOptions{})), newCast(start(t, nodeOptions{}))
			a.share()
			b.share()
			a.hide(who.hides, "alpha", 1)
			b.hide(who.hides, "omega", 3)
			for _, role := range who.roles {
				t.Run(role, func(t *testing.T) {
					twins{a: world{a.node, a.tokens[role], a.ids}, b: world{b.node, b.tokens[role], b.ids}}.compare(t, askedBy(role, corpus))
				})
			}
		})
	}
}

// askedBy leaves out what must differ: those who answer for personal data are told all that is kept about somebody, which
// is noted; and they read the audit trail, in which every line is one of its kind.
func askedBy(role string, corpus []string) []string {
	if role != "administrator" && role != "coordinator" {
		return corpus
	}
	return slices.DeleteFunc(slices.Clone(corpus), func(request string) bool {
		return strings.Contains(request, "audit") || strings.Contains(request, "/privacy/subjects")
	})
}

// hiddenDraft is an identifier that a draft has in one of the worlds, and nothing in the other.
const hiddenDraft = "01jd00000000000000000000d1"

// share writes what both worlds have: papers of two regions and of several hands, their authors, minutes, memos.
func (c *cast) share() {
	c.ids["w1"] = c.create("writer", map[string]any{"name": "Camille Exemple"}, "?publish=true")
	for i := range 6 {
		name := fmt.Sprintf("p%d", i)
		fields := map[string]any{"title": fmt.Sprintf("Dossier %d du budget", i), "region": []string{"11", "44"}[i%2], "size": i, "day": fmt.Sprintf("2026-01-%02d", i+1),
			"tags": []string{"commun", name}, "place": map[string]any{"type": "Point", "coordinates": []float64{2 + float64(i)/10, 48}},
			"author": ref("writer", c.ids["w1"]), "group": map[string]any{"name": "G"}}
		if i > 0 {
			fields["see"] = ref("paper", c.ids["p0"])
		}
		c.ids[name] = c.paper("editor", "published", fields)
	}
	c.ids["own"] = c.paper("contributor", "draft", map[string]any{"title": "Brouillon à soi", "note": "à soi", "rank": 3, "see": ref("paper", c.ids["p1"])})
	c.ids["east"] = c.paper("editor", "draft", map[string]any{"title": "Brouillon de l’est", "region": "44", "note": "de l’est", "see": ref("paper", c.ids["p1"])})
	for i, audience := range []string{"instance", "adherents", "public"} {
		c.ids[audience] = c.create("minutes", map[string]any{"title": "Compte rendu du budget " + audience, "committee": []string{"Comité A", "Comité B"}[i%2],
			"audience": audience, "paper": ref("paper", c.ids["p1"])}, "?publish=true")
	}
	c.want(http.StatusOK, "PATCH", "/api/v1/content/organization/"+c.ids["org"], map[string]any{"about": "Une page en projet"})
}

// hide writes what the callers of an audience must not see. many makes the worlds differ in number as well.
func (c *cast) hide(level int, word string, many int) {
	secret := "canary" + word
	c.hideValues(level, secret, many)
	if level >= hidesAccounts {
		c.hideAccounts(secret, many)
	}
	if level >= hidesDrafts {
		c.hideDrafts(secret, many)
	}
	if level >= hidesStaff {
		c.hideStaff(secret, many)
	}
}

// hideValues gives the shared papers values in hidden fields, in what is published and in what is not.
func (c *cast) hideValues(level int, secret string, many int) {
	for i, name := range []string{"p0", "p1", "p2", "p3", "own", "east", "linked"} {
		fields := map[string]any{"diet": secret + name, "pass": secret}
		if level >= hidesAccounts {
			fields["grade"] = fmt.Sprint(secret, i)
		}
		if level >= hidesDrafts {
			fields["phone"] = secret + " budget"
			if name != "own" {
				fields["rank"], fields["handler"], fields["group"] = many*i, ref("writer", c.ids["w1"]), map[string]any{"name": "G", "salary": many * 1000}
				if name != "p1" && name != "p3" && name != "east" {
					fields["note"] = secret + " budget"
				}
			}
		}
		publish := map[bool]string{true: "?publish=true"}[name[0] == 'p']
		c.want(http.StatusOK, "PATCH", "/api/v1/content/paper/"+c.ids[name]+publish, fields)
	}
}

func (c *cast) hideAccounts(secret string, many int) {
	for i := range many {
		user := c.create("_user", map[string]any{"email": fmt.Sprint(secret, i, "@example.org"), "name": secret, "roles": []string{"reader"}}, "")
		c.create("_role", map[string]any{"name": fmt.Sprint("canary-", i), "label": map[string]any{"fr": secret}}, "")
		c.create("_token", map[string]any{"name": secret, "role": "reader", "user": ref("_user", user)}, "")
		c.create("_link", map[string]any{"name": secret, "type": "paper", "entry": c.ids["p1"], "actions": []string{"read"}, "expiresAt": inAMonth()}, "")
	}
}

// hideDrafts adds what nobody but staff sees of types that are public: drafts, the trash, what was withdrawn or is to come.
func (c *cast) hideDrafts(secret string, many int) {
	if many > 1 {
		c.want(http.StatusCreated, "PUT", "/api/v1/content/paper/"+hiddenDraft, map[string]any{"title": secret, "region": "11", "slug": "canary-slug"}, "If-None-Match: *")
	}
	c.hideOncePublic(secret)
	for i := range many {
		fields := map[string]any{"title": fmt.Sprintf("%s %d budget", secret, i), "region": "11", "size": 1000 + i, "tags": []string{secret}, "see": ref("paper", c.ids["p1"]), "author": ref("writer", c.ids["w1"])}
		draft := c.paper("editor", "draft", fields)
		c.create("_comment", map[string]any{"type": "paper", "entry": draft, "text": secret}, "")
		c.create("_comment", map[string]any{"type": "paper", "entry": c.ids["p1"], "text": secret}, "")
		trashed := c.paper("editor", "draft", fields)
		c.want(http.StatusNoContent, "DELETE", "/api/v1/content/paper/"+trashed, nil)
		c.want(http.StatusOK, "POST", "/api/v1/content/paper/"+draft+"/transitions/publish", map[string]any{"at": "2999-01-01T00:00:00Z"})
		c.create("memo", map[string]any{"title": secret}, "")
		c.create("minutes", map[string]any{"title": secret, "committee": "Comité A", "audience": "adherents", "paper": ref("paper", c.ids["p1"])}, "")
		c.create("organization", map[string]any{"name": secret}, "")
	}
	c.want(http.StatusOK, "PATCH", "/api/v1/content/paper/"+c.ids["p4"], map[string]any{"title": secret + " beside", "size": 77, "slug": secret})
	c.want(http.StatusOK, "PATCH", "/api/v1/content/minutes/"+c.ids["public"]+"?publish=true", map[string]any{"present": secret})
	c.want(http.StatusOK, "PATCH", "/api/v1/content/organization/"+c.ids["org"], map[string]any{"contact": secret})
}

// hideOncePublic withdraws a paper and throws one away. That they were public once is no secret, and what they say now is.
func (c *cast) hideOncePublic(secret string) {
	for _, name := range []string{"withdrawn", "trashed"} {
		c.ids[name] = c.paper("editor", "published", nil)
		c.want(http.StatusOK, "PATCH", "/api/v1/content/paper/"+c.ids[name], map[string]any{"title": secret + " budget", "see": ref("paper", c.ids["p1"])})
	}
	c.want(http.StatusOK, "POST", "/api/v1/content/paper/"+c.ids["withdrawn"]+"/transitions/unpublish", nil)
	c.want(http.StatusNoContent, "DELETE", "/api/v1/content/paper/"+c.ids["trashed"], nil)
}

// hideStaff adds what is published of types for staff.
func (c *cast) hideStaff(secret string, many int) {
	for i := range many {
		c.create("memo", map[string]any{"title": fmt.Sprintf("%s %d budget", secret, i)}, "?publish=true")
		c.create("minutes", map[string]any{"title": secret + " budget", "committee": "Comité A", "audience": "interne", "paper": ref("paper", c.ids["p1"])}, "?publish=true")
	}
}

package content_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/content"
)

func TestSlugify(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"L’école du cœur":                  "l-ecole-du-coeur",
		"L'Œuvre d'un·e agriculteur·rice":  "l-oeuvre-d-un-e-agriculteur-rice",
		"  Mulhouse : budget participatif": "mulhouse-budget-participatif",
		"Straße & Ærø, Łódź":               "strasse-aero-lodz",
		"100 m² en 2026 – n° 3":            "100-m2-en-2026-n-3",
		"a--b__c":                          "a-b-c",
		"日本語":                              "",
		"":                                 "",
		strings.Repeat("mot ", 30):         strings.TrimSuffix(strings.Repeat("mot-", 20), "-"),
		strings.Repeat("x", 100):           strings.Repeat("x", 80),
		strings.Repeat("x", 80) + " tail":  strings.Repeat("x", 80),
		"É":                                "e",
	} {
		if got := content.Slugify(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

var slugForm = regexp.MustCompile(`^([a-z0-9]+(-[a-z0-9]+)*)?$`)

func FuzzSlugify(f *testing.F) {
	f.Add("L’école du cœur")
	f.Add("\xff\x00·ⅷ")
	f.Fuzz(func(t *testing.T, text string) {
		slug := content.Slugify(text)
		if len(slug) > 80 || !slugForm.MatchString(slug) {
			t.Errorf("%q makes %q", text, slug)
		}
		if again := content.Slugify(slug); again != slug {
			t.Errorf("%q makes %q, which makes %q", text, slug, again)
		}
	})
}

func TestSlug_ofManyEqualTitles(t *testing.T) {
	t.Parallel()
	n := start(t)
	slugs := map[string]bool{}
	for range 60 {
		e := n.create("partner", `{"name": "Sans titre"}`)
		slugs[object(e.Draft)["slug"].(string)] = true
	}
	if len(slugs) != 60 || !slugs["sans-titre"] || !slugs["sans-titre-2"] || !slugs["sans-titre-60"] {
		t.Errorf("%d slugs: %v", len(slugs), slugs)
	}
	long := n.create("partner", `{"name": "%s"}`, strings.Repeat("mot ", 30))
	second := n.create("partner", `{"name": "%s"}`, strings.Repeat("mot ", 30))
	for _, e := range []string{object(long.Draft)["slug"].(string), object(second.Draft)["slug"].(string)} {
		if len(e) > 80 || !slugForm.MatchString(e) {
			t.Errorf("slug %q", e)
		}
	}
}

func TestSlug_ofWhatWasTakenDown(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := n.createLive("fiche", `{"title": "First"}`)
	n.transition(e, "unpublish")
	if _, _, err := n.catalog.BySlug(t.Context(), "fiche", "first", core.StatePublished); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("its slug finds what is not published: %v", err)
	}
	n.update(e, `{"slug": "second"}`)
	n.transition(e, "publish")
	if v, former, err := n.catalog.BySlug(t.Context(), "fiche", "first", core.StatePublished); err != nil || !former || v.ID != e.ID {
		t.Errorf("its slug of before finds %v, former %v, %v", v, former, err)
	}
	n.transition(e, "unpublish")
	if back := n.transition(e, "publish"); len(back.Slugs) != 1 || back.Slugs[0] != "first" {
		t.Errorf("published again: former slugs %q", back.Slugs)
	}
}

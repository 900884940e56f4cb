package core_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
)

func TestType_Localize(t *testing.T) {
	t.Parallel()
	typ := core.NewType(core.Type{Locales: []core.Locale{"fr", "en", "de"}, Fallback: map[core.Locale][]core.Locale{"de": {"en"}}})
	seo := map[string]any{"title": "Titre", "image": "i"}
	doc := map[string]any{"title": "Bonjour", "region": "44", "seo": seo,
		"_i18n": map[string]any{"en": map[string]any{"title": "Hello", "seo": map[string]any{"title": "Title"}}}}
	english := map[string]any{"title": "Hello", "region": "44", "seo": map[string]any{"title": "Title", "image": "i"}}
	french := map[string]any{"title": "Bonjour", "region": "44", "seo": seo}
	for _, tc := range []struct {
		name   string
		want   core.Locale
		doc    map[string]any
		served core.Locale
	}{
		{"nothing wanted", "", french, "fr"},
		{"its own", "fr", french, "fr"},
		{"translated", "en", english, "en"},
		{"by the chain", "de", english, "en"},
		{"by the language of a region", "en-GB", english, "en"},
		{"not translated", "es", french, "fr"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, served := typ.Localize(doc, tc.want)
			if served != tc.served {
				t.Errorf("served %s, want %s", served, tc.served)
			}
			if diff := cmp.Diff(tc.doc, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, served := typ.Localize(map[string]any{"_locale": "en", "title": "Only English"}, "fr"); served != "en" {
		t.Errorf("a document in English was served as %s", served)
	}
}

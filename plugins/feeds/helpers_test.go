package feeds_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"

	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/feeds"
)

type doc = plugintest.Doc

// node runs a plugin with the content types that come with Palabre, for a website at example.org.
func node(t testing.TB, p plugin.Plugin, options ...plugintest.Option) *plugintest.Host {
	t.Helper()
	shipped := plugintest.Configure(func(c *config.Config) { c.Schemas, c.PublicURL = "", "https://cms.example.org" })
	named := plugintest.Settings(doc{"site": "https://example.org", "title": "Observatoire", "author": "Association Exemple"})
	return plugintest.New(t, p, append([]plugintest.Option{shipped, named}, options...)...)
}

// post is a blog post that may be published.
func post(more doc) doc {
	d := doc{"title": "Un budget participatif", "rubric": "analyse", "lead": "Ce qu’il en reste.", "byline": []any{"Camille Exemple"}, "keywords": []any{"budget", "vote"},
		"sources": []any{doc{"type": "document", "title": "Rapport"}}, "body": richText("Le texte entier.")}
	for name, v := range more {
		d[name] = v
	}
	return d
}

func richText(s string) doc {
	return doc{"type": "doc", "content": []any{doc{"type": "paragraph", "content": []any{doc{"type": "text", "text": s}}}}}
}

var kinds = map[string]string{".atom": "application/atom+xml", ".rss": "application/rss+xml", ".json": "application/feed+json"}

// parsed reads a feed with another library than the one that wrote it, after a look at its form.
func parsed(t *testing.T, h *plugintest.Host, path string) *gofeed.Feed {
	t.Helper()
	got := h.Get(path).OK()
	file, _, _ := strings.Cut(path, "?")
	ending := file[strings.LastIndexByte(file, '.'):]
	if kind := got.Header.Get("Content-Type"); kind != kinds[ending]+"; charset=utf-8" {
		t.Errorf("%s is %s", path, kind)
	}
	if ending != ".json" {
		wellFormed(t, got.Text)
	}
	f, err := gofeed.NewParser().ParseString(got.Text)
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, got.Text)
	}
	return f
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("it is not well-formed: %v\n%s", err, text)
		}
	}
}

// everywhere runs a test with each format.
func everywhere(t *testing.T, test func(t *testing.T, ending string)) {
	for ending := range kinds {
		t.Run(ending[1:], func(t *testing.T) { t.Parallel(); test(t, ending) })
	}
}

func settingsPath() string { return "/api/v1/plugins/" + feeds.ID }

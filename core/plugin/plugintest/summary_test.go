package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// The plugin and the test of docs/plugins.md, word for word.

type Summary struct{ settings *plugin.Settings[Settings] }

type Settings struct {
	Words int `json:"words"`
}

func (p *Summary) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.acme.summary", Version: "1.0.0", Writes: []string{"article.summary"},
		Settings: json.RawMessage(`{"type": "object", "properties": {"words": {"type": "integer", "minimum": 1, "default": 20}}}`)}
}

func (p *Summary) Register(r *plugin.Registry) error {
	p.settings = plugin.Configure[Settings](r, nil)
	return errors.Join(
		plugin.Before(r, plugin.EntryCreate, p.summarise, plugin.OnTypes("article")),
		plugin.Before(r, plugin.EntryUpdate, p.summarise, plugin.OnTypes("article")))
}

func (p *Summary) summarise(_ context.Context, e *core.EntryEvent) error {
	text, _ := e.New["text"].(string)
	words := strings.Fields(text)
	if len(words) == 0 {
		return plugin.Reject("no_text", "An article needs a text.", plugin.Field("/text", "Write something."))
	}
	if e.New["summary"] == nil {
		e.New["summary"] = strings.Join(words[:min(len(words), p.settings.Get().Words)], " ")
	}
	return nil
}

const story = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Article", "type": "object",
	"x-type": {"name": "article", "public": true, "slug": false},
	"properties": {"text": {"type": "string"}, "summary": {"type": "string"}}}`

func TestSummary(t *testing.T) {
	h := plugintest.New(t, &Summary{}, plugintest.Types(story), plugintest.Settings(plugintest.Doc{"words": 2}))
	h.Create("article", plugintest.Doc{"text": "Once upon a time"}).OK().Has("summary", "Once upon")
	h.Create("article", plugintest.Doc{"text": " "}).Rejected("no_text")
}

// What the guide shows is what works.
func TestGuide(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	var own []byte
	for _, name := range []string{"summary_test.go", "views_test.go", "words_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		own = append(own, text...)
	}
	shown := 0
	for i, block := range strings.Split(string(guide), "```go tested\n") {
		if i == 0 {
			continue
		}
		code, _, _ := strings.Cut(block, "```")
		for _, part := range strings.Split(strings.TrimSpace(code), "\n\n") {
			shown++
			if !strings.Contains(string(own), part) {
				t.Errorf("docs/plugins.md shows what is not tested:\n%s", part)
			}
		}
	}
	if shown < 9 {
		t.Errorf("only %d parts of the guide were found", shown)
	}
}

package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// essay says what it is in the words of a plugin.
const essay = `{"title":"Essay","type":"object","unevaluatedProperties":false,"required":["title"],
"x-type":{"name":"essay","public":true,"titleField":"title","slug":false,"locales":["fr","en"]},
"properties":{"title":{"type":"string","x-localized":true,"x-acme-tone":{"never":["damn"]}},"isbn":{"type":"string","format":"isbn"},
"text":{"type":"string","x-localized":true},"key":{"type":"string","x-secret":true},
"words":{"type":"integer","x-localized":true,"x-computed":{"by":"dev.acme.words/count","with":{"field":"text"}}},
"long":{"type":"boolean","x-computed":"(words ?? 0) > 3"}}}`

// vocabulary is a plugin that adds words to schemas. What its function does depends on the text that it is given.
func vocabulary(version int, perWord int) made {
	return made{manifest: plugin.Manifest{ID: "dev.acme.words", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		plugin.Formats(r, core.Format{Name: "isbn", Wants: core.Text{"fr": "un ISBN", "en": "an ISBN"}, Valid: func(text string) bool {
			if text == "panic" {
				panic("boom")
			}
			return len(text) == 13
		}})
		plugin.Annotations(r, core.Annotation{Name: "x-acme-tone",
			Value: json.RawMessage(`{"type":"object","required":["never"],"additionalProperties":false,"properties":{"never":{"type":"array","items":{"type":"string"}}}}`),
			Check: func(rule, value any) core.Text {
				text, _ := value.(string)
				if text == "panic" {
					panic("boom")
				}
				for _, word := range jsondoc.Texts(rule.(map[string]any), "never") {
					if strings.Contains(text, word) {
						return core.Text{"fr": "Pas de « " + word + " » ici.", "en": "No “" + word + "” here."}
					}
				}
				return nil
			}})
		plugin.Computes(r, plugin.Computation{Name: "count", Version: version, With: []byte(`{"type":"object","properties":{"field":{"type":"string"}}}`),
			Compute: func(ctx context.Context, c core.Computing) (any, error) {
				if _, seen := c.Doc["key"]; seen {
					return nil, errors.New("it is shown a secret")
				}
				with, _ := c.With.(map[string]any)
				text := jsondoc.Text(c.Doc, jsondoc.Text(with, "field"))
				switch text {
				case "":
					return nil, nil
				case "panic":
					panic("boom")
				case "fail":
					return nil, errors.New("secret detail")
				case "refuse":
					return nil, plugin.Reject("no_words", "Words are needed.", plugin.Field("/text", "More words."))
				case "hang":
					<-ctx.Done()
				}
				return len(strings.Fields(text)) * perWord, nil
			}})
		return nil
	}}
}

func essays(t *testing.T) *plugintest.Host {
	t.Helper()
	return plugintest.New(t, vocabulary(1, 1), plugintest.Types(essay))
}

func TestVocabulary_values(t *testing.T) {
	t.Parallel()
	h := essays(t)
	wrong := func(doc plugintest.Doc) string {
		t.Helper()
		return h.Create("essay", doc).Status(422).Text
	}
	if got := wrong(plugintest.Doc{"title": "x", "isbn": "12"}); !strings.Contains(got, `"/isbn"`) || !strings.Contains(got, "must be an ISBN.") {
		t.Error(got)
	}
	if got := wrong(plugintest.Doc{"title": "damn it"}); !strings.Contains(got, `"x-acme-tone"`) || !strings.Contains(got, "No “damn” here.") {
		t.Error(got)
	}
	h.Create("essay", plugintest.Doc{"title": "x", "isbn": "9782123456803"}).OK()
	h.Do("administrator", "GET", "/api/v1/plugins/dev.acme.words", nil).OK().
		Has("words", "map[annotations:[x-acme-tone] computed:[dev.acme.words/count] formats:[isbn]]")
}

// Types tell what is wrong with a plugin's words where they stand.
func TestVocabulary_types(t *testing.T) {
	t.Parallel()
	h := essays(t)
	for _, tc := range []struct{ root, field, at, says string }{
		{"", `"format":"isbm"`, "/properties/a/format", "Did you mean “isbn”?"},
		{"", `"x-acme-tune":{}`, "/properties/a/x-acme-tune", "Did you mean “x-acme-tone”?"},
		{"", `"x-acme-tone":{"never":"damn"}`, "/properties/a/x-acme-tone/never", ""},
		{"", `"x-acme-tone":{"ever":[]}`, "/properties/a/x-acme-tone/ever", ""},
		{`"x-acme-tone":{"never":[]},`, `"title":"A"`, "/x-acme-tone", "stands on a field"},
		{"", `"x-computed":{"by":"dev.acme.words/cuont"}`, "/properties/a/x-computed/by", "Did you mean “dev.acme.words/count”?"},
		{"", `"x-computed":{"by":"dev.acme.words/count","with":{"field":7}}`, "/properties/a/x-computed/with/field", ""},
		{"", `"x-computed":{"by":"dev.acme.words/count","with":{},"else":1}`, "/properties/a/x-computed/else", ""},
		{"", `"x-unique":true,"x-computed":{"by":"dev.acme.words/count","with":{}}`, "/properties/a/x-unique", "cannot promise"},
		{"", `"x-computed":"size *"`, "/properties/a/x-computed", "cannot be read"},
		{"", `"x-computed":"siez * 2"`, "/properties/a/x-computed", "Did you mean “size”?"},
		{"", `"x-computed":"now()"`, "/properties/a/x-computed", "now"},
		{"", `"x-computed":"len(1..size)"`, "/properties/a/x-computed", "cannot say “..”"},
		{"", `"x-computed":"all(list, any(list, # > 1))"`, "/properties/a/x-computed", "for each item of another"},
		{"", `"x-computed":"let n = 1; n"`, "/properties/a/x-computed", "cannot say"},
		{"", `"x-computed":7`, "/properties/a/x-computed", "an expression"},
	} {
		schema := `{"title":"Trial","type":"object",` + tc.root + `"x-type":{"name":"trial","slug":false},
			"properties":{"a":{` + tc.field + `},"size":{"type":"integer"},"list":{"type":"array","items":{"type":"integer"}}}}`
		got := h.Do("administrator", "POST", "/api/v1/types/trial/check", plugintest.Doc{"schema": json.RawMessage(schema)}).Status(422).Text
		if !strings.Contains(got, `"pointer":"`+tc.at+`"`) && !strings.Contains(got, `"pointer":"/schema`+tc.at+`"`) || !strings.Contains(got, tc.says) {
			t.Errorf("%s: %s", tc.field, got)
		}
	}
}

func TestComputed(t *testing.T) {
	t.Parallel()
	h := essays(t)
	made := h.CreateLive("essay", plugintest.Doc{"title": "x", "text": "two words", "key": "k"}).OK().Has("words", 2).Has("long", false)
	h.Create("essay", plugintest.Doc{"title": "x", "words": 5}).Status(422)
	h.Update("essay", made.ID, plugintest.Doc{"text": "now there are five words"}).OK().Has("words", 5).Has("long", true)
	h.Update("essay", made.ID, plugintest.Doc{"_locale": "en", "text": "one"}).OK()
	if got := h.Do("administrator", "GET", "/api/v1/content/essay/"+string(made.ID)+"?state=draft&locale=en", nil).OK().Body; fmt.Sprint(got["words"]) != "1" {
		t.Errorf("the translation has %v words", got["words"])
	}
	h.Move("essay", made.ID, "publish").OK()
	if got := h.Get("/api/v1/content/essay?filter[words][gte]=5&sort=-words").OK().Body["page"].(map[string]any)["total"]; fmt.Sprint(got) != "1" {
		t.Errorf("%v are found by what was computed", got)
	}
	h.Update("essay", made.ID, plugintest.Doc{"text": nil}).OK().Has("words", nil).Has("long", false)
	h.Create("essay", plugintest.Doc{"title": "x", "text": "refuse"}).Rejected("no_words")
}

// What another version of the function has stored is computed anew, what is published too. A function that is off leaves fields
// alone.
func TestComputed_anew(t *testing.T) {
	t.Parallel()
	h := essays(t)
	at := "/api/v1/content/essay/" + string(h.CreateLive("essay", plugintest.Doc{"title": "x", "text": "two words"}).OK().Has("words", 2).ID)
	words := func(want string) func() bool {
		return func() bool { return fmt.Sprint(h.Get(at).OK().Body["words"]) == want }
	}
	h.Restart(vocabulary(2, 10))
	h.Eventually("it is computed anew", words("20"))
	h.Do("administrator", "PATCH", "/api/v1/plugins/dev.acme.words", plugintest.Doc{"enabled": false}).OK()
	h.Do("administrator", "PATCH", at, plugintest.Doc{"text": "and now for four", "isbn": "12"}).OK().Has("words", 20)
	h.Do("administrator", "POST", at+"/transitions/publish", nil).OK()
	h.Do("administrator", "PATCH", "/api/v1/plugins/dev.acme.words", plugintest.Doc{"enabled": true}).OK()
	h.Do("administrator", "PATCH", at, plugintest.Doc{"title": "y"}).Status(422) // its ISBN is looked at again
	other := h.CreateLive("essay", plugintest.Doc{"title": "z", "text": "two words"}).OK().Has("words", 20)
	h.Restart(vocabulary(3, 1))
	h.Eventually("the one after it is computed anew", func() bool {
		return fmt.Sprint(h.Get("/api/v1/content/essay/" + string(other.ID)).OK().Body["words"]) == "2"
	})
	if !words("20")() { // what would not fit stays as it is
		t.Error(h.Get(at).Text)
	}
	h.Do("administrator", "PATCH", at, plugintest.Doc{"isbn": nil}).OK().Has("words", 4)
}

// A plugin whose words fail loses nothing and takes nobody down.
func TestVocabulary_faults(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]plugintest.Doc{"format": {"isbn": "panic"}, "annotation": {"title": "panic"},
		"function panics": {"text": "panic"}, "function fails": {"text": "fail"}, "function hangs": {"text": "hang"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := essays(t)
			if doc["title"] == nil {
				doc["title"] = "x"
			}
			for range 3 {
				got := h.Create("essay", doc)
				got.Failed("plugin_failed")
				if strings.Contains(got.Text, "boom") || strings.Contains(got.Text, "secret detail") || !strings.Contains(got.Text, "dev.acme.words") {
					t.Error(got.Text)
				}
			}
			h.Eventually("it is off", func() bool { return degraded(h) == "dev.acme.words" })
			h.Create("essay", doc).OK()
		})
	}
}

// Types keep words whose plugin has gone, and lose nothing; new ones are refused.
func TestVocabulary_gone(t *testing.T) {
	t.Parallel()
	h := essays(t)
	made := h.CreateLive("essay", plugintest.Doc{"title": "x", "text": "two words"}).OK()
	at := "/api/v1/content/essay/" + string(made.ID)
	h.Restart()
	h.Get(at).OK().Has("words", 2)
	h.Do("administrator", "PATCH", at, plugintest.Doc{"text": "and now three", "isbn": "12"}).OK().Has("words", 2).Has("long", false)
	h.Do("administrator", "POST", "/api/v1/types/essay/check", plugintest.Doc{"schema": json.RawMessage(essay)}).Status(422)
	h.Restart(vocabulary(1, 1))
	h.Do("administrator", "PATCH", at, plugintest.Doc{"isbn": nil}).OK().Has("words", 3)
}

// Of two plugins with the same word, the first by its ID has it, and the other one is off.
func TestVocabulary_taken(t *testing.T) {
	t.Parallel()
	second := made{manifest: plugin.Manifest{ID: "dev.zzz.words", Version: "1.0.0"}, register: func(r *plugin.Registry) error {
		plugin.Formats(r, core.Format{Name: "isbn", Valid: func(string) bool { return false }})
		return nil
	}}
	h := plugintest.New(t, vocabulary(1, 1), plugintest.Types(essay), plugintest.With(second))
	if got := degraded(h); got != "dev.zzz.words" {
		t.Errorf("degraded: %q", got)
	}
	if got := h.Do("administrator", "GET", "/api/v1/plugins/dev.zzz.words", nil).OK().Text; !strings.Contains(got, `format \"isbn\"`) {
		t.Error(got)
	}
	h.Create("essay", plugintest.Doc{"title": "x", "isbn": "9782123456803"}).OK()
}

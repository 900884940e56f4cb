package calendar_test

import (
	"strings"
	"testing"

	ical "github.com/emersion/go-ical"

	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/calendar"
)

type doc = plugintest.Doc

// node runs the plugin with the content types that come with Palabre.
func node(t *testing.T, options ...plugintest.Option) *plugintest.Host {
	t.Helper()
	shipped := plugintest.Configure(func(c *config.Config) { c.Schemas = "" })
	return plugintest.New(t, calendar.New(), append([]plugintest.Option{shipped}, options...)...)
}

// colloquium is a day in Mulhouse, in summer time.
func colloquium(more doc) doc {
	d := doc{"title": "Colloque Engagement citoyen", "kind": "colloque", "eventStatus": "annonce", "mode": "presentiel", "keywords": []any{"civic tech"},
		"dates":    doc{"start": "2030-06-24T09:00:00+02:00", "end": "2030-06-24T17:30:00+02:00", "timezone": "Europe/Paris"},
		"venue":    doc{"name": "Maison des associations", "street": "1 rue de l’Exemple", "postcode": "68100", "city": "Mulhouse"},
		"location": doc{"type": "Point", "coordinates": []any{7.3389, 47.7508}}, "lead": "Une journée pour débattre."}
	for name, v := range more {
		d[name] = v
	}
	return d
}

// parsed reads a calendar with another library than the one that wrote it, after a look at its bytes.
func parsed(t *testing.T, text string) *ical.Calendar {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("the line %q is %d octets long", line, len(line))
		}
	}
	cal, err := ical.NewDecoder(strings.NewReader(text)).Decode()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if err := ical.NewEncoder(&strings.Builder{}).Encode(cal); err != nil {
		t.Errorf("it breaks a rule: %v\n%s", err, text)
	}
	return cal
}

func events(t *testing.T, h *plugintest.Host, path string) []ical.Event {
	t.Helper()
	got := h.Get(path).OK()
	if kind := got.Header.Get("Content-Type"); kind != "text/calendar; charset=utf-8" {
		t.Errorf("%s is %s", path, kind)
	}
	return parsed(t, got.Text).Events()
}

func only(t *testing.T, h *plugintest.Host, path string) ical.Event {
	t.Helper()
	all := events(t, h, path)
	if len(all) == 0 {
		t.Fatalf("%s has no event", path)
	}
	return all[0]
}

// has compares properties as they are written, parameters included.
func has(t *testing.T, e ical.Event, want map[string]string) {
	t.Helper()
	for name, value := range want {
		got := ""
		for _, p := range e.Props[name] {
			for param, v := range p.Params {
				got += ";" + param + "=" + strings.Join(v, ",")
			}
			got += p.Value
		}
		if got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

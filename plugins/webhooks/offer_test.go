package webhooks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/webhooks"
)

// courier is another plugin that takes part in deliveries.
type courier func(ctx context.Context, e *webhooks.DeliverEvent) error

func (c courier) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.acme.courier", Version: "1.0.0", Requires: []string{"dev.palabre.webhooks"}}
}

func (c courier) Register(r *plugin.Registry) error { return plugin.Join(r, webhooks.Deliver, c) }

// Another plugin adds to what is sent, and what is signed is what is sent.
func TestDeliver_changed(t *testing.T) {
	t.Parallel()
	s := start(t, plugintest.With(courier(func(_ context.Context, e *webhooks.DeliverEvent) error {
		e.Headers["X-Tenant"] = "acme"
		e.Headers["webhook-signature"] = "v1,forged"
		e.Payload["tenant"] = e.Event
		return nil
	})))
	at := s.hook("receiver.example", nil)
	secret := fmt.Sprint(s.call("POST", at, "/secret", nil).OK().Body["secret"])
	s.publish("A")
	got := s.gets("receiver.example", 1)[0]
	if got.Header.Get("X-Tenant") != "acme" || got.message(t)["tenant"] != "fiche.publish" {
		t.Errorf("got %v, %s", got.Header, got.body)
	}
	if err := verify(t, secret, got, got.body); err != nil {
		t.Error(err)
	}
}

func TestDeliver_refused(t *testing.T) {
	t.Parallel()
	s := start(t, plugintest.With(courier(func(_ context.Context, e *webhooks.DeliverEvent) error {
		if strings.Contains(fmt.Sprint(e.Payload), "fiche") {
			return plugin.Reject("not_at_night", "Not at night.")
		}
		return nil
	})))
	at := s.hook("receiver.example", nil)
	s.publish("A")
	if got := fmt.Sprint(s.has(at, "dead", 1)); !strings.Contains(got, "Not at night.") {
		t.Error(got)
	}
	if got := s.received("receiver.example"); len(got) > 0 {
		t.Errorf("%d requests were made", len(got))
	}
}

// The payload of the event is a promise to other plugins.
func TestDeliver_golden(t *testing.T) {
	t.Parallel()
	told := make(chan []byte, 1)
	s := start(t, plugintest.With(courier(func(_ context.Context, e *webhooks.DeliverEvent) error {
		text, err := json.MarshalIndent(e, "", "  ")
		select {
		case told <- text:
		default:
		}
		return err
	})))
	s.hook("receiver.example", nil)
	s.publish("A")
	var got []byte
	s.Eventually("it is told", func() bool {
		select {
		case got = <-told:
			return true
		default:
			return false
		}
	})
	for _, changing := range [][2]string{{`01[0-9a-z]{24}`, `01…`}, {`"2030-[^"]*"`, `"2030-01-01T00:00:00Z"`}, {`"position": \d+`, `"position": 9`}} {
		got = regexp.MustCompile(changing[0]).ReplaceAll(got, []byte(changing[1]))
	}
	got = append(got, '\n')
	const path = "testdata/webhook.deliver.golden.json"
	if os.Getenv("PALABRE_TEST_GOLDEN") == "write" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %s, want %s (%v)", got, want, err)
	}
}

// A plugin that fails is passed over, whatever it has done to the delivery by then.
func TestDeliver_faults(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(ctx context.Context) error{
		"none":  nil,
		"error": func(context.Context) error { return errors.New("boom") },
		"panic": func(context.Context) error { panic("boom") },
		"hangs": func(ctx context.Context) error { <-ctx.Done(); <-ctx.Done(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, plugintest.With(courier(func(ctx context.Context, e *webhooks.DeliverEvent) error {
				e.Headers["X-Tenant"] = "acme"
				clear(e.Payload)
				if fail == nil {
					delete(e.Headers, "X-Tenant")
					e.Payload["type"] = math.NaN()
					return nil
				}
				return fail(ctx)
			})))
			s.hook("receiver.example", nil)
			s.publish("A")
			got := s.gets("receiver.example", 1)[0]
			if got.Header.Get("X-Tenant") != "" || got.message(t)["type"] != "fiche.publish" {
				t.Errorf("got %v, %s", got.Header, got.body)
			}
		})
	}
}

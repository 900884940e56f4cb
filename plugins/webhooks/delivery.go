package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// The states of deliveries, as they begin the keys of the store.
const (
	waiting = "q"
	done    = "done"
	dead    = "dead"
)

// How long what was delivered, and what never was, can be looked at and replayed.
const (
	keepDone = 7 * 24 * time.Hour
	keepDead = 30 * 24 * time.Hour
)

// delivery is one event on its way to one endpoint.
type delivery struct {
	ID        string        `json:"id"` // of the event: the webhook-id, the same at every attempt
	Webhook   core.EntryID  `json:"webhook"`
	Event     string        `json:"event"` // "fiche.publish"
	At        time.Time     `json:"at"`
	Type      core.TypeName `json:"type,omitempty"` // "" for a test
	Entry     core.EntryID  `json:"entry,omitempty"`
	Rev       int64         `json:"rev,omitempty"`
	Operation core.Action   `json:"operation,omitempty"`
	Position  core.Position `json:"position,omitempty"`
	Tries     int           `json:"tries"`
	Due       time.Time     `json:"due,omitzero"`
	Attempts  []attempt     `json:"attempts"`
	Problem   string        `json:"problem,omitempty"` // why it is among the dead letters
}

// attempt is one request and what came of it.
type attempt struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitempty"` // 0 when there was no answer
	Ms     int64     `json:"ms"`
	Error  string    `json:"error,omitempty"`
	Answer string    `json:"answer,omitempty"` // how it begins
}

// maxAttempts is how many attempts a delivery remembers: those of two rounds.
const maxAttempts = 20

func (d *delivery) note(a attempt) {
	d.Attempts = append(d.Attempts, a)
	if over := len(d.Attempts) - maxAttempts; over > 0 {
		d.Attempts = d.Attempts[over:]
	}
}

// outbox keeps deliveries in the plugin's store.
type outbox struct {
	plugin.Store
	vault vault
}

// vault encrypts secrets: the host, as far as an outbox needs it.
type vault interface {
	Seal(secret []byte) (string, error)
	Unseal(sealed string) ([]byte, error)
}

// changeValue changes the value of a key, as JSON, and gives it as it is then; one that is not there is zero. What is written stays
// until a time, with the zero time for good.
func changeValue[T any](ctx context.Context, o outbox, key string, change func(*T), until func(*T) time.Time) (T, error) {
	for {
		var v T
		text, version, err := o.Get(ctx, key)
		if err == nil {
			err = json.Unmarshal(text, &v)
		} else if core.CodeOf(err) == core.CodeNotFound {
			err = nil
		}
		if err != nil {
			return v, core.Wrap("webhooks.changeValue", err)
		}
		was, err := json.Marshal(v)
		if err != nil {
			return v, core.Wrap("webhooks.changeValue", err)
		}
		change(&v)
		next, err := json.Marshal(v)
		if err != nil || bytes.Equal(next, was) {
			return v, core.Wrap("webhooks.changeValue", err)
		}
		_, err = o.Swap(ctx, key, next, version, until(&v))
		if core.CodeOf(err) != core.CodeConflict || ctx.Err() != nil {
			return v, err
		}
	}
}

func keyOf(state string, webhook core.EntryID, id string) string {
	return under(state, webhook) + id
}

func under(state string, webhook core.EntryID) string { return state + "/" + string(webhook) + "/" }

// idOf is the event of a delivery's key, and the webhook.
func idOf(key string) (webhook core.EntryID, id string) {
	parts := strings.SplitN(key, "/", 3)
	if len(parts) < 3 {
		return "", ""
	}
	return core.EntryID(parts[1]), parts[2]
}

// put adds a delivery, and reports whether it is new: an event that is told twice is delivered once.
func (o outbox) put(ctx context.Context, d *delivery) (bool, error) {
	for _, state := range []string{done, dead} {
		if _, _, err := o.read(ctx, state, d.Webhook, d.ID); core.CodeOf(err) != core.CodeNotFound {
			return false, err
		}
	}
	err := o.write(ctx, d, 0)
	if core.CodeOf(err) == core.CodeConflict {
		return false, nil
	}
	return err == nil, err
}

// write puts a waiting delivery in the place of the version that there is.
func (o outbox) write(ctx context.Context, d *delivery, version int64) error {
	text, err := json.Marshal(d)
	if err != nil {
		return core.Wrap("webhooks.write", err)
	}
	_, err = o.Swap(ctx, keyOf(waiting, d.Webhook, d.ID), text, version, time.Time{})
	return err
}

func (o outbox) read(ctx context.Context, state string, webhook core.EntryID, id string) (*delivery, int64, error) {
	text, version, err := o.Get(ctx, keyOf(state, webhook, id))
	if err != nil {
		return nil, 0, err
	}
	d := &delivery{}
	return d, version, core.Wrap("webhooks.read", json.Unmarshal(text, d))
}

// retire takes a delivery out of the queue: it was delivered, or, with a problem, never will be.
func (o outbox) retire(ctx context.Context, d *delivery, problem string, now time.Time) error {
	d.Problem, d.Due = problem, time.Time{}
	text, err := json.Marshal(d)
	if err != nil {
		return core.Wrap("webhooks.retire", err)
	}
	to, until := done, now.Add(keepDone)
	if problem != "" {
		to, until = dead, now.Add(keepDead)
	}
	if err := o.Put(ctx, keyOf(to, d.Webhook, d.ID), text, until); err != nil {
		return err
	}
	return o.Delete(ctx, keyOf(waiting, d.Webhook, d.ID))
}

// replay puts a delivery that was retired back into the queue, with all its tries before it.
func (o outbox) replay(ctx context.Context, from string, d *delivery) error {
	d.Tries, d.Problem, d.Due = 0, "", time.Time{}
	if err := o.write(ctx, d, 0); err != nil && core.CodeOf(err) != core.CodeConflict {
		return err
	}
	return o.Delete(ctx, keyOf(from, d.Webhook, d.ID))
}

// forget deletes all that is kept of an endpoint.
func (o outbox) forget(ctx context.Context, webhook core.EntryID) error {
	keys := []string{secretKey(webhook), healthKey(webhook), voucherKey(webhook)}
	for _, prefix := range []string{under(waiting, webhook), under(done, webhook), under(dead, webhook)} {
		more, err := o.Keys(ctx, prefix)
		if err != nil {
			return err
		}
		keys = append(keys, more...)
	}
	for _, key := range keys {
		if err := o.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// replayWithin bounds a replay of many deliveries.
const replayWithin = 30 * time.Second

// routes are the addresses of the plugin. Who may see the entry of a webhook as its editors do may look at its deliveries; who
// may change it may do the rest.
func (w *Webhooks) routes(r *plugin.Registry) error {
	const at = "/webhooks/{webhook}"
	see, change := w.allowed(mayRead), w.allowed(mayChange)
	return errors.Join(
		plugin.Handle(r, "GET", at, "readWebhook", "How it goes with a webhook", see(show)),
		plugin.Handle(r, "GET", at+"/deliveries", "listWebhookDeliveries", "The deliveries of a webhook, the newest first: ?state=waiting|delivered|dead&limit=&after=", see(list)),
		plugin.Handle(r, "POST", at+"/deliveries/replay", "replayWebhookDeliveries", "Send deliveries once more: {\"deliveries\": [id]}, or {\"since\", \"until\", \"state\"}", change(replay), plugin.ForAtMost(replayWithin)),
		plugin.Handle(r, "POST", at+"/secret", "showWebhookSecret", "The secret of a webhook, once", change(showSecret)),
		plugin.Handle(r, "POST", at+"/rotate", "rotateWebhookSecret", "Make a new secret; the old one counts for 24 hours more", change(rotate)),
		plugin.Handle(r, "POST", at+"/test", "testWebhook", "Send a test event", change(test)),
		plugin.Handle(r, "POST", at+"/enable", "enableWebhook", "Send again to a webhook that was switched off", change(enable)))
}

// call is a request to a route of the plugin, by somebody who may make it.
type call struct {
	*node
	*core.RouteRequest
	webhook core.EntryID
}

type answer func(c *call) (any, error)

type serve = func(w http.ResponseWriter, q *core.RouteRequest) error

// allowed makes routes of answers that take a right to the webhook.
func (w *Webhooks) allowed(may func(context.Context, *call) error) func(answer) serve {
	return func(answer answer) serve {
		return func(rw http.ResponseWriter, q *core.RouteRequest) error {
			c := &call{w.running.Load(), q, core.EntryID(q.Value("webhook"))}
			if err := may(q.Context(), c); err != nil {
				return err
			}
			if err := ownRole(q.Context(), c); err != nil {
				return err
			}
			body, err := answer(c)
			if err != nil {
				return err
			}
			return respond(rw, body)
		}
	}
}

// mayRead asks for the webhook as its editors see it.
func mayRead(ctx context.Context, c *call) error {
	if !core.ValidID(string(c.webhook)) {
		return core.Refuse(core.CodeNotFound, "", "There is no such webhook.", "Ce webhook n’existe pas.")
	}
	pending, err := c.Reader().One(ctx, c.Who, typeName, string(c.webhook), url.Values{"state": {string(core.StateDraft)}})
	if err != nil {
		return err
	}
	_, err = pending.Answer(ctx)
	return err
}

// ownRole refuses a webhook that reads, or would read, with the rights of a role which is not the caller's: its deliveries tell
// what that role may see, and its secret lets one speak for the site.
func ownRole(ctx context.Context, c *call) error {
	foreign := false
	err := c.Own(ctx, typeName, func(e *core.Entry) error {
		for _, doc := range []core.Doc{e.Draft, e.Published} {
			var w endpoint
			if e.ID != c.webhook || doc == nil {
				continue
			}
			if err := json.Unmarshal(doc, &w); err != nil {
				return err
			}
			foreign = foreign || !mayGive(c.Who, w.role())
		}
		return nil
	})
	if err == nil && foreign {
		err = core.Refuse(core.CodeForbidden, "role", "This webhook has the rights of a role that is not yours.", "Ce webhook a les droits d’un rôle qui n’est pas le vôtre.")
	}
	return err
}

// mayChange asks whether the caller could change the webhook, by a change of nothing that is not made.
func mayChange(ctx context.Context, c *call) error {
	if err := mayRead(ctx, c); err != nil {
		return err
	}
	nothing := core.Operation{Op: core.OperationUpdate, Type: typeName, ID: c.webhook, Data: map[string]any{}}
	_, err := c.node.Write(ctx, c.Who, []core.Operation{nothing}, core.WriteOptions{DryRun: true})
	return err
}

func respond(w http.ResponseWriter, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return core.Wrap("webhooks.respond", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // a caller who does not listen any more is told nothing
	return nil
}

// body reads what was sent, if anything was.
func (c *call) body(into any) error {
	d := json.NewDecoder(c.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		var over *http.MaxBytesError
		if errors.As(err, &over) {
			return err
		}
		return core.Refuse(core.CodeBadRequest, "", "The body cannot be read as JSON of this address: %v.", "Le corps n’est pas le JSON attendu à cette adresse : %v.", err)
	}
	return nil
}

// show tells how it goes with an endpoint.
func show(c *call) (any, error) {
	ctx := c.Context()
	e, err := c.endpoints.find(ctx, c.webhook)
	if err != nil {
		return nil, err
	}
	h, err := c.outbox.health(ctx, c.webhook)
	if err == nil && e != nil {
		h, _, err = c.standing(ctx, e)
	}
	if err != nil {
		return nil, err
	}
	k, err := c.outbox.keyring(ctx, c.webhook)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"id": c.webhook, "on": e != nil && e.active() && h.Off == "", "health": h, "publicKey": k.Now.publicKey(), "secretShown": k.Shown}
	for name, state := range stateNames {
		keys, err := c.outbox.Keys(ctx, under(state, c.webhook))
		if err != nil {
			return nil, err
		}
		answer[name] = len(keys)
	}
	return answer, nil
}

// showSecret hands the secret over, once.
func showSecret(c *call) (any, error) {
	k, err := c.outbox.changeKeyring(c.Context(), c.webhook, func(k *keyring) error {
		if k.Shown {
			return core.Refuse(core.CodeConflict, "shown", "The secret was shown already. Rotate it to get another one.",
				"Le secret a déjà été montré. Renouvelez-le pour en obtenir un autre.")
		}
		k.Shown = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.Log().Info("the secret of a webhook was shown", "webhook", c.webhook, "to", c.Who.ID)
	return secretShown(k), nil
}

// rotate makes a new secret, and hands it over.
func rotate(c *call) (any, error) {
	turn := func(k *keyring) error {
		k.rotate(c.Now())
		k.Shown = true
		return nil
	}
	k, err := c.outbox.changeKeyring(c.Context(), c.webhook, turn)
	if e, ok := core.AsError(err); ok && e.Reason == "sealed" { // by another site: nobody here can sign with it any more
		if err := c.outbox.Delete(c.Context(), secretKey(c.webhook)); err != nil {
			return nil, err
		}
		k, err = c.outbox.changeKeyring(c.Context(), c.webhook, turn)
	}
	if err != nil {
		return nil, err
	}
	c.Log().Info("the secret of a webhook was rotated", "webhook", c.webhook, "by", c.Who.ID)
	return secretShown(k), nil
}

func secretShown(k *keyring) any {
	answer := map[string]any{"secret": k.Now.text(), "publicKey": k.Now.publicKey()}
	if len(k.Old) > 0 {
		answer["oldSecretUntil"] = k.Old[0].Until.UTC()
	}
	return answer
}

// enable puts an end to an endpoint's having been switched off. Who may do it has its role.
func enable(c *call) (any, error) {
	e, err := c.endpoints.find(c.Context(), c.webhook)
	if err == nil && e != nil {
		err = c.vouch(c.Context(), e)
	}
	if err != nil {
		return nil, err
	}
	_, err = c.outbox.changeHealth(c.Context(), c.webhook, func(h *health) { *h = health{} })
	c.tryNow(c.webhook)
	return map[string]any{"id": c.webhook, "on": err == nil}, err
}

// testEvent is the event that people send to see whether it arrives.
const testEvent = "palabre.test"

// test puts a test event into the queue.
func test(c *call) (any, error) {
	e, err := c.endpoints.find(c.Context(), c.webhook)
	if err != nil {
		return nil, err
	}
	var h health
	if e != nil {
		if h, _, err = c.standing(c.Context(), e); err != nil {
			return nil, err
		}
	}
	if e == nil || !e.active() || h.Off != "" {
		return nil, core.Refuse(core.CodeConflict, "off", "Nothing is sent to this webhook: publish it, set it active, or enable it again.",
			"Rien n’est envoyé à ce webhook : publiez-le, rendez-le actif ou réactivez-le.")
	}
	d := &delivery{ID: "evt_" + string(core.NewID(c.Now())) + "_test", Webhook: c.webhook, Event: testEvent, At: c.Now().UTC(), Position: c.Position()}
	if err := c.enqueue(c.Context(), d); err != nil {
		return nil, err
	}
	c.tryNow(c.webhook)
	return map[string]any{"id": d.ID}, nil
}

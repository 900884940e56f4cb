package webhooks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// An endpoint that reads with the rights of a role must have been set up by somebody who has that role: check refuses it otherwise.
// What is written while the plugin is off nobody checks, so that check leaves a note of what it has let through, and nothing is sent
// to an endpoint with a role that there is no such note of. Who has the role publishes it again, or enables it.

// unvouched is why nothing is sent to such an endpoint.
const unvouched = "it was set up while webhooks were turned off, and nobody has checked that it may have the rights of its role: " +
	"somebody who has that role has to publish it again, or to enable it"

// vouchKey is where it is noted that an endpoint may be as it is: what it tells, to whom, and by whose rights.
func vouchKey(webhook core.EntryID, e *endpoint) (string, error) {
	text, err := json.Marshal([]any{e.URL, e.role(), e.full(), e.Events, e.Types})
	if err != nil {
		return "", core.Wrap("webhooks.vouch", err)
	}
	sum := sha256.Sum256(text)
	return vouchesFor(webhook) + hex.EncodeToString(sum[:]), nil
}

func vouchesFor(webhook core.EntryID) string { return "vouch/" + string(webhook) + "/" }

// vouch notes that an endpoint may be as it is.
func (o outbox) vouch(ctx context.Context, webhook core.EntryID, e *endpoint) error {
	key, err := vouchKey(webhook, e)
	if err != nil || e.role() == publicRole {
		return err
	}
	return o.Put(ctx, key, nil, time.Time{})
}

// vouched reports whether an endpoint may be as it is.
func (o outbox) vouched(ctx context.Context, webhook core.EntryID, e *endpoint) (bool, error) {
	key, err := vouchKey(webhook, e)
	if err != nil || e.role() == publicRole {
		return err == nil, err
	}
	_, _, err = o.Get(ctx, key)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}

// standing is how it goes with an endpoint, and why nothing is sent to it.
func (n *node) standing(ctx context.Context, e *endpoint) (health, error) {
	h, err := n.outbox.health(ctx, e.ID)
	if err != nil || h.Off != "" {
		return h, err
	}
	may, err := n.outbox.vouched(ctx, e.ID, e)
	if err == nil && !may {
		h.Off = unvouched
	}
	return h, err
}

// letThrough notes that an event was found to be in order: that the one who acts has the role, and has set the endpoint up so, or
// publishes it. Palabre itself acts for somebody, as when it publishes what is due: then the endpoint may be what it was allowed to
// be before.
func (n *node) letThrough(ctx context.Context, e *core.EntryEvent) error {
	is, err := endpointOf(e.New)
	if err != nil || is.role() == publicRole {
		return err
	}
	if e.Old == nil {
		return n.outbox.vouch(ctx, e.ID, is)
	}
	was, err := endpointOf(e.Old)
	if err != nil {
		return err
	}
	if e.Actor.Kind == core.System.Kind {
		if may, err := n.outbox.vouched(ctx, e.ID, was); err != nil || !may {
			return err
		}
	}
	if e.Name == "entry.validate" && reflect.DeepEqual(is, was) {
		return nil // nobody has looked at it
	}
	return n.outbox.vouch(ctx, e.ID, is)
}

// endpointOf reads what an entry of the type says. What does not fit the type is for the type to refuse.
func endpointOf(doc map[string]any) (*endpoint, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, core.Wrap("webhooks.endpoint", err)
	}
	e := &endpoint{}
	if json.Unmarshal(text, e) != nil {
		return &endpoint{}, nil
	}
	return e, nil
}

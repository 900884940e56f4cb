package webhooks

import (
	"context"
	"encoding/json"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// givenUpAfter is how long an endpoint may do nothing but fail before it is switched off.
const givenUpAfter = 5 * 24 * time.Hour

// health is how it goes with an endpoint. The zero value is well.
type health struct {
	FailingSince time.Time `json:"failingSince,omitzero"` // nothing was delivered since
	Failures     int       `json:"failures,omitempty"`    // in a row
	Off          string    `json:"off,omitempty"`         // why it was switched off
	OffSince     time.Time `json:"offSince,omitzero"`
}

// failed notes a failure, and switches off an endpoint that has failed for long: a whole round of attempts at least, so that one
// failure long ago is not enough.
func (h *health) failed(now time.Time) {
	if h.FailingSince.IsZero() {
		h.FailingSince = now
	}
	h.Failures++
	if h.Failures >= len(schedule) && now.Sub(h.FailingSince) >= givenUpAfter {
		h.switchOff("nothing could be delivered for five days", now)
	}
}

func (h *health) switchOff(why string, now time.Time) {
	if h.Off == "" {
		h.Off, h.OffSince = why, now
	}
}

func healthKey(webhook core.EntryID) string { return "state/" + string(webhook) }

func (o outbox) health(ctx context.Context, webhook core.EntryID) (health, error) {
	var h health
	text, _, err := o.Get(ctx, healthKey(webhook))
	if core.CodeOf(err) == core.CodeNotFound {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	return h, core.Wrap("webhooks.health", json.Unmarshal(text, &h))
}

// changeHealth changes how an endpoint is known to go, and gives it as it is then.
func (o outbox) changeHealth(ctx context.Context, webhook core.EntryID, change func(*health)) (health, error) {
	return changeValue(ctx, o, healthKey(webhook), change, func(*health) time.Time { return time.Time{} })
}

// switchedOff lists the published endpoints that nothing is sent to, each with the reason.
func (n *node) switchedOff(ctx context.Context) (list []string, err error) {
	all, err := n.endpoints.all(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		h, _, err := n.standing(ctx, e)
		if err != nil {
			return nil, err
		}
		if h.Off != "" {
			list = append(list, string(e.ID)+" ("+h.Off+")")
		}
	}
	return list, nil
}

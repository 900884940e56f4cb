package webhooks

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// stateNames are the states of deliveries by the names that people use.
var stateNames = map[string]string{"waiting": waiting, "delivered": done, "dead": dead}

const (
	defaultLimit = 20
	maxLimit     = 100
	maxReplay    = 500 // at once
)

// line is a delivery as it is listed.
type line struct {
	State string `json:"state"`
	*delivery
}

// list gives a page of an endpoint's deliveries, the newest event first.
func list(c *call) (any, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	refs, err := c.refs(c.Query.Get("state"))
	if err != nil {
		return nil, err
	}
	after, data := c.Query.Get("after"), []line{}
	for _, ref := range slices.Backward(refs) {
		if after != "" && ref.id >= after {
			continue
		}
		if len(data) == limit {
			return page(data, data[limit-1].ID), nil
		}
		one, err := c.line(ref)
		if err != nil {
			return nil, err
		}
		if one != nil {
			data = append(data, *one)
		}
	}
	return page(data, ""), nil
}

// line reads a delivery. One that has moved on since it was listed is as it is now, in whatever state was asked for; nil for one
// that is gone.
func (c *call) line(at ref) (*line, error) {
	for _, state := range []string{at.state, "delivered", "dead", "waiting"} {
		d, _, err := c.outbox.read(c.Context(), stateNames[state], c.webhook, at.id)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		return &line{state, d}, err
	}
	return nil, nil
}

func page(data []line, next string) any {
	answer := map[string]any{"data": data, "next": nil}
	if next != "" {
		answer["next"] = next
	}
	return answer
}

func (c *call) limit() (int, error) {
	text := c.Query.Get("limit")
	if text == "" {
		return defaultLimit, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, core.Refuse(core.CodeBadRequest, "", "limit is a number from 1 to %d.", "limit est un nombre de 1 à %d.", maxLimit)
	}
	return limit, nil
}

// ref names a delivery and its state.
type ref struct{ state, id string }

// refs are the deliveries of the endpoint in a state, or with "" in all, the oldest event first. One that is just being moved
// from state to state is there once.
func (c *call) refs(state string) (refs []ref, err error) {
	if state != "" && stateNames[state] == "" {
		return nil, core.Refuse(core.CodeBadRequest, "", "state is waiting, delivered or dead.", "state vaut waiting, delivered ou dead.")
	}
	for _, name := range []string{"delivered", "dead", "waiting"} {
		if state != "" && state != name {
			continue
		}
		keys, err := c.outbox.Keys(c.Context(), under(stateNames[name], c.webhook))
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			_, id := idOf(key)
			refs = append(refs, ref{name, id})
		}
	}
	slices.SortStableFunc(refs, func(a, b ref) int { return strings.Compare(a.id, b.id) })
	return slices.CompactFunc(refs, func(a, b ref) bool { return a.id == b.id }), nil
}

// replayOrder says what to send once more: some deliveries by name, or those of a time.
type replayOrder struct {
	Deliveries []string  `json:"deliveries"`
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until"`
	State      string    `json:"state"` // of a time: "dead" (also when it is not said) or "delivered"
}

// replay puts deliveries that are done with back into the queue, under the same identifiers.
func replay(c *call) (any, error) {
	var order replayOrder
	if err := c.body(&order); err != nil {
		return nil, err
	}
	if len(order.Deliveries) > maxReplay {
		return nil, core.Refuse(core.CodeBadRequest, "", "At most %d deliveries are replayed at once.", "Au plus %d envois sont rejoués à la fois.", maxReplay)
	}
	if len(order.Deliveries) > 0 {
		return c.replayNamed(order.Deliveries)
	}
	if order.Since.IsZero() {
		return nil, core.Refuse(core.CodeBadRequest, "", "Name the deliveries, or since when: {\"deliveries\": [\"evt_…\"]} or {\"since\": \"2030-01-01T00:00:00Z\"}.",
			"Nommez les envois, ou depuis quand : {\"deliveries\": [\"evt_…\"]} ou {\"since\": \"2030-01-01T00:00:00Z\"}.")
	}
	return c.replaySpan(&order)
}

func (c *call) replayNamed(ids []string) (any, error) {
	n := 0
	for _, id := range ids {
		found := false
		for _, state := range []string{dead, done} {
			ok, err := c.again(state, id, func(*delivery) bool { return true })
			if err != nil {
				return nil, err
			}
			found = found || ok
		}
		if !found {
			return nil, core.Refuse(core.CodeNotFound, "", "There is no delivery %q to replay: it waits, or is gone.", "Pas d’envoi « %s » à rejouer : il attend, ou n’est plus là.", id)
		}
		n++
	}
	return map[string]any{"replayed": n, "more": false}, nil
}

func (c *call) replaySpan(order *replayOrder) (any, error) {
	if order.State == "" {
		order.State = "dead"
	}
	if order.State == "waiting" {
		return nil, core.Refuse(core.CodeBadRequest, "", "What waits is sent by itself: replay dead or delivered.", "Ce qui attend part tout seul : rejouez dead ou delivered.")
	}
	refs, err := c.refs(order.State)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, r := range refs {
		if n == maxReplay {
			return map[string]any{"replayed": n, "more": true}, nil
		}
		ok, err := c.again(stateNames[r.state], r.id, order.covers)
		if err != nil {
			return nil, err
		}
		if ok {
			n++
		}
	}
	return map[string]any{"replayed": n, "more": false}, nil
}

func (o *replayOrder) covers(d *delivery) bool {
	return !d.At.Before(o.Since) && (o.Until.IsZero() || d.At.Before(o.Until))
}

// again replays one delivery out of a state, if it is there and wanted.
func (c *call) again(state, id string, wanted func(*delivery) bool) (bool, error) {
	ctx := context.WithoutCancel(c.Context()) // one delivery is moved whole
	d, _, err := c.outbox.read(ctx, state, c.webhook, id)
	if core.CodeOf(err) == core.CodeNotFound || err == nil && !wanted(d) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := c.outbox.replay(ctx, state, d); err != nil {
		return false, err
	}
	c.offer(ctx, d.Webhook, d.ID)
	c.tryNow(d.Webhook)
	return true, nil
}

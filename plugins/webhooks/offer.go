package webhooks

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/core/plugin"
)

// Deliver is the event of a delivery about to be sent. Other plugins may add headers, change the payload, or keep it from being
// sent with plugin.Reject: it is then given up, and can be replayed. It fires at each attempt, so what a handler does should be the same
// each time.
var Deliver = plugin.Event[*DeliverEvent]{Name: "webhook.deliver", Within: 100 * time.Millisecond, Clone: cloneDelivery, Take: takeDelivery}

// DeliverEvent is a delivery about to be sent.
type DeliverEvent struct {
	Webhook core.EntryID      `json:"webhook"`
	URL     string            `json:"url"`
	ID      string            `json:"id"` // the same at each attempt
	Event   string            `json:"event"`
	Payload map[string]any    `json:"payload"` // what is signed and sent: handlers may change it
	Headers map[string]string `json:"headers"` // to be sent beside: handlers may add to it
}

func cloneDelivery(e *DeliverEvent) *DeliverEvent {
	own := *e
	own.Payload, own.Headers = jsondoc.CloneObject(e.Payload), maps.Clone(e.Headers)
	return &own
}

func takeDelivery(e, own *DeliverEvent) { e.Payload, e.Headers = own.Payload, own.Headers }

// reserved are the headers that no plugin sets: what the signature stands on, and what the connection lives by.
func reserved(name string) bool {
	name = http.CanonicalHeaderKey(name)
	switch name {
	case "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Host":
		return true
	}
	return strings.HasPrefix(name, "Webhook-")
}

// offered lets other plugins take part in a delivery. refused says why it must not be sent.
func (l *lane) offered(ctx context.Context, e *endpoint, d *delivery, body []byte) (_ []byte, headers map[string]string, refused string, err error) {
	if l.deliver.Empty() {
		return body, nil, "", nil
	}
	payload, err := jsondoc.ParseObject(body)
	if err != nil {
		return nil, nil, "", core.Wrap("webhooks.offered", err)
	}
	event := &DeliverEvent{Webhook: l.webhook, URL: e.URL, ID: d.ID, Event: d.Event, Payload: jsondoc.CloneObject(payload), Headers: map[string]string{}}
	if err := l.deliver.Fire(ctx, event); err != nil {
		if no, ok := core.AsError(err); ok && ctx.Err() == nil {
			return nil, nil, "a plugin refused it: " + no.Message, nil
		}
		return nil, nil, "", err
	}
	if jsondoc.Equal(event.Payload, payload) {
		return body, event.Headers, "", nil
	}
	changed, err := json.Marshal(event.Payload)
	if err != nil || event.Payload == nil { // as if whoever did that had failed
		l.Log().Error("a plugin left a delivery with a payload that is none: it is sent as it was", "webhook", l.webhook, "event", d.ID, "error", err)
		return body, event.Headers, "", nil
	}
	return changed, event.Headers, "", nil
}

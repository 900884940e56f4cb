package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/palabre-cms/palabre/core"
)

const (
	sendWithin  = 15 * time.Second
	readAnswer  = 64 << 10 // of an answer, so that the connection can be used again
	keepAnswer  = 4 << 10
	waitForNode = 30 * time.Second
)

// attempt sends a delivery once, records what came of it, and gives when it is due again; the zero time is never.
func (l *lane) attempt(ctx context.Context, id string) time.Time {
	d, version, err := l.outbox.read(ctx, waiting, l.webhook, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return time.Time{}
	}
	if err == nil && d.Due.After(l.Now()) {
		return d.Due
	}
	if err == nil {
		err = l.try(ctx, d, version)
	}
	switch {
	case core.CodeOf(err) == core.CodeConflict:
		return time.Time{} // another node has it in hand
	case err != nil:
		if ctx.Err() == nil {
			l.Log().Warn("a webhook is not delivered yet", "webhook", l.webhook, "event", id, "error", err)
		}
		return l.Now().Add(afterFault)
	}
	return d.Due
}

// try sends a delivery, unless there is no use in it any more. An error is a fault on this side.
func (l *lane) try(ctx context.Context, d *delivery, version int64) error {
	wait, cancel := context.WithTimeout(ctx, waitForNode)
	defer cancel()
	if err := l.Wait(wait, d.Position); err != nil {
		return err
	}
	e, off, err := l.receiver(wait)
	if err != nil {
		return err
	}
	if off != "" {
		return l.outbox.retire(ctx, d, off, l.Now())
	}
	body, err := l.payload(ctx, e, d)
	if err != nil {
		return err
	}
	body, headers, refused, err := l.offered(ctx, e, d, body)
	if err != nil {
		return err
	}
	if refused != "" {
		return l.outbox.retire(ctx, d, refused, l.Now())
	}
	k, err := l.outbox.keyring(ctx, l.webhook)
	if err != nil {
		return err
	}
	made, asked := l.send(ctx, e, d.ID, body, headers, k)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.note(made)
	d.Tries++
	return l.judge(ctx, d, version, made, asked)
}

// receiver is the endpoint as it is now, or says why there is no delivering to it. It waits until that is settled, as long as ctx.
func (l *lane) receiver(ctx context.Context) (e *endpoint, off string, err error) {
	for {
		e, off, settled, err := l.look(ctx)
		if err != nil || settled {
			return e, off, err
		}
		select {
		case <-ctx.Done():
			return nil, "", ctx.Err()
		case <-time.After(lookSoon):
		}
	}
}

func (l *lane) look(ctx context.Context) (e *endpoint, off string, settled bool, err error) {
	if e, err = l.endpoints.find(ctx, l.webhook); err != nil {
		return nil, "", false, err
	}
	if e == nil || !e.active() {
		return nil, "the webhook is not published, or not active", true, nil
	}
	h, settled, err := l.standing(ctx, e)
	if h.Off != "" {
		off = "the webhook was switched off: " + h.Off
	}
	return e, off, settled, err
}

// judge records an attempt: delivered, to be tried again, or given up.
func (l *lane) judge(ctx context.Context, d *delivery, version int64, made attempt, asked time.Duration) error {
	now, well := l.Now(), made.Status >= 200 && made.Status <= 299
	l.mu.Lock()
	if well {
		l.breaker.succeeded()
	} else {
		l.breaker.failed(now, throttles(made.Status), asked)
	}
	l.mu.Unlock()
	h, err := l.outbox.changeHealth(ctx, l.webhook, func(h *health) {
		switch {
		case well:
			h.FailingSince, h.Failures = time.Time{}, 0
		case made.Status == http.StatusGone:
			h.switchOff("it answered 410 Gone", now)
		default:
			h.failed(now)
		}
	})
	switch {
	case err != nil:
		return err
	case well:
		return l.outbox.retire(ctx, d, "", now)
	case h.Off != "":
		l.Log().Error("a webhook is switched off, until somebody enables it again", "webhook", l.webhook, "why", h.Off)
		return l.outbox.retire(ctx, d, "the webhook was switched off: "+h.Off, now)
	case d.Tries >= len(schedule):
		l.Log().Error("a webhook was not delivered, and can be replayed", "webhook", l.webhook, "event", d.ID)
		return l.outbox.retire(ctx, d, "every attempt failed", now)
	}
	d.Due = now.Add(pauseBefore(d.Tries, asked))
	return l.outbox.write(ctx, d, version)
}

// send makes one request. What goes wrong at the other side, or on the way there, stands in the attempt; asked is how long the
// receiver wants to be left alone.
func (l *lane) send(ctx context.Context, e *endpoint, id string, body []byte, headers map[string]string, k *keyring) (made attempt, asked time.Duration) {
	made.At = l.Now().UTC()
	began := time.Now()
	defer func() { made.Ms = time.Since(began).Milliseconds() }()
	if problem := badAddress(e.URL, l.settings.Get().AllowHTTP); problem != nil {
		made.Error = problem["en"]
		return made, 0
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		made.Error = "the address cannot be used"
		return made, 0
	}
	for name, value := range headers {
		if !reserved(name) && httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value) {
			r.Header.Set(name, value)
		}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(made.At.Unix(), 10))
	r.Header.Set("Webhook-Signature", k.sign(id, made.At, made.At, body, e.Ed25519))
	return l.exchange(r, made)
}

func (l *lane) exchange(r *http.Request, made attempt) (attempt, time.Duration) {
	client := l.HTTP()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // where it leads is nobody's wish
	res, err := client.Do(r)
	if err != nil {
		made.Error = "no answer: the address cannot be reached, or it took longer than 15 seconds"
		return made, 0
	}
	defer func() { _ = res.Body.Close() }()
	begin, err := io.ReadAll(io.LimitReader(res.Body, keepAnswer))
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(res.Body, readAnswer-keepAnswer))
	}
	made.Answer = strings.ToValidUTF8(string(begin), "\uFFFD")
	if made.Status = res.StatusCode; err != nil {
		made.Error = "the answer broke off"
	}
	return made, retryAfter(res.Header, l.Now())
}

// message is the body of a request.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the event
	Data      any       `json:"data"`
}

// news is the data of an event.
type news struct {
	Type      core.TypeName   `json:"type"`
	ID        core.EntryID    `json:"id"`
	Rev       int64           `json:"rev"`
	Operation core.Action     `json:"operation"`
	Position  core.Position   `json:"position"`
	Entry     json.RawMessage `json:"entry,omitempty"` // full only; null when the role may not, or no longer, read it
}

// payload makes the body of a delivery.
func (l *lane) payload(ctx context.Context, e *endpoint, d *delivery) ([]byte, error) {
	m := message{Type: d.Event, Timestamp: d.At.UTC(), Data: map[string]any{"webhook": d.Webhook}}
	if d.Type != "" {
		n := news{Type: d.Type, ID: d.Entry, Rev: d.Rev, Operation: d.Operation, Position: d.Position}
		if e.full() {
			var err error
			if n.Entry, err = l.entry(ctx, e, d); err != nil {
				return nil, err
			}
		}
		m.Data = n
	}
	text, err := json.Marshal(m)
	return text, core.Wrap("webhooks.payload", err)
}

// entry reads what a delivery is about as the endpoint's role may see it now: the published entry first when that is what has
// changed, else the latest state.
func (l *lane) entry(ctx context.Context, e *endpoint, d *delivery) (json.RawMessage, error) {
	states := []core.State{core.StateDraft, core.StatePublished}
	if d.Operation == core.ActionPublish {
		states = []core.State{core.StatePublished, core.StateDraft}
	}
	for _, state := range states {
		text, err := l.one(ctx, principal(e.role()), d, state)
		switch core.CodeOf(err) {
		case "":
			return text, nil
		case core.CodeNotFound, core.CodeForbidden, core.CodeUnauthenticated:
		default:
			return nil, err
		}
	}
	return json.RawMessage("null"), nil
}

func (l *lane) one(ctx context.Context, who *core.Principal, d *delivery, state core.State) (json.RawMessage, error) {
	pending, err := l.Reader().One(ctx, who, d.Type, string(d.Entry), url.Values{"state": {string(state)}})
	if err != nil {
		return nil, err
	}
	answer, err := pending.Answer(ctx)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

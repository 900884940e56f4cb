// Package webhooks tells other servers what happens to content, as Standard Webhooks 1.0.0 has it
// (https://www.standardwebhooks.com). It brings the type webhook: each published entry of it is an endpoint.
//
// # The way of an event
//
//  1. After a commit, events.go finds the endpoints that want to hear of it, and puts one delivery for each into the store.
//     What an endpoint hears of is what the feed of changes shows to its role, and no more.
//  2. One node delivers: the one that has the lease (lease.go). It has a lane for each endpoint (lane.go), with a queue, two
//     requests at a time and a circuit breaker of its own, so that a dead receiver holds up nobody else.
//  3. deliver.go makes the body, signs it, sends it and judges the answer. What fails is tried again (retry.go), and in the end
//     kept among the dead letters until somebody replays it.
//
// # What is kept
//
// In the plugin's store, where {state} is one of q (waiting), done and dead:
//
//	{state}/{webhook}/{event}   a delivery, with its attempts
//	secret/{webhook}            the keys that it is signed with
//	state/{webhook}             since when it fails, and whether it was switched off
//	vouch/{webhook}             what was checked of it: that somebody who has its role has set it up so (vouch.go)
//	lease                       the node that delivers
//
// A delivery holds no document: a full payload is read when it is sent, by the rights that the role has then.
package webhooks

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

const (
	id                     = "dev.palabre.webhooks"
	typeName core.TypeName = "webhook"
)

//go:embed webhook.json
var typeSchema []byte

const settingsSchema = `{"type":"object","additionalProperties":false,"properties":{
"allowHttp":{"type":"boolean","default":false,"title":"Allow http","description":"Deliver to addresses without TLS: for development."},
"maxPending":{"type":"integer","minimum":1,"maximum":100000,"default":100000,"title":"Waiting deliveries","description":"How many wait for an endpoint at most; beyond, the oldest go among the dead letters."}}}`

// storeBytes is what the deliveries of a large site weigh: a hundred thousand wait in 40 MB.
const storeBytes = 512 << 20

type settings struct {
	AllowHTTP  bool `json:"allowHttp"`
	MaxPending int  `json:"maxPending"`
}

// Webhooks is the plugin.
type Webhooks struct {
	settings *plugin.Settings[settings]
	running  atomic.Pointer[node] // nil until it was started
	deliver  *plugin.Offered[*DeliverEvent]
}

var (
	_ plugin.Starter       = (*Webhooks)(nil)
	_ plugin.HealthChecker = (*Webhooks)(nil)
)

// New makes the plugin.
func New() plugin.Plugin { return &Webhooks{} }

// Manifest implements plugin.Plugin.
func (w *Webhooks) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: id, Version: "1.0.0", Name: "Webhooks",
		Description: core.Text{"en": "Tells other servers what happens to content.", "fr": "Prévient d’autres serveurs de ce qui arrive aux contenus."},
		Settings:    json.RawMessage(settingsSchema),
		Capabilities: plugin.Capabilities{
			Hosts: []string{"*"}, StoreBytes: storeBytes}}
}

// Register implements plugin.Plugin.
func (w *Webhooks) Register(r *plugin.Registry) error {
	w.settings = plugin.Configure[settings](r, nil)
	plugin.Types(r, typeSchema)
	var err error
	if w.deliver, err = plugin.Offer(r, Deliver); err != nil {
		return err
	}
	return errors.Join(
		plugin.Migrate(r, "vouch", vouchForOld),
		plugin.Before(r, plugin.EntryValidate, w.check, plugin.OnTypes(typeName)),
		plugin.Before(r, plugin.EntryPublish, w.check, plugin.OnTypes(typeName)),
		plugin.Before(r, plugin.EntrySchedule, w.check, plugin.OnTypes(typeName)),
		plugin.After(r, w.follow),
		plugin.Every(r, plugin.Job{Name: "tidy", Spec: "17 * * * *", Skip: true, Within: 5 * time.Minute, Run: tidy}),
		w.routes(r))
}

// Start implements plugin.Starter.
func (w *Webhooks) Start(_ context.Context, h plugin.Host) error {
	n := &node{Host: h, outbox: outbox{h.Store(), h}, settings: w.settings, deliver: w.deliver}
	n.endpoints.host = h
	n.lease = lease{store: h.Store(), now: h.Now, holder: string(core.NewID(time.Now()))}
	w.running.Store(n)
	if h.Serving() {
		h.Go(n.run)
	}
	return nil
}

// Health implements plugin.HealthChecker: it names the endpoints that were switched off.
func (w *Webhooks) Health(ctx context.Context) error {
	n := w.running.Load()
	if n == nil {
		return nil
	}
	off, err := n.switchedOff(ctx)
	if err != nil || len(off) == 0 {
		return err
	}
	return fmt.Errorf("switched off until somebody enables them again: webhook %s", strings.Join(off, ", webhook "))
}

// node is the plugin on a node that runs.
type node struct {
	plugin.Host
	outbox    outbox
	endpoints endpoints
	sights    sights
	lease     lease
	settings  *plugin.Settings[settings]
	deliver   *plugin.Offered[*DeliverEvent]
	leading   atomic.Pointer[leader] // nil while another node delivers
}

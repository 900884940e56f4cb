package pluginhost

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// A plugin that fails maxStrikes times within strikesWithin is turned off.
const (
	maxStrikes    = 3
	strikesWithin = time.Hour
)

// stat is how calls of one kind of a plugin's code went.
type stat struct {
	Calls     int64   `json:"calls"`
	Errors    int64   `json:"errors"`
	TotalMs   float64 `json:"totalMs"`
	SlowestMs float64 `json:"slowestMs"`
	Last      string  `json:"lastError,omitempty"`
}

// Called implements plugin.Gate.
func (o *one) Called(what string, took time.Duration, err error) {
	ms := float64(took) / float64(time.Millisecond)
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.stats[what]
	if s == nil {
		s = &stat{}
		o.stats[what] = s
	}
	s.Calls++
	s.TotalMs += ms
	s.SlowestMs = max(s.SlowestMs, ms)
	if err != nil {
		s.Errors++
		s.Last = err.Error()
	}
}

// Failed implements plugin.Gate.
func (o *one) Failed(what string, err error) {
	o.host.logger.Error("a plugin failed", "plugin", o.id(), "where", what, "error", err)
	o.strike(what, err)
}

// figures are the stats as they are now.
func (o *one) figures() map[string]stat {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make(map[string]stat, len(o.stats))
	for what, s := range o.stats {
		out[what] = *s
	}
	return out
}

// Figures are how the calls of all plugins went, by plugin and by what was called.
func (h *Host) Figures() []core.HookFigures {
	var all []core.HookFigures
	for _, o := range h.plugins {
		for what, s := range o.figures() {
			all = append(all, core.HookFigures{Plugin: o.id(), Hook: what, Calls: s.Calls, Errors: s.Errors, Took: time.Duration(s.TotalMs * float64(time.Millisecond))})
		}
	}
	return all
}

// strike counts a failure, and turns the plugin off at the third in an hour: here at once, and by its state everywhere.
func (o *one) strike(what string, cause error) {
	now := o.host.now()
	o.mu.Lock()
	kept := o.strikes[:0]
	for _, at := range o.strikes {
		if now.Sub(at) < strikesWithin {
			kept = append(kept, at)
		}
	}
	o.strikes = append(kept, now)
	out := len(o.strikes) >= maxStrikes
	if out {
		o.strikes = nil
	}
	o.mu.Unlock()
	if out && o.host.begun.Load() {
		o.on.Store(false)
		o.host.running.Go(func() { o.host.turnedOff(o, what, cause) })
	}
}

func (h *Host) now() time.Time {
	if h.parts.Now == nil {
		return time.Now()
	}
	return h.parts.Now()
}

// turnedOff records that a plugin has failed too often.
func (h *Host) turnedOff(o *one, what string, cause error) {
	o.on.Store(true) // for putOff, which stops what it has started
	if err := o.turnOff(h.ctx); err != nil {
		h.logger.Error("a plugin does not stop", "plugin", o.id(), "error", err)
	}
	h.logger.Error("a plugin is turned off", "plugin", o.id(), "where", what, "error", cause)
	h.disable(o, what, "Turned off after three failures in an hour; the last one, in "+what+": "+cause.Error())
}

// disable records that a plugin is off, on every node, until somebody turns it on again.
func (h *Host) disable(o *one, what, fault string) {
	if h.dry {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), 10*time.Second)
	defer cancel()
	err := h.change(ctx, core.System, o.id(), func(s *state) error {
		s.Enabled, s.Fault = false, fault
		return nil
	})
	if err == nil {
		err = h.parts.Note(ctx, core.System, core.AuditEvent{Event: "plugin_disabled", Detail: map[string]any{"plugin": o.id(), "where": what}})
	}
	if err != nil {
		h.logger.Error("that a plugin is turned off cannot be recorded", "plugin", o.id(), "error", err)
	}
}

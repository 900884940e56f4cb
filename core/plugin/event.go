package plugin

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
)

// Event is a point at which one plugin lets others take part in what it does. It is a variable of the package that offers it,
// and its name and payload are a promise to those who join in:
//
//	// Delivery is about to be sent.
//	var Delivery = plugin.Event[*DeliveryEvent]{Name: "webhook.deliver", Within: 100 * time.Millisecond, Clone: …, Take: …}
//
// The payload E is a pointer to what handlers may look at and change.
type Event[E any] struct {
	Name   string        // "webhook.deliver"
	Within time.Duration // how long a handler may take; 250 ms when 0
	// Clone copies a payload for one handler, deeply enough that what he does to it in the end, or after his time, changes nothing
	// else; Take carries over from such a copy what handlers may change.
	Clone func(e E) E
	Take  func(e, own E)
}

// Offered is an event on the side of the plugin that offers it.
type Offered[E any] struct{ chain *hook.Chain[E] }

// Empty reports whether nobody takes part, so that making the payload can be spared.
func (o *Offered[E]) Empty() bool { return o.chain.Empty() }

// Fire passes a payload through those who take part. The error is a refusal of one of them; what fails is passed over, as if its
// plugin were off, and reported.
func (o *Offered[E]) Fire(ctx context.Context, e E) error {
	return o.chain.Run(ctx, e, func(context.Context) error { return nil })
}

var validEvent = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z][a-z0-9]*)+$`)

// Offer registers an event for others to take part in. One name is offered by one plugin.
func Offer[E any](r *Registry, ev Event[E]) (*Offered[E], error) {
	if !validEvent.MatchString(ev.Name) || ev.Clone == nil || ev.Take == nil {
		return nil, fmt.Errorf("the event %q needs a name like webhook.deliver, and how its payload is copied", ev.Name)
	}
	chain, err := chainOf(r, ev)
	if err != nil {
		return nil, err
	}
	if slices.Contains(r.Offers, ev.Name) {
		return nil, fmt.Errorf("the event %s is offered twice", ev.Name)
	}
	r.Offers = append(r.Offers, ev.Name)
	return &Offered[E]{chain}, nil
}

// Join registers a handler of an event that another plugin offers. It works on a copy of the payload, which counts when it returns
// in time; with an error of Reject it refuses, where the event can be refused. Where the other plugin is not there, it is never called:
// name that plugin in Manifest.Requires if there is no sense in this one without it.
func Join[E any](r *Registry, ev Event[E], fn func(ctx context.Context, e E) error, given ...Option) error {
	chain, err := chainOf(r, ev)
	if err != nil {
		return err
	}
	within := ev.Within
	if within == 0 {
		within = defaultTimeout
	}
	o := r.options(ev.Name, append([]Option{Within(within), SkipOnFault()}, given...))
	h := handlerOf[E](r, chain.Order(), &o)
	h.Fn = func(ctx context.Context, e E, next hook.Next) error {
		if !r.gate.Open(ctx) {
			return next(ctx)
		}
		began := time.Now()
		own := ev.Clone(e)
		err := inTime(ctx, func() error { return fn(ctx, own) })
		r.note(ev.Name, began, err)
		if err != nil {
			return err
		}
		ev.Take(e, own)
		return next(ctx)
	}
	return chain.Add(h)
}

// chainOf is the chain of an event on this node.
func chainOf[E any](r *Registry, ev Event[E]) (*hook.Chain[E], error) {
	own, is := r.hooks.Offered.Chain(ev.Name, func(report func(*hook.Fault)) core.OfferedChain {
		return &hook.Chain[E]{Report: report}
	}).(*hook.Chain[E])
	if !is {
		return nil, fmt.Errorf("the event %s has another payload than the one that it was offered with", ev.Name)
	}
	return own, nil
}

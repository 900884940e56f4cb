package plugin

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
)

const (
	readTimeout   = 20 * time.Millisecond // for a whole page
	schemaTimeout = 2 * time.Second
)

// OnRead registers a handler that adds to entries as they are shown, or takes out of them: e.Extra, for a whole page at once.
// One that fails or does not return within 20 ms is passed over; one that Redacts stops the answer instead.
func OnRead(r *Registry, fn func(ctx context.Context, e *core.ReadEvent) error, given ...Option) error {
	o := r.options("entry.read", append([]Option{Within(readTimeout), SkipOnFault()}, given...))
	if err := r.mayName(o.types); err != nil {
		return err
	}
	h := handlerOf[*core.ReadEvent](r, r.hooks.EntryRead.Order(), &o)
	h.Fn = func(ctx context.Context, e *core.ReadEvent, next hook.Next) error {
		if !o.wants(e.Type.Name) || !r.gate.Open(ctx) {
			return next(ctx)
		}
		began := time.Now()
		own := *e
		own.Actor, own.Views, own.Extra = cloneActor(e.Actor), slices.Clone(e.Views), make([]map[string]any, len(e.Views))
		for i := range own.Extra {
			own.Extra[i] = map[string]any{}
		}
		err := inTime(ctx, func() error { return fn(ctx, &own) })
		r.note("entry.read", began, err)
		if err != nil {
			e.Lacking = true
			return err
		}
		for i := range own.Extra {
			for name, v := range own.Extra[i] {
				e.Extra[i][name] = v
			}
		}
		return next(ctx)
	}
	return r.hooks.EntryRead.Add(h)
}

// Redacts makes a handler one that must not be passed over: without it, nothing is shown.
func Redacts() Option { return func(o *options) { o.fail = hook.FailClosed } }

// errWidened is the fault of a handler that touched the query itself.
var errWidened = errors.New("changed the query: it may only narrow it, by adding to Narrow")

// OnQuery registers a handler that narrows queries: what it adds to e.Narrow is ANDed. It may refuse; it cannot widen.
func OnQuery(r *Registry, fn func(ctx context.Context, e *core.QueryEvent) error, given ...Option) error {
	o := r.options("query.plan", append([]Option{Within(readTimeout)}, given...))
	if err := r.mayName(o.types); err != nil {
		return err
	}
	h := handlerOf[*core.QueryEvent](r, r.hooks.QueryPlan.Order(), &o)
	h.Fn = func(ctx context.Context, e *core.QueryEvent, next hook.Next) error {
		if !o.wants(e.Type.Name) || !r.gate.Open(ctx) {
			return next(ctx)
		}
		began := time.Now()
		own := *e
		own.Actor, own.Query, own.Narrow = cloneActor(e.Actor), cloneQuery(e.Query), nil
		err := inTime(ctx, func() error { return fn(ctx, &own) })
		if err == nil && !reflect.DeepEqual(own.Query, e.Query) {
			err = errWidened
		}
		r.note("query.plan", began, err)
		if err != nil {
			return err
		}
		e.Narrow = append(e.Narrow, own.Narrow...)
		return next(ctx)
	}
	return r.hooks.QueryPlan.Add(h)
}

// cloneQuery copies a query, so that a plugin cannot reach into the one that counts: neither into what is asked for nor into
// what keeps it to what its caller may see.
func cloneQuery(q core.Query) core.Query {
	q.Where, q.Visible = cloneNode(q.Where), cloneNode(q.Visible)
	q.Searched, q.Only = slices.Clone(q.Searched), slices.Clone(q.Only)
	q.Sort, q.Facets = slices.Clone(q.Sort), slices.Clone(q.Facets)
	for i := range q.Sort {
		q.Sort[i].Path = clonePath(q.Sort[i].Path)
	}
	for i := range q.Facets {
		q.Facets[i] = clonePath(q.Facets[i])
	}
	if q.Geo != nil {
		geo := *q.Geo
		q.Geo = &geo
	}
	return q
}

func clonePath(p core.Path) core.Path {
	p.Via, p.Steps = slices.Clone(p.Via), slices.Clone(p.Steps)
	for i, step := range p.Steps {
		p.Steps[i] = maps.Clone(step)
		for name, n := range step {
			p.Steps[i][name] = cloneNode(n)
		}
	}
	return p
}

func cloneNode(n core.Node) core.Node {
	switch n := n.(type) {
	case core.And:
		return core.And(cloneNodes(n))
	case core.Or:
		return core.Or(cloneNodes(n))
	case core.Not:
		return core.Not{Node: cloneNode(n.Node)}
	case core.Compare:
		n.Values, n.Path = slices.Clone(n.Values), clonePath(n.Path)
		return n
	}
	return n
}

func cloneNodes(nodes []core.Node) []core.Node {
	if nodes == nil {
		return nil
	}
	out := make([]core.Node, len(nodes))
	for i := range nodes {
		out[i] = cloneNode(nodes[i])
	}
	return out
}

// OnSchema registers a handler that may refuse a change of a content type.
func OnSchema(r *Registry, fn func(ctx context.Context, e *core.SchemaEvent) error, given ...Option) error {
	o := r.options("schema.change", append([]Option{Within(schemaTimeout)}, given...))
	h := handlerOf[*core.SchemaEvent](r, r.hooks.SchemaChange.Order(), &o)
	h.Fn = func(ctx context.Context, e *core.SchemaEvent, next hook.Next) error {
		if !o.wants(e.New.Name) || !r.gate.Open(ctx) {
			return next(ctx)
		}
		began, own := time.Now(), *e
		own.Actor = cloneActor(e.Actor)
		err := inTime(ctx, func() error { return fn(ctx, &own) })
		r.note("schema.change", began, err)
		if err != nil {
			return err
		}
		return next(ctx)
	}
	return r.hooks.SchemaChange.Add(h)
}

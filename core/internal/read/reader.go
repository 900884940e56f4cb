package read

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Parts are what a Reader is made of. All are needed, but for Now.
type Parts struct {
	Types   core.Types
	Access  core.Access
	Catalog core.Catalog
	Queries core.Queries
	Content core.Content // for the documents of past revisions
	Log     core.Log     // for the changes feed
	Hooks   *core.Hooks
	// Prune writes a type's JSON Schema as a caller sees it who may read some of its fields only.
	Prune func(t *core.Type, read *core.FieldSet) (core.Doc, error)
	Now   func() time.Time // the store's clock; nil: the machine's
}

// Reader implements core.Reader.
type Reader struct {
	Parts
	masks     masks
	scratches sync.Pool // of *[]byte
	writers   sync.Pool // of *writer
}

var _ core.Reader = (*Reader)(nil)

// New makes the read path.
func New(p Parts) *Reader {
	if p.Now == nil {
		p.Now = time.Now
	}
	return &Reader{Parts: p, scratches: sync.Pool{New: func() any { return new([]byte) }}, writers: sync.Pool{New: func() any { return new(writer) }}}
}

// Visible implements core.Reader.
func (r *Reader) Visible(ctx context.Context, who *core.Principal) ([]*core.Type, error) {
	var out []*core.Type
	for _, t := range r.Types.Types() {
		if _, err := r.Access.Scope(ctx, who, t, core.ActionList); err == nil {
			out = append(out, t)
		}
	}
	return out, nil
}

// typ finds a type; one that is not there gets the answer of one that the caller may not see.
func (r *Reader) typ(name core.TypeName) (*core.Type, error) {
	if t, ok := r.Types.Type(name); ok {
		return t, nil
	}
	return nil, core.NoType(name)
}

// scoped finds a type and what the caller may do with it.
func (r *Reader) scoped(ctx context.Context, who *core.Principal, name core.TypeName, a core.Action) (*core.Type, *core.Scope, error) {
	t, err := r.typ(name)
	if err != nil {
		return nil, nil, err
	}
	s, err := r.Access.Scope(ctx, who, t, a)
	return t, s, err
}

// absent is the one error for an entry that is not there, or not for this caller.
func absent(t *core.Type, what string) error {
	const most = 100
	if len(what) > most {
		what = strings.ToValidUTF8(what[:most], "") + "…"
	}
	en := fmt.Sprintf("There is no %s %q.", string(t.Name), what)
	fr := fmt.Sprintf("Il n’y a pas de contenu « %s » de type « %s ».", what, t.Name)
	return &core.Error{Code: core.CodeNotFound, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

// planned is a query after the plugins narrowed it.
func (r *Reader) planned(ctx context.Context, who *core.Principal, t *core.Type, q core.Query) (core.Query, error) {
	if r.Hooks.QueryPlan.Empty() {
		return q, nil
	}
	e := &core.QueryEvent{Name: "query.plan", Actor: who, Type: t, Query: q}
	if err := r.Hooks.QueryPlan.Run(ctx, e, func(context.Context) error { return nil }); err != nil {
		return q, core.OfHook(err)
	}
	if len(e.Narrow) > 0 {
		q.Where = narrowed(q.Where, e.Narrow)
		if q.Text != "" {
			q.Visible = narrowed(q.Visible, e.Narrow)
		}
	}
	return q, nil
}

func narrowed(where core.Node, more []core.Node) core.Node {
	all := core.And{}
	if where != nil {
		all = append(all, where)
	}
	return append(all, more...)
}

// visible keeps, of the entries of a type, those that the caller may see in a state, with the plugins' word on it.
// At most 200 identifiers are looked at.
func (r *Reader) visible(ctx context.Context, who *core.Principal, t *core.Type, s *core.Scope, state core.State, ids []core.EntryID) ([]core.View, error) {
	if state != core.StatePublished && !s.Drafts {
		return nil, nil
	}
	where := s.In(state).Where
	if where == nil && r.Hooks.QueryPlan.Empty() {
		return r.byID(ctx, t, state, ids)
	}
	q, err := r.planned(ctx, who, t, core.Query{Type: t.Name, State: state, Where: where, Only: ids, Limit: min(len(ids), maxDocuments),
		Sort: []core.SortKey{{Path: core.Path{Field: "_id"}}}})
	if err != nil {
		return nil, err
	}
	page, err := r.Catalog.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	return page.Views, nil
}

func (r *Reader) byID(ctx context.Context, t *core.Type, state core.State, ids []core.EntryID) ([]core.View, error) {
	var out []core.View
	for _, id := range ids {
		v, err := r.Catalog.ByID(ctx, t.Name, id, state)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, *v)
	}
	return out, nil
}

// key is what an answer is remembered by: what was asked, and what the caller may see of each type in it. Where
// plugins take part each caller has answers of his own: a plugin may answer each differently.
func (r *Reader) key(who *core.Principal, kind string, a *core.Asked, more string) string {
	scope, actor := "", ""
	if a.Scope != nil {
		if scope = a.Scope.Key; scope == "" {
			return "" // a scope for this moment only
		}
	}
	for _, reached := range a.Reach {
		if reached.Scope.Key == "" {
			return ""
		}
		scope += " " + string(reached.Type.Name) + "=" + reached.Scope.Key
	}
	if !r.Hooks.EntryRead.Empty() || !r.Hooks.QueryPlan.Empty() {
		actor = who.ID
	}
	return kind + "\n" + scope + "\n" + actor + "\n" + a.Canonical + "\n" + more
}

func typesOf(a *core.Asked) []core.TypeName {
	types := make([]core.TypeName, 1, 1+len(a.Reach))
	types[0] = a.Type
	for _, reached := range a.Reach {
		if reached.Type.Name != a.Type {
			types = append(types, reached.Type.Name)
		}
		types = append(types, reached.Scope.LooksInto...)
	}
	if a.Scope != nil {
		types = append(types, a.Scope.LooksInto...)
	}
	return types
}

// nextDue gives when an answer about types changes by itself, as its readers see them.
func (r *Reader) nextDue(state core.State, types []core.TypeName) time.Time {
	if public, ok := r.Catalog.(core.PublicClock); ok && state == core.StatePublished {
		return public.NextPublicDue(types...)
	}
	return r.Catalog.NextDue(types...)
}

// earlier gives the earlier of two moments, zero being never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

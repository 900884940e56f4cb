package read

import (
	"context"
	"net/url"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// One implements core.Reader.
func (r *Reader) One(ctx context.Context, who *core.Principal, name core.TypeName, idOrSlug string, params url.Values) (*core.Pending, error) {
	t, err := r.typ(name)
	if err != nil {
		return nil, err
	}
	a, err := r.Queries.ParseOne(ctx, who, t, params)
	if err != nil {
		return nil, err
	}
	p := &pendingOne{r: r, who: who, t: t, a: a, idOrSlug: idOrSlug}
	p.types[0] = a.Type
	p.Pending = core.Pending{Key: r.key(who, "one", a, idOrSlug), Types: p.types[:], Answer: p.answer}
	if len(a.Reach) > 0 || len(a.Scope.LooksInto) > 0 {
		p.Types = typesOf(a)
	}
	return &p.Pending, nil
}

// pendingOne is a request for one entry in a single piece of memory: there are more of them than of anything else.
type pendingOne struct {
	core.Pending
	r        *Reader
	who      *core.Principal
	t        *core.Type
	a        *core.Asked
	idOrSlug string
	types    [1]core.TypeName
}

func (p *pendingOne) answer(ctx context.Context) (*core.Answer, error) {
	return p.r.one(ctx, p.who, p.t, p.a, p.Types, p.idOrSlug)
}

func (r *Reader) one(ctx context.Context, who *core.Principal, t *core.Type, a *core.Asked, types []core.TypeName, idOrSlug string) (*core.Answer, error) {
	position := r.Catalog.Position()
	v, former, err := r.find(ctx, t, a, idOrSlug)
	if err != nil {
		return nil, err
	}
	if a.Where != nil || !r.Hooks.QueryPlan.Empty() {
		if v, err = r.stillVisible(ctx, who, t, a, v); err != nil {
			return nil, err
		}
		if v == nil {
			return nil, absent(t, idOrSlug)
		}
	}
	answer, err := r.single(ctx, who, t, a, types, v)
	if err != nil {
		return nil, err
	}
	answer.Position = position
	if former {
		answer.Moved = slugOf(t, v.Doc)
	}
	return answer, nil
}

// find looks for an identifier, and for a slug where the caller may read slugs.
func (r *Reader) find(ctx context.Context, t *core.Type, a *core.Asked, idOrSlug string) (v *core.View, former bool, err error) {
	if core.ValidID(idOrSlug) {
		v, err = r.Catalog.ByID(ctx, t.Name, core.EntryID(idOrSlug), a.State)
		if core.CodeOf(err) != core.CodeNotFound {
			return v, false, err
		}
	}
	if t.SlugField == "" || !a.Scope.In(a.State).Readable(t, t.SlugField) {
		return nil, false, absent(t, idOrSlug)
	}
	v, former, err = r.Catalog.BySlug(ctx, t.Name, idOrSlug, a.State)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, false, absent(t, idOrSlug)
	}
	return v, former, err
}

func (r *Reader) stillVisible(ctx context.Context, who *core.Principal, t *core.Type, a *core.Asked, v *core.View) (*core.View, error) {
	views, err := r.visible(ctx, who, t, a.Scope, a.State, []core.EntryID{v.ID})
	if err != nil || len(views) == 0 {
		return nil, err
	}
	return &views[0], nil
}

func slugOf(t *core.Type, doc []byte) string {
	m, err := jsondoc.ParseObject(doc)
	if err != nil {
		return ""
	}
	v, _ := jsondoc.Lookup(m, t.SlugField)
	slug, _ := v.(string)
	return slug
}

// single writes one entry bare.
func (r *Reader) single(ctx context.Context, who *core.Principal, t *core.Type, a *core.Asked, types []core.TypeName, v *core.View) (*core.Answer, error) {
	x := r.writer(ctx, who, t, a)
	x.own.addResults(a)
	items, err := x.alone(t, v)
	if err != nil {
		return nil, err
	}
	if err := x.gather(items, &x.own); err != nil {
		return nil, err
	}
	answer := x.finish(x.entry(x.begin(items, &x.own), &items[0], &x.own), types, items)
	answer.Rev = v.Rev
	return answer, nil
}

// alone prepares a single entry, without more memory than the writer has unless plugins take part.
func (x *writer) alone(t *core.Type, v *core.View) (items []item, err error) {
	if !x.r.Hooks.EntryRead.Empty() || len(x.own.scope.More) > 0 {
		return x.items(t, x.asked.Scope, x.asked.State, []core.View{*v})
	}
	x.single[0], err = x.item(t, v)
	return x.single[:], err
}

// readParams are the parameters of a write that say how its answer is shown.
var readParams = []string{"fields", "include", "locale", "richtext"}

// Show implements core.Reader. A writer who may not see drafts, or not this one, is told which entry it is and no more.
func (r *Reader) Show(ctx context.Context, who *core.Principal, e *core.Entry, params url.Values) (*core.Answer, error) {
	t, err := r.typ(e.Type)
	if err != nil {
		return nil, err
	}
	state := core.StateDraft
	if e.Trashed() {
		state = core.StateTrash
	}
	v, _ := e.View(state)
	if seen, err := r.sees(ctx, who, t, state, &v); err != nil || !seen {
		return r.receipt(&v), err
	}
	show := url.Values{"state": {string(state)}}
	for _, name := range readParams {
		if values, ok := params[name]; ok {
			show[name] = values
		}
	}
	a, err := r.Queries.ParseOne(ctx, who, t, show)
	if err != nil {
		return nil, err
	}
	return r.single(ctx, who, t, a, typesOf(a), &v)
}

// sees reports whether a caller may see an entry in a state.
func (r *Reader) sees(ctx context.Context, who *core.Principal, t *core.Type, state core.State, v *core.View) (bool, error) {
	s, err := r.Access.Scope(ctx, who, t, core.ActionRead)
	if err != nil || !s.Drafts {
		return false, nil
	}
	if s.In(state).Where == nil {
		return true, nil
	}
	views, err := r.visible(ctx, who, t, s, state, []core.EntryID{v.ID})
	return len(views) > 0, err
}

// receipt names an entry and its revision.
func (r *Reader) receipt(v *core.View) *core.Answer {
	b := appendMembers(nil, v, "", &shape{show: showRev | showStatus})
	return &core.Answer{Body: append(b, '}'), Rev: v.Rev, Tags: []string{string(v.Type), string(v.Type) + "/" + string(v.ID)}}
}

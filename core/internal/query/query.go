package query

import (
	"context"
	"net/url"

	"github.com/palabre-cms/palabre/core"
)

// Queries implements core.Queries.
type Queries struct {
	types  core.Types
	access core.Access
	key    []byte
	plain  plain
}

var _ core.Queries = (*Queries)(nil)

// New makes the parser. key signs cursors: at least 32 random bytes, the same on every node and after a restart.
func New(types core.Types, access core.Access, key []byte) *Queries {
	return &Queries{types: types, access: access, key: append([]byte(nil), key...)}
}

// Parse implements core.Queries.
func (q *Queries) Parse(ctx context.Context, who *core.Principal, t *core.Type, params url.Values) (*core.Asked, error) {
	return q.parse(ctx, who, t, params, core.ActionList, listParameters)
}

// ParseOne implements core.Queries.
func (q *Queries) ParseOne(ctx context.Context, who *core.Principal, t *core.Type, params url.Values) (*core.Asked, error) {
	return q.parse(ctx, who, t, params, core.ActionRead, oneParameters)
}

func (q *Queries) parse(ctx context.Context, who *core.Principal, t *core.Type, params url.Values, action core.Action, known []parameter) (*core.Asked, error) {
	scope, err := q.access.Scope(ctx, who, t, action)
	if err != nil {
		return nil, err
	}
	if len(params) == 0 {
		if a, ok := q.plain.get(t, scope, action); ok {
			return a, nil
		}
	}
	w, err := readURL(params, known)
	if err != nil {
		return nil, err
	}
	r := &request{Queries: q, ctx: ctx, who: who, own: newView(t, scope, core.StatePublished), one: action == core.ActionRead}
	a, err := r.ask(w)
	if len(params) == 0 && err == nil {
		q.plain.put(t, scope, action, a)
	}
	return a, err
}

// ParseBody implements core.Queries.
func (q *Queries) ParseBody(ctx context.Context, who *core.Principal, t *core.Type, body map[string]any) (*core.Asked, error) {
	r, err := q.begin(ctx, who, t, core.ActionList)
	if err != nil {
		return nil, err
	}
	w, err := readBody(body)
	if err != nil {
		return nil, err
	}
	return r.ask(w)
}

// ParseWhere implements core.Queries. The node holds what the tree says and nothing of the caller's own restrictions.
func (q *Queries) ParseWhere(ctx context.Context, who *core.Principal, t *core.Type, tree any) (core.Node, error) {
	r, err := q.begin(ctx, who, t, core.ActionList)
	if err != nil || tree == nil {
		return nil, err
	}
	node, err := r.tree(tree, 0)
	return simplify(node), err
}

// request is one request while its names are checked.
type request struct {
	*Queries
	ctx        context.Context
	who        *core.Principal
	own        *view
	others     map[core.TypeName]*view // by type; nil for one that the caller may not list
	predicates int
	one        bool       // a single entry is asked for
	beyond     core.State // in which others are looked at: that of the request, but drafts for the trash
}

func (q *Queries) begin(ctx context.Context, who *core.Principal, t *core.Type, a core.Action) (*request, error) {
	scope, err := q.access.Scope(ctx, who, t, a)
	if err != nil {
		return nil, err
	}
	return &request{Queries: q, ctx: ctx, who: who, own: newView(t, scope, core.StatePublished), beyond: core.StatePublished}, nil
}

// ask checks a wish, part by part, in an order that does not depend on how it was written.
func (r *request) ask(w *wish) (*core.Asked, error) {
	a := &core.Asked{Scope: r.own.whole}
	a.Type, a.Text, a.Limit, a.Total, a.Highlight, a.RichText = r.own.t.Name, w.text, w.limit, w.total, w.highlight && w.text != "", w.richText
	for _, part := range [...]func(*wish, *core.Asked) error{r.state, r.locale, r.which, r.includes, r.fields} {
		if err := part(w, a); err != nil {
			return nil, err
		}
	}
	a.Reach = r.reach()
	canonical := appendFirst(make([]byte, 0, 512), a)
	if w.after != "" {
		after, err := r.open(string(canonical), w.after)
		if err != nil {
			return nil, err
		}
		a.After = after
	}
	a.Canonical = string(appendSecond(canonical, a, w.after))
	if a.Text != "" {
		a.Visible = r.own.scope.Where
	}
	a.Where = both(r.own.scope.Where, a.Where)
	return a, nil
}

// both is what the caller may see and what the caller asked for, whatever is written in the second.
func both(scope, asked core.Node) core.Node {
	switch {
	case scope == nil:
		return asked
	case asked == nil:
		return scope
	default:
		return core.And{scope, asked}
	}
}

func (r *request) state(w *wish, a *core.Asked) error {
	a.State = w.state
	if r.beyond = core.StateDraft; w.state == core.StatePublished {
		r.beyond = core.StatePublished
	}
	if w.state == core.StatePublished || r.own.whole.Drafts {
		r.own = newView(r.own.t, r.own.whole, w.state)
		return nil
	}
	if r.who.Anonymous() {
		return told(core.CodeUnauthenticated, "Sign in to look at what is not published.", "Connectez-vous pour voir ce qui n’est pas publié.")
	}
	return told(core.CodeForbidden, "Your role shows you what is published; drafts and the trash need a right of their own.",
		"Votre rôle vous montre ce qui est publié ; les brouillons et la corbeille demandent un droit de plus.")
}

// told makes an error for readers rather than for programmers: in both languages.
func told(code core.Code, en, fr string) error {
	return &core.Error{Code: code, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

// locale takes any language for a type that has none: its content reads the same in all.
func (r *request) locale(w *wish, a *core.Asked) error {
	t := r.own.t
	if w.locale == "" || len(t.Locales) == 0 {
		return nil
	}
	if !t.HasLocale(w.locale) {
		return refuse("unknown_locale", "%s is not written in %q. It is written in: %s.", "%s ne s’écrit pas en %q. Langues : %s.", string(t.Name), short(string(w.locale)), list(t.Locales))
	}
	a.Locale = w.locale
	return nil
}

// which reads the parts that a list has and a single entry has not.
func (r *request) which(w *wish, a *core.Asked) error {
	if r.one {
		return nil
	}
	for _, part := range [...]func(*wish, *core.Asked) error{r.where, r.searched, r.order, r.facets, r.place} {
		if err := part(w, a); err != nil {
			return err
		}
	}
	return nil
}

func (r *request) where(w *wish, a *core.Asked) error {
	nodes := make([]core.Node, 0, len(w.conditions)+len(w.trees))
	for _, c := range w.conditions {
		n, err := r.condition(c)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	for _, tree := range w.trees {
		n, err := r.tree(tree, 0)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	if len(nodes) > 0 {
		a.Where = simplify(core.And(nodes))
	}
	return nil
}

// searched keeps a search out of the fields that the caller may not read: a match would tell what stands in them.
func (r *request) searched(w *wish, a *core.Asked) error {
	if w.text == "" {
		return nil
	}
	a.Private = r.own.scope.Private
	var seen []string
	hidden := false
	for i := range r.own.t.Fields {
		f := &r.own.t.Fields[i]
		switch {
		case f.Search == 0:
		case r.own.readable(f.Path):
			seen = append(seen, f.Path)
		case !f.Private || a.Private:
			hidden = true
		}
	}
	if hidden {
		a.Searched = append([]string{}, seen...)
	}
	return nil
}

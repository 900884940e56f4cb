package read

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Revisions implements core.Reader.
func (r *Reader) Revisions(ctx context.Context, who *core.Principal, name core.TypeName, id core.EntryID, params url.Values) (*core.Pending, error) {
	t, s, err := r.scoped(ctx, who, name, core.ActionHistory)
	if err != nil {
		return nil, err
	}
	limit, after, err := r.Queries.ParsePage(params)
	if err != nil {
		return nil, err
	}
	before, err := parseCount(after)
	if err != nil {
		return nil, err
	}
	return &core.Pending{Types: []core.TypeName{name}, Answer: func(ctx context.Context) (*core.Answer, error) {
		if err := r.mustSeeAny(ctx, who, t, s, id); err != nil {
			return nil, err
		}
		return r.revisions(ctx, t, id, int64(before), limit)
	}}, nil
}

// revisions asks for one more than a page holds, to know whether there is another page; the cursor is a revision.
func (r *Reader) revisions(ctx context.Context, t *core.Type, id core.EntryID, before int64, limit int) (*core.Answer, error) {
	position := r.Catalog.Position()
	list, err := r.Catalog.Revisions(ctx, id, before, limit+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = strconv.FormatInt(list[limit-1].Rev, 10)
	}
	b := append([]byte(nil), `{"data":[`...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendJSON(b, &list[i]); err != nil {
			return nil, err
		}
	}
	b = append(appendPage(append(b, ']'), limit, next, false, 0), '}')
	return &core.Answer{Body: b, Tags: []string{string(t.Name), string(t.Name) + "/" + string(id)}, Position: position}, nil
}

func appendJSON(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, core.Wrap("read.appendJSON", err)
	}
	return append(b, text...), nil
}

// mustSeeAny is mustSee for those who may look into the history, which is all of the entry's states.
func (r *Reader) mustSeeAny(ctx context.Context, who *core.Principal, t *core.Type, s *core.Scope, id core.EntryID) error {
	whole := *s
	whole.Drafts = true
	return r.mustSee(ctx, who, t, &whole, id)
}

// Revision implements core.Reader. What the caller may not read is taken out of both sides before they are compared.
func (r *Reader) Revision(ctx context.Context, who *core.Principal, name core.TypeName, id core.EntryID, rev, diff int64) (*core.Pending, error) {
	t, s, err := r.scoped(ctx, who, name, core.ActionHistory)
	if err != nil {
		return nil, err
	}
	return &core.Pending{Types: []core.TypeName{name}, Answer: func(ctx context.Context) (*core.Answer, error) {
		if err := r.mustSeeAny(ctx, who, t, s, id); err != nil {
			return nil, err
		}
		e, err := r.Content.Revision(ctx, name, id, rev)
		if err != nil {
			return nil, err
		}
		if diff > 0 {
			return r.difference(ctx, t, s.In(core.StateDraft), e, diff)
		}
		return r.past(ctx, who, t, s, e)
	}}, nil
}

// past shows an entry as it was.
func (r *Reader) past(ctx context.Context, who *core.Principal, t *core.Type, s *core.Scope, e *core.Entry) (*core.Answer, error) {
	state := core.StateDraft
	if e.Trashed() {
		state = core.StateTrash
	}
	v, _ := e.View(state)
	a := &core.Asked{Query: core.Query{Type: t.Name, State: state}, Scope: s}
	return r.single(ctx, who, t, a, typesOf(a), &v)
}

func (r *Reader) difference(ctx context.Context, t *core.Type, s *core.Scope, e *core.Entry, from int64) (*core.Answer, error) {
	old, err := r.Content.Revision(ctx, t.Name, e.ID, from)
	if err != nil {
		return nil, err
	}
	before, err := r.shown(t, s, old.Latest())
	if err != nil {
		return nil, err
	}
	after, err := r.shown(t, s, e.Latest())
	if err != nil {
		return nil, err
	}
	ops := jsondoc.Diff(before, after)
	if ops == nil {
		ops = []jsondoc.PatchOp{}
	}
	b, err := appendJSON(nil, ops)
	return &core.Answer{Body: b, Rev: e.Rev, Tags: []string{string(t.Name), string(t.Name) + "/" + string(e.ID)}}, err
}

// shown is a document without what the caller may not read, its translations included.
func (r *Reader) shown(t *core.Type, s *core.Scope, doc []byte) (map[string]any, error) {
	mask := r.masks.of(t, s)
	out, err := jsondoc.ParseObject(masked(doc, mask))
	if err != nil {
		return nil, core.Wrap("read.shown", err)
	}
	for name, v := range jsondoc.Members(doc) {
		switch name {
		case core.DocLocale:
			out[name] = string(unquoted(t, v))
		case core.DocTranslations:
			if out[name], err = translations(v, mask); err != nil {
				return nil, core.Wrap("read.shown", err)
			}
		}
	}
	return out, nil
}

func translations(overlays []byte, mask *plan) (map[string]any, error) {
	out := map[string]any{}
	for locale, overlay := range jsondoc.Members(overlays) {
		m, err := jsondoc.ParseObject(masked(overlay, mask))
		if err != nil {
			return nil, err
		}
		out[string([]byte(locale))] = m
	}
	return out, nil
}

// masked writes the members of an object that a plan shows.
func masked(doc []byte, p *plan) []byte {
	x := &writer{}
	return x.value(nil, doc, p)
}

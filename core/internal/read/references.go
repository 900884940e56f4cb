package read

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// maxReferences bounds what is looked through to show where an entry is used.
const maxReferences = 2000

// use is one place where an entry is referred to, as the caller may see it.
type use struct {
	core.Reference
	title []byte // JSON, nil when there is none to show
}

// References implements core.Reader.
func (r *Reader) References(ctx context.Context, who *core.Principal, name core.TypeName, id core.EntryID, params url.Values) (*core.Pending, error) {
	t, s, err := r.scoped(ctx, who, name, core.ActionRead)
	if err != nil {
		return nil, err
	}
	limit, after, err := r.Queries.ParsePage(params)
	if err != nil {
		return nil, err
	}
	visible, err := r.Visible(ctx, who)
	if err != nil {
		return nil, err
	}
	types := []core.TypeName{name}
	for _, v := range visible {
		types = append(types, v.Name)
	}
	return &core.Pending{Types: types, Answer: func(ctx context.Context) (*core.Answer, error) {
		return r.references(ctx, who, t, s, types, id, limit, after)
	}}, nil
}

func (r *Reader) references(ctx context.Context, who *core.Principal, t *core.Type, s *core.Scope, types []core.TypeName, id core.EntryID, limit int, after string) (*core.Answer, error) {
	position := r.Catalog.Position()
	if err := r.mustSee(ctx, who, t, s, id); err != nil {
		return nil, err
	}
	refs, _, err := r.Catalog.References(ctx, id, maxReferences)
	if err != nil {
		return nil, err
	}
	uses, err := r.seen(ctx, who, refs)
	if err != nil {
		return nil, err
	}
	total := len(uses)
	uses, next, err := cutPage(uses, limit, after)
	if err != nil {
		return nil, err
	}
	b := append([]byte(nil), `{"data":[`...)
	for i := range uses {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendUse(b, &uses[i])
	}
	b = append(appendPage(append(b, ']'), limit, next, true, total), '}')
	until := r.nextDue(statesOf(s)[0], types)
	return &core.Answer{Body: b, Tags: []string{string(t.Name), string(t.Name) + "/" + string(id)}, Position: position, Until: until}, nil
}

// mustSee gives CodeNotFound unless the caller may see the entry: what is published, and drafts and trash with the right.
func (r *Reader) mustSee(ctx context.Context, who *core.Principal, t *core.Type, s *core.Scope, id core.EntryID) error {
	for _, state := range statesOf(s) {
		views, err := r.visible(ctx, who, t, s, state, []core.EntryID{id})
		if err != nil || len(views) > 0 {
			return err
		}
	}
	return absent(t, string(id))
}

// statesOf lists the states to look into, the one that shows most first: whoever sees drafts of some entries only may see
// of the others what is published.
func statesOf(s *core.Scope) []core.State {
	switch {
	case s.Drafts && s.Draft != nil:
		return []core.State{core.StateDraft, core.StateTrash, core.StatePublished}
	case s.Drafts:
		return []core.State{core.StateDraft, core.StateTrash}
	}
	return []core.State{core.StatePublished}
}

// seen keeps the references that stand in fields and entries which the caller may see, with the entries' titles.
func (r *Reader) seen(ctx context.Context, who *core.Principal, refs []core.Reference) ([]use, error) {
	var out []use
	for len(refs) > 0 {
		n := 1
		for n < len(refs) && n < maxDocuments && refs[n].Type == refs[0].Type {
			n++
		}
		uses, err := r.seenIn(ctx, who, refs[:n])
		if err != nil {
			return nil, err
		}
		out, refs = append(out, uses...), refs[n:]
	}
	return out, nil
}

// seenIn does it for references in entries of one type.
func (r *Reader) seenIn(ctx context.Context, who *core.Principal, refs []core.Reference) ([]use, error) {
	t, s, err := r.scoped(ctx, who, refs[0].Type, core.ActionList)
	if err != nil {
		return nil, nil // a type that the caller may not list refers to nothing
	}
	seen := map[core.EntryID]glimpse{}
	for _, state := range statesOf(s) {
		if err := r.glimpse(ctx, who, t, s, state, refs, seen); err != nil {
			return nil, err
		}
	}
	var out []use
	for _, ref := range refs {
		g, ok := seen[ref.ID]
		if !ok || !s.In(g.state).Readable(t, ref.Field) {
			continue
		}
		if ref.In = statesSeen(ref.In, g.state); len(ref.In) > 0 {
			out = append(out, use{ref, g.title})
		}
	}
	return out, nil
}

// glimpse is what a caller sees of an entry that refers to another: the state that shows him most, and the title in it.
type glimpse struct {
	state core.State
	title []byte
}

// glimpse looks for the entries that were not seen yet.
func (r *Reader) glimpse(ctx context.Context, who *core.Principal, t *core.Type, s *core.Scope, state core.State, refs []core.Reference, seen map[core.EntryID]glimpse) error {
	var ids []core.EntryID
	for _, ref := range refs {
		if _, known := seen[ref.ID]; !known && s.In(state).Readable(t, ref.Field) {
			ids = append(ids, ref.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	views, err := r.visible(ctx, who, t, s, state, ids)
	for i := range views {
		seen[views[i].ID] = glimpse{state, titleOf(t, s.In(state), &views[i])}
	}
	return err
}

// statesSeen are the states of a reference that are shown to who sees its entry in a state.
func statesSeen(in []core.State, seen core.State) []core.State {
	if seen != core.StatePublished {
		return in
	}
	if slices.Contains(in, core.StatePublished) {
		return []core.State{core.StatePublished}
	}
	return nil
}

func titleOf(t *core.Type, s *core.Scope, v *core.View) []byte {
	if t.TitleField == "" || !s.Readable(t, t.TitleField) {
		return []byte{}
	}
	for name, value := range jsondoc.Members(v.Doc) {
		if name == t.TitleField {
			return value
		}
	}
	return []byte{}
}

func appendUse(b []byte, u *use) []byte {
	b = jsondoc.AppendString(append(b, `{"type":`...), string(u.Type))
	b = jsondoc.AppendString(append(b, `,"id":`...), string(u.ID))
	b = jsondoc.AppendString(append(b, `,"field":`...), u.Field)
	b = append(b, `,"in":[`...)
	for i, state := range u.In {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsondoc.AppendString(b, string(state))
	}
	b = append(b, ']')
	if len(u.title) > 0 {
		b = append(append(b, `,"title":`...), u.title...)
	}
	return append(b, '}')
}

// cutPage takes a page out of a whole list. Its cursor is a count: it tells nothing, so it is not signed.
func cutPage[E any](all []E, limit int, after string) (page []E, next string, err error) {
	from, err := parseCount(after)
	if err != nil {
		return nil, "", err
	}
	from = min(from, len(all))
	to := min(from+limit, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

func parseCount(after string) (int, error) {
	if after == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(after)
	if err != nil || n < 0 {
		return 0, core.Refuse(core.CodeBadRequest, "bad_cursor", "The cursor in after does not belong to this list. Take page.next of an answer, or leave after out.",
			"Le curseur donné dans after n’appartient pas à cette liste. Prenez page.next d’une réponse, ou omettez after.")
	}
	return n, nil
}

package access

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

// Nobody gives to others what he has not himself: no role, no permission, no link. Administrators have everything.

// isAdministrator reports whether a principal may do everything.
func isAdministrator(p *core.Principal) bool {
	return p.Kind == core.System.Kind || slices.Contains(p.Roles, Administrator)
}

// MayChangeRole refuses changes of roles by anybody but administrators, and those that would leave nobody in charge.
func (a *Access) MayChangeRole(who *core.Principal, name string, kind core.OperationKind) error {
	if !isAdministrator(who) {
		return core.Refuse(core.CodeForbidden, "", "Roles are changed by administrators.", "Les rôles se modifient par l’administration.")
	}
	gone := kind == core.OperationDelete || kind == core.OperationPurge
	if gone && isBuiltin(name) {
		return core.Refuse(core.CodeConflict, "", "This role belongs to Palabre and stays. Take its permissions away instead.", "Ce rôle fait partie de Palabre et reste. Retirez-lui plutôt ses permissions.")
	}
	return nil
}

// MayGiveLink refuses a link to an entry, or for an action, that a principal has no right to himself.
func (a *Access) MayGiveLink(ctx context.Context, who *core.Principal, g core.Grant) error {
	t, ok := a.Types.Type(g.Type)
	if !ok {
		return core.NoType(g.Type)
	}
	if t.Name.System() {
		return core.Refuse(core.CodeForbidden, "", "A link opens an entry of content.", "Un lien ouvre un contenu.")
	}
	for _, action := range needed(g.Actions) {
		if err := a.mayShare(ctx, who, t, g, action); err != nil {
			return err
		}
	}
	return nil
}

// needed are the rights that whoever gives a link must have. Who comments reads.
func needed(actions []core.Action) []core.Action {
	rights := []core.Action{core.ActionRead}
	if slices.Contains(actions, core.ActionUpdate) {
		rights = append(rights, core.ActionUpdate)
	}
	return rights
}

func (a *Access) mayShare(ctx context.Context, who *core.Principal, t *core.Type, g core.Grant, action core.Action) error {
	s, err := a.Scope(ctx, who, t, action)
	if err != nil {
		return err
	}
	state := core.StateDraft
	if action == core.ActionRead && !s.Drafts {
		state = core.StatePublished
	}
	s = s.In(state)
	there, err := a.finds(ctx, t.Name, g.Entry, state, s.Where)
	switch {
	case err != nil:
		return err
	case !there:
		return core.Refuse(core.CodeNotFound, "", "There is no such entry.", "Ce contenu n’existe pas.")
	case state == core.StatePublished:
		return core.Refuse(core.CodeForbidden, "", "A link opens the latest state of an entry, which is not yours to see.", "Un lien ouvre le dernier état d’un contenu, que vous ne pouvez pas voir.")
	}
	if wrong := unknownLinkFields(t, s, g.Fields); len(wrong) > 0 {
		return core.Invalid(wrong...)
	}
	p := permission{Fields: permissionLists{Read: g.Fields}}
	read, write := p.lists(t, []string{Public})
	for i := range t.Fields {
		path := t.Fields[i].Path
		if action == core.ActionRead && read.all[i] && !s.Readable(t, path) || action == core.ActionUpdate && write.all[i] && !s.Write.Has(path) && !fixed(&t.Fields[i]) {
			return core.Refuse(core.CodeForbidden, "", "The link would open the field "+path+", which is not yours to open.", "Le lien ouvrirait le champ "+path+", auquel vous n’avez pas droit.")
		}
	}
	return nil
}

// unknownLinkFields are those of a link's fields that there are not, or not for whoever gives it: to him they are the same.
func unknownLinkFields(t *core.Type, s *core.Scope, fields []string) []core.FieldError {
	shown := *t
	shown.Fields = slices.DeleteFunc(slices.Clone(t.Fields), func(f core.Field) bool { return !s.Readable(t, f.Path) })
	items := make([]any, len(fields))
	for i := range fields {
		items[i] = fields[i]
	}
	return unknownFields("/fields", items, []*core.Type{core.NewType(shown)})
}

// Covers reports whether a principal's right to do something covers an entry, in whatever state that is; an entry that is
// not there is not covered. The error is that of Scope.
func (a *Access) Covers(ctx context.Context, who *core.Principal, t *core.Type, action core.Action, id core.EntryID) (bool, error) {
	s, err := a.Scope(ctx, who, t, action)
	if err != nil {
		return false, err
	}
	for _, state := range []core.State{core.StateDraft, core.StateTrash} {
		if there, err := a.finds(ctx, t.Name, id, state, s.Where); there || err != nil {
			return there, err
		}
	}
	return false, nil
}

// finds reports whether a condition holds for an entry in a state.
func (a *Access) finds(ctx context.Context, name core.TypeName, id core.EntryID, state core.State, where core.Node) (bool, error) {
	page, err := a.Catalog.Query(ctx, core.Query{Type: name, State: state, Where: where, Only: []core.EntryID{id}, Limit: 1,
		Sort: []core.SortKey{{Path: core.Path{Field: "_id"}}}})
	if err != nil {
		return false, core.Wrap("access.finds", err)
	}
	return len(page.Views) > 0, nil
}

// fixed reports whether nobody sets a field.
func fixed(f *core.Field) bool { return f.Computed || f.ReadOnly }

// MayComment refuses remarks on an entry that a principal is not shown. The holder of a link remarks on its entry alone.
func (a *Access) MayComment(ctx context.Context, who *core.Principal, name core.TypeName, id core.EntryID) error {
	t, ok := a.Types.Type(name)
	if !ok {
		return core.NoType(name)
	}
	if g := who.Grant; g != nil && g.Type == name && g.Entry == id {
		return nil
	}
	if _, err := a.Scope(ctx, who, t, core.ActionRead); err != nil {
		return err
	}
	seen, err := a.seen(ctx, who, t, id)
	if err != nil || seen[core.StatePublished] || seen[core.StateDraft] {
		return err
	}
	return core.Refuse(core.CodeNotFound, "", "There is no such entry.", "Ce contenu n’existe pas.")
}

// seen are the states in which a principal is shown an entry; none for no entry.
func (a *Access) seen(ctx context.Context, who *core.Principal, t *core.Type, id core.EntryID) (map[core.State]bool, error) {
	seen := map[core.State]bool{}
	s, err := a.Scope(ctx, who, t, core.ActionRead)
	if err != nil || id == "" {
		if isFault(err) {
			return nil, err
		}
		return seen, nil
	}
	for _, state := range []core.State{core.StatePublished, core.StateDraft, core.StateTrash} {
		if state != core.StatePublished && !s.Drafts {
			break
		}
		if seen[state], err = a.finds(ctx, t.Name, id, state, s.In(state).Where); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

package privacy

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

// permitOwn sees to it that an erasure is no way around the rights on what Palabre keeps for itself, as accounts, roles and
// tokens: without those of the caller's own, only personal fields and remarks go, and of no administrator.
func (s *Service) permitOwn(ctx context.Context, who *core.Principal, entries []core.ErasureEntry) error {
	for _, e := range entries {
		t, ok := s.Types.Type(e.Type)
		if !ok || !e.Type.System() {
			continue
		}
		if err := s.permitSystem(ctx, who, t, &e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) permitSystem(ctx context.Context, who *core.Principal, t *core.Type, e *core.ErasureEntry) error {
	if e.Purge {
		return s.own(ctx, who, t, core.ActionPurge, nil)
	}
	others := slices.DeleteFunc(slices.Clone(e.Fields), func(path string) bool { return path == comment || coveredBy(personal(t), path) })
	if commands, err := s.commands(ctx, e); err != nil || len(others) == 0 && !commands {
		return err
	}
	return s.own(ctx, who, t, core.ActionUpdate, others)
}

// own asks for the caller's right on a type, on all its entries, and for that to write fields.
func (s *Service) own(ctx context.Context, who *core.Principal, t *core.Type, action core.Action, fields []string) error {
	scope, err := s.Access.Scope(ctx, who, t, action)
	if code := core.CodeOf(err); err != nil && code != core.CodeForbidden && code != core.CodeNotFound {
		return err
	}
	if err == nil && scope.Where == nil && !slices.ContainsFunc(fields, func(path string) bool { return !scope.Write.Has(path) }) {
		return nil
	}
	name := string(t.Name)
	return core.Refuse(core.CodeForbidden, "", "This takes more than personal fields out of "+name+", or from an administrator: that needs rights on "+name+" too. Ask an administrator.",
		"Cela retire de "+name+" plus que des champs personnels, ou concerne un administrateur : il faut aussi des droits sur "+name+". Demandez à un administrateur.")
}

// commands reports whether an entry is the account of an administrator.
func (s *Service) commands(ctx context.Context, e *core.ErasureEntry) (bool, error) {
	if e.Type != "_user" {
		return false, nil
	}
	old, err := s.Catalog.Entry(ctx, e.Type, e.ID)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var doc struct {
		Roles []string `json:"roles"`
	}
	err = json.Unmarshal(old.Latest(), &doc)
	return slices.Contains(doc.Roles, "administrator"), core.Wrap("privacy.commands", err)
}

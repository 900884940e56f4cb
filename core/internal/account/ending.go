package account

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

// EndAccounts sees to the accounts whose time is over: their sessions go, and their drafts become somebody else's. An
// account that has ended can do nothing from that moment on, whenever this comes by. It may run on one node at a time.
func (s *Service) EndAccounts(ctx context.Context) error {
	var ended []*record
	now := s.now()
	err := s.eachUser(ctx, func(u *record) error {
		if u.ended(now) && !u.handedOver {
			ended = append(ended, u)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, u := range ended {
		if err := s.endAccount(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// endAccount may be done again from any step.
func (s *Service) endAccount(ctx context.Context, u *record) error {
	var ids []core.EntryID
	if err := s.eachSession(ctx, u.id, func(l *sessionLine) { ids = append(ids, l.ID) }); err != nil {
		return err
	}
	if err := s.purge(ctx, core.System, "account_end", ids); err != nil {
		return err
	}
	for _, t := range s.c.Types.Types() {
		if t.Name.System() {
			continue
		}
		if err := s.handOver(ctx, u, t); err != nil {
			return err
		}
	}
	done := u.update(map[string]any{"handedOver": true, "epoch": number(u.epoch + 1)})
	_, err := s.c.Content.Write(ctx, core.System, []core.Operation{done}, core.WriteOptions{Reason: "account_end"})
	if core.CodeOf(err) == core.CodeStale {
		return nil // somebody is changing the account: the next round looks again
	}
	return err
}

// handOver gives the drafts of one type to whoever is to have them; without anybody they stay.
func (s *Service) handOver(ctx context.Context, u *record, t *core.Type) error {
	heir, err := s.heir(ctx, u, t)
	if err != nil || heir == "" {
		return err
	}
	ids, err := s.draftsOf(ctx, u, t)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, writeLimit) {
		ops := make([]core.Operation, len(part))
		for i, id := range part {
			ops[i] = core.Operation{Op: core.OperationReassign, Type: t.Name, ID: id, Owner: "user:" + string(heir)}
		}
		r, err := s.c.Content.Write(ctx, core.System, ops, core.WriteOptions{Reason: "handover", Partial: true})
		if err != nil {
			return err
		}
		if err := firstFault(r); err != nil {
			return err
		}
	}
	return nil
}

// draftsOf lists the entries of a type that an account has begun and that have a draft.
func (s *Service) draftsOf(ctx context.Context, u *record, t *core.Type) (ids []core.EntryID, err error) {
	mine := core.Compare{Path: core.Path{Field: "_createdBy"}, Op: core.OpEq, Values: []any{"user:" + string(u.id)}}
	q := core.Query{Type: t.Name, State: core.StateDraft, Where: mine, Limit: pageLimit, Sort: []core.SortKey{{Path: core.Path{Field: "_id"}}}}
	for {
		page, err := s.c.Catalog.Query(ctx, q)
		if err != nil {
			return nil, core.Wrap("account.draftsOf", err)
		}
		for i := range page.Views {
			e, err := s.c.Catalog.Entry(ctx, t.Name, page.Views[i].ID)
			if err == nil && e.Draft != nil && !e.Trashed() {
				ids = append(ids, e.ID)
			}
		}
		if page.Next == nil {
			return ids, nil
		}
		q.After = page.Next
	}
}

// heir is who gets an account's drafts of a type: whom the account names, else the oldest account with the role that the
// type names, of those that may act.
func (s *Service) heir(ctx context.Context, u *record, t *core.Type) (core.EntryID, error) {
	if u.handover != "" && u.handover != u.id {
		if active, err := s.active(ctx, u.handover); active || err != nil {
			return u.handover, err
		}
	}
	if t.Heir == "" {
		return "", nil
	}
	var heir core.EntryID
	err := s.eachUser(ctx, func(one *record) error { // in the order of identifiers, which is that of their making
		if one.id == u.id || !one.has(t.Heir) {
			return nil
		}
		active, err := s.active(ctx, one.id)
		if !active || err != nil {
			return err
		}
		heir = one.id
		return errEnough
	})
	return heir, err
}

func (s *Service) active(ctx context.Context, id core.EntryID) (bool, error) {
	_, err := s.c.Directory.User(ctx, id)
	if core.CodeOf(err) == core.CodeUnauthenticated {
		return false, nil
	}
	return err == nil, core.Wrap("account.active", err)
}

package privacy

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// What Palabre keeps of those who sign in.
const (
	userType    core.TypeName = "_user"
	sessionType core.TypeName = "_session"
)

// endsAccount reports whether an account is nobody's afterwards.
func (p *plan) endsAccount() bool {
	return p.Type == userType && !p.Past && (p.Purge || slices.Contains(p.Fields, "email"))
}

// endAccount sees to it that nobody signs in to an account any more whose address is erased.
func (p *plan) endAccount(doc map[string]any) {
	if !p.endsAccount() {
		return
	}
	doc["suspended"] = true
	for _, secret := range []string{"password", "totp"} {
		delete(doc, secret)
	}
}

// sessionsOf plans to purge the sessions of accounts that end, and the past of those that are over: they tell from where and
// by which browser somebody came.
func (s *Service) sessionsOf(ctx context.Context, plans []*plan) ([]*plan, error) {
	f := &sessions{s: s, accounts: map[core.EntryID]*plan{}, named: map[core.EntryID]bool{}}
	for _, p := range plans {
		if f.named[p.ID] = true; p.endsAccount() && p.wrong == nil {
			f.accounts[p.ID] = p
		}
	}
	if _, ok := s.Types.Type(sessionType); !ok || len(f.accounts) == 0 {
		return nil, nil
	}
	err := s.eachCommit(ctx, s.Catalog.Position(), func(c *core.Commit) error { return f.look(ctx, c) })
	return f.plans, err
}

// sessions gathers the plans for the sessions of accounts.
type sessions struct {
	s        *Service
	accounts map[core.EntryID]*plan
	named    map[core.EntryID]bool // has a plan
	plans    []*plan
}

func (f *sessions) look(ctx context.Context, c *core.Commit) error {
	for i := range c.Changes {
		ch := &c.Changes[i]
		if ch.Type != sessionType || f.named[ch.Entry] {
			continue
		}
		account, err := accountOf(ch, f.accounts)
		if err == nil && account != nil {
			err = f.add(ctx, account, ch.Entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add plans for one session. One that is there goes by itself with an account that is purged.
func (f *sessions) add(ctx context.Context, account *plan, id core.EntryID) error {
	f.named[id] = true
	p, err := f.s.planEntry(ctx, core.ErasureEntry{Type: sessionType, ID: id, Purge: true})
	if err == nil && (p.old == nil || !account.Purge) {
		p.along = true
		f.plans = append(f.plans, p)
	}
	return err
}

// accountOf gives the account, of those given, whose session a change has made; nil for none.
func accountOf(ch *core.Change, accounts map[core.EntryID]*plan) (*plan, error) {
	docs, err := changed(ch)
	for _, doc := range docs {
		ref, _ := jsondoc.Lookup(doc, "user._ref")
		id, _ := ref.(string)
		if p := accounts[core.EntryID(id)]; p != nil {
			return p, nil
		}
	}
	return nil, err
}

package privacy

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/spelling"
)

// doubt is what only the log can tell of a plan: whether there has ever been an entry that is not there, and fields that its
// type does not have. A typing error would leave the data where it is and report that it is gone.
type doubt struct {
	*plan
	unseen bool
	lost   []string
}

func doubtOf(p *plan) *doubt {
	lost := slices.DeleteFunc(slices.Clone(p.Fields), func(path string) bool {
		_, has := p.typ.Field(path)
		return has || path == comment
	})
	return &doubt{p, p.old == nil, lost}
}

// settleDoubts reads the log for what is in doubt: the past of entries that are gone can be erased all the same, and what a
// type has lost may still stand in it.
func (s *Service) settleDoubts(ctx context.Context, plans []*plan) error {
	doubts := map[core.EntryID]*doubt{}
	for _, p := range plans {
		if d := doubtOf(p); d.unseen || len(d.lost) > 0 {
			doubts[p.ID] = d
		}
	}
	if len(doubts) == 0 {
		return nil
	}
	err := s.eachCommit(ctx, s.Catalog.Position(), func(c *core.Commit) error { return settle(doubts, c) })
	if err != nil {
		return err
	}
	for _, p := range plans {
		if d := doubts[p.ID]; d != nil {
			if err := d.left(); err != nil {
				return err
			}
		}
	}
	return nil
}

func settle(doubts map[core.EntryID]*doubt, c *core.Commit) error {
	for i := range c.Changes {
		ch := &c.Changes[i]
		if d := doubts[ch.Entry]; d != nil && d.Type == ch.Type {
			if err := d.settle(ch); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *doubt) settle(ch *core.Change) error {
	if d.unseen = false; len(d.lost) == 0 {
		return nil
	}
	docs, err := changed(ch)
	for _, doc := range docs {
		d.lost = slices.DeleteFunc(d.lost, func(path string) bool { return len(spotsOf(doc, path)) > 0 })
	}
	return err
}

// left tells what the log has not cleared up.
func (d *doubt) left() error {
	if d.unseen {
		return core.Refuse(core.CodeNotFound, "", "One of the entries has never existed: look for the person again.", "L’un des contenus n’a jamais existé : refaites la recherche de la personne.")
	}
	if len(d.lost) == 0 {
		return nil
	}
	en := "There is no field “" + d.lost[0] + "” in this entry, now or in the past."
	fr := "Ce contenu n’a pas de champ « " + d.lost[0] + " », ni n’en a eu."
	names := make([]string, len(d.typ.Fields))
	for i := range d.typ.Fields {
		names[i] = d.typ.Fields[i].Path
	}
	if near := spelling.Nearest(d.lost[0], names); near != "" {
		en += " Did you mean “" + near + "”?"
		fr += " Vouliez-vous dire « " + near + " » ?"
	}
	return core.Refuse(core.CodeInvalid, "", en, fr)
}

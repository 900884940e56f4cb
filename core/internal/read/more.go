package read

import "github.com/palabre-cms/palabre/core"

// A scope may give further fields for some rows (core.MoreFields): a colleague's fiche shows less than one's own. What
// holds for each entry of a page is asked of the catalog, once for each of the conditions, and entries for which the same
// hold are shown by the same plan.

// variantKey is a shape under what holds beside its scope.
type variantKey struct {
	of   *shape
	held uint64
}

// holdMore notes for each entry which further fields its caller is shown.
func (x *writer) holdMore(t *core.Type, s *core.Scope, state core.State, items []item) error {
	if len(s.More) == 0 || len(items) == 0 {
		return nil
	}
	ids := make([]core.EntryID, len(items))
	at := make(map[core.EntryID]*item, len(items))
	for i := range items {
		ids[i] = items[i].view.ID
		at[ids[i]] = &items[i]
	}
	for i := range s.More {
		page, err := x.r.Catalog.Query(x.ctx, core.Query{Type: t.Name, State: state, Where: s.More[i].Where, Only: ids, Limit: len(ids),
			Sort: []core.SortKey{{Path: core.Path{Field: "_id"}}}})
		if err != nil {
			return err
		}
		for k := range page.Views {
			at[page.Views[k].ID].held |= 1 << i
		}
	}
	return nil
}

// variant is how an entry is shown for which some of the scope's further fields hold.
func (x *writer) variant(sh *shape, held uint64) *shape {
	if held == 0 {
		return sh
	}
	key := variantKey{sh, held}
	if known, ok := x.variants[key]; ok {
		return known
	}
	made := x.shape(sh.t, sh.scope.With(held), sh.state, sh.named, sh.include)
	made.show, made.lists = sh.show, sh.lists
	if x.variants == nil {
		x.variants = map[variantKey]*shape{}
	}
	x.variants[key] = &made
	return &made
}
